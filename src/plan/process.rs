//! The first process of a container.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::capability::CapabilitySet;
use super::landlock::Landlock;
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

/// Whether a process keeps the supplementary groups of who started minirun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum CallerGroups {
    /// It has those that it was given, and no others.
    #[default]
    Dropped,
    /// It has those alone (`--group-add keep-groups`): inside they have no names, and outside they open what they open.
    Kept,
}

/// Permissions that new files do not get, octal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Umask(pub u32);

impl Default for Umask {
    fn default() -> Self {
        Self(0o022)
    }
}

/// Why a text is no umask.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`--umask {0}` is not one to four octal digits up to 0777")]
pub struct UmaskError(String);

impl FromStr for Umask {
    type Err = UmaskError;

    fn from_str(text: &str) -> Result<Self, UmaskError> {
        let is_octal =
            (1..=4).contains(&text.len()) && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
        let mask = u32::from_str_radix(text, 8).ok().filter(|mask| is_octal && *mask <= 0o777);
        mask.map(Self).ok_or_else(|| UmaskError(text.to_owned()))
    }
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
    /// What it can reach of what it sees.
    pub landlock: Landlock,
    /// Its streams.
    pub streams: Streams,
    /// What process 1 is.
    pub first: FirstProcess,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn umasks_are_octal() {
        for (text, mask) in [("0", 0), ("22", 0o22), ("0022", 0o22), ("077", 0o77), ("0777", 0o777)] {
            assert_eq!(text.parse(), Ok(Umask(mask)), "{text}");
        }
        for text in ["", "8", "00022", "0x1f", "-1", "+22", "1000", "7777", "u=rwx", " 22"] {
            assert!(text.parse::<Umask>().is_err(), "{text}");
        }
    }
}
