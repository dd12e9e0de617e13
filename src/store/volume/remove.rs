//! Removing volumes that no container refers to.

use std::collections::HashMap;

use crate::plan::name::{ContainerName, VolumeName};
use crate::store::container::{Container, State};
use crate::store::directory::Directory;
use crate::store::temporary::Temporary;
use crate::store::volume::VolumeError;
use crate::store::{Store, StoreError, layout, lock};

/// Which containers refer to which volume.
pub type Users = HashMap<VolumeName, Vec<ContainerName>>;

/// What becomes of a volume that is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposal {
    /// It is gone.
    Gone,
    /// It can be brought back for a while.
    Trash {
        /// When it was removed, nanoseconds since 1970.
        removed: u64,
        /// From when on it may be gone, seconds since 1970.
        expires: i64,
    },
}

impl Store {
    /// The containers that refer to volumes, whether they run or not. One that was to be removed at its end, and
    /// whose launcher was killed before, is as good as removed.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn volume_users(&self) -> Result<Users, StoreError> {
        Ok(users(self.containers()?))
    }

    /// Removes a volume with its data; one that is not there is no error. What is to be gone at once is removed as
    /// far as this process can.
    ///
    /// # Errors
    /// A container refers to it, or the store cannot be written.
    pub fn remove_volume(&self, name: &VolumeName, disposal: Disposal) -> Result<(), VolumeError> {
        let Some(root) = self.directory()? else { return Ok(()) };
        let directory = layout::volume(name.as_str());
        let Some(_lock) = self.hold_volume(root, name, &directory)? else { return Ok(()) };
        // A container that comes from now on waits for the lock, and then finds no volume and makes one.
        self.refuse_used_volume(name)?;
        match disposal {
            Disposal::Gone => self.destroy(&directory),
            Disposal::Trash { removed, expires } => self.throw_away(&directory, (removed, expires)),
        }
    }

    /// Locks a volume's directory for this process alone; none when there is none.
    fn hold_volume(
        &self,
        root: &Directory,
        name: &VolumeName,
        directory: &str,
    ) -> Result<Option<Directory>, VolumeError> {
        let seized = lock::seize(root, directory).map_err(|cause| self.read_error(cause))?;
        if seized.is_some() || !self.volume_exists(name)? {
            return Ok(seized);
        }
        // Somebody fills or reads it, and may do so for long: who uses it can be told now.
        self.refuse_used_volume(name)?;
        Ok(lock::hold(root, directory).map_err(|cause| self.read_error(cause))?)
    }

    /// Removes a directory of the store with all that is in it, as far as this process can.
    pub(super) fn destroy(&self, directory: &str) -> Result<(), VolumeError> {
        let temporary = Temporary::new(self)?;
        let root = self.writable()?;
        match root.rename(directory, temporary.directory(), "volume") {
            // Somebody else was quicker.
            Err(error) if error.errno() == rustix::io::Errno::NOENT => return Ok(()),
            result => result.map_err(|cause| self.write_error(cause))?,
        }
        let removed = temporary.discard();
        removed.map_err(|cause| StoreError::Remove { path: self.path().to_owned(), cause }.into())
    }

    fn refuse_used_volume(&self, name: &VolumeName) -> Result<(), VolumeError> {
        // The name of a volume is the same in a record.
        match users(self.containers_with(name.as_str())?).remove(name) {
            None => Ok(()),
            Some(users) => Err(VolumeError::InUse { name: name.clone(), users }),
        }
    }
}

fn users(containers: Vec<Container>) -> Users {
    let mut users = Users::new();
    for container in containers {
        if container.record.removed_at_end && matches!(container.state, State::Exited(_) | State::Dead) {
            continue;
        }
        for volume in container.mounts().filter_map(|mount| mount.volume.as_ref()) {
            let of_volume = users.entry(volume.clone()).or_default();
            if !of_volume.contains(&container.record.name) {
                of_volume.push(container.record.name.clone());
            }
        }
    }
    users
}
