//! From the flags to the files of a cgroup.

use super::{CgroupFile, CpuList, Kind, LEAST_MEMORY, Limit, PERIOD, Reading, ResourceError, Words};
use crate::plan::limit::parse_size;

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

fn bytes(kind: Kind, asked: &str, file: CgroupFile, bytes: u64) -> Limit {
    let (asked, value) = (asked.to_owned(), bytes.to_string());
    Limit { kind, asked, file, value, reading: Reading::Bytes(bytes) }
}

fn exact(kind: Kind, asked: &str, file: CgroupFile, value: String) -> Limit {
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
        limits.push(bytes(Kind::Memory, text, CgroupFile::MemoryMax, memory));
    }
    if let Some(text) = words.swap.filter(|text| *text != "0") {
        limits.push(swap(text, memory.ok_or(ResourceError::Swap)?)?);
    } else if let (Some(memory), Some(text)) = (memory, words.memory) {
        limits.push(bytes(Kind::Memory, text, CgroupFile::MemorySwapMax, memory));
    }
    if let (Some(reservation), Some(text)) = (reservation, words.reservation) {
        if memory.is_some_and(|memory| reservation > memory) {
            return Err(ResourceError::Reservation);
        }
        limits.push(bytes(Kind::MemoryReservation, text, CgroupFile::MemoryLow, reservation));
    }
    Ok(limits)
}

fn swap(text: &str, memory: u64) -> Result<Limit, ResourceError> {
    if text == "-1" {
        return Ok(exact(Kind::MemorySwap, text, CgroupFile::MemorySwapMax, "max".to_owned()));
    }
    let both = size("--memory-swap", text)?;
    let swap = both.checked_sub(memory).ok_or(ResourceError::Swap)?;
    Ok(bytes(Kind::MemorySwap, text, CgroupFile::MemorySwapMax, swap))
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
    Ok(exact(Kind::Cpus, text, CgroupFile::CpuMax, format!("{quota} {PERIOD}")))
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
            Ok(Some(exact(Kind::CpuShares, text, CgroupFile::CpuWeight, weight.to_string())))
        }
        _ => Err(error()),
    }
}

fn cpuset(kind: Kind, text: &str) -> Result<Limit, ResourceError> {
    let list: CpuList = text.parse().map_err(|()| number(kind.flag(), text, "a list such as 0-3,5"))?;
    let file = if kind == Kind::CpusetMems { CgroupFile::CpusetMems } else { CgroupFile::CpusetCpus };
    Ok(Limit { kind, asked: text.to_owned(), file, value: list.to_string(), reading: Reading::Cpus(list) })
}

/// No limit is 0 for Docker's documents and -1 for its users.
fn pids(text: &str) -> Result<Option<Limit>, ResourceError> {
    match text.parse::<i64>() {
        Ok(-1 | 0) => Ok(None),
        Ok(count) if count > 0 => {
            Ok(Some(exact(Kind::PidsLimit, text, CgroupFile::PidsMax, count.to_string())))
        }
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
            Ok(Some(exact(Kind::BlkioWeight, text, CgroupFile::IoWeight, format!("default {weight}"))))
        }
        _ => Err(error()),
    }
}
