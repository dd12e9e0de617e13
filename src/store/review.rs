//! What a container changed in a directory that it sees through a layer of its own (`cow`), and what becomes of it.
//!
//! The layer's upper directory is compared with the source as it is now: what is equal on both sides is no change,
//! and so nothing need be remembered of what was applied already. Both sides are walked by descriptor, beneath
//! their roots, through no symlink and into no other mount: whatever lies on either side, nothing outside of the
//! source is read or written.

mod apply;
mod change;
mod compare;
mod discard;
mod error;
mod history;
mod origin;
mod patch;
mod place;
mod select;
mod stage;
mod tree;
mod walk;

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::directory::Directory;
use crate::sys::{Call, SysError};
use history::History;
use tree::Tree;

pub use change::{Act, Change, Conflict, Difference, Kind, Rights, Standing};
pub use error::{ConflictList, ReviewError};
pub use patch::{Reader, Sink};
pub use select::{OnConflict, Selected, named, needed, settle};

/// In a layer's directory: what the container wrote.
const UPPER: &str = "upper";

/// A layer over a source, opened. Locked: of several that work on one layer the others wait.
#[derive(Debug)]
pub struct Review {
    directory: Directory,
    upper: Tree,
    host: Tree,
    history: History,
}

impl Review {
    /// Opens the layer in `directory` over `source`. Called where its files can be read: inside their user namespace.
    ///
    /// # Errors
    /// One of the two cannot be opened, or the source is not what it was.
    pub fn open(directory: &Path, source: &Path) -> Result<Self, ReviewError> {
        let layer_error = |cause| ReviewError::Layer { path: directory.to_owned(), cause };
        let layer = Directory::open(directory).map_err(layer_error)?;
        lock(&layer).map_err(layer_error)?;
        let upper = OwnedFd::from(layer.directory(UPPER).map_err(layer_error)?);
        let history = History::read(&layer)?;
        let source_error = |cause| ReviewError::Source { path: source.to_owned(), cause };
        let host = OwnedFd::from(Directory::open(source).map_err(source_error)?);
        if history.is_another(source, &host).map_err(source_error)? {
            return Err(ReviewError::Replaced(source.to_owned()));
        }
        Ok(Self { directory: layer, upper: Tree::new(upper), host: Tree::new(host), history })
    }
}

fn lock(directory: &Directory) -> Result<(), SysError> {
    loop {
        match flock(directory, FlockOperation::LockExclusive) {
            Err(Errno::INTR) => {}
            result => return result.call(|| format!("flock({:?})", directory.path())),
        }
    }
}

#[cfg(test)]
mod tests;
