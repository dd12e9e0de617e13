//! The blob of one layer, and what can be wrong with it.

use super::LoadError;
use super::blob::BlobError;
use super::candidate::LayerSource;
use super::source::Opened;
use crate::plan::digest::Digest;
use crate::store::StoreError;
use crate::store::unpack::{LayerBlob, UnpackError, Warning};
use crate::store::verify::VerifyError;

/// Opens the blob of a layer.
pub(super) fn layer_blob<'b>(opened: &'b Opened, layer: &LayerSource) -> Result<LayerBlob<'b>, LayerError> {
    let blob = match (&layer.digest, layer.size) {
        (Some(digest), Some(size)) => opened.blobs.open_blob(&layer.name, digest, size),
        (Some(_) | None, _) => opened.blobs.open(&layer.name),
    };
    let blob = blob.map_err(LayerError::Blob)?;
    if let Some(expected) = layer.size.filter(|&expected| expected != blob.size) {
        // Said before anything is unpacked: there may be much of it.
        let error = UnpackError::Blob(VerifyError::Size { expected, found: blob.size });
        return Err(LayerError::Unpack(Box::new(error)));
    }
    Ok(LayerBlob {
        reader: blob.reader,
        digest: layer.digest.clone(),
        size: layer.size.or(Some(blob.size)),
        diff_id: Some(layer.diff_id.clone()),
    })
}

/// The warnings about one layer for the user, all devices in one of them.
pub(super) fn in_words(warnings: &[Warning]) -> Vec<String> {
    let mut devices = warnings.iter().filter(|warning| matches!(warning, Warning::Device { .. }));
    let others = warnings.iter().filter(|warning| !matches!(warning, Warning::Device { .. }));
    let first = devices.next().map(|first| match devices.count() {
        0 => first.to_string(),
        _ => format!("{first} and others: a container gets the devices it needs"),
    });
    first.into_iter().chain(others.map(ToString::to_string)).collect()
}

/// Why one layer is not unpacked.
#[derive(Debug)]
pub(in crate::store) enum LayerError {
    Blob(BlobError),
    Unpack(Box<UnpackError>),
    Store(StoreError),
}

impl From<StoreError> for LayerError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl LayerError {
    pub(super) fn of_layer(
        self,
        number: usize,
        count: usize,
        diff_id: &Digest,
        opened: &Opened,
    ) -> LoadError {
        match self {
            Self::Blob(cause) => LoadError::Blob { source_name: opened.name.clone(), cause },
            Self::Unpack(cause) => LoadError::Layer { number, count, diff_id: diff_id.clone(), cause },
            Self::Store(error) => LoadError::Store(error),
        }
    }
}
