//! Blobs that are kept as they came, and the blobs of layers that are there already.
//!
//! A blob is taken down while it is read, out of sight, and gets its place when it was verified: in the directory of its
//! layer, with which it becomes visible; if that is visible already, by a rename of its own. Of a bare archive nothing is
//! taken down, as outline and tree give it; an empty file tells that a manifest named it.

use std::fs::File;
use std::io::{self, Cursor, Read, Write as _};
use std::sync::OnceLock;

use super::candidate::LayerSource;
use super::layer::{LayerError, layer_blob};
use super::source::Opened;
use super::stage::{Stage, Staged};
use crate::plan::digest::Digest;
use crate::plan::registry::policy::BlobPolicy;
use crate::store::compress::Compression;
use crate::store::compression::{MAGIC, packing};
use crate::store::directory::Directory;
use crate::store::unpack::{LayerBlob, UnpackError, check};
use crate::store::verify::VerifyError;
use crate::store::{Store, StoreError, blobs, layout};
use crate::sys::{Call, SysError};

/// Takes the bytes of a blob down.
#[derive(Debug)]
pub(super) struct Keeper {
    file: File,
    /// What the file is called in the temporary directory.
    name: String,
    failure: OnceLock<SysError>,
}

/// A blob that gets its place when its layer is visible.
#[derive(Debug)]
pub(super) struct Carried {
    chain_id: Digest,
    digest: Digest,
    /// What its file is called in the temporary directory.
    name: String,
}

impl Stage<'_> {
    /// Unpacks the blob of a layer on top of those whose chain IDs are `below`, and keeps it if that is wanted.
    pub(super) fn unpack_blob(
        &mut self,
        opened: &Opened,
        layer: &LayerSource,
        below: &[Digest],
        bytes: &mut dyn FnMut(u64),
    ) -> Result<(Staged, Vec<String>), LayerError> {
        let blob = layer_blob(opened, layer)?;
        let Some(keeper) = self.keeper()? else { return self.unpack(blob, below, bytes) };
        let blob = self.tee(&keeper, blob)?;
        let unpacked = self.unpack(blob, below, bytes);
        keeper.has_all(self.store)?;
        let (staged, warnings) = unpacked?;
        if let Some(digest) = &staged.record.blob
            && self.is_worth_keeping(&keeper, layer, &staged.pin)?
        {
            let given = blobs::give((self.temporary.directory(), &keeper.name), &staged.pin, digest);
            given.map_err(|cause| self.store.write_error(cause))?;
        }
        Ok((staged, warnings))
    }

    /// What is to keep the blob of a layer that is there; none if blobs are not kept, or this one is.
    pub(super) fn keeper_of_known(
        &mut self,
        layer: &LayerSource,
        chain_id: &Digest,
    ) -> Result<Option<Keeper>, StoreError> {
        if self.keeping == BlobPolicy::Kept
            && let (Some(staged), Some(digest)) = (self.layers.get(chain_id), &layer.digest)
        {
            let found = blobs::size(&staged.pin, blobs::ITSELF, digest)
                .map_err(|cause| self.store.read_error(cause))?;
            // One of another size is damaged.
            let expected = if layer.is_bare() { Some(0) } else { layer.size };
            let is_kept = found.is_some_and(|found| expected.is_none_or(|expected| found == expected));
            let is_carried = |other: &Carried| other.chain_id == *chain_id && other.digest == *digest;
            if is_kept || self.carried.iter().any(is_carried) {
                return Ok(None);
            }
        }
        self.keeper()
    }

    /// Reads a blob that is not needed: a source is whole or an error, whatever the store has already. `keeper` keeps it
    /// if it was not.
    pub(super) fn check_known(
        &mut self,
        opened: &Opened,
        layer: &LayerSource,
        (chain_id, keeper): (&Digest, Option<Keeper>),
    ) -> Result<(), LayerError> {
        let is_remote = opened.blobs.registry().is_some();
        let digest = if is_remote && (keeper.is_none() || layer.is_bare()) {
            // It was verified when it was unpacked, and nobody fetches anything to see that it is still there.
            layer.digest.clone()
        } else {
            self.read_known(opened, layer, (chain_id, keeper.as_ref()))?
        };
        if let (Some(keeper), Some(digest), Some(staged)) = (keeper, digest, self.layers.get(chain_id))
            && self.is_worth_keeping(&keeper, layer, &staged.pin)?
        {
            self.carried.push(Carried { chain_id: chain_id.clone(), digest, name: keeper.name });
        }
        Ok(())
    }

    /// The digest of the blob, unless it was read before. Which content a blob has that was unpacked before is known.
    fn read_known(
        &mut self,
        opened: &Opened,
        layer: &LayerSource,
        (chain_id, keeper): (&Digest, Option<&Keeper>),
    ) -> Result<Option<Digest>, LayerError> {
        let pair = (layer.name.clone(), layer.diff_id.clone());
        if keeper.is_none() && self.checked.contains(&pair) {
            return Ok(None);
        }
        let mut blob = layer_blob(opened, layer)?;
        let known = self.layers.get(chain_id).and_then(|staged| staged.record.blob.as_ref());
        if layer.digest.is_some() && layer.digest.as_ref() == known {
            blob.diff_id = None;
        }
        if let Some(keeper) = keeper {
            blob = self.tee(keeper, blob)?;
        }
        let checked = check(blob, self.limits).map_err(|error| LayerError::Unpack(Box::new(error)));
        keeper.map_or(Ok(()), |keeper| keeper.has_all(self.store))?;
        self.checked.insert(pair);
        checked.map(Some)
    }

    /// What keeps the next blob, if blobs are kept.
    fn keeper(&mut self) -> Result<Option<Keeper>, StoreError> {
        if self.keeping == BlobPolicy::Dropped {
            return Ok(None);
        }
        let name = format!("blob-{}", self.made);
        self.made += 1;
        let file = self.temporary.directory().create(&name).map_err(|cause| self.store.write_error(cause))?;
        Ok(Some(Keeper { file, name, failure: OnceLock::new() }))
    }

    /// Has `keeper` take down what is read of the blob, if manifests have a word for its compression.
    fn tee<'k>(&mut self, keeper: &'k Keeper, mut blob: LayerBlob<'k>) -> Result<LayerBlob<'k>, LayerError> {
        let wrong = |error| LayerError::Unpack(Box::new(error));
        let mut first = Vec::with_capacity(MAGIC);
        let begun = blob.reader.by_ref().take(MAGIC as u64).read_to_end(&mut first);
        begun.map_err(|error| wrong(UnpackError::Blob(VerifyError::Read(error))))?;
        let whole = Cursor::new(first.clone()).chain(blob.reader);
        if !matches!(packing(&first), Some(Compression::Gzip | Compression::Zstd)) {
            return Ok(LayerBlob { reader: Box::new(whole), ..blob });
        }
        // It is written to the disk as the files in it are.
        self.unpacked = self.unpacked.saturating_add(blob.size.unwrap_or(u64::MAX));
        if self.unpacked > self.limits.bytes {
            return Err(wrong(UnpackError::KeptTooMuch(self.limits.bytes)));
        }
        Ok(LayerBlob { reader: Box::new(Tee { reader: whole, keeper }), ..blob })
    }

    /// Whether there is something to be kept of a blob of the layer in `directory`: its bytes, or that it was the bare archive
    /// which that gives.
    fn is_worth_keeping(
        &self,
        keeper: &Keeper,
        layer: &LayerSource,
        directory: &Directory,
    ) -> Result<bool, StoreError> {
        let look = || -> Result<bool, SysError> {
            let bytes = keeper.file.metadata().call(|| "fstat(blob)")?.len();
            Ok(bytes > 0 || (layer.is_bare() && directory.exists(layout::OUTLINE)?))
        };
        look().map_err(|cause| self.store.read_error(cause))
    }

    /// Gives layers that are visible the blobs that were kept of them.
    pub(super) fn give_carried(&mut self) -> Result<(), StoreError> {
        for Carried { chain_id, digest, name } in self.carried.drain(..) {
            let Some(staged) = self.layers.get(&chain_id) else { continue };
            let given = blobs::give((self.temporary.directory(), &name), &staged.pin, &digest);
            given.map_err(|cause| self.store.write_error(cause))?;
        }
        Ok(())
    }
}

impl Keeper {
    /// Fails if something could not be written: whoever was reading has failed for that, too.
    fn has_all(&self, store: &Store) -> Result<(), StoreError> {
        self.failure.get().map_or(Ok(()), |cause| Err(store.write_error(cause.clone())))
    }
}

/// Reads a blob, and has a keeper take it down.
struct Tee<'k, R> {
    reader: R,
    keeper: &'k Keeper,
}

impl<R: Read> Read for Tee<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let written = (&self.keeper.file).write_all(&buffer[..count]);
        written.inspect_err(|error| {
            let _ = self.keeper.failure.set(SysError::from_io("write(blob)", error));
        })?;
        Ok(count)
    }
}
