//! Containers whose launcher has left before they are removed.
//!
//! What it takes to remove a container's files depends on the file system, and nobody needs to wait for it: the launcher
//! renames the container to `ended/`, and a process that outlives it does the rest. If that one is killed, the next
//! command sweeps there.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use super::{Bundle, ContainerError, ContainerRecord};
use crate::store::directory::Directory;
use crate::store::remove::remove_tree;
use crate::store::{Store, StoreError, Swept, layout, lock, temporary};

/// Where a container lies from its end until it is removed.
#[derive(Debug)]
pub struct Departure<'a> {
    root: &'a Directory,
    id: &'a str,
}

impl Departure<'_> {
    /// The directory that has to be open to [`Self::finish`].
    #[must_use]
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Removes the container, if it has departed. The launcher has left its lock for that, unless it was killed. What cannot
    /// be removed is swept.
    pub fn finish(&self, lock: Option<&OwnedFd>) {
        let Ok(ended) = self.root.directory(layout::ENDED) else { return };
        let own = match lock {
            Some(_) => None,
            None => lock::hold(&ended, self.id).ok().flatten(),
        };
        if lock.is_some() || own.is_some() {
            let _ = remove_tree(ended.as_fd(), self.id.as_ref());
        }
    }
}

impl Store {
    /// Prepares for a container to be removed after its launcher has left; none if it is to stay, or if there is something
    /// to go with it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn departure<'a>(&'a self, record: &'a ContainerRecord) -> Result<Option<Departure<'a>>, StoreError> {
        if !record.removed_at_end || record.mounts.iter().any(|mount| mount.anonymous) {
            return Ok(None);
        }
        Ok(self.directory()?.map(|root| Departure { root, id: record.id.as_str() }))
    }

    /// Takes a container whose launcher is this process out of sight, for [`Departure::finish`].
    ///
    /// # Errors
    /// The store cannot be written; then the container is still there.
    pub fn depart(&self, record: &ContainerRecord, bundle: &Bundle) -> Result<(), ContainerError> {
        let root = self.writable()?;
        let ended = format!("{}/{}", layout::ENDED, record.id);
        root.rename(bundle.name(), root, &ended).map_err(|cause| self.write_error(cause))?;
        // It may have got another name since it was started.
        if !self.free_name(record)?
            && let Some(current) = self.container_record(&ended)?
        {
            self.free_name(&current)?;
        }
        Ok(())
    }

    /// Removes what has departed and nobody is about to remove.
    pub(in crate::store) fn sweep_departed(&self, root: &Directory) -> Result<Swept, StoreError> {
        match root.directory(layout::ENDED) {
            Ok(ended) => temporary::sweep(&ended, &mut |_, _| ()).map_err(|cause| self.read_error(cause)),
            Err(cause) if cause.errno() == Errno::NOENT => Ok(Swept::default()),
            Err(cause) => Err(self.read_error(cause)),
        }
    }
}
