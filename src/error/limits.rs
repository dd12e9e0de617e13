//! The errors about limits of a whole container.

use std::path::PathBuf;

use thiserror::Error;

use crate::sys::SysError;
use crate::sys::cgroup::CgroupError;

/// Why a container cannot be limited.
#[derive(Debug, Error)]
pub enum LimitsError {
    /// There is no cgroup to do it with.
    #[error("cannot enforce `{flag}`")]
    None {
        /// The flag.
        flag: &'static str,
        /// Why not.
        #[source]
        cause: CgroupError,
    },
    /// It cannot be made.
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    /// Another process cannot be put into it.
    #[error("cannot join the cgroup `{}`, which limits the container", .path.display())]
    Join {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// It cannot be removed.
    #[error("cannot remove the cgroup `{}`", .path.display())]
    Remove {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: SysError,
    },
}

impl LimitsError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        const BEST_EFFORT: &str =
            "--limits best-effort limits each process as far as that goes, and says how far";
        match self {
            Self::None { cause: CgroupError::Legacy | CgroupError::Unknown, .. } => Some(format!(
                "limits of containers need a machine with cgroups of version 2 alone (boot with \
                 systemd.unified_cgroup_hierarchy=1); {BEST_EFFORT}"
            )),
            Self::None { cause: CgroupError::Controller { .. }, .. } => Some(format!(
                "root can delegate more: a drop-in for user@.service with Delegate=cpu cpuset io memory pids; \
                 {BEST_EFFORT}"
            )),
            Self::None { .. } | Self::Cgroup(_) => Some(format!(
                "let systemd give minirun a cgroup of its own: systemd-run --user --scope -p Delegate=yes minirun run …; \
                 {BEST_EFFORT}"
            )),
            Self::Join { .. } => Some(
                "the kernel lets processes move only below a cgroup that is theirs: start this command where the \
                 container was started, or with systemd-run --user --scope"
                    .to_owned(),
            ),
            Self::Remove { .. } => None,
        }
    }
}
