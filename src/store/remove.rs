//! Removes a tree that somebody else filled.
//!
//! By descriptor, never through a symlink and never into a mount. Depth costs nothing: what lies too deep is
//! first moved up to the top, so that neither the stack nor the number of descriptors grows with it.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::sys::stat::FchmodatFlags;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, ResolveFlags};
use rustix::io::Errno;
use thiserror::Error;

use crate::sys::{Call, SysError, moment};

/// How many directories are held open at once.
const OPEN: usize = 64;
/// How often a directory is listed again that was not empty when all in it had been removed.
const LOOKS: u32 = 16;

/// Why a tree is still there.
#[derive(Debug, Error)]
pub enum RemoveError {
    /// The kernel refused.
    #[error("cannot remove {name:?}")]
    System {
        /// The name inside its directory.
        name: OsString,
        /// The call.
        #[source]
        source: SysError,
    },
    /// Something is mounted inside of the tree; its content is not ours to remove.
    #[error("{0:?} is a mount point")]
    Mount(OsString),
}

struct Level {
    directory: OwnedFd,
    name: OsString,
    children: Vec<(OsString, FileType)>,
    /// How often it may still be listed.
    looks: u32,
}

/// Removes `name` in `parent` with everything below it; what is not there is removed already.
///
/// # Errors
/// The kernel refuses, or something is mounted inside. What was removed until then stays removed.
pub fn remove_tree(parent: BorrowedFd<'_>, name: &OsStr) -> Result<(), RemoveError> {
    if unlink(parent, name)? == Unlinked::Gone {
        return Ok(());
    }
    let mut stack = vec![open_level(parent, name, LOOKS)?];
    let mut moved = 0_u64;
    while let Some(level) = stack.last_mut() {
        let Some((child, kind)) = level.children.pop() else {
            pop_level(parent, &mut stack)?;
            continue;
        };
        if unlink_fast(level.directory.as_fd(), (&child, kind))? == Unlinked::Gone {
            continue;
        }
        if stack.len() < OPEN {
            let level = open_level(stack[stack.len() - 1].directory.as_fd(), &child, LOOKS)?;
            stack.push(level);
        } else {
            move_up(&mut stack, &child, &mut moved)?;
        }
    }
    Ok(())
}

#[derive(PartialEq, Eq)]
enum Unlinked {
    Gone,
    IsDirectory,
}

fn unlink(directory: BorrowedFd<'_>, name: &OsStr) -> Result<Unlinked, RemoveError> {
    match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) => {
            moment("name removed");
            Ok(Unlinked::Gone)
        }
        Err(Errno::NOENT) => Ok(Unlinked::Gone),
        Err(Errno::ISDIR) => Ok(Unlinked::IsDirectory),
        Err(errno) => Err(failed(name, SysError::new(format!("unlinkat({name:?})"), errno))),
    }
}

/// Removes a name whose directory said what it is. Many directories are empty, which one call finds out.
fn unlink_fast(directory: BorrowedFd<'_>, (name, kind): (&OsStr, FileType)) -> Result<Unlinked, RemoveError> {
    if kind != FileType::Directory {
        return unlink(directory, name);
    }
    match rustix::fs::unlinkat(directory, name, AtFlags::REMOVEDIR) {
        Ok(()) => {
            moment("directory removed");
            Ok(Unlinked::Gone)
        }
        Err(Errno::NOENT) => Ok(Unlinked::Gone),
        // Whatever is in the way is found, and said, when it is opened.
        Err(_) => Ok(Unlinked::IsDirectory),
    }
}

/// Removes the directory on top of the stack, which is empty now, unless somebody who was killed has come to make something
/// more in it.
fn pop_level(parent: BorrowedFd<'_>, stack: &mut Vec<Level>) -> Result<(), RemoveError> {
    let Some(Level { name, directory, looks, .. }) = stack.pop() else { return Ok(()) };
    drop(directory);
    let above = stack.last().map_or(parent, |level| level.directory.as_fd());
    match rustix::fs::unlinkat(above, &name, AtFlags::REMOVEDIR) {
        Ok(()) => {
            moment("directory removed");
            Ok(())
        }
        Err(Errno::NOENT) => Ok(()),
        Err(Errno::NOTEMPTY) if looks > 0 => {
            let level = open_level(above, &name, looks - 1)?;
            stack.push(level);
            Ok(())
        }
        Err(Errno::BUSY) => Err(RemoveError::Mount(name)),
        Err(errno) => Err(failed(&name, SysError::new(format!("unlinkat({name:?}, REMOVEDIR)"), errno))),
    }
}

/// Moves a directory that lies too deep into the top one, to be removed from there.
fn move_up(stack: &mut [Level], name: &OsStr, moved: &mut u64) -> Result<(), RemoveError> {
    let (Some(top), Some(from)) = (stack.first(), stack.last()) else { return Ok(()) };
    // To move a directory its `..` is rewritten, which needs the right to write to it.
    drop(open_checked(from.directory.as_fd(), name)?);
    let new_name = loop {
        *moved += 1;
        let new_name = OsString::from(format!("minirun-removed-{moved}"));
        let result = rustix::fs::renameat_with(
            &from.directory,
            name,
            &top.directory,
            &new_name,
            RenameFlags::NOREPLACE,
        );
        match result {
            Ok(()) => break new_name,
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed(name, SysError::new(format!("renameat2({name:?})"), errno))),
        }
    };
    if let Some(top) = stack.first_mut() {
        top.children.push((new_name, FileType::Directory));
    }
    Ok(())
}

fn open_level(parent: BorrowedFd<'_>, name: &OsStr, looks: u32) -> Result<Level, RemoveError> {
    let directory = open_checked(parent, name)?;
    let list = |directory: &OwnedFd| -> Result<_, Errno> {
        let mut children = Vec::new();
        for entry in Dir::read_from(directory)? {
            let entry = entry?;
            let child = entry.file_name().to_bytes();
            if !matches!(child, b"." | b"..") {
                children.push((OsStr::from_bytes(child).to_owned(), entry.file_type()));
            }
        }
        Ok(children)
    };
    let children = list(&directory).call(|| format!("getdents64({name:?})")).map_err(|e| failed(name, e))?;
    Ok(Level { directory, name: name.to_owned(), children, looks })
}

/// Opens a directory, after making it one that its owner may empty.
fn open_checked(parent: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, RemoveError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = || rustix::fs::openat2(parent, name, flags, Mode::empty(), ResolveFlags::NO_XDEV);
    let mut result = open();
    if result.as_ref().is_err_and(|&errno| errno == Errno::ACCESS) {
        let mode = nix::sys::stat::Mode::S_IRWXU;
        nix::sys::stat::fchmodat(parent, name, mode, FchmodatFlags::NoFollowSymlink)
            .call(|| format!("fchmodat({name:?}, 0700)"))
            .map_err(|error| failed(name, error))?;
        result = open();
    }
    let directory = match result {
        Ok(directory) => directory,
        Err(Errno::XDEV) => return Err(RemoveError::Mount(name.to_owned())),
        Err(errno) => return Err(failed(name, SysError::new(format!("openat2({name:?}, NO_XDEV)"), errno))),
    };
    let stat =
        rustix::fs::fstat(&directory).call(|| format!("fstat({name:?})")).map_err(|e| failed(name, e))?;
    if stat.st_mode & 0o700 != 0o700 {
        let changed = rustix::fs::fchmod(&directory, Mode::RWXU).call(|| format!("fchmod({name:?}, 0700)"));
        changed.map_err(|error| failed(name, error))?;
    }
    Ok(directory)
}

fn failed(name: &OsStr, source: SysError) -> RemoveError {
    RemoveError::System { name: name.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::super::testing::TempDir;
    use super::*;

    #[test]
    fn deep_closed_and_linked_trees() {
        let temp = TempDir::new();
        let mut at = temp.make_dir("tree");
        for _ in 0..5000 {
            rustix::fs::mkdirat(&at, "d", Mode::RWXU).unwrap();
            at = super::super::merged::open_directory(&at, OsStr::new("d")).unwrap();
        }
        drop(at);
        let tree = temp.path().join("tree");
        fs::create_dir_all(tree.join("closed/inside")).unwrap();
        fs::write(tree.join("closed/inside/file"), "x").unwrap();
        fs::set_permissions(tree.join("closed/inside"), fs::Permissions::from_mode(0o000)).unwrap();
        fs::set_permissions(tree.join("closed"), fs::Permissions::from_mode(0o500)).unwrap();
        fs::create_dir(temp.path().join("kept")).unwrap();
        fs::write(temp.path().join("kept/file"), "x").unwrap();
        symlink("../kept", tree.join("link")).unwrap();
        remove_tree(temp.fd(), OsStr::new("tree")).unwrap();
        assert!(!tree.exists());
        assert!(temp.path().join("kept/file").exists());
        remove_tree(temp.fd(), OsStr::new("tree")).unwrap();
        symlink("kept", temp.path().join("link")).unwrap();
        remove_tree(temp.fd(), OsStr::new("link")).unwrap();
        assert!(temp.path().join("kept/file").exists());
    }

    #[test]
    fn what_comes_meanwhile_goes_too() {
        let temp = TempDir::new();
        drop(temp.make_dir("tree"));
        let tree = temp.path().join("tree");
        std::thread::scope(|scope| {
            let maker = scope.spawn(|| {
                for round in 0..2000 {
                    let _ = fs::create_dir_all(tree.join(format!("work/{round}")));
                }
            });
            while !maker.is_finished() {
                // As long as there is no end to it, it may be given up.
                let _ = remove_tree(temp.fd(), OsStr::new("tree"));
            }
        });
        remove_tree(temp.fd(), OsStr::new("tree")).unwrap();
        assert!(!tree.exists());
    }
}
