//! Gives a tree to somebody: every name in it, symlinks themselves and never what they lead to.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{AtFlags, Dir, FileType, Stat};
use rustix::process::{Gid, Uid};
use thiserror::Error;

use super::merged::open_directory;
use crate::sys::{Call, SysError};

/// What could not be given to somebody. What came before it has its new owner already.
#[derive(Debug, Error)]
#[error("cannot give `{path}` to {user}:{group}")]
pub struct OwnError {
    /// Its path below the root of the tree.
    pub path: String,
    /// The user it was to belong to.
    pub user: u32,
    /// The group.
    pub group: u32,
    /// The call.
    #[source]
    pub source: SysError,
}

/// An owner, as this process sees the IDs.
#[derive(Clone, Copy)]
struct Owner {
    user: u32,
    group: u32,
}

/// Makes `user` and `group` the owner of the file or directory `root` and of everything below it; what is theirs
/// already is left alone.
///
/// # Errors
/// The kernel refuses it: for a file of somebody whom the user namespace does not know, or on a read-only mount.
pub fn own_tree(root: BorrowedFd<'_>, user: u32, group: u32) -> Result<(), OwnError> {
    let owner = Owner { user, group };
    let stat = rustix::fs::fstat(root).call(|| "fstat(root)").map_err(|error| owner.failed(&[], error))?;
    owner.give(root, OsStr::new(""), &stat).map_err(|error| owner.failed(&[], error))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Ok(());
    }
    // Each directory is reached from the root again, so that depth costs no descriptors.
    let mut waiting: Vec<Vec<OsString>> = vec![Vec::new()];
    while let Some(names) = waiting.pop() {
        let directories = owner.give_children(root, &names).map_err(|error| owner.failed(&names, error))?;
        waiting.extend(directories.into_iter().map(|name| [&names[..], &[name]].concat()));
    }
    Ok(())
}

impl Owner {
    fn failed(self, names: &[OsString], source: SysError) -> OwnError {
        let path = names.iter().fold(String::new(), |path, name| path + "/" + &name.to_string_lossy());
        let path = if path.is_empty() { "/".to_owned() } else { path };
        OwnError { path, user: self.user, group: self.group, source }
    }

    /// Gives away what a directory holds; returns the names of the directories in it.
    fn give_children(self, root: BorrowedFd<'_>, names: &[OsString]) -> Result<Vec<OsString>, SysError> {
        let directory = open(root, names)?;
        let mut directories = Vec::new();
        for entry in Dir::read_from(&directory).call(|| "getdents64")? {
            let entry = entry.call(|| "getdents64")?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            let stat = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW)
                .call(|| format!("fstatat({name:?})"))?;
            self.give(directory.as_fd(), name, &stat)?;
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                directories.push(name.to_owned());
            }
        }
        Ok(directories)
    }

    /// Gives away the name in `directory`, or with an empty name `directory` itself.
    fn give(self, directory: BorrowedFd<'_>, name: &OsStr, stat: &Stat) -> Result<(), SysError> {
        if (stat.st_uid, stat.st_gid) == (self.user, self.group) {
            return Ok(());
        }
        let flags = if name.is_empty() { AtFlags::EMPTY_PATH } else { AtFlags::SYMLINK_NOFOLLOW };
        let (user, group) = (Uid::from_raw(self.user), Gid::from_raw(self.group));
        rustix::fs::chownat(directory, name, Some(user), Some(group), flags)
            .call(|| format!("fchownat({name:?}, {}, {})", self.user, self.group))
    }
}

fn open(root: BorrowedFd<'_>, names: &[OsString]) -> Result<OwnedFd, SysError> {
    let open = |parent: BorrowedFd<'_>, name: &OsStr| {
        open_directory(parent, name).call(|| format!("openat({name:?}, DIRECTORY|NOFOLLOW)"))
    };
    let mut directory = open(root, OsStr::new("."))?;
    for name in names {
        directory = open(directory.as_fd(), name)?;
    }
    Ok(directory)
}
