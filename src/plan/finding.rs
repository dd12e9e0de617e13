//! From what was planned and what the kernel says to what is written down about it.

use std::collections::BTreeMap;

use super::Plan;
use super::capability::CapabilitySet;
use super::evidence::{Evidence, id_map};
use super::idmap::{IdRange, to_container};
use super::limit::Ulimit;
use super::mount_table::{self, MountEntry};
use super::namespace::Network;
use super::path::ContainerPath;
use super::process::NewPrivileges;
use super::request::RootAccess;
use super::resources::Enforcement;
use super::result_record::{Finding, IdFindings, SecurityFindings};

/// What can be said of a finding from the file `name`.
#[must_use]
pub fn read_from(name: &str) -> String {
    format!("read from /proc/PID/{name} just before the command began")
}

fn finding<T>(asked: T, enforced: Option<T>, name: &str) -> Finding<T> {
    let verified = match enforced {
        Some(_) => read_from(name),
        None => not_read(name),
    };
    Finding { asked, enforced, verified }
}

/// What is said where it could not be read.
#[must_use]
pub fn not_read(name: &str) -> String {
    format!("not verified: /proc/PID/{name} could not be read")
}

/// Whom the process runs as; `own` is the map of the reader's own namespace where the container has none.
#[must_use]
pub fn ids(plan: &Plan, own: (&[IdRange], &[IdRange]), evidence: &Evidence) -> IdFindings {
    let map = plan.namespaces.user.as_ref().map(|user| &user.map);
    let (users, groups) = map.map_or(own, |map| (&map.users[..], &map.groups[..]));
    let user = &plan.process.user;
    let found = evidence.user().and_then(|(uid, gid)| match map {
        Some(map) => Some((to_container(&map.users, uid)?, to_container(&map.groups, gid)?)),
        None => Some((uid, gid)),
    });
    let read = |text: &Option<String>| text.as_deref().map(id_map);
    IdFindings {
        user: finding(
            format!("{}:{}", user.uid, user.gid),
            found.map(|(uid, gid)| format!("{uid}:{gid}")),
            "status",
        ),
        uid_map: finding(users.to_vec(), read(&evidence.uid_map), "uid_map"),
        gid_map: finding(groups.to_vec(), read(&evidence.gid_map), "gid_map"),
    }
}

/// What it may do.
#[must_use]
pub fn security(plan: &Plan, evidence: &Evidence) -> SecurityFindings {
    let entries = evidence.mounts.as_deref().map(mount_table::parse);
    let entries = entries.as_deref();
    let process = &plan.process;
    let read_only = |path: &ContainerPath| entries.map(|entries| is_read_only(entries, path));
    let asked_root = plan.root_access == RootAccess::ReadOnly;
    let set =
        |asked: CapabilitySet, line| finding(names(asked), evidence.capabilities(line).map(names), "status");
    SecurityFindings {
        capabilities: set(process.capabilities.bounding, "CapBnd"),
        effective_capabilities: set(process.capabilities.effective, "CapEff"),
        no_new_privileges: finding(
            process.new_privileges == NewPrivileges::Denied,
            evidence.no_new_privileges(),
            "status",
        ),
        seccomp: finding(filter(process.filter.is_some()), evidence.is_filtered().map(filter), "status"),
        read_only_root: finding(asked_root, read_only(&ContainerPath::root()), "mountinfo"),
        masked_paths: finding(
            shown(&plan.masked),
            entries.map(|entries| shown(plan.masked.iter().filter(|path| top(entries, path).is_some()))),
            "mountinfo",
        ),
        read_only_paths: finding(
            shown(&plan.read_only),
            entries.map(|entries| shown(plan.read_only.iter().filter(|path| is_read_only(entries, path)))),
            "mountinfo",
        ),
        namespaces: namespaces(plan, evidence),
    }
}

fn names(set: CapabilitySet) -> Vec<String> {
    set.to_string().split_whitespace().map(str::to_owned).collect()
}

fn filter(is_filtered: bool) -> String {
    if is_filtered { "filter" } else { "none" }.to_owned()
}

fn shown<'a>(paths: impl IntoIterator<Item = &'a ContainerPath>) -> Vec<String> {
    paths.into_iter().map(ToString::to_string).collect()
}

/// What is seen at a mount point: the last mount there.
fn top<'a>(entries: &'a [MountEntry], path: &ContainerPath) -> Option<&'a MountEntry> {
    entries.iter().rfind(|entry| entry.point == path.as_os_str())
}

fn is_read_only(entries: &[MountEntry], path: &ContainerPath) -> bool {
    top(entries, path).is_some_and(|entry| entry.effective_options().iter().any(|option| option == "ro"))
}

fn namespaces(plan: &Plan, evidence: &Evidence) -> BTreeMap<String, Finding<String>> {
    let word = |is_own: bool| if is_own { "own" } else { "shared" }.to_owned();
    let one = |&(name, is_own): &(&str, Option<bool>)| {
        let asked = match name {
            "user" => plan.namespaces.user.is_some(),
            "net" => plan.namespaces.network != Network::Host,
            _ => true,
        };
        (name.to_owned(), finding(word(asked), is_own.map(word), &format!("ns/{name}")))
    };
    evidence.namespaces.iter().map(one).collect()
}

/// The limits of the process itself.
#[must_use]
pub fn limits(wanted: &[Ulimit], evidence: &Evidence) -> Vec<Enforcement> {
    let number = |value: Option<u64>| value.map_or_else(|| "unlimited".to_owned(), |value| value.to_string());
    let one = |limit: &Ulimit| {
        let name = limit.resource.name();
        let enforced = evidence.limit(limit.resource).map(|(soft, hard)| format!("{name}={soft}:{hard}"));
        Enforcement {
            asked: format!("rlimit {name}={}:{}", number(limit.soft), number(limit.hard)),
            verified: if enforced.is_some() { read_from("limits") } else { not_read("limits") },
            enforced,
        }
    };
    wanted.iter().map(one).collect()
}
