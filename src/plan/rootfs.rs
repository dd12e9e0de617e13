//! What a container's `/` is made of.

use std::path::PathBuf;

use super::path::{ContainerPath, Subpath};

/// A root filesystem as it lies on disk, not mounted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rootfs {
    /// A directory that is used as it is (the `vfs` driver's private copy).
    Directory {
        /// The directory.
        path: PathBuf,
        /// The mount point, on which nothing is ever seen outside the container's mount namespace.
        merged: PathBuf,
    },
    /// The image's layers below a writable layer, merged by overlayfs.
    Overlay {
        /// The image's layers, the topmost first.
        lowers: Vec<PathBuf>,
        /// The writable layer.
        upper: PathBuf,
        /// Where overlayfs prepares what it then moves into the writable layer.
        work: PathBuf,
        /// The mount point.
        merged: PathBuf,
        /// Whether the writable layer outlives the container.
        lifetime: Lifetime,
    },
    /// The machine's own root filesystem under a throw-away layer in memory.
    Host {
        /// The pieces it is put together from.
        areas: Vec<HostArea>,
        /// The mount point.
        merged: PathBuf,
    },
}

/// Whether something outlives the container that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// It stays until it is removed.
    Kept,
    /// It goes with the container (`--rm`), so nobody needs it to survive a power cut.
    Ephemeral,
}

/// One piece of the machine's root filesystem.
///
/// A user namespace may not copy a mount without what is mounted on it, as that would show what lies below; so
/// `/` cannot be one lower directory, and each directory without mounts below it becomes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostArea {
    /// Where it is, on the host and in the container.
    pub path: ContainerPath,
    /// What becomes of it.
    pub kind: HostAreaKind,
}

/// What becomes of a piece of the machine's root filesystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostAreaKind {
    /// A lower directory with a writable layer over it; the layer's root gets this mode (octal).
    Overlay {
        /// Permissions of the directory on the host.
        mode: u32,
    },
    /// An empty directory, because the caller cannot read the host's or must not see what it holds.
    Empty {
        /// Permissions of the directory on the host.
        mode: u32,
    },
    /// A directory that other areas lie in.
    Directory {
        /// Permissions of the directory on the host.
        mode: u32,
    },
    /// A symlink, copied.
    Symlink {
        /// Where it leads, as written.
        destination: PathBuf,
    },
    /// A directory, bound read-only with all that is mounted below it.
    ReadOnlyBind,
    /// A file, bound read-only.
    ReadOnlyFile,
}

/// A volume that takes the image's files at its destination if it is empty when the container starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fill {
    /// The volume's data directory, or the directory of the host that stands for it.
    pub data: PathBuf,
    /// What of it is filled.
    pub part: FillPart,
    /// Which directory of the image fills it.
    pub destination: ContainerPath,
}

/// What of a volume is filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FillPart {
    /// All of a volume that lies in the store, where a copy can be prepared beside it.
    Volume,
    /// A directory that has nothing of minirun beside it: a part of a volume, or the host's.
    Directory(Subpath),
}
