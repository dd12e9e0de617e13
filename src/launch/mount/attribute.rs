//! Permissions and propagation of a mount that is not attached yet.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::StatVfsMountFlags;
use rustix::io::Errno;
use rustix::mount::{MountAttrFlags, MountPropagationFlags};

use super::tree::Tree;
use crate::plan::attachment::Attachment;
use crate::plan::mount::{Access, Atime, Attributes, Propagation, Rule};
use crate::sys::mount::{self, MountAttributes, Recursion as Depth};
use crate::sys::{Call, SysError};

/// Sets what was asked for. What a mount came with is added to, and taken away only where a word says so.
pub(super) fn set(tree: &Tree, mount: &Attachment) -> Result<(), SysError> {
    allow(&tree.mount, mount.attributes)?;
    add(tree, mount)
}

/// Takes away what `exec`, `suid` and `dev` say not to have, on the top mount as `mount(8)` does. In a user namespace
/// the kernel keeps what the host's own mount forbids, and so it stays forbidden.
fn allow(tree: &OwnedFd, attributes: Attributes) -> Result<(), SysError> {
    let words = [
        (attributes.exec, StatVfsMountFlags::NOEXEC, MountAttrFlags::MOUNT_ATTR_NOEXEC),
        (attributes.suid, StatVfsMountFlags::NOSUID, MountAttrFlags::MOUNT_ATTR_NOSUID),
        (attributes.dev, StatVfsMountFlags::NODEV, MountAttrFlags::MOUNT_ATTR_NODEV),
    ];
    if words.iter().all(|(rule, ..)| *rule != Rule::Allow) {
        return Ok(());
    }
    let present = rustix::fs::fstatvfs(tree).call(|| "fstatvfs(mount)")?.f_flag;
    for (rule, seen, flag) in words {
        if rule != Rule::Allow || !present.contains(seen) {
            continue;
        }
        let clear = MountAttributes { clear: u64::from(flag.bits()), ..MountAttributes::default() };
        match mount::set_attributes(tree, clear, Depth::Single) {
            Err(error) if error.errno() == Errno::PERM => {}
            result => result?,
        }
    }
    Ok(())
}

fn add(tree: &Tree, mount: &Attachment) -> Result<(), SysError> {
    let mut wanted = flags(mount.attributes);
    let (propagation, propagation_depth) = propagation(mount.propagation);
    let read_only = u64::from(MountAttrFlags::MOUNT_ATTR_RDONLY.bits());
    if wanted.set & read_only != 0 && tree.read_only_depth != tree.depth {
        wanted.set &= !read_only;
        let only = MountAttributes { set: read_only, ..MountAttributes::default() };
        mount::set_attributes(&tree.mount, only, tree.read_only_depth)?;
    }
    // Each word counts for exactly its depth, which is one for a tree of one mount.
    if propagation_depth == tree.depth || tree.depth == Depth::Single {
        wanted.propagation = propagation;
    } else {
        let only = MountAttributes { propagation, ..MountAttributes::default() };
        mount::set_attributes(&tree.mount, only, propagation_depth)?;
    }
    if wanted == MountAttributes::default() {
        return Ok(());
    }
    mount::set_attributes(tree.mount.as_fd(), wanted, tree.depth)
}

fn propagation(propagation: Propagation) -> (u64, Depth) {
    let (flag, depth) = match propagation {
        Propagation::Private => (MountPropagationFlags::PRIVATE, Depth::Single),
        Propagation::Rprivate => (MountPropagationFlags::PRIVATE, Depth::Recursive),
        Propagation::Shared => (MountPropagationFlags::SHARED, Depth::Single),
        Propagation::Rshared => (MountPropagationFlags::SHARED, Depth::Recursive),
        Propagation::Slave => (MountPropagationFlags::DOWNSTREAM, Depth::Single),
        Propagation::Rslave => (MountPropagationFlags::DOWNSTREAM, Depth::Recursive),
        Propagation::Unbindable => (MountPropagationFlags::UNBINDABLE, Depth::Single),
        Propagation::Runbindable => (MountPropagationFlags::UNBINDABLE, Depth::Recursive),
    };
    (u64::from(flag.bits()), depth)
}

/// `mount_setattr(2)` flags. What a mount came with is only added to, so that nothing locked is ever touched.
fn flags(attributes: Attributes) -> MountAttributes {
    let mut set = MountAttrFlags::empty();
    let mut clear = 0;
    if attributes.access == Access::ReadOnly {
        set |= MountAttrFlags::MOUNT_ATTR_RDONLY;
    }
    for (rule, flag) in [
        (attributes.exec, MountAttrFlags::MOUNT_ATTR_NOEXEC),
        (attributes.suid, MountAttrFlags::MOUNT_ATTR_NOSUID),
        (attributes.dev, MountAttrFlags::MOUNT_ATTR_NODEV),
        (attributes.diratime, MountAttrFlags::MOUNT_ATTR_NODIRATIME),
    ] {
        if rule == Rule::Deny {
            set |= flag;
        }
    }
    let atime = match attributes.atime {
        Atime::Inherit => None,
        Atime::Relatime => Some(MountAttrFlags::MOUNT_ATTR_RELATIME),
        Atime::Noatime => Some(MountAttrFlags::MOUNT_ATTR_NOATIME),
        Atime::Strictatime => Some(MountAttrFlags::MOUNT_ATTR_STRICTATIME),
    };
    if let Some(atime) = atime {
        // The three exclude each other: the field is cleared whole and set anew.
        clear |= u64::from(MountAttrFlags::MOUNT_ATTR__ATIME.bits());
        set |= atime;
    }
    MountAttributes { set: u64::from(set.bits()), clear, ..MountAttributes::default() }
}
