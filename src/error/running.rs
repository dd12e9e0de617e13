//! Why the mounts of a container that runs stay as they are.

use rustix::io::Errno;
use thiserror::Error;

use crate::launch::EnterError;
use crate::plan::path::ContainerPath;
use crate::sys::SysError;

/// Why a mount did not come or go.
#[derive(Debug, Error)]
pub enum RunningError {
    /// Something in a container that runs.
    #[error("cannot {attempt} in container `{container}`")]
    Enter {
        /// What was to be done.
        attempt: String,
        /// The container's name.
        container: String,
        /// Why not.
        #[source]
        cause: EnterError,
    },
    /// A container whose processes could get hold of minirun's own program.
    #[error("cannot enter container `{container}` by a program that its processes cannot change")]
    Copy {
        /// The container's name.
        container: String,
        /// Why there is no such program.
        #[source]
        cause: SysError,
    },
    /// A container without processes, of which the kernel knows nothing.
    #[error("nothing is in force for container `{0}`, which does not run")]
    Idle(String),
    /// The processes of a container that is said to run.
    #[error("the processes of container `{0}` cannot be found")]
    Unseen(String),
    /// A mount that only a container that is being started can have.
    #[error("{what} cannot be mounted into a container that runs")]
    OnlyAtStart {
        /// What was asked for.
        what: String,
        /// The nearest thing that works.
        instead: &'static str,
    },
    /// A mount that belongs to every container.
    #[error("`{destination}` in container `{container}` was not mounted by anybody's wish: it stays")]
    DefaultMount {
        /// Where it is.
        destination: ContainerPath,
        /// The container's name.
        container: String,
    },
    /// Nothing to take away.
    #[error("nothing is mounted at `{destination}` in container `{container}`")]
    NotMounted {
        /// Where it should be.
        destination: ContainerPath,
        /// The container's name.
        container: String,
    },
}

impl RunningError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Enter { cause, .. } => cause.hint(),
            Self::Copy { cause, .. } if cause.errno() == Errno::ACCESS => Some(
                "root's container has --cap-add SYS_PTRACE, and is entered by a program in memory: see `sysctl \
                 vm.memfd_noexec`"
                    .to_owned(),
            ),
            Self::Copy { .. } => None,
            Self::OnlyAtStart { instead, .. } => Some((*instead).to_owned()),
            Self::Unseen(_) => {
                Some("it is about to end, or runs in another PID namespace than this command".to_owned())
            }
            Self::Idle(name) => Some(format!(
                "start it: minirun start {name}; what was asked for it is shown by minirun inspect {name}"
            )),
            Self::DefaultMount { .. } => Some(
                "only what -v, --mount, --tmpfs or `minirun mount` put there can be taken away".to_owned(),
            ),
            Self::NotMounted { container, .. } => Some(format!("see minirun mounts {container}")),
        }
    }
}
