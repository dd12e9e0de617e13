//! Where a container's root filesystem lies.

use super::Error;
use super::base::Base;
use super::prepare::Draft;
use crate::plan::Plan;
use crate::plan::request::Driver;
use crate::plan::rootfs::Rootfs;
use crate::plan::source::ImageSource;
use crate::sys::hosttree;

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
            lowers: if lowers.is_empty() { vec![draft.path.join(VFS_ROOT)] } else { lowers },
            upper: draft.path.join(UPPER),
            work: draft.path.join(WORK),
            merged,
            lifetime: draft.request.lifetime,
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
