//! Where a container's root filesystem lies, and what is copied there.

use std::os::fd::AsFd as _;
use std::path::Path;

use super::Error;
use super::base::{Base, open_directories, open_directory};
use super::prepare::{Draft, Prepared};
use crate::plan::Plan;
use crate::plan::request::Driver;
use crate::plan::rootfs::{Lifetime, RootIndex, Rootfs};
use crate::plan::source::ImageSource;
use crate::store::copy::{copy_tree, flatten};
use crate::store::merged::Merged;
use crate::sys::hosttree;
use crate::sys::process::DescriptorLimit;

/// The directories that a container has of its own.
pub(super) const UPPER: &str = "upper";
pub(super) const WORK: &str = "work";
pub(super) const MERGED: &str = "merged";
pub(super) const VFS_ROOT: &str = "rootfs";

pub(super) fn rootfs(draft: &Draft<'_>, base: &Base, driver: Driver) -> Result<Rootfs, Error> {
    let merged = draft.path.join(MERGED);
    if draft.request.image == ImageSource::Host {
        return Ok(Rootfs::Host { areas: hosttree::areas().map_err(Error::Probe)?, merged });
    }
    let lowers = base.lowers();
    Ok(match driver {
        Driver::Vfs => Rootfs::Directory { path: draft.path.join(VFS_ROOT), merged },
        Driver::Auto | Driver::Overlay => Rootfs::Overlay {
            // An image without layers still needs a lower directory: its own empty one.
            lowers: if lowers.is_empty() { vec![draft.path.join(VFS_ROOT)] } else { lowers.to_vec() },
            upper: draft.path.join(UPPER),
            work: draft.path.join(WORK),
            merged,
            lifetime: draft.request.lifetime,
            // Only for one that is thrown away mount points are looked for in the layers.
            index: match draft.request.lifetime {
                Lifetime::Ephemeral => base.root_index(),
                Lifetime::Kept => RootIndex::default(),
            },
        },
    })
}

/// The directories that are made for a container's root filesystem.
pub(super) fn directories(plan: &Plan) -> &'static [&'static str] {
    match &plan.rootfs {
        Rootfs::Directory { .. } => &[MERGED, VFS_ROOT],
        Rootfs::Overlay { lowers, .. } if lowers.iter().any(|lower| lower.ends_with(VFS_ROOT)) => {
            &[MERGED, UPPER, WORK, VFS_ROOT]
        }
        Rootfs::Overlay { .. } => &[MERGED, UPPER, WORK],
        Rootfs::Host { .. } => &[MERGED],
    }
}

/// With the driver vfs: copies the image.
pub(super) fn fill_root(prepared: &Prepared) -> Result<(), Error> {
    match &prepared.plan.rootfs {
        Rootfs::Directory { path, .. } => {
            super::within(prepared.namespace.as_ref(), || copy_image(&prepared.base, path))
        }
        Rootfs::Overlay { .. } | Rootfs::Host { .. } => Ok(()),
    }
}

fn copy_image(base: &Base, destination: &Path) -> Result<(), Error> {
    let _limit = DescriptorLimit::raise().map_err(Error::Probe)?;
    let lowers = open_directories(base.lowers())?;
    let destination = open_directory(destination)?;
    let copied = match base {
        Base::Image { .. } | Base::Host => flatten(&Merged::new(lowers), destination.as_fd()),
        Base::Directory(_) => match lowers.first() {
            Some(directory) => {
                copy_tree(directory.as_fd(), destination.as_fd(), &mut |user, group| (user, group))
            }
            None => Ok(()),
        },
    };
    copied.map_err(|cause| crate::store::volume::FillError::Copy(cause).into())
}
