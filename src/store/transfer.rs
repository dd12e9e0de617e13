//! Copies files between a container and the host, by Docker's rules for what lands where.
//!
//! Every step is by descriptor, one name at a time and through no symlink, on both sides: whoever swaps something meanwhile
//! gains nothing. A file comes into place by one rename; what is a directory on both sides is merged.

mod copier;
mod resolve;

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::Stat;
use thiserror::Error;

use super::copy::inode::names as list;
use super::merged::Merged;
use super::pack::{PackError, PackNote, pack_named};
use super::remove::remove_tree;
use super::unpack::{Limits, Ownership, PlainRules, UnpackError, unpack_plain};
use crate::sys::{Call, SysError};
use copier::Copier;

pub use resolve::{End, Landing, Links, Opener, Source, source};

/// Why something could not be copied.
#[derive(Debug, Error)]
pub enum TransferError {
    /// A path that leads to nothing that can be copied, or to which nothing can be copied.
    #[error("cannot open `{path}`")]
    Open {
        /// The path as it was given.
        path: String,
        /// The call.
        #[source]
        source: SysError,
    },
    /// The destination's directory does not exist.
    #[error("there is no directory `{0}` to copy a file into")]
    NoDirectory(String),
    /// A directory onto a file.
    #[error("cannot copy a directory to `{0}`, which is a file")]
    OntoFile(String),
    /// An archive is unpacked into a directory only.
    #[error("cannot unpack into `{0}`, which is no directory")]
    NotDirectory(String),
    /// A directory and a file of the same name.
    #[error("cannot replace `{path}`: one side has a directory there, the other has none")]
    Kind {
        /// Below the destination.
        path: String,
    },
    /// A directory into one that it holds.
    #[error("cannot copy a directory into itself")]
    IntoItself,
    /// Too many directories in one another.
    #[error("`{0}` lies too deep")]
    Deep(String),
    /// One of the files.
    #[error("cannot copy `{path}`")]
    Copy {
        /// Below the destination.
        path: String,
        /// The call.
        #[source]
        source: SysError,
    },
    /// The archive that is read.
    #[error("cannot unpack the archive")]
    Unpack(#[from] UnpackError),
    /// The archive that is written.
    #[error("cannot pack the archive")]
    Pack(#[from] PackError),
}

/// Whose the copies are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Whoever makes them; bits that would give away their rights are dropped.
    Maker,
    /// This user and group.
    These(u32, u32),
    /// The owners of what is copied; what the container lacks belongs to this user and group.
    Kept(u32, u32),
}

impl Owner {
    fn of(self, stat: &Stat) -> Option<(u32, u32)> {
        /// What the kernel says of an ID that the user namespace does not have.
        const UNMAPPED: u32 = 65534;
        let mapped = |id, instead| if id == UNMAPPED { instead } else { id };
        match self {
            Self::Maker => None,
            Self::These(user, group) => Some((user, group)),
            Self::Kept(user, group) => Some((mapped(stat.st_uid, user), mapped(stat.st_gid, group))),
        }
    }
}

/// Copies `source` to where it lands; what was left out, in words.
///
/// # Errors
/// Something cannot be read or written, or a directory meets a file. What was copied before stays.
pub fn copy(source: &Source, landing: &Landing, owner: Owner) -> Result<Vec<String>, TransferError> {
    let mut copier = Copier::new(owner);
    copier.copy(source, landing)?;
    Ok(copier.notes)
}

/// Packs `source` as an archive whose names begin with its own; what was left out, in words.
///
/// # Errors
/// Something cannot be read, or the archive cannot be written.
pub fn pack(source: &Source, writer: impl io::Write) -> Result<Vec<String>, TransferError> {
    let mut writer = io::BufWriter::new(writer);
    let notes: Vec<PackNote> = pack_named((source.directory.as_fd(), &source.name), &mut writer)?;
    io::Write::flush(&mut writer).map_err(|error| {
        let source = super::tar::write::WriteError::Write {
            offset: 0,
            source: SysError::from_io("write(archive)", &error),
        };
        TransferError::Pack(PackError::Write(source))
    })?;
    Ok(notes.iter().map(ToString::to_string).collect())
}

/// Unpacks an archive by way of the empty directory `stage` into the directory that `landing` is; what was left out, in
/// words.
///
/// # Errors
/// The archive is malformed, or something cannot be written.
pub fn unpack(
    reader: impl io::Read + Send,
    stage: &OwnedFd,
    landing: &Landing,
    ownership: Ownership,
) -> Result<Vec<String>, TransferError> {
    let limits = Limits::of_plain_files();
    let owner = match ownership {
        Ownership::Mapped => Owner::Kept(0, 0),
        Ownership::Squashed => Owner::Maker,
    };
    let rules = PlainRules { ownership, limits: &limits };
    let warnings = unpack_plain(reader, stage.as_fd(), &Merged::default(), rules, &mut |_| {})?;
    let mut notes: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let empty = || -> Result<(), SysError> {
        for name in list(stage.as_fd())? {
            // What cannot be removed here is swept later.
            let _ = remove_tree(stage.as_fd(), &name);
        }
        Ok(())
    };
    let source = stage.try_clone().call(|| "fcntl(F_DUPFD_CLOEXEC)");
    let source = source.map_err(|source| TransferError::Copy { path: ".".to_owned(), source })?;
    let copied = copy(&Source::inside(source), landing, owner);
    empty().map_err(|source| TransferError::Copy { path: ".".to_owned(), source })?;
    notes.extend(copied?);
    Ok(notes)
}
