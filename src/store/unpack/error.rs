//! Why a layer cannot be unpacked.

use std::io;

use thiserror::Error;

use crate::store::compression::CompressionError;
use crate::store::remove::RemoveError;
use crate::store::tar::TarError;
use crate::store::verify::VerifyError;
use crate::sys::SysError;

/// Why a layer was not unpacked. The directory holds a part of it then, and must be removed.
#[derive(Debug, Error)]
pub enum UnpackError {
    /// The compression could not be taken off.
    #[error("cannot decompress the layer")]
    Compression(#[from] CompressionError),
    /// The archive is malformed, cut short, or could not be read.
    #[error("cannot read the layer")]
    Archive(#[from] TarError),
    /// The blob is not the one of its descriptor.
    #[error("the layer is not the one that the manifest names")]
    Blob(#[source] VerifyError),
    /// The uncompressed layer is not the one of the image's configuration.
    #[error("the layer's content is not the one that the image's configuration names")]
    Content(#[source] VerifyError),
    /// The layer has more entries than allowed.
    #[error("the layer has more than {0} entries")]
    TooManyEntries(u64),
    /// The blob is to be kept, and that would be too much.
    #[error("the layers, with the blobs of them that are to be kept, have more than {0} bytes")]
    KeptTooMuch(u64),
    /// One entry could not be applied.
    #[error("cannot unpack `{entry}`")]
    Entry {
        /// Its name as the archive has it, with everything unprintable escaped.
        entry: String,
        /// What is wrong with it.
        #[source]
        problem: Problem,
    },
    /// A thread could not be started.
    #[error("cannot unpack and decompress side by side")]
    Thread(#[source] SysError),
    /// What takes the archive down.
    #[error("cannot write the outline of the layer")]
    Outline(#[source] SysError),
    /// The layer's directory itself could not be prepared or completed.
    #[error("cannot complete the layer's directory")]
    Directory(#[source] Problem),
}

impl UnpackError {
    /// What the user could do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Entry { problem: Problem::Owner { uid, gid, .. }, .. } => Some(format!(
                "the ID map must cover user {uid} and group {gid}: add subordinate ids for this user to \
                 /etc/subuid and /etc/subgid, or unpack it for one owner: minirun run --userns single oci:DIR"
            )),
            _ => None,
        }
    }

    /// What the limit is called that the layer is beyond, if that is what is wrong.
    pub(in crate::store) fn limit(&self) -> Option<&'static str> {
        match self {
            Self::TooManyEntries(_) => Some("entries"),
            Self::KeptTooMuch(_) => Some("bytes"),
            Self::Archive(error) => limit_of_archive(error),
            Self::Entry { problem, .. } | Self::Directory(problem) => problem.limit(),
            Self::Compression(_) | Self::Blob(_) | Self::Content(_) | Self::Thread(_) | Self::Outline(_) => {
                None
            }
        }
    }
}

impl Problem {
    fn limit(&self) -> Option<&'static str> {
        match self {
            Self::Body(error) => limit_of_archive(error),
            Self::Deep => Some("depth"),
            Self::Paths(_) => Some("paths"),
            Self::Lookups(_) => Some("lookups"),
            Self::Copies(_) => Some("bytes"),
            Self::TooLarge { .. } => Some("file"),
            Self::System(_)
            | Self::Remove(_)
            | Self::Name(_)
            | Self::Root
            | Self::Whiteout
            | Self::Parent(_)
            | Self::Loop
            | Self::MissingTarget(_)
            | Self::OwnTarget
            | Self::DirectoryTarget(_)
            | Self::WhiteoutDevice
            | Self::Owner { .. } => None,
        }
    }
}

/// What the limit is called that an archive is beyond.
pub(in crate::store) fn limit_of_archive(error: &TarError) -> Option<&'static str> {
    match error {
        TarError::TooMany { .. } => Some("entries"),
        TarError::TooLarge { counted, .. } => Some(counted.limit()),
        TarError::Read { source, .. } => match source.get_ref()?.downcast_ref()? {
            SizeError::Bytes(_) => Some("bytes"),
            SizeError::Ratio(_) => Some("ratio"),
        },
        _ => None,
    }
}

/// What is wrong with one entry.
#[derive(Debug, Error)]
pub enum Problem {
    /// The kernel refused.
    #[error(transparent)]
    System(#[from] SysError),
    /// What was in the way could not be removed.
    #[error(transparent)]
    Remove(#[from] RemoveError),
    /// The body could not be read.
    #[error(transparent)]
    Body(#[from] TarError),
    /// The name, or a link's target, is not one to follow.
    #[error("its name or link target {0}")]
    Name(&'static str),
    /// The name, or a link's target, has more parts than allowed.
    #[error("its name or link target is too deep")]
    Deep,
    /// The name stands for the root directory, but the entry is none.
    #[error("it would replace the root directory")]
    Root,
    /// A whiteout that would hide no certain name.
    #[error("it is a whiteout of no name")]
    Whiteout,
    /// What should be the directory around the entry is another thing of the same layer.
    #[error("`{0}` is not a directory")]
    Parent(String),
    /// Too many symlinks on the way.
    #[error("its directory leads through too many symlinks")]
    Loop,
    /// The hard link has no file to name.
    #[error("its hard link target `{0}` does not exist")]
    MissingTarget(String),
    /// The hard link names itself.
    #[error("it is a hard link to itself")]
    OwnTarget,
    /// Directories have one name only.
    #[error("its hard link target `{0}` is a directory")]
    DirectoryTarget(String),
    /// A device 0:0 would read as a whiteout.
    #[error("it is the character device 0:0, which means a removed file")]
    WhiteoutDevice,
    /// The directories of the layer cannot be kept in mind.
    #[error("the paths of all directories together have more than {0} bytes")]
    Paths(usize),
    /// Directories that lie deep and far from each other make the way to them long.
    #[error("more than {0} directories would have to be opened on the way")]
    Lookups(u64),
    /// Hard links to files of the layers below need copies of these.
    #[error("its hard links need copies of more than {0} bytes of the layers below")]
    Copies(u64),
    /// The file is larger than allowed, holes counted.
    #[error("it has {size} bytes, more than {limit}")]
    TooLarge {
        /// The size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The owner is outside of the user namespace's map.
    #[error("its owner {uid}:{gid} is not in the ID map")]
    Owner {
        /// The user ID in the container.
        uid: u32,
        /// The group ID in the container.
        gid: u32,
        /// The call.
        #[source]
        source: SysError,
    },
}

/// A stream that grows beyond what a layer may be; the inner error of an [`io::Error`].
#[derive(Debug, Error)]
pub enum SizeError {
    /// Too many bytes.
    #[error("the layer unpacks to more than {0} bytes, which is all that the limit leaves to it")]
    Bytes(u64),
    /// Too many bytes for so few compressed ones.
    #[error("the layer unpacks to more than {0} times its compressed size")]
    Ratio(u64),
}

impl From<SizeError> for io::Error {
    fn from(error: SizeError) -> Self {
        Self::other(error)
    }
}
