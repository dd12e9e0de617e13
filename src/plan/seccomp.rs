//! Which system calls the processes of a container may make.
//!
//! A profile, minirun's own ([`builtin()`]) or one in Docker's JSON ([`Profile`]), becomes `/linux/seccomp` of the container's
//! specification; from there, and from nowhere else, [`compile()`] makes the program that the kernel runs at every call.
//! Source: `seccomp(2)`, OCI runtime specification, config-linux.md, "Seccomp".

mod assemble;
mod builtin;
mod calls;
mod compile;
mod condition;
mod lookup;
mod policy;
mod profile;
mod tree;

use serde::{Deserialize, Serialize};

use super::capability::CapabilitySet;
use super::digest::{Algorithm, Digest};
use super::hasher::Hasher;
use super::process::Streams;

pub use builtin::{Situation, builtin};
pub use compile::{SeccompError, compile};
pub use lookup::{number, numbers};
pub use profile::{LARGEST, Machine, Profile, ProfileError, version};

/// A way to call the kernel: what the registers and the numbers mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abi {
    /// x86-64.
    X86_64,
    /// i386, on an x86-64 kernel by `int 0x80` and by 32-bit programs.
    X86,
    /// x86-64 with pointers of 32 bits; its numbers have a bit of their own.
    X32,
    /// 64-bit Arm.
    Aarch64,
}

/// The bit in the number of each call of x32.
pub const X32_BIT: u32 = 0x4000_0000;

impl Abi {
    /// What this program was built for.
    pub const NATIVE: Self = if cfg!(target_arch = "aarch64") { Self::Aarch64 } else { Self::X86_64 };

    /// All of them, in the order of the table of calls.
    pub const ALL: [Self; 4] = [Self::X86_64, Self::X86, Self::X32, Self::Aarch64];

    /// What the kernel calls the architecture, `AUDIT_ARCH_*` of `linux/audit.h`.
    #[must_use]
    pub fn audit(self) -> u32 {
        match self {
            Self::X86_64 | Self::X32 => 0xc000_003e,
            Self::X86 => 0x4000_0003,
            Self::Aarch64 => 0xc000_00b7,
        }
    }

    /// What Docker's profiles call the machine whose own it is.
    fn machine(self) -> &'static str {
        match self {
            Self::X86_64 | Self::X32 => "amd64",
            Self::X86 => "x86",
            Self::Aarch64 => "arm64",
        }
    }

    /// Whether only the lower 32 bits of an argument are compared; for x32, too, as libseccomp has it, which is what profiles
    /// are written for.
    fn is_narrow(self) -> bool {
        match self {
            Self::X86 | Self::X32 => true,
            Self::X86_64 | Self::Aarch64 => false,
        }
    }
}

/// Which profile was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Choice {
    /// minirun's own.
    #[default]
    Builtin,
    /// This one.
    Profile(Profile),
    /// None: every call is allowed.
    Unconfined,
}

/// Which ABIs minirun's own profile opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Abis {
    /// The machine's own.
    #[default]
    Native,
    /// That of 32-bit programs, too (`--abi32`).
    With32Bit,
}

/// Whether containers can be made inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Nesting {
    /// No: namespaces and mounts are closed.
    #[default]
    Closed,
    /// Yes (`--security nested`).
    Open,
}

/// Everything that was asked for about system calls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeccompRequest {
    /// `--security-opt seccomp`.
    pub choice: Choice,
    /// `--abi32`.
    pub abis: Abis,
    /// `--security nested`.
    pub nesting: Nesting,
}

/// What is written down for the processes that come later, by `exec`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SeccompRecord {
    /// Every call is allowed.
    #[default]
    Unconfined,
    /// minirun's own profile.
    Builtin {
        /// Which ABIs it opens.
        abis: Abis,
        /// Whether containers can be made inside.
        nesting: Nesting,
    },
    /// Another's program.
    Program(Filter),
}

impl SeccompRequest {
    /// What is written down; `filter` is what it came to.
    #[must_use]
    pub fn record(&self, filter: Option<&Filter>) -> SeccompRecord {
        match (&self.choice, filter) {
            (Choice::Builtin, Some(_)) => SeccompRecord::Builtin { abis: self.abis, nesting: self.nesting },
            (Choice::Profile(_), Some(filter)) => SeccompRecord::Program(filter.clone()),
            (Choice::Builtin | Choice::Profile(_) | Choice::Unconfined, None)
            | (Choice::Unconfined, Some(_)) => SeccompRecord::Unconfined,
        }
    }
}

impl SeccompRecord {
    /// The filter of a further process in a container with these rights and streams.
    ///
    /// # Errors
    /// The profile is too long.
    pub fn filter(
        &self,
        capabilities: CapabilitySet,
        streams: Streams,
    ) -> Result<Option<Filter>, SeccompError> {
        match self {
            Self::Unconfined => Ok(None),
            Self::Builtin { abis, nesting } => {
                let situation = Situation { capabilities, abis: *abis, nesting: *nesting, streams };
                compile(&builtin(&situation, Abi::NATIVE), Abi::NATIVE).map(Some)
            }
            Self::Program(filter) => Ok(Some(filter.clone())),
        }
    }
}

/// An instruction of classic BPF: `struct sock_filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instruction {
    /// What to do.
    pub code: u16,
    /// How many instructions to skip if a comparison holds.
    pub jt: u8,
    /// How many if it does not.
    pub jf: u8,
    /// The operand.
    pub k: u32,
}

/// A program for the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Its instructions, at most 4096.
    pub instructions: Vec<Instruction>,
    /// `SECCOMP_FILTER_FLAG_*`.
    pub flags: u32,
}

/// What the kernel calls the architectures of 32-bit programs on machines that minirun runs on.
const NARROW: [u32; 2] = [0x4000_0003, 0x4000_0028];

impl Filter {
    /// Whether 32-bit programs may run: what the program does not name it does not let through.
    #[must_use]
    pub fn opens_32_bit(&self) -> bool {
        self.instructions.iter().any(|instruction| NARROW.contains(&instruction.k))
    }

    /// The SHA-256 of the program as the kernel gets it: of each instruction the code (two bytes), both jumps (one byte
    /// each) and the operand (four bytes), numbers with their lowest byte first. So the same filter has the same digest on
    /// every machine, and what `PTRACE_SECCOMP_GET_FILTER` gives can be compared with it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        for instruction in &self.instructions {
            let [low, high] = instruction.code.to_le_bytes();
            let [a, b, c, d] = instruction.k.to_le_bytes();
            hasher.update([low, high, instruction.jt, instruction.jf, a, b, c, d]);
        }
        hasher.finish()
    }
}

#[cfg(test)]
mod interpret;
#[cfg(test)]
mod tests;
