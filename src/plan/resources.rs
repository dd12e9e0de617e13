//! Limits of a whole container: what `--memory`, `--cpus` and their like say, and what is written into a cgroup for it.
//!
//! Sources: Docker's rules for the numbers; the kernel's cgroup-v2.rst for the files; the conversion of the weights is
//! the one that crun documents, which maps both ends of the old range to both ends of the new one.

mod best_effort;
mod cpu_list;
mod parse;

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::limit::LimitError;

pub use best_effort::{BestEffort, Counting};
pub use cpu_list::CpuList;
pub use parse::parse;

/// The least memory that a container can be given, bytes.
const LEAST_MEMORY: u64 = 6 << 20;
/// In which the time of `cpu.max` is counted, microseconds.
const PERIOD: u64 = 100_000;

/// Why a text limits nothing.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ResourceError {
    /// A size.
    #[error("cannot use `{flag}`")]
    Size {
        /// The flag.
        flag: &'static str,
        /// Why not.
        #[source]
        source: LimitError,
    },
    /// Less than a process needs.
    #[error("`--memory {0}` is less than 6m, the least that a container can be given")]
    LittleMemory(String),
    /// Swap without memory.
    #[error("`--memory-swap` counts memory and swap together: it needs `--memory`, and no less than that")]
    Swap,
    /// More reserved than there may be.
    #[error("`--memory-reservation` is more than `--memory`")]
    Reservation,
    /// A number out of its range.
    #[error("`{flag} {text}` is not {legal}")]
    Number {
        /// The flag.
        flag: &'static str,
        /// As typed.
        text: String,
        /// What could stand there.
        legal: &'static str,
    },
    /// What to do where there can be no limits.
    #[error("`--limits {0}` is neither strict nor best-effort")]
    Strictness(String),
}

/// What is done about a limit that cannot be enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strictness {
    /// The container does not start.
    #[default]
    Strict,
    /// The nearest thing is done, and what is not is said.
    BestEffort,
}

impl std::str::FromStr for Strictness {
    type Err = ResourceError;

    fn from_str(text: &str) -> Result<Self, ResourceError> {
        match text {
            "strict" => Ok(Self::Strict),
            "best-effort" => Ok(Self::BestEffort),
            _ => Err(ResourceError::Strictness(text.to_owned())),
        }
    }
}

/// The flags as typed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Words<'a> {
    /// `--memory`.
    pub memory: Option<&'a str>,
    /// `--memory-swap`.
    pub swap: Option<&'a str>,
    /// `--memory-reservation`.
    pub reservation: Option<&'a str>,
    /// `--cpus`.
    pub cpus: Option<&'a str>,
    /// `--cpu-shares`.
    pub shares: Option<&'a str>,
    /// `--cpuset-cpus`.
    pub cpuset_cpus: Option<&'a str>,
    /// `--cpuset-mems`.
    pub cpuset_mems: Option<&'a str>,
    /// `--pids-limit`.
    pub pids: Option<&'a str>,
    /// `--blkio-weight`.
    pub weight: Option<&'a str>,
}

/// A limit, by its flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names of the flags")]
pub enum Kind {
    Memory,
    MemorySwap,
    MemoryReservation,
    Cpus,
    CpuShares,
    CpusetCpus,
    CpusetMems,
    PidsLimit,
    BlkioWeight,
}

impl Kind {
    /// The flag.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Self::Memory => "--memory",
            Self::MemorySwap => "--memory-swap",
            Self::MemoryReservation => "--memory-reservation",
            Self::Cpus => "--cpus",
            Self::CpuShares => "--cpu-shares",
            Self::CpusetCpus => "--cpuset-cpus",
            Self::CpusetMems => "--cpuset-mems",
            Self::PidsLimit => "--pids-limit",
            Self::BlkioWeight => "--blkio-weight",
        }
    }

    /// The controller of cgroup v2 that enforces it.
    #[must_use]
    pub fn controller(self) -> &'static str {
        match self {
            Self::Memory | Self::MemorySwap | Self::MemoryReservation => "memory",
            Self::Cpus | Self::CpuShares => "cpu",
            Self::CpusetCpus | Self::CpusetMems => "cpuset",
            Self::PidsLimit => "pids",
            Self::BlkioWeight => "io",
        }
    }
}

/// A file of a cgroup that enforces a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names of the files")]
pub enum CgroupFile {
    MemoryMax,
    MemorySwapMax,
    MemoryLow,
    CpuMax,
    CpuWeight,
    CpusetCpus,
    CpusetMems,
    PidsMax,
    IoWeight,
}

impl CgroupFile {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MemoryMax => "memory.max",
            Self::MemorySwapMax => "memory.swap.max",
            Self::MemoryLow => "memory.low",
            Self::CpuMax => "cpu.max",
            Self::CpuWeight => "cpu.weight",
            Self::CpusetCpus => "cpuset.cpus",
            Self::CpusetMems => "cpuset.mems",
            Self::PidsMax => "pids.max",
            Self::IoWeight => "io.weight",
        }
    }
}

/// Who enforces the limits of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Limiter {
    /// There are none.
    #[default]
    Nobody,
    /// Its cgroup, for all its processes together.
    Cgroup,
    /// The kernel for each process by itself, as far as that goes.
    Processes,
}

/// One limit: what was asked, and the file that enforces it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Which.
    pub kind: Kind,
    /// The value as typed.
    pub asked: String,
    /// The file in the cgroup.
    pub file: CgroupFile,
    /// What is written there.
    pub value: String,
    /// What it has to read like then.
    pub reading: Reading,
}

/// How what is read back is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reading {
    /// Word by word.
    Exactly,
    /// The kernel rounds bytes down to whole pages.
    Bytes(u64),
    /// The same processors, however they are listed.
    Cpus(CpuList),
}

impl Limit {
    /// Whether `text`, read from the file, means that the limit is in force; `page` is the size of one, bytes.
    #[must_use]
    pub fn is_in_force(&self, text: &str, page: u64) -> bool {
        match &self.reading {
            Reading::Exactly => text.trim() == self.value,
            Reading::Bytes(bytes) => {
                text.trim().parse::<u64>().is_ok_and(|found| found / page == bytes / page && found <= *bytes)
            }
            Reading::Cpus(list) => text.trim().parse::<CpuList>().is_ok_and(|found| found == *list),
        }
    }
}

/// What became of one limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Enforcement {
    /// The flag and its value.
    pub asked: String,
    /// What limits it; none if nothing does.
    pub enforced: Option<String>,
    /// How that is known, or why it could not be done.
    pub verified: String,
}

impl fmt::Display for Enforcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.enforced {
            Some(enforced) => write!(f, "{}: {enforced} ({})", self.asked, self.verified),
            None => write!(f, "{}: not limited ({})", self.asked, self.verified),
        }
    }
}

#[cfg(test)]
mod tests;
