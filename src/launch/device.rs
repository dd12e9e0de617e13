//! `/dev`: the harmless nodes, made anew or bound by verified descriptors, and the usual links.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, StatVfsMountFlags};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use super::init::InitError;
use super::rootfs::Root;
use super::terminal::Terminal;
use crate::plan::device::{DeviceKind, DeviceNumber};
use crate::plan::idmap::to_container;
use crate::plan::userns::UserNamespace;
use crate::sys::mount::{self, MountAttributes, Recursion};
use crate::sys::{Call, SysError};

/// Name, major and minor number.
pub(super) type Node = (&'static str, u32, u32);

/// As in the kernel's `devices.txt`.
const NODES: [Node; 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];

const LINKS: [(&str, &str); 6] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
    ("core", "/proc/kcore"),
];

/// Puts what the container's own `/dev` needs into it while it is attached nowhere; the nodes that are going to be
/// mounts of the host's have their points then.
pub(super) fn populate(directory: BorrowedFd<'_>) -> Result<Vec<Node>, SysError> {
    let mut bound = Vec::new();
    let file_system = rustix::fs::fstatvfs(directory).call(|| "fstatvfs(\"/dev\")")?;
    let can_work = !file_system.f_flag.contains(StatVfsMountFlags::NODEV);
    for node in NODES {
        // Who may not make one may make none.
        let is_made = can_work && bound.is_empty() && make_node(directory, node)?;
        if !is_made {
            make_point(directory, node.0)?;
            bound.push(node);
        }
    }
    for (name, target) in LINKS {
        rustix::fs::symlinkat(target, directory, name).call(|| format!("symlinkat(\"/dev/{name}\")"))?;
    }
    Ok(bound)
}

/// Mounts nodes of the host's, a moment after `/dev` was attached and before anybody else can reach it: up to Linux
/// 6.14 nothing can be mounted in what is attached nowhere.
pub(super) fn bind_nodes(
    directory: BorrowedFd<'_>,
    nodes: &[Node],
    user: Option<&UserNamespace>,
) -> Result<(), SysError> {
    for &node in nodes {
        cover_point(directory, node.0, bind_node(node, user)?)?;
    }
    Ok(())
}

/// Opens a node of the host and makes sure that it is the device of that name.
fn open_node(name: &str, major: u32, minor: u32) -> Result<OwnedFd, SysError> {
    let path = format!("/dev/{name}");
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let node = rustix::fs::open(path.as_str(), flags, Mode::empty()).call(|| format!("open({path:?})"))?;
    let stat = rustix::fs::fstat(&node).call(|| format!("fstat({path:?})"))?;
    let is_node = FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice
        && stat.st_rdev == rustix::fs::makedev(major, minor);
    if is_node {
        Ok(node)
    } else {
        Err(SysError::new(format!("{path} is not device {major}:{minor}"), Errno::NODEV))
    }
}

/// Makes a node, if this process may; only root of the machine may.
fn make_node(directory: BorrowedFd<'_>, (name, major, minor): Node) -> Result<bool, SysError> {
    let (mode, device) = (Mode::from_raw_mode(0o666), rustix::fs::makedev(major, minor));
    match rustix::fs::mknodat(directory, name, FileType::CharacterDevice, mode, device) {
        Err(Errno::PERM) => Ok(false),
        result => result.call(|| format!("mknodat(\"/dev/{name}\", {major}:{minor})")).map(|()| true),
    }
}

/// A mount of the host's node. It can be touched like any other, unless somebody inside could be its owner and so
/// change it for the whole machine.
fn bind_node((name, major, minor): Node, user: Option<&UserNamespace>) -> Result<OwnedFd, SysError> {
    let node = open_node(name, major, minor)?;
    if user.is_some_and(|user| !has_owner(user)) {
        dressed(node.as_fd(), MountAttrFlags::empty())
    } else {
        harmless(node.as_fd())
    }
}

/// Whether the container has the ID of a node's owner: the machine's root, or, seen from inside another user namespace,
/// nobody.
fn has_owner(user: &UserNamespace) -> bool {
    const OWNERS: [u32; 2] = [0, 65534];
    OWNERS.into_iter().any(|owner| to_container(&user.map.users, owner).is_some())
}

/// A mount of that device of the host, and of nothing that took its place meanwhile.
pub(super) fn bind_only(path: &Path, number: DeviceNumber) -> Result<OwnedFd, SysError> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let node = rustix::fs::openat2(CWD, path, flags, Mode::empty(), resolve)
        .call(|| format!("openat2({path:?}, NO_SYMLINKS)"))?;
    let bind = mount::clone_file(&node, Recursion::Single)?;
    // Of the mount itself, so that nothing can come between.
    let stat = rustix::fs::fstat(&bind).call(|| format!("fstat({path:?})"))?;
    let kind = match number.kind {
        DeviceKind::Character => FileType::CharacterDevice,
        DeviceKind::Block => FileType::BlockDevice,
    };
    let is_node = FileType::from_raw_mode(stat.st_mode) == kind
        && stat.st_rdev == rustix::fs::makedev(number.major, number.minor);
    if is_node {
        Ok(bind)
    } else {
        Err(SysError::new(format!("{path:?} is not device {number}"), Errno::NODEV))
    }
}

/// The host's `/dev/null`, verified.
pub(super) fn open_null() -> Result<OwnedFd, SysError> {
    open_node("null", 1, 3)
}

/// A mount of a device node of the host, through which nobody can change the node itself; devices are written all
/// the same on a read-only mount.
pub(super) fn harmless(node: BorrowedFd<'_>) -> Result<OwnedFd, SysError> {
    dressed(node, MountAttrFlags::MOUNT_ATTR_RDONLY)
}

fn dressed(node: BorrowedFd<'_>, more: MountAttrFlags) -> Result<OwnedFd, SysError> {
    let bind = mount::clone_file(node, Recursion::Single)?;
    let flags = more | MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let attributes = MountAttributes { set: u64::from(flags.bits()), ..MountAttributes::default() };
    mount::set_attributes(&bind, attributes, Recursion::Single)?;
    Ok(bind)
}

fn make_point(directory: BorrowedFd<'_>, name: &str) -> Result<(), SysError> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(directory, name, flags, Mode::from_raw_mode(0o666))
        .map(drop)
        .call(|| format!("openat(\"/dev/{name}\", CREATE|EXCL)"))
}

fn cover_point(directory: BorrowedFd<'_>, name: &str, source: OwnedFd) -> Result<(), SysError> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let point = rustix::fs::openat(directory, name, flags, Mode::empty())
        .call(|| format!("openat(\"/dev/{name}\", PATH|NOFOLLOW)"))?;
    mount::attach(source, point)
}

/// Binds the container's terminal at `/dev/console`, unless `/dev` is somebody else's.
pub(super) fn add_console(root: &Root, terminal: Option<&Terminal>) -> Result<(), InitError> {
    let (Some(terminal), Some(directory)) = (terminal, root.devices()) else { return Ok(()) };
    let bind = || {
        let slave = mount::clone_file(terminal.slave(), Recursion::Single)?;
        make_point(directory, "console")?;
        cover_point(directory, "console", slave)
    };
    bind().map_err(|source| InitError::Streams { what: "console", source })
}
