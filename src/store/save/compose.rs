//! Configuration and manifest of an image whose layers are packed.

use super::document::{self, Blob};
use super::{SaveError, layout};
use crate::plan::digest::{Algorithm, Digest};
use crate::store::Store;
use crate::store::image::Image;

/// The documents of an image that leaves the store.
#[derive(Debug, Clone)]
pub struct Documents {
    /// Its configuration.
    pub config: (Blob, Vec<u8>),
    /// Its manifest.
    pub manifest: (Blob, Vec<u8>),
    /// What a person should know about them.
    pub note: Option<String>,
}

impl Documents {
    /// The manifest as a layout has it: one of Docker's becomes one that says the same of these layers.
    pub(super) fn manifest_of_layout(&self, layers: &[Blob]) -> (Blob, Vec<u8>) {
        if self.manifest.0.media_type == document::MANIFEST {
            return self.manifest.clone();
        }
        let bytes = document::manifest(&self.config.0, layers);
        let digest = layout::digest_of(Algorithm::Sha256, &bytes);
        (Blob::of_bytes(digest, &bytes, document::MANIFEST), bytes)
    }
}

impl Store {
    /// The documents of `image`, which is called `name` where it comes to words, with these layers.
    ///
    /// The manifest that it came with is kept if it is about exactly these.
    ///
    /// # Errors
    /// The image is gone, or its configuration is damaged.
    pub fn documents(&self, image: &Image, layers: &[Blob], name: &str) -> Result<Documents, SaveError> {
        let directory = layout::image(&image.id);
        let config = self.read_file(&format!("{directory}/{}", layout::CONFIG))?;
        let config = config.ok_or_else(|| SaveError::Gone(image.id.clone()))?;
        let is_exact = layers.iter().zip(&image.layers).all(|(blob, layer)| blob.diff_id == layer.diff_id);
        let (config, algorithm) = if is_exact {
            (config, image.id.algorithm())
        } else {
            let config = document::with_diff_ids(&config, layers);
            (config.ok_or_else(|| SaveError::Config(image.id.clone()))?, Algorithm::Sha256)
        };
        let digest = layout::digest_of(algorithm, &config);
        let note = (!is_exact).then(|| {
            format!(
                "a layer of {name} is packed anew, as its original archive cannot be had back: where the image is loaded, its ID is {digest}"
            )
        });
        let described = Blob::of_bytes(digest, &config, document::CONFIG);
        let kept = self.read_file(&format!("{directory}/{}", layout::MANIFEST))?;
        let kept = kept.filter(|_| is_exact).filter(|kept| document::says_same(kept, &described, layers));
        // Its digest is as it was.
        let known = image.manifest_digest.as_ref().filter(|_| kept.is_some());
        let algorithm = known.map_or(Algorithm::Sha256, Digest::algorithm);
        let bytes = kept.unwrap_or_else(|| document::manifest(&described, layers));
        let digest = layout::digest_of(algorithm, &bytes);
        let manifest = Blob::of_bytes(digest, &bytes, &document::media_type(&bytes));
        Ok(Documents { config: (described, config), manifest: (manifest, bytes), note })
    }
}
