//! Brings images out of the store: archives of Docker's form and OCI layouts.
//!
//! The same image gives the same bytes, whoever saves it and whenever, unless blobs of it were kept: members stand in a fixed order, belong to 0:0 and
//! have no time; documents are made of nothing but the image; gzip gets neither a name nor a time.
//!
//! - `kept.rs` finds the blob of a layer, where it was kept.
//! - `layer.rs` gets the archive of a layer back (from its [outline](super::outline), or by packing its tree) into a
//!   nameless file, with its diff ID and the digest of its blob.
//! - `order.rs` writes the same into a pipe, for a registry; `known.rs` tells which of it a registry may have already.
//! - `document.rs` makes configuration, manifest and index; it touches no file. `compose.rs` has those of one image.
//! - `sink.rs` takes members, into an archive or a directory.
//!
//! A layer whose archive cannot be had back byte for byte has another diff ID than the image says. Then the
//! configuration is written with the true one, the image has another ID where it is loaded, and a note says so: what is
//! saved is always consistent.

mod compose;
mod document;
mod kept;
mod known;
mod layer;
mod order;
mod sink;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use thiserror::Error;

use super::compress::Compression;
use super::directory::Directory;
use super::image::Image;
use super::layer::LayerOwners;
use super::outline::OutlineError;
use super::pack::PackError;
use super::record::LayerRef;
use super::tar::write::WriteError;
use super::temporary::Temporary;
use super::{Store, StoreError, layout};
use crate::plan::digest::{Algorithm, Digest};
use crate::plan::reference::Reference;
use crate::sys::SysError;
pub use compose::Documents;
pub use document::Blob;
use document::Saved;
use kept::Kept;
pub use known::KnownLayer;
use sink::Sink;

/// Why images were not saved.
#[derive(Debug, Error)]
pub enum SaveError {
    /// A layer is not there for these owners.
    #[error("the layer {0} is not in the store")]
    Absent(Digest),
    /// An image is not there any more.
    #[error("the image {0} was removed meanwhile")]
    Gone(Digest),
    /// The archive of a layer cannot be rebuilt.
    #[error("cannot rebuild the layer {layer}")]
    Rebuild {
        /// Its diff ID.
        layer: Digest,
        /// Why not.
        #[source]
        cause: Box<OutlineError>,
    },
    /// The tree of a layer cannot be packed.
    #[error("cannot pack the layer {layer}")]
    Pack {
        /// Its diff ID.
        layer: Digest,
        /// Why not.
        #[source]
        cause: Box<PackError>,
    },
    /// A configuration that says nothing of layers.
    #[error("the configuration of the image {0} is damaged")]
    Config(Digest),
    /// The archive cannot be written.
    #[error("cannot write the archive")]
    Archive(#[from] WriteError),
    /// The directory holds something.
    #[error("`{}` is there already, and holds something", .0.display())]
    Used(PathBuf),
    /// The directory cannot be written.
    #[error("cannot write the image layout")]
    Directory(#[source] SysError),
    /// Whoever takes what is compressed: a file, or a pipe.
    #[error("cannot write what is compressed")]
    Spool(#[source] SysError),
    /// Nothing can be handed to the process that talks to the registry.
    #[error("cannot hand over what is packed")]
    Handover(#[source] SysError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SaveError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Used(_) => Some(
                "name a directory that is empty, or not there yet: a layout is written as a whole".to_owned(),
            ),
            Self::Store(error) => error.hint(),
            Self::Absent(_)
            | Self::Gone(_)
            | Self::Rebuild { .. }
            | Self::Pack { .. }
            | Self::Config(_)
            | Self::Archive(_)
            | Self::Directory(_)
            | Self::Spool(_)
            | Self::Handover(_) => None,
        }
    }
}

/// What an image is saved as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveForm {
    /// The archive of `docker save`.
    Docker,
    /// An OCI image layout.
    Oci,
}

/// Where to.
pub enum SaveInto<'w> {
    /// A tar archive.
    Archive(&'w mut dyn Write),
    /// An empty directory.
    Directory(&'w Directory),
}

/// One image, and what it is to be called.
#[derive(Debug, Clone)]
pub struct SaveItem {
    /// The image.
    pub image: Image,
    /// Its names in the archive.
    pub references: Vec<Reference>,
    /// The owners for which all of its layers are in the store.
    pub owners: LayerOwners,
}

impl Store {
    /// Saves images; what is not as the store has it. The caller is inside the user namespace of the layers.
    ///
    /// # Errors
    /// Something is not in the store, or cannot be read or written; what was written is of no use then.
    pub fn save(
        &self,
        items: &[SaveItem],
        form: SaveForm,
        into: SaveInto<'_>,
    ) -> Result<Vec<String>, SaveError> {
        let temporary = Temporary::new(self)?;
        let sink = Sink::new(into);
        let (blobs, members) = (HashMap::new(), HashSet::new());
        let mut saving = Saving { store: self, temporary, form, sink, blobs, members, notes: Vec::new() };
        if form == SaveForm::Oci {
            saving.sink.directory("blobs")?;
            saving.sink.directory("blobs/sha256")?;
        }
        let saved = items.iter().map(|item| saving.image(item)).collect::<Result<Vec<_>, _>>()?;
        match form {
            SaveForm::Docker => saving.sink.document("manifest.json", &document::list(&saved))?,
            SaveForm::Oci => {
                saving.sink.document("index.json", &document::index(&saved))?;
                saving.sink.document("oci-layout", document::LAYOUT)?;
            }
        }
        let Saving { sink, notes, .. } = saving;
        sink.finish()?;
        Ok(notes)
    }
}

struct Saving<'s, 'w> {
    store: &'s Store,
    temporary: Temporary,
    form: SaveForm,
    sink: Sink<'w>,
    /// The layers that were packed, by chain ID and compression.
    blobs: HashMap<(Digest, Compression), Blob>,
    /// The members that were written, by name.
    members: HashSet<String>,
    notes: Vec<String>,
}

impl Saving<'_, '_> {
    fn image(&mut self, item: &SaveItem) -> Result<Saved, SaveError> {
        let image = &item.image;
        let layers = image.layers.iter().enumerate().map(|layer| self.layer(item, layer));
        let layers = layers.collect::<Result<Vec<Blob>, SaveError>>()?;
        let name = item.references.first().map_or_else(|| image.id.to_string(), Reference::familiar);
        let documents = self.store.documents(image, &layers, &name)?;
        let manifest = match self.form {
            SaveForm::Docker => None,
            SaveForm::Oci => Some(self.bytes(documents.manifest_of_layout(&layers), "")?),
        };
        self.notes.extend(documents.note);
        let config = self.bytes(documents.config, document::DOCUMENT)?;
        let references = item.references.iter().map(ToString::to_string).collect();
        Ok(Saved { references, config, layers, manifest, platform: image.platform() })
    }

    /// Writes a document that is called by its digest.
    fn bytes(&mut self, (blob, bytes): (Blob, Vec<u8>), ending: &str) -> Result<Blob, SaveError> {
        let name = self.name(&blob.digest, ending)?;
        if self.members.insert(name.clone()) {
            self.sink.document(&name, &bytes)?;
        }
        Ok(blob)
    }

    /// Writes a layer, unless that was done for another image.
    fn layer(&mut self, item: &SaveItem, (index, layer): (usize, &LayerRef)) -> Result<Blob, SaveError> {
        let compression = match self.form {
            SaveForm::Docker => Compression::None,
            SaveForm::Oci => match self.store.kept_blob(item, index)? {
                Some(kept) if kept.is_bare() => Compression::None,
                Some(kept) => match self.as_it_came(kept)? {
                    Some(blob) => return Ok(blob),
                    None => Compression::Gzip,
                },
                None => Compression::Gzip,
            },
        };
        let key = (layer.chain_id.clone(), compression);
        if let Some(blob) = self.blobs.get(&key) {
            return Ok(blob.clone());
        }
        let mut spool = self.temporary.spool().map_err(SaveError::Spool)?;
        let packed = layer::pack(self.store, (layer, &item.owners), compression, &mut spool)?;
        packed.notes.iter().for_each(|note| self.note(note));
        let name = self.name(&packed.digest, document::ARCHIVE)?;
        if self.members.insert(name.clone()) {
            self.sink.file(&name, &spool, packed.size)?;
        }
        let media_type = document::layer_of(compression).to_owned();
        let blob = Blob { media_type, ..Blob::of_layer(&packed) };
        self.blobs.insert(key, blob.clone());
        Ok(blob)
    }

    /// Writes a blob that was kept; none if it is not what it was.
    fn as_it_came(&mut self, kept: Kept) -> Result<Option<Blob>, SaveError> {
        let name = self.name(&kept.blob.digest, document::ARCHIVE)?;
        if !self.members.contains(&name) {
            let Some(file) = kept.bytes()? else {
                self.note(&damaged(&kept.blob.digest));
                return Ok(None);
            };
            self.sink.file(&name, file, kept.blob.size)?;
            self.members.insert(name);
        }
        Ok(Some(kept.blob))
    }

    fn note(&mut self, note: &str) {
        if self.notes.iter().all(|known| known != note) {
            self.notes.push(note.to_owned());
        }
    }

    fn name(&mut self, digest: &Digest, ending: &str) -> Result<String, SaveError> {
        if self.form == SaveForm::Docker {
            return Ok(format!("{}{ending}", digest.hex()));
        }
        let directory = format!("blobs/{}", digest.algorithm().name());
        if digest.algorithm() != Algorithm::Sha256 && self.members.insert(directory.clone()) {
            self.sink.directory(&directory)?;
        }
        Ok(format!("{directory}/{}", digest.hex()))
    }
}

/// What is told of a kept blob that could not be used.
#[must_use]
pub fn damaged(digest: &Digest) -> String {
    format!(
        "the kept blob {digest} is damaged, and the layer is packed again: `minirun system check --digests --repair` removes it"
    )
}

/// Goes back to the beginning of a file.
fn rewind(mut file: &File) -> Result<(), SaveError> {
    use crate::sys::Call as _;
    std::io::Seek::rewind(&mut file).call(|| "lseek(spool)").map_err(SaveError::Spool)
}
