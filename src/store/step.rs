//! What steps have made, so that they need not be done again.
//!
//! A record is `steps/KEY`: the image that the step of this key made. It goes when the image goes; one whose image is not
//! there counts as none, and so does one that cannot be read: then the step is done again, and the record written anew.
//! Whoever does a step holds the lock of its key, so that others who want the same wait for it and find it made. The lock
//! dies with its process.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::content::digest_at;
use super::lock::NameLock;
use super::temporary::Temporary;
use super::walk::WalkError;
use super::{Store, StoreError, layout};
use crate::plan::digest::Digest;

/// What a step made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRecord {
    /// The image that it made.
    pub image: Digest,
    /// The image that it began with.
    pub base: Digest,
    /// Its command.
    pub command: Vec<String>,
    /// When it was done, seconds since 1970.
    pub made: i64,
}

/// The right to do a step, until it is dropped.
#[derive(Debug)]
pub struct StepLock {
    _lock: NameLock,
}

/// The digest of a file, or of a directory and all that lies below it: names, types, permission bits, sizes, bytes and what
/// symlinks say; none of what is neither.
///
/// # Errors
/// Something cannot be read.
pub fn input_digest(path: &Path) -> Result<Option<Digest>, WalkError> {
    digest_at(path)
}

impl Store {
    /// Waits until nobody else does this step.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn lock_step(&self, key: &Digest) -> Result<StepLock, StoreError> {
        let directory = self.temporary_directory()?;
        let lock = NameLock::wait(&directory, &layout::step_lock(key));
        Ok(StepLock { _lock: lock.map_err(|cause| self.write_error(cause))? })
    }

    /// What the step of this key has made, if that is there.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn step(&self, key: &Digest) -> Result<Option<StepRecord>, StoreError> {
        let record = match self.read_json::<StepRecord>(&layout::step(key), "the record of a step") {
            Err(StoreError::Damaged { .. }) => None,
            record => record?,
        };
        match record {
            Some(record) if self.record(record.image.hex())?.is_some() => Ok(Some(record)),
            Some(_) | None => Ok(None),
        }
    }

    /// Writes down what a step has made.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn remember_step(&self, key: &Digest, record: &StepRecord) -> Result<(), StoreError> {
        self.writable()?.make(layout::STEPS).map_err(|cause| self.write_error(cause))?;
        // Digests, numbers and texts: nothing in here can be no JSON.
        let json = serde_json::to_vec(record).unwrap_or_default();
        Temporary::new(self)?.replace_file(self, &layout::step(key), &json)
    }

    /// Forgets the steps that have made an image.
    pub(super) fn forget_steps(&self, image: &Digest) -> Result<(), StoreError> {
        let root = self.writable()?;
        for name in root.names_in(layout::STEPS).map_err(|cause| self.read_error(cause))? {
            let path = format!("{}/{name}", layout::STEPS);
            let is_of_it = match self.read_json::<StepRecord>(&path, "the record of a step") {
                Ok(record) => record.is_some_and(|record| record.image == *image),
                // It is of no use to anybody.
                Err(StoreError::Damaged { .. }) => true,
                Err(error) => return Err(error),
            };
            if is_of_it {
                root.unlink(&path).map_err(|cause| self.write_error(cause))?;
            }
        }
        Ok(())
    }
}
