//! The mounts of a specification: defaults, the user's, generated files.

use oci_spec::OciSpecError;
use oci_spec::runtime::{Mount, MountBuilder};

use super::defaults::MOUNTS;
use super::{Composition, PlacedMount};
use crate::plan::host::{CgroupLayout, Host};
use crate::plan::idmap::to_host;
use crate::plan::mount::{Attributes, Content, MountKind, Propagation, Recursion, Tmpfs};
use crate::plan::namespace::Network;
use crate::plan::path::ContainerPath;
use crate::plan::request::RootAccess;

/// Defaults first, then the user's by depth, then the files in `/etc` unless the user mounts there.
pub(super) fn compose(parts: &Composition<'_>, host: &Host) -> Result<Vec<Mount>, OciSpecError> {
    let taken = |destination: &str| {
        parts.mounts.iter().any(|mount| mount.request.destination.as_os_str() == destination)
    };
    let below_taken_dev = |destination: &str| taken("/dev") && destination.starts_with("/dev/");
    let mut mounts = Vec::new();
    for mount in defaults(parts, host)? {
        let destination = mount.destination().to_string_lossy();
        if !taken(&destination) && !below_taken_dev(&destination) {
            mounts.push(mount);
        }
    }
    for placed in parts.mounts {
        mounts.push(user_mount(placed)?);
    }
    for name in &parts.files.names {
        let destination = format!("/etc/{name}");
        if !taken(&destination) {
            mounts.push(generated_file(parts, name, &destination)?);
        }
    }
    Ok(mounts)
}

fn mount(destination: &str, kind: &str, options: Vec<String>) -> Result<Mount, OciSpecError> {
    MountBuilder::default().destination(destination).typ(kind).source(kind).options(options).build()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn defaults(parts: &Composition<'_>, host: &Host) -> Result<Vec<Mount>, OciSpecError> {
    let mut mounts = Vec::new();
    for default in MOUNTS {
        let mut options = words(default.options);
        // Group 5 is `tty` everywhere; where it is not mapped, the kernel refuses it.
        if default.kind == "devpts" && parts.map.is_none_or(|map| to_host(&map.groups, 5).is_some()) {
            options.push("gid=5".to_owned());
        }
        mounts.push(mount(default.destination, default.kind, options)?);
    }
    let mut shm = words(&["nosuid", "noexec", "nodev", "mode=1777"]);
    shm.push(format!("size={}", parts.request.shm_size));
    mounts.push(mount("/dev/shm", "tmpfs", shm)?);
    let flags = ["nosuid", "noexec", "nodev", "ro"];
    match parts.request.network {
        Network::None => {
            mounts.push(mount("/sys", "sysfs", words(&flags))?);
            if host.cgroups == CgroupLayout::Unified {
                mounts.push(mount("/sys/fs/cgroup", "cgroup2", words(&flags))?);
            }
        }
        // sysfs shows the network namespace that it was mounted in, and only its owner may mount it.
        Network::Host => {
            let mut options = words(&["rbind", "rro", "rprivate"]);
            options.extend(words(&["nosuid", "noexec", "nodev"]));
            let bind =
                MountBuilder::default().destination("/sys").typ("bind").source("/sys").options(options);
            mounts.push(bind.build()?);
        }
    }
    Ok(mounts)
}

fn generated_file(parts: &Composition<'_>, name: &str, destination: &str) -> Result<Mount, OciSpecError> {
    let mut options = words(&["bind", "rprivate"]);
    if parts.request.root_access == RootAccess::ReadOnly {
        options.push("ro".to_owned());
    }
    let source = parts.files.directory.join(name);
    MountBuilder::default().destination(destination).typ("bind").source(source).options(options).build()
}

pub(crate) fn user_mount(placed: &PlacedMount) -> Result<Mount, OciSpecError> {
    let destination: &ContainerPath = &placed.request.destination;
    let builder = MountBuilder::default().destination(destination.as_os_str());
    match &placed.request.kind {
        MountKind::Bind(bind) | MountKind::Glob(bind) => {
            let mut options = attributes(bind.attributes, bind.recursion);
            options.push(if bind.recursion == Recursion::Disabled { "bind" } else { "rbind" }.to_owned());
            options.push(bind.propagation.name().to_owned());
            builder.typ("bind").source(bind.source.clone()).options(options).build()
        }
        MountKind::Volume(volume) => {
            let mut options = attributes(volume.attributes, Recursion::Enabled);
            options.extend(words(&["rbind", Propagation::Rprivate.name()]));
            builder.typ("bind").source(placed.data.clone().unwrap_or_default()).options(options).build()
        }
        MountKind::Image(image) => {
            let mut options = attributes(image.attributes, Recursion::Enabled);
            options.push("rbind".to_owned());
            builder.typ("bind").source(placed.data.clone().unwrap_or_default()).options(options).build()
        }
        MountKind::Devpts(devpts) => {
            let mut options = attributes(devpts.attributes, Recursion::Disabled);
            options.extend(devpts.options.iter().map(|(key, value)| format!("{key}={value}")));
            builder.typ("devpts").source("devpts").options(options).build()
        }
        MountKind::Ramfs(ramfs) => {
            let options = attributes(ramfs.attributes, Recursion::Disabled);
            builder.typ("ramfs").source("ramfs").options(options).build()
        }
        MountKind::Tmpfs(tmpfs) => builder.typ("tmpfs").source("tmpfs").options(tmpfs_options(tmpfs)).build(),
    }
}

fn tmpfs_options(tmpfs: &Tmpfs) -> Vec<String> {
    let mut options = attributes(tmpfs.attributes, Recursion::Disabled);
    options.push(tmpfs.propagation.name().to_owned());
    options.extend(tmpfs.flags.iter().map(|flag| flag.name().to_owned()));
    options.extend(tmpfs.options.iter().map(|(key, value)| format!("{}={value}", key.name())));
    if tmpfs.content == Content::Image {
        options.push("tmpcopyup".to_owned());
    }
    options
}

fn attributes(attributes: Attributes, recursion: Recursion) -> Vec<String> {
    let read_only = match recursion {
        Recursion::Enabled | Recursion::ReadOnlyForced => "rro",
        Recursion::Disabled | Recursion::Writable => "ro",
    };
    let word = |word: &'static str| if word == "ro" { read_only } else { word };
    attributes.words().into_iter().map(|one| word(one).to_owned()).collect()
}
