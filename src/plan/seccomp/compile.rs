//! From a profile to the program: first the architecture, then the number, then the arguments.

use oci_spec::runtime::LinuxSeccomp;
use thiserror::Error;

use super::assemble::{Assembler, Label, Test};
use super::policy::Policy;
use super::{Abi, Filter, X32_BIT, tree};

/// Where the number of the call and the architecture lie in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
/// `SECCOMP_RET_KILL_PROCESS`: what becomes of a call by an ABI that the profile is not about.
const KILL: u32 = 0x8000_0000;
/// The number of a call that a tracer has taken back.
const NO_CALL: u32 = u32::MAX;
/// The longest program that the kernel takes, `BPF_MAXINSNS`.
const LONGEST: usize = 4096;

/// Why a profile makes no program.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SeccompError {
    /// Somebody would have to answer.
    #[error("`SCMP_ACT_NOTIFY` and its listener are not there: nobody would answer the calls")]
    Notify,
    /// There is no such argument.
    #[error("a call has the arguments 0 to 5, and none with the index {0}")]
    Argument(usize),
    /// No error has this number.
    #[error("`errnoRet` {0} is no error number")]
    Errno(u32),
    /// The program is too long.
    #[error("the profile makes {0} instructions, and the kernel takes no more than 4096")]
    TooLong(usize),
}

/// Makes the program of a profile for a machine whose own ABI is `native`.
///
/// # Errors
/// The profile asks for what there is not, or is too long.
pub fn compile(profile: &LinuxSeccomp, native: Abi) -> Result<Filter, SeccompError> {
    let policy = Policy::read(profile, native)?;
    let mut code = Assembler::default();
    let mut next = code.give(KILL);
    // Written from the end: the native ABI comes first in the program.
    for &abi in policy.abis.iter().rev().filter(|abi| **abi != Abi::X32) {
        let body = body(&mut code, &policy, abi);
        next = code.branch((Test::Equal, abi.audit()), body, next);
    }
    code.begin_at(next);
    code.load(ARCHITECTURE);
    let instructions = code.finish();
    if instructions.len() > LONGEST {
        return Err(SeccompError::TooLong(instructions.len()));
    }
    Ok(Filter { instructions, flags: policy.flags })
}

/// What is done about the calls of one architecture.
fn body(code: &mut Assembler, policy: &Policy, abi: Abi) -> Label {
    let own = tree::write(code, policy, abi);
    let start = match abi {
        Abi::X86_64 => {
            let marked = if policy.abis.contains(&Abi::X32) {
                tree::write(code, policy, Abi::X32)
            } else {
                let default = code.give(policy.default);
                let kill = code.give(KILL);
                code.branch((Test::Equal, NO_CALL), default, kill)
            };
            code.branch((Test::GreaterOrEqual, X32_BIT), marked, own)
        }
        Abi::X86 | Abi::X32 | Abi::Aarch64 => own,
    };
    code.begin_at(start);
    code.load(NUMBER)
}
