//! What was read from the kernel, as it was read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::evidence::Evidence;

/// Everything that was read about a container's first process and its surroundings. What could not be read is missing,
/// and named in [`Self::unread`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The texts of its procfs.
    pub evidence: Evidence,
    /// `setgroups`.
    pub setgroups: Option<String>,
    /// `cgroup`.
    pub cgroup: Option<String>,
    /// `oom_score_adj`.
    pub oom_score: Option<i32>,
    /// `attr/current`: what a security module calls it.
    pub label: Option<String>,
    /// Its namespaces.
    pub namespaces: Vec<NamespaceFact>,
    /// The reader's own mount table.
    pub host_mounts: Vec<u8>,
    /// What its mounts show at their top, by the number of the mount.
    pub places: BTreeMap<u64, Place>,
    /// The device nodes below its `/dev`.
    pub devices: Vec<DeviceNode>,
    /// Those of the kernel's files that exist and are protected by default.
    pub sensitive: Vec<String>,
    /// What it holds open.
    pub descriptors: Vec<Descriptor>,
    /// The files of its cgroup that limit something.
    pub limits: Vec<(String, String)>,
    /// The hashes of its system call filters, the oldest first, as the kernel gave these.
    pub filters: Vec<String>,
    /// The other processes, by their IDs as the reader sees them.
    pub others: Vec<(i32, Evidence)>,
    /// What could not be read.
    pub unread: Vec<String>,
}

/// One namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceFact {
    /// As `/proc/PID/ns` calls it.
    pub kind: &'static str,
    /// Its number; none where it could not be read.
    pub inode: Option<u64>,
    /// The number of the reader's.
    pub own: Option<u64>,
}

impl NamespaceFact {
    /// Whether the container and the reader are in the same one; none where that is not known.
    #[must_use]
    pub fn is_shared(&self) -> Option<bool> {
        Some(self.inode? == self.own?)
    }
}

/// A file, as `stat` shows it to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its owner, as the reader counts.
    pub uid: u32,
    /// Its group, likewise.
    pub gid: u32,
    /// Type and permissions.
    pub mode: u32,
    /// For a device node, its major and minor number.
    pub device: (u32, u32),
    /// Whether the path that the mount tables give for it on the host leads to the same file; none where it could not
    /// be looked at.
    pub is_confirmed: Option<bool>,
}

impl Place {
    /// Its type, the upper bits of the mode.
    #[must_use]
    pub fn kind(&self) -> u32 {
        self.mode & 0o170_000
    }

    /// Whether it is a device node.
    #[must_use]
    pub fn is_device(&self) -> bool {
        matches!(self.kind(), CHARACTER | BLOCK)
    }
}

/// The type of a character device.
pub(super) const CHARACTER: u32 = 0o020_000;
/// The type of a block device.
pub(super) const BLOCK: u32 = 0o060_000;
/// The type of a socket.
pub(super) const SOCKET: u32 = 0o140_000;

/// A device node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceNode {
    /// Where the container has it.
    pub path: PathBuf,
    /// What it is.
    pub place: Place,
}

/// Something that the first process holds open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// `cwd`, `root`, or its number.
    pub name: String,
    /// Where it leads, as the reader sees that.
    pub leads_to: PathBuf,
    /// The number of the mount that it is on.
    pub mount: u64,
}
