//! Moves the files of an import into a volume: directories are merged, everything else is replaced.
//!
//! They lie in the volume's directory already, complete: whoever is interrupted is finished by the next. Until a file
//! has been moved its old one stands there; only where a file takes the place of a directory, or the other way round,
//! the name is missing for a moment.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{FileType, Mode, Stat};
use rustix::io::Errno;
use thiserror::Error;

use crate::store::copy::inode::{Dress, Marks, copy_metadata, xattr_names};
use crate::store::directory::Directory;
use crate::store::merged::{open_directory, os, stat_name};
use crate::store::remove::{RemoveError, remove_tree};
use crate::store::walk::open_below;
use crate::sys::{Call, SysError, moment};

/// In a volume: files of a complete import that are being moved in.
pub(super) const INCOMING: &str = "incoming";
/// In a volume: what had to make room for them.
pub(super) const REPLACED: &str = "replaced";

/// Why not all files were moved; what was moved stays.
#[derive(Debug, Error)]
pub enum MergeError {
    /// A call.
    #[error("cannot move `{path}`")]
    Move {
        /// The path below the volume.
        path: String,
        /// The call.
        #[source]
        source: SysError,
    },
    /// A call on the volume's own directory.
    #[error("cannot prepare it")]
    Prepare(#[source] SysError),
    /// What had to make room.
    #[error(transparent)]
    Remove(#[from] RemoveError),
}

/// Moves in what lies ready, if anything does. The volume is locked.
pub(super) fn finish(volume: &Directory, data: BorrowedFd<'_>) -> Result<(), MergeError> {
    if let Some(incoming) = open_optional(volume.as_fd(), INCOMING).map_err(MergeError::Prepare)? {
        match rustix::fs::mkdirat(volume, REPLACED, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(MergeError::Prepare(SysError::new("mkdirat(\"replaced\")", errno))),
        }
        let replaced = open_optional(volume.as_fd(), REPLACED).map_err(MergeError::Prepare)?;
        let replaced = replaced.ok_or_else(|| MergeError::Prepare(SysError::new("openat", Errno::NOENT)))?;
        Merge { incoming, data, replaced, count: 0 }.run()?;
        remove_tree(volume.as_fd(), OsStr::new(INCOMING))?;
    }
    Ok(remove_tree(volume.as_fd(), OsStr::new(REPLACED))?)
}

struct Merge<'d> {
    incoming: OwnedFd,
    data: BorrowedFd<'d>,
    replaced: OwnedFd,
    count: u64,
}

impl Merge<'_> {
    fn run(mut self) -> Result<(), MergeError> {
        let mut waiting = vec![Vec::new()];
        let mut done = Vec::new();
        while let Some(path) = waiting.pop() {
            let moved = self.move_all(&path);
            let directories = moved.map_err(|source| failed(&path, source))?;
            waiting.extend(directories.into_iter().map(|name| [&path, &b"/"[..], name.as_bytes()].concat()));
            done.push(path);
        }
        // The deepest first: moving something into a directory changes its time.
        while let Some(path) = done.pop() {
            self.dress(&path).map_err(|source| failed(&path, source))?;
        }
        Ok(())
    }

    /// Moves what a directory has, but for the directories that the volume has, too; their names.
    fn move_all(&mut self, path: &[u8]) -> Result<Vec<OsString>, SysError> {
        let (Some(from), Some(to)) = self.open(path)? else { return Ok(Vec::new()) };
        let mut directories = Vec::new();
        for name in names(from.as_fd())? {
            let Some(ours) = stat_name(&from, &name)? else { continue };
            let theirs = stat_name(&to, &name)?;
            match (is_directory(&ours), theirs.as_ref().map(is_directory)) {
                (true, Some(true)) => {
                    directories.push(name);
                    continue;
                }
                (true, Some(false)) | (false, Some(true)) => self.put_away(to.as_fd(), &name)?,
                (true | false, None) | (false, Some(false)) => {}
            }
            rustix::fs::renameat(&from, &name, &to, &name).call(|| format!("renameat({name:?})"))?;
            moment("moved into the volume");
        }
        Ok(directories)
    }

    /// Moves something out of the way that a rename cannot replace.
    fn put_away(&mut self, directory: BorrowedFd<'_>, name: &OsStr) -> Result<(), SysError> {
        loop {
            self.count += 1;
            let own = self.count.to_string();
            let flags = rustix::fs::RenameFlags::NOREPLACE;
            match rustix::fs::renameat_with(directory, name, &self.replaced, &own, flags) {
                Err(Errno::EXIST) => {}
                result => {
                    result.call(|| format!("renameat2({name:?})"))?;
                    moment("put away");
                    return Ok(());
                }
            }
        }
    }

    /// Gives a directory of the volume the metadata of the one that was merged into it.
    fn dress(&self, path: &[u8]) -> Result<(), SysError> {
        let (Some(from), Some(to)) = self.open(path)? else { return Ok(()) };
        let stat = rustix::fs::fstat(&from).call(|| "fstat")?;
        let kept = xattr_names(from.as_fd())?;
        for name in xattr_names(to.as_fd())?.iter().filter(|name| !kept.contains(*name)) {
            let name = os(name.strip_suffix(b"\0").unwrap_or(name));
            // What may not be removed is not the archive's business.
            if !name.as_bytes().starts_with(b"security.") {
                rustix::fs::fremovexattr(&to, name).call(|| format!("fremovexattr({name:?})"))?;
            }
        }
        let dress = Dress { owner: Some((stat.st_uid, stat.st_gid)), marks: Marks::Kept };
        copy_metadata(from.as_fd(), to.as_fd(), &stat, dress).map(drop)
    }

    fn open(&self, path: &[u8]) -> Result<(Option<OwnedFd>, Option<OwnedFd>), SysError> {
        Ok((open_below(self.incoming.as_fd(), path)?, open_below(self.data.as_fd(), path)?))
    }
}

fn is_directory(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

fn names(directory: BorrowedFd<'_>) -> Result<Vec<OsString>, SysError> {
    crate::store::walk::sorted_names(directory)
}

fn open_optional(directory: BorrowedFd<'_>, name: &str) -> Result<Option<OwnedFd>, SysError> {
    match open_directory(directory, OsStr::new(name)) {
        Err(Errno::NOENT) => Ok(None),
        result => result.call(|| format!("openat({name:?}, DIRECTORY|NOFOLLOW)")).map(Some),
    }
}

fn failed(path: &[u8], source: SysError) -> MergeError {
    MergeError::Move { path: format!("/{}", path.strip_prefix(b"/").unwrap_or(path).escape_ascii()), source }
}
