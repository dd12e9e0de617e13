//! What is known of the blobs of an image before anything is packed: a registry may have them.
//!
//! A layer that came from a registry, or from a layout, was verified against the digest of its blob when it was unpacked;
//! size and kind of that blob stand in the manifest it came with. A layer that was packed here once gives the same bytes
//! each time. Both are the same layer to whoever pulls it.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::document::{self, Blob};
use super::{SaveError, SaveItem};
use crate::plan::digest::Digest;
use crate::plan::reference::Reference;
use crate::plan::registry::order::{Archive, Packed};
use crate::store::{Store, StoreError, layout};

/// How many places of a layer are remembered.
const PLACES_MAX: usize = 4;

/// A layer that is to be where others can get it.
#[derive(Debug, Clone)]
pub struct KnownLayer {
    /// The digest of its archive.
    pub diff_id: Digest,
    /// The blob that it came as.
    pub original: Option<Blob>,
    /// What it will be when it is sent, as far as that is known: the blob that was kept, or what it was when it was packed here.
    pub packed: Option<Blob>,
    /// What is sent.
    pub archive: Archive,
    /// Other repositories of the registry that may have it.
    pub repositories: Vec<String>,
}

impl Store {
    /// What is known of the layers of an image that is to become `destination`, the lowest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn known_layers(
        &self,
        item: &SaveItem,
        destination: &Reference,
    ) -> Result<Vec<KnownLayer>, SaveError> {
        let mut described = self.described(item)?;
        let mut places = self.places(item, destination)?;
        let mut known = Vec::with_capacity(item.image.layers.len());
        for (index, layer) in item.image.layers.iter().enumerate() {
            let kept = self.kept_blob(item, index)?.map(|kept| kept.blob);
            let record = self.layer_record(&item.owners, &layer.chain_id)?;
            let verified = record.and_then(|record| record.blob);
            // Where the image's own blob was kept, any other would make it another image.
            let is_own = kept.is_some() && self.blob_in_manifest(&item.image, index)?.is_some();
            let original = described.remove(&layer.chain_id).filter(|_| !is_own).into_iter().flatten();
            let name = layout::layer(&item.owners.directory_name(), &layer.chain_id);
            // One that cannot be read is as good as none.
            let packed = self.read_file(&format!("{name}/{}", layout::PACKED))?;
            let packed: Option<Packed> = packed.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            known.push(KnownLayer {
                diff_id: layer.diff_id.clone(),
                original: original
                    .into_iter()
                    .find(|blob| Some(&blob.digest) == verified.as_ref())
                    .map(|blob| Blob { diff_id: layer.diff_id.clone(), ..blob }),
                archive: match &kept {
                    Some(blob) => Archive::Kept(blob.digest.clone()),
                    None => Archive::Original,
                },
                packed: kept.or_else(|| packed.map(|packed| Blob::of_layer(&packed))),
                repositories: places.remove(&layer.chain_id).unwrap_or_default(),
            });
        }
        Ok(known)
    }

    /// What the manifests of the store say about the layers of an image, by chain ID.
    fn described(&self, item: &SaveItem) -> Result<HashMap<Digest, Vec<Blob>>, StoreError> {
        let wanted: HashSet<&Digest> = item.image.layers.iter().map(|layer| &layer.chain_id).collect();
        let mut described: HashMap<Digest, Vec<Blob>> = HashMap::new();
        for record in self.records()? {
            if !record.layers.iter().any(|layer| wanted.contains(&layer.chain_id)) {
                continue;
            }
            let name = format!("{}/{}", layout::image(&record.id), layout::MANIFEST);
            let manifest = self.read_file(&name)?.unwrap_or_default();
            let manifest: Value = serde_json::from_slice(&manifest).unwrap_or_default();
            let descriptors = manifest["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
            for (layer, descriptor) in record.layers.iter().zip(descriptors) {
                if wanted.contains(&layer.chain_id) {
                    described.entry(layer.chain_id.clone()).or_default().extend(blob(descriptor));
                }
            }
        }
        Ok(described)
    }

    /// The other repositories of the registry, by the names of the store's images, that may have the layers.
    fn places(
        &self,
        item: &SaveItem,
        destination: &Reference,
    ) -> Result<HashMap<Digest, Vec<String>>, StoreError> {
        let mut places: HashMap<Digest, Vec<String>> = HashMap::new();
        let references = self.references()?;
        let others = references.iter().filter(|(reference, _)| {
            reference.registry() == destination.registry()
                && reference.repository() != destination.repository()
        });
        for (reference, id) in others {
            let Some(record) = self.record(id.hex())? else { continue };
            let shared = item
                .image
                .layers
                .iter()
                .filter(|layer| record.layers.iter().any(|other| other.chain_id == layer.chain_id));
            for layer in shared {
                let known = places.entry(layer.chain_id.clone()).or_default();
                let repository = reference.repository().to_owned();
                if known.len() < PLACES_MAX && !known.contains(&repository) {
                    known.push(repository);
                }
            }
        }
        Ok(places)
    }
}

/// A layer of a manifest.
fn blob(descriptor: &Value) -> Option<Blob> {
    let digest: Digest = descriptor["digest"].as_str()?.parse().ok()?;
    let media_type = document::layer_type(descriptor["mediaType"].as_str()?)?.to_owned();
    Some(Blob { diff_id: digest.clone(), digest, size: descriptor["size"].as_u64()?, media_type })
}
