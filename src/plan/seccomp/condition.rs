//! Comparisons of arguments, which have 64 bits, by words of 32.

use super::Abi;
use super::assemble::{Assembler, Label, Test};
use super::policy::{Comparison, Condition, Rule};

/// Where the first argument lies in `struct seccomp_data`, and how far the next is from it, in bytes.
const FIRST: u32 = 16;
const APART: u32 = 8;
/// How far the upper word of an argument is from its lower one; every machine here has the lower one first.
const UPPER: u32 = 4;

/// A place in the program, and another for who has a certain word in the accumulator already.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) label: Label,
    loaded: Option<(u32, Label)>,
}

impl Entry {
    fn at(label: Label) -> Self {
        Self { label, loaded: None }
    }

    fn with(self, word: u32) -> Label {
        match self.loaded {
            Some((loaded, label)) if loaded == word => label,
            Some(_) | None => self.label,
        }
    }
}

/// Where a comparison leads to.
#[derive(Clone, Copy)]
struct Ways {
    then: Entry,
    otherwise: Entry,
}

impl Ways {
    fn swapped(self) -> Self {
        Self { then: self.otherwise, otherwise: self.then }
    }
}

/// Writes the rules of one call: the first whose conditions hold decides, or else `default`.
pub(super) fn rules(code: &mut Assembler, rules: &[&Rule], (abi, default): (Abi, u32)) -> Label {
    let mut next = Entry::at(code.give(default));
    for rule in rules.iter().rev() {
        let mut then = Entry::at(code.give(rule.value));
        for condition in rule.conditions.iter().rev() {
            then = one(code, *condition, abi, Ways { then, otherwise: next });
        }
        next = then;
    }
    next.label
}

fn one(code: &mut Assembler, condition: Condition, abi: Abi, ways: Ways) -> Entry {
    let word = FIRST + APART * condition.argument;
    // A 32-bit program has nothing in the upper word that counts.
    let upper = (!abi.is_narrow()).then_some(word + UPPER);
    let words = Words { lower: word, upper };
    match condition.comparison {
        Comparison::Equal(value) => masked(code, words, (u64::MAX, value), ways),
        Comparison::NotEqual(value) => masked(code, words, (u64::MAX, value), ways.swapped()),
        Comparison::Masked { mask, value } => masked(code, words, (mask, value), ways),
        Comparison::Greater(value) => ordered(code, words, (Test::Greater, value), ways),
        Comparison::LessOrEqual(value) => ordered(code, words, (Test::Greater, value), ways.swapped()),
        Comparison::GreaterOrEqual(value) => ordered(code, words, (Test::GreaterOrEqual, value), ways),
        Comparison::Less(value) => ordered(code, words, (Test::GreaterOrEqual, value), ways.swapped()),
    }
}

/// Where the words of an argument lie.
#[derive(Clone, Copy)]
struct Words {
    lower: u32,
    upper: Option<u32>,
}

fn low(value: u64) -> u32 {
    u32::try_from(value & u64::from(u32::MAX)).unwrap_or_default()
}

fn high(value: u64) -> u32 {
    low(value >> 32)
}

fn masked(code: &mut Assembler, words: Words, (mask, value): (u64, u64), ways: Ways) -> Entry {
    let lower = word(code, words.lower, (low(mask), low(value)), ways);
    match words.upper {
        Some(upper) => word(code, upper, (high(mask), high(value)), Ways { then: lower, ..ways }),
        None => lower,
    }
}

fn word(code: &mut Assembler, offset: u32, (mask, value): (u32, u32), ways: Ways) -> Entry {
    if value & !mask != 0 {
        return ways.otherwise;
    }
    let (then, otherwise) = (ways.then.with(offset), ways.otherwise.with(offset));
    let after = match (mask, value) {
        (0, _) => return ways.then,
        (u32::MAX, _) => code.branch((Test::Equal, value), then, otherwise),
        (bit, 0) if bit.is_power_of_two() => code.branch((Test::Common, bit), otherwise, then),
        (bit, _) if bit.is_power_of_two() => code.branch((Test::Common, bit), then, otherwise),
        _ => {
            let test = code.branch((Test::Equal, value), ways.then.label, ways.otherwise.label);
            code.begin_at(test);
            code.mask(mask)
        }
    };
    loading(code, offset, after)
}

fn ordered(code: &mut Assembler, words: Words, (test, value): (Test, u64), ways: Ways) -> Entry {
    let (then, otherwise) = (ways.then.with(words.lower), ways.otherwise.with(words.lower));
    let after = code.branch((test, low(value)), then, otherwise);
    let lower = loading(code, words.lower, after);
    let Some(offset) = words.upper else { return lower };
    let (then, otherwise) = (ways.then.with(offset), ways.otherwise.with(offset));
    let same = code.branch((Test::Equal, high(value)), lower.label, otherwise);
    let after = code.branch((Test::Greater, high(value)), then, same);
    loading(code, offset, after)
}

fn loading(code: &mut Assembler, offset: u32, after: Label) -> Entry {
    code.begin_at(after);
    Entry { label: code.load(offset), loaded: Some((offset, after)) }
}
