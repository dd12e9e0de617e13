//! An image that a source offers: everything but the content of its layers, read and checked.

use super::LoadError;
use super::blob::{Blobs, blob_name};
use super::wire::Descriptor;
use crate::plan::digest::Digest;
use crate::plan::platform::Platform;
use crate::store::document;
use crate::store::image::Image;
use crate::store::layer::chain_ids;
use crate::store::record::LayerRef;

/// One layer before it is unpacked.
#[derive(Debug, Clone)]
pub(super) struct LayerSource {
    /// The name of its blob.
    pub(super) name: String,
    /// The digest of the blob, where something says it.
    pub(super) digest: Option<Digest>,
    /// The bytes of the blob, where something says it.
    pub(super) size: Option<u64>,
    pub(super) diff_id: Digest,
}

impl LayerSource {
    /// Whether the blob is said to be the archive itself, without compression.
    pub(super) fn is_bare(&self) -> bool {
        self.digest.as_ref() == Some(&self.diff_id)
    }
}

/// An image that could be loaded.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) id: Digest,
    pub(super) config_bytes: Vec<u8>,
    pub(super) manifest_bytes: Option<Vec<u8>>,
    /// The manifest's digest, then those of the indexes around it.
    pub(super) manifest_digests: Vec<Digest>,
    /// The lowest first.
    pub(super) layers: Vec<LayerSource>,
    pub(super) platform: Platform,
    /// The names as the source gives them, unread.
    pub(super) names: Names,
}

impl Candidate {
    /// The image as it will be in the store, but for what only its layers tell.
    pub(super) fn into_image(self) -> Result<Image, LoadError> {
        let config = document::configuration(&self.config_bytes)
            .map_err(|cause| LoadError::Document { name: self.id.to_string(), cause })?;
        let diff_ids: Vec<Digest> = self.layers.into_iter().map(|layer| layer.diff_id).collect();
        let chain = chain_ids(&diff_ids);
        let layer =
            |(chain_id, diff_id)| LayerRef { chain_id, diff_id, size: 0, opaque_root: false, root: None };
        Ok(Image {
            id: self.id,
            reference: None,
            config,
            manifest_digest: self.manifest_digests.into_iter().next(),
            layers: chain.into_iter().zip(diff_ids).map(layer).collect(),
        })
    }
}

/// How a source names an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// Full names: `RepoTags`, or the annotation of containerd.
    pub(super) full: Vec<String>,
    /// The annotation of the image specification: a full name, or only a tag.
    pub(super) short: Option<String>,
}

/// The configuration of an image, and what it says about the layers.
pub(super) struct Configuration {
    pub(super) id: Digest,
    pub(super) bytes: Vec<u8>,
    pub(super) platform: Platform,
    diff_ids: Vec<Digest>,
    layers_max: usize,
}

impl Configuration {
    /// Reads the configuration that a manifest refers to.
    pub(super) fn read(blobs: &Blobs, of: &Descriptor, source_name: &str) -> Result<Self, LoadError> {
        let bytes = blobs
            .verified(&of.digest, of.size, blobs.limits().config)
            .map_err(|cause| LoadError::Blob { source_name: source_name.to_owned(), cause })?;
        Self::parse(of.digest.clone(), bytes, (&blob_name(&of.digest), blobs.limits().layers))
    }

    /// Reads a configuration whose digest is `id`, of an image with at most so many layers.
    pub(super) fn parse(
        id: Digest,
        bytes: Vec<u8>,
        (name, layers_max): (&str, usize),
    ) -> Result<Self, LoadError> {
        let config = document::configuration(&bytes)
            .map_err(|cause| LoadError::Document { name: name.to_owned(), cause })?;
        if config.rootfs().typ() != "layers" {
            return Err(LoadError::RootfsType { id, typ: config.rootfs().typ().clone() });
        }
        let mut diff_ids = Vec::new();
        for text in config.rootfs().diff_ids() {
            let diff_id = text.parse();
            diff_ids.push(diff_id.map_err(|_| LoadError::DiffId { id: id.clone(), text: text.clone() })?);
        }
        let variant = config.variant().as_deref();
        let platform = Platform::new(&config.os().to_string(), &config.architecture().to_string(), variant);
        Ok(Self { id, bytes, platform, diff_ids, layers_max })
    }

    /// Pairs the layers with their diff IDs.
    pub(super) fn layers(
        &self,
        blobs: Vec<(String, Option<Digest>, Option<u64>)>,
    ) -> Result<Vec<LayerSource>, LoadError> {
        let (layers, diff_ids, id) = (blobs.len(), self.diff_ids.len(), self.id.clone());
        if layers != diff_ids {
            return Err(LoadError::LayerCount { id, layers, diff_ids });
        }
        if layers > self.layers_max {
            return Err(LoadError::TooManyLayers { id, layers, limit: self.layers_max });
        }
        let pairs = blobs.into_iter().zip(&self.diff_ids);
        let source = |((name, digest, size), diff_id): (_, &Digest)| LayerSource {
            name,
            digest,
            size,
            diff_id: diff_id.clone(),
        };
        Ok(pairs.map(source).collect())
    }
}
