//! Keeping a container as it is for a while.

use super::{Container, ContainerError, container_name, try_lock_shared};
use crate::plan::rootfs::Lifetime;
use crate::store::Store;
use crate::store::directory::Directory;

/// A container that does not run and is not removed meanwhile.
#[derive(Debug)]
pub struct Hold {
    _directory: Directory,
}

impl Store {
    /// Keeps a container that does not run from being removed or started, as long as what this gives lives; none for
    /// one that runs, which its launcher keeps.
    ///
    /// # Errors
    /// The container is gone, or the store cannot be read.
    pub fn hold_container(&self, container: &Container) -> Result<Option<Hold>, ContainerError> {
        let record = &container.record;
        let lifetime = if record.removed_at_end { Lifetime::Ephemeral } else { Lifetime::Kept };
        let gone = || ContainerError::Unknown(record.name.to_string());
        let directory =
            self.open_container(&container_name(record.id.as_str(), lifetime))?.ok_or_else(gone)?;
        let is_free = try_lock_shared(&directory).map_err(|cause| self.read_error(cause))?;
        Ok(is_free.then_some(Hold { _directory: directory }))
    }
}
