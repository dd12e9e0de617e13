//! Unpacks what is missing, out of sight.
//!
//! Two processes that need the same layer: the second waits for the lock of the first and then uses what it
//! made. Locks are waited for only while the layers of the first image are taken, from the lowest up; chain IDs
//! make that the same order for everybody, so that nobody waits in a circle.

use std::collections::{HashMap, HashSet};
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Instant;

use rustix::fs::{Mode, fchmod};

use super::candidate::Candidate;
use super::completing::Completing;
use super::keep::Carried;
use super::layer::{LayerError, in_words};
use super::source::Opened;
use super::{LoadError, Loaded, Progress};
use crate::plan::digest::Digest;
use crate::plan::reference::Reference;
use crate::plan::registry::policy::BlobPolicy;
use crate::store::directory::Directory;
use crate::store::layer::{LayerOwners, LayerRecord, chain_ids, root_names};
use crate::store::lock::{self, NameLock};
use crate::store::merged::Merged;
use crate::store::temporary::Temporary;
use crate::store::unpack::{LayerBlob, Limits, Outlined, Outlining, unpack_outlined};
use crate::store::{Store, StoreError, layout};
use crate::sys::{Call, SysError};

/// A layer of an image that is being loaded.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) record: LayerRecord,
    /// Its directory in the temporary directory; none when it is in the store.
    pub(super) name: Option<String>,
    /// Its directory, kept from being removed.
    pub(super) pin: Directory,
}

/// An image whose layers are all there.
pub(super) struct Prepared {
    pub(super) candidate: Candidate,
    pub(super) references: Vec<Reference>,
    pub(super) warnings: Vec<String>,
}

impl Prepared {
    pub(super) fn into_loaded(self) -> Loaded {
        Loaded { id: self.candidate.id, references: self.references, warnings: self.warnings }
    }
}

/// What is being loaded, invisible still.
pub(in crate::store) struct Stage<'a> {
    pub(super) store: &'a Store,
    pub(super) owners: &'a LayerOwners,
    pub(super) limits: &'a Limits,
    /// What becomes of blobs that were read.
    pub(in crate::store) keeping: BlobPolicy,
    pub(super) temporary: Temporary,
    locks: Vec<NameLock>,
    pub(super) layers: HashMap<Digest, Staged>,
    pub(super) images: Vec<Prepared>,
    /// Blobs that were read and found right, by name and diff ID.
    pub(super) checked: HashSet<(String, Digest)>,
    /// Bytes of the uncompressed layers so far, and of the blobs that are kept.
    pub(super) unpacked: u64,
    /// Directories opened so far.
    lookups: u64,
    /// How many directories and files were made.
    pub(super) made: usize,
    /// Blobs of layers that were there.
    pub(super) carried: Vec<Carried>,
    /// The layer that was unpacked last.
    pub(super) completing: Option<Completing>,
    pub(super) begun: Instant,
    /// When layers were made visible last.
    pub(super) kept: Option<Instant>,
}

impl<'a> Stage<'a> {
    /// Makes room for what is being loaded.
    pub(in crate::store) fn new(
        store: &'a Store,
        owners: &'a LayerOwners,
        limits: &'a Limits,
    ) -> Result<Self, StoreError> {
        let temporary = Temporary::new(store)?;
        let (locks, layers, images) = (Vec::new(), HashMap::new(), Vec::new());
        Ok(Self {
            store,
            owners,
            limits,
            keeping: BlobPolicy::default(),
            temporary,
            locks,
            layers,
            images,
            checked: HashSet::new(),
            unpacked: 0,
            lookups: 0,
            made: 0,
            carried: Vec::new(),
            completing: None,
            begun: Instant::now(),
            kept: None,
        })
    }

    /// Unpacks the layers of an image that are missing.
    pub(super) fn add(
        &mut self,
        opened: &Opened,
        candidate: Candidate,
        references: Vec<Reference>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), LoadError> {
        progress(Progress::Image { id: candidate.id.clone(), layers: candidate.layers.len() });
        let warnings = self.take_layers(opened, &candidate, progress)?;
        self.images.push(Prepared { candidate, references, warnings });
        Ok(())
    }

    pub(super) fn take_layers(
        &mut self,
        opened: &Opened,
        candidate: &Candidate,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<String>, LoadError> {
        let diff_ids: Vec<Digest> = candidate.layers.iter().map(|layer| layer.diff_id.clone()).collect();
        let chain = chain_ids(&diff_ids);
        let mut warnings = Vec::new();
        for (index, (layer, chain_id)) in candidate.layers.iter().zip(&chain).enumerate() {
            let number = index + 1;
            let begun = Progress::LayerBegun { number, diff_id: layer.diff_id.clone(), size: layer.size };
            if self.has_layer(chain_id)? {
                let keeper = self.keeper_of_known(layer, chain_id)?;
                let is_fetched = keeper.is_some() && opened.blobs.registry().is_some() && !layer.is_bare();
                if is_fetched {
                    progress(begun);
                }
                self.check_known(opened, layer, (chain_id, keeper))
                    .map_err(|error| error.of_layer(number, chain.len(), &layer.diff_id, opened))?;
                let present = Progress::LayerPresent { number, diff_id: layer.diff_id.clone() };
                progress(if is_fetched { Progress::LayerDone { number } } else { present });
                continue;
            }
            self.look_ahead(opened, candidate, index)?;
            progress(begun);
            let below = chain.get(..index).unwrap_or_default();
            let mut bytes = |bytes| progress(Progress::LayerBytes { number, bytes });
            let unpacked = self.unpack_blob(opened, layer, below, &mut bytes);
            let (staged, layer_warnings) =
                unpacked.map_err(|error| error.of_layer(number, chain.len(), &layer.diff_id, opened))?;
            self.layers.insert(chain_id.clone(), staged);
            warnings.extend(layer_warnings);
            self.keep_fetched(opened, candidate.layers.get(number))?;
            progress(Progress::LayerDone { number });
        }
        Ok(warnings)
    }

    /// Whether the layer is in the store or staged; if it is not, nobody else will unpack it meanwhile, or it
    /// does no harm if they do.
    fn has_layer(&mut self, chain_id: &Digest) -> Result<bool, StoreError> {
        if self.layers.contains_key(chain_id) || self.find_layer(chain_id)? {
            return Ok(true);
        }
        let directory = self.store.temporary_directory()?;
        let name = layout::layer_lock(&self.owners.directory_name(), chain_id);
        let lock = if self.images.is_empty() {
            NameLock::wait(&directory, &name).map(Some)
        } else {
            NameLock::take(&directory, &name)
        };
        let lock = lock.map_err(|cause| self.store.write_error(cause))?;
        if self.find_layer(chain_id)? {
            return Ok(true);
        }
        self.locks.extend(lock);
        Ok(false)
    }

    pub(super) fn find_layer(&mut self, chain_id: &Digest) -> Result<bool, StoreError> {
        let Some(directory) = self.store.directory()? else { return Ok(false) };
        let name = layout::layer(&self.owners.directory_name(), chain_id);
        let pin = lock::pin(directory, &name).map_err(|cause| self.store.read_error(cause))?;
        let (Some(pin), Some(record)) = (pin, self.store.layer_record(self.owners, chain_id)?) else {
            return Ok(false);
        };
        self.layers.insert(chain_id.clone(), Staged { record, name: None, pin });
        Ok(true)
    }

    /// Unpacks one layer into the temporary directory, on top of those whose chain IDs are `below`.
    pub(super) fn unpack(
        &mut self,
        blob: LayerBlob<'_>,
        below: &[Digest],
        bytes: &mut dyn FnMut(u64),
    ) -> Result<(Staged, Vec<String>), LayerError> {
        let lowers = Merged::new(self.lower_trees(below)?);
        let name = format!("layer-{}", self.made);
        self.made += 1;
        let directory = self.make_layer(&name).map_err(|cause| self.store.write_error(cause))?;
        let tree = directory.directory(layout::TREE).map_err(|cause| self.store.read_error(cause))?;
        let left = self.limits.bytes.saturating_sub(self.unpacked);
        let lookups = self.limits.lookups.saturating_sub(self.lookups);
        let limits = Limits { bytes: left, lookups, ..self.limits.clone() };
        let outline = directory.create(layout::OUTLINE).map_err(|cause| self.store.write_error(cause))?;
        let outlining = Outlining { into: tree.as_fd(), outline };
        let unpacked = unpack_outlined(blob, outlining, &lowers, self.owners.ownership(), &limits, bytes);
        let Outlined { unpacked, has_outline, notes } =
            unpacked.map_err(|cause| LayerError::Unpack(Box::new(cause)))?;
        if !has_outline {
            directory.unlink(layout::OUTLINE).map_err(|cause| self.store.write_error(cause))?;
        }
        let written = unpacked.content_size.saturating_add(unpacked.copied);
        self.unpacked = self.unpacked.saturating_add(written);
        self.lookups = self.lookups.saturating_add(unpacked.lookups);
        let record = LayerRecord {
            diff_id: unpacked.diff_id,
            size: unpacked.bytes,
            entries: unpacked.entries,
            opaque_root: unpacked.opaque_root,
            root: root_names(&tree).map_err(|cause| self.store.read_error(cause))?,
            content: None,
            blob: Some(unpacked.digest),
        };
        let warnings = in_words(&unpacked.warnings);
        let pinned = lock::pin(self.temporary.directory(), &name);
        let pin = pinned.map_err(|cause| self.store.write_error(cause))?.unwrap_or(directory);
        self.complete_last()?;
        let completing = self.temporary.directory().directory(&name);
        let completing = completing.and_then(|own| Completing::begin(own, (tree, notes), record.clone()));
        self.completing = Some(completing.map_err(|cause| self.store.write_error(cause))?);
        Ok((Staged { record, name: Some(name), pin }, warnings))
    }

    fn make_layer(&self, name: &str) -> Result<Directory, SysError> {
        self.temporary.directory().make(name)?;
        let directory = self.temporary.directory().directory(name)?;
        directory.make(layout::TREE)?;
        // What the root of a container is when no layer says otherwise.
        let tree = directory.directory(layout::TREE)?;
        fchmod(&tree, Mode::from_raw_mode(0o755)).call(|| "fchmod(0755)")?;
        Ok(directory)
    }

    /// The trees of the layers below, the highest first, none below an opaque root.
    fn lower_trees(&self, below: &[Digest]) -> Result<Vec<OwnedFd>, StoreError> {
        let mut trees = Vec::with_capacity(below.len());
        for chain_id in below.iter().rev() {
            let Some(staged) = self.layers.get(chain_id) else { continue };
            let tree = staged.pin.directory(layout::TREE);
            trees.push(tree.map_err(|cause| self.store.read_error(cause))?.into());
            if staged.record.opaque_root {
                break;
            }
        }
        Ok(trees)
    }
}
