//! How much room things take.

use std::collections::BTreeMap;
use std::os::fd::AsFd as _;
use std::path::Path;

use super::{Engine, Error, within};
use crate::plan::name::VolumeName;
use crate::store::directory::Directory;
use crate::store::{StoreError, layout, volume};

impl Engine {
    /// The bytes that the files of volumes take on disk. What a driver option leads to does not count.
    ///
    /// # Errors
    /// The files cannot be looked at.
    pub fn volume_sizes(&self, names: &[VolumeName]) -> Result<BTreeMap<VolumeName, u64>, Error> {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let namespace = self.own_namespace()?;
        within(namespace.as_ref(), || {
            let size = |name: &VolumeName| Ok((name.clone(), size(&self.store.volume_data(name))?));
            names.iter().map(size).collect::<Result<BTreeMap<_, _>, StoreError>>()
        })
    }

    /// The bytes that removed volumes take on disk until they are gone.
    ///
    /// # Errors
    /// The files cannot be looked at.
    pub fn trash_size(&self) -> Result<u64, Error> {
        let path = self.store.path().join(layout::TRASH);
        if !path.exists() {
            return Ok(0);
        }
        let namespace = self.own_namespace()?;
        within(namespace.as_ref(), || size(&path))
    }
}

/// The bytes below a directory; one that is not there has none.
pub(super) fn size(path: &Path) -> Result<u64, StoreError> {
    let failed = |cause| StoreError::Read { path: path.to_owned(), cause };
    match Directory::open(path) {
        Ok(directory) => volume::usage(directory.as_fd()).map_err(failed),
        Err(error) if error.errno() == rustix::io::Errno::NOENT => Ok(0),
        Err(cause) => Err(failed(cause)),
    }
}
