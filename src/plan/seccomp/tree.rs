//! What becomes of each number: a balanced tree of comparisons over ranges of numbers.

use super::Abi;
use super::assemble::{Assembler, Label, Test};
use super::condition;
use super::policy::{Policy, Rule};

/// What becomes of a range of numbers.
enum Leaf<'a> {
    /// The program returns this.
    Value(u32),
    /// It depends on the arguments.
    Rules(Vec<&'a Rule>),
}

/// The numbers from `first` up to the next range.
struct Range<'a> {
    first: u32,
    leaf: Leaf<'a>,
}

/// Writes the tree of one ABI; the number of the call is in the accumulator where it begins.
pub(super) fn write(code: &mut Assembler, policy: &Policy, abi: Abi) -> Label {
    half(code, &ranges(policy, abi), (abi, policy.default))
}

fn half(code: &mut Assembler, ranges: &[Range<'_>], of: (Abi, u32)) -> Label {
    match ranges {
        [] => code.give(of.1),
        [Range { leaf: Leaf::Value(value), .. }] => code.give(*value),
        [Range { leaf: Leaf::Rules(rules), .. }] => condition::rules(code, rules, of),
        _ => {
            let (left, right) = ranges.split_at(ranges.len() / 2);
            let first = right.first().map_or(0, |range| range.first);
            let above = half(code, right, of);
            let below = half(code, left, of);
            code.branch((Test::GreaterOrEqual, first), above, below)
        }
    }
}

/// The ranges from 0 on, no two neighbours alike.
fn ranges(policy: &Policy, abi: Abi) -> Vec<Range<'_>> {
    let mut named: Vec<(u32, usize)> = Vec::with_capacity(512);
    for (index, rule) in policy.rules.iter().enumerate() {
        named.extend(rule.calls.iter().filter_map(|call| Some((call.of(abi)?, index))));
    }
    named.sort_unstable();
    named.dedup();
    let mut ranges = vec![Range { first: 0, leaf: Leaf::Value(policy.default) }];
    let mut next = 0;
    for group in named.chunk_by(|one, other| one.0 == other.0) {
        let Some(&(number, _)) = group.first() else { continue };
        if number > next {
            add(&mut ranges, next, Leaf::Value(policy.default));
        }
        add(&mut ranges, number, leaf(group.iter().filter_map(|(_, index)| policy.rules.get(*index))));
        next = number + 1;
    }
    add(&mut ranges, next, Leaf::Value(policy.default));
    ranges
}

/// A rule without conditions beats those with some, and the first of them the others, as with libseccomp.
fn leaf<'a>(rules: impl Iterator<Item = &'a Rule> + Clone) -> Leaf<'a> {
    match rules.clone().find(|rule| rule.conditions.is_empty()) {
        Some(rule) => Leaf::Value(rule.value),
        None => Leaf::Rules(rules.collect()),
    }
}

fn add<'a>(ranges: &mut Vec<Range<'a>>, first: u32, leaf: Leaf<'a>) {
    match (ranges.last_mut(), &leaf) {
        (Some(last), _) if last.first == first => last.leaf = leaf,
        (Some(Range { leaf: Leaf::Value(last), .. }), Leaf::Value(value)) if last == value => {}
        _ => ranges.push(Range { first, leaf }),
    }
}
