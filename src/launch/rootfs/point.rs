//! Mount points: found inside the root filesystem, made where they are missing.
//!
//! The walk is the kernel's, done by hand one name at a time on descriptors: symlinks are read, never followed by
//! the kernel, and `..` goes no higher than the root. So what is made lands inside, whoever swaps what meanwhile.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Uid, openat2};
use rustix::io::Errno;
use thiserror::Error;

use super::{Location, Root};
use crate::plan::path::ContainerPath;
use crate::sys::root::open_in_root;
use crate::sys::{Call, SysError};

/// How many symlinks one path may lead through, as in the kernel.
pub(super) const MAX_SYMLINKS: usize = 40;

/// What is going to be mounted, and so what the point has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::launch) enum PointKind {
    Directory,
    File,
}

/// A mount point, as it was found or made.
pub(in crate::launch) struct Point {
    pub(in crate::launch) file: OwnedFd,
    pub(in crate::launch) location: Location,
}

/// Why a mount point cannot be had.
#[derive(Debug, Error)]
pub(in crate::launch) enum PointError {
    /// The path leads to `/`.
    #[error("`{0}` leads to the root of the container")]
    IsRoot(String),
    /// A directory meets a file.
    #[error("`{path}` is {found} in the container, but {wanted} is to be mounted there")]
    Kind { path: String, found: &'static str, wanted: &'static str },
    /// A lookup or a `mkdir` failed.
    #[error("`{path}` cannot be opened or made in the container")]
    Walk {
        path: String,
        #[source]
        source: SysError,
    },
}

impl Root {
    /// Opens the mount point at `path`, making it and its parents (755, or an empty file 644) where missing.
    pub(in crate::launch) fn mount_point(
        &self,
        path: &ContainerPath,
        kind: PointKind,
    ) -> Result<Point, PointError> {
        let walk = |source| PointError::Walk { path: path.to_string(), source };
        let file = self.open_or_make(path, kind).map_err(walk)?;
        let location = Location::of(file.as_fd()).map_err(walk)?;
        if location == self.location().map_err(walk)?.0 {
            return Err(PointError::IsRoot(path.to_string()));
        }
        let path = || path.to_string();
        match (kind, location.kind == FileType::Directory) {
            (PointKind::Directory, false) => {
                Err(PointError::Kind { path: path(), found: "a file", wanted: "a directory" })
            }
            (PointKind::File, true) => {
                Err(PointError::Kind { path: path(), found: "a directory", wanted: "a file" })
            }
            _ => Ok(Point { file, location }),
        }
    }

    /// Opens the directory that `path` is a name in, making it and its parents where missing.
    pub(in crate::launch) fn parent(&self, path: &ContainerPath) -> Result<OwnedFd, PointError> {
        let parent = path.join("..");
        self.open_or_make(&parent, PointKind::Directory)
            .map_err(|source| PointError::Walk { path: parent.to_string(), source })
    }

    fn open_or_make(&self, path: &ContainerPath, kind: PointKind) -> Result<OwnedFd, SysError> {
        match open_in_root(self, path.as_os_str(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
            Err(Errno::NOENT) => self.make(path, kind),
            result => result.call(|| format!("openat2({path:?}, IN_ROOT)")),
        }
    }

    fn make(&self, path: &ContainerPath, kind: PointKind) -> Result<OwnedFd, SysError> {
        let mut walk = Walk::new(self.as_fd())?;
        walk.push(path.as_os_str());
        while let Some(name) = walk.pending.pop() {
            let last = walk.pending.is_empty();
            if let Some(found) = walk.step(&name, if last { kind } else { PointKind::Directory })? {
                return Ok(found);
            }
        }
        walk.finish()
    }
}

/// A walk from the root: the directories on the way, and the names still to go, last first.
struct Walk {
    directories: Vec<OwnedFd>,
    pending: Vec<OsString>,
    symlinks: usize,
}

impl Walk {
    fn new(root: BorrowedFd<'_>) -> Result<Self, SysError> {
        let root = rustix::fs::openat(root, c".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .call(|| "openat(root)")?;
        Ok(Self { directories: vec![root], pending: Vec::new(), symlinks: 0 })
    }

    fn push(&mut self, path: &OsStr) {
        let names = path.as_bytes().split(|&byte| byte == b'/').rev();
        self.pending
            .extend(names.filter(|name| !name.is_empty()).map(|name| OsStr::from_bytes(name).to_owned()));
    }

    fn here(&self) -> BorrowedFd<'_> {
        // The root is never popped.
        self.directories[self.directories.len() - 1].as_fd()
    }

    /// Goes one name further; a file that ends the walk is returned.
    fn step(&mut self, name: &OsStr, missing: PointKind) -> Result<Option<OwnedFd>, SysError> {
        if name == "." {
            return Ok(None);
        }
        if name == ".." {
            if self.directories.len() > 1 {
                self.directories.pop();
            }
            return Ok(None);
        }
        let found = match open_name(self.here(), name) {
            Err(Errno::NOENT) => make_one(self.here(), name, missing)?,
            result => result.call(|| format!("openat({name:?}, NOFOLLOW)"))?,
        };
        let stat = rustix::fs::fstat(&found).call(|| format!("fstat({name:?})"))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                self.directories.push(found);
                Ok(None)
            }
            FileType::Symlink => {
                refuse_magic(self.here(), name)?;
                self.follow(found.as_fd(), name).map(|()| None)
            }
            _ if self.pending.is_empty() => Ok(Some(found)),
            _ => Err(SysError::new(format!("openat({name:?})"), Errno::NOTDIR)),
        }
    }

    fn follow(&mut self, link: BorrowedFd<'_>, name: &OsStr) -> Result<(), SysError> {
        self.symlinks += 1;
        if self.symlinks > MAX_SYMLINKS {
            return Err(SysError::new(format!("openat({name:?})"), Errno::LOOP));
        }
        let target =
            rustix::fs::readlinkat(link, c"", Vec::new()).call(|| format!("readlinkat({name:?})"))?;
        let target = OsString::from_vec(target.into_bytes());
        if target.as_bytes().first() == Some(&b'/') {
            self.directories.truncate(1);
        }
        self.push(&target);
        Ok(())
    }

    fn finish(mut self) -> Result<OwnedFd, SysError> {
        self.directories.pop().ok_or_else(|| SysError::new("openat(root)", Errno::NOENT))
    }
}

/// Refuses a link of procfs that is no path, whatever its text says: it leads to what a process has open.
fn refuse_magic(directory: BorrowedFd<'_>, name: &OsStr) -> Result<(), SysError> {
    let shown = || format!("openat2({name:?}, NO_MAGICLINKS)");
    let file_system = rustix::fs::fstatfs(directory).call(|| "fstatfs(directory)")?;
    if file_system.f_type != rustix::fs::PROC_SUPER_MAGIC {
        return Ok(());
    }
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    match openat2(directory, name, flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS) {
        Err(Errno::LOOP) => Err(SysError::new(shown(), Errno::LOOP)),
        Ok(_) | Err(_) => Ok(()),
    }
}

pub(super) fn open_name(directory: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(directory, name, flags, Mode::empty())
}

fn make_one(directory: BorrowedFd<'_>, name: &OsStr, kind: PointKind) -> Result<OwnedFd, SysError> {
    let made = match kind {
        PointKind::Directory => rustix::fs::mkdirat(directory, name, Mode::from_raw_mode(0o755))
            .call(|| format!("mkdirat({name:?}, 755)")),
        PointKind::File => {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            rustix::fs::openat(directory, name, flags, Mode::from_raw_mode(0o644))
                .map(drop)
                .call(|| format!("openat({name:?}, CREATE, 644)"))
        }
    };
    match made {
        // Somebody else made it a moment ago, on a volume that two containers share.
        Err(error) if error.errno() != Errno::EXIST => return Err(error),
        _ => {}
    }
    let found = open_name(directory, name).call(|| format!("openat({name:?}, NOFOLLOW)"))?;
    give_to_root(found.as_fd(), OsStr::new(""));
    Ok(found)
}

/// What init makes belongs to the container's root, also where init itself runs as somebody else (`keep-id`).
///
/// It is what is open, or the name in it.
pub(super) fn give_to_root(file: BorrowedFd<'_>, name: &OsStr) {
    if rustix::process::geteuid().is_root() {
        return;
    }
    // In a one-ID map there is no root to give it to; then it stays the caller's.
    let flags = AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW;
    let _ = rustix::fs::chownat(file, name, Some(Uid::ROOT), Some(Gid::ROOT), flags);
}
