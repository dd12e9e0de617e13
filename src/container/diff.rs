//! What a container changed in its root filesystem.

use super::{Engine, Error, Pausing, within};
use crate::store::changes::{Change, changes};
use crate::sys::process::DescriptorLimit;

impl Engine {
    /// What the container that `text` names changed in comparison with its image, sorted by path. Volumes and other mounts
    /// are no part of it.
    ///
    /// # Errors
    /// There is no such container, or it keeps no files of its own.
    pub fn diff(&self, text: &str) -> Result<Vec<Change>, Error> {
        let container = self.store.find_container(text)?;
        let files = self.own_files(&container)?;
        let _still = self.hold_still(&container, Pausing::WherePossible)?;
        within(files.namespace.as_ref(), || -> Result<_, Error> {
            let _limit = DescriptorLimit::raise().map_err(Error::Probe)?;
            Ok(changes(&files.open()?, &files.open_image()?, files.cover)?.changes)
        })
    }
}
