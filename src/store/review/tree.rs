//! A directory whose inside is reached by paths that lead nowhere else.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{Dir, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

use crate::sys::{Call, SysError};

/// The most bytes of a path that one call takes.
const PATH_MAX: usize = 4000;

/// Beneath the root, through no symlink, into no other mount.
const INSIDE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

/// One side of a comparison. Each directory is opened from the root again, so that depth costs no descriptors.
#[derive(Debug)]
pub(super) struct Tree {
    root: OwnedFd,
}

impl Tree {
    pub(super) fn new(root: OwnedFd) -> Self {
        Self { root }
    }

    /// Opens the directory `path`; `EXDEV` where another mount lies on the way.
    pub(super) fn open(&self, path: &Path) -> Result<OwnedFd, SysError> {
        let opened = || -> Result<OwnedFd, Errno> {
            let (first, mut rest) = split(path.as_os_str().as_bytes());
            let mut directory = open(&self.root, first)?;
            while !rest.is_empty() {
                let (part, behind) = split(rest);
                directory = open(&directory, part)?;
                rest = behind;
            }
            Ok(directory)
        };
        opened().call(|| format!("openat2({path:?}, DIRECTORY, BENEATH|NO_SYMLINKS|NO_XDEV)"))
    }

    /// The directory that `path` is in, and its name there; of the root, itself and `.`.
    pub(super) fn open_parent<'p>(&self, path: &'p Path) -> Result<(OwnedFd, &'p OsStr), SysError> {
        let directory = self.open(path.parent().unwrap_or(Path::new("")))?;
        Ok((directory, path.file_name().unwrap_or(OsStr::new("."))))
    }
}

/// As many names as one call takes, and the others.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    if path.len() <= PATH_MAX {
        return (if path.is_empty() { b"." } else { path }, b"");
    }
    let end = path[..PATH_MAX].iter().rposition(|&byte| byte == b'/').unwrap_or(PATH_MAX);
    (&path[..end], path[end..].strip_prefix(b"/").unwrap_or_default())
}

fn open(directory: &OwnedFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    loop {
        match openat2(directory, OsStr::from_bytes(path), flags, Mode::empty(), INSIDE) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            result => return result,
        }
    }
}

/// The names in a directory.
pub(super) fn names(directory: &OwnedFd) -> Result<Vec<OsString>, SysError> {
    let read = || -> Result<_, Errno> {
        let mut names = Vec::new();
        for entry in Dir::read_from(directory)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    };
    read().call(|| "getdents64()")
}
