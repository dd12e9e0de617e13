//! Snapshots: copies of a volume's files at one moment, kept with the volume.
//!
//! To restore one, a copy of it is made as a further snapshot and then changes places with the volume's files, in one
//! step. So at every moment the volume has all of its files, and what it had before is a snapshot afterwards.

use std::os::fd::AsFd as _;

use rustix::fs::{AtFlags, RenameFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::data::{DataError, Location, open_data};
use super::usage::usage;
use crate::plan::name::VolumeName;
use crate::plan::snapshot::{SnapshotName, VolumeRef};
use crate::store::copy::{Amount, Sharing, copy_living_tree};
use crate::store::directory::Directory;
use crate::store::temporary::Temporary;
use crate::store::{Store, StoreError, layout};
use crate::sys::{Call, SysError, moment};

/// What `snapshot.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotRecord {
    /// Its name.
    pub name: SnapshotName,
    /// When it was made: seconds since 1970 and nanoseconds.
    pub created: (i64, u32),
    /// Whether it has what the volume had before another snapshot was restored.
    pub automatic: bool,
    /// The bytes that its files take on disk, as if none were shared.
    pub size: u64,
    /// Of an automatic one, the inode of the files that are to change places with the volume's. As long as they are
    /// here, they have not, and this is no snapshot.
    pub staged: Option<u64>,
}

/// How files are copied.
pub struct Copying<'a> {
    /// Whether blocks are shared.
    pub sharing: Sharing,
    /// Is told what is done.
    pub progress: &'a mut dyn FnMut(Amount),
}

/// What becomes of the name of a new snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// It is called so, or not made.
    Exact,
    /// Where there is a snapshot of that name, it gets a number behind it.
    Numbered,
}

/// What becomes of the files that a restored snapshot replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced {
    /// They are this snapshot.
    Kept,
    /// They are removed.
    Removed,
}

impl Store {
    /// The snapshots of a volume, the oldest first.
    ///
    /// # Errors
    /// There is no such volume, or the store cannot be read.
    pub fn snapshots(&self, volume: &VolumeName) -> Result<Vec<SnapshotRecord>, DataError> {
        self.find_volume(volume.as_str())?;
        let Some(root) = self.directory()? else { return Ok(Vec::new()) };
        let directory = layout::snapshots(volume.as_str());
        let names = root.names_in(&directory).map_err(|cause| self.read_error(cause))?;
        let mut snapshots = Vec::with_capacity(names.len());
        for name in names {
            // One that is gone by now was removed since.
            let Some(record) = self.snapshot(volume, &name)? else { continue };
            if !self.is_staged(volume, &record)? {
                snapshots.push(record);
            }
        }
        snapshots.sort_by(|one, other| (one.created, &one.name).cmp(&(other.created, &other.name)));
        Ok(snapshots)
    }

    fn snapshot(&self, volume: &VolumeName, name: &str) -> Result<Option<SnapshotRecord>, StoreError> {
        let file = format!("{}/{}", layout::snapshot(volume.as_str(), name), layout::SNAPSHOT);
        self.read_json(&file, "the record of a snapshot")
    }

    /// Whether a restore was interrupted before anything changed.
    pub(in crate::store) fn is_staged(
        &self,
        volume: &VolumeName,
        record: &SnapshotRecord,
    ) -> Result<bool, StoreError> {
        let (Some(staged), Some(root)) = (record.staged, self.directory()?) else { return Ok(false) };
        let name = layout::snapshot(volume.as_str(), record.name.as_str());
        let data = format!("{name}/{}", layout::VOLUME_DATA);
        match rustix::fs::statat(root, &data, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(stat.st_ino == staged),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.read_error(SysError::new(format!("statat({data:?})"), errno))),
        }
    }

    /// Makes a snapshot of a volume; its name, and how much was copied. `record` gets its size.
    ///
    /// # Errors
    /// There is no such volume, the name is taken, or the files cannot be copied; then nothing is left.
    pub fn make_snapshot(
        &self,
        volume: &VolumeName,
        (record, naming): (&SnapshotRecord, Naming),
        copying: &mut Copying<'_>,
    ) -> Result<(SnapshotName, Amount), DataError> {
        let of = VolumeRef::from(volume.clone());
        if naming == Naming::Exact {
            self.refuse_snapshot(volume, &record.name)?;
        }
        self.settle_volume(volume)?;
        let temporary = Temporary::new(self)?;
        let (data, amount) = self.copy_into(&temporary, &of, copying)?;
        let size = usage(data.as_fd()).map_err(|cause| self.read_error(cause))?;
        // Held until the snapshot is there, so that the volume is not removed meanwhile, and no name is given twice.
        let _volume = match self.find_volume(volume.as_str())?.location()? {
            Location::Store => self.lock_volume(volume)?,
            Location::Host(_) => self.hold_volume_directory(volume)?,
        };
        let name = match naming {
            Naming::Exact => record.name.clone(),
            Naming::Numbered => self.free_snapshot_name(volume, &record.name)?,
        };
        self.refuse_snapshot(volume, &name)?;
        let record = SnapshotRecord { name, size, ..record.clone() };
        self.publish_snapshot(temporary, volume, &record)?;
        Ok((record.name, amount))
    }

    fn refuse_snapshot(&self, volume: &VolumeName, name: &SnapshotName) -> Result<(), DataError> {
        if self.contains(&layout::snapshot(volume.as_str(), name.as_str()))? {
            return Err(DataError::SnapshotTaken { volume: volume.clone(), snapshot: name.clone() });
        }
        Ok(())
    }

    /// `wish`, or with a number behind it when a snapshot is called so. The volume is locked by the caller.
    fn free_snapshot_name(
        &self,
        volume: &VolumeName,
        wish: &SnapshotName,
    ) -> Result<SnapshotName, DataError> {
        let mut name = wish.clone();
        for number in 2_u64.. {
            if !self.contains(&layout::snapshot(volume.as_str(), name.as_str()))? {
                break;
            }
            name = format!("{wish}-{number}").parse()?;
        }
        Ok(name)
    }

    /// Copies files into the directory of data of what is being made.
    fn copy_into(
        &self,
        temporary: &Temporary,
        of: &VolumeRef,
        copying: &mut Copying<'_>,
    ) -> Result<(Directory, Amount), DataError> {
        let source = self.volume_tree(of)?;
        let make = || {
            temporary.directory().make(layout::VOLUME_DATA)?;
            temporary.directory().directory(layout::VOLUME_DATA)
        };
        let data = make().map_err(|cause| self.write_error(cause))?;
        let amount = copy_living_tree(source.as_fd(), data.as_fd(), copying.sharing, copying.progress);
        Ok((data, amount.map_err(|cause| self.copy_error(of, cause))?))
    }

    fn publish_snapshot(
        &self,
        temporary: Temporary,
        volume: &VolumeName,
        record: &SnapshotRecord,
    ) -> Result<(), StoreError> {
        let json = serde_json::to_vec(record).unwrap_or_default();
        let root = self.writable()?;
        let write = || {
            temporary.directory().write(layout::SNAPSHOT, &json)?;
            temporary.directory().sync()?;
            root.make(&layout::snapshots(volume.as_str()))
        };
        write().map_err(|cause| self.write_error(cause))?;
        temporary.publish_durably(self, &layout::snapshot(volume.as_str(), record.name.as_str()))?;
        Ok(())
    }

    /// Makes a volume's files those of one of its snapshots. `before` becomes the snapshot of what the volume
    /// had, perhaps with a number behind its name; its name.
    ///
    /// # Errors
    /// There is no such snapshot, or its files cannot be copied; then the volume is as it was.
    pub fn restore_snapshot(
        &self,
        of: &VolumeRef,
        before: &SnapshotRecord,
        replaced: &Replaced,
        copying: &mut Copying<'_>,
    ) -> Result<SnapshotName, DataError> {
        if let Location::Host(device) = self.find_volume(of.volume.as_str())?.location()? {
            return Err(DataError::Elsewhere { volume: of.volume.clone(), device });
        }
        let temporary = Temporary::new(self)?;
        let (data, _) = self.copy_into(&temporary, of, copying)?;
        let stat =
            rustix::fs::fstat(&data).call(|| "fstat(_data)").map_err(|cause| self.read_error(cause))?;
        let volume = self.lock_volume(&of.volume)?;
        let failed = |cause| DataError::Use { of: of.volume.clone().into(), cause };
        let size = open_data(&volume).and_then(|data| usage(data.as_fd())).map_err(failed)?;
        let name = self.free_snapshot_name(&of.volume, &before.name)?;
        let before = SnapshotRecord { name, size, staged: Some(stat.st_ino), ..before.clone() };
        self.publish_snapshot(temporary, &of.volume, &before)?;
        let staged = format!("{}/{}/{}", layout::SNAPSHOTS, before.name, layout::VOLUME_DATA);
        let exchanged =
            rustix::fs::renameat_with(&volume, &staged, &volume, layout::VOLUME_DATA, RenameFlags::EXCHANGE);
        let exchanged =
            exchanged.call(|| format!("renameat2({staged:?}, \"_data\", EXCHANGE)")).map_err(failed);
        moment("exchanged");
        if exchanged.is_err() || *replaced == Replaced::Removed {
            self.discard_snapshot(&of.volume, &before.name)?;
        }
        exchanged.map(|()| before.name)
    }

    /// Removes a snapshot.
    ///
    /// # Errors
    /// There is no such snapshot, or it cannot be removed.
    pub fn remove_snapshot(&self, volume: &VolumeName, name: &SnapshotName) -> Result<(), DataError> {
        self.find_volume(volume.as_str())?;
        if self.discard_snapshot(volume, name)? {
            Ok(())
        } else {
            Err(DataError::NoSnapshot { volume: volume.clone(), snapshot: name.clone() })
        }
    }

    /// Removes what interrupted restores have left. The volume is locked by the caller or by nobody who restores.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn sweep_snapshots(&self, volume: &VolumeName) -> Result<(), DataError> {
        let Some(root) = self.directory()? else { return Ok(()) };
        let names = root.names_in(&layout::snapshots(volume.as_str()));
        for name in names.map_err(|cause| self.read_error(cause))? {
            if let Some(record) = self.snapshot(volume, &name)?
                && self.is_staged(volume, &record)?
            {
                let _volume = self.lock_volume(volume)?;
                // Whoever restores holds the lock until the files have changed places.
                if self.is_staged(volume, &record)? {
                    self.discard_snapshot(volume, &record.name)?;
                }
            }
        }
        Ok(())
    }

    fn discard_snapshot(&self, volume: &VolumeName, name: &SnapshotName) -> Result<bool, StoreError> {
        let snapshot = layout::snapshot(volume.as_str(), name.as_str());
        if !self.contains(&snapshot)? {
            return Ok(false);
        }
        let temporary = Temporary::new(self)?;
        match self.writable()?.rename(&snapshot, temporary.directory(), "snapshot") {
            Err(error) if error.errno() == Errno::NOENT => return Ok(false),
            result => result.map_err(|cause| self.write_error(cause))?,
        }
        let discarded = temporary.discard();
        discarded.map_err(|cause| StoreError::Remove { path: self.path().to_owned(), cause })?;
        Ok(true)
    }
}
