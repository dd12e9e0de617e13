//! Volumes, their snapshots, and those that were removed.

use super::{Flaw, Inspection, Remedy};
use crate::plan::name::VolumeName;
use crate::plan::snapshot::SnapshotName;
use crate::store::volume::{SnapshotRecord, VolumeRecord, unfinished};
use crate::store::{layout, lock};
use crate::sys::SysError;

impl Inspection<'_> {
    /// Each volume has its files and its record.
    pub(super) fn volumes(&mut self) -> Result<(), SysError> {
        for name in self.entries(layout::VOLUMES)? {
            let path = layout::volume(&name);
            let Ok(name) = name.parse::<VolumeName>() else {
                self.found(path, Flaw::Unknown, Remedy::MoveAside);
                continue;
            };
            let file = format!("{path}/{}", layout::VOLUME);
            match self.record::<VolumeRecord>(&file, "the record of a volume") {
                Err(_) if !self.is_there(&path) => continue,
                Err(flaw) => self.found(file, flaw, Remedy::Describe(name.clone())),
                Ok(record) if record.name != name => {
                    let flaw = Flaw::Damaged(format!("it is that of `{}`", record.name));
                    self.found(file, flaw, Remedy::Describe(name.clone()));
                }
                Ok(_) => {}
            }
            self.volume(&path, &name)?;
        }
        Ok(())
    }

    fn volume(&mut self, path: &str, name: &VolumeName) -> Result<(), SysError> {
        let data = format!("{path}/{}", layout::VOLUME_DATA);
        if !self.is_there(&data) && self.is_there(path) {
            self.found(data, Flaw::Missing, Remedy::MakeDirectory);
        }
        self.snapshots(name)?;
        let Ok(directory) = self.root.directory(path) else { return Ok(()) };
        if unfinished().any(|name| directory.exists(name).unwrap_or(false)) && !lock::is_held(&directory)? {
            self.found(path, Flaw::Unfinished, Remedy::Finish(name.clone()));
        }
        Ok(())
    }

    fn snapshots(&mut self, volume: &VolumeName) -> Result<(), SysError> {
        for name in self.entries(&layout::snapshots(volume.as_str()))? {
            let path = layout::snapshot(volume.as_str(), &name);
            let file = format!("{path}/{}", layout::SNAPSHOT);
            let Ok(name) = name.parse::<SnapshotName>() else {
                self.found(path, Flaw::Unknown, Remedy::MoveAside);
                continue;
            };
            match self.record::<SnapshotRecord>(&file, "the record of a snapshot") {
                Err(_) if !self.is_there(&path) => {}
                Err(flaw) => self.found(path, flaw, Remedy::MoveAside),
                Ok(record) if record.name != name => {
                    let flaw = Flaw::Damaged(format!("{} is that of `{}`", layout::SNAPSHOT, record.name));
                    self.found(path, flaw, Remedy::MoveAside);
                }
                Ok(_) if !self.is_there(&format!("{path}/{}", layout::VOLUME_DATA)) => {
                    self.found(path, Flaw::Damaged("its files are missing".to_owned()), Remedy::MoveAside);
                }
                Ok(record) => self.staged(volume, &path, &record)?,
            }
        }
        Ok(())
    }

    /// A snapshot whose files are still to change places with the volume's.
    fn staged(&mut self, volume: &VolumeName, path: &str, record: &SnapshotRecord) -> Result<(), SysError> {
        let is_staged = self.store.is_staged(volume, record).unwrap_or(false);
        let Ok(directory) = self.root.directory(&layout::volume(volume.as_str())) else { return Ok(()) };
        if is_staged && !lock::is_held(&directory)? {
            self.found(path, Flaw::Unfinished, Remedy::Finish(volume.clone()));
        }
        Ok(())
    }

    /// Each removed volume can be brought back until it expires.
    pub(super) fn trash(&mut self) -> Result<(), SysError> {
        let expired = self.store.expired_trash(self.now).unwrap_or_default();
        for id in self.entries(layout::TRASH)? {
            let path = format!("{}/{id}", layout::TRASH);
            if expired.contains(&id) {
                self.found(path, Flaw::Abandoned, Remedy::Remove);
                continue;
            }
            let record = format!("{path}/{}", layout::VOLUME);
            match self.record::<VolumeRecord>(&record, "the record of a volume") {
                Err(flaw) if self.is_there(&path) => self.found(path, flaw, Remedy::MoveAside),
                Err(_) | Ok(_) => {}
            }
        }
        Ok(())
    }
}
