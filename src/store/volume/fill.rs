//! Filling an empty volume with the files of the image: by one of many, whole or not at all.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use thiserror::Error;

use crate::store::copy::inode::{Dress, Marks, copy_metadata};
use crate::store::copy::{CopyError, copy_tree};
use crate::store::layout;
use crate::store::remove::{RemoveError, remove_tree};
use crate::sys::{Call, SysError};

/// A copy that is not complete yet; whoever finds it makes a new one.
const STAGE: &str = "stage";
/// A copy that is complete and being moved into place; whoever finds it goes on moving.
const READY: &str = "ready";

/// Why a volume could not take the image's files.
#[derive(Debug, Error)]
pub enum FillError {
    /// A call on the volume's directories.
    #[error("cannot prepare the volume")]
    Prepare(#[source] SysError),
    /// Copying.
    #[error("cannot copy the image's files")]
    Copy(#[from] CopyError),
    /// What an earlier, interrupted copy left.
    #[error("cannot remove what an interrupted copy left")]
    Remove(#[from] RemoveError),
}

/// Fills the volume whose data are at `data` with what is in `source`, if it is empty.
///
/// Locked, so that of many containers that start at once one copies and the others wait; and never half done: the
/// copy is made beside the data and then moved in, and an interrupted move is finished by the next who comes.
///
/// # Errors
/// The copy cannot be made; the volume is as empty as it was.
pub fn fill(data: &Path, source: BorrowedFd<'_>) -> Result<(), FillError> {
    let volume = data.parent().unwrap_or(data);
    let volume = open(rustix::fs::CWD, volume.as_os_str())?;
    rustix::fs::flock(&volume, FlockOperation::LockExclusive)
        .call(|| "flock(volume)")
        .map_err(FillError::Prepare)?;
    let data = open(volume.as_fd(), OsStr::new(layout::VOLUME_DATA))?;
    match open(volume.as_fd(), OsStr::new(READY)) {
        Ok(ready) => return move_in(volume.as_fd(), ready.as_fd(), data.as_fd()),
        Err(FillError::Prepare(error)) if error.errno() == Errno::NOENT => {}
        Err(error) => return Err(error),
    }
    if !is_empty(data.as_fd())? {
        return Ok(());
    }
    remove_tree(volume.as_fd(), OsStr::new(STAGE))?;
    let copied = stage(volume.as_fd(), source);
    if copied.is_err() {
        remove_tree(volume.as_fd(), OsStr::new(STAGE))?;
    }
    copied?;
    rustix::fs::renameat(&volume, STAGE, &volume, READY)
        .call(|| "renameat(stage, ready)")
        .map_err(FillError::Prepare)?;
    let ready = open(volume.as_fd(), OsStr::new(READY))?;
    move_in(volume.as_fd(), ready.as_fd(), data.as_fd())
}

fn stage(volume: BorrowedFd<'_>, source: BorrowedFd<'_>) -> Result<(), FillError> {
    rustix::fs::mkdirat(volume, STAGE, Mode::RWXU).call(|| "mkdirat(stage)").map_err(FillError::Prepare)?;
    let stage = open(volume, OsStr::new(STAGE))?;
    Ok(copy_tree(source, stage.as_fd(), &mut |user, group| (user, group))?)
}

/// Moves everything of `ready` into `data`, gives `data` the looks of `ready`, and removes `ready`.
fn move_in(volume: BorrowedFd<'_>, ready: BorrowedFd<'_>, data: BorrowedFd<'_>) -> Result<(), FillError> {
    for name in names(ready)? {
        rustix::fs::renameat(ready, &name, data, &name)
            .call(|| format!("renameat({name:?})"))
            .map_err(FillError::Prepare)?;
    }
    // An empty directory by now: copying it copies mode, owner, attributes and times.
    let stat = rustix::fs::fstat(ready).call(|| "fstat(ready)").map_err(FillError::Prepare)?;
    let dress = Dress { owner: Some((stat.st_uid, stat.st_gid)), marks: Marks::Kept };
    copy_metadata(ready, data, &stat, dress).map_err(FillError::Prepare)?;
    Ok(remove_tree(volume, OsStr::new(READY))?)
}

fn open(directory: impl AsFd, name: &OsStr) -> Result<OwnedFd, FillError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(directory, name, flags, Mode::empty())
        .call(|| format!("openat({name:?}, DIRECTORY|NOFOLLOW)"))
        .map_err(FillError::Prepare)
}

fn names(directory: BorrowedFd<'_>) -> Result<Vec<std::ffi::CString>, FillError> {
    let read = || -> Result<Vec<_>, Errno> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(directory)? {
            let name = entry?.file_name().to_owned();
            if name.as_bytes() != b"." && name.as_bytes() != b".." {
                names.push(name);
            }
        }
        Ok(names)
    };
    read().call(|| "getdents(volume)").map_err(FillError::Prepare)
}

fn is_empty(directory: BorrowedFd<'_>) -> Result<bool, FillError> {
    Ok(names(directory)?.is_empty())
}
