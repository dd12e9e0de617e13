//! The archive of one layer, as it was if that can be had.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd as _;

use super::{SaveError, rewind};
use crate::plan::digest::Algorithm;
use crate::plan::hasher::Hasher;
use crate::plan::registry::order::Packed;
use crate::store::compress::{Compression, Compressor};
use crate::store::directory::Directory;
use crate::store::layer::{LayerOwners, LayerRecord};
use crate::store::outline::{OutlineError, rebuild};
use crate::store::pack::{PackNote, pack_stored};
use crate::store::record::LayerRef;
use crate::store::{Store, layout, lock};
use crate::sys::Call;

/// How much is written at once, in bytes.
pub(super) const BUFFER: usize = 256 << 10;

/// A layer of the store, kept from being removed.
pub(super) struct Source {
    directory: Directory,
    tree: Directory,
    record: LayerRecord,
}

impl Source {
    pub(super) fn open(store: &Store, layer: &LayerRef, owners: &LayerOwners) -> Result<Self, SaveError> {
        let absent = || SaveError::Absent(layer.diff_id.clone());
        let root = store.directory()?.ok_or_else(absent)?;
        let name = layout::layer(&owners.directory_name(), &layer.chain_id);
        let directory =
            lock::pin(root, &name).map_err(|cause| store.read_error(cause))?.ok_or_else(absent)?;
        let record = store.layer_record(owners, &layer.chain_id)?.ok_or_else(absent)?;
        let tree = directory.directory(layout::TREE).map_err(|cause| store.read_error(cause))?;
        Ok(Self { directory, tree, record })
    }

    /// Writes the archive that the layer was unpacked from; none where outline and tree do not give it. What was written is
    /// of no use then.
    pub(super) fn rebuilt(
        &self,
        compression: Compression,
        into: &mut dyn Write,
    ) -> Result<Option<Packed>, SaveError> {
        let outline = self.directory.open_file(layout::OUTLINE).map_err(|cause| {
            let layer = self.record.diff_id.clone();
            SaveError::Rebuild { layer, cause: Box::new(OutlineError::Read(io::Error::other(cause))) }
        })?;
        let Some(outline) = outline else { return Ok(None) };
        let mut output = Output::new(into, compression, self.record.diff_id.algorithm())?;
        match rebuild(outline, self.tree.as_fd(), &mut output) {
            Ok(()) => {}
            Err(OutlineError::Write(error)) => return Err(spool_error(&error)),
            Err(
                OutlineError::Compression(_)
                | OutlineError::Read(_)
                | OutlineError::Damaged(_)
                | OutlineError::File { .. }
                | OutlineError::Short(_),
            ) => return Ok(None),
        }
        let packed = output.finish(Vec::new())?;
        Ok((packed.diff_id == self.record.diff_id).then_some(packed))
    }

    /// Writes an archive that is made of the files.
    pub(super) fn packed_anew(
        &self,
        compression: Compression,
        into: &mut dyn Write,
    ) -> Result<Packed, SaveError> {
        let output = Output::new(into, compression, Algorithm::Sha256)?;
        let packed = pack_stored(self.tree.as_fd(), &self.record, output);
        let (output, notes) = packed.map_err(|cause| {
            let layer = self.record.diff_id.clone();
            SaveError::Pack { layer, cause: Box::new(cause) }
        })?;
        output.finish(notes.iter().map(PackNote::to_string).collect())
    }
}

/// Writes the archive of a layer into an empty file, and goes back to its beginning.
pub(super) fn pack(
    store: &Store,
    (layer, owners): (&LayerRef, &LayerOwners),
    compression: Compression,
    spool: &mut File,
) -> Result<Packed, SaveError> {
    let source = Source::open(store, layer, owners)?;
    let packed = if let Some(packed) = source.rebuilt(compression, spool)? {
        packed
    } else {
        spool.set_len(0).call(|| "ftruncate(spool)").map_err(SaveError::Spool)?;
        rewind(spool)?;
        source.packed_anew(compression, spool)?
    };
    rewind(spool)?;
    Ok(packed)
}

/// Hashes an archive, compresses it, and hashes that.
struct Output<'f> {
    archive: Hasher,
    compressor: Compressor<Hashed<'f>>,
}

impl<'f> Output<'f> {
    fn new(
        into: &'f mut dyn Write,
        compression: Compression,
        algorithm: Algorithm,
    ) -> Result<Self, SaveError> {
        // Where the file is the archive one digest is enough.
        let hasher = (compression != Compression::None).then(|| Hasher::new(Algorithm::Sha256));
        let file = BufWriter::with_capacity(BUFFER, into);
        let compressor = Compressor::new(Hashed { file, hasher, size: 0 }, compression);
        let compressor = compressor.map_err(|error| spool_error(&error))?;
        Ok(Self { archive: Hasher::new(algorithm), compressor })
    }

    fn finish(self, notes: Vec<String>) -> Result<Packed, SaveError> {
        let failed = |error| spool_error(&error);
        let mut hashed = self.compressor.finish().map_err(failed)?;
        hashed.file.flush().map_err(failed)?;
        let diff_id = self.archive.finish();
        let digest = hashed.hasher.map_or_else(|| diff_id.clone(), Hasher::finish);
        Ok(Packed { diff_id, digest, size: hashed.size, notes })
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.compressor.write_all(bytes)?;
        self.archive.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is written, hashed and counted.
struct Hashed<'f> {
    file: BufWriter<&'f mut dyn Write>,
    hasher: Option<Hasher>,
    size: u64,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&bytes[..count]);
        }
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

pub(super) fn spool_error(error: &io::Error) -> SaveError {
    SaveError::Spool(crate::sys::SysError::from_io("write(spool)", error))
}
