//! Snapshots of volumes: made, listed, restored and removed.

use super::volume_data::copied;
use super::{Engine, Error, Event, Events, RunningContainer, rfc3339};
use crate::plan::name::VolumeName;
use crate::plan::snapshot::{SnapshotName, VolumeRef};
use crate::store::copy::{Amount, Sharing};
use crate::store::volume::{Copying, DataError, Replaced, SnapshotRecord};

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
        let record = self.new_snapshot(volume, name)?;
        self.note_writers(&volume.clone().into(), events)?;
        let name = record.name.clone();
        let amount = self.with_files(|| {
            self.store.sweep_snapshots(volume)?;
            let mut progress = copied(events);
            self.store.make_snapshot(volume, &record, &mut Copying { sharing, progress: &mut progress })
        })?;
        Ok((name, amount))
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
        let mut before = self.new_snapshot(&of.volume, None)?;
        before.automatic = true;
        let name = before.name.clone();
        let replaced = match arguments.keeps_replaced {
            Keeping::Snapshot => Replaced::Kept,
            Keeping::Nothing => Replaced::Removed,
        };
        self.with_files(|| {
            self.store.sweep_snapshots(&of.volume)?;
            let mut progress = copied(events);
            let mut copying = Copying { sharing: arguments.sharing, progress: &mut progress };
            self.store.restore_snapshot(of, &before, &replaced, &mut copying)
        })?;
        Ok((replaced == Replaced::Kept).then_some(name))
    }

    /// The record of a snapshot that is made now.
    fn new_snapshot(
        &self,
        volume: &VolumeName,
        name: Option<&SnapshotName>,
    ) -> Result<SnapshotRecord, Error> {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        let name = match name {
            Some(name) => name.clone(),
            None => unused_name(&timestamp(time.tv_sec), &self.store.snapshots(volume)?)?,
        };
        let created = (time.tv_sec, u32::try_from(time.tv_nsec).unwrap_or(0));
        Ok(SnapshotRecord { name, created, automatic: false, size: 0, staged: None })
    }
}

/// `20260102-030405`, in UTC.
fn timestamp(seconds: i64) -> String {
    let text = rfc3339(seconds);
    text.chars()
        .filter(|char| !matches!(char, '-' | ':' | 'Z'))
        .map(|char| if char == 'T' { '-' } else { char })
        .collect()
}

/// `time`, or with a number behind it when a snapshot is called so.
fn unused_name(time: &str, snapshots: &[SnapshotRecord]) -> Result<SnapshotName, DataError> {
    let is_used = |name: &str| snapshots.iter().any(|snapshot| snapshot.name.as_str() == name);
    let numbered = (2_u64..).map(|number| format!("{time}-{number}"));
    let mut names = std::iter::once(time.to_owned()).chain(numbered);
    let name = names.find(|name| !is_used(name)).unwrap_or_default();
    Ok(name.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_time() {
        assert_eq!(timestamp(1_000_000_000), "20010909-014640");
        let snapshot = |name: &str| SnapshotRecord {
            name: name.parse().unwrap(),
            created: (0, 0),
            automatic: false,
            size: 0,
            staged: None,
        };
        let unused = |taken: &[&str]| {
            let taken: Vec<_> = taken.iter().map(|name| snapshot(name)).collect();
            unused_name("t", &taken).unwrap().to_string()
        };
        assert_eq!(unused(&[]), "t");
        assert_eq!(unused(&["t", "t-3"]), "t-2");
        assert_eq!(unused(&["t", "t-2"]), "t-3");
    }
}
