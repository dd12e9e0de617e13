//! Facts about the machine and the caller, read once and then only looked at.

use std::path::PathBuf;

use super::capability::CapabilitySet;
use super::idmap::IdRange;

/// A run of subordinate IDs that belong to the caller: a line of `/etc/subuid` or `/etc/subgid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubordinateRange {
    /// The first ID.
    pub first: u32,
    /// How many.
    pub count: u32,
}

/// What the caller may do with IDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// Root of the whole machine.
    Root,
    /// User 0 inside a user namespace that somebody else made, with the right to map its IDs.
    NamespaceRoot,
    /// An ordinary user.
    User,
}

/// How `/sys/fs/cgroup` is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CgroupLayout {
    /// One cgroup2 file system.
    Unified,
    /// Version 1 controllers, with or without a cgroup2 beside them, or nothing at all.
    Legacy,
}

/// Whether the kernel lets a process here change its supplementary groups (`user_namespaces(7)`, 3.19).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetGroups {
    /// With the capability for it.
    Allowed,
    /// Never: who made this user namespace had no right to.
    Denied,
}

/// Everything a plan depends on besides the request.
#[derive(Debug, Clone)]
pub struct Host {
    /// The caller's effective user ID.
    pub uid: u32,
    /// The caller's effective group ID.
    pub gid: u32,
    /// The capabilities that the caller, and what it starts, can have at all.
    pub bounding: CapabilitySet,
    /// The caller's name in `/etc/passwd`, if it has one.
    pub user_name: Option<String>,
    /// The caller's rights over IDs.
    pub authority: Authority,
    /// The caller's lines of `/etc/subuid`.
    pub subordinate_users: Vec<SubordinateRange>,
    /// The caller's lines of `/etc/subgid`.
    pub subordinate_groups: Vec<SubordinateRange>,
    /// `newuidmap`, where it is installed.
    pub newuidmap: Option<PathBuf>,
    /// `newgidmap`, where it is installed.
    pub newgidmap: Option<PathBuf>,
    /// The user IDs of the namespace that minirun was started in; `host` counts in its parent.
    pub own_users: Vec<IdRange>,
    /// The same for groups.
    pub own_groups: Vec<IdRange>,
    /// Whether groups can be changed in that namespace, and in those below it.
    pub set_groups: SetGroups,
    /// The caller's working directory.
    pub working_directory: PathBuf,
    /// The kernel's version: its first two numbers.
    pub kernel: (u32, u32),
    /// The machine's name.
    pub hostname: String,
    /// The layout of `/sys/fs/cgroup`.
    pub cgroups: CgroupLayout,
    /// Where the machine tells of processors that it has slowed down for their heat: one path for each.
    pub throttles: Vec<String>,
    /// The machine's `/etc/resolv.conf`, empty if there is none.
    pub resolv_conf: Vec<u8>,
}
