//! How much room things take.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::fd::AsFd as _;
use std::path::Path;

use super::inspect::{ContainerSummary, summary};
use super::rootfs::{UPPER, VFS_ROOT};
use super::volume::VolumeSummary;
use super::{Engine, Error, within};
use crate::plan::digest::Digest;
use crate::plan::name::{ContainerId, VolumeName};
use crate::store::container::Container;
use crate::store::directory::Directory;
use crate::store::ledger::Ledger;
use crate::store::list::ImageSummary;
use crate::store::record::Record;
use crate::store::volume::DamagedVolume;
use crate::store::{StoreError, layout, volume};
use crate::sys::process::DescriptorLimit;

/// What everything in the store takes, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskUsage {
    /// The images.
    pub images: Vec<ImageUsage>,
    /// All layers of images, with the blobs that are kept of them; what several images share counts once.
    pub layers: u64,
    /// The layers of images that containers use.
    pub active_layers: u64,
    /// The containers.
    pub containers: Vec<ContainerUsage>,
    /// The volumes; without those whose driver options lead elsewhere.
    pub volumes: Vec<VolumeUsage>,
    /// The volumes whose records are damaged.
    pub damaged: Vec<DamagedVolume>,
    /// Removed volumes that can be brought back: how many, and what they take.
    pub trash: (usize, u64),
}

/// What an image takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUsage {
    /// The image.
    pub summary: ImageSummary,
    /// The layers that other images have, too.
    pub shared: u64,
    /// How many containers use it.
    pub containers: usize,
}

/// What a container takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerUsage {
    /// The container.
    pub summary: ContainerSummary,
    /// What it has written.
    pub size: u64,
    /// How many volumes it has.
    pub volumes: usize,
    /// The images that it needs.
    pub images: Vec<Digest>,
}

/// What the files of a container take, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContainerSize {
    /// What it has written.
    pub own: u64,
    /// All that it sees, but for its mounts.
    pub whole: u64,
}

/// What a volume takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeUsage {
    /// The volume.
    pub summary: VolumeSummary,
    /// Its files.
    pub size: u64,
}

impl Engine {
    /// The bytes that the files of volumes and of their snapshots take on disk. What a driver option leads to does not
    /// count.
    ///
    /// # Errors
    /// The files cannot be looked at.
    pub fn volume_sizes(&self, names: &[VolumeName]) -> Result<BTreeMap<VolumeName, u64>, Error> {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let namespace = self.own_namespace()?;
        within(namespace.as_ref(), || {
            let both = |name: &VolumeName| {
                let snapshots = self.store.path().join(layout::snapshots(name.as_str()));
                Ok((name.clone(), size(&self.store.volume_data(name))? + size(&snapshots)?))
            };
            names.iter().map(both).collect::<Result<BTreeMap<_, _>, StoreError>>()
        })
    }

    /// What everything in the store takes.
    ///
    /// # Errors
    /// The files cannot be looked at.
    pub fn disk_usage(&self) -> Result<DiskUsage, Error> {
        let containers = self.store.containers()?;
        let list = self.volumes()?;
        let volumes: Vec<_> =
            list.volumes.into_iter().filter(|volume| volume.record.options.is_empty()).collect();
        let names: Vec<VolumeName> = volumes.iter().map(|volume| volume.record.name.clone()).collect();
        let sizes = self.volume_sizes(&names)?;
        let (images, layers, active_layers) = self.image_usage(&containers)?;
        Ok(DiskUsage {
            images,
            layers,
            active_layers,
            containers: self.container_usage(containers)?,
            volumes: volumes
                .into_iter()
                .map(|summary| {
                    let size = sizes.get(&summary.record.name).copied().unwrap_or_default();
                    VolumeUsage { summary, size }
                })
                .collect(),
            damaged: list.damaged,
            trash: (self.trash()?.len(), self.trash_size()?),
        })
    }

    /// What each byte of the store is for.
    ///
    /// # Errors
    /// The files cannot be looked at.
    pub fn ledger(&self) -> Result<Ledger, Error> {
        let namespace = self.own_namespace()?;
        within(namespace.as_ref(), || -> Result<_, Error> {
            let _limit = DescriptorLimit::raise().map_err(Error::Probe)?;
            Ok(self.store.ledger()?)
        })
    }

    /// What the files of some containers take; one that is gone by now is left out.
    ///
    /// # Errors
    /// The files cannot be looked at.
    pub fn container_sizes(
        &self,
        ids: &[ContainerId],
    ) -> Result<BTreeMap<ContainerId, ContainerSize>, Error> {
        let is_meant = |container: &Container| ids.contains(&container.record.id);
        let containers: Vec<_> = self.store.containers()?.into_iter().filter(is_meant).collect();
        // A copy of the image is among the container's own files.
        let image = |container: &Container| match container.record.driver.as_str() {
            "vfs" => None,
            _ => container.record.image_id.clone(),
        };
        let images: Vec<Option<Digest>> = containers.iter().map(image).collect();
        let records = self.store.records()?;
        let below = |image: &Option<Digest>| {
            let record = records.iter().find(|record| Some(&record.id) == image.as_ref());
            record.map(Record::size).unwrap_or_default()
        };
        let usage = self.container_usage(containers)?.into_iter().zip(&images);
        Ok(usage
            .map(|(usage, image)| {
                let whole = usage.size.saturating_add(below(image));
                (usage.summary.id, ContainerSize { own: usage.size, whole })
            })
            .collect())
    }

    /// The images that the image which `text` names is part of, itself included; none if there is no such image.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn images_upon(&self, text: &str) -> Result<BTreeSet<Digest>, Error> {
        let Ok(image) = self.store.find_image(text) else { return Ok(BTreeSet::new()) };
        let below: Vec<&Digest> = image.layers.iter().map(|layer| &layer.chain_id).collect();
        let records = self.store.records()?.into_iter();
        let upon = records.filter(|record| {
            let has_all =
                record.layers.iter().map(|layer| &layer.chain_id).take(below.len()).eq(below.iter().copied());
            record.id == image.id || (has_all && !below.is_empty())
        });
        Ok(upon.map(|record| record.id).collect())
    }

    pub(super) fn container_usage(&self, containers: Vec<Container>) -> Result<Vec<ContainerUsage>, Error> {
        if containers.is_empty() {
            return Ok(Vec::new());
        }
        let namespace = self.own_namespace()?;
        let written = |container: &Container| -> Result<u64, StoreError> {
            let parts = [UPPER, VFS_ROOT, layout::MOUNT_LAYERS];
            parts.iter().map(|part| size(&container.path.join(part))).sum()
        };
        let sizes: Vec<u64> = within(namespace.as_ref(), || {
            containers.iter().map(written).collect::<Result<Vec<_>, StoreError>>()
        })?;
        let usage = |(container, size): (Container, u64)| ContainerUsage {
            images: container.images().cloned().collect(),
            volumes: container.mounts().filter(|mount| mount.volume.is_some()).count(),
            summary: summary(container),
            size,
        };
        Ok(containers.into_iter().zip(sizes).map(usage).collect())
    }

    /// The images, the bytes of all their layers with their blobs, and those of the layers that containers use.
    fn image_usage(&self, containers: &[Container]) -> Result<(Vec<ImageUsage>, u64, u64), Error> {
        let records = self.store.records()?;
        let used: Vec<&Digest> = containers.iter().flat_map(Container::images).collect();
        let mut layers: HashMap<&Digest, (u64, usize)> = HashMap::new();
        let mut active: HashMap<&Digest, u64> = HashMap::new();
        let kept = self.store.kept_bytes()?;
        for record in &records {
            for layer in &record.layers {
                let bytes = layer.size + kept.get(&layer.chain_id).copied().unwrap_or_default();
                layers.entry(&layer.chain_id).or_insert((bytes, 0)).1 += 1;
                if used.contains(&&record.id) {
                    active.insert(&layer.chain_id, bytes);
                }
            }
        }
        let shared = |record: &Record| -> u64 {
            let several = |id: &Digest| layers.get(id).is_some_and(|(_, images)| *images > 1);
            record.layers.iter().filter(|layer| several(&layer.chain_id)).map(|layer| layer.size).sum()
        };
        let summaries = self.store.images()?.into_iter();
        let images = summaries.map(|summary| ImageUsage {
            shared: records.iter().find(|record| record.id == summary.id).map(shared).unwrap_or_default(),
            // Once, even where it mounts the image that it was made from.
            containers: containers.iter().filter(|one| one.images().any(|id| *id == summary.id)).count(),
            summary,
        });
        Ok((images.collect(), layers.values().map(|(size, _)| size).sum(), active.values().sum()))
    }

    /// The bytes that the files of removed volumes and their snapshots take on disk until they are gone; of a volume as
    /// much as before it was removed.
    ///
    /// # Errors
    /// The files cannot be looked at.
    pub fn trash_size(&self) -> Result<u64, Error> {
        let entries = self.store.trash_directories()?;
        if entries.is_empty() {
            return Ok(0);
        }
        let namespace = self.own_namespace()?;
        within(namespace.as_ref(), || {
            let parts = entries
                .iter()
                .flat_map(|entry| [layout::VOLUME_DATA, layout::SNAPSHOTS].map(|part| entry.join(part)));
            parts.map(|part| size(&part)).sum::<Result<u64, StoreError>>()
        })
    }
}

/// The bytes below a directory; one that is not there has none.
pub(super) fn size(path: &Path) -> Result<u64, StoreError> {
    let failed = |cause| StoreError::Read { path: path.to_owned(), cause };
    match Directory::open(path) {
        Ok(directory) => volume::usage(directory.as_fd()).map_err(failed),
        Err(error) if error.errno() == rustix::io::Errno::NOENT => Ok(0),
        Err(cause) => Err(failed(cause)),
    }
}
