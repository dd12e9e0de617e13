//! What is known of volumes: of one, and of all, where a damaged record must not hide the others.

use std::error::Error as _;
use std::path::PathBuf;

use super::{VolumeError, VolumeRecord};
use crate::plan::name::VolumeName;
use crate::store::{Store, StoreError, layout};

/// All volumes of a store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Volumes {
    /// Those that something is known of, in no order.
    pub records: Vec<VolumeRecord>,
    /// The others.
    pub damaged: Vec<DamagedVolume>,
}

/// A volume whose record cannot be read. Its files are there, and it can be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedVolume {
    /// Its name.
    pub name: VolumeName,
    /// The file that should hold its record.
    pub path: PathBuf,
    /// What is wrong with that.
    pub reason: String,
}

impl Store {
    /// What is known of the volume `name`; none when there is no such volume.
    ///
    /// # Errors
    /// The store cannot be read, or holds the volume without its record.
    pub fn volume(&self, name: &VolumeName) -> Result<Option<VolumeRecord>, StoreError> {
        let file = record_file(name);
        for _ in 0..2 {
            if let Some(record) = self.read_json::<VolumeRecord>(&file, "the record of a volume")? {
                // Whoever copied its directory has made a volume of the name that the copy has.
                return Ok(Some(VolumeRecord { name: name.clone(), ..record }));
            }
            if !self.volume_exists(name)? {
                return Ok(None);
            }
            // Somebody may have made it since the first look.
        }
        Err(StoreError::Lost { path: self.path().join(file) })
    }

    /// What is known of the volume that `text` names.
    ///
    /// # Errors
    /// There is no such volume, or the store cannot be read.
    pub fn find_volume(&self, text: &str) -> Result<VolumeRecord, VolumeError> {
        let unknown = || VolumeError::Unknown(text.to_owned());
        let name: VolumeName = text.parse().map_err(|_| unknown())?;
        self.volume(&name)?.ok_or_else(unknown)
    }

    /// All volumes.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn volumes(&self) -> Result<Volumes, StoreError> {
        let mut volumes = Volumes::default();
        let Some(directory) = self.directory()? else { return Ok(volumes) };
        let names = directory.names_in(layout::VOLUMES).map_err(|cause| self.read_error(cause))?;
        for name in names.iter().filter_map(|name| name.parse::<VolumeName>().ok()) {
            match self.volume(&name) {
                Ok(Some(record)) => volumes.records.push(record),
                // One that is gone by now was removed since.
                Ok(None) => {}
                Err(error) => {
                    let path = self.path().join(record_file(&name));
                    volumes.damaged.push(DamagedVolume { name, path, reason: reason(&error) });
                }
            }
        }
        Ok(volumes)
    }
}

fn record_file(name: &VolumeName) -> String {
    format!("{}/{}", layout::volume(name.as_str()), layout::VOLUME)
}

/// The deepest of the causes that are this program's own words, or the refused call.
fn reason(error: &StoreError) -> String {
    match error {
        StoreError::Lost { .. } => "it is missing".to_owned(),
        error => error.source().map_or_else(|| error.to_string(), ToString::to_string),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::fixture::Scratch;

    fn record(name: &str) -> VolumeRecord {
        VolumeRecord {
            name: name.parse().unwrap(),
            anonymous: false,
            labels: Vec::new(),
            created: 1,
            nanoseconds: 0,
            options: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn a_damaged_record_hides_no_other_volume() {
        let scratch = Scratch::new();
        let store = Store::open(scratch.path()).unwrap();
        let names = ["cut", "empty", "fine", "garbage", "gone", "other"];
        for name in names {
            store.make_volume(&record(name)).unwrap();
        }
        let file = |name: &str| scratch.path().join(record_file(&name.parse().unwrap()));
        let text = fs::read(file("cut")).unwrap();
        fs::write(file("cut"), &text[..text.len() / 2]).unwrap();
        fs::write(file("empty"), "").unwrap();
        fs::write(file("garbage"), [0xff; 100]).unwrap();
        fs::write(file("other"), "{\"name\": 1}").unwrap();
        fs::remove_file(file("gone")).unwrap();
        let volumes = store.volumes().unwrap();
        let known: Vec<_> = volumes.records.iter().map(|record| record.name.as_str()).collect();
        assert_eq!(known, ["fine"]);
        let damaged: Vec<_> =
            volumes.damaged.iter().map(|one| (one.name.as_str(), one.reason.as_str())).collect();
        assert_eq!(
            damaged,
            [
                ("cut", "it is not well-formed JSON"),
                ("empty", "it is not well-formed JSON"),
                ("garbage", "it is not well-formed JSON"),
                ("gone", "it is missing"),
                ("other", "it is not the record of a volume"),
            ]
        );
        assert!(matches!(store.find_volume("gone"), Err(VolumeError::Store(StoreError::Lost { .. }))));
        assert!(matches!(store.find_volume("none"), Err(VolumeError::Unknown(_))));
    }

    #[test]
    fn a_volume_is_called_as_its_directory() {
        let scratch = Scratch::new();
        let store = Store::open(scratch.path()).unwrap();
        store.make_volume(&record("one")).unwrap();
        let volumes = scratch.path().join(layout::VOLUMES);
        fs::rename(volumes.join("one"), volumes.join("two")).unwrap();
        assert_eq!(store.volumes().unwrap().records, [record("two")]);
    }
}
