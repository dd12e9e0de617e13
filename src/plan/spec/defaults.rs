//! What every container gets: default mounts, masked and read-only paths.

use std::collections::HashMap;

/// Paths whose content is hidden: they tell about the machine, or let a container slow it down.
pub const MASKED_PATHS: [&str; 13] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
    "/sys/fs/selinux",
];

/// Paths that can be read and not written: settings of the whole machine.
pub const READ_ONLY_PATHS: [&str; 5] =
    ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// Where `--read-only-tmpfs` lets programs leave temporary files, in memory.
pub(super) const SCRATCH: [&str; 3] = ["/run", "/tmp", "/var/tmp"];

/// One of the mounts that every container gets.
pub(super) struct DefaultMount {
    /// Where.
    pub(super) destination: &'static str,
    /// File system.
    pub(super) kind: &'static str,
    /// Options, as in `config.json`.
    pub(super) options: &'static [&'static str],
}

/// The default mounts, without `/dev/shm`, `/sys` and the cgroups, which depend on the request and the machine.
pub(super) const MOUNTS: [DefaultMount; 4] = [
    DefaultMount { destination: "/proc", kind: "proc", options: &["nosuid", "noexec", "nodev"] },
    DefaultMount {
        destination: "/dev",
        kind: "tmpfs",
        options: &["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    DefaultMount {
        destination: "/dev/pts",
        kind: "devpts",
        options: &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
    },
    DefaultMount { destination: "/dev/mqueue", kind: "mqueue", options: &["nosuid", "noexec", "nodev"] },
];

/// Settings of a network namespace of the container's own: low ports need no capability in it, and ping none for
/// processes of `group`.
pub(super) fn own_network_sysctls(group: u32) -> HashMap<String, String> {
    let settings = [
        ("net.ipv4.ip_unprivileged_port_start", "0".to_owned()),
        ("net.ipv4.ping_group_range", format!("{group} {group}")),
    ];
    settings.map(|(key, value)| (key.to_owned(), value)).into()
}
