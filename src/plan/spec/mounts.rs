//! The mounts of a specification: defaults, the user's, generated files.

mod user;

use oci_spec::OciSpecError;
use oci_spec::runtime::{Mount, MountBuilder};

use super::Composition;
use super::defaults::{MOUNTS, SCRATCH};
use crate::plan::host::{CgroupLayout, Host};
use crate::plan::idmap::to_host;
use crate::plan::namespace::Network;
use crate::plan::path::ContainerPath;
use crate::plan::request::{RootAccess, Scratch};

pub use user::additions;

/// Defaults first, then the user's by depth with the temporary directories of a read-only root among them, then the
/// files in `/etc` unless the user mounts there.
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
    let mut of_user: Vec<_> = parts.mounts.iter().map(user::compose).collect::<Result<_, _>>()?;
    if parts.request.scratch == Scratch::Tmpfs && parts.request.root_access == RootAccess::ReadOnly {
        for destination in SCRATCH.into_iter().filter(|destination| !taken(destination)) {
            of_user.push(mount(destination, "tmpfs", words(&["rw", "nosuid", "nodev", "tmpcopyup"]))?);
        }
        // Stable: what is equally deep keeps its order.
        of_user.sort_by_key(depth);
    }
    mounts.extend(of_user);
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

fn depth(mount: &Mount) -> usize {
    ContainerPath::root().join(mount.destination()).depth()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn defaults(parts: &Composition<'_>, host: &Host) -> Result<Vec<Mount>, OciSpecError> {
    let mut mounts = Vec::new();
    for default in MOUNTS {
        let mut options = words(default.options);
        if let ("proc", Some(mode)) = (default.kind, &parts.request.system_paths.hidden_processes) {
            options.push(format!("hidepid={mode}"));
        }
        // Group 5 is `tty` everywhere; where it is not mapped, the kernel refuses it.
        if default.kind == "devpts" && parts.map.is_none_or(|map| to_host(&map.groups, 5).is_some()) {
            options.push("gid=5".to_owned());
        }
        mounts.push(mount(default.destination, default.kind, options)?);
    }
    let mut shm = words(&["nosuid", "noexec", "nodev", "mode=1777"]);
    shm.push(format!("size={}", parts.request.shm_size));
    let memory = MountBuilder::default().destination("/dev/shm").typ("tmpfs").source("shm").options(shm);
    mounts.push(memory.build()?);
    let mut flags = words(&["nosuid", "noexec", "nodev"]);
    let is_writable = parts.request.system_paths.is_sys_writable;
    if !is_writable {
        flags.push("ro".to_owned());
    }
    match parts.network {
        Network::None | Network::Pasta | Network::Container => {
            mounts.push(mount("/sys", "sysfs", flags.clone())?);
            if host.cgroups == CgroupLayout::Unified {
                mounts.push(mount("/sys/fs/cgroup", "cgroup2", flags)?);
            }
        }
        // sysfs shows the network namespace that it was mounted in, and only its owner may mount it.
        Network::Host => {
            let mut options = words(&["rbind", "rprivate", "nosuid", "noexec", "nodev"]);
            if !is_writable {
                options.push("rro".to_owned());
            }
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
