//! What a container makes besides itself, and what is undone when it does not start.

use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::Error;
use crate::error::place::PlaceError;
use crate::plan::name::VolumeName;
use crate::sys::{Call, SysError};

/// The named volumes and the directories of the host that one start has made.
#[derive(Debug, Default)]
pub(super) struct Outside {
    pub(super) volumes: Vec<VolumeName>,
    /// Each after its parent.
    directories: Vec<PathBuf>,
}

impl Outside {
    /// Makes a directory that a bind needs, with its parents (755); the caller's, as everything that minirun makes.
    pub(super) fn make_source(&mut self, path: &Path) -> Result<(), Error> {
        let missing: Vec<&Path> =
            path.ancestors().take_while(|one| one.symlink_metadata().is_err()).collect();
        for directory in missing.into_iter().rev() {
            match rustix::fs::mkdir(directory, Mode::from_raw_mode(0o755)) {
                Ok(()) => {
                    self.directories.push(directory.to_owned());
                    ignore_umask(directory)
                        .map_err(|cause| PlaceError::Make { path: path.to_owned(), cause })?;
                }
                // Somebody else needs it, too.
                Err(Errno::EXIST) => {}
                Err(errno) => {
                    let made = Err(errno).call(|| format!("mkdir({directory:?}, 755)"));
                    return Ok(made.map_err(|cause| PlaceError::Make { path: path.to_owned(), cause })?);
                }
            }
        }
        Ok(())
    }

    /// Removes the directories, unless somebody has put something into them.
    pub(super) fn remove_directories(&self) {
        for directory in self.directories.iter().rev() {
            // One that is in use by now stays.
            let _ = rustix::fs::rmdir(directory);
        }
    }
}

/// Gives a directory that was just made the mode that it was made with, whatever the caller's umask is.
fn ignore_umask(directory: &Path) -> Result<(), SysError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::open(directory, flags, Mode::empty());
    let opened = opened.call(|| format!("open({directory:?}, DIRECTORY|NOFOLLOW)"))?;
    rustix::fs::fchmod(opened, Mode::from_raw_mode(0o755)).call(|| format!("fchmod({directory:?}, 755)"))
}
