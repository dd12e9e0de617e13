//! Removing containers, and what goes with them.

use std::ffi::OsStr;
use std::os::fd::AsFd as _;

use rustix::io::Errno;

use super::bundle::seize;
use super::{ContainerError, ContainerRecord, container_name};
use crate::plan::rootfs::Lifetime;
use crate::store::directory::Directory;
use crate::store::remove::remove_tree;
use crate::store::temporary::Temporary;
use crate::store::volume::{Disposal, VolumeError};
use crate::store::{Store, StoreError, Swept, document, layout};

/// What goes with a container that is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Along {
    /// Nothing: its volumes stay.
    Nothing,
    /// The volumes that it made without a name, unless another container uses them.
    AnonymousVolumes,
}

impl Along {
    /// The name that a removed container has in its temporary directory, which says what is to go with it.
    pub(super) fn directory_name(self) -> &'static str {
        match self {
            Self::Nothing => "container",
            Self::AnonymousVolumes => "container-and-volumes",
        }
    }
}

impl Store {
    /// Removes a container that does not run. Called where its files can be removed: inside their user namespace.
    ///
    /// # Errors
    /// The container runs, or the store cannot be written.
    pub fn remove_container(&self, record: &ContainerRecord, along: Along) -> Result<(), ContainerError> {
        let lifetime = if record.removed_at_end { Lifetime::Ephemeral } else { Lifetime::Kept };
        let name = container_name(record.id.as_str(), lifetime);
        let Some(directory) = self.open_container(&name)? else { return Ok(()) };
        let lock = seize(&directory).map_err(|cause| self.read_error(cause))?;
        if lock.is_none() {
            return Err(ContainerError::Running(record.name.to_string()));
        }
        self.discard_container(record, &name, along)
    }

    /// Renames a container away and removes what is left of it. Its name comes after it, as a name that leads nowhere
    /// is free; and what goes along can still be told from its record, which is the last to go.
    pub(super) fn discard_container(
        &self,
        record: &ContainerRecord,
        name: &str,
        along: Along,
    ) -> Result<(), ContainerError> {
        let temporary = match Temporary::new(self) {
            // Not even room for a directory: it goes where it is, which makes some.
            Err(StoreError::Full { .. }) => return self.remove_in_place(record, name, along),
            made => made?,
        };
        let root = self.writable()?;
        match root.rename(name, temporary.directory(), along.directory_name()) {
            Err(error) if error.errno() == Errno::NOENT => return Ok(()),
            result => result.map_err(|cause| self.write_error(cause))?,
        }
        self.free_name(record)?;
        let went_along = self.remove_along(record, along);
        temporary.discard().map_err(|cause| StoreError::Remove { path: self.path().to_owned(), cause })?;
        Ok(went_along?)
    }

    fn remove_in_place(
        &self,
        record: &ContainerRecord,
        name: &str,
        along: Along,
    ) -> Result<(), ContainerError> {
        let Some(directory) = self.directory()? else { return Ok(()) };
        remove_tree(directory.as_fd(), name.as_ref())
            .map_err(|cause| StoreError::Remove { path: self.path().to_owned(), cause })?;
        self.free_name(record)?;
        Ok(self.remove_along(record, along)?)
    }

    /// Removes what goes with a container that is gone.
    pub(super) fn remove_along(&self, record: &ContainerRecord, along: Along) -> Result<(), StoreError> {
        if along == Along::Nothing {
            return Ok(());
        }
        let mut result = Ok(());
        let anonymous = record.mounts.iter().filter(|mount| mount.anonymous);
        for volume in anonymous.filter_map(|mount| mount.volume.as_ref()) {
            // Otherwise a container is in the way, and then the volume is that one's.
            if let Err(VolumeError::Store(error)) = self.remove_volume(volume, Disposal::Gone) {
                result = Err(error);
            }
        }
        result
    }

    /// Removes what was to go with a container whose removal did not come to its end. The temporary directory is locked.
    pub(in crate::store) fn finish_removal(&self, temporary: &Directory, name: &OsStr, swept: &mut Swept) {
        let Some(name) = name.to_str() else { return };
        let record = format!("{name}/{}/{}", Along::AnonymousVolumes.directory_name(), layout::RECORD);
        let Ok(Some(bytes)) = temporary.read(&record, document::RECORD_MAX) else { return };
        let Ok(record) = serde_json::from_slice::<ContainerRecord>(&bytes) else { return };
        if self.remove_along(&record, Along::AnonymousVolumes).is_err() {
            swept.left += 1;
        }
    }
}
