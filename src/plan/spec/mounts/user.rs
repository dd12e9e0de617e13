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
        let asked = placed.request.origin.clone();
        (placed.request.destination.clone(), Addition { source, ownership, asked })
    };
    mounts.iter().map(addition).collect()
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
            asked: Some(self.request.origin.clone()),
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
        Source::Device { path, .. } => {
            let options = bind_words(attributes(Recursion::Disabled), Recursion::Disabled, propagation);
            builder.typ("bind").source(path.clone()).options(options).build()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::attachment::{Devices, Looks, WritableLayer};
    use crate::plan::mount::parse_volume;
    use crate::plan::rootfs::Lifetime;

    fn placed(flag: &str, source: Source) -> PlacedMount {
        let request = parse_volume(flag.as_ref()).unwrap();
        let attributes = request.attributes();
        PlacedMount { request, source, attributes }
    }

    fn layered() -> Source {
        Source::Merged(Merged {
            lowers: vec![Lower { base: "/src".into(), subpath: Some(Subpath::parse("a").unwrap()) }],
            layer: Some(WritableLayer {
                upper: "/c/upper".into(),
                work: "/c/work".into(),
                lifetime: Lifetime::Kept,
                looks: Looks::Source,
            }),
            subpath: None,
            devices: Devices::Allowed,
        })
    }

    #[test]
    fn a_layer_is_an_overlay_to_other_runtimes() {
        let mount = compose(&placed("/src:/x:cow", layered())).unwrap();
        assert_eq!(mount.typ().as_deref(), Some("overlay"));
        let expected =
            ["rw", "userxattr", "lowerdir=/src/a", "upperdir=/c/upper", "workdir=/c/work"].map(str::to_owned);
        assert_eq!(mount.options().as_deref(), Some(&expected[..]));
    }

    #[test]
    fn what_has_no_words_is_added() {
        let bind = Source::Bind { path: "/src".into(), recursion: Recursion::Enabled };
        let mounts = [
            placed("/src:/plain", bind.clone()),
            placed("/src:/given:U", bind),
            placed("/src:/layered:cow", layered()),
        ];
        let additions = additions(&mounts);
        let shown: Vec<_> = additions
            .iter()
            .map(|(destination, one)| (destination.to_string(), one.source.is_some(), one.ownership))
            .collect();
        let added =
            |destination: &str, has_source, ownership| (destination.to_owned(), has_source, ownership);
        assert_eq!(
            shown,
            [
                added("/given", false, Ownership::User),
                added("/layered", true, Ownership::Kept),
                added("/plain", false, Ownership::Kept)
            ]
        );
        let asked: Vec<_> = additions.values().map(|one| one.asked.to_string()).collect();
        assert_eq!(asked, ["-v /src:/given:U", "-v /src:/layered:cow", "-v /src:/plain"]);
    }

    #[test]
    fn a_part_is_bound_by_its_path_elsewhere() {
        let subpath = Subpath::parse("a/b").unwrap();
        let source = Source::Beneath { base: "/v/_data".into(), subpath, recursion: Recursion::Enabled };
        let mount = compose(&placed("vol:/x:ro", source)).unwrap();
        assert_eq!(mount.source().as_deref(), Some(Path::new("/v/_data/a/b")));
        assert!(mount.options().as_ref().unwrap().contains(&"rro".to_owned()));
        let mount = compose(&placed("/s:/x", Source::Link { path: "/s".into() })).unwrap();
        assert!(mount.options().as_ref().unwrap().contains(&"copy-symlink".to_owned()));
    }
}
