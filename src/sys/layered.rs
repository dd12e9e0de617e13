//! Directories that overlay would show as one, seen by descriptor and without mounting anything.
//!
//! A character device 0:0 hides what lies below it, and so does a directory whose `user.overlay.opaque` is `y`.
//! Every step is taken by descriptor and never through a symlink.
//! Source: kernel documentation, overlayfs.rst, "whiteouts and opaque directories".

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::{Call, SysError};

/// The mark of a directory that hides what lies below it.
pub const OPAQUE: &str = "user.overlay.opaque";

/// What a name in a merged directory is.
#[derive(Debug)]
pub enum Found {
    /// A directory, made of one or more.
    Directory(MergedDir),
    /// Anything else, in the directory of the given place in [`MergedDir::parts`].
    Other(usize, Stat),
}

/// The directories that make one merged directory, the top one first.
#[derive(Debug, Default)]
pub struct MergedDir {
    /// They are open for reading, but those of a root need not be.
    pub parts: Vec<OwnedFd>,
}

/// Opens a directory by its name, never through a symlink.
///
/// # Errors
/// What `openat(2)` says.
pub fn open_directory(parent: impl AsFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty())
}

/// Opens directories by `open`, which gets a directory and the way from there. Most of them lie beside each other, and the
/// way to there is walked once.
///
/// # Errors
/// What `open` says, and of which path.
pub fn open_beside<'a>(
    paths: &'a [PathBuf],
    open: impl Fn(BorrowedFd<'_>, &Path) -> Result<OwnedFd, SysError>,
) -> Result<Vec<OwnedFd>, (&'a Path, SysError)> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let above = paths.first().and_then(|path| path.ancestors().nth(2)).filter(|_| paths.len() > 1);
    let base = above.and_then(|above| Some((above, rustix::fs::open(above, flags, Mode::empty()).ok()?)));
    let open_one = |path: &'a PathBuf| {
        let beside = base.as_ref().and_then(|(above, base)| Some((base, path.strip_prefix(above).ok()?)));
        match beside {
            Some((base, below)) => open(base.as_fd(), below),
            None => open(CWD, path),
        }
        .map_err(|error| (path.as_path(), error))
    };
    paths.iter().map(open_one).collect()
}

/// Whether overlay takes this inode for "there is nothing here".
#[must_use]
pub fn is_whiteout(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}

/// Whether overlay shows nothing from below this directory.
///
/// # Errors
/// What `fgetxattr(2)` says.
pub fn is_opaque(directory: BorrowedFd<'_>) -> Result<bool, SysError> {
    let mut value = [0; 4];
    match rustix::fs::fgetxattr(directory, OPAQUE, &mut value[..]) {
        Ok(length) => Ok(&value[..length] == b"y"),
        Err(Errno::NODATA | Errno::NOTSUP | Errno::RANGE) => Ok(false),
        Err(errno) => Err(SysError::new(format!("fgetxattr({OPAQUE:?})"), errno)),
    }
}

/// The metadata of a name; `None` where there is nothing.
///
/// # Errors
/// What `fstatat(2)` says.
pub fn stat_name(directory: impl AsFd, name: &OsStr) -> Result<Option<Stat>, SysError> {
    match rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(SysError::new(format!("fstatat({name:?}, SYMLINK_NOFOLLOW)"), errno)),
    }
}

impl MergedDir {
    /// What `name` is here; `None` where nothing is, or a whiteout.
    ///
    /// # Errors
    /// What `fstatat(2)`, `openat(2)` and `fgetxattr(2)` say.
    pub fn find(&self, name: &OsStr) -> Result<Option<Found>, SysError> {
        self.find_among(0..self.parts.len(), name)
    }

    /// The same, for whoever knows in which parts the name can be: their places, in order.
    ///
    /// # Errors
    /// As of [`MergedDir::find`].
    pub fn find_among(
        &self,
        places: impl IntoIterator<Item = usize>,
        name: &OsStr,
    ) -> Result<Option<Found>, SysError> {
        let mut parts = Vec::new();
        for place in places {
            let Some(part) = self.parts.get(place) else { break };
            let Some(stat) = stat_name(part, name)? else { continue };
            if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
                if parts.is_empty() && !is_whiteout(&stat) {
                    return Ok(Some(Found::Other(place, stat)));
                }
                break;
            }
            let directory =
                open_directory(part, name).call(|| format!("openat({name:?}, DIRECTORY|NOFOLLOW)"))?;
            let hides = place + 1 < self.parts.len() && is_opaque(directory.as_fd())?;
            parts.push(directory);
            if hides {
                break;
            }
        }
        Ok((!parts.is_empty()).then_some(Found::Directory(Self { parts })))
    }

    /// Where the symlink `name` in the directory at `place` points to.
    ///
    /// # Errors
    /// What `readlinkat(2)` says.
    pub fn read_link(&self, place: usize, name: &OsStr) -> Result<Vec<u8>, SysError> {
        let target = rustix::fs::readlinkat(&self.parts[place], name, Vec::new());
        Ok(target.call(|| format!("readlinkat({name:?})"))?.into_bytes())
    }
}
