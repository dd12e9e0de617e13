//! The container's mounts, in order: made detached, given their attributes, attached by descriptor.

mod conceal;
mod default;

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountAttrFlags, MountPropagationFlags};
use thiserror::Error;

use super::init::InitError;
use super::rootfs::{PointError, PointKind, Root};
use super::{Copying, device};
use crate::plan::Plan;
use crate::plan::attachment::{Attachment, FileSystem, Source};
use crate::plan::mount::{Access, Atime, Attributes, Content, Propagation, Recursion, Rule};
use crate::plan::namespace::Namespaces;
use crate::sys::mount::{self, MountAttributes, Recursion as Depth, Setting};
use crate::sys::report::Report;
use crate::sys::{Call, SysError};

pub(super) use conceal::conceal;
pub(super) use default::check_destination;

/// One mount that could not be had.
#[derive(Debug, Error)]
#[error("cannot mount {what} at `{destination}`")]
pub(super) struct MountFailure {
    what: String,
    destination: String,
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
    #[error("the image's files cannot be copied into it")]
    Copy(#[source] Report),
}

impl MountFailure {
    pub(super) fn new(what: impl Into<String>, destination: &impl ToString, cause: impl Into<Cause>) -> Self {
        Self { what: what.into(), destination: destination.to_string(), cause: cause.into() }
    }

    pub(super) fn hint(&self) -> Option<String> {
        let errno = match &self.cause {
            Cause::Sys(error) => error.errno(),
            Cause::Point(PointError::Walk { source, .. }) if source.errno() == Errno::ROFS => {
                return Some(
                    "the mount point does not exist, and what it lies in is read-only: choose another"
                        .to_owned(),
                );
            }
            Cause::Point(PointError::Kind { .. }) => {
                return Some("mount a file on a file and a directory on a directory".to_owned());
            }
            _ => return None,
        };
        let hint = match errno {
            Errno::NOENT => "the source does not exist",
            Errno::ACCESS => "minirun has only your rights: you must be able to reach the source yourself",
            Errno::INVAL if self.what.starts_with('`') => {
                "a user namespace may not bind a tree without the mounts below it: leave out bind-recursive=disabled"
            }
            _ => return None,
        };
        Some(hint.to_owned())
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
pub(super) fn attach_all(root: &Root, plan: &Plan, copying: Copying<'_>) -> Result<Vec<String>, InitError> {
    let mut notices = Vec::new();
    for mount in &plan.mounts {
        let failure =
            |cause| MountFailure { what: describe(mount), destination: mount.destination.to_string(), cause };
        if let Some(notice) = attach_one(root, mount, copying).map_err(failure)? {
            notices.push(notice);
        }
        if default::is_own_dev(mount) {
            device::populate(root)?;
        }
    }
    Ok(notices)
}

pub(super) fn describe(mount: &Attachment) -> String {
    match &mount.source {
        Source::Bind { path, .. } => format!("`{}`", path.display()),
        Source::New { kind, .. } => format!("a new {}", kind.name()),
    }
}

fn attach_one(root: &Root, mount: &Attachment, copying: Copying<'_>) -> Result<Option<String>, Cause> {
    check_destination(root, mount)?;
    let (made, notice) = match make_outside(mount)? {
        Some(made) => (made, None),
        None => match make_inside(root, mount, copying)? {
            Made::Tree(made, notice) => (made, notice),
            Made::Nothing(notice) => return Ok(Some(notice)),
        },
    };
    made.attach(&open_point(root, mount, &made)?)?;
    Ok(notice)
}

/// A mount with all that it is to have, attached nowhere yet.
pub(super) struct Detached {
    tree: OwnedFd,
    kind: PointKind,
}

/// What became of a new file system.
pub(super) enum Made {
    /// It, or what there is instead, and what to say about that.
    Tree(Detached, Option<String>),
    /// Nothing, and what to say about it.
    Nothing(String),
}

/// Makes a mount of what the host has, where the host's files can be seen; none if it is a new file system.
pub(super) fn make_outside(mount: &Attachment) -> Result<Option<Detached>, Cause> {
    let Source::Bind { path, recursion } = &mount.source else { return Ok(None) };
    let (tree, kind) = bind(path, *recursion)?;
    let depth = if *recursion == Recursion::Disabled { Depth::Single } else { Depth::Recursive };
    let read_only_depth = if *recursion == Recursion::Writable { Depth::Single } else { depth };
    set_attributes(&tree, mount, depth, read_only_depth)?;
    Ok(Some(Detached { tree, kind }))
}

/// Makes a new file system, which may depend on what it is going to cover.
pub(super) fn make_inside(root: &Root, mount: &Attachment, copying: Copying<'_>) -> Result<Made, Cause> {
    let Source::New { kind, options, content } = &mount.source else {
        return Err(SysError::new("fsopen()", Errno::NODEV).into());
    };
    let (tree, notice) = match create(root, *kind, mount, options) {
        Ok(tree) => (tree, None),
        Err(error) => match default::instead(*kind, &error)? {
            default::Instead::Bind(tree, notice) => (tree, Some(notice)),
            default::Instead::Nothing(notice) => return Ok(Made::Nothing(notice)),
        },
    };
    let depth = if notice.is_some() { Depth::Recursive } else { Depth::Single };
    set_attributes(&tree, mount, depth, depth)?;
    if *content == Content::Image {
        copy_image_directory(root, mount, &tree, copying)?;
    }
    Ok(Made::Tree(Detached { tree, kind: PointKind::Directory }, notice))
}

/// Finds or makes the place for a mount.
pub(super) fn open_point(root: &Root, mount: &Attachment, made: &Detached) -> Result<OwnedFd, Cause> {
    let point = root.mount_point(&mount.destination, made.kind)?;
    default::check_point(&point, mount)?;
    Ok(point)
}

impl Detached {
    pub(super) fn attach(&self, point: &OwnedFd) -> Result<(), Cause> {
        Ok(mount::attach(&self.tree, point)?)
    }
}

fn copy_image_directory(
    root: &Root,
    mount: &Attachment,
    tree: &OwnedFd,
    copying: Copying<'_>,
) -> Result<(), Cause> {
    match root.open_directory(&mount.destination) {
        Some(directory) => (copying.copy)(directory.as_fd(), tree.as_fd()).map_err(Cause::Copy),
        None => Ok(()),
    }
}

/// Opens the source and copies the mount it is in, from there down.
fn bind(path: &Path, recursion: Recursion) -> Result<(OwnedFd, PointKind), SysError> {
    let source = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .call(|| format!("open({path:?}, PATH)"))?;
    let stat = rustix::fs::fstat(&source).call(|| format!("fstat({path:?})"))?;
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => PointKind::Directory,
        _ => PointKind::File,
    };
    let depth = if recursion == Recursion::Disabled { Depth::Single } else { Depth::Recursive };
    let tree = mount::clone_file(&source, depth)
        .map_err(|error| SysError::new(format!("open_tree({path:?}, CLONE)"), error.errno()))?;
    Ok((tree, kind))
}

fn create(
    root: &Root,
    kind: FileSystem,
    mount: &Attachment,
    options: &[(String, Option<String>)],
) -> Result<OwnedFd, SysError> {
    // Devpts is always a new instance, and says so itself on every kernel that has fsopen.
    let wanted = options.iter().filter(|(key, _)| key != "newinstance");
    let mut settings: Vec<Setting<'_>> = wanted
        .map(|(key, value)| match value {
            Some(value) => Setting::Text(key, value),
            None => Setting::Flag(key),
        })
        .collect();
    let mode;
    if kind == FileSystem::Tmpfs && !options.iter().any(|(key, _)| key == "mode") {
        // Like the other runtimes: a tmpfs looks like the directory that it covers.
        if let Some(covered) = root.mode(&mount.destination) {
            mode = format!("{covered:o}");
            settings.push(Setting::Text("mode", &mode));
        }
    }
    mount::create(kind.name(), &settings, MountAttrFlags::empty())
}

fn set_attributes(
    tree: &OwnedFd,
    mount: &Attachment,
    depth: Depth,
    read_only_depth: Depth,
) -> Result<(), SysError> {
    let mut wanted = flags(mount.attributes);
    let (propagation, propagation_depth) = propagation(mount.propagation);
    let read_only = u64::from(MountAttrFlags::MOUNT_ATTR_RDONLY.bits());
    if wanted.set & read_only != 0 && read_only_depth != depth {
        wanted.set &= !read_only;
        let only = MountAttributes { set: read_only, ..MountAttributes::default() };
        mount::set_attributes(tree, only, read_only_depth)?;
    }
    // A private copy of a tree is private, whatever the depth; the other kinds are said for exactly their depth.
    if propagation_depth == depth || propagation == private() {
        wanted.propagation = propagation;
    } else {
        let only = MountAttributes { propagation, ..MountAttributes::default() };
        mount::set_attributes(tree, only, propagation_depth)?;
    }
    if wanted == MountAttributes::default() { Ok(()) } else { mount::set_attributes(tree, wanted, depth) }
}

fn private() -> u64 {
    u64::from(MountPropagationFlags::PRIVATE.bits())
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
