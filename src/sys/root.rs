//! A directory that is a root: paths below it are opened as if a process were chrooted there.
//!
//! Every lookup is one `openat2(2)` with `RESOLVE_IN_ROOT`: absolute symlinks and any number of `..` stay
//! inside, and no procfs link is followed. Whoever swaps a symlink below the root gains nothing.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

use super::{Call, SysError};

/// How often `openat2` may answer `EAGAIN` (a rename raced with `..`) before that is the answer.
const RACE_RETRIES: u32 = 128;

/// Opens `path` below `directory` as if that were `/`.
///
/// # Errors
/// What `openat2(2)` says.
pub fn open_in_root(
    directory: impl AsFd,
    path: impl AsRef<OsStr>,
    flags: OFlags,
    mode: Mode,
) -> Result<OwnedFd, Errno> {
    open_resolved(directory.as_fd(), path.as_ref(), flags, mode, ResolveFlags::IN_ROOT)
}

/// Opens `path` below `directory`, refusing whatever would lead out of it, also an absolute symlink.
///
/// # Errors
/// What `openat2(2)` says; `EXDEV` for a path that leads out.
pub fn open_beneath(
    directory: impl AsFd,
    path: impl AsRef<OsStr>,
    flags: OFlags,
    mode: Mode,
) -> Result<OwnedFd, Errno> {
    open_resolved(directory.as_fd(), path.as_ref(), flags, mode, ResolveFlags::BENEATH)
}

fn open_resolved(
    directory: BorrowedFd<'_>,
    path: &OsStr,
    flags: OFlags,
    mode: Mode,
    resolve: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    let resolve = resolve | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..RACE_RETRIES {
        match openat2(directory, path, flags | OFlags::CLOEXEC, mode, resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            result => return result,
        }
    }
    Err(Errno::AGAIN)
}

/// Opens one name in `directory`, never through a symlink.
///
/// # Errors
/// What `openat(2)` says; `ELOOP` for a symlink.
pub fn open_name(directory: impl AsFd, name: &OsStr, flags: OFlags) -> Result<OwnedFd, SysError> {
    rustix::fs::openat(directory, name, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
        .call(|| format!("openat({name:?}, NOFOLLOW)"))
}
