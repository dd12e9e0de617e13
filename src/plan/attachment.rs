//! One mount of a container, decided: what the kernel will be asked for.

use std::path::PathBuf;

use super::mount::{Attributes, Content, Propagation, Recursion};
use super::path::ContainerPath;

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
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

/// The file systems that an unprivileged user namespace can mount for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
