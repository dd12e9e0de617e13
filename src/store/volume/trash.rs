//! Removed volumes that can be brought back.
//!
//! Each is a directory of `trash/`, renamed there as it was. Its name says when it was removed and when it expires,
//! so that one look at the names tells what may go; and there is no `trash/` where nothing was removed.

use std::path::PathBuf;

use rustix::fs::AtFlags;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::{VolumeError, VolumeRecord};
use crate::plan::name::VolumeName;
use crate::store::load::rename_new;
use crate::store::temporary::{Temporary, random_name};
use crate::store::{Store, StoreError, layout};
use crate::sys::{Call, SysError};

/// Nanoseconds in a second.
const NANOSECONDS: u64 = 1_000_000_000;

/// A removed volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trashed {
    /// What names it among all removed volumes.
    pub id: String,
    /// What it was.
    pub record: VolumeRecord,
    /// When it was removed, seconds since 1970.
    pub removed: i64,
    /// From when on it may be gone, seconds since 1970.
    pub expires: i64,
}

/// What the name of an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Times {
    removed: u64,
    expires: i64,
}

impl Times {
    fn parse(id: &str) -> Option<Self> {
        let mut parts = id.split('-');
        Some(Self { removed: parts.next()?.parse().ok()?, expires: parts.next()?.parse().ok()? })
    }
}

fn entry(id: &str) -> String {
    format!("{}/{id}", layout::TRASH)
}

impl Store {
    /// The removed volumes that are not gone yet, the one that was removed last first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn trash(&self) -> Result<Vec<Trashed>, StoreError> {
        let mut found = Vec::new();
        for id in self.trash_ids()? {
            let Some(times) = Times::parse(&id) else { continue };
            let file = format!("{}/{}", entry(&id), layout::VOLUME);
            let record = match self.read_json(&file, "the record of a volume") {
                Ok(Some(record)) => record,
                // One that is gone by now expired, or was brought back; a damaged one cannot be, and will expire.
                Ok(None) | Err(StoreError::Damaged { .. }) => continue,
                Err(error) => return Err(error),
            };
            let removed = i64::try_from(times.removed / NANOSECONDS).unwrap_or(i64::MAX);
            found.push((times, Trashed { id, record, removed, expires: times.expires }));
        }
        found.sort_by_key(|(times, _)| std::cmp::Reverse(*times));
        Ok(found.into_iter().map(|(_, trashed)| trashed).collect())
    }

    /// The directories of all removed volumes.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn trash_directories(&self) -> Result<Vec<PathBuf>, StoreError> {
        Ok(self.trash_ids()?.iter().map(|id| self.path().join(entry(id))).collect())
    }

    /// The IDs of all removed volumes that have expired. Costs one call where nothing was removed.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn expired_trash(&self, now: i64) -> Result<Vec<String>, StoreError> {
        let is_over = |id: &String| Times::parse(id).is_none_or(|times| times.expires <= now);
        Ok(self.trash_ids()?.into_iter().filter(is_over).collect())
    }

    /// Removes removed volumes for good. Called where their files can be removed: inside their user namespace.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn purge_trash(&self, ids: &[String]) -> Result<(), VolumeError> {
        for id in ids {
            self.destroy(&entry(id))?;
        }
        Ok(self.forget_trash()?)
    }

    /// Brings back, of the removed volumes called `name`, the one that was removed last, as `new_name`.
    ///
    /// # Errors
    /// There is no such removed volume, there is a volume of the new name, or the store cannot be written.
    pub fn restore_volume(&self, name: &VolumeName, new_name: &VolumeName) -> Result<(), VolumeError> {
        let exists = || VolumeError::Exists { name: new_name.clone(), removed: name.clone() };
        if self.volume_exists(new_name)? {
            return Err(exists());
        }
        let not_there = || VolumeError::NotInTrash(name.clone());
        let trashed = self.trash()?.into_iter().find(|one| one.record.name == *name).ok_or_else(not_there)?;
        let directory = entry(&trashed.id);
        if name != new_name {
            // It has a name of its own from now on, so it is no longer anonymous.
            let record = VolumeRecord { name: new_name.clone(), anonymous: false, ..trashed.record };
            let json = serde_json::to_vec(&record).unwrap_or_default();
            let file = format!("{directory}/{}", layout::VOLUME);
            Temporary::new(self)?.replace_file_durably(self, &file, &json)?;
        }
        let root = self.writable()?;
        match rename_new(root, &directory, root, &layout::volume(new_name.as_str())) {
            Ok(true) => Ok(self.forget_trash()?),
            Ok(false) => Err(exists()),
            Err(error) if error.errno() == Errno::NOENT => Err(not_there()),
            Err(cause) => Err(self.write_error(cause).into()),
        }
    }

    /// Renames a volume's directory, locked, into the trash.
    pub(super) fn throw_away(
        &self,
        directory: &str,
        (removed, expires): (u64, i64),
    ) -> Result<(), VolumeError> {
        let root = self.writable()?;
        let rename = || -> Result<(), SysError> {
            let to = entry(&format!("{removed}-{expires}-{}", random_name()?));
            loop {
                root.make(layout::TRASH)?;
                match root.rename(directory, root, &to) {
                    // Somebody has just removed the trash, because it was empty.
                    Err(error) if error.errno() == Errno::NOENT && root.exists(directory)? => {}
                    result => return result,
                }
            }
        };
        rename().map_err(|cause| self.write_error(cause).into())
    }

    fn trash_ids(&self) -> Result<Vec<String>, StoreError> {
        let Some(directory) = self.directory()? else { return Ok(Vec::new()) };
        directory.names_in(layout::TRASH).map_err(|cause| self.read_error(cause))
    }

    /// Removes the trash's own directory, if nothing is in it.
    fn forget_trash(&self) -> Result<(), StoreError> {
        let Some(directory) = self.directory()? else { return Ok(()) };
        match rustix::fs::unlinkat(directory, layout::TRASH, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
            result => {
                result.call(|| "unlinkat(\"trash\", REMOVEDIR)").map_err(|cause| self.write_error(cause))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Scratch;
    use crate::store::volume::Disposal;

    fn record(name: &str, created: i64) -> VolumeRecord {
        VolumeRecord {
            name: name.parse().unwrap(),
            anonymous: false,
            labels: Vec::new(),
            created,
            nanoseconds: 0,
            options: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn removed_volumes_come_back_the_last_one_first() {
        let scratch = Scratch::new();
        let store = Store::open(scratch.path()).unwrap();
        let (name, other) = ("data".parse().unwrap(), "other".parse().unwrap());
        for time in [5, 7] {
            assert!(store.make_volume(&record("data", time)).unwrap());
            assert!(!store.make_volume(&record("data", 100)).unwrap());
            let removed = u64::try_from(time).unwrap() * NANOSECONDS;
            store.remove_volume(&name, Disposal::Trash { removed, expires: time + 10 }).unwrap();
        }
        let trash = store.trash().unwrap();
        assert_eq!(
            trash.iter().map(|one| (one.removed, one.expires)).collect::<Vec<_>>(),
            [(7, 17), (5, 15)]
        );
        store.restore_volume(&name, &name).unwrap();
        assert_eq!(store.volume(&name).unwrap().unwrap().created, 7);
        assert!(matches!(store.restore_volume(&name, &name), Err(VolumeError::Exists { .. })));
        store.restore_volume(&name, &other).unwrap();
        assert_eq!(store.volume(&other).unwrap().unwrap(), VolumeRecord { created: 5, ..record("other", 5) });
        assert!(!scratch.path().join(layout::TRASH).exists());
        assert!(matches!(
            store.restore_volume(&name, &"new".parse().unwrap()),
            Err(VolumeError::NotInTrash(_))
        ));
    }

    #[test]
    fn what_has_expired_is_told_by_its_name() {
        let scratch = Scratch::new();
        let store = Store::open(scratch.path()).unwrap();
        assert!(store.expired_trash(0).unwrap().is_empty());
        let name = "data".parse().unwrap();
        store.make_volume(&record("data", 1)).unwrap();
        store.remove_volume(&name, Disposal::Trash { removed: 1, expires: 20 }).unwrap();
        assert!(store.expired_trash(19).unwrap().is_empty());
        let expired = store.expired_trash(20).unwrap();
        assert_eq!(expired.len(), 1);
        store.purge_trash(&expired).unwrap();
        store.purge_trash(&expired).unwrap();
        assert!(store.trash().unwrap().is_empty());
        assert_eq!(std::fs::read_dir(scratch.path().join(layout::TEMPORARY)).unwrap().count(), 0);
    }
}
