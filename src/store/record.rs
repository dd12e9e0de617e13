//! What minirun knows of an image beyond the documents it came with.

use serde::{Deserialize, Serialize};

use super::document::{self, RECORD_MAX};
use super::{Store, StoreError, layout};
use crate::plan::digest::Digest;

/// One layer of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerRef {
    /// Names this layer on top of those below it; the name of its directory.
    pub chain_id: Digest,
    /// The digest of the uncompressed tar.
    pub diff_id: Digest,
    /// The bytes of its files.
    pub size: u64,
    /// Whether its root directory is opaque, so that nothing of the layers below shows.
    pub opaque_root: bool,
    /// The names in its root directory; none where they are not known, or too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<Vec<String>>,
}

/// What `record.json` of an image holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The digest of the configuration.
    pub id: Digest,
    /// The digests by which the image was reached: its manifest first, then the indexes around it.
    pub manifest_digests: Vec<Digest>,
    /// The layers, the lowest first.
    pub layers: Vec<LayerRef>,
}

impl Record {
    /// The bytes of the files of all layers.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.layers.iter().map(|layer| layer.size).fold(0, u64::saturating_add)
    }

    /// The text of `record.json`.
    pub(super) fn to_json(&self) -> String {
        // Digests, numbers and texts: nothing in here can be no JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Store {
    /// The record of the image whose directory is `images/HEX`; none when there is no such image.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn record(&self, hex: &str) -> Result<Option<Record>, StoreError> {
        self.read_json(&format!("{}/{hex}/{}", layout::IMAGES, layout::RECORD), "the record of an image")
    }

    /// The digits of the IDs of all images, sorted.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn image_directories(&self) -> Result<Vec<String>, StoreError> {
        let Some(directory) = self.directory()? else { return Ok(Vec::new()) };
        directory.names_in(layout::IMAGES).map_err(|cause| self.read_error(cause))
    }

    /// The records of all images.
    ///
    /// # Errors
    /// A record cannot be read.
    pub fn records(&self) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        for hex in self.image_directories()? {
            // One that is gone by now was removed since.
            records.extend(self.record(&hex)?);
        }
        Ok(records)
    }

    /// A JSON file of the store; none when there is no such file.
    pub(super) fn read_json<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        expected: &'static str,
    ) -> Result<Option<T>, StoreError> {
        match self.read_file(name)? {
            None => Ok(None),
            Some(bytes) => document::parse_own(&bytes, expected)
                .map(Some)
                .map_err(|cause| StoreError::Damaged { path: self.path().join(name), cause }),
        }
    }

    /// A small file of the store; none when there is no such file.
    pub(super) fn read_file(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(directory) = self.directory()? else { return Ok(None) };
        directory.read(name, RECORD_MAX).map_err(|cause| self.read_error(cause))
    }
}
