//! The report: everything that was found, with stable names for programs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::difference::Difference;
use super::ways::Way;

/// Whom a report is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Subject {
    /// The container's ID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its first process, as the reader sees it.
    pub pid: i32,
}

/// What is in force for a container, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Report {
    /// Whom it is about.
    #[serde(flatten)]
    pub subject: Subject,
    /// Whom the first process runs as.
    pub user: Option<UserReport>,
    /// The user IDs.
    pub uid_map: Vec<RangeReport>,
    /// The group IDs.
    pub gid_map: Vec<RangeReport>,
    /// Whether it may change its groups: `allow` or `deny`.
    pub setgroups: Option<String>,
    /// The capabilities, by the name of the set.
    pub capabilities: Option<CapabilityReport>,
    /// Whether neither it nor what it starts can gain rights.
    pub no_new_privileges: Option<bool>,
    /// Its system calls.
    pub seccomp: Option<FilterReport>,
    /// What a security module calls it.
    pub label: Option<String>,
    /// Its namespaces.
    pub namespaces: Vec<NamespaceReport>,
    /// Its mounts, in the order of the kernel's table.
    pub mounts: Vec<MountReport>,
    /// The device nodes that it sees.
    pub devices: Vec<DeviceReport>,
    /// What limits it.
    pub limits: LimitReport,
    /// Processes of the container that may do more than the first.
    pub stronger_processes: Vec<ProcessReport>,
    /// How it can reach the host, the most serious first.
    pub ways: Vec<Way>,
    /// What is not as it was asked for.
    pub differences: Vec<Difference>,
    /// What could not be read.
    pub unread: Vec<String>,
}

/// Whom a process runs as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UserReport {
    /// As the container counts; none for an ID that its map does not have.
    pub uid: Option<u32>,
    /// Likewise.
    pub gid: Option<u32>,
    /// As the reader counts.
    pub outside_uid: u32,
    /// Likewise.
    pub outside_gid: u32,
    /// The supplementary groups, as the reader counts.
    pub outside_groups: Vec<u32>,
    /// Who root of the container is, as the reader counts; none where the map has no root.
    pub outside_root: Option<u32>,
}

/// A line of an ID map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RangeReport {
    /// The first ID inside.
    pub container: u32,
    /// The first ID outside.
    pub outside: u32,
    /// How many.
    pub size: u32,
}

/// The sets of `capabilities(7)`; names without `CAP_`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CapabilityReport {
    /// What a program can keep over `execve`.
    pub inheritable: Vec<String>,
    /// What the process can make effective.
    pub permitted: Vec<String>,
    /// What it has now.
    pub effective: Vec<String>,
    /// What it and its children can ever get.
    pub bounding: Vec<String>,
    /// What a program without capabilities of its own keeps.
    pub ambient: Vec<String>,
}

/// What filters system calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FilterReport {
    /// `none`, `strict` or `filter`.
    pub mode: String,
    /// How many filters there are.
    pub filters: Option<u32>,
    /// The hash of the filter.
    pub hash: Option<String>,
    /// `kernel` where the filter was read back, `record` where the hash of the installed one was written down.
    pub hash_from: Option<String>,
}

/// A namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NamespaceReport {
    /// As `/proc/PID/ns` calls it.
    pub kind: String,
    /// Its number.
    pub inode: Option<u64>,
    /// Whether the reader is in it, too.
    pub shared: Option<bool>,
}

/// A mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MountReport {
    /// Where it is.
    pub destination: String,
    /// What it is: `layers`, `memory`, `kernel`, `host-kernel`, `device`, `mask`, `generated`, `volume`, `store`, `host`,
    /// `host-layered` or `foreign`.
    pub kind: String,
    /// What of the host it shows.
    pub host_paths: Vec<String>,
    /// Whether those paths were opened and are the same files; none where that could not be seen.
    pub confirmed: Option<bool>,
    /// Whether the mount and its file system can be written.
    pub writable: bool,
    /// Whether the permissions of its top let the container's user write there; none where they could not be seen.
    pub writable_top: Option<bool>,
    /// The type of the file system.
    pub file_system: String,
    /// The options of the mount.
    pub options: Vec<String>,
    /// How later mounts travel.
    pub propagation: String,
}

/// A device node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeviceReport {
    /// Where the container has it.
    pub path: String,
    /// `c` or `b`.
    pub kind: String,
    /// The major number.
    pub major: u32,
    /// The minor number.
    pub minor: u32,
    /// The permissions, octal.
    pub mode: String,
    /// Whether the container's user may open it.
    pub usable: bool,
    /// Whether every container has it.
    pub usual: bool,
}

/// What limits a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LimitReport {
    /// The limits of the process.
    pub resources: Vec<ResourceReport>,
    /// The files of its cgroup; without those that say `max`.
    pub cgroup: BTreeMap<String, String>,
    /// Where its cgroup is, as the reader sees it; none where it is in no cgroup of version 2 of its own.
    pub cgroup_path: Option<String>,
    /// How readily it is killed for want of memory.
    pub oom_score_adjustment: Option<i32>,
}

/// A limit of `getrlimit(2)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResourceReport {
    /// The word of `--ulimit`.
    pub name: String,
    /// A number or `unlimited`.
    pub soft: String,
    /// Likewise.
    pub hard: String,
}

/// A process that may do more than the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessReport {
    /// As the reader sees it.
    pub pid: i32,
    /// What it may do more.
    pub more: Vec<String>,
}
