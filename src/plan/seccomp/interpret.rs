//! The kernel's part: runs a filter over the data of one call.

use super::Instruction;

/// `struct seccomp_data`, but the instruction pointer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Data {
    pub(super) number: u32,
    pub(super) architecture: u32,
    pub(super) arguments: [u64; 6],
}

impl Data {
    fn word(&self, offset: u32) -> u32 {
        let half =
            |value: u64, upper: bool| u32::try_from(if upper { value >> 32 } else { value & 0xffff_ffff });
        match offset {
            0 => self.number,
            4 => self.architecture,
            16..=63 if offset.is_multiple_of(4) => {
                let value = self.arguments[usize::try_from((offset - 16) / 8).unwrap()];
                half(value, offset % 8 == 4).unwrap()
            }
            _ => panic!("the program loads from {offset}"),
        }
    }
}

/// What the program returns, and how many instructions that took.
pub(super) fn run(program: &[Instruction], data: &Data) -> (u32, usize) {
    let (mut accumulator, mut index, mut steps) = (0, 0, 0);
    loop {
        let Instruction { code, jt, jf, k } = program[index];
        steps += 1;
        index += 1;
        let held = match code {
            0x20 => {
                accumulator = data.word(k);
                continue;
            }
            0x54 => {
                accumulator &= k;
                continue;
            }
            0x05 => {
                index += usize::try_from(k).unwrap();
                continue;
            }
            0x06 => return (k, steps),
            0x15 => accumulator == k,
            0x25 => accumulator > k,
            0x35 => accumulator >= k,
            0x45 => accumulator & k != 0,
            _ => panic!("the instruction {code:#x} is none that is made here"),
        };
        index += usize::from(if held { jt } else { jf });
    }
}
