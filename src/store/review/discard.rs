//! Throws changes away: what the container wrote goes, and so do its marks for what it removed.

use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use super::place::dress;
use super::tree::{Tree, names};
use super::{Review, ReviewError};
use crate::store::merged::{OPAQUE, is_opaque, stat_name};
use crate::store::remove::remove_tree;
use crate::sys::{Call, SysError};

impl Review {
    /// Throws away what the layer has at and below `paths`; the empty path is everything. Not while the layer is mounted.
    ///
    /// # Errors
    /// A path was removed together with its directory, or the kernel refuses.
    pub fn discard(&self, paths: &[PathBuf]) -> Result<(), ReviewError> {
        for path in paths {
            if path.as_os_str().is_empty() {
                self.discard_all()?;
            } else {
                self.discard_one(path)?;
            }
        }
        Ok(())
    }

    fn discard_all(&self) -> Result<(), ReviewError> {
        let failed = |cause| ReviewError::Discard { path: PathBuf::new(), cause };
        let root = Path::new("");
        let upper = self.upper.open(root).map_err(failed)?;
        for name in names(&upper).map_err(failed)? {
            remove_tree(upper.as_fd(), &name)
                .map_err(|cause| ReviewError::Remove { path: PathBuf::from(&name), cause })?;
        }
        let host = self.host.open(root).map_err(failed)?;
        let stat = rustix::fs::fstat(&host).call(|| "fstat(source)").map_err(failed)?;
        dress(&host, upper.as_fd(), &stat).map_err(failed)?;
        match rustix::fs::fremovexattr(&upper, OPAQUE) {
            Ok(()) | Err(Errno::NODATA | Errno::NOTSUP) => Ok(()),
            Err(errno) => Err(failed(SysError::new(format!("fremovexattr({OPAQUE:?})"), errno))),
        }
    }

    fn discard_one(&self, path: &Path) -> Result<(), ReviewError> {
        let failed = |cause| ReviewError::Discard { path: path.to_owned(), cause };
        if let Some(with) = self.hides(path).map_err(failed)? {
            return Err(ReviewError::Together { path: path.to_owned(), with });
        }
        let (directory, name) = match self.upper.open_parent(path) {
            // Nothing is there that could be discarded.
            Err(error) if error.errno() == Errno::NOENT => return Ok(()),
            opened => opened.map_err(failed)?,
        };
        remove_tree(directory.as_fd(), name)
            .map_err(|cause| ReviewError::Remove { path: path.to_owned(), cause })
    }

    /// The directory above `path` that hides what the host has there, if one does.
    fn hides(&self, path: &Path) -> Result<Option<PathBuf>, SysError> {
        if !self.is_on_host(path)? {
            return Ok(None);
        }
        let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
        while let Some(directory) = above.pop() {
            let (parent, name) = self.upper.open_parent(directory)?;
            match rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) if FileType::from_raw_mode(stat.st_mode) != FileType::Directory => {
                    return Ok(Some(directory.to_owned()));
                }
                Ok(_) if is_opaque(self.upper.open(directory)?.as_fd())? => {
                    return Ok(Some(directory.to_owned()));
                }
                Ok(_) => {}
                Err(Errno::NOENT) => return Ok(None),
                Err(errno) => return Err(SysError::new(format!("fstatat({name:?})"), errno)),
            }
        }
        Ok(None)
    }

    fn is_on_host(&self, path: &Path) -> Result<bool, SysError> {
        is_in(&self.host, path)
    }

    /// Whether either side has something at `path`.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn knows(&self, path: &Path) -> Result<bool, ReviewError> {
        let known = is_in(&self.upper, path).and_then(|ours| Ok(ours || is_in(&self.host, path)?));
        known.map_err(|cause| ReviewError::Compare { path: path.to_owned(), cause })
    }
}

fn is_in(tree: &Tree, path: &Path) -> Result<bool, SysError> {
    match tree.open_parent(path) {
        Ok((directory, name)) => Ok(stat_name(&directory, name)?.is_some()),
        Err(error) if matches!(error.errno(), Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
