//! Archives into volumes: unpacked and checked beside the volume, then moved in.

use std::io::Read;
use std::os::fd::{AsFd as _, OwnedFd};

use super::data::{DataError, Location};
use super::merge::{INCOMING, finish};
use super::{VolumeRecord, data::ArchiveError};
use crate::plan::name::VolumeName;
use crate::store::directory::Directory;
use crate::store::merged::Merged;
use crate::store::temporary::Temporary;
use crate::store::unpack::{Limits, Ownership, PlainRules, Problem, UnpackError, Warning, unpack_plain};
use crate::store::{Store, StoreError, is_full};

/// An archive of a volume's files.
pub struct VolumeArchive<'a> {
    /// The archive, compressed or not.
    pub reader: Box<dyn Read + Send + 'a>,
    /// What to call it in messages.
    pub source_name: &'a str,
    /// Whose its files are to be; the caller is inside the user namespace for that.
    pub ownership: Ownership,
}

impl Store {
    /// Puts the files of an archive into a volume: directories are merged, everything else is replaced.
    ///
    /// # Errors
    /// The archive is not what it should be; then the volume is as it was. Or its files cannot be moved: then the next
    /// import does it.
    pub fn import_volume(
        &self,
        name: &VolumeName,
        archive: VolumeArchive<'_>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Vec<Warning>, DataError> {
        let record = self.find_volume(name.as_str())?;
        if let Location::Host(device) = record.location()? {
            return Err(DataError::Elsewhere { volume: record.name, device });
        }
        let below = {
            let volume = self.lock_volume(name)?;
            let data = super::data::open_data(&volume);
            data.map_err(|cause| DataError::Use { of: name.clone().into(), cause })?
        };
        let temporary = Temporary::new(self)?;
        temporary.directory().make(INCOMING).map_err(|cause| self.write_error(cause))?;
        let stage = temporary.directory().directory(INCOMING).map_err(|cause| self.write_error(cause))?;
        let warnings = self.unpack_archive(archive, &stage, vec![below], progress)?;
        stage.sync().map_err(|cause| self.write_error(cause))?;
        let volume = self.lock_volume(name)?;
        let renamed = temporary.directory().rename(INCOMING, &volume, INCOMING);
        renamed.map_err(|cause| self.write_error(cause))?;
        let data = super::data::open_data(&volume);
        let data = data.map_err(|cause| DataError::Use { of: name.clone().into(), cause })?;
        finish(&volume, data.as_fd()).map_err(|cause| DataError::Merge { volume: name.clone(), cause })?;
        Ok(warnings)
    }

    /// Makes a volume of the files of an archive.
    ///
    /// # Errors
    /// The name is taken, or the archive is not what it should be; then nothing is left.
    pub fn import_new_volume(
        &self,
        record: &VolumeRecord,
        archive: VolumeArchive<'_>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Vec<Warning>, DataError> {
        let made =
            self.make_filled_volume(record, |data| self.unpack_archive(archive, data, Vec::new(), progress));
        made.map_err(|error| match error {
            DataError::Unpack { source_name, cause } => {
                DataError::UnpackNew { names: Box::new((record.name.clone(), source_name)), cause }
            }
            error => error,
        })
    }

    fn unpack_archive(
        &self,
        archive: VolumeArchive<'_>,
        stage: &Directory,
        below: Vec<OwnedFd>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Vec<Warning>, DataError> {
        let limits = Limits::of_plain_files();
        let rules = PlainRules { ownership: archive.ownership, limits: &limits };
        let source_name = archive.source_name.to_owned();
        let unpacked = unpack_plain(archive.reader, stage.as_fd(), &Merged::new(below), rules, progress);
        unpacked.map_err(|error| match error {
            UnpackError::Entry { problem: Problem::System(cause), .. } if is_full(cause.errno()) => {
                StoreError::Full { path: self.path().to_owned(), cause }.into()
            }
            error => DataError::Unpack { source_name, cause: ArchiveError::from(error) },
        })
    }
}
