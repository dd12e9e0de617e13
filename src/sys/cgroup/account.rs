//! What the processes of a cgroup have taken, and what it does with them.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::{read, write};
use crate::plan::resources::Limit;
use crate::sys::SysError;

/// The files that limit, `cgroups(7)`.
const LIMITING: [&str; 10] = [
    "cpu.max",
    "cpu.weight",
    "cpuset.cpus",
    "cpuset.mems",
    "io.max",
    "io.weight",
    "memory.high",
    "memory.max",
    "memory.swap.max",
    "pids.max",
];
/// How long the kernel may take to stop or wake all processes.
const FREEZE_PATIENCE: Duration = Duration::from_secs(5);

/// What a cgroup counts; none where the controller is missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CgroupUsage {
    /// Processor time of the programs, microseconds.
    pub user: u64,
    /// Processor time of the kernel for them, microseconds.
    pub system: u64,
    /// Memory now, bytes.
    pub memory: Option<u64>,
    /// The most memory at one time, bytes.
    pub peak: Option<u64>,
    /// How much memory it may have, bytes.
    pub memory_limit: Option<u64>,
    /// Bytes read from disks.
    pub read: Option<u64>,
    /// Bytes written to disks.
    pub written: Option<u64>,
    /// Processes and threads.
    pub tasks: Option<u64>,
    /// How often something was killed for want of memory.
    pub oom_kills: Option<u64>,
}

/// Reads what the cgroup counts.
#[must_use]
pub fn usage(path: &Path) -> CgroupUsage {
    let processor = read(path, "cpu.stat");
    let number = |name: &str| read(path, name).trim().parse().ok();
    let disks = read(path, "io.stat");
    let bytes = |key: &str| path.join("io.stat").exists().then(|| sum(&disks, key));
    CgroupUsage {
        user: value(&processor, "user_usec").unwrap_or(0),
        system: value(&processor, "system_usec").unwrap_or(0),
        memory: number("memory.current"),
        peak: number("memory.peak"),
        memory_limit: number("memory.max"),
        read: bytes("rbytes="),
        written: bytes("wbytes="),
        tasks: number("pids.current"),
        oom_kills: value(&read(path, "memory.events"), "oom_kill"),
    }
}

/// The files that limit something, with what they say; without those that say `max`.
#[must_use]
pub fn limiting(path: &Path) -> Vec<(String, String)> {
    let one = |name: &&str| {
        let text = read(path, name).trim().replace('\n', "; ");
        (!text.is_empty() && text != "max").then(|| ((*name).to_owned(), text))
    };
    LIMITING.iter().filter_map(one).collect()
}

/// Those of `limits` that are not in force, and what their files say.
#[must_use]
pub fn loose(path: &Path, limits: &[Limit]) -> Vec<(String, String)> {
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
    let one = |limit: &Limit| {
        let (file, text) = (limit.file.name(), read(path, limit.file.name()));
        let is_loose = !limit.is_in_force(&text, page);
        is_loose
            .then(|| (format!("{} {}", limit.kind.flag(), limit.asked), format!("{file}={}", text.trim())))
    };
    limits.iter().filter_map(one).collect()
}

/// Whether its processes stand still.
#[must_use]
pub fn is_frozen(path: &Path) -> bool {
    value(&read(path, "cgroup.freeze"), "").is_some_and(|frozen| frozen == 1)
}

/// What becomes of the processes of a cgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freezing {
    /// They stand still.
    Frozen,
    /// They go on.
    Thawed,
}

/// Stops all processes of a cgroup where they are, or lets them go on, and waits until they do (5.2).
///
/// # Errors
/// The file cannot be written, or the kernel takes longer than a few seconds.
pub fn freeze(path: &Path, freezing: Freezing) -> Result<(), SysError> {
    let wanted = match freezing {
        Freezing::Frozen => 1,
        Freezing::Thawed => 0,
    };
    write(path, "cgroup.freeze", &wanted.to_string())?;
    let begun = Instant::now();
    while value(&read(path, "cgroup.events"), "frozen") != Some(wanted) {
        if begun.elapsed() > FREEZE_PATIENCE {
            return Err(SysError::new(format!("read({:?})", path.join("cgroup.events")), Errno::TIMEDOUT));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// The number behind a key at the beginning of a line.
fn value(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok())
}

/// The sum of all words that are this key and a number.
fn sum(text: &str, key: &str) -> u64 {
    text.split_whitespace().filter_map(|word| word.strip_prefix(key)?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_read() {
        let path = std::env::temp_dir().join(format!("minirun-account-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        for (name, text) in [
            ("cpu.stat", "usage_usec 30\nuser_usec 20\nsystem_usec 10\n"),
            ("memory.peak", "4096\n"),
            ("memory.max", "max\n"),
            ("memory.events", "oom 2\noom_kill 1\n"),
            ("io.stat", "8:0 rbytes=5 wbytes=7 rios=1\n8:16 rbytes=1 wbytes=0 rios=1\n"),
            ("cgroup.freeze", "1\n"),
        ] {
            std::fs::write(path.join(name), text).unwrap();
        }
        let found = usage(&path);
        let wanted = CgroupUsage {
            user: 20,
            system: 10,
            peak: Some(4096),
            read: Some(6),
            written: Some(7),
            oom_kills: Some(1),
            ..CgroupUsage::default()
        };
        assert_eq!(found, wanted);
        assert!(is_frozen(&path));
        std::fs::remove_dir_all(&path).unwrap();
    }
}
