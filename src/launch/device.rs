//! `/dev`: the host's harmless nodes, bound by verified descriptors, and the usual links.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use super::init::InitError;
use super::rootfs::Root;
use super::terminal::Terminal;
use crate::sys::mount::{self, MountAttributes, Recursion};
use crate::sys::{Call, SysError};

/// Name, major and minor number, as in the kernel's `devices.txt`.
const NODES: [(&str, u32, u32); 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];

const LINKS: [(&str, &str); 6] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
    ("core", "/proc/kcore"),
];

/// Fills the container's own `/dev`, a moment after it was attached and before anybody else can reach it.
pub(super) fn populate(root: &Root) -> Result<(), InitError> {
    fill(root).map_err(|source| InitError::Setting { what: "the device nodes of /dev".to_owned(), source })
}

fn fill(root: &Root) -> Result<(), SysError> {
    let directory = open_dev(root)?;
    for (name, major, minor) in NODES {
        let node = open_node(name, major, minor)?;
        attach_file(directory.as_fd(), name, harmless(node.as_fd())?)?;
    }
    for (name, target) in LINKS {
        rustix::fs::symlinkat(target, &directory, name).call(|| format!("symlinkat(\"/dev/{name}\")"))?;
    }
    Ok(())
}

fn open_dev(root: &Root) -> Result<OwnedFd, SysError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
    rustix::fs::openat2(root, "/dev", flags, Mode::empty(), resolve).call(|| "openat2(\"/dev\", NO_SYMLINKS)")
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

/// The host's `/dev/null`, verified.
pub(super) fn open_null() -> Result<OwnedFd, SysError> {
    open_node("null", 1, 3)
}

/// A mount of a device node of the host, through which nobody can change the node itself; devices are written all
/// the same on a read-only mount.
pub(super) fn harmless(node: BorrowedFd<'_>) -> Result<OwnedFd, SysError> {
    let bind = mount::clone_file(node, Recursion::Single)?;
    let flags = MountAttrFlags::MOUNT_ATTR_RDONLY
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let attributes = MountAttributes { set: u64::from(flags.bits()), ..MountAttributes::default() };
    mount::set_attributes(&bind, attributes, Recursion::Single)?;
    Ok(bind)
}

fn attach_file(directory: BorrowedFd<'_>, name: &str, source: OwnedFd) -> Result<(), SysError> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let point = rustix::fs::openat(directory, name, flags, Mode::from_raw_mode(0o666))
        .call(|| format!("openat(\"/dev/{name}\", CREATE)"))?;
    mount::attach(source, point)
}

/// Binds the container's terminal at `/dev/console`.
pub(super) fn add_console(root: &Root, terminal: Option<&Terminal>) -> Result<(), InitError> {
    let Some(terminal) = terminal else { return Ok(()) };
    let bind = || {
        let slave = mount::clone_file(terminal.slave(), Recursion::Single)?;
        attach_file(open_dev(root)?.as_fd(), "console", slave)
    };
    bind().map_err(|source| InitError::Streams { what: "console", source })
}
