//! Whether a path that the host has not was there when the container started.
//!
//! Overlay marks what it copied up. A file with the mark and nothing beside it was renamed or linked in the
//! container, or removed on the host. Copying up and renaming keep size and modification time: so in the first
//! case the host still has a file like it, among those that the layer knows.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::Stat;
use rustix::io::Errno;

use super::Kind;
use super::compare::Named;
use crate::sys::SysError;

/// The mark of what was copied up.
const ORIGIN: &str = "user.overlay.origin";

/// What two names of one content have in common: modification time and size.
type Likeness = (i64, u64, i64);

/// What is found on the way through the upper directory.
#[derive(Default)]
pub(super) struct Origins {
    /// Files that were copied up and that the host has not.
    missing: Vec<(PathBuf, Likeness)>,
    /// Directories of that kind, which never move.
    directories: Vec<PathBuf>,
    /// Files of the host that may have got another name in the container.
    known: HashSet<Likeness>,
}

impl Origins {
    /// A path of the container that the host has not, in a directory that changed there.
    pub(super) fn missing(&mut self, path: &Path, ours: Named<'_>) -> Result<(), SysError> {
        if !matches!(ours.kind(), Kind::File | Kind::Directory) || !is_copied_up(&ours.open()?)? {
            return Ok(());
        }
        if ours.kind() == Kind::Directory {
            self.directories.push(path.to_owned());
        } else {
            self.missing.push((path.to_owned(), likeness(ours.stat)));
        }
        Ok(())
    }

    /// A file of the host that the container removed, or that has several names in the container.
    pub(super) fn known(&mut self, host: &Stat) {
        self.known.insert(likeness(host));
    }

    /// The paths that were there and were removed on the host.
    pub(super) fn gone(self) -> HashSet<PathBuf> {
        let Self { missing, directories, known } = self;
        let lost = missing.into_iter().filter(|(_, likeness)| !known.contains(likeness));
        directories.into_iter().chain(lost.map(|(path, _)| path)).collect()
    }
}

fn likeness(stat: &Stat) -> Likeness {
    (stat.st_mtime, stat.st_mtime_nsec, stat.st_size)
}

fn is_copied_up(inode: &OwnedFd) -> Result<bool, SysError> {
    match rustix::fs::fgetxattr(inode, ORIGIN, &mut [0_u8; 0][..]) {
        Ok(_) | Err(Errno::RANGE) => Ok(true),
        Err(Errno::NODATA | Errno::NOTSUP) => Ok(false),
        Err(errno) => Err(SysError::new(format!("fgetxattr({ORIGIN:?})"), errno)),
    }
}
