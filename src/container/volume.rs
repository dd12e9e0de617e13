//! Volumes: made, looked at, removed and brought back.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Engine, Error, now, random, rfc3339, within};
use crate::plan::driver;
use crate::plan::name::{ContainerName, Label, VolumeName};
use crate::plan::occurrence::Action;
use crate::store::volume::{DamagedVolume, Disposal, Trashed, VolumeError, VolumeRecord, Volumes};
use crate::sys::clock;

/// The label by which Docker's commands know a volume that was made without a name.
const ANONYMOUS_LABEL: &str = "com.docker.volume.anonymous";

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

/// A volume in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeSummary {
    /// What is known of it; an anonymous one has Docker's label for that, too.
    pub record: VolumeRecord,
    /// The containers that refer to it.
    pub users: Vec<ContainerName>,
    /// Where its files are on the host.
    pub mountpoint: PathBuf,
}

/// Volumes, in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeList {
    /// Those that something is known of.
    pub volumes: Vec<VolumeSummary>,
    /// Those whose records are damaged.
    pub damaged: Vec<DamagedVolume>,
}

/// How long a removed volume can be brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Not at all.
    Nothing,
    /// For at least this long.
    For(Duration),
}

impl Keep {
    /// A day, unless the user has said something else.
    pub const DEFAULT: Self = Self::For(Duration::from_secs(24 * 60 * 60));

    /// Reads a duration such as `24h` or `7days`; `0` is [`Keep::Nothing`].
    ///
    /// # Errors
    /// It is no duration.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.trim() {
            "0" => Ok(Self::Nothing),
            text => match humantime::parse_duration(text) {
                Ok(Duration::ZERO) => Ok(Self::Nothing),
                Ok(duration) => Ok(Self::For(duration)),
                Err(cause) => Err(Error::TrashTime { text: text.to_owned(), cause }),
            },
        }
    }

    fn disposal(self) -> Disposal {
        match self {
            Self::Nothing => Disposal::Gone,
            Self::For(duration) => {
                let (now, nanoseconds) = clock::now();
                let since = u64::try_from(now).unwrap_or(0).saturating_mul(1_000_000_000);
                let removed = since.saturating_add(nanoseconds.into());
                let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
                Disposal::Trash { removed, expires: now.saturating_add(seconds) }
            }
        }
    }
}

impl Engine {
    /// Makes a volume, unless there is one of that name, which stays as it is; its name.
    ///
    /// # Errors
    /// The options make no sense, or the store cannot be written.
    pub fn create_volume(&self, new: &NewVolume) -> Result<VolumeName, Error> {
        driver::check_options(&new.options)?;
        let (created, nanoseconds) = clock::now();
        let record = VolumeRecord {
            name: match &new.name {
                Some(name) => name.clone(),
                None => VolumeName::anonymous(random()?),
            },
            anonymous: new.name.is_none(),
            labels: new.labels.clone(),
            created,
            nanoseconds,
            options: new.options.clone(),
        };
        if self.all_or_nothing(|| Ok(self.store.make_volume(&record)?))? {
            self.note_volume(&record.name, &Action::Create);
        } else {
            // There is one, but perhaps none that can be used.
            self.store.find_volume(record.name.as_str())?;
        }
        Ok(record.name)
    }

    /// All volumes, by name as people count: `v2` before `v10`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn volumes(&self) -> Result<VolumeList, Error> {
        let mut users = self.store.volume_users()?;
        let Volumes { records, damaged } = self.store.volumes()?;
        let volumes = records.into_iter().map(|mut record| VolumeSummary {
            users: users.remove(&record.name).unwrap_or_default(),
            mountpoint: self.store.volume_data(&record.name),
            record: {
                mark_anonymous(&mut record);
                record
            },
        });
        let mut volumes: Vec<_> = volumes.collect();
        volumes.sort_by(|one, other| natural_order(one.record.name.as_str(), other.record.name.as_str()));
        Ok(VolumeList { volumes, damaged })
    }

    /// Whether there is a volume of that name.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn volume_exists(&self, text: &str) -> Result<bool, Error> {
        match text.parse() {
            Ok(name) => Ok(self.store.volume_exists(&name)?),
            Err(_) => Ok(false),
        }
    }

    /// Everything about the volume that `text` names, in the shape that Docker's `volume inspect` has.
    ///
    /// # Errors
    /// There is none, or the store cannot be read.
    pub fn inspect_volume(&self, text: &str) -> Result<Value, Error> {
        let mut record = self.store.find_volume(text)?;
        mark_anonymous(&mut record);
        let labels = record.labels.iter().map(|label| (&label.key, &label.value));
        Ok(json!({
            "CreatedAt": rfc3339(record.created),
            "Driver": "local",
            "Labels": object(labels),
            "Mountpoint": self.store.volume_data(&record.name).to_string_lossy(),
            "Name": record.name.as_str(),
            "Options": object(record.options.iter()),
            "Scope": "local",
        }))
    }

    /// Removes a volume that no container refers to.
    ///
    /// # Errors
    /// There is none, a container refers to it, or its files cannot be removed.
    pub fn remove_volume(&self, text: &str, keep: Keep) -> Result<(), Error> {
        let unknown = || VolumeError::Unknown(text.to_owned());
        let name: VolumeName = text.parse().map_err(|_| unknown())?;
        // Also one whose files somebody has removed is to go.
        if !self.store.volume_exists(&name)? {
            return Err(unknown().into());
        }
        let disposal = keep.disposal();
        self.removing(|| Ok(self.store.remove_volume(&name, disposal)?))?;
        self.note_volume(&name, &Action::Destroy);
        Ok(())
    }

    /// Brings back the volume of that name that was removed last, under the same or another name; the name it has now.
    ///
    /// # Errors
    /// There is none, there is a volume of the new name, or the store cannot be written.
    pub fn restore_volume(
        &self,
        name: &VolumeName,
        new_name: Option<&VolumeName>,
    ) -> Result<VolumeName, Error> {
        let new_name = new_name.unwrap_or(name);
        self.store.restore_volume(name, new_name)?;
        self.note_volume(new_name, &Action::Create);
        Ok(new_name.clone())
    }

    /// The removed volumes that can be brought back, the one that was removed last first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn trash(&self) -> Result<Vec<Trashed>, Error> {
        let now = now();
        let trash = self.store.trash()?;
        Ok(trash.into_iter().filter(|trashed| trashed.expires > now).collect())
    }

    /// Removes these removed volumes for good.
    ///
    /// # Errors
    /// Their files cannot be removed.
    pub fn purge_trash(&self, trashed: &[Trashed]) -> Result<(), Error> {
        let ids: Vec<String> = trashed.iter().map(|one| one.id.clone()).collect();
        let namespace = self.own_namespace()?;
        within(namespace.as_ref(), || self.store.purge_trash(&ids))
    }

    /// Removes what killed launchers left behind, so that nothing of it counts as in use.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub fn tidy(&self) -> Result<(), Error> {
        self.sweep()
    }
}

fn mark_anonymous(record: &mut VolumeRecord) {
    if record.anonymous {
        record.labels.push(Label { key: ANONYMOUS_LABEL.to_owned(), value: String::new() });
    }
    record.labels.sort();
}

/// An object of texts; null when there are none.
fn object<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>) -> Value {
    let map: Map<String, Value> =
        pairs.map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
    if map.is_empty() { Value::Null } else { map.into() }
}

/// The order of names in which runs of digits count as numbers.
fn natural_order(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (one.as_bytes(), other.as_bytes());
    while let (Some(first), Some(second)) = (left.first(), right.first()) {
        let order = if first.is_ascii_digit() && second.is_ascii_digit() {
            let (number, other_number) = (take_number(&mut left), take_number(&mut right));
            number.len().cmp(&other_number.len()).then_with(|| number.cmp(other_number))
        } else {
            (left, right) = (&left[1..], &right[1..]);
            first.cmp(second)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    left.len().cmp(&right.len()).then_with(|| one.cmp(other))
}

/// The digits at the beginning, without idle zeros.
fn take_number<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    *text = rest;
    let zeros = number.iter().take_while(|byte| **byte == b'0').count();
    &number[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["v10", "v2", "v1", "a", "v", "v02", "v2a", "B", "10", "9", "v2.10", "v2.9"];
        names.sort_by(|one, other| natural_order(one, other));
        assert_eq!(names, ["9", "10", "B", "a", "v", "v1", "v02", "v2", "v2.9", "v2.10", "v2a", "v10"]);
    }

    #[test]
    fn how_long_the_trash_keeps() {
        assert_eq!(Keep::parse("0").unwrap(), Keep::Nothing);
        assert_eq!(Keep::parse("0s").unwrap(), Keep::Nothing);
        assert_eq!(Keep::parse(" 24h ").unwrap(), Keep::DEFAULT);
        assert_eq!(Keep::parse("7days").unwrap(), Keep::For(Duration::from_secs(7 * 24 * 3600)));
        for bad in ["", "soon", "-1h", "24"] {
            assert!(matches!(Keep::parse(bad), Err(Error::TrashTime { .. })), "{bad}");
        }
    }
}
