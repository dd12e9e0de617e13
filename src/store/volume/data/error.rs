//! Why something cannot be done with the files of a volume.

use std::path::PathBuf;

use thiserror::Error;

use crate::plan::name::{ContainerName, VolumeName};
use crate::plan::snapshot::{SnapshotError, SnapshotName, VolumeRef};
use crate::store::compression::CompressionError;
use crate::store::copy::CopyError;
use crate::store::pack::PackError;
use crate::store::tar::TarError;
use crate::store::tar::write::WriteError;
use crate::store::unpack::{Problem, UnpackError};
use crate::store::volume::{FillError, MergeError, VolumeError};
use crate::store::walk::WalkError;
use crate::store::{StoreError, is_full};
use crate::sys::SysError;

/// Why the files of a volume could not be read or changed.
#[derive(Debug, Error)]
pub enum DataError {
    /// The volume.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is nothing to import into.
    #[error("there is no volume `{0}`")]
    NoVolume(VolumeName),
    /// The name of a snapshot.
    #[error(transparent)]
    Name(#[from] SnapshotError),
    /// No snapshot is called so.
    #[error("there is no snapshot `{snapshot}` of volume `{volume}`")]
    NoSnapshot {
        /// The volume.
        volume: VolumeName,
        /// What was asked for.
        snapshot: SnapshotName,
    },
    /// A snapshot is needed, and the volume has none.
    #[error("volume `{0}` has no snapshot")]
    NoSnapshots(VolumeName),
    /// The name of the new volume is taken.
    #[error("there is a volume `{0}` already")]
    Taken(VolumeName),
    /// The name of the new snapshot is taken.
    #[error("volume `{volume}` has a snapshot `{snapshot}` already")]
    SnapshotTaken {
        /// The volume.
        volume: VolumeName,
        /// The name.
        snapshot: SnapshotName,
    },
    /// The files are somewhere on the host, where they are not to be replaced.
    #[error("volume `{volume}` shows `{}` of the host, which is not the store's to change", .device.display())]
    Elsewhere {
        /// The volume.
        volume: VolumeName,
        /// Where its files are.
        device: PathBuf,
    },
    /// There are files only while a container runs.
    #[error("volume `{volume}` has no files of its own: it is mounted as `{kind}`")]
    Unmounted {
        /// The volume.
        volume: VolumeName,
        /// The type of its file system.
        kind: String,
    },
    /// Containers that run write to it.
    #[error("volume `{volume}` is in use by {}", .users.iter().map(|user| format!("`{user}`")).collect::<Vec<_>>().join(", "))]
    Running {
        /// The volume.
        volume: VolumeName,
        /// The containers.
        users: Vec<ContainerName>,
    },
    /// Copying.
    #[error("cannot copy `{of}`")]
    Copy {
        /// What was copied.
        of: VolumeRef,
        /// Why not.
        #[source]
        cause: CopyError,
    },
    /// Packing.
    #[error("cannot export `{of}`")]
    Pack {
        /// What was packed.
        of: VolumeRef,
        /// Why not.
        #[source]
        cause: PackError,
    },
    /// Unpacking.
    #[error("cannot import {source_name}; the volume is as it was")]
    Unpack {
        /// The archive.
        source_name: String,
        /// Why not.
        #[source]
        cause: ArchiveError,
    },
    /// The same for a volume that was to be made of them.
    #[error("cannot make volume `{volume}` of {}; there is none now", .names.1, volume = .names.0)]
    UnpackNew {
        /// The volume and the archive.
        names: Box<(VolumeName, String)>,
        /// Why not.
        #[source]
        cause: ArchiveError,
    },
    /// Moving the files of a complete archive into the volume.
    #[error("cannot move all files into volume `{volume}`")]
    Merge {
        /// The volume.
        volume: VolumeName,
        /// Why not.
        #[source]
        cause: MergeError,
    },
    /// Moving the files of the image into the volume, which was interrupted.
    #[error("cannot fill volume `{volume}`")]
    Fill {
        /// The volume.
        volume: VolumeName,
        /// Why not.
        #[source]
        cause: FillError,
    },
    /// Comparing.
    #[error("cannot compare `{}` with `{}`", .sides.0, .sides.1)]
    Compare {
        /// What came first, and what came then.
        sides: Box<(VolumeRef, VolumeRef)>,
        /// Why not.
        #[source]
        cause: WalkError,
    },
    /// A call on the volume's directory.
    #[error("cannot use the files of `{of}`")]
    Use {
        /// Whose files.
        of: VolumeRef,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// The file that an archive is written to.
    #[error("cannot write `{}`", .path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: SysError,
    },
}

/// Why an archive was not unpacked.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The compression could not be taken off.
    #[error("cannot decompress it")]
    Compression(#[source] CompressionError),
    /// It is malformed, or cut short.
    #[error(transparent)]
    Archive(TarError),
    /// One entry could not be unpacked.
    #[error("cannot unpack `{entry}`")]
    Entry {
        /// Its name.
        entry: String,
        /// What is wrong with it.
        #[source]
        problem: Problem,
    },
    /// Something else.
    #[error(transparent)]
    Unpack(UnpackError),
}

impl From<UnpackError> for ArchiveError {
    fn from(error: UnpackError) -> Self {
        match error {
            UnpackError::Compression(cause) => Self::Compression(cause),
            UnpackError::Archive(cause) => Self::Archive(cause),
            UnpackError::Entry { entry, problem } => Self::Entry { entry, problem },
            error => Self::Unpack(error),
        }
    }
}

impl ArchiveError {
    /// What the user can do about it.
    fn hint(&self) -> Option<String> {
        match self {
            Self::Entry { problem: Problem::Owner { uid, gid, .. }, .. } => Some(format!(
                "the ID map must cover user {uid} and group {gid}: add subordinate IDs for this user to /etc/subuid \
                 and /etc/subgid"
            )),
            Self::Archive(TarError::Empty) => {
                Some("see what the program says that should have written it".to_owned())
            }
            Self::Compression(_) | Self::Archive(_) | Self::Entry { .. } | Self::Unpack(_) => None,
        }
    }
}

impl DataError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Volume(error) => return error.hint(),
            Self::Store(error) => return error.hint(),
            Self::NoVolume(volume) => {
                format!("add --create, or make it first: minirun volume create {volume}")
            }
            Self::NoSnapshot { volume, .. } => format!("see `minirun volume snapshot ls {volume}`"),
            Self::NoSnapshots(volume) => {
                format!("make one: minirun volume snapshot {volume}; or name another volume to compare with")
            }
            Self::Taken(_) | Self::SnapshotTaken { .. } => "choose another name".to_owned(),
            Self::Elsewhere { volume, device } => format!(
                "work on `{}` itself, or on a copy in a plain volume: minirun volume clone {volume} NEW",
                device.display()
            ),
            Self::Unmounted { .. } => "copy the files from inside a container that mounts it".to_owned(),
            Self::Running { .. } => {
                "end what uses it first; --force lets it go on with the files that it has".to_owned()
            }
            Self::Copy { cause, .. } if cause.source.call().starts_with("ioctl(FICLONE)") => {
                "the store's file system cannot share blocks: --reflink auto copies them".to_owned()
            }
            Self::Unpack { cause, .. } | Self::UnpackNew { cause, .. } => return cause.hint(),
            Self::Merge { volume, .. } => {
                format!("nothing is lost: the next `minirun volume import {volume} …` moves the rest first")
            }
            Self::Output { cause, .. } if is_full(cause.errno()) => "make room there".to_owned(),
            Self::Pack { cause: PackError::Write(WriteError::Write { source, .. }), .. }
                if is_full(source.errno()) =>
            {
                "make room where the archive goes; no part of it is left".to_owned()
            }
            Self::Name(_)
            | Self::Fill { .. }
            | Self::Copy { .. }
            | Self::Pack { .. }
            | Self::Compare { .. }
            | Self::Use { .. }
            | Self::Output { .. } => return None,
        })
    }
}
