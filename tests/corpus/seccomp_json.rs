//! Profiles of system calls in Docker's JSON: what is taken becomes a program that always ends and jumps nowhere else.

use minirun::plan::capability::CapabilitySet;
use minirun::plan::seccomp::{Abi, Instruction, Machine, Profile, compile};

use interpret::{Data, run};

#[path = "../../src/plan/seccomp/interpret.rs"]
mod interpret;

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
                        // What it answers does not matter.
                        run(&filter.instructions, &Data { number, architecture: abi.audit(), arguments });
                    }
                }
            }
            assert_eq!(filter.digest(), compile(&resolved, native).unwrap().digest(), "another program");
        }
    }
}
