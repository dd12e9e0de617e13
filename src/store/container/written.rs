//! The record of a container, as it is written down: with paths that follow the store.

use std::path::{Path, PathBuf};

use super::ContainerRecord;
use crate::plan::portable;
use crate::store::{Store, StoreError, layout};

impl Store {
    /// The record in the directory `name` of the store; none if there is none.
    pub(super) fn container_record(&self, name: &str) -> Result<Option<ContainerRecord>, StoreError> {
        let record = self.read_json(&format!("{name}/{}", layout::RECORD), "the record of a container")?;
        Ok(record.map(|record: ContainerRecord| record.with_paths(|path| portable::read(self.path(), path))))
    }

    /// The text of a record.
    pub(super) fn written_record(&self, record: &ContainerRecord) -> Vec<u8> {
        let written = record.clone().with_paths(|path| portable::written(self.path(), path));
        // Texts, numbers and truths under text keys: all of that can become JSON.
        serde_json::to_vec(&written).unwrap_or_default()
    }
}

impl ContainerRecord {
    fn with_paths(mut self, change: impl Fn(&Path) -> PathBuf) -> Self {
        let listed = self.lower_directories.iter_mut().chain(&mut self.network_files).map(|path| &mut path.0);
        for path in listed.chain(self.mounts.iter_mut().map(|mount| &mut mount.source)) {
            *path = change(path);
        }
        self
    }
}
