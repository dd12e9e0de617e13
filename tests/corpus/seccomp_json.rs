//! Profiles of system calls in Docker's JSON: what is taken becomes a program that always ends and jumps nowhere else.

use minirun::plan::capability::CapabilitySet;
use minirun::plan::seccomp::{Abi, Instruction, Machine, Profile, compile};

/// The most instructions that the kernel takes.
const LONGEST: usize = 4096;

/// Reads a profile for each kind of machine, and runs its program for many calls.
pub(crate) fn check(json: &[u8]) {
    let Ok(profile) = Profile::parse(json).map_err(|error| error.to_string()) else { return };
    for native in [Abi::X86_64, Abi::Aarch64] {
        for capabilities in [CapabilitySet::default(), CapabilitySet::all()] {
            let resolved = profile.resolve(&Machine { native, kernel: (6, 1) }, capabilities);
            let Ok(filter) = compile(&resolved, native) else { continue };
            assert!((1..=LONGEST).contains(&filter.instructions.len()));
            for abi in Abi::ALL {
                for number in (0..500).chain([0x4000_0000, 0x4000_0001, u32::MAX]) {
                    for arguments in [[0; 6], [u64::MAX; 6], [1 << 32; 6]] {
                        run(&filter.instructions, (abi.audit(), number, arguments));
                    }
                }
            }
            assert_eq!(filter.digest(), compile(&resolved, native).unwrap().digest(), "another program");
        }
    }
}

/// Runs a program over one call as the kernel does, which takes only jumps forward; what it answers does not matter.
fn run(program: &[Instruction], (architecture, number, arguments): (u32, u32, [u64; 6])) -> u32 {
    let mut data = [number, architecture, 0, 0].map(u32::to_ne_bytes).concat();
    data.extend(arguments.iter().flat_map(|argument| argument.to_ne_bytes()));
    let (mut accumulator, mut index) = (0, 0);
    loop {
        let Instruction { code, jt, jf, k } = program[index];
        index += 1;
        let held = match code {
            0x06 => return k,
            0x20 => {
                let at = usize::try_from(k).unwrap();
                accumulator = u32::from_ne_bytes(data[at..at + 4].try_into().unwrap());
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
            0x15 => accumulator == k,
            0x25 => accumulator > k,
            0x35 => accumulator >= k,
            0x45 => accumulator & k != 0,
            _ => panic!("the instruction {code:#x} is none that is made here"),
        };
        index += usize::from(if held { jt } else { jf });
    }
}
