//! What `linux/landlock.h` says in numbers.

use serde::{Deserialize, Serialize};

use super::Scope;

/// Running a file.
pub(super) const EXECUTE: u64 = 1 << 0;
/// Opening a file for writing.
pub(super) const WRITE_FILE: u64 = 1 << 1;
/// Opening a file for reading.
pub(super) const READ_FILE: u64 = 1 << 2;
/// Listing a directory.
pub(super) const READ_DIR: u64 = 1 << 3;
/// Shortening a file.
const TRUNCATE: u64 = 1 << 14;
/// Commands to a device.
pub(super) const IOCTL_DEV: u64 = 1 << 15;
/// Rights to a file itself; all others are rights to what a directory holds.
const OF_FILES: u64 = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;

/// Binding a TCP socket to a port.
pub(super) const BIND_TCP: u64 = 1 << 0;
/// Connecting a TCP socket to a port.
pub(super) const CONNECT_TCP: u64 = 1 << 1;

/// What a kernel can do: the version of its Landlock, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Abi(pub u32);

impl Abi {
    /// Shortening a file is a right of its own from here on (6.2): before, what may only be read can be emptied.
    pub const TRUNCATE: Self = Self(3);
    /// TCP ports (6.7).
    pub const PORTS: Self = Self(4);
    /// Abstract sockets and signals (6.12).
    pub const SCOPES: Self = Self(6);
    /// Files can be renamed from one directory to another (5.19).
    pub const RENAMES: Self = Self(2);

    /// Every right to files that it knows.
    fn files(self) -> u64 {
        let count = match self.0 {
            0 => 0,
            1 => 13,
            2 => 14,
            3 | 4 => 15,
            5.. => 16,
        };
        (1 << count) - 1
    }
}

/// Rights to files, as bits of the kernel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileRights(u64);

impl FileRights {
    /// Looking: lists and contents.
    pub const READ: Self = Self(READ_FILE | READ_DIR);
    /// Looking and running.
    pub const USE: Self = Self(READ_FILE | READ_DIR | EXECUTE);
    /// Everything but running and commands to devices: what unpacking needs where it unpacks.
    pub const KEEP: Self = Self(!(EXECUTE | IOCTL_DEV));
    /// Everything but running.
    pub const HANDLE: Self = Self(!EXECUTE);
    /// Everything.
    pub const ALL: Self = Self(!0);

    /// The kernel's bits, of those that it knows and, for what is no directory, of those that a file has.
    #[must_use]
    pub fn bits(self, abi: Abi, kind: Beneath) -> u64 {
        let of_kind = match kind {
            Beneath::Directory => !0,
            Beneath::File => OF_FILES,
        };
        self.0 & abi.files() & of_kind
    }
}

/// What a rule about files is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beneath {
    /// All that is in a directory.
    Directory,
    /// A file alone.
    File,
}

/// What is forbidden wherever no rule allows it: `struct landlock_ruleset_attr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Handled {
    /// Rights to files.
    pub files: u64,
    /// Rights to TCP ports.
    pub network: u64,
    /// What cannot be reached outside of the process's own domain.
    pub scopes: u64,
}

impl Handled {
    /// All that a kernel can forbid.
    #[must_use]
    pub fn everything(abi: Abi) -> Self {
        Self {
            files: abi.files(),
            network: if abi >= Abi::PORTS { BIND_TCP | CONNECT_TCP } else { 0 },
            scopes: if abi >= Abi::SCOPES { Scope::Abstract.bit() | Scope::Signals.bit() } else { 0 },
        }
    }
}
