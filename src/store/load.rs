//! Takes images into the store, from wherever they lie.
//!
//! In order: open the source and tell its form by its content, choose the images for the platform, read and
//! verify all documents, unpack the layers that are missing, and make it all visible. Nothing is visible before
//! everything was verified, and what is left of a failed load is removed.

mod ahead;
mod blob;
mod cache;
mod candidate;
mod choose;
mod completing;
mod docker;
mod error;
mod keep;
mod layer;
mod made;
mod names;
mod oci;
mod publish;
mod queue;
mod remote;
mod source;
mod stage;
mod wire;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::blob::BlobError;
pub(super) use self::cache::forget as forget_archives;
use self::candidate::Candidate;
use self::choose::choose;
pub use self::error::LoadError;
pub(super) use self::layer::LayerError;
use self::names::Place;
pub(super) use self::publish::rename_new;
pub use self::remote::Remote;
use self::source::Room;
pub use self::source::{Located, locate};
pub(super) use self::stage::Stage;
pub use self::wire::ManifestError;
use super::Store;
use super::image::Image;
use super::layer::LayerOwners;
use super::unpack::Limits;
use crate::plan::digest::Digest;
use crate::plan::image_lock::{ImageLock, Locked};
use crate::plan::platform::Platform;
use crate::plan::reference::Reference;
use crate::plan::registry::policy::BlobPolicy;

/// Where images come from.
#[derive(Debug)]
pub enum LoadSource {
    /// A directory or file.
    Path(PathBuf),
    /// An open file or pipe, as standard input.
    Stream(File),
    /// A registry, which another process talks to.
    Registry(Arc<Remote>),
}

/// What the source has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoadFormat {
    /// Whatever the content says; a layout goes before a Docker archive where it is both.
    #[default]
    Any,
    /// An OCI image layout, as directory or tar.
    Oci,
    /// An archive of `docker save`.
    Docker,
}

/// Which images of the source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LoadChoice {
    /// All that are for the platform.
    #[default]
    All,
    /// The only one; several are an error.
    Only,
    /// The one with this tag or name.
    Named(String),
}

/// Whether images get the names that the source gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Naming {
    /// They do; a name that another image had moves.
    #[default]
    FromSource,
    /// They stay without a name.
    Untagged,
}

/// What to load, and how.
#[derive(Debug)]
pub struct LoadRequest<'a> {
    /// Where from.
    pub source: LoadSource,
    /// In what form.
    pub format: LoadFormat,
    /// Which images.
    pub choice: LoadChoice,
    /// For which machine.
    pub platform: &'a Platform,
    /// Whose the unpacked files are; the caller is inside the user namespace for that.
    pub owners: &'a LayerOwners,
    /// How much a layer may unpack to.
    pub limits: &'a Limits,
    /// Under which names.
    pub naming: Naming,
    /// What names have to mean, where that was written down.
    pub lock: Option<&'a ImageLock>,
    /// What becomes of the blobs of layers.
    pub blobs: BlobPolicy,
}

/// An image that is in the store now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Loaded {
    /// The digest of its configuration.
    pub id: Digest,
    /// The names it got.
    pub references: Vec<Reference>,
    /// What could not be kept as the image has it, in words.
    pub warnings: Vec<String>,
}

/// How far a load is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Progress {
    /// An image begins.
    Image {
        /// The digest of its configuration.
        id: Digest,
        /// How many layers it has.
        layers: usize,
    },
    /// An image is left out because it is for another platform.
    Skipped {
        /// Its names as the source gives them.
        names: Vec<String>,
        /// The platforms it is for.
        platforms: Vec<String>,
    },
    /// A layer begins to be unpacked.
    LayerBegun {
        /// Which one, the lowest is 1.
        number: usize,
        /// Its diff ID.
        diff_id: Digest,
        /// The bytes of its blob, where known.
        size: Option<u64>,
    },
    /// Some of a layer was read.
    LayerBytes {
        /// Which one.
        number: usize,
        /// The bytes of its blob that were read so far.
        bytes: u64,
    },
    /// A layer is unpacked and verified.
    LayerDone {
        /// Which one.
        number: usize,
    },
    /// A layer was in the store before.
    LayerPresent {
        /// Which one.
        number: usize,
        /// Its diff ID.
        diff_id: Digest,
    },
}

impl Store {
    /// Loads images.
    ///
    /// # Errors
    /// The source holds no image that fits, or something in it is not what it should be, or there is no room;
    /// then the store is as it was.
    pub fn load(
        &self,
        request: &LoadRequest<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Loaded>, LoadError> {
        self.load_all(request, progress).map_err(|error| error.or_full(self.path().to_owned()))
    }

    /// The image that [`Store::load`] would give, if it is in the store already and the source need not be
    /// unpacked to know that: a directory is read up to the configuration, an archive must not have changed
    /// since it was loaded.
    ///
    /// # Errors
    /// The source cannot be read, or holds no or several images that fit.
    pub fn find_source(&self, request: &LoadRequest<'_>) -> Result<Option<Image>, LoadError> {
        let LoadSource::Path(path) = &request.source else { return Ok(None) };
        let id = if source::is_directory(path)? {
            let opened = source::open(Room::Outside(self), request)?;
            let candidates = choose(&opened, request, &mut |_| {})?;
            candidates.into_iter().next().map(|candidate| candidate.id)
        } else {
            cache::find(self, request)?
        };
        match id {
            Some(id) => Ok(self.image_by_id(&id)?),
            None => Ok(None),
        }
    }

    /// The image that [`Store::load`] would give, read up to its configuration; nothing is written.
    ///
    /// The sizes of its layers are not known, nor whether they hide those below.
    ///
    /// # Errors
    /// The source cannot be read, or holds no or several images that fit.
    pub fn peek(&self, request: &LoadRequest<'_>) -> Result<Option<Image>, LoadError> {
        let opened = source::open(Room::Outside(self), request)?;
        let candidates = choose(&opened, request, &mut |_| {})?;
        candidates.into_iter().next().map(Candidate::into_image).transpose()
    }

    fn load_all(
        &self,
        request: &LoadRequest<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Loaded>, LoadError> {
        let opened = source::open(Room::Store(self), request)?;
        let _first = opened.blobs.registry().map(|remote| self.queue_for(remote)).transpose()?;
        let candidates = choose(&opened, request, progress)?;
        let place = match (&request.source, opened.format) {
            (LoadSource::Path(path), LoadFormat::Oci | LoadFormat::Any) => Place::of_path(path),
            (LoadSource::Path(_), LoadFormat::Docker)
            | (LoadSource::Stream(_) | LoadSource::Registry(_), _) => Place::nowhere(),
        };
        let mut stage = Stage::new(self, request.owners, request.limits)?;
        stage.keeping = request.blobs;
        for candidate in candidates {
            let references = match (request.naming, &request.source) {
                (Naming::FromSource, LoadSource::Registry(remote)) => vec![remote.reference().clone()],
                (Naming::FromSource, LoadSource::Path(_) | LoadSource::Stream(_)) => {
                    place.references(&candidate.names)
                }
                (Naming::Untagged, _) => Vec::new(),
            };
            if let Some(lock) = request.lock {
                check_lock(lock, &candidate, &references)?;
            }
            stage.add(&opened, candidate, references, progress)?;
        }
        let loaded = stage.publish()?;
        cache::remember(self, request, &loaded)?;
        Ok(loaded)
    }
}

/// An image gets no name that was to mean another one.
fn check_lock(lock: &ImageLock, candidate: &Candidate, references: &[Reference]) -> Result<(), LoadError> {
    let found = Locked { id: candidate.id.clone(), digests: candidate.manifest_digests.clone() };
    // One with a digest says itself what it means.
    let mut names = references.iter().filter(|reference| reference.digest().is_none());
    Ok(names.try_for_each(|name| lock.check(name, &found))?)
}
