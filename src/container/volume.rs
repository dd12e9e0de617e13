//! Volumes: made, looked at and removed.

use std::collections::BTreeMap;

use super::{Engine, Error, now, random};
use crate::plan::driver;
use crate::plan::name::{Label, VolumeName};
use crate::store::volume::VolumeRecord;

/// A volume that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVolume {
    /// Its name; none for a random one, which makes the volume anonymous.
    pub name: Option<VolumeName>,
    /// Its labels.
    pub labels: Vec<Label>,
    /// Options of the driver `local`.
    pub options: BTreeMap<String, String>,
}

impl Engine {
    /// Makes a volume, unless there is one of that name, which stays as it is; its name.
    ///
    /// # Errors
    /// The options make no sense, or the store cannot be written.
    pub fn create_volume(&self, new: &NewVolume) -> Result<VolumeName, Error> {
        driver::check_options(&new.options)?;
        let record = VolumeRecord {
            name: match &new.name {
                Some(name) => name.clone(),
                None => VolumeName::anonymous(random()?),
            },
            anonymous: new.name.is_none(),
            labels: new.labels.clone(),
            created: now(),
            options: new.options.clone(),
        };
        self.all_or_nothing(|| Ok(self.store.make_volume(&record)?))?;
        Ok(record.name)
    }
}
