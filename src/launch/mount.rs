//! The container's mounts, in order: made detached, given their attributes, attached by descriptor.

mod attribute;
mod conceal;
mod default;
mod link;
mod merged;
mod peers;
mod tree;

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::AtFlags;
use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use thiserror::Error;

use super::init::InitError;
use super::rootfs::{PointError, Root};
use super::{Copying, device};
use crate::plan::Plan;
use crate::plan::attachment::{Attachment, DriverFileSystem, Source};
use crate::plan::mount::Ownership;
use crate::plan::namespace::Namespaces;
use crate::plan::process::User;
use crate::sys::mount;
use crate::sys::report::Report;
use crate::sys::{Call, SysError};

pub(super) use conceal::conceal;
pub(super) use default::check_destination;
pub(super) use peers::Peers;
pub(super) use tree::{Opened, Tree, open};

/// One mount that could not be had.
#[derive(Debug, Error)]
#[error("cannot mount {what}")]
pub(super) struct MountFailure {
    what: String,
    #[source]
    cause: Cause,
}

/// Why not.
#[derive(Debug, Error)]
pub(super) enum Cause {
    #[error(transparent)]
    Sys(#[from] SysError),
    #[error(transparent)]
    Point(#[from] PointError),
    #[error("nothing but a procfs can be mounted over `/proc`, and inside only over {0}")]
    Proc(String),
    #[error("the image has a symlink there, which would lead the mount somewhere else")]
    SymlinkInImage,
    #[error("a symlink leads it into `/dev`, which is the container's own")]
    Devices,
    #[error("what is there is no regular file")]
    NotRegular,
    #[error("the image's files cannot be copied into it")]
    Copy(#[source] Report),
    #[error("it cannot be given to the container's user")]
    Own(#[source] Report),
    #[error("the layer over it cannot look like it")]
    Dress(#[source] Report),
    #[error("there is no `{subpath}` in it")]
    NoSubpath {
        subpath: String,
        #[source]
        source: SysError,
    },
    #[error("`{subpath}` leads out of it")]
    SubpathOutside {
        subpath: String,
        #[source]
        source: SysError,
    },
    #[error("a layer can lie over a directory only, and this is a file")]
    LayerOverFile,
    #[error("overlayfs does not take these directories")]
    Overlay(#[source] SysError),
    #[error("the kernel lets only root mount a file system of type {kind}")]
    RootOnly {
        kind: String,
        #[source]
        source: SysError,
    },
    #[error("there is something else already where the symlink is to be")]
    Occupied,
}

impl MountFailure {
    pub(super) fn new(what: impl Into<String>, destination: &impl ToString, cause: impl Into<Cause>) -> Self {
        let what = format!("{} at `{}`", what.into(), destination.to_string());
        Self { what, cause: cause.into() }
    }

    /// The same for a mount as it was asked for, or as minirun itself wants it.
    pub(super) fn of(mount: &Attachment, cause: impl Into<Cause>) -> Self {
        match &mount.asked {
            Some(asked) => Self { what: format!("`{asked}`"), cause: cause.into() },
            None => Self::new(describe(mount), &mount.destination, cause),
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        let hint = match &self.cause {
            Cause::Sys(error) => return hint_for(error).map(str::to_owned),
            Cause::Point(PointError::Walk { source, .. }) if source.errno() == Errno::ROFS => {
                "the mount point does not exist, and what it lies in is read-only: choose another"
            }
            Cause::Point(PointError::Kind { .. }) => "mount a file on a file and a directory on a directory",
            Cause::NoSubpath { .. } => "make it first: a subpath is never made",
            Cause::SubpathOutside { .. } => "only relative symlinks that stay inside are followed",
            Cause::Own(_) => {
                "it belongs to somebody whom the container's ID map does not have, or lies on a read-only mount"
            }
            Cause::Overlay(error) => overlay_hint(error.errno())?,
            Cause::RootOnly { .. } => {
                "mount it on the host as root and bind the directory, or use a FUSE program such as sshfs, or run \
                 minirun as root"
            }
            Cause::Occupied => {
                "choose another destination: `no-dereference` makes a symlink, which covers nothing"
            }
            Cause::Point(_)
            | Cause::Proc(_)
            | Cause::SymlinkInImage
            | Cause::Devices
            | Cause::NotRegular
            | Cause::Copy(_)
            | Cause::Dress(_)
            | Cause::LayerOverFile => return None,
        };
        Some(hint.to_owned())
    }
}

fn hint_for(error: &SysError) -> Option<&'static str> {
    match error.errno() {
        Errno::NOENT => Some("the source does not exist"),
        Errno::ACCESS => Some("minirun has only your rights: you must be able to reach the source yourself"),
        Errno::NODEV if error.call().contains("is not device") => {
            Some("somebody has put something else in its place: look at it, and start again")
        }
        Errno::NODEV => Some("this kernel has no such file system, or its module is not loaded"),
        Errno::INVAL if error.call().starts_with("open_tree") => Some(
            "a user namespace may not bind a tree without the mounts below it: leave out \
             bind-recursive=disabled, or say rbind instead of bind",
        ),
        Errno::INVAL if error.call().starts_with("fsconfig") => Some(option_hint(error.call())),
        _ => None,
    }
}

/// What is wrong with an option that the kernel does not take.
fn option_hint(call: &str) -> &'static str {
    let is_about = |key: &str| call.contains(&format!("\"{key}="));
    if is_about("uid") || is_about("gid") {
        "the container has no such user or group: --userns says which IDs there are"
    } else if is_about("mpol") {
        "this machine has no such memory node: see /sys/devices/system/node"
    } else {
        "the kernel does not take this option: the manual of the file system says which it takes"
    }
}

/// What overlayfs may mean; it says no more than a number.
fn overlay_hint(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::INVAL => Some(
            "the source may hold mounts or be an overlay of overlays itself, or the layer may lie on a file system that \
             overlayfs cannot write to: ext4, xfs, btrfs and (6.6) tmpfs are fine",
        ),
        Errno::LOOP => Some("upperdir and workdir must lie outside the source and outside each other"),
        Errno::XDEV => Some("upperdir and workdir must be on one file system"),
        Errno::PERM | Errno::NODEV => Some("overlays of unprivileged users need Linux 5.11"),
        _ => None,
    }
}

/// Cuts the container's mount namespace off from the host's. A new user namespace has done that already.
pub(super) fn isolate(namespaces: &Namespaces) -> Result<(), InitError> {
    if namespaces.user.is_some() {
        return Ok(());
    }
    mount::make_slave()
        .map_err(|source| InitError::Setting { what: "all mounts to stay in here".into(), source })
}

/// Attaches every mount of the plan; returns what had to be done differently.
pub(super) fn attach_all(
    root: &mut Root,
    plan: &Plan,
    mut peers: Peers,
    copying: Copying<'_>,
) -> Result<Vec<String>, InitError> {
    let mut notices = Vec::new();
    for mount in &plan.mounts {
        let peer = peers.take(&mount.destination);
        let attached = if default::is_own_dev(mount) {
            attach_devices(root, (mount, plan), copying)
        } else {
            attach_one(root, (mount, &plan.process.user), peer, copying)
        };
        match attached {
            Err(cause) if default::is_dispensable(mount, &cause) => {
                notices.push(format!("{} is the image's own ({cause})", mount.destination));
            }
            result => notices.extend(result.map_err(|cause| MountFailure::of(mount, cause))?),
        }
    }
    Ok(notices)
}

/// Attaches the container's own `/dev`, filled before anybody can see it.
fn attach_devices(
    root: &mut Root,
    (mount, plan): (&Attachment, &Plan),
    copying: Copying<'_>,
) -> Result<Option<String>, Cause> {
    default::check_destination(root, mount)?;
    let Opened::Tree(tree) = tree::open(root, mount, copying)? else { return Ok(None) };
    let point = open_point(root, mount, &tree)?;
    let nodes = device::populate(tree.mount.as_fd())?;
    dress(&tree, (mount, &plan.process.user), copying)?;
    mount::attach(&tree.mount, &point)?;
    device::bind_nodes(tree.mount.as_fd(), &nodes, plan.namespaces.user.as_ref())?;
    root.set_devices(tree.mount)?;
    Ok(tree.notice)
}

fn describe(mount: &Attachment) -> String {
    match &mount.source {
        Source::Bind { path, .. } | Source::Link { path } | Source::Device { path, .. } => {
            format!("`{}`", path.display())
        }
        Source::Beneath { base, subpath, .. } => format!("`{subpath}` of `{}`", base.display()),
        Source::New { kind, .. } => format!("a new {}", kind.name()),
        Source::Merged(merged) => match merged.lowers.first() {
            Some(lower) if merged.lowers.len() == 1 => format!("a layer over `{}`", lower.base.display()),
            _ => "an image's layers".to_owned(),
        },
        Source::Driver(DriverFileSystem { kind, device, .. }) => format!("`{device}` of type {kind}"),
    }
}

fn attach_one(
    root: &Root,
    (mount, user): (&Attachment, &User),
    peer: Option<Tree>,
    copying: Copying<'_>,
) -> Result<Option<String>, Cause> {
    default::check_destination(root, mount)?;
    if let Source::Link { path } = &mount.source
        && let Some(text) = link::read(path)?
    {
        return link::make(root, &mount.destination, &text).map(|()| None);
    }
    let opened = peer.map_or_else(|| tree::open(root, mount, copying), |tree| Ok(Opened::Tree(tree)))?;
    let tree = match opened {
        Opened::Tree(tree) => tree,
        Opened::Nothing(notice) => return Ok(Some(notice)),
    };
    // The point is looked for before the attributes are set, as opening the source has told its kind.
    let point = open_point(root, mount, &tree)?;
    dress(&tree, (mount, user), copying)?;
    mount::attach(&tree.mount, &point)?;
    Ok(tree.notice)
}

/// Finds or makes the place for a mount.
pub(super) fn open_point(root: &Root, mount: &Attachment, tree: &Tree) -> Result<OwnedFd, Cause> {
    default::check_cover(mount, &tree.mount)?;
    default::check_kind(mount, tree.kind)?;
    let point = root.mount_point(&mount.destination, tree.kind)?;
    default::check_point(root, &point, mount)?;
    Ok(point.file)
}

/// Gives a tree its owner and its attributes.
pub(super) fn dress(
    tree: &Tree,
    (mount, user): (&Attachment, &User),
    copying: Copying<'_>,
) -> Result<(), Cause> {
    own(tree, mount, user, copying)?;
    Ok(attribute::set(tree, mount)?)
}

/// Gives the source to the container's user, if that was asked; of what is in memory only the root directory.
fn own(tree: &Tree, mount: &Attachment, user: &User, copying: Copying<'_>) -> Result<(), Cause> {
    match (mount.ownership, &mount.source) {
        (Ownership::Kept, _) => Ok(()),
        (Ownership::User, Source::New { .. }) => {
            let (uid, gid) = (Some(Uid::from_raw(user.uid)), Some(Gid::from_raw(user.gid)));
            rustix::fs::chownat(&tree.mount, c"", uid, gid, AtFlags::EMPTY_PATH)
                .call(|| format!("fchownat({}, {})", user.uid, user.gid))
                .map_err(Cause::Sys)
        }
        (Ownership::User, _) => (copying.own)(tree.mount.as_fd(), user).map_err(Cause::Own),
    }
}
