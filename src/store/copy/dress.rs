//! Lets one directory look like another that lies below it.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::Mode;
use rustix::io::Errno;

use super::inode::{self, Dress, Marks};
use super::{CopyError, failed};
use crate::store::merged::open_directory;
use crate::sys::{Call, SysError};

/// The owner that the kernel shows for one that the user namespace does not have.
const UNMAPPED: u32 = 65534;

/// Gives the directory `destination` the mode, owner and xattrs of the directory `source`, as far as this process may
/// read and set them; marks of overlay are not among them.
///
/// # Errors
/// The kernel refuses something else.
pub fn dress_like(source: BorrowedFd<'_>, destination: BorrowedFd<'_>) -> Result<(), CopyError> {
    let dress = || {
        let stat = rustix::fs::fstat(source).call(|| "fstat(source)")?;
        let is_known = stat.st_uid != UNMAPPED && stat.st_gid != UNMAPPED;
        let owner = is_known.then_some((stat.st_uid, stat.st_gid));
        match open_directory(source, OsStr::new(".")) {
            Ok(source) => {
                let dress = Dress { owner, marks: Marks::Dropped };
                inode::copy_owner_and_xattrs(source.as_fd(), destination, dress)?;
            }
            // What cannot be read cannot be listed either; the mode says so in the copy, too.
            Err(Errno::ACCESS) => {}
            Err(errno) => return Err(SysError::new("openat(\".\")", errno)),
        }
        rustix::fs::fchmod(destination, Mode::from_raw_mode(stat.st_mode & 0o7777)).call(|| "fchmod")
    };
    dress().map_err(|error| failed(&[], error))
}

/// The same for a directory that is as it was made, closed and empty: the changes of a container that never started.
///
/// # Errors
/// As of [`dress_like`], or the directory cannot be read.
pub fn dress_fresh(source: BorrowedFd<'_>, destination: BorrowedFd<'_>) -> Result<(), CopyError> {
    let is_fresh = || -> Result<bool, SysError> {
        let stat = rustix::fs::fstat(destination).call(|| "fstat(changes)")?;
        Ok(stat.st_mode & 0o7777 == 0o700 && inode::names(destination)?.is_empty())
    };
    if is_fresh().map_err(|error| failed(&[], error))? { dress_like(source, destination) } else { Ok(()) }
}
