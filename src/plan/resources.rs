//! Limits of a whole container: what `--memory`, `--cpus` and their like say, and what is written into a cgroup for it.
//!
//! Sources: Docker's rules for the numbers; the kernel's cgroup-v2.rst for the files; the conversion of the weights is
//! the one that crun documents, which maps both ends of the old range to both ends of the new one.

mod best_effort;
mod cpu_list;

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::limit::{LimitError, parse_size};

pub use best_effort::{BestEffort, Counting};
pub use cpu_list::CpuList;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// One limit: what was asked, and the file that enforces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Which.
    pub kind: Kind,
    /// The value as typed.
    pub asked: String,
    /// The file in the cgroup.
    pub file: &'static str,
    /// What is written there.
    pub value: String,
    /// What it has to read like then.
    pub reading: Reading,
}

/// How what is read back is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// Reads all flags together.
///
/// # Errors
/// A value is none, or contradicts another.
pub fn parse(words: &Words<'_>) -> Result<Vec<Limit>, ResourceError> {
    let mut limits = memory(words)?;
    limits.extend(words.cpus.map(cpus).transpose()?);
    limits.extend(words.shares.map(shares).transpose()?.flatten());
    limits.extend(words.cpuset_cpus.map(|text| cpuset(Kind::CpusetCpus, text)).transpose()?);
    limits.extend(words.cpuset_mems.map(|text| cpuset(Kind::CpusetMems, text)).transpose()?);
    limits.extend(words.pids.map(pids).transpose()?.flatten());
    limits.extend(words.weight.map(weight).transpose()?.flatten());
    Ok(limits)
}

fn size(flag: &'static str, text: &str) -> Result<u64, ResourceError> {
    parse_size(text).map_err(|source| ResourceError::Size { flag, source })
}

fn bytes(kind: Kind, asked: &str, file: &'static str, bytes: u64) -> Limit {
    let (asked, value) = (asked.to_owned(), bytes.to_string());
    Limit { kind, asked, file, value, reading: Reading::Bytes(bytes) }
}

fn exact(kind: Kind, asked: &str, file: &'static str, value: String) -> Limit {
    Limit { kind, asked: asked.to_owned(), file, value, reading: Reading::Exactly }
}

/// Memory, swap and what is kept of it. Docker counts memory and swap together, cgroup v2 swap alone; without a word
/// about it there is as much swap as memory.
fn memory(words: &Words<'_>) -> Result<Vec<Limit>, ResourceError> {
    // Docker's word for no limit is 0.
    let positive =
        |flag, text: Option<&str>| Ok(text.map(|text| size(flag, text)).transpose()?.filter(|n| *n > 0));
    let memory = positive("--memory", words.memory)?;
    let reservation = positive("--memory-reservation", words.reservation)?;
    let mut limits = Vec::new();
    if let (Some(memory), Some(text)) = (memory, words.memory) {
        if memory < LEAST_MEMORY {
            return Err(ResourceError::LittleMemory(text.to_owned()));
        }
        limits.push(bytes(Kind::Memory, text, "memory.max", memory));
    }
    if let Some(text) = words.swap.filter(|text| *text != "0") {
        limits.push(swap(text, memory.ok_or(ResourceError::Swap)?)?);
    } else if let (Some(memory), Some(text)) = (memory, words.memory) {
        limits.push(bytes(Kind::Memory, text, "memory.swap.max", memory));
    }
    if let (Some(reservation), Some(text)) = (reservation, words.reservation) {
        if memory.is_some_and(|memory| reservation > memory) {
            return Err(ResourceError::Reservation);
        }
        limits.push(bytes(Kind::MemoryReservation, text, "memory.low", reservation));
    }
    Ok(limits)
}

fn swap(text: &str, memory: u64) -> Result<Limit, ResourceError> {
    if text == "-1" {
        return Ok(exact(Kind::MemorySwap, text, "memory.swap.max", "max".to_owned()));
    }
    let both = size("--memory-swap", text)?;
    let swap = both.checked_sub(memory).ok_or(ResourceError::Swap)?;
    Ok(bytes(Kind::MemorySwap, text, "memory.swap.max", swap))
}

/// `1.5` processors are 150 ms in every 100 ms.
fn cpus(text: &str) -> Result<Limit, ResourceError> {
    let error = || number("--cpus", text, "a number of processors from 0.01 on, such as 1.5");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain(whole) || !is_plain(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return Err(error());
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| error())? };
    // Microseconds: five digits of the fraction are as fine as the period is.
    let fraction: u64 =
        format!("{fraction:0<5}").get(..5).and_then(|digits| digits.parse().ok()).unwrap_or(0);
    let quota = whole.checked_mul(PERIOD).and_then(|quota| quota.checked_add(fraction)).ok_or_else(error)?;
    if quota < PERIOD / 100 {
        return Err(error());
    }
    Ok(exact(Kind::Cpus, text, "cpu.max", format!("{quota} {PERIOD}")))
}

fn number(flag: &'static str, text: &str, legal: &'static str) -> ResourceError {
    ResourceError::Number { flag, text: text.to_owned(), legal }
}

/// From 2 to 262144 to from 1 to 10000.
fn shares(text: &str) -> Result<Option<Limit>, ResourceError> {
    let error = || number("--cpu-shares", text, "a weight from 2 to 262144 (1024 is usual)");
    match text.parse::<u64>().map_err(|_| error())? {
        0 => Ok(None),
        shares @ 2..=262_144 => {
            let weight = 1 + (shares - 2) * 9999 / 262_142;
            Ok(Some(exact(Kind::CpuShares, text, "cpu.weight", weight.to_string())))
        }
        _ => Err(error()),
    }
}

fn cpuset(kind: Kind, text: &str) -> Result<Limit, ResourceError> {
    let list: CpuList = text.parse().map_err(|()| number(kind.flag(), text, "a list such as 0-3,5"))?;
    let file = if kind == Kind::CpusetMems { "cpuset.mems" } else { "cpuset.cpus" };
    Ok(Limit { kind, asked: text.to_owned(), file, value: list.to_string(), reading: Reading::Cpus(list) })
}

/// No limit is 0 for Docker's documents and -1 for its users.
fn pids(text: &str) -> Result<Option<Limit>, ResourceError> {
    match text.parse::<i64>() {
        Ok(-1 | 0) => Ok(None),
        Ok(count) if count > 0 => Ok(Some(exact(Kind::PidsLimit, text, "pids.max", count.to_string()))),
        _ => Err(number("--pids-limit", text, "a number of processes, or -1 for any")),
    }
}

/// From 10 to 1000 to from 1 to 10000.
fn weight(text: &str) -> Result<Option<Limit>, ResourceError> {
    let error = || number("--blkio-weight", text, "a weight from 10 to 1000");
    match text.parse::<u64>().map_err(|_| error())? {
        0 => Ok(None),
        weight @ 10..=1000 => {
            let weight = 1 + (weight - 10) * 9999 / 990;
            Ok(Some(exact(Kind::BlkioWeight, text, "io.weight", format!("default {weight}"))))
        }
        _ => Err(error()),
    }
}

#[cfg(test)]
mod tests;
