//! Everything in a tree in the order of names as bytes: a directory, then what is in it, then what comes after.
//!
//! The tree may change meanwhile. Every step is by descriptor and never through a symlink; depth costs a bounded
//! number of descriptors.

use std::cmp::Ordering;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustix::fs::{Dir, FileType, Stat};
use rustix::io::Errno;
use thiserror::Error;

use super::merged::{open_directory, stat_name};
use crate::sys::{Call, SysError};

/// How many directories are held open at once.
const OPEN: usize = 64;

/// What could not be looked at.
#[derive(Debug, Error)]
#[error("cannot read `/{}`", String::from_utf8_lossy(path))]
pub struct WalkError {
    /// Its path below the root of the tree.
    pub path: Vec<u8>,
    /// The call.
    #[source]
    pub source: SysError,
}

/// One thing in a tree.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Its path below the root, without a slash at either end; empty for the root.
    pub(super) path: Vec<u8>,
    pub(super) stat: Stat,
}

impl Place {
    pub(super) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }

    /// The name in its directory; the root is `.` of its own.
    pub(super) fn name(&self) -> &OsStr {
        let slash = self.path.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        if self.path.is_empty() { OsStr::new(".") } else { OsStr::from_bytes(&self.path[slash..]) }
    }

    pub(super) fn failed(&self, source: SysError) -> WalkError {
        WalkError { path: self.path.clone(), source }
    }
}

/// Which of two paths comes first in a walk.
pub(super) fn order(one: &[u8], other: &[u8]) -> Ordering {
    one.split(|&byte| byte == b'/').cmp(other.split(|&byte| byte == b'/'))
}

struct Level {
    directory: Option<OwnedFd>,
    /// The path of the directory with its slash; empty for the root.
    path: Vec<u8>,
    /// The names that are still to come, the last one first.
    names: Vec<OsString>,
}

/// A walk through a tree.
pub(super) struct Walk {
    root: OwnedFd,
    levels: Vec<Level>,
    /// A directory that was given out, and whose content comes next.
    pending: Option<Vec<u8>>,
    begun: bool,
}

impl Walk {
    /// Begins at the directory `root`.
    pub(super) fn new(root: BorrowedFd<'_>) -> Result<Self, WalkError> {
        let root = open_directory(root, OsStr::new(".")).call(|| "openat(\".\", DIRECTORY)");
        let root = root.map_err(|source| WalkError { path: Vec::new(), source })?;
        Ok(Self { root, levels: Vec::new(), pending: None, begun: false })
    }

    /// The next thing; the root comes first. What disappears meanwhile is left out.
    pub(super) fn next(&mut self) -> Result<Option<Place>, WalkError> {
        if !self.begun {
            self.begun = true;
            let stat = rustix::fs::fstat(&self.root).call(|| "fstat(\".\")");
            let stat = stat.map_err(|source| WalkError { path: Vec::new(), source })?;
            self.pending = Some(Vec::new());
            return Ok(Some(Place { path: Vec::new(), stat }));
        }
        if let Some(path) = self.pending.take() {
            let entered = self.enter(&path);
            entered.map_err(|source| WalkError { path, source })?;
        }
        while let Some(level) = self.levels.last_mut() {
            let Some(name) = level.names.pop() else {
                self.levels.pop();
                continue;
            };
            let path = [&level.path, name.as_bytes()].concat();
            let stat = self.directory().and_then(|directory| match directory {
                Some(directory) => stat_name(directory, &name),
                None => Ok(None),
            });
            let Some(stat) = stat.map_err(|source| WalkError { path: path.clone(), source })? else {
                continue;
            };
            let place = Place { path, stat };
            if place.kind() == FileType::Directory {
                self.pending = Some(place.path.clone());
            }
            return Ok(Some(place));
        }
        Ok(None)
    }

    /// Leaves out what is in the directory that came last.
    pub(super) fn skip(&mut self) {
        self.pending = None;
    }

    /// The directory that holds what came last; none when it has disappeared.
    pub(super) fn directory(&mut self) -> Result<Option<BorrowedFd<'_>>, SysError> {
        let Some(level) = self.levels.last_mut() else { return Ok(Some(self.root.as_fd())) };
        if level.directory.is_none() {
            level.directory = open_below(self.root.as_fd(), &level.path)?;
        }
        Ok(level.directory.as_ref().map(AsFd::as_fd))
    }

    fn enter(&mut self, path: &[u8]) -> Result<(), SysError> {
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        let opened = if path.is_empty() {
            Some(open_directory(&self.root, OsStr::new(".")).call(|| "openat(\".\", DIRECTORY)")?)
        } else {
            match self.directory()? {
                Some(above) => open_present(above, OsStr::from_bytes(name))?,
                None => None,
            }
        };
        let Some(directory) = opened else { return Ok(()) };
        let names = sorted_names(directory.as_fd())?;
        if let Some(distant) = self.levels.len().checked_sub(OPEN) {
            self.levels[distant].directory = None;
        }
        let path = if path.is_empty() { Vec::new() } else { [path, b"/"].concat() };
        self.levels.push(Level { directory: Some(directory), path, names });
        Ok(())
    }
}

/// The directory of a path below `root`; none when there is none.
pub(super) fn open_below(root: BorrowedFd<'_>, path: &[u8]) -> Result<Option<OwnedFd>, SysError> {
    let mut directory = open_directory(root, OsStr::new(".")).call(|| "openat(\".\", DIRECTORY)")?;
    for name in path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
        match open_present(directory.as_fd(), OsStr::from_bytes(name))? {
            Some(next) => directory = next,
            None => return Ok(None),
        }
    }
    Ok(Some(directory))
}

/// Opens a directory that may have given way to something else.
fn open_present(directory: BorrowedFd<'_>, name: &OsStr) -> Result<Option<OwnedFd>, SysError> {
    match open_directory(directory, name) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        result => result.call(|| format!("openat({name:?}, DIRECTORY|NOFOLLOW)")).map(Some),
    }
}

/// The names in a directory, the last one first.
pub(super) fn sorted_names(directory: BorrowedFd<'_>) -> Result<Vec<OsString>, SysError> {
    let read = || -> Result<Vec<OsString>, Errno> {
        let mut names = Vec::new();
        for entry in Dir::read_from(directory)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        Ok(names)
    };
    let mut names = read().call(|| "getdents64")?;
    names.sort_unstable_by(|one, other| other.cmp(one));
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::super::testing::TempDir;
    use super::*;

    fn paths(temp: &TempDir) -> Vec<String> {
        let mut walk = Walk::new(temp.fd()).unwrap();
        let mut paths = Vec::new();
        while let Some(place) = walk.next().unwrap() {
            paths.push(String::from_utf8(place.path).unwrap());
        }
        paths
    }

    #[test]
    fn order_of_a_walk() {
        let temp = TempDir::new();
        for directory in ["a/b/c", "a-b", "A"] {
            std::fs::create_dir_all(temp.path().join(directory)).unwrap();
        }
        for file in ["a/b/x", "a/a", "a.b", "z"] {
            std::fs::write(temp.path().join(file), "").unwrap();
        }
        std::os::unix::fs::symlink("a", temp.path().join("link")).unwrap();
        let walked = paths(&temp);
        assert_eq!(walked, ["", "A", "a", "a/a", "a/b", "a/b/c", "a/b/x", "a-b", "a.b", "link", "z"]);
        let mut sorted = walked.clone();
        sorted.sort_by(|one, other| order(one.as_bytes(), other.as_bytes()));
        assert_eq!(sorted, walked);
    }

    #[test]
    fn deeper_than_descriptors() {
        let temp = TempDir::new();
        let mut at = temp.make_dir("d");
        for depth in 0..300 {
            let name = format!("f{depth}");
            rustix::fs::mkdirat(&at, "d", rustix::fs::Mode::RWXU).unwrap();
            rustix::fs::mkdirat(&at, &name, rustix::fs::Mode::RWXU).unwrap();
            at = open_directory(&at, OsStr::new("d")).unwrap();
        }
        assert_eq!(paths(&temp).len(), 2 + 600);
    }
}
