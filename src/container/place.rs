//! Where everything that is to be mounted lies: checked as far as it can be, and nothing of it made.

mod bind;
mod device;
mod donor;
mod glob;
mod image;
mod volume;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::base::{Base, Intent};
use super::{Engine, Error, Event, Events};
use crate::plan::account::Account;
use crate::plan::attachment::{FileSystem, Looks, Source, WritableLayer};
use crate::plan::digest::Digest;
use crate::plan::mount::{
    Devpts, ImageVolumes, MountKind, MountRequest, Origin, Ownership, Ramfs, Tmpfs, TmpfsKey, View, resolve,
};
use crate::plan::path::ContainerPath;
use crate::plan::request::RunRequest;
use crate::plan::rootfs::{Fill, Lifetime};
use crate::plan::spec::PlacedMount;
use crate::plan::userns::UserNamespace;
use crate::store::container::MountRecord;
use crate::store::layer::LayerOwners;
use crate::store::layout;
use crate::store::volume::VolumeRecord;

use super::rootfs::{UPPER, WORK};

/// What is known of a container when its mounts get their places.
pub(super) struct Site<'a> {
    pub(super) engine: &'a Engine,
    pub(super) account: &'a Account,
    pub(super) namespace: Option<&'a UserNamespace>,
    pub(super) owners: &'a LayerOwners,
    pub(super) intent: Intent,
    /// Whether the container stays when it has ended.
    pub(super) lifetime: Lifetime,
    /// The container's directory, which need not exist yet.
    pub(super) directory: &'a Path,
}

/// All mounts in their places, and what has to be made for them.
#[derive(Default)]
pub(super) struct Placement {
    pub(super) mounts: Vec<PlacedMount>,
    pub(super) records: Vec<MountRecord>,
    pub(super) volumes: Vec<VolumeRecord>,
    pub(super) fills: Vec<Fill>,
    /// Images that are mounted.
    pub(super) images: Vec<Digest>,
    /// Directories in the container's own, each after its parent.
    pub(super) directories: Vec<String>,
    /// Layers, by directory, whose changes are going to be looked at, and what they lie over.
    pub(super) reviewed: Vec<(String, PathBuf)>,
    /// Directories of the host that a bind makes.
    pub(super) missing_sources: Vec<(Origin, PathBuf)>,
}

/// One mount in its place.
struct Placed {
    mount: PlacedMount,
    record: MountRecord,
}

/// Mounts being given their places.
struct Placing<'a> {
    site: &'a Site<'a>,
    placement: Placement,
    /// Where anonymous volumes of other containers are mounted.
    anonymous: BTreeSet<ContainerPath>,
}

/// The `VOLUME`s of an image. One that is relative is meant from the root, as with Docker; what is no path at all is none.
fn declared_volumes(texts: &[String], events: Events<'_>) -> Vec<ContainerPath> {
    let mut paths = Vec::with_capacity(texts.len());
    for text in texts {
        let whole = if text.is_empty() { String::new() } else { format!("/{text}") };
        match ContainerPath::parse(&whole) {
            Ok(path) => paths.push(path),
            Err(error) => events(Event::Notice(format!("a VOLUME of the image is left out: {error}"))),
        }
    }
    paths
}

impl Site<'_> {
    /// Gives every mount its place. Images come last, as they may have to be loaded first.
    pub(super) fn place(
        &self,
        asked: &RunRequest,
        base: &Base,
        events: Events<'_>,
    ) -> Result<Placement, Error> {
        let config = base.config();
        let declared = config.volumes().as_deref().unwrap_or_default();
        let image_volumes = declared_volumes(declared, &mut *events);
        let cwd = &self.engine.host.working_directory;
        let requests = glob::expand(asked.mounts.clone(), cwd)?;
        let donated = donor::donated(&self.engine.store, &asked.donors)?;
        let all = donated.requests.into_iter().chain(requests).collect();
        let resolved = resolve(all, &image_volumes, asked.image_volumes, cwd)?;
        let placing = Placing { site: self, placement: Placement::default(), anonymous: donated.anonymous };
        let mut placement = placing.all(0, &resolved, &mut *events)?;
        // Behind all others, as they lie in one of those.
        let devices = self.devices(asked, &placement.mounts, events)?;
        placement.mounts.extend(devices);
        Ok(placement)
    }

    /// Gives a mount that comes later its place; it is the one of number `index` in the container.
    pub(super) fn place_later(
        &self,
        index: usize,
        request: MountRequest,
        events: Events<'_>,
    ) -> Result<Placement, Error> {
        let cwd = &self.engine.host.working_directory;
        let resolved = resolve(vec![request], &[], ImageVolumes::default(), cwd)?;
        let placing = Placing { site: self, placement: Placement::default(), anonymous: BTreeSet::new() };
        placing.all(index, &resolved, events)
    }
}

impl Placing<'_> {
    fn all(
        mut self,
        first: usize,
        resolved: &[MountRequest],
        events: Events<'_>,
    ) -> Result<Placement, Error> {
        let mut placed: Vec<Option<Placed>> = Vec::with_capacity(resolved.len());
        for (index, request) in resolved.iter().enumerate() {
            let one = self.place(first + index, request);
            placed.push(one.map_err(|error| error.about(&request.origin))?);
        }
        for (index, request) in resolved.iter().enumerate() {
            if let MountKind::Image(image) = &request.kind {
                let one = self.image(first + index, (request, image), &mut *events);
                placed[index] = Some(one.map_err(|error| error.about(&request.origin))?);
            }
        }
        for Placed { mount, record } in placed.into_iter().flatten() {
            self.placement.mounts.push(mount);
            self.placement.records.push(record);
        }
        Ok(self.placement)
    }

    /// Places one mount, unless it is an image.
    fn place(&mut self, index: usize, request: &MountRequest) -> Result<Option<Placed>, Error> {
        let placed = match &request.kind {
            MountKind::Bind(bind) | MountKind::Glob(bind) => self.bind(index, request, bind)?,
            MountKind::Volume(volume) => self.volume(index, request, volume)?,
            MountKind::Tmpfs(tmpfs) => in_memory(request, self.tmpfs(tmpfs)),
            MountKind::Devpts(devpts) => in_memory(request, devpts_source(devpts)),
            MountKind::Ramfs(ramfs) => in_memory(request, ramfs_source(ramfs)),
            MountKind::Image(_) => return Ok(None),
        };
        Ok(Some(placed))
    }

    fn tmpfs(&self, tmpfs: &Tmpfs) -> Source {
        let mut options: Vec<_> = tmpfs.flags.iter().map(|flag| (flag.name().to_owned(), None)).collect();
        let mut values = tmpfs.options.clone();
        if tmpfs.ownership == Ownership::User {
            let account = self.site.account;
            values.entry(TmpfsKey::Uid).or_insert_with(|| account.uid.to_string());
            values.entry(TmpfsKey::Gid).or_insert_with(|| account.gid.to_string());
        }
        options.extend(values.into_iter().map(|(key, value)| (key.name().to_owned(), Some(value))));
        Source::New { kind: FileSystem::Tmpfs, options, content: tmpfs.content }
    }

    /// Gives a layer of the container's own its directories, or takes the caller's; none where writes go to the
    /// source.
    fn layer(&mut self, index: usize, view: &View) -> Option<(WritableLayer, Option<String>)> {
        let lifetime = match view {
            View::Direct => return None,
            View::Layer { upper, work } => {
                let (upper, work) = (upper.clone(), work.clone());
                let layer = WritableLayer { upper, work, lifetime: Lifetime::Kept, looks: Looks::Own };
                return Some((layer, None));
            }
            View::Discarded => Lifetime::Ephemeral,
            View::Review => self.site.lifetime,
        };
        let name = self.own_directory(index);
        let at = self.site.directory.join(&name);
        let layer =
            WritableLayer { upper: at.join(UPPER), work: at.join(WORK), lifetime, looks: Looks::Source };
        Some((layer, Some(name)))
    }

    /// A directory in the container's own for the mount at `index`, with room for a layer.
    fn own_directory(&mut self, index: usize) -> String {
        let name = format!("{}/{index}", layout::MOUNT_LAYERS);
        let directories = &mut self.placement.directories;
        if directories.is_empty() {
            directories.push(layout::MOUNT_LAYERS.to_owned());
        }
        directories.push(name.clone());
        directories.extend([UPPER, WORK].map(|part| format!("{name}/{part}")));
        name
    }
}

fn in_memory(request: &MountRequest, source: Source) -> Placed {
    placed(request, source, record(request, PathBuf::new()))
}

fn placed(request: &MountRequest, source: Source, record: MountRecord) -> Placed {
    let attributes = request.attributes();
    Placed { mount: PlacedMount { request: request.clone(), source, attributes }, record }
}

fn record(request: &MountRequest, source: PathBuf) -> MountRecord {
    MountRecord { request: request.clone(), volume: None, anonymous: false, source, layer: None }
}

fn devpts_source(devpts: &Devpts) -> Source {
    let options = devpts.options.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
    let content = crate::plan::mount::Content::Empty;
    Source::New { kind: FileSystem::Devpts, options: options.collect(), content }
}

fn ramfs_source(ramfs: &Ramfs) -> Source {
    let options = ramfs.mode.iter().map(|mode| ("mode".to_owned(), Some(mode.clone()))).collect();
    Source::New { kind: FileSystem::Ramfs, options, content: ramfs.content }
}
