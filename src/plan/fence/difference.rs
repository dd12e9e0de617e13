//! What the kernel says and what was asked for, side by side.

use std::path::PathBuf;

use serde::Serialize;

use super::super::capability::CapabilitySet;
use super::super::idmap::IdMap;
use super::super::limit::Ulimit;
use super::super::namespace::Network;
use super::super::process::NewPrivileges;
use super::facts::Facts;
use super::report::names;
use super::schema::Report;

/// What was asked for when the container was made, and where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AskedFence {
    /// The store.
    pub store: PathBuf,
    /// The container's directory in it.
    pub directory: PathBuf,
    /// Who asks, as the reader counts.
    pub caller: u32,
    /// Files and directories with which somebody is the caller: the home directory, this program.
    pub precious: Vec<PathBuf>,
    /// The bounding set.
    pub capabilities: CapabilitySet,
    /// Whether rights can be gained.
    pub new_privileges: NewPrivileges,
    /// The ID map; none where the caller's user namespace is shared.
    pub map: Option<IdMap>,
    /// The hash of the filter of system calls that was installed; none where none was, or nobody wrote it down.
    pub filter: Option<String>,
    /// The network.
    pub network: Network,
    /// The same as `inspect` has it.
    pub network_word: String,
    /// The limits of its processes.
    pub limits: Vec<Ulimit>,
    /// The OOM score; none if it was left alone.
    pub oom_score: Option<i32>,
    /// Whether `/` was to be read-only.
    pub read_only: bool,
    /// The mounts.
    pub mounts: Vec<AskedMount>,
    /// The limits of the cgroup that do not hold, as the flag and what is there instead.
    pub loose_limits: Vec<(String, String)>,
}

/// A mount that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedMount {
    /// Where, every symlink followed as far as that is known.
    pub destination: String,
    /// Whether it may be written.
    pub writable: bool,
}

/// Something that is not as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Difference {
    /// What.
    pub what: String,
    /// What was asked for.
    pub asked: String,
    /// What the kernel says.
    pub found: String,
    /// Whether the container may do more than it was to; else less.
    pub weaker: bool,
}

/// Finds what is not as asked; a process may have given up more than it had to.
pub(super) fn find(report: &Report, facts: &Facts, asked: &AskedFence) -> Vec<Difference> {
    let mut found = rights(report, asked);
    found.extend(ids(report, asked));
    found.extend(mounts(report, asked));
    found.extend(limits(report, facts, asked));
    // What holds less than it should comes first.
    found.sort_by_key(|difference| !difference.weaker);
    found
}

fn rights(report: &Report, asked: &AskedFence) -> Vec<Difference> {
    let mut found = Vec::new();
    if let Some(sets) = &report.capabilities {
        let wanted = names(asked.capabilities);
        let more = sets.bounding.iter().any(|name| !wanted.contains(name));
        if more || wanted != sets.bounding {
            found.push(difference("capabilities", (wanted.join(" "), sets.bounding.join(" ")), more));
        }
        for (what, set) in [("inheritable", &sets.inheritable), ("ambient", &sets.ambient)] {
            if !set.is_empty() {
                found.push(difference(&format!("{what} capabilities"), (String::new(), set.join(" ")), true));
            }
        }
    }
    if let Some(wanted) = &asked.filter {
        let found_hash = report.seccomp.as_ref().and_then(|filter| filter.hash.clone());
        if found_hash.as_ref() != Some(wanted) {
            let pair = (wanted.clone(), found_hash.unwrap_or_else(|| "none".to_owned()));
            found.push(difference("the seccomp filter", pair, true));
        }
    }
    let may_gain = asked.new_privileges == NewPrivileges::Allowed;
    if report.no_new_privileges.is_some_and(|is_set| is_set == may_gain) {
        let word = |allowed: bool| if allowed { "off" } else { "on" }.to_owned();
        found.push(difference("no_new_privs", (word(may_gain), word(!may_gain)), !may_gain));
    }
    found
}

fn ids(report: &Report, asked: &AskedFence) -> Vec<Difference> {
    let mut found = Vec::new();
    let word = |shared: bool| if shared { "the host's" } else { "its own" }.to_owned();
    for (kind, is_asked) in [
        ("user", asked.map.is_none()),
        ("net", asked.network == Network::Host),
        ("mnt", false),
        ("pid", false),
        ("ipc", false),
        ("uts", false),
        ("cgroup", false),
    ] {
        let shared = report.namespaces.iter().find(|one| one.kind == kind).and_then(|one| one.shared);
        if let Some(shared) = shared.filter(|shared| *shared != is_asked) {
            found.push(difference(&format!("{kind} namespace"), (word(is_asked), word(shared)), shared));
        }
    }
    if let Some(map) = &asked.map {
        for (what, wanted, lines) in
            [("user IDs", &map.users, &report.uid_map), ("group IDs", &map.groups, &report.gid_map)]
        {
            let asked: Vec<_> = wanted.iter().map(|one| (one.container, one.host, one.size)).collect();
            let got: Vec<_> = lines.iter().map(|one| (one.container, one.outside, one.size)).collect();
            if !got.is_empty() && !same_ids(&asked, &got) {
                found.push(difference(what, (shown(&asked), shown(&got)), true));
            }
        }
    }
    found
}

/// Whether two maps mean the same, however they are cut into lines.
fn same_ids(one: &[(u32, u32, u32)], other: &[(u32, u32, u32)]) -> bool {
    let joined = |lines: &[(u32, u32, u32)]| {
        let mut sorted: Vec<_> =
            lines.iter().map(|&(a, b, size)| (u64::from(a), u64::from(b), u64::from(size))).collect();
        sorted.sort_unstable();
        sorted.into_iter().fold(Vec::<(u64, u64, u64)>::new(), |mut done, next| {
            match done.last_mut() {
                Some(last) if last.0 + last.2 == next.0 && last.1 + last.2 == next.1 => last.2 += next.2,
                _ => done.push(next),
            }
            done
        })
    };
    joined(one) == joined(other)
}

fn shown(lines: &[(u32, u32, u32)]) -> String {
    let lines: Vec<String> =
        lines.iter().map(|(inside, outside, size)| format!("{inside}:{outside}:{size}")).collect();
    lines.join(" ")
}

fn mounts(report: &Report, asked: &AskedFence) -> Vec<Difference> {
    let root = asked.read_only.then(|| AskedMount { destination: "/".to_owned(), writable: false });
    let word = |writable: bool| if writable { "writable" } else { "read-only" }.to_owned();
    let mut found = Vec::new();
    for wanted in asked.mounts.iter().chain(&root) {
        let what = format!("the mount at {}", wanted.destination);
        match report.mounts.iter().rfind(|mount| mount.destination == wanted.destination) {
            None => found.push(difference(&what, (word(wanted.writable), "not mounted".to_owned()), false)),
            Some(mount) if mount.writable != wanted.writable => {
                found.push(difference(&what, (word(wanted.writable), word(mount.writable)), mount.writable));
            }
            Some(_) => {}
        }
    }
    found
}

fn limits(report: &Report, facts: &Facts, asked: &AskedFence) -> Vec<Difference> {
    let number = |value: Option<u64>| value.map_or_else(|| "unlimited".to_owned(), |value| value.to_string());
    let mut found = Vec::new();
    for wanted in &asked.limits {
        let name = wanted.resource.name();
        let Some(got) = report.limits.resources.iter().find(|one| one.name == name) else { continue };
        let (soft, hard) = (number(wanted.soft), number(wanted.hard));
        if (&soft, &hard) != (&got.soft, &got.hard) {
            let above = |got: &str, wanted: Option<u64>| match (got.parse::<u64>(), wanted) {
                (_, None) => false,
                (Ok(got), Some(wanted)) => got > wanted,
                (Err(_), Some(_)) => true,
            };
            let is_weaker = above(&got.hard, wanted.hard) || above(&got.soft, wanted.soft);
            let pair = (format!("{soft}:{hard}"), format!("{}:{}", got.soft, got.hard));
            found.push(difference(&format!("ulimit {name}"), pair, is_weaker));
        }
    }
    for (flag, got) in &asked.loose_limits {
        found.push(difference("a limit of the cgroup", (flag.clone(), got.clone()), true));
    }
    match (asked.oom_score, facts.oom_score) {
        (Some(wanted), Some(got)) if wanted != got => {
            found.push(difference("the OOM score", (wanted.to_string(), got.to_string()), got < wanted));
        }
        _ => {}
    }
    found
}

fn difference(what: &str, (asked, found): (String, String), weaker: bool) -> Difference {
    Difference { what: what.to_owned(), asked, found, weaker }
}
