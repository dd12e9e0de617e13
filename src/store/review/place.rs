//! The steps of putting something to its place on the host.

use std::ffi::OsStr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, RenameFlags, Stat};
use rustix::io::Errno;

use super::Kind;
use super::compare::{Named, drop_attributes};
use super::stage::Place;
use crate::store::copy::inode::{Dress, Marks, copy_inode, copy_owner_and_xattrs};
use crate::sys::{Call, SysError, moment};

/// Copies an inode that is no directory to the stage.
pub(super) fn copy(ours: Named<'_>, place: &Place) -> Result<(), SysError> {
    let owner = Some((ours.stat.st_uid, ours.stat.st_gid));
    let dress = Dress { owner, marks: Marks::Dropped };
    copy_inode(ours.directory, place.stage.as_fd(), ours.name, ours.stat, dress)?;
    if ours.kind() != Kind::File {
        return Ok(());
    }
    // The directory may have given it an access control list.
    let copy = Named { directory: place.stage.as_fd(), ..ours }.open()?;
    drop_attributes(copy.as_fd(), ours.open()?.as_fd())
}

/// Gives an inode the owner, xattrs and mode of another.
pub(super) fn dress(model: &OwnedFd, inode: BorrowedFd<'_>, stat: &Stat) -> Result<(), SysError> {
    let dress = Dress { owner: Some((stat.st_uid, stat.st_gid)), marks: Marks::Dropped };
    drop_attributes(inode, model.as_fd())?;
    copy_owner_and_xattrs(model.as_fd(), inode, dress)?;
    rustix::fs::fchmod(inode, Mode::from_raw_mode(stat.st_mode & 0o7777)).call(|| "fchmod()")
}

/// Moves `name` from the first directory to the second, where nothing may be.
pub(super) fn rename_new(
    directories: (BorrowedFd<'_>, BorrowedFd<'_>),
    name: &OsStr,
) -> Result<(), SysError> {
    let (stage, parent) = directories;
    let moved = match rustix::fs::renameat_with(stage, name, parent, name, RenameFlags::NOREPLACE) {
        // Not every file system can look and rename in one step.
        Err(Errno::INVAL) => rustix::fs::renameat(stage, name, parent, name),
        moved => moved,
    };
    moved.call(|| format!("renameat2({name:?}, NOREPLACE)"))?;
    moment("applied");
    Ok(())
}

/// Exchanges `name` of both directories; where the file system cannot, one rename after the other.
pub(super) fn exchange(directories: (BorrowedFd<'_>, BorrowedFd<'_>), name: &OsStr) -> Result<(), SysError> {
    let (stage, parent) = directories;
    match rustix::fs::renameat_with(stage, name, parent, name, RenameFlags::EXCHANGE) {
        Err(Errno::INVAL) => {}
        result => {
            result.call(|| format!("renameat2({name:?}, EXCHANGE)"))?;
            moment("applied");
            return Ok(());
        }
    }
    let old = Place::other_name(name);
    rustix::fs::renameat(parent, name, stage, &old)
        .and_then(|()| rustix::fs::renameat(stage, name, parent, name))
        .call(|| format!("renameat({name:?})"))
}
