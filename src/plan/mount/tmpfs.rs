//! A tmpfs and what can be said about it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Attributes, Content, Ownership, Propagation};

/// A file system in memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tmpfs {
    /// Values for the kernel, valid for [`TmpfsKey`], see `tmpfs(5)`.
    pub options: BTreeMap<TmpfsKey, String>,
    /// Flags of the file system.
    pub flags: BTreeSet<TmpfsFlag>,
    /// What it holds when the container starts: nothing unless `tmpcopyup` is given.
    pub content: Content,
    /// Permissions of the mount.
    pub attributes: Attributes,
    /// How mounts made later travel between host and container.
    pub propagation: Propagation,
    /// Whose its root directory is to be.
    pub ownership: Ownership,
}

/// A file system option of tmpfs that takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TmpfsKey {
    /// `size`: bytes, with `k`, `m`, `g`, `t` or `p` binary multiples, or with `%` of the memory.
    Size,
    /// `mode`: permissions of the root directory, octal.
    Mode,
    /// `uid`: owner of the root directory, a container ID.
    Uid,
    /// `gid`: group of the root directory, a container ID.
    Gid,
    /// `nr_inodes`: how many inodes, with `k`, `m`, `g`.
    NrInodes,
    /// `nr_blocks`: size in pages, with `k`, `m`, `g`.
    NrBlocks,
    /// `mpol`: NUMA memory policy.
    Mpol,
    /// `huge`: use of huge pages: `never`, `always`, `within_size`, `advise`.
    Huge,
}

impl TmpfsKey {
    /// Every key, in the order in which they print.
    pub const ALL: [Self; 8] = [
        Self::Size,
        Self::Mode,
        Self::Uid,
        Self::Gid,
        Self::NrInodes,
        Self::NrBlocks,
        Self::Mpol,
        Self::Huge,
    ];

    /// The kernel's word, for `fsconfig(2)`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Mode => "mode",
            Self::Uid => "uid",
            Self::Gid => "gid",
            Self::NrInodes => "nr_inodes",
            Self::NrBlocks => "nr_blocks",
            Self::Mpol => "mpol",
            Self::Huge => "huge",
        }
    }
}

/// A file system flag of tmpfs, as `fsconfig(FSCONFIG_SET_FLAG)` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TmpfsFlag {
    /// `sync`.
    Sync,
    /// `dirsync`.
    Dirsync,
}

impl TmpfsFlag {
    /// The kernel's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Dirsync => "dirsync",
        }
    }
}
