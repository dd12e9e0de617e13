//! Ways through what the kernel lets a process do.

use super::super::super::capability::{CapabilitySet, DEFAULT};
use super::super::super::namespace::Network;
use super::super::report::names;
use super::super::schema::ProcessReport;
use super::{Scene, Severity, Way, way};

/// Capabilities with which root of the machine can do anything, whatever else is taken from it.
const WHOLE_MACHINE: [&str; 10] = [
    "SYS_ADMIN",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_PTRACE",
    "SYS_BOOT",
    "SYS_TIME",
    "DAC_READ_SEARCH",
    "BPF",
    "PERFMON",
    "MAC_ADMIN",
];

/// Whom the container is outside.
pub(super) fn user(scene: Scene<'_>) -> Vec<Way> {
    let Some(user) = &scene.report.user else { return Vec::new() };
    let inside = user.uid.map_or_else(|| "a user without an ID".to_owned(), |uid| format!("uid {uid}"));
    if scene.rules_host() {
        if scene.has_host_root() {
            return vec![way(
                Severity::Serious,
                "user",
                "has no user namespace: root in the container is root of the host, and only its capabilities, its \
                 mounts and the filter of its system calls hold it",
            )];
        }
        let text = format!("has no user namespace: {inside} in the container is the same user outside");
        return vec![way(Severity::Moderate, "user", text)];
    }
    if scene.has_host_root() {
        let text = "has root of the host among its user IDs: what it reaches of root's files is its own";
        return vec![way(Severity::Serious, "user", text)];
    }
    Vec::new()
}

/// What its capabilities are good for.
pub(super) fn capabilities(scene: Scene<'_>) -> Vec<Way> {
    let Some(sets) = &scene.report.capabilities else { return Vec::new() };
    let usual = names(DEFAULT.into_iter().collect::<CapabilitySet>());
    let extra: Vec<&str> =
        sets.bounding.iter().filter(|name| !usual.contains(name)).map(String::as_str).collect();
    if !scene.rules_host() {
        if extra.is_empty() {
            return Vec::new();
        }
        // These are rights over its own namespaces, but open parts of the kernel that are closed otherwise.
        let text = format!(
            "holds {} over its own namespaces, which lets it reach more of the kernel's code",
            listed(&extra, "capabilities")
        );
        return vec![way(Severity::Slight, "capabilities", text)];
    }
    let mut ways = Vec::new();
    let whole: Vec<&str> = extra.iter().copied().filter(|name| WHOLE_MACHINE.contains(name)).collect();
    if !whole.is_empty() {
        let text = format!("holds {} over the whole machine: nothing keeps it inside", whole.join(", "));
        ways.push(way(Severity::Critical, "capabilities", text));
    }
    let rest: Vec<&str> = extra.iter().copied().filter(|name| !WHOLE_MACHINE.contains(name)).collect();
    if !rest.is_empty() {
        let text = format!("holds {} over the whole machine", listed(&rest, "capabilities"));
        ways.push(way(Severity::Serious, "capabilities", text));
    }
    if scene.report.can("MKNOD") {
        let has_room = scene.parts.iter().any(|part| part.is_writable() && !part.has("nodev"));
        if has_room {
            let text = "can make device nodes and use them: disks and memory of the host are open to it";
            ways.push(way(Severity::Critical, "capabilities", text));
        }
    }
    ways
}

/// A few by name, many by number.
fn listed(names: &[&str], noun: &str) -> String {
    const FEW: usize = 6;
    match names.len() {
        0..=FEW => names.join(", "),
        count => format!("{}, … ({count} {noun} in all)", names[..FEW].join(", ")),
    }
}

/// What may be asked of the kernel, and by whom.
pub(super) fn calls(scene: Scene<'_>) -> Vec<Way> {
    let mut ways = Vec::new();
    if scene.report.seccomp.as_ref().is_some_and(|filter| filter.mode == "none") {
        let text = "seccomp is off: every system call of the kernel is within its reach";
        ways.push(way(Severity::Moderate, "seccomp", text));
    }
    if scene.report.no_new_privileges == Some(false) {
        let severity = if scene.rules_host() { Severity::Moderate } else { Severity::Slight };
        let text =
            "no_new_privs is off: programs with a setuid bit or capabilities of their own gain rights in it";
        ways.push(way(severity, "privileges", text));
    }
    ways
}

/// What it has in common with the host.
pub(super) fn namespaces(scene: Scene<'_>) -> Vec<Way> {
    let mut ways = Vec::new();
    let mut shared = |kind: &str, severity, text: &str| {
        if scene.report.shares(kind) {
            let through = if kind == "net" { "network" } else { "namespace" };
            ways.push(way(severity, through, text));
        }
    };
    shared("mnt", Severity::Critical, "shares the host's mounts: it sees every file of the host");
    shared(
        "pid",
        Severity::Serious,
        "shares the host's processes: it sees them, and may signal those of its user",
    );
    shared(
        "net",
        Severity::Serious,
        "shares the host's network: it reaches services on 127.0.0.1 and abstract sockets, as programs of the host do",
    );
    shared("ipc", Severity::Serious, "shares the host's System V IPC and POSIX message queues");
    shared("cgroup", Severity::Slight, "sees the names of the host's cgroups");
    shared("uts", Severity::Slight, "shares the host's name");
    match scene.asked.network {
        Network::Pasta if !scene.report.shares("net") => {
            let text = format!("reaches other machines through the host's network, as {}", scene.outside());
            ways.push(way(Severity::Slight, "network", text));
        }
        Network::Container if !scene.report.shares("net") => {
            let text = format!("shares the network of {}", scene.asked.network_word);
            ways.push(way(Severity::Slight, "network", text));
        }
        Network::None | Network::Host | Network::Pasta | Network::Container => {}
    }
    ways
}

/// Who in it may do more than its first process.
pub(super) fn processes(scene: Scene<'_>) -> Vec<Way> {
    let text = |one: &ProcessReport| {
        format!("its process {} has more than the first one: {}", one.pid, one.more.join("; "))
    };
    let each = scene.report.stronger_processes.iter();
    each.map(|one| way(Severity::Moderate, "process", text(one))).collect()
}
