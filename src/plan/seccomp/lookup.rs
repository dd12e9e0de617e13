//! The numbers of system calls by their names.

use super::calls::{CALLS, NONE};
use super::{Abi, X32_BIT};

/// How far ahead of the last name a name is looked for before all are searched.
const AHEAD: usize = 6;

/// The number of the call `name`, with the mark of x32 where that is the ABI; none if it has no such call.
#[must_use]
pub fn number(abi: Abi, name: &str) -> Option<u32> {
    Lookup::default().numbers(name)?.of(abi)
}

/// Every call of an ABI: its name and its number.
pub fn numbers(abi: Abi) -> impl Iterator<Item = (&'static str, u32)> {
    CALLS.iter().filter_map(move |(name, numbers)| Some((*name, Numbers(numbers).of(abi)?)))
}

/// The numbers of one call.
#[derive(Clone, Copy)]
pub(super) struct Numbers(&'static [u16; 4]);

impl Numbers {
    pub(super) fn of(self, abi: Abi) -> Option<u32> {
        let [x86_64, x86, x32, aarch64] = *self.0;
        let (number, mark) = match abi {
            Abi::X86_64 => (x86_64, 0),
            Abi::X86 => (x86, 0),
            Abi::X32 => (x32, X32_BIT),
            Abi::Aarch64 => (aarch64, 0),
        };
        (number != NONE).then(|| u32::from(number) | mark)
    }
}

/// Looks names up; those that come in the order of the table cost next to nothing.
#[derive(Default)]
pub(super) struct Lookup {
    next: usize,
}

impl Lookup {
    /// The numbers of a call; none if no kernel that this program knows of has it.
    pub(super) fn numbers(&mut self, name: &str) -> Option<Numbers> {
        let near = CALLS.get(self.next..).unwrap_or_default().iter().take(AHEAD);
        let index = match near.into_iter().position(|(known, _)| *known == name) {
            Some(distance) => self.next + distance,
            None => CALLS.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?,
        };
        self.next = index + 1;
        CALLS.get(index).map(|(_, numbers)| Numbers(numbers))
    }
}
