//! Makes an image of one layer from the tar of a root filesystem.

use std::io::{Cursor, Read};

use super::layer::LayerOwners;
use super::load::{BlobError, LayerError, LoadError, Loaded, Progress, Stage};
use super::unpack::{LayerBlob, Limits};
use super::{Store, layout};
use crate::plan::digest::{Algorithm, Digest};
use crate::plan::image_document::{ImageDocument, Step};
use crate::plan::instruction::Instruction;
use crate::plan::platform::Platform;
use crate::plan::reference::Reference;

/// What to import, and as what.
#[derive(Debug)]
pub struct ImportRequest<'a> {
    /// What to call the tar in messages.
    pub source_name: &'a str,
    /// The name of the image, if it gets one.
    pub reference: Option<&'a Reference>,
    /// What a container of the image runs, and how.
    pub instructions: &'a [Instruction],
    /// What somebody has to say.
    pub message: Option<&'a str>,
    /// When the image is made, RFC 3339.
    pub created: &'a str,
    /// The machine that it is for.
    pub platform: &'a Platform,
    /// Whose the unpacked files are; the caller is inside the user namespace for that.
    pub owners: &'a LayerOwners,
    /// How much the tar may unpack to.
    pub limits: &'a Limits,
}

impl Store {
    /// Imports a tar, compressed or not, as an image of one layer.
    ///
    /// # Errors
    /// The tar cannot be unpacked, or there is no room; then the store is as it was.
    pub fn import(
        &self,
        reader: Box<dyn Read + Send>,
        request: &ImportRequest<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Loaded, LoadError> {
        self.import_layer(reader, request, progress).map_err(|error| error.or_full(self.path().to_owned()))
    }

    fn import_layer(
        &self,
        reader: Box<dyn Read + Send>,
        request: &ImportRequest<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Loaded, LoadError> {
        let mut first = Vec::with_capacity(1);
        let mut reader = reader;
        let begun = reader.by_ref().take(1).read_to_end(&mut first);
        let name = || request.source_name.to_owned();
        begun.map_err(|cause| LoadError::Blob {
            source_name: name(),
            cause: BlobError::Read { name: name(), cause },
        })?;
        if first.is_empty() {
            return Err(LoadError::Nothing(name()));
        }
        let reader = Box::new(Cursor::new(first).chain(reader));
        let mut stage = Stage::new(self, request.owners, request.limits)?;
        let blob = LayerBlob { reader, digest: None, size: None, diff_id: None };
        let mut bytes = |bytes| progress(Progress::LayerBytes { number: 1, bytes });
        let imported = stage.import(blob, &[], &mut bytes);
        let (diff_id, warnings) = imported.map_err(|error| match error {
            LayerError::Blob(cause) => LoadError::Blob { source_name: request.source_name.to_owned(), cause },
            LayerError::Unpack(cause) => {
                LoadError::Import { source_name: request.source_name.to_owned(), cause }
            }
            LayerError::Store(error) => LoadError::Store(error),
        })?;
        progress(Progress::LayerDone { number: 1 });
        let config = configuration(request, &diff_id);
        let id = layout::digest_of(Algorithm::Sha256, &config);
        stage.publish_made(&id, &config, &[diff_id], request.reference)?;
        Ok(Loaded { id, references: request.reference.cloned().into_iter().collect(), warnings })
    }
}

fn configuration(request: &ImportRequest<'_>, diff_id: &Digest) -> Vec<u8> {
    let mut document = ImageDocument::of(request.platform);
    document.apply(request.instructions);
    let created = request.created;
    document.add_step(&Step { created, created_by: None, author: None, comment: request.message });
    document.set_layers(std::slice::from_ref(diff_id));
    document.into_bytes()
}
