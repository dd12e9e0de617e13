//! The files of a volume as an archive.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::os::fd::AsFd as _;

use super::DataError;
use crate::plan::snapshot::VolumeRef;
use crate::store::Store;
use crate::store::compress::{Compression, Compressor};
use crate::store::pack::{PackError, PackNote, pack};
use crate::store::tar::write::WriteError;
use crate::sys::SysError;

/// How much is written at once, in bytes.
const BUFFER: usize = 256 << 10;

impl Store {
    /// Writes the files of a volume or snapshot to `file`; what could not be kept.
    ///
    /// # Errors
    /// There is no such volume, or something cannot be read or written; then what was written is no archive.
    pub fn export_volume(
        &self,
        of: &VolumeRef,
        file: &File,
        compression: Compression,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Vec<PackNote>, DataError> {
        if of.snapshot.is_none() {
            self.settle_volume(&of.volume)?;
        }
        let tree = self.volume_tree(of)?;
        let failed = |cause| DataError::Pack { of: of.clone(), cause };
        let unwritten = |error: std::io::Error| {
            let source = SysError::from_io("write(the rest)", &error);
            failed(PackError::Write(WriteError::Write { offset: 0, source }))
        };
        let writer = BufWriter::with_capacity(BUFFER, file);
        let compressor = Compressor::new(writer, compression).map_err(unwritten)?;
        let (compressor, notes) = pack(tree.as_fd(), compressor, progress).map_err(failed)?;
        compressor.finish().and_then(|mut writer| writer.flush()).map_err(unwritten)?;
        Ok(notes)
    }
}
