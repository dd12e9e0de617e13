//! Everything in a tree, one after the other.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};

use crate::sys::{Call, SysError};

/// One file or directory of a tree.
pub(super) struct Place<'a> {
    /// The names of the directories above it.
    pub(super) above: &'a [OsString],
    pub(super) directory: BorrowedFd<'a>,
    pub(super) name: &'a OsStr,
    pub(super) stat: Stat,
}

/// Visits everything in a tree, a directory before what is in it, the root as `.`.
pub(super) fn walk(
    root: BorrowedFd<'_>,
    visit: &mut dyn FnMut(&Place<'_>) -> Result<(), SysError>,
) -> Result<(), SysError> {
    let mut waiting: Vec<Vec<OsString>> = vec![Vec::new()];
    while let Some(above) = waiting.pop() {
        let directory = open_below(root, &above)?;
        let mut names = list(&directory)?;
        if above.is_empty() {
            names.insert(0, OsString::from("."));
        }
        for name in names {
            let stat = rustix::fs::statat(&directory, &name, AtFlags::SYMLINK_NOFOLLOW)
                .call(|| format!("statat({name:?})"))?;
            let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            visit(&Place { above: &above, directory: directory.as_fd(), name: &name, stat })?;
            if is_directory && name != "." {
                waiting.push([&above[..], &[name]].concat());
            }
        }
    }
    Ok(())
}

/// The directory that these names lead to, one after the other, so that depth costs no descriptors.
pub(super) fn open_below(root: BorrowedFd<'_>, names: &[OsString]) -> Result<OwnedFd, SysError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = |directory: BorrowedFd<'_>, name: &OsStr| {
        rustix::fs::openat(directory, name, flags, Mode::empty())
            .call(|| format!("openat({name:?}, DIRECTORY|NOFOLLOW)"))
    };
    let mut directory = open(root, OsStr::new("."))?;
    for name in names {
        directory = open(directory.as_fd(), name)?;
    }
    Ok(directory)
}

fn list(directory: &OwnedFd) -> Result<Vec<OsString>, SysError> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory).call(|| "getdents64")? {
        let name = entry.call(|| "getdents64")?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name));
        }
    }
    Ok(names)
}
