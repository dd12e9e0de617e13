//! Snapshots of volumes by name: `VOLUME@SNAPSHOT`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::name::{NameError, VolumeName};

/// The longest name that is also a file name, in bytes.
const NAME_MAX: usize = 255;

/// Why a text names no snapshot.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SnapshotError {
    /// The part before the `@`.
    #[error(transparent)]
    Volume(#[from] NameError),
    /// The part behind it.
    #[error("`{0}` is not a snapshot name ([a-zA-Z0-9] and then [a-zA-Z0-9_.-], at most 255)")]
    Name(String),
    /// There is no `@`.
    #[error("`{0}` names no snapshot (VOLUME@SNAPSHOT)")]
    Missing(String),
}

/// The name of a snapshot of a volume.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SnapshotName(String);

impl SnapshotName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SnapshotName {
    type Err = SnapshotError;

    fn from_str(text: &str) -> Result<Self, SnapshotError> {
        let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let rest = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        if first && rest && text.len() <= NAME_MAX {
            Ok(Self(text.to_owned()))
        } else {
            Err(SnapshotError::Name(text.to_owned()))
        }
    }
}

impl TryFrom<String> for SnapshotName {
    type Error = SnapshotError;

    fn try_from(text: String) -> Result<Self, SnapshotError> {
        text.parse()
    }
}

impl From<SnapshotName> for String {
    fn from(name: SnapshotName) -> Self {
        name.0
    }
}

impl fmt::Display for SnapshotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A volume as it is, or as one of its snapshots has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeRef {
    /// The volume.
    pub volume: VolumeName,
    /// The snapshot.
    pub snapshot: Option<SnapshotName>,
}

impl VolumeRef {
    /// The snapshot, which must be named.
    ///
    /// # Errors
    /// It is not.
    pub fn snapshot(&self) -> Result<&SnapshotName, SnapshotError> {
        self.snapshot.as_ref().ok_or_else(|| SnapshotError::Missing(self.to_string()))
    }
}

impl FromStr for VolumeRef {
    type Err = SnapshotError;

    fn from_str(text: &str) -> Result<Self, SnapshotError> {
        let (volume, snapshot) = match text.split_once('@') {
            Some((volume, snapshot)) => (volume, Some(snapshot.parse()?)),
            None => (text, None),
        };
        Ok(Self { volume: volume.parse()?, snapshot })
    }
}

impl From<VolumeName> for VolumeRef {
    fn from(volume: VolumeName) -> Self {
        Self { volume, snapshot: None }
    }
}

impl fmt::Display for VolumeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.snapshot {
            Some(snapshot) => write!(f, "{}@{snapshot}", self.volume),
            None => self.volume.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        for text in ["data", "data@1", "data@20260102-030405", "d.a-t_a@x.y"] {
            assert_eq!(text.parse::<VolumeRef>().unwrap().to_string(), text);
        }
        for text in ["", "@x", "data@", "data@.x", "data@a/b", "data@a@b", "a/b@x", "data@-"] {
            assert!(text.parse::<VolumeRef>().is_err(), "{text}");
        }
        let whole: VolumeRef = "data".parse().unwrap();
        assert_eq!(whole.snapshot(), Err(SnapshotError::Missing("data".into())));
    }
}
