//! What single processes have taken, `proc(5)`: for containers that no cgroup counts.

use std::fs;

use rustix::process::Pid;

/// What some processes have taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Consumption {
    /// Processor time, microseconds.
    pub cpu: u64,
    /// Memory in RAM, bytes; what several share counts for each.
    pub memory: u64,
    /// Bytes read from disks; none if the kernel does not let this user know of one of them.
    pub read: Option<u64>,
    /// Bytes written to disks; likewise.
    pub written: Option<u64>,
    /// Processes and threads.
    pub tasks: u64,
}

/// Adds up what the processes have taken; those that are gone count no more.
#[must_use]
pub fn of(processes: &[Pid]) -> Consumption {
    let start = Consumption { read: Some(0), written: Some(0), ..Consumption::default() };
    processes.iter().filter_map(|&process| of_one(process)).fold(start, |sum, one| Consumption {
        cpu: sum.cpu + one.cpu,
        memory: sum.memory + one.memory,
        read: sum.read.zip(one.read).map(|(sum, one)| sum + one),
        written: sum.written.zip(one.written).map(|(sum, one)| sum + one),
        tasks: sum.tasks + one.tasks,
    })
}

fn of_one(process: Pid) -> Option<Consumption> {
    let read = |name: &str| fs::read_to_string(format!("/proc/{process}/{name}")).ok();
    let stat = read("stat")?;
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
    // The first of these is the third.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    let pages: u64 = read("statm")?.split_whitespace().nth(1)?.parse().ok()?;
    let io = read("io");
    let bytes =
        |key: &str| io.as_deref()?.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok());
    Some(Consumption {
        // Its own, and that of children that it has waited for.
        cpu: (14..=17).filter_map(field).sum::<u64>() * 1_000_000 / ticks,
        memory: pages * u64::try_from(rustix::param::page_size()).unwrap_or(4096),
        read: bytes("read_bytes:"),
        written: bytes("write_bytes:"),
        tasks: field(20)?,
    })
}

/// Bytes received and sent over all interfaces but the loopback one, as `process` sees them.
#[must_use]
pub fn network_of(process: Pid) -> Option<(u64, u64)> {
    let text = fs::read_to_string(format!("/proc/{process}/net/dev")).ok()?;
    let interface = |line: &str| {
        let (name, numbers) = line.split_once(':')?;
        let numbers: Vec<u64> = numbers.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        (name.trim() != "lo").then_some((*numbers.first()?, *numbers.get(8)?))
    };
    Some(text.lines().filter_map(interface).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1)))
}

/// The machine's memory, bytes.
#[must_use]
pub fn machine_memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) << 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_counted() {
        let own = rustix::process::getpid();
        let found = of(&[own]);
        assert!(found.memory > 100_000 && found.tasks >= 1, "{found:?}");
        assert!(network_of(own).is_some());
        assert!(machine_memory() > found.memory);
    }
}
