//! Named volumes: a directory each, made whole or not at all, and filled from the image when empty.

mod compare;
mod data;
mod export;
mod fill;
mod import;
mod list;
mod merge;
mod remove;
mod snapshot;
mod trash;
mod usage;

use std::collections::BTreeMap;
use std::path::PathBuf;

use rustix::fs::{AtFlags, Mode};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::temporary::Temporary;
use super::{Store, StoreError, layout, lock};
use crate::plan::name::{ContainerName, Label, VolumeName};
use crate::sys::{Call, SysError};

pub use compare::{Change, ChangeKind, Comparison, Patches, Times};
pub use data::{ArchiveError, DataError, Location};
pub use fill::{FillError, fill, fill_directory, fill_inside};
pub use import::VolumeArchive;
pub use list::{DamagedVolume, Volumes};
pub use merge::MergeError;
pub use remove::{Disposal, Users};
pub use snapshot::{Copying, Naming, Replaced, SnapshotRecord};
pub use trash::Trashed;
pub use usage::usage;

/// What `volume.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeRecord {
    /// Its name.
    pub name: VolumeName,
    /// Whether it was made without a name, for one container.
    pub anonymous: bool,
    /// Its labels.
    pub labels: Vec<Label>,
    /// When it was made, seconds since 1970.
    pub created: i64,
    /// And how many nanoseconds after that, so that of two volumes it is known which came first.
    #[serde(default)]
    pub nanoseconds: u32,
    /// Options of the driver `local`: `type`, `device`, `o`; none for a volume that is a directory of the store.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// Why something cannot be done with a volume.
#[derive(Debug, Error)]
pub enum VolumeError {
    /// No volume is called so.
    #[error("there is no volume `{0}`")]
    Unknown(String),
    /// Containers refer to the volume.
    #[error("volume `{name}` is in use by {}", listed(.users))]
    InUse {
        /// The volume.
        name: VolumeName,
        /// The containers; at least one.
        users: Vec<ContainerName>,
    },
    /// There is a volume of the name that another one is to get.
    #[error("there is a volume `{name}` already")]
    Exists {
        /// The name.
        name: VolumeName,
        /// What the other one was called.
        removed: VolumeName,
    },
    /// Nothing of that name was removed lately.
    #[error("there is no removed volume `{0}`")]
    NotInTrash(VolumeName),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Names of containers in a sentence.
fn listed(users: &[ContainerName]) -> String {
    let quoted: Vec<_> = users.iter().map(|name| format!("`{name}`")).collect();
    let word = if quoted.len() == 1 { "container" } else { "containers" };
    format!("{word} {}", quoted.join(", "))
}

impl VolumeError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown(_) => Some("see `minirun volume ls`".to_owned()),
            Self::InUse { users, .. } => {
                let names: Vec<_> = users.iter().map(ContainerName::as_str).collect();
                Some(format!("remove what uses it first: minirun rm {}", names.join(" ")))
            }
            Self::Exists { removed, .. } => {
                Some(format!("bring it back under another name: minirun volume restore {removed} --as OTHER"))
            }
            Self::NotInTrash(_) => Some("see `minirun volume ls --trash`".to_owned()),
            Self::Store(error) => error.hint(),
        }
    }
}

/// The names beside a volume's files of what was begun and is to be finished or removed by the next that comes.
pub(super) fn unfinished() -> impl Iterator<Item = &'static str> {
    [fill::BESIDE.stage, fill::BESIDE.ready, merge::INCOMING, merge::REPLACED].into_iter()
}

impl Store {
    /// Where the data of a volume are.
    #[must_use]
    pub fn volume_data(&self, name: &VolumeName) -> PathBuf {
        self.path().join(layout::volume(name.as_str())).join(layout::VOLUME_DATA)
    }

    /// Whether there is such a volume.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn volume_exists(&self, name: &VolumeName) -> Result<bool, StoreError> {
        self.contains(&layout::volume(name.as_str()))
    }

    /// Makes a volume, unless there is one of that name; whether it was made.
    ///
    /// A container that refers to the volume is to be in the store before: then the volume stays. Whoever removes
    /// one locks it, looks who refers to it, and only then lets it go; and here that lock is waited for.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn make_volume(&self, record: &VolumeRecord) -> Result<bool, StoreError> {
        loop {
            if let Some(root) = self.directory()?
                && let Some(_lock) = lock::pin(root, &layout::volume(record.name.as_str()))
                    .map_err(|cause| self.read_error(cause))?
            {
                return Ok(false);
            }
            if self.try_make_volume(record)? {
                return Ok(true);
            }
        }
    }

    /// Makes a volume; whether nobody else was quicker.
    fn try_make_volume(&self, record: &VolumeRecord) -> Result<bool, StoreError> {
        let temporary = Temporary::new(self)?;
        let write = || -> Result<(), SysError> {
            let json = serde_json::to_vec(record).unwrap_or_default();
            // Without a name, it hardly ever outlives its container.
            if record.anonymous {
                temporary.directory().write(layout::VOLUME, &json)?;
            } else {
                temporary.directory().write_durably(layout::VOLUME, &json)?;
            }
            temporary.directory().make(layout::VOLUME_DATA)?;
            let mode = Mode::from_raw_mode(0o755);
            rustix::fs::chmodat(temporary.directory(), layout::VOLUME_DATA, mode, AtFlags::empty())
                .call(|| "fchmodat(_data, 755)")
        };
        write().map_err(|cause| self.write_error(cause))?;
        let name = layout::volume(record.name.as_str());
        let published = if record.anonymous {
            temporary.publish(self, &name)
        } else {
            temporary.publish_durably(self, &name)
        };
        match published {
            Ok(_) => Ok(true),
            // Somebody else made it at the same moment.
            Err(_) if self.volume_exists(&record.name)? => Ok(false),
            Err(error) => Err(error),
        }
    }
}
