//! Makes what was unpacked visible: layers first, then images, then their names.
//!
//! Every layer that a load uses is pinned until its image is visible, so that no removal takes it along. An
//! image itself may be removed before it has its names. So a load looks again after naming it, and a removal
//! looks for new names after taking it away: whoever comes second sees the other.

use std::collections::HashSet;

use rustix::io::Errno;

use super::candidate::Candidate;
use super::stage::{Prepared, Stage};
use super::{LoadError, Loaded};
use crate::plan::digest::Digest;
use crate::plan::reference::Reference;
use crate::plan::registry::policy::BlobPolicy;
use crate::store::directory::Directory;
use crate::store::layer::chain_ids;
use crate::store::lock;
use crate::store::record::Record;
use crate::store::temporary::{Temporary, random_name};
use crate::store::{Store, StoreError, blobs, layout};
use crate::sys::SysError;

/// How often a load begins again because layers went away under it.
const ATTEMPTS: usize = 5;

impl Stage<'_> {
    /// Makes everything visible: layers, then images, then their names.
    pub(super) fn publish(mut self) -> Result<Vec<Loaded>, LoadError> {
        self.publish_layers()?;
        for _ in 0..ATTEMPTS {
            for image in &self.images {
                self.publish_image(image)?;
                for reference in &image.references {
                    self.store.set_reference(&self.temporary, reference, &image.candidate.id)?;
                }
            }
            if !self.has_lost_images()? {
                return Ok(self.images.into_iter().map(Prepared::into_loaded).collect());
            }
        }
        Err(LoadError::RemovedMeanwhile { attempts: ATTEMPTS })
    }

    /// Makes an image visible that is made here, of layers with these diff IDs.
    pub(in crate::store) fn publish_made(
        &mut self,
        id: &Digest,
        config: &[u8],
        diff_ids: &[Digest],
        reference: Option<&Reference>,
    ) -> Result<(), StoreError> {
        self.publish_layers()?;
        let of_chain = |chain_id: Digest| {
            self.layers.get(&chain_id).map(|staged| staged.record.reference(chain_id.clone()))
        };
        let layers = chain_ids(diff_ids).into_iter().filter_map(of_chain).collect();
        let record = Record { id: id.clone(), manifest_digests: Vec::new(), layers };
        self.store.add_image(&self.temporary, record, config, None)?;
        match reference {
            Some(reference) => self.store.set_reference(&self.temporary, reference, id),
            None => Ok(()),
        }
    }

    /// Gives the layer that was unpacked last its record.
    pub(super) fn complete_last(&mut self) -> Result<(), StoreError> {
        self.completing.take().map_or(Ok(()), |completing| completing.finish(self.store))
    }

    pub(super) fn publish_layers(&mut self) -> Result<(), StoreError> {
        self.complete_last()?;
        self.store.make_owners(&self.temporary, self.owners)?;
        let root = self.store.writable()?;
        let error = |cause| self.store.write_error(cause);
        // A layer that is visible is complete, also after a power cut.
        root.sync().map_err(error)?;
        let owners = self.owners.directory_name();
        for (chain_id, staged) in &mut self.layers {
            let Some(name) = staged.name.take() else { continue };
            let to = layout::layer(&owners, chain_id);
            while !rename_new(self.temporary.directory(), &name, root, &to).map_err(error)? {
                // Somebody else made the same layer: that one is to be kept, if it is still there.
                if let Some(pin) = lock::pin(root, &to).map_err(error)? {
                    blobs::hand_over(&staged.pin, &pin).map_err(error)?;
                    staged.pin = pin;
                    break;
                }
            }
        }
        self.give_carried()
    }

    fn publish_image(&self, image: &Prepared) -> Result<(), StoreError> {
        let candidate = &image.candidate;
        let mut layers = Vec::with_capacity(candidate.layers.len());
        let diff_ids: Vec<Digest> = candidate.layers.iter().map(|layer| layer.diff_id.clone()).collect();
        for chain_id in chain_ids(&diff_ids) {
            layers.extend(self.layers.get(&chain_id).map(|staged| staged.record.reference(chain_id.clone())));
        }
        let manifest_digests = candidate.manifest_digests.clone();
        let record = Record { id: candidate.id.clone(), manifest_digests, layers };
        self.store.add_image(
            &self.temporary,
            record,
            &candidate.config_bytes,
            candidate.manifest_bytes.as_deref(),
        )?;
        match (&candidate.manifest_bytes, self.keeping) {
            (Some(manifest), BlobPolicy::Kept) => {
                self.store.change_manifest(&self.temporary, candidate, manifest)
            }
            _ => Ok(()),
        }
    }

    /// Whether an image was removed since it was made visible.
    fn has_lost_images(&self) -> Result<bool, StoreError> {
        for image in &self.images {
            if !self.store.contains(&layout::image(&image.candidate.id))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Store {
    /// Makes an image visible, or adds to what is known of one that is there.
    pub(in crate::store) fn add_image(
        &self,
        temporary: &Temporary,
        record: Record,
        config: &[u8],
        manifest: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let name = layout::image(&record.id);
        if let Some(mut known) = self.record(record.id.hex())? {
            let before = known.clone();
            known.manifest_digests.extend(record.manifest_digests);
            let mut seen = HashSet::new();
            known.manifest_digests.retain(|digest| seen.insert(digest.clone()));
            if known != before {
                let json = known.to_json();
                temporary.replace_file_durably(
                    self,
                    &format!("{name}/{}", layout::RECORD),
                    json.as_bytes(),
                )?;
            }
            return Ok(());
        }
        let own = write_image(temporary, &record, config, manifest);
        let own = own.map_err(|cause| self.write_error(cause))?;
        let root = self.writable()?;
        rename_new(temporary.directory(), &own, root, &name).map_err(|cause| self.write_error(cause))?;
        Ok(())
    }

    /// Has an image that is there be the one of this manifest, whose blobs are kept now; it may have come with another one.
    fn change_manifest(
        &self,
        temporary: &Temporary,
        candidate: &Candidate,
        manifest: &[u8],
    ) -> Result<(), StoreError> {
        let name = layout::image(&candidate.id);
        // One that was removed since is missed by whoever looks whether it is there.
        let Some(known) = self.record(candidate.id.hex())? else { return Ok(()) };
        let is_first = known.manifest_digests.first() == candidate.manifest_digests.first();
        if is_first && self.contains(&format!("{name}/{}", layout::MANIFEST))? {
            return Ok(());
        }
        let mut digests = candidate.manifest_digests.clone();
        let others = known.manifest_digests.into_iter();
        digests.extend(others.filter(|digest| !candidate.manifest_digests.contains(digest)));
        let record = Record { manifest_digests: digests, ..known };
        let root = self.writable()?;
        let change = || -> Result<(), SysError> {
            let own = write_image(temporary, &record, &candidate.config_bytes, Some(manifest))?;
            temporary.directory().exchange(&own, root, &name)
        };
        match change() {
            // It was removed since, or the file system cannot exchange: the image stays as it came first.
            Err(error) if matches!(error.errno(), Errno::NOENT | Errno::INVAL) => Ok(()),
            changed => changed.map_err(|cause| self.write_error(cause)),
        }
    }
}

/// Makes the directory of an image, out of sight; what it is called there.
fn write_image(
    temporary: &Temporary,
    record: &Record,
    config: &[u8],
    manifest: Option<&[u8]>,
) -> Result<String, SysError> {
    let own = random_name()?;
    temporary.directory().make(&own)?;
    let directory = temporary.directory().directory(&own)?;
    // Few and small; everything else that is new was brought to the disk with the layers.
    directory.write_durably(layout::RECORD, record.to_json().as_bytes())?;
    directory.write_durably(layout::CONFIG, config)?;
    manifest.map_or(Ok(()), |bytes| directory.write_durably(layout::MANIFEST, bytes))?;
    Ok(own)
}

/// Renames a directory to where there may be the same one already, made by somebody else; whether there was none.
pub(in crate::store) fn rename_new(
    from: &Directory,
    name: &str,
    root: &Directory,
    to: &str,
) -> Result<bool, SysError> {
    match from.rename(name, root, to) {
        Err(error) if matches!(error.errno(), Errno::EXIST | Errno::NOTEMPTY) => Ok(false),
        result => result.map(|()| true),
    }
}
