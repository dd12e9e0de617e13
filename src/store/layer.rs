//! Unpacked layers: what names them, and where they lie.
//!
//! A layer is kept under its chain ID, because what lies in its directory depends on the layers below it (a
//! name may go through a symlink there). All images with the same lowest layers share them.
//! Source: OCI image specification, config.md, "Layer `ChainID`".

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::directory::Directory;
use super::image::Image;
use super::record::LayerRef;
use super::temporary::Temporary;
use super::unpack::Ownership;
use super::{Store, StoreError, layout};
use crate::plan::digest::{Algorithm, Digest};
use crate::plan::idmap::IdMap;
use crate::plan::rootfs::RootIndex;
use crate::sys::SysError;

/// How many names of a root directory are written down.
const ROOT_NAMES: usize = 64;

/// The file in a directory of owners that says whose they are.
pub(super) const OWNERS_FILE: &str = "owners.json";

/// Whose IDs the files of an unpacked layer have.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LayerOwners {
    /// The container's own IDs, which are the host's.
    Host,
    /// The host IDs that the container's IDs are mapped to.
    Mapped(IdMap),
    /// All belong to the user; an attribute keeps the owners of the image.
    Squashed,
}

impl LayerOwners {
    /// The name of their directory.
    #[must_use]
    pub fn directory_name(&self) -> String {
        match self {
            Self::Host => "host".to_owned(),
            Self::Squashed => "squashed".to_owned(),
            Self::Mapped(map) => {
                let text = format!("{}\n{}", IdMap::text(&map.users), IdMap::text(&map.groups));
                let digest = layout::digest_of(Algorithm::Sha256, text.as_bytes());
                format!("map-{}", &digest.hex()[..16])
            }
        }
    }

    /// How unpacking sets owners, inside the user namespace of the container.
    #[must_use]
    pub fn ownership(&self) -> Ownership {
        match self {
            Self::Host | Self::Mapped(_) => Ownership::Mapped,
            Self::Squashed => Ownership::Squashed,
        }
    }
}

/// What `layer.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerRecord {
    /// The digest of the uncompressed tar.
    pub diff_id: Digest,
    /// The bytes of its files.
    pub size: u64,
    /// How many entries the tar had.
    pub entries: u64,
    /// Whether its root directory is opaque.
    pub opaque_root: bool,
    /// The names in its root directory; none where there are more than 64 or such as are no text, or of a layer that came
    /// when nobody wrote them down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<Vec<String>>,
    /// The digest of everything in it, by which it is known again; none of a layer that came when there was none, or
    /// another one, which was called `content`.
    #[serde(default, rename = "files")]
    pub content: Option<Digest>,
    /// The digest of the blob that it was unpacked from; the same blob need not be decompressed to know what is in it.
    #[serde(default)]
    pub blob: Option<Digest>,
}

impl LayerRecord {
    pub(super) fn to_json(&self) -> String {
        // A digest, numbers and a truth: nothing in here can be no JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn reference(&self, chain_id: Digest) -> LayerRef {
        LayerRef {
            chain_id,
            diff_id: self.diff_id.clone(),
            size: self.size,
            opaque_root: self.opaque_root,
            root: self.root.clone(),
        }
    }
}

/// The names in the root directory of a layer, as they are written down.
///
/// # Errors
/// It cannot be read.
pub(super) fn root_names(tree: &Directory) -> Result<Option<Vec<String>>, SysError> {
    let names = tree.names()?;
    if names.len() > ROOT_NAMES {
        return Ok(None);
    }
    Ok(names.into_iter().map(|name| name.into_string().ok()).collect())
}

/// The chain IDs of layers whose diff IDs are these, the lowest first.
#[must_use]
pub fn chain_ids(diff_ids: &[Digest]) -> Vec<Digest> {
    let mut chain: Vec<Digest> = Vec::with_capacity(diff_ids.len());
    for diff_id in diff_ids {
        let next = match chain.last() {
            None => diff_id.clone(),
            Some(below) => layout::digest_of(Algorithm::Sha256, format!("{below} {diff_id}").as_bytes()),
        };
        chain.push(next);
    }
    chain
}

/// The directories of an image's layers as a container mounts them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerDirectories {
    /// All are there: the highest layer first, none below an opaque root.
    Complete(Vec<PathBuf>),
    /// These are not unpacked for such owners, the lowest first.
    Missing(Vec<LayerRef>),
}

impl Image {
    /// The directories of the layers for a container whose files have such owners.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn layer_directories(
        &self,
        store: &Store,
        owners: &LayerOwners,
    ) -> Result<LayerDirectories, StoreError> {
        let name = owners.directory_name();
        let mut directories = Vec::with_capacity(self.layers.len());
        let mut missing = Vec::new();
        for layer in &self.layers {
            if layer.opaque_root {
                directories.clear();
            }
            let tree = format!("{}/{}", layout::layer(&name, &layer.chain_id), layout::TREE);
            if store.contains(&tree)? {
                directories.push(store.path().join(tree));
            } else {
                missing.push(layer.clone());
            }
        }
        directories.reverse();
        Ok(if missing.is_empty() {
            LayerDirectories::Complete(directories)
        } else {
            LayerDirectories::Missing(missing)
        })
    }
}

impl Image {
    /// What the layers' directories, in their order, have in their roots.
    #[must_use]
    pub fn root_index(&self) -> RootIndex {
        self.shown().map(|layer| layer.root.as_deref()).collect()
    }

    /// The places of those directories that have a name in their root; none where that is not known of all of them.
    #[must_use]
    pub fn places(&self, name: &str) -> Option<Vec<usize>> {
        let mut places = Vec::new();
        for (place, layer) in self.shown().enumerate() {
            if layer.root.as_ref()?.iter().any(|other| other == name) {
                places.push(place);
            }
        }
        Some(places)
    }

    /// The layers that can be seen: the highest first, none below an opaque root.
    fn shown(&self) -> impl Iterator<Item = &LayerRef> {
        let from = self.layers.iter().rposition(|layer| layer.opaque_root).unwrap_or(0);
        self.layers.iter().skip(from).rev()
    }
}

impl Image {
    /// Where the layers will be once they are unpacked for such owners: the highest first, none below an opaque root.
    #[must_use]
    pub fn future_directories(&self, store: &Store, owners: &LayerOwners) -> Vec<PathBuf> {
        let name = owners.directory_name();
        let tree =
            |layer: &LayerRef| store.path().join(layout::layer(&name, &layer.chain_id)).join(layout::TREE);
        self.shown().map(tree).collect()
    }
}

impl Store {
    /// The owners for which there are layers.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn layer_owners(&self) -> Result<Vec<LayerOwners>, StoreError> {
        let mut all = Vec::new();
        for name in self.owner_directories()? {
            let file = format!("{}/{name}/{OWNERS_FILE}", layout::LAYERS);
            all.extend(self.read_json(&file, "the owners of layers")?);
        }
        Ok(all)
    }

    /// The names of the directories below `layers/`.
    pub(super) fn owner_directories(&self) -> Result<Vec<String>, StoreError> {
        let Some(directory) = self.directory()? else { return Ok(Vec::new()) };
        directory.names_in(layout::LAYERS).map_err(|cause| self.read_error(cause))
    }

    /// The record of one layer; none when it is not unpacked for such owners.
    pub(super) fn layer_record(
        &self,
        owners: &LayerOwners,
        chain_id: &Digest,
    ) -> Result<Option<LayerRecord>, StoreError> {
        let name = layout::layer(&owners.directory_name(), chain_id);
        self.read_json(&format!("{name}/{}", layout::LAYER), "the record of a layer")
    }

    /// Makes the directory of such owners, where layers are renamed to.
    pub(super) fn make_owners(&self, temporary: &Temporary, owners: &LayerOwners) -> Result<(), StoreError> {
        let name = format!("{}/{}", layout::LAYERS, owners.directory_name());
        let made = self.writable()?.make(&name).map_err(|cause| self.write_error(cause))?;
        let file = format!("{name}/{OWNERS_FILE}");
        if made || !self.contains(&file)? {
            let text = serde_json::to_string(owners).unwrap_or_default();
            temporary.replace_file_durably(self, &file, text.as_bytes())?;
        }
        Ok(())
    }

    /// Whether the store has something of this name.
    pub(super) fn contains(&self, name: &str) -> Result<bool, StoreError> {
        let Some(directory) = self.directory()? else { return Ok(false) };
        directory.exists(name).map_err(|cause| self.read_error(cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::idmap::IdRange;

    #[test]
    fn chain_ids_follow_the_specification() {
        let digest = |text: &str| layout::digest_of(Algorithm::Sha256, text.as_bytes());
        let (a, b) = (digest("a"), digest("b"));
        let chain = chain_ids(&[a.clone(), b.clone()]);
        assert_eq!(chain, [a.clone(), digest(&format!("{a} {b}"))]);
        assert_ne!(chain_ids(&[b, a])[1], chain[1]);
        assert!(chain_ids(&[]).is_empty());
    }

    #[test]
    fn few_names_of_text_are_written_down() {
        use std::os::unix::ffi::OsStrExt as _;
        let scratch = crate::store::fixture::Scratch::new();
        let tree = Directory::open(scratch.path()).unwrap();
        let names = || root_names(&tree).unwrap().map(|names| names.len());
        for count in 0..ROOT_NAMES {
            assert_eq!(names(), Some(count));
            std::fs::write(scratch.path().join(count.to_string()), "").unwrap();
        }
        std::fs::remove_file(scratch.path().join("0")).unwrap();
        let odd = scratch.path().join(std::ffi::OsStr::from_bytes(b"\xff"));
        std::fs::write(&odd, "").unwrap();
        assert_eq!(names(), None);
        std::fs::remove_file(odd).unwrap();
        assert_eq!(names(), Some(ROOT_NAMES - 1));
        for name in ["a", "b"] {
            std::fs::write(scratch.path().join(name), "").unwrap();
        }
        assert_eq!(names(), None);
    }

    #[test]
    fn every_map_has_its_directory() {
        let map = |size| {
            let range = vec![IdRange { container: 0, host: 100_000, size }];
            LayerOwners::Mapped(IdMap { users: range.clone(), groups: range })
        };
        assert_eq!(map(10).directory_name(), map(10).directory_name());
        assert_ne!(map(10).directory_name(), map(11).directory_name());
        assert_eq!(map(1).directory_name().len(), 20);
    }
}
