//! What images there are, and giving them names.

use serde::{Deserialize, Serialize};

use super::image::ImageError;
use super::temporary::Temporary;
use super::{Store, StoreError};
use crate::plan::digest::Digest;
use crate::plan::name::Label;
use crate::plan::reference::Reference;

/// A line of `minirun images`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageSummary {
    /// The digest of the configuration.
    pub id: Digest,
    /// All names, sorted; none for an untagged image.
    pub references: Vec<Reference>,
    /// The digests by which it was reached: its manifest first, then the indexes around it.
    pub digests: Vec<Digest>,
    /// When it was made, RFC 3339, as the image says.
    pub created: Option<String>,
    /// Its labels, in no order.
    pub labels: Vec<Label>,
    /// The bytes of the files of all layers.
    pub size: u64,
}

impl Store {
    /// All images, by name, the untagged ones last.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn images(&self) -> Result<Vec<ImageSummary>, StoreError> {
        let references = self.references()?;
        let mut images = Vec::new();
        for record in self.records()? {
            // One that is gone by now was removed since.
            let Some(image) = self.image_by_id(&record.id)? else { continue };
            let named = references.iter().filter(|(_, id)| *id == record.id);
            let config = image.config.config().as_ref();
            let labels = config.and_then(|config| config.labels().clone()).unwrap_or_default().into_iter();
            images.push(ImageSummary {
                labels: labels.map(|(key, value)| Label { key, value }).collect(),
                references: named.map(|(reference, _)| reference.clone()).collect(),
                created: image.config.created().clone(),
                size: record.size(),
                digests: record.manifest_digests,
                id: record.id,
            });
        }
        images.sort_by_cached_key(|image| {
            (image.references.is_empty(), image.references.first().map(ToString::to_string), image.id.clone())
        });
        Ok(images)
    }

    /// Gives the image that `source` names another name, which another image may have had; its ID.
    ///
    /// # Errors
    /// There is no such image, or the store cannot be written.
    pub fn tag(&self, source: &str, reference: &Reference) -> Result<Digest, ImageError> {
        if reference.digest().is_some() {
            return Err(ImageError::TagWithDigest(reference.to_string()));
        }
        let image = self.find_image(source)?;
        let temporary = Temporary::new(self)?;
        self.set_reference(&temporary, reference, &image.id)?;
        Ok(image.id)
    }
}
