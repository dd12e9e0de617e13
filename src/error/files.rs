//! Why the files of a container cannot be shown, copied or kept.

use thiserror::Error;

use crate::plan::name::ContainerName;
use crate::plan::path::ContainerPath;
use crate::store::changes::ChangesError;
use crate::store::commit::CommitError;
use crate::store::copy::CopyError;
use crate::store::pack::PackError;
use crate::store::transfer::TransferError;

/// What to do where nothing can be written.
pub(crate) const READ_ONLY: &str = "copy into a volume of the container, or make it without --read-only";

/// What to do where something is mounted on the very file.
pub(crate) const MOUNTED: &str = "something is mounted there, which is written to, and not replaced: minirun exec -i \
                                  CONTAINER sh -c 'cat >PATH' <FILE";
/// What to do in a file system of the kernel's.
pub(crate) const KERNEL: &str = "the files there are the kernel's, as those of /proc are: only what runs in the \
                                 container writes to them";

/// What went wrong with the files of a container.
#[derive(Debug, Error)]
pub enum FilesError {
    /// A container without files of its own.
    #[error(
        "container `{0}` keeps no files of its own: what it changes in the image `host` is in memory only"
    )]
    NoLayer(ContainerName),
    /// A path in a mount that only a running container has.
    #[error(
        "cannot copy to `{path}` in container `{container}`: the mount at `{destination}` is there only while it runs"
    )]
    MissingMount {
        /// The container.
        container: ContainerName,
        /// Where the copy was to go.
        path: ContainerPath,
        /// Where the mount lies.
        destination: ContainerPath,
    },
    /// A path that nobody in the container could write to, either.
    #[error("cannot copy to `{path}` in container `{container}`: its root filesystem is read-only")]
    ReadOnlyRoot {
        /// The container.
        container: ContainerName,
        /// Where the copy was to go.
        path: ContainerPath,
    },
    /// An image of a container.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The archive of a container.
    #[error("cannot pack the container's files")]
    Pack(#[from] PackError),
    /// The root directory of a container that never started.
    #[error("cannot make the container's root directory look like its image's")]
    Root(#[source] CopyError),
    /// Where an archive goes.
    #[error("cannot write the archive")]
    Output(#[source] std::io::Error),
    /// Copying, before the container was entered.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// What a container changed.
    #[error(transparent)]
    Changes(#[from] ChangesError),
}

impl FilesError {
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::ReadOnlyRoot { .. } => Some(READ_ONLY.to_owned()),
            Self::NoLayer(_)
            | Self::MissingMount { .. }
            | Self::Commit(_)
            | Self::Pack(_)
            | Self::Root(_)
            | Self::Output(_)
            | Self::Transfer(_)
            | Self::Changes(_) => None,
        }
    }
}

impl From<CommitError> for super::Error {
    fn from(error: CommitError) -> Self {
        Self::Files(error.into())
    }
}

impl From<PackError> for super::Error {
    fn from(error: PackError) -> Self {
        Self::Files(error.into())
    }
}

impl From<TransferError> for super::Error {
    fn from(error: TransferError) -> Self {
        Self::Files(error.into())
    }
}

impl From<ChangesError> for super::Error {
    fn from(error: ChangesError) -> Self {
        Self::Files(error.into())
    }
}
