//! What the user asked for, in the words of the specification, and what it has no words for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use oci_spec::OciSpecError;
use oci_spec::runtime::{Mount, MountBuilder};

use super::words;
use crate::plan::attachment::{Attachment, DriverFileSystem, Lower, Merged, Source};
use crate::plan::from_spec::Addition;
use crate::plan::mount::{Attributes, Content, MountKind, Ownership, Propagation, Recursion};
use crate::plan::path::{ContainerPath, Subpath};
use crate::plan::spec::PlacedMount;

/// What the specification does not say, by destination.
#[must_use]
pub fn additions(mounts: &[PlacedMount]) -> BTreeMap<ContainerPath, Addition> {
    let addition = |placed: &PlacedMount| {
        let source = (!placed.source.is_plain()).then(|| placed.source.clone());
        let ownership = ownership(&placed.request.kind);
        let needed = source.is_some() || ownership == Ownership::User;
        needed.then(|| (placed.request.destination.clone(), Addition { source, ownership }))
    };
    mounts.iter().filter_map(addition).collect()
}

impl PlacedMount {
    /// What the kernel will be asked for, without the way through a specification.
    #[must_use]
    pub fn attachment(&self) -> Attachment {
        Attachment {
            destination: self.request.destination.clone(),
            source: self.source.clone(),
            attributes: self.attributes,
            propagation: propagation(&self.request.kind),
            ownership: ownership(&self.request.kind),
        }
    }
}

/// Whose a mount's source becomes. A tmpfs says it in its own options.
fn ownership(kind: &MountKind) -> Ownership {
    match kind {
        MountKind::Bind(bind) | MountKind::Glob(bind) => bind.ownership,
        MountKind::Volume(volume) => volume.ownership,
        MountKind::Ramfs(ramfs) => ramfs.ownership,
        MountKind::Tmpfs(_) | MountKind::Image(_) | MountKind::Devpts(_) => Ownership::Kept,
    }
}

pub(super) fn compose(placed: &PlacedMount) -> Result<Mount, OciSpecError> {
    let builder = MountBuilder::default().destination(placed.request.destination.as_os_str());
    let propagation = propagation(&placed.request.kind);
    let attributes = |recursion| attribute_words(placed.attributes, recursion);
    match &placed.source {
        Source::Bind { path, recursion } => {
            let options = bind_words(attributes(*recursion), *recursion, propagation);
            builder.typ("bind").source(path.clone()).options(options).build()
        }
        Source::Beneath { base, subpath, recursion } => {
            let options = bind_words(attributes(*recursion), *recursion, propagation);
            builder.typ("bind").source(base.join(subpath.as_os_str())).options(options).build()
        }
        Source::Link { path } => {
            let mut options = bind_words(attributes(Recursion::Enabled), Recursion::Enabled, propagation);
            options.push("copy-symlink".to_owned());
            builder.typ("bind").source(path.clone()).options(options).build()
        }
        Source::New { kind, options, content } => {
            let mut all = attributes(Recursion::Disabled);
            if matches!(placed.request.kind, MountKind::Tmpfs(_)) {
                all.push(propagation.name().to_owned());
            }
            all.extend(assignments(options));
            if *content == Content::Image {
                all.push("tmpcopyup".to_owned());
            }
            builder.typ(kind.name()).source(kind.name()).options(all).build()
        }
        Source::Merged(merged) => {
            let mut options = attributes(Recursion::Disabled);
            options.extend(merged_words(merged));
            builder.typ("overlay").source("overlay").options(options).build()
        }
        Source::Driver(DriverFileSystem { kind, device, options, .. }) => {
            let mut all = attributes(Recursion::Disabled);
            all.extend(assignments(options));
            builder.typ(kind.clone()).source(device.clone()).options(all).build()
        }
    }
}

fn propagation(kind: &MountKind) -> Propagation {
    match kind {
        MountKind::Bind(bind) | MountKind::Glob(bind) => bind.propagation,
        MountKind::Tmpfs(tmpfs) => tmpfs.propagation,
        MountKind::Volume(_) | MountKind::Image(_) | MountKind::Devpts(_) | MountKind::Ramfs(_) => {
            Propagation::Rprivate
        }
    }
}

fn bind_words(mut options: Vec<String>, recursion: Recursion, propagation: Propagation) -> Vec<String> {
    let bind = if recursion == Recursion::Disabled { "bind" } else { "rbind" };
    options.extend(words(&[bind, propagation.name()]));
    options
}

fn assignments(options: &[(String, Option<String>)]) -> impl Iterator<Item = String> {
    options.iter().map(|(key, value)| match value {
        Some(value) => format!("{key}={value}"),
        None => key.clone(),
    })
}

/// As `mount(8)` takes an overlay; paths that no text can say are in the additions.
fn merged_words(merged: &Merged) -> Vec<String> {
    let place = |base: &Path, subpath: &Option<Subpath>| -> PathBuf {
        subpath.as_ref().map_or_else(|| base.to_owned(), |subpath| base.join(subpath.as_os_str()))
    };
    let lower = |lower: &Lower| place(&lower.base, &lower.subpath).to_string_lossy().into_owned();
    let lowers: Vec<_> = merged.lowers.iter().map(lower).collect();
    let mut options = vec!["userxattr".to_owned(), format!("lowerdir={}", lowers.join(":"))];
    if let Some(layer) = &merged.layer {
        options.push(format!("upperdir={}", layer.upper.display()));
        options.push(format!("workdir={}", layer.work.display()));
    }
    options
}

fn attribute_words(attributes: Attributes, recursion: Recursion) -> Vec<String> {
    let read_only = match recursion {
        Recursion::Enabled | Recursion::ReadOnlyForced => "rro",
        Recursion::Disabled | Recursion::Writable => "ro",
    };
    let word = |word: &'static str| if word == "ro" { read_only } else { word };
    attributes.words().into_iter().map(|one| word(one).to_owned()).collect()
}
