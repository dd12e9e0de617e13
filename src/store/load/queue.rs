//! Pulls of one image by several at once: the first fetches it, and the others find it in the store.
//!
//! Who waits here has no lock of a layer yet, and nobody waits here for two images: so nobody waits in a circle.

use super::remote::Remote;
use crate::store::lock::NameLock;
use crate::store::{Store, StoreError, layout};

impl Store {
    /// Waits for whoever loads what `remote` leads to. What of it is known then, the documents of images that came from
    /// there, is not asked for again.
    pub(super) fn queue_for(&self, remote: &Remote) -> Result<NameLock, StoreError> {
        let directory = self.temporary_directory()?;
        let (root, _) = remote.root();
        let lock = NameLock::wait(&directory, &layout::pull_lock(root));
        let lock = lock.map_err(|cause| self.write_error(cause))?;
        for record in self.records()? {
            if !record.manifest_digests.contains(root) {
                continue;
            }
            let read = |name| self.read_file(&format!("{}/{name}", layout::image(&record.id)));
            if let Some(config) = read(layout::CONFIG)? {
                remote.remember(&record.id, &config);
            }
            if let (Some(digest), Some(manifest)) = (record.manifest_digests.first(), read(layout::MANIFEST)?)
            {
                remote.remember(digest, &manifest);
            }
        }
        Ok(lock)
    }
}
