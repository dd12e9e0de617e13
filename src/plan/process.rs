//! The first process of a container.

use serde::{Deserialize, Serialize};

use super::capability::CapabilitySet;
use super::limit::Ulimit;
use super::path::ContainerPath;
use super::seccomp::Filter;

/// The five sets of `capabilities(7)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// What can ever be gained.
    pub bounding: CapabilitySet,
    /// What counts in the kernel's checks.
    pub effective: CapabilitySet,
    /// What may be made effective.
    pub permitted: CapabilitySet,
    /// What a program with inheritable file capabilities keeps.
    pub inheritable: CapabilitySet,
    /// What a program without any privilege keeps.
    pub ambient: CapabilitySet,
}

/// Whom the process runs as; container IDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// User ID.
    pub uid: u32,
    /// Group ID.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Groups,
    /// Permissions that new files do not get (octal).
    pub umask: u32,
}

/// The supplementary groups of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Groups {
    /// These container IDs.
    Set(Vec<u32>),
    /// The caller's, which mean nobody in the container: the kernel lets nobody change them there.
    Kept,
}

/// Whether `execve` may give more rights than the process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum NewPrivileges {
    /// Never: `no_new_privs` is set.
    #[default]
    Denied,
    /// Setuid programs and file capabilities work.
    Allowed,
}

/// What process 1 of the container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FirstProcess {
    /// The command itself.
    Command,
    /// A small init of minirun's that starts the command, forwards signals and reaps orphans.
    Init,
}

/// Where the process's standard streams lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// A terminal of the container's own.
    Terminal,
    /// The launcher's streams, or pipes to them where those are terminals.
    Launcher {
        /// Where input comes from.
        input: Input,
    },
}

/// Where the process's input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// The launcher's standard input.
    Attached,
    /// Nothing: `/dev/null`.
    Empty,
}

/// The first process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The program and its arguments.
    pub arguments: Vec<String>,
    /// `NAME=VALUE`, the whole environment.
    pub environment: Vec<String>,
    /// Where it starts.
    pub working_directory: ContainerPath,
    /// Whom it runs as.
    pub user: User,
    /// Its capabilities.
    pub capabilities: Capabilities,
    /// Whether it can gain rights.
    pub new_privileges: NewPrivileges,
    /// Which system calls it may make; none is every one.
    pub filter: Option<Filter>,
    /// Its limits.
    pub limits: Vec<Ulimit>,
    /// How readily the kernel kills it for want of memory, from -1000 to 1000; none is as its parent.
    pub oom_score_adjustment: Option<i32>,
    /// Its streams.
    pub streams: Streams,
    /// What process 1 is.
    pub first: FirstProcess,
}
