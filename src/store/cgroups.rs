//! Which container has which cgroup: written down before it is made, so that one that is left can be found.

use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use super::temporary::Temporary;
use super::{Store, StoreError, layout};
use crate::plan::name::ContainerId;

/// The longest path that is read back, bytes.
const PATH_MAX: u64 = 4096;

impl Store {
    /// Writes down the cgroup that a container is going to have.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn note_cgroup(&self, id: &ContainerId, path: &Path) -> Result<(), StoreError> {
        self.writable()?.make(layout::CGROUPS).map_err(|cause| self.write_error(cause))?;
        Temporary::new(self)?.replace_file(self, &note(id), path.as_os_str().as_bytes())
    }

    /// The cgroup that a container has, or had when it was killed.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn cgroup_of(&self, id: &ContainerId) -> Result<Option<PathBuf>, StoreError> {
        let Some(directory) = self.directory()? else { return Ok(None) };
        let bytes = directory.read(&note(id), PATH_MAX).map_err(|cause| self.read_error(cause))?;
        Ok(bytes.map(|bytes| std::ffi::OsString::from_vec(bytes).into()))
    }

    /// Forgets the cgroup of a container, which is gone.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn forget_cgroup(&self, id: &ContainerId) -> Result<(), StoreError> {
        let Some(directory) = self.directory()? else { return Ok(()) };
        directory.unlink(&note(id)).map(drop).map_err(|cause| self.write_error(cause))
    }

    /// The containers that have a cgroup.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn containers_with_cgroups(&self) -> Result<Vec<ContainerId>, StoreError> {
        let Some(directory) = self.directory()? else { return Ok(Vec::new()) };
        let names = directory.names_in(layout::CGROUPS).map_err(|cause| self.read_error(cause))?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }
}

fn note(id: &ContainerId) -> String {
    format!("{}/{id}", layout::CGROUPS)
}
