//! Classic BPF, written from its end to its beginning.
//!
//! Every jump goes forward, so where it leads is always written already; an instruction that is no jump goes on with the one
//! that was written before it. A conditional jump reaches 255 instructions far: what lies farther gets an unconditional one
//! in between. Source: `bpf(2)`, `linux/filter.h`.

use super::Instruction;

/// `BPF_LD | BPF_W | BPF_ABS`.
const LOAD: u16 = 0x20;
/// `BPF_ALU | BPF_AND | BPF_K`.
const AND: u16 = 0x54;
/// `BPF_JMP | BPF_JA`.
const JUMP: u16 = 0x05;
/// `BPF_RET | BPF_K`.
const RETURN: u16 = 0x06;
/// The farthest a conditional jump reaches.
const REACH: usize = 255;

/// A comparison of the accumulator with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    /// `BPF_JEQ`.
    Equal,
    /// `BPF_JGT`.
    Greater,
    /// `BPF_JGE`.
    GreaterOrEqual,
    /// `BPF_JSET`: they have a bit in common.
    Common,
}

impl Test {
    fn code(self) -> u16 {
        match self {
            Self::Equal => 0x15,
            Self::Greater => 0x25,
            Self::GreaterOrEqual => 0x35,
            Self::Common => 0x45,
        }
    }
}

/// A place in the program: how many instructions there are from it to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label(usize);

/// A program that grows at its beginning.
#[derive(Default)]
pub(super) struct Assembler {
    reversed: Vec<Instruction>,
    /// Where each value is returned, the nearest place only.
    returns: Vec<(u32, Label)>,
}

impl Assembler {
    fn push(&mut self, code: u16, k: u32, (jt, jf): (u8, u8)) -> Label {
        self.reversed.push(Instruction { code, jt, jf, k });
        Label(self.reversed.len())
    }

    fn distance(&self, label: Label) -> usize {
        self.reversed.len() - label.0
    }

    /// Loads the word at `offset` of the data about the call, then goes on with what was written last.
    pub(super) fn load(&mut self, offset: u32) -> Label {
        self.push(LOAD, offset, (0, 0))
    }

    /// Keeps the bits of `mask`, then goes on with what was written last.
    pub(super) fn mask(&mut self, mask: u32) -> Label {
        self.push(AND, mask, (0, 0))
    }

    /// Ends the program with `value`.
    pub(super) fn give(&mut self, value: u32) -> Label {
        let known = self.returns.iter().position(|(known, _)| *known == value);
        if let Some(&(_, label)) = known.and_then(|index| self.returns.get(index))
            && self.distance(label) < REACH
        {
            return label;
        }
        let label = self.push(RETURN, value, (0, 0));
        match known.and_then(|index| self.returns.get_mut(index)) {
            Some(entry) => entry.1 = label,
            None => self.returns.push((value, label)),
        }
        label
    }

    /// Goes one way or the other.
    pub(super) fn branch(&mut self, (test, k): (Test, u32), then: Label, otherwise: Label) -> Label {
        if then == otherwise {
            return then;
        }
        let then = self.near(then);
        let otherwise = self.near(otherwise);
        let jt = u8::try_from(self.distance(then)).unwrap_or(u8::MAX);
        let jf = u8::try_from(self.distance(otherwise)).unwrap_or(u8::MAX);
        self.push(test.code(), k, (jt, jf))
    }

    /// A place within reach, even if one more instruction is put before the jump to it.
    fn near(&mut self, label: Label) -> Label {
        let distance = self.distance(label);
        if distance < REACH {
            return label;
        }
        self.push(JUMP, u32::try_from(distance).unwrap_or(u32::MAX), (0, 0))
    }

    /// Makes what follows begin at `label`, and not at what was written last.
    pub(super) fn begin_at(&mut self, label: Label) {
        let distance = self.distance(label);
        if distance > 0 {
            self.push(JUMP, u32::try_from(distance).unwrap_or(u32::MAX), (0, 0));
        }
    }

    /// The whole program, which begins with what was written last.
    pub(super) fn finish(mut self) -> Vec<Instruction> {
        self.reversed.reverse();
        self.reversed
    }
}
