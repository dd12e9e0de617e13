//! Why changes cannot be told, applied or discarded.

use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::plan::quote::quoted;
use crate::store::remove::RemoveError;
use crate::sys::SysError;

/// Why changes cannot be told, applied or discarded.
#[derive(Debug, Error)]
pub enum ReviewError {
    /// The layer's own directory.
    #[error("cannot open the container's changes in `{}`", .path.display())]
    Layer {
        /// The layer's directory.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// A file that says when the container started or what was applied.
    #[error("`{}` is damaged", .0.display())]
    Damaged(PathBuf),
    /// The directory that the changes are changes to.
    #[error("cannot open the source `{}`", .path.display())]
    Source {
        /// The source on the host.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// Something else has the source's path now.
    #[error("`{}` is not the directory that the container saw: another one was put there after the start", .0.display())]
    Replaced(PathBuf),
    /// A path could not be compared.
    #[error("cannot compare {}", quoted_path(.path))]
    Compare {
        /// Below the source.
        path: PathBuf,
        /// The call.
        #[source]
        cause: SysError,
    },
    /// A path could not be brought to the host.
    #[error("cannot apply {}", quoted_path(.path))]
    Apply {
        /// Below the source.
        path: PathBuf,
        /// The call.
        #[source]
        cause: SysError,
    },
    /// A path changed between being compared and being replaced.
    #[error("{} changed on the host at this moment", quoted_path(.0))]
    Moving(PathBuf),
    /// What the container removed could not be removed on the host.
    #[error("cannot remove {}", quoted_path(.path))]
    Remove {
        /// Below the source.
        path: PathBuf,
        /// What is left.
        #[source]
        cause: RemoveError,
    },
    /// A change could not be thrown away.
    #[error("cannot discard the change of {}", quoted_path(.path))]
    Discard {
        /// Below the source.
        path: PathBuf,
        /// The call.
        #[source]
        cause: SysError,
    },
    /// A removed path whose directory was removed or replaced with it has no mark of its own.
    #[error("{} was removed together with {}", quoted_path(.path), quoted_path(.with))]
    Together {
        /// Below the source.
        path: PathBuf,
        /// The directory that was removed or replaced.
        with: PathBuf,
    },
    /// The host's side of some paths changed, too.
    #[error("the changes of container `{name}` would undo what happened on the host since it started")]
    Conflicts {
        /// The container's name.
        name: String,
        /// The paths.
        #[source]
        cause: ConflictList,
    },
    /// A path that neither side has.
    #[error("there is nothing at {}, neither in the container nor on the host", quoted_path(.0))]
    Unknown(PathBuf),
    /// What was applied cannot be written down.
    #[error("cannot write down what was applied")]
    History(#[source] SysError),
}

impl ReviewError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Replaced(path) => {
                Some(format!("put the directory that was there back to `{}`", path.display()))
            }
            Self::Moving(_) => Some("what came before it is applied: look at the changes again".to_owned()),
            Self::Conflicts { .. } => Some(
                "nothing is applied; --skip-conflicts applies the others, --force lets the container win"
                    .to_owned(),
            ),
            Self::Unknown(_) => Some("relative paths begin at the mount's destination".to_owned()),
            Self::Together { with, .. } => Some(format!("discard {} as a whole", quoted_path(with))),
            Self::Apply { .. } | Self::Remove { .. } => {
                Some("what came before it is applied; apply again to go on".to_owned())
            }
            Self::Layer { .. }
            | Self::Damaged(_)
            | Self::Source { .. }
            | Self::Compare { .. }
            | Self::Discard { .. }
            | Self::History(_) => None,
        }
    }
}

/// Paths that changed on both sides, each with what happened on the host.
#[derive(Debug)]
pub struct ConflictList(pub Vec<String>);

impl fmt::Display for ConflictList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConflictList {}

/// A path below the source in backquotes, fit for one line.
fn quoted_path(path: &Path) -> String {
    if path.as_os_str().is_empty() { "the source itself".to_owned() } else { format!("`{}`", quoted(path)) }
}
