//! Makes an image of a container: its image's layers, and one more with what it changed.
//!
//! The new layer is written as an archive first and then unpacked like any other, so that what is stored is what the
//! archive says. The archive is not kept: packing the unpacked layer gives the same bytes again.

use std::io::{BufWriter, Seek as _, Write};

use thiserror::Error;

use super::document::CONFIG_MAX;

use super::layer::LayerOwners;
use super::load::{BlobError, LayerError, Stage};
use super::pack::{PackError, PackNote};
use super::unpack::{LayerBlob, Limits, UnpackError};
use super::{Store, StoreError, layout};
use crate::plan::digest::{Algorithm, Digest};
use crate::plan::image_document::ImageDocument;
use crate::plan::reference::Reference;
use crate::sys::Call;

/// Why a container did not become an image.
#[derive(Debug, Error)]
pub enum CommitError {
    /// What it changed cannot be packed.
    #[error("cannot pack what the container changed")]
    Pack(#[from] PackError),
    /// The new layer cannot be unpacked again.
    #[error("cannot store the new layer")]
    Unpack(#[source] Box<UnpackError>),
    /// The new layer cannot be read again.
    #[error("cannot read the new layer")]
    Blob(#[source] BlobError),
    /// A layer of its image is gone.
    #[error("the layer {0} of the container's image is not in the store")]
    Absent(Digest),
    /// What would be said of it.
    #[error(
        "the configuration of the new image would have {0} bytes, and {CONFIG_MAX} is the most that others take"
    )]
    Config(u64),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<LayerError> for CommitError {
    fn from(error: LayerError) -> Self {
        match error {
            LayerError::Unpack(cause) => Self::Unpack(cause),
            LayerError::Blob(cause) => Self::Blob(cause),
            LayerError::Store(error) => Self::Store(error),
        }
    }
}

/// What the image is to be.
#[derive(Debug)]
pub struct CommitRequest<'a> {
    /// The configuration, complete but for the new layer's digest.
    pub document: ImageDocument,
    /// The diff IDs of the layers below, the lowest first.
    pub below: &'a [Digest],
    /// The name of the image, if it gets one.
    pub reference: Option<&'a Reference>,
    /// Whose the unpacked files are; the caller is inside the user namespace for that.
    pub owners: &'a LayerOwners,
}

/// Writes an archive, and says what is not in it as it is in the tree.
pub type WriteLayer<'a> = &'a mut dyn FnMut(&mut dyn Write) -> Result<Vec<PackNote>, PackError>;

impl Store {
    /// Makes an image of the layers below and the one that `write` writes; its ID, and what could not be kept.
    ///
    /// # Errors
    /// The layer cannot be written or unpacked; then the store is as it was.
    pub fn commit(
        &self,
        request: &CommitRequest<'_>,
        write: WriteLayer<'_>,
    ) -> Result<(Digest, Vec<String>), CommitError> {
        let limits = Limits { ratio: u64::MAX, ..Limits::default() };
        let mut stage = Stage::new(self, request.owners, &limits)?;
        let failed = |cause| CommitError::Store(self.write_error(cause));
        let mut spool = stage.spool().map_err(failed)?;
        let mut writer = BufWriter::new(&spool);
        let notes = write(&mut writer)?;
        writer.flush().call(|| "write(layer)").map_err(failed)?;
        drop(writer);
        spool.rewind().call(|| "lseek(layer)").map_err(failed)?;
        if let Some(absent) = stage.pin_layers(request.below)? {
            return Err(CommitError::Absent(absent));
        }
        let blob = LayerBlob { reader: Box::new(spool), digest: None, size: None, diff_id: None };
        let (diff_id, warnings) = stage.import(blob, request.below, &mut |_| {})?;
        let diff_ids = [request.below, &[diff_id]].concat();
        let mut document = request.document.clone();
        document.set_layers(&diff_ids);
        let document = document.into_bytes();
        if document.len() as u64 > CONFIG_MAX {
            return Err(CommitError::Config(document.len() as u64));
        }
        let id = layout::digest_of(Algorithm::Sha256, &document);
        stage.publish_made(&id, &document, &diff_ids, request.reference)?;
        Ok((id, notes.iter().map(ToString::to_string).chain(warnings).collect()))
    }
}
