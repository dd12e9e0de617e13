//! The files of volumes as data: where they are, and volumes that are made with files in them.

mod error;

use std::ffi::OsStr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::{VolumeError, VolumeRecord};
use crate::plan::name::VolumeName;
use crate::plan::snapshot::VolumeRef;
use crate::store::copy::{Amount, CopyError, copy_living_tree};
use crate::store::directory::Directory;
use crate::store::temporary::Temporary;
use crate::store::{Store, StoreError, is_full, layout, lock};
use crate::sys::{Call, SysError};
pub use error::{ArchiveError, DataError};

use super::snapshot::Copying;

/// Where the files of a volume are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In the store.
    Store,
    /// In a directory of the host, which the volume shows.
    Host(PathBuf),
}

impl VolumeRecord {
    /// Where the files of the volume are.
    ///
    /// # Errors
    /// There are some only while it is mounted.
    pub fn location(&self) -> Result<Location, DataError> {
        let option = |key: &str| self.options.get(key).map_or("", String::as_str);
        if option("device").is_empty() {
            return Ok(Location::Store);
        }
        if option("o").split(',').any(|word| matches!(word, "bind" | "rbind")) {
            return Ok(Location::Host(PathBuf::from(option("device"))));
        }
        let kind = option("type").to_owned();
        Err(DataError::Unmounted { volume: self.name.clone(), kind })
    }
}

impl Store {
    /// Opens the directory with the files of a volume or snapshot. Called inside the user namespace that can.
    ///
    /// # Errors
    /// There is none, or it cannot be opened.
    pub fn volume_tree(&self, of: &VolumeRef) -> Result<OwnedFd, DataError> {
        let record = self.find_volume(of.volume.as_str())?;
        let directory = format!("{}/{}", layout::volume(of.volume.as_str()), layout::VOLUME_DATA);
        let path = match (&of.snapshot, record.location()) {
            (Some(snapshot), _) => {
                let name = layout::snapshot(of.volume.as_str(), snapshot.as_str());
                if !self.contains(&name)? {
                    return Err(DataError::NoSnapshot { volume: record.name, snapshot: snapshot.clone() });
                }
                self.path().join(name).join(layout::VOLUME_DATA)
            }
            (None, Ok(Location::Store)) => self.path().join(directory),
            (None, Ok(Location::Host(path))) => path,
            (None, Err(error)) => return Err(error),
        };
        open_path(&path).map_err(|cause| DataError::Use { of: of.clone(), cause })
    }

    /// Locks a volume against everybody else who changes its files as a whole, and finishes what an interrupted import
    /// left to do.
    ///
    /// # Errors
    /// There is no such volume, or it cannot be locked.
    pub(in crate::store) fn lock_volume(&self, name: &VolumeName) -> Result<Directory, DataError> {
        let failed = |cause| DataError::Use { of: name.clone().into(), cause };
        let directory = self.hold_volume_directory(name)?;
        let data = open_data(&directory).map_err(failed)?;
        super::fill::finish(directory.as_fd(), data.as_fd())
            .map_err(|cause| DataError::Fill { volume: name.clone(), cause })?;
        let merged = super::merge::finish(&directory, data.as_fd());
        merged.map_err(|cause| DataError::Merge { volume: name.clone(), cause })?;
        Ok(directory)
    }

    /// Locks the directory of a volume, whose files may lie elsewhere.
    pub(super) fn hold_volume_directory(&self, name: &VolumeName) -> Result<Directory, DataError> {
        let failed = |cause| DataError::Use { of: name.clone().into(), cause };
        let held = lock::hold(self.writable()?, &layout::volume(name.as_str())).map_err(failed)?;
        Ok(held.ok_or_else(|| VolumeError::Unknown(name.to_string()))?)
    }

    /// Waits until nobody changes the files of a volume as a whole.
    ///
    /// # Errors
    /// There is no such volume, or it cannot be locked.
    pub fn settle_volume(&self, name: &VolumeName) -> Result<(), DataError> {
        let record = self.find_volume(name.as_str())?;
        match record.location()? {
            Location::Store => self.lock_volume(name).map(drop),
            Location::Host(_) => Ok(()),
        }
    }

    /// Makes a volume whose files `fill` puts into its directory; the volume appears when they are complete.
    ///
    /// # Errors
    /// The name is taken, the store cannot be written, or what `fill` says; then nothing is left.
    pub fn make_filled_volume<T>(
        &self,
        record: &VolumeRecord,
        fill: impl FnOnce(&Directory) -> Result<T, DataError>,
    ) -> Result<T, DataError> {
        if self.volume_exists(&record.name)? {
            return Err(DataError::Taken(record.name.clone()));
        }
        let temporary = Temporary::new(self)?;
        let json = serde_json::to_vec(record).unwrap_or_default();
        let write = || -> Result<Directory, SysError> {
            temporary.directory().write_durably(layout::VOLUME, &json)?;
            temporary.directory().make(layout::VOLUME_DATA)?;
            let data = temporary.directory().directory(layout::VOLUME_DATA)?;
            rustix::fs::fchmod(&data, Mode::from_raw_mode(0o755)).call(|| "fchmod(_data, 0755)")?;
            Ok(data)
        };
        let filled = fill(&write().map_err(|cause| self.write_error(cause))?)?;
        // A volume that is visible is whole, also after a power cut.
        temporary.directory().sync().map_err(|cause| self.write_error(cause))?;
        match temporary.publish_durably(self, &layout::volume(record.name.as_str())) {
            Ok(_) => Ok(filled),
            Err(_) if self.volume_exists(&record.name)? => Err(DataError::Taken(record.name.clone())),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a volume of the files of a volume or snapshot; how much was copied.
    ///
    /// # Errors
    /// The name is taken, there is nothing to copy, or it cannot be copied; then nothing is left.
    pub fn clone_volume(
        &self,
        of: &VolumeRef,
        record: &VolumeRecord,
        copying: &mut Copying<'_>,
    ) -> Result<Amount, DataError> {
        if of.snapshot.is_none() {
            self.settle_volume(&of.volume)?;
        }
        let source = self.volume_tree(of)?;
        self.make_filled_volume(record, |data| {
            copy_living_tree(source.as_fd(), data.as_fd(), copying.sharing, copying.progress)
                .map_err(|cause| self.copy_error(of, cause))
        })
    }

    /// The error about copying, or that there is no room.
    pub(super) fn copy_error(&self, of: &VolumeRef, cause: CopyError) -> DataError {
        if is_full(cause.source.errno()) {
            return StoreError::Full { path: self.path().to_owned(), cause: cause.source }.into();
        }
        DataError::Copy { of: of.clone(), cause }
    }
}

fn open_path(path: &Path) -> Result<OwnedFd, SysError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(rustix::fs::CWD, path, flags, Mode::empty())
        .call(|| format!("openat({path:?}, DIRECTORY)"))
}

/// Opens the files of a volume whose directory is locked.
pub(super) fn open_data(volume: &Directory) -> Result<OwnedFd, SysError> {
    crate::store::merged::open_directory(volume.as_fd(), OsStr::new(layout::VOLUME_DATA))
        .call(|| "openat(\"_data\", DIRECTORY|NOFOLLOW)")
}
