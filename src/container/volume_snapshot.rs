//! Snapshots of volumes: made, listed, restored and removed.

use super::volume_data::copied;
use super::{Engine, Error, Event, Events, Pausing, RunningContainer, rfc3339};
use crate::plan::name::VolumeName;
use crate::plan::snapshot::{SnapshotName, VolumeRef};
use crate::store::copy::{Amount, Sharing};
use crate::store::volume::{Copying, DataError, Naming, Replaced, SnapshotRecord};
use crate::sys::clock;

/// How a snapshot is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestoreArguments {
    /// If a container that runs uses the volume.
    pub running: RunningContainer,
    /// Whether the files that are replaced are kept, as a snapshot.
    pub keeps_replaced: Keeping,
    /// How blocks are copied.
    pub sharing: Sharing,
}

/// Whether what is replaced is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// As a snapshot.
    Snapshot,
    /// Not at all.
    Nothing,
}

impl Engine {
    /// Keeps what a volume has now as a snapshot, called `name` or by the time; its name.
    ///
    /// # Errors
    /// There is no such volume, the name is taken, or the files cannot be copied; then nothing is left.
    pub fn snapshot_volume(
        &self,
        volume: &VolumeName,
        name: Option<&SnapshotName>,
        sharing: Sharing,
        events: Events<'_>,
    ) -> Result<(SnapshotName, Amount), Error> {
        self.sweep()?;
        self.store.find_volume(volume.as_str())?;
        let record = new_snapshot(name)?;
        let naming = if name.is_some() { Naming::Exact } else { Naming::Numbered };
        let _still = self.hold_writers(&volume.clone().into(), Pausing::WherePossible, events)?;
        self.with_files(|| {
            self.store.sweep_snapshots(volume)?;
            let mut copying = Copying { sharing, progress: &mut copied(events) };
            self.store.make_snapshot(volume, (&record, naming), &mut copying)
        })
    }

    /// The snapshots of a volume, the oldest first.
    ///
    /// # Errors
    /// There is no such volume, or the store cannot be read.
    pub fn snapshots(&self, volume: &VolumeName) -> Result<Vec<SnapshotRecord>, Error> {
        Ok(self.store.snapshots(volume)?)
    }

    /// Removes a snapshot.
    ///
    /// # Errors
    /// There is no such snapshot, or it cannot be removed.
    pub fn remove_snapshot(&self, volume: &VolumeName, name: &SnapshotName) -> Result<(), Error> {
        self.sweep()?;
        self.with_files(|| {
            self.store.sweep_snapshots(volume)?;
            self.store.remove_snapshot(volume, name)
        })
    }

    /// Makes a volume's files those of a snapshot; the snapshot of what it had before, if that is kept.
    ///
    /// # Errors
    /// There is no such snapshot, a container that runs uses the volume, or the files cannot be copied; then the volume
    /// is as it was.
    pub fn restore_snapshot(
        &self,
        of: &VolumeRef,
        arguments: RestoreArguments,
        events: Events<'_>,
    ) -> Result<Option<SnapshotName>, Error> {
        self.sweep()?;
        self.store.find_volume(of.volume.as_str())?;
        let users = self.running_users(&of.volume)?;
        if !users.is_empty() {
            if arguments.running == RunningContainer::Refuse {
                return Err(DataError::Running { volume: of.volume.clone(), users }.into());
            }
            let text = "containers that run go on with the files that the volume had: start them again";
            events(Event::Notice(text.to_owned()));
        }
        let before = SnapshotRecord { automatic: true, ..new_snapshot(None)? };
        let replaced = match arguments.keeps_replaced {
            Keeping::Snapshot => Replaced::Kept,
            Keeping::Nothing => Replaced::Removed,
        };
        let name = self.with_files(|| {
            self.store.sweep_snapshots(&of.volume)?;
            let mut progress = copied(events);
            let mut copying = Copying { sharing: arguments.sharing, progress: &mut progress };
            self.store.restore_snapshot(of, &before, &replaced, &mut copying)
        })?;
        Ok((replaced == Replaced::Kept).then_some(name))
    }
}

/// The record of a snapshot that is made now, called `name` or by the time.
fn new_snapshot(name: Option<&SnapshotName>) -> Result<SnapshotRecord, DataError> {
    let created = clock::now();
    let name = match name {
        Some(name) => name.clone(),
        None => timestamp(created.0).parse()?,
    };
    Ok(SnapshotRecord { name, created, automatic: false, size: 0, staged: None })
}

/// `20260102-030405`, in UTC.
fn timestamp(seconds: i64) -> String {
    let text = rfc3339(seconds);
    text.chars()
        .filter(|char| !matches!(char, '-' | ':' | 'Z'))
        .map(|char| if char == 'T' { '-' } else { char })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_time() {
        assert_eq!(timestamp(1_000_000_000), "20010909-014640");
    }
}
