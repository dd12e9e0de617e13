//! The files that a container has of its own, and the image's files below them.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use super::base::{open_directories, open_directory};
use super::rootfs::{UPPER, VFS_ROOT};
use super::{Engine, Error};
use crate::error::files::FilesError;
use crate::plan::userns::UserNamespace;
use crate::store::changes::Cover;
use crate::store::container::{Container, Hold};
use crate::store::copy::dress::dress_fresh;
use crate::store::merged::Merged;

/// Where the files of a container lie. It does not go away meanwhile, and is not started.
#[derive(Debug)]
pub(super) struct OwnFiles {
    path: PathBuf,
    pub(super) lowers: Vec<PathBuf>,
    pub(super) cover: Cover,
    /// Where they can be read, and have the owners that they have in the container.
    pub(super) namespace: Option<UserNamespace>,
    _hold: Option<Hold>,
}

impl Engine {
    /// Finds the files of a container.
    pub(super) fn own_files(&self, container: &Container) -> Result<OwnFiles, Error> {
        let record = &container.record;
        let (name, cover) = match record.driver.as_str() {
            "overlay" => (UPPER, Cover::Layer),
            "vfs" => (VFS_ROOT, Cover::Whole),
            _ => return Err(FilesError::NoLayer(record.name.clone()).into()),
        };
        Ok(OwnFiles {
            path: container.path.join(name),
            lowers: record.lower_directories.iter().map(|lower| lower.0.clone()).collect(),
            cover,
            namespace: self.namespace_of(container)?,
            _hold: self.store.hold_container(container)?,
        })
    }

    /// A user namespace with the IDs of a container.
    pub(super) fn namespace_of(&self, container: &Container) -> Result<Option<UserNamespace>, Error> {
        let map = container.record.rights.map.clone();
        Ok(map.map(|map| UserNamespace::new(map, &self.host)).transpose()?)
    }
}

impl OwnFiles {
    /// Opens the container's own tree, whose root looks like the image's from its first start on: if that has not been,
    /// from now on. Called inside the namespace.
    pub(super) fn open(&self) -> Result<OwnedFd, Error> {
        let own = open_directory(&self.path)?;
        if let (Cover::Layer, Some(top)) = (self.cover, self.lowers.first()) {
            let top = open_directory(top)?;
            dress_fresh(top.as_fd(), own.as_fd()).map_err(FilesError::Root)?;
        }
        Ok(own)
    }

    /// Opens what the image shows. Called inside the namespace.
    pub(super) fn open_image(&self) -> Result<Merged, Error> {
        Ok(Merged::new(open_directories(&self.lowers)?))
    }
}
