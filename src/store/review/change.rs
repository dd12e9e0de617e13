//! What a change is.

use std::fmt;
use std::path::PathBuf;

use rustix::fs::{FileType, Stat};
use serde::{Deserialize, Serialize};

use super::history::Stamp;
use crate::plan::bytes;

/// What an inode is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symlink.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A device.
    Device,
}

impl Kind {
    pub(super) fn of(stat: &Stat) -> Self {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Symlink,
            FileType::Fifo => Self::Fifo,
            FileType::Socket => Self::Socket,
            FileType::CharacterDevice | FileType::BlockDevice => Self::Device,
            FileType::RegularFile | FileType::Unknown => Self::File,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
            Self::Fifo => "fifo",
            Self::Socket => "socket",
            Self::Device => "device",
        })
    }
}

/// In what the two sides differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Difference {
    /// They are not the same kind of thing.
    Kind {
        /// What the host has.
        from: Kind,
    },
    /// The bytes of a file, where a symlink leads, which device it is.
    Content,
    /// The permission bits.
    Mode {
        /// The host's.
        from: u32,
        /// The container's.
        to: u32,
    },
    /// The owner, user and group, as the container counts them.
    Owner {
        /// The host's.
        from: (u32, u32),
        /// The container's.
        to: (u32, u32),
    },
    /// Extended attributes, access control lists.
    Attributes,
}

/// What became of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// The host has nothing there.
    Added,
    /// Both have something there.
    Changed(Vec<Difference>),
    /// The container has nothing there.
    Removed,
}

/// Why applying a change would undo something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Conflict {
    /// The host's side changed after the container's start, and not by an apply.
    Changed,
    /// The host's side was there at the container's start and is gone.
    Removed,
    /// That goes for something in the directory that would be removed.
    Inside,
    /// Another file system is mounted there on the host; cannot be forced.
    Mounted,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changed => "changed on the host",
            Self::Removed => "removed on the host",
            Self::Inside => "something in it changed on the host",
            Self::Mounted => "a mount point on the host",
        })
    }
}

/// Whether a change is told by another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It stands for itself.
    Own,
    /// The directory that it is in was removed or replaced as a whole.
    Implied,
}

/// What a file lets whoever runs it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rights {
    /// Nothing that the permission bits do not tell.
    Plain,
    /// It has file capabilities, `capabilities(7)`.
    Capabilities,
}

/// One path that is not the same in the container and on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Below the source; empty for the source itself.
    #[serde(with = "bytes")]
    pub path: PathBuf,
    /// What became of it.
    pub act: Act,
    /// What it is in the container; of what was removed, on the host.
    pub kind: Kind,
    /// The permission bits of that.
    pub mode: u32,
    /// What the container's file lets whoever runs it do.
    pub rights: Rights,
    /// What applying it would undo.
    pub conflict: Option<Conflict>,
    /// Whether another change tells this one.
    pub standing: Standing,
    /// What the host had when it was compared.
    #[serde(skip)]
    pub(super) seen: Option<Stamp>,
}

impl Change {
    /// What the host has there and the container has not, or as something else.
    pub(super) fn replaces(&self) -> Option<Kind> {
        match &self.act {
            Act::Changed(differences) => differences.iter().find_map(|difference| match difference {
                Difference::Kind { from } => Some(*from),
                Difference::Content
                | Difference::Mode { .. }
                | Difference::Owner { .. }
                | Difference::Attributes => None,
            }),
            Act::Added => None,
            Act::Removed => Some(self.kind),
        }
    }
}
