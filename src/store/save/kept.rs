//! Blobs that leave the store as they came.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Write};

use serde_json::Value;

use super::document::{self, Blob};
use super::layer::{BUFFER, spool_error};
use super::{SaveError, SaveItem, rewind};
use crate::plan::digest::Digest;
use crate::plan::registry::order::Packed;
use crate::store::compress::Compression;
use crate::store::compression::{MAGIC, packing};
use crate::store::image::Image;
use crate::store::layer::LayerOwners;
use crate::store::record::LayerRef;
use crate::store::verify::Verified;
use crate::store::{Store, StoreError, blobs, layout};
use crate::sys::Call;

/// A blob that was kept.
pub(super) struct Kept {
    pub(super) blob: Blob,
    file: File,
}

impl Store {
    /// What a layer of the image, the lowest being 0, is to leave the store as, if that was kept: what the image's manifest
    /// names. Where an image has none, what the layer was unpacked from, or any other blob of it.
    pub(super) fn kept_blob(&self, item: &SaveItem, index: usize) -> Result<Option<Kept>, SaveError> {
        let Some(layer) = item.image.layers.get(index) else { return Ok(None) };
        let others = self.layer_owners()?.into_iter().filter(|owners| *owners != item.owners);
        for owners in std::iter::once(item.owners.clone()).chain(others) {
            let named = || self.blob_in_manifest(&item.image, index);
            if let Some(kept) = self.kept_beside(layer, &owners, named)? {
                return Ok(Some(kept));
            }
        }
        Ok(None)
    }

    /// The same, of what lies beside the files of certain owners.
    fn kept_beside(
        &self,
        layer: &LayerRef,
        owners: &LayerOwners,
        named: impl FnOnce() -> Result<Option<(Digest, u64)>, StoreError>,
    ) -> Result<Option<Kept>, StoreError> {
        let Some(root) = self.directory()? else { return Ok(None) };
        let name = layout::layer(&owners.directory_name(), &layer.chain_id);
        let kept = blobs::kept(root, &name).map_err(|cause| self.read_error(cause))?;
        if kept.is_empty() {
            return Ok(None);
        }
        let (named, size) = named()?.unzip();
        let first = self.layer_record(owners, &layer.chain_id)?.and_then(|record| record.blob);
        let wanted = match named {
            Some(named) => vec![named],
            None => first.into_iter().chain(kept.clone()).collect(),
        };
        for digest in wanted.into_iter().filter(|digest| kept.contains(digest)) {
            let file = root.open_file(&blobs::path(&name, &digest));
            let Some(file) = file.map_err(|cause| self.read_error(cause))? else { continue };
            let described = describe(&file, (layer, &digest), size).call(|| "read(blob)");
            if let Some(blob) = described.map_err(|cause| self.read_error(cause))? {
                return Ok(Some(Kept { blob, file }));
            }
        }
        Ok(None)
    }

    /// The digest and size of what the image's own manifest says a layer is.
    pub(super) fn blob_in_manifest(
        &self,
        image: &Image,
        index: usize,
    ) -> Result<Option<(Digest, u64)>, StoreError> {
        let manifest = self.read_file(&format!("{}/{}", layout::image(&image.id), layout::MANIFEST))?;
        let manifest: Value = serde_json::from_slice(&manifest.unwrap_or_default()).unwrap_or_default();
        let said = &manifest["layers"][index];
        let digest = said["digest"].as_str().and_then(|digest| digest.parse().ok());
        Ok(digest.zip(said["size"].as_u64()))
    }
}

/// What a kept file is, by its first bytes; `named` is its size where the image's manifest is about it. None for what is
/// no use without that: only a manifest wants a bare archive.
fn describe(
    file: &File,
    (layer, digest): (&LayerRef, &Digest),
    named: Option<u64>,
) -> io::Result<Option<Blob>> {
    let mut first = Vec::with_capacity(MAGIC);
    file.take(MAGIC as u64).read_to_end(&mut first)?;
    let is_bare = first.is_empty() && *digest == layer.diff_id;
    let (size, compression) = match (is_bare, named) {
        (true, None) => return Ok(None),
        (true, Some(size)) => (size, Compression::None),
        // What is none of those that are kept is damaged, and found to be when all of it is read.
        (false, _) => (file.metadata()?.len(), packing(&first).unwrap_or(Compression::Gzip)),
    };
    let media_type = document::layer_of(compression).to_owned();
    Ok(Some(Blob { digest: digest.clone(), diff_id: layer.diff_id.clone(), size, media_type }))
}

impl Kept {
    /// Whether the file is empty, as the archive of the layer is this blob.
    pub(super) fn is_bare(&self) -> bool {
        self.blob.digest == self.blob.diff_id
    }

    /// The file, from its beginning; none if it is not what it was.
    pub(super) fn bytes(&self) -> Result<Option<&File>, SaveError> {
        rewind(&self.file)?;
        let verified = Verified::new(&self.file, self.blob.digest.clone(), Some(self.blob.size));
        if verified.finish().is_err() {
            return Ok(None);
        }
        rewind(&self.file)?;
        Ok(Some(&self.file))
    }

    /// Writes the blob, which then is what was packed; none if it is not what it was.
    pub(super) fn write(&self, into: &mut dyn Write) -> Result<Option<Packed>, SaveError> {
        let Some(file) = self.bytes()? else { return Ok(None) };
        let Blob { digest, diff_id, size, .. } = self.blob.clone();
        io::copy(&mut BufReader::with_capacity(BUFFER, file), into).map_err(|error| spool_error(&error))?;
        Ok(Some(Packed { diff_id, digest, size, notes: Vec::new() }))
    }
}
