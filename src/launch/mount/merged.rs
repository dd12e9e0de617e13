//! Overlays besides the root: a layer over a directory of the host, and the layers of an image.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{OFlags, StatVfsMountFlags};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use super::tree::{self, Tree};
use super::{Cause, tree::open_path};
use crate::launch::Copying;
use crate::launch::rootfs::{Mounted, Overlay, PointKind, Upper};
use crate::plan::attachment::{Devices, Looks, Lower, Merged, WritableLayer};
use crate::sys::mount::{self, Recursion};
use crate::sys::process::DescriptorLimit;
use crate::sys::{Call, SysError};

/// Merges the directories.
pub(super) fn open(merged: &Merged, copying: Copying<'_>) -> Result<Tree, Cause> {
    let _limit = DescriptorLimit::raise()?;
    let lowers = merged.lowers.iter().map(lower).collect::<Result<Vec<_>, _>>()?;
    let Some(top) = merged.lowers.first() else {
        return Err(SysError::new("fsconfig(overlay, no lowerdir)", Errno::INVAL).into());
    };
    let upper = merged.layer.as_ref().map(|layer| upper(layer, lowers.first(), copying)).transpose()?;
    let attributes = match merged.devices {
        Devices::Allowed => inherited(lowers.first())?,
        Devices::Denied => MountAttrFlags::MOUNT_ATTR_NODEV,
    };
    let overlay = Overlay { scaffold: None, lowers, upper, attributes };
    // Where it is attached by path, that is over a directory that the overlay has open already.
    let whole = match overlay.mount(&top.base).map_err(Cause::Overlay)? {
        Mounted::Detached(whole) => whole,
        Mounted::Attached => mount::clone_file(open_path(&top.base, OFlags::DIRECTORY)?, Recursion::Single)?,
    };
    match &merged.subpath {
        None => Ok(Tree::single(whole, PointKind::Directory)),
        Some(subpath) => tree::part(&whole, &top.base, subpath),
    }
}

/// What the mount that the source lies on forbids: a layer over it allows no more.
fn inherited(top: Option<&OwnedFd>) -> Result<MountAttrFlags, SysError> {
    let Some(top) = top else { return Ok(MountAttrFlags::empty()) };
    let present = rustix::fs::fstatvfs(top).call(|| "fstatvfs(source)")?.f_flag;
    let flags = [
        (StatVfsMountFlags::NOEXEC, MountAttrFlags::MOUNT_ATTR_NOEXEC),
        (StatVfsMountFlags::NOSUID, MountAttrFlags::MOUNT_ATTR_NOSUID),
        (StatVfsMountFlags::NODEV, MountAttrFlags::MOUNT_ATTR_NODEV),
    ];
    Ok(flags.into_iter().filter(|(seen, _)| present.contains(*seen)).map(|(_, flag)| flag).collect())
}

fn lower(lower: &Lower) -> Result<OwnedFd, Cause> {
    let base = open_path(&lower.base, OFlags::DIRECTORY)?;
    let directory = match &lower.subpath {
        None => base,
        Some(subpath) => tree::open_part(base.as_fd(), subpath)?,
    };
    match tree::kind(directory.as_fd())? {
        PointKind::Directory => Ok(directory),
        PointKind::File => Err(Cause::LayerOverFile),
    }
}

/// Opens the writable layer, and lets the mount point look as the source does.
fn upper(layer: &WritableLayer, top: Option<&OwnedFd>, copying: Copying<'_>) -> Result<Upper, Cause> {
    let upper = tree::open_readable(&layer.upper)?;
    if let (Looks::Source, Some(top)) = (layer.looks, top) {
        (copying.dress)(top.as_fd(), upper.as_fd()).map_err(Cause::Dress)?;
    }
    let work = open_path(&layer.work, OFlags::DIRECTORY)?;
    Ok(Upper { changes: upper, work, lifetime: layer.lifetime })
}
