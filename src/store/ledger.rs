//! What each byte of a store is for.
//!
//! Everything in the directory of the store is looked at, and what it takes on disk goes to exactly one [`Part`]: so the sum
//! is what `du` says of the directory. As there, it is blocks and not lengths that count, directories take room, too, and a
//! file with several names counts once; what is mounted in the store is none of it.

use std::collections::{BTreeMap, HashSet};
use std::os::fd::AsFd as _;

use rustix::fs::FileType;
use serde::{Deserialize, Serialize};

use super::walk::{Place, Walk, WalkError};
use super::{Store, layout};

/// What something in a store is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// The documents of images, and their names.
    Images,
    /// The files of layers that images have.
    Layers,
    /// What gives the archives of layers back.
    Outlines,
    /// Blobs of layers that were to be kept as they came.
    Blobs,
    /// Layers that no image has; they go with the next image that is removed.
    UnusedLayers,
    /// Containers: their records, their logs, and what they have written.
    Containers,
    /// Volumes, and their snapshots.
    Volumes,
    /// Removed volumes that can be brought back.
    Trash,
    /// What is remembered of steps and archives.
    Memory,
    /// What has happened.
    Events,
    /// What is being made, or about to be gone.
    Pending,
    /// What `system check --repair` has moved aside.
    Damaged,
    /// The directories that hold all this.
    Store,
    /// What nothing of minirun's made.
    Unknown,
}

impl Part {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Images => "documents of images",
            Self::Layers => "layers",
            Self::Outlines => "outlines of layers",
            Self::Blobs => "blobs of layers",
            Self::UnusedLayers => "layers of no image",
            Self::Containers => "containers",
            Self::Volumes => "volumes",
            Self::Trash => "removed volumes",
            Self::Memory => "memory of steps and archives",
            Self::Events => "events",
            Self::Pending => "pending",
            Self::Damaged => "moved aside",
            Self::Store => "directories of the store",
            Self::Unknown => "not of minirun",
        }
    }
}

/// What a layer takes on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerBytes {
    /// Its files, and its record.
    pub files: u64,
    /// What gives its archive back.
    pub outline: u64,
    /// Its blobs that were to be kept.
    pub blobs: u64,
    /// How many images have it.
    pub images: usize,
}

/// What everything takes on disk, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// Each part.
    pub parts: BTreeMap<Part, u64>,
    /// Each layer: by whose its files are, and the digits of its chain ID.
    pub layers: BTreeMap<String, LayerBytes>,
}

impl Ledger {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.parts.values().sum()
    }

    fn add(&mut self, path: &str, bytes: u64) {
        let part = self.part(path);
        let mut names = path.split('/');
        if names.next() == Some(layout::LAYERS)
            && let (Some(owners), Some(hex), rest) = (names.next(), names.next(), names.next())
            && let Some(layer) = self.layers.get_mut(&format!("{owners}/{hex}"))
        {
            *match rest {
                Some(layout::OUTLINE) => &mut layer.outline,
                Some(layout::BLOBS) => &mut layer.blobs,
                Some(_) | None => &mut layer.files,
            } += bytes;
        }
        *self.parts.entry(part).or_default() += bytes;
    }

    fn part(&self, path: &str) -> Part {
        let names: Vec<&str> = path.splitn(5, '/').collect();
        match names[..] {
            [
                ""
                | layout::VERSION_FILE
                | "lost+found"
                | layout::IMAGES
                | layout::REFERENCES
                | layout::LAYERS
                | layout::CONTAINERS
                | layout::EPHEMERAL
                | layout::ENDED
                | layout::NAMES
                | layout::CGROUPS
                | layout::VOLUMES
                | layout::TRASH
                | layout::DAMAGED
                | layout::ARCHIVES
                | layout::STEPS
                | layout::TEMPORARY,
            ]
            | [layout::LAYERS, _] => Part::Store,
            [layout::LAYERS, owners, hex, ..] if !self.is_used(owners, hex) => Part::UnusedLayers,
            [layout::LAYERS, _, _, layout::OUTLINE] => Part::Outlines,
            [layout::LAYERS, _, _, layout::BLOBS, ..] => Part::Blobs,
            [layout::LAYERS, ..] => Part::Layers,
            [layout::IMAGES | layout::REFERENCES, ..] => Part::Images,
            [
                layout::CONTAINERS | layout::EPHEMERAL | layout::ENDED | layout::NAMES | layout::CGROUPS,
                ..,
            ] => Part::Containers,
            [layout::VOLUMES, ..] => Part::Volumes,
            [layout::TRASH, ..] => Part::Trash,
            [layout::ARCHIVES | layout::STEPS, ..] => Part::Memory,
            [layout::TEMPORARY, ..] => Part::Pending,
            [layout::DAMAGED, ..] => Part::Damaged,
            [name] if layout::JOURNALS.contains(&name) => Part::Events,
            _ => Part::Unknown,
        }
    }

    /// Beside the layers lies the file that says whose they are.
    fn is_used(&self, owners: &str, hex: &str) -> bool {
        let is_layer = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        !is_layer || self.layers.get(&format!("{owners}/{hex}")).is_some_and(|layer| layer.images > 0)
    }
}

impl Store {
    /// Looks at everything in the store. Called where its files can be read: inside their user namespace.
    ///
    /// # Errors
    /// Something cannot be read.
    pub fn ledger(&self) -> Result<Ledger, LedgerError> {
        let mut ledger = Ledger::default();
        let Some(root) = self.directory()? else { return Ok(ledger) };
        let records = self.records()?;
        for owners in root.names_in(layout::LAYERS).map_err(|cause| self.read_error(cause))? {
            let directory = format!("{}/{owners}", layout::LAYERS);
            for hex in root.names_in(&directory).map_err(|cause| self.read_error(cause))? {
                let has = |record: &&super::record::Record| {
                    record.layers.iter().any(|layer| layer.chain_id.hex() == hex)
                };
                let images = records.iter().filter(has).count();
                ledger
                    .layers
                    .insert(format!("{owners}/{hex}"), LayerBytes { images, ..LayerBytes::default() });
            }
        }
        ledger.layers.retain(|name, _| is_layer(name));
        let mut walk = Walk::new(root.as_fd())?;
        let (mut device, mut seen) = (None, HashSet::new());
        while let Some(place) = walk.next()? {
            if *device.get_or_insert(place.stat.st_dev) != place.stat.st_dev {
                walk.skip();
            } else if place.stat.st_nlink == 1
                || place.kind() == FileType::Directory
                || seen.insert(place.stat.st_ino)
            {
                ledger.add(&String::from_utf8_lossy(&place.path), blocks(&place));
            }
        }
        Ok(ledger)
    }
}

fn is_layer(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn blocks(place: &Place) -> u64 {
    u64::try_from(place.stat.st_blocks).unwrap_or(0) * 512
}

/// Why the bytes were not counted.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Something in the store.
    #[error("cannot count what the store holds")]
    Walk(#[from] WalkError),
    /// The store.
    #[error(transparent)]
    Store(#[from] super::StoreError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_for_something() {
        let mut ledger = Ledger::default();
        ledger.layers.insert("mapped/ab".to_owned(), LayerBytes { images: 1, ..LayerBytes::default() });
        ledger.layers.insert("mapped/cd".to_owned(), LayerBytes::default());
        for (path, part) in [
            ("", Part::Store),
            ("layers/mapped", Part::Store),
            ("layers/mapped/owners.json", Part::Layers),
            ("layers/mapped/ab/tree/outline.zst", Part::Layers),
            ("layers/mapped/ab/tree/blobs/x", Part::Layers),
            ("layers/mapped/ab/outline.zst", Part::Outlines),
            ("layers/mapped/ab/blobs", Part::Blobs),
            ("layers/mapped/ab/blobs/sha256:00", Part::Blobs),
            ("layers/mapped/cd/tree", Part::UnusedLayers),
            ("images/ab/config.json", Part::Images),
            ("ended/x/upper/y", Part::Containers),
            ("events.1", Part::Events),
            ("steps/ab", Part::Memory),
            ("tmp/layer.lock", Part::Pending),
            ("letter", Part::Unknown),
            ("letters/one", Part::Unknown),
        ] {
            assert_eq!(ledger.part(path), part, "{path}");
            ledger.add(path, 1);
        }
        assert_eq!(ledger.total(), 16);
        assert_eq!(ledger.layers["mapped/ab"], LayerBytes { files: 2, outline: 1, blobs: 2, images: 1 });
    }
}
