//! What a prune takes: looked up once for the preview, and again for each kind when it is its turn.

use std::collections::BTreeMap;

use minirun::container::{ContainerUsage, DiskUsage, ImageUsage, State};
use minirun::plan::name::{ContainerName, VolumeName};
use minirun::plan::reference::Reference;

use super::filter::Filters;
use crate::failure::Failure;
use crate::output::Output;
use crate::{size, time};

/// Which images may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Images {
    /// Those without a name.
    Dangling,
    /// All that no container uses.
    Unused,
}

/// What may go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) images: Images,
    pub(super) filters: &'a Filters,
}

/// What would go.
#[derive(Debug, Default)]
pub(super) struct Choice<'a> {
    pub(super) containers: Vec<&'a ContainerUsage>,
    pub(super) volumes: BTreeMap<VolumeName, u64>,
    pub(super) images: Vec<&'a ImageUsage>,
}

impl Scope<'_> {
    /// The containers that have ended.
    pub(super) fn containers<'u>(&self, usage: &'u DiskUsage) -> Vec<&'u ContainerUsage> {
        let is_over = |one: &&ContainerUsage| {
            let summary = &one.summary;
            summary.state != State::Running && self.filters.fit(summary.created, &summary.labels)
        };
        usage.containers.iter().filter(is_over).collect()
    }

    /// The volumes without a name that nobody uses but `gone`.
    pub(super) fn volumes(&self, usage: &DiskUsage, gone: &[&ContainerUsage]) -> BTreeMap<VolumeName, u64> {
        let is_gone = |name: &ContainerName| gone.iter().any(|one| one.summary.name == *name);
        let unused = usage.volumes.iter().filter(|one| {
            let record = &one.summary.record;
            record.anonymous
                && one.summary.users.iter().all(is_gone)
                && self.filters.fit(record.created, &record.labels)
        });
        unused.map(|one| (one.summary.record.name.clone(), one.size)).collect()
    }

    /// The images that nobody uses but `gone`.
    pub(super) fn images<'u>(&self, usage: &'u DiskUsage, gone: &[&ContainerUsage]) -> Vec<&'u ImageUsage> {
        let is_kept = |one: &&ContainerUsage| !gone.iter().any(|other| other.summary.id == one.summary.id);
        let kept: Vec<&ContainerUsage> = usage.containers.iter().filter(is_kept).collect();
        let is_wanted = |image: &&ImageUsage| {
            let summary = &image.summary;
            let created = summary.created.as_deref().and_then(time::parse).unwrap_or_default();
            let is_used = kept.iter().any(|one| one.images.contains(&summary.id));
            !is_used
                && (self.images == Images::Unused || summary.references.is_empty())
                && self.filters.fit(created, &summary.labels)
        };
        usage.images.iter().filter(is_wanted).collect()
    }
}

impl Choice<'_> {
    /// Prints what would go, and what that would free: of images only what no other image has.
    pub(super) fn preview(&self, output: &mut Output) -> Result<(), Failure> {
        let containers = self.containers.iter().map(|one| (one.summary.name.to_string(), one.size)).collect();
        let volumes = self.volumes.iter().map(|(name, size)| (name.to_string(), *size)).collect();
        let images = self.images.iter().map(|one| {
            let own = one.summary.size.saturating_sub(one.shared);
            let name = one.summary.references.first();
            (name.map_or_else(|| one.summary.id.to_string(), Reference::familiar), own)
        });
        let kinds: [(&str, Vec<(String, u64)>); 3] =
            [("Containers", containers), ("Volumes", volumes), ("Images", images.collect())];
        for (title, rows) in kinds.iter().filter(|(_, rows)| !rows.is_empty()) {
            output.line(format!("{title} to delete:"))?;
            rows.iter()
                .try_for_each(|(name, bytes)| output.line(format!("{name}  {}", size::show(*bytes))))?;
            output.line("")?;
        }
        let bytes = kinds.iter().flat_map(|(_, rows)| rows).map(|(_, bytes)| bytes).sum();
        output.line(format!("Space to reclaim: {}", size::show(bytes)))
    }
}
