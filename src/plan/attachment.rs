//! One mount of a container, decided: what the kernel will be asked for.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::device::DeviceNumber;
use super::mount::{Attributes, Content, Origin, Ownership, Propagation, Recursion};
use super::path::{ContainerPath, Subpath};
use super::rootfs::Lifetime;

/// A mount to be attached at a destination inside the root filesystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Where; resolved inside the root filesystem when the time comes, and made if it is missing.
    pub destination: ContainerPath,
    /// What.
    pub source: Source,
    /// Permissions.
    pub attributes: Attributes,
    /// How later mounts travel.
    pub propagation: Propagation,
    /// Whose the source becomes before it is attached.
    pub ownership: Ownership,
    /// Who asked for it; nobody for what every container has.
    pub asked: Option<Origin>,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// Something of the host, by path.
    Bind {
        /// The path in the launcher's mount namespace.
        path: PathBuf,
        /// What becomes of mounts below it.
        recursion: Recursion,
    },
    /// A new file system.
    New {
        /// Which one.
        kind: FileSystem,
        /// Options for `fsconfig(2)`: a key, and its value where it takes one.
        options: Vec<(String, Option<String>)>,
        /// What it holds at the start.
        content: Content,
    },
    /// Something below a directory of the host, by path; nothing on the way may lead out of the directory.
    Beneath {
        /// The directory in the launcher's mount namespace.
        base: PathBuf,
        /// What of it.
        subpath: Subpath,
        /// What becomes of mounts below it.
        recursion: Recursion,
    },
    /// Directories of the host that overlayfs merges.
    Merged(Merged),
    /// The file system that a volume's driver options describe.
    Driver(DriverFileSystem),
    /// A device node of the host, and no other than this.
    Device {
        /// The path in the launcher's mount namespace, without symlinks.
        path: PathBuf,
        /// The device.
        number: DeviceNumber,
    },
    /// What a path of the host leads to by its last name alone: a symlink is made again, anything else is bound.
    Link {
        /// The path in the launcher's mount namespace.
        path: PathBuf,
    },
}

/// Directories of the host that overlayfs merges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// The directories, the topmost first; two at least, unless there is a layer over them.
    pub lowers: Vec<Lower>,
    /// Where writes go; without one there are none.
    pub layer: Option<WritableLayer>,
    /// What of the merged tree is mounted; all of it if nothing is said.
    pub subpath: Option<Subpath>,
    /// Whether device nodes in it work.
    pub devices: Devices,
}

/// One of the directories that are merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lower {
    /// The directory.
    pub base: PathBuf,
    /// What of it, if not all; nothing on the way may lead out of the directory.
    pub subpath: Option<Subpath>,
}

/// Where what is written to merged directories goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WritableLayer {
    /// The changes.
    pub upper: PathBuf,
    /// Where overlayfs prepares them.
    pub work: PathBuf,
    /// Whether they outlive the container.
    pub lifetime: Lifetime,
    /// What the layer's own root looks like.
    pub looks: Looks,
}

/// What the root of a writable layer looks like: mode, owner and extended attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Looks {
    /// Like what it lies over, as it is new.
    Source,
    /// As its owner has made it.
    Own,
}

/// Whether device nodes work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Devices {
    /// Where the kernel lets them.
    Allowed,
    /// Never.
    Denied,
}

/// A file system by the words of a volume's driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverFileSystem {
    /// The kernel's name of it.
    pub kind: String,
    /// What it is made of: a device, a server, or only a word.
    pub device: String,
    /// Options for `fsconfig(2)`: a key, and its value where it takes one.
    pub options: Vec<(String, Option<String>)>,
    /// What it holds at the start if it is empty.
    pub content: Content,
    /// What of it is mounted; all of it if nothing is said.
    pub subpath: Option<Subpath>,
    /// An empty directory of the host, on which the whole is mounted while a part of it is looked for.
    pub aside: PathBuf,
}

impl Source {
    /// What it holds at the start besides what is there.
    #[must_use]
    pub fn content(&self) -> Content {
        match self {
            Self::New { content, .. } | Self::Driver(DriverFileSystem { content, .. }) => *content,
            Self::Bind { .. }
            | Self::Beneath { .. }
            | Self::Merged(_)
            | Self::Link { .. }
            | Self::Device { .. } => Content::Empty,
        }
    }

    /// Whether the specification's own words say all of it.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        match self {
            Self::Bind { .. } | Self::New { .. } => true,
            Self::Beneath { .. }
            | Self::Merged(_)
            | Self::Driver(_)
            | Self::Link { .. }
            | Self::Device { .. } => false,
        }
    }
}

/// The file systems that an unprivileged user namespace can mount for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileSystem {
    /// `proc(5)`; wants the container's own PID namespace.
    Proc,
    /// `tmpfs(5)`.
    Tmpfs,
    /// `pts(4)`.
    Devpts,
    /// POSIX message queues; wants the container's own IPC namespace.
    Mqueue,
    /// `sysfs(5)`; wants the container's own network namespace.
    Sysfs,
    /// Control groups version 2; wants the container's own cgroup namespace.
    Cgroup2,
    /// Memory without a limit.
    Ramfs,
}

impl FileSystem {
    const ALL: [Self; 7] =
        [Self::Proc, Self::Tmpfs, Self::Devpts, Self::Mqueue, Self::Sysfs, Self::Cgroup2, Self::Ramfs];

    /// The kernel's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Proc => "proc",
            Self::Tmpfs => "tmpfs",
            Self::Devpts => "devpts",
            Self::Mqueue => "mqueue",
            Self::Sysfs => "sysfs",
            Self::Cgroup2 => "cgroup2",
            Self::Ramfs => "ramfs",
        }
    }

    /// The file system of this name. `cgroup` is what OCI bundles call `cgroup2` on such a machine.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = if name == "cgroup" { "cgroup2" } else { name };
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
