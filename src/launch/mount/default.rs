//! What is special about the mounts that every container has.

use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::Cause;
use crate::launch::rootfs::{Point, PointError, PointKind, Root};
use crate::plan::attachment::{Attachment, FileSystem, Source};
use crate::sys::mount::{self, Recursion};
use crate::sys::procfs::ROOT_INODE;
use crate::sys::{Call, SysError};

/// The files of procfs that may be covered, because programs like lxcfs do that.
const COVERABLE: [&str; 10] = [
    "cpuinfo",
    "diskstats",
    "loadavg",
    "meminfo",
    "slabinfo",
    "stat",
    "swaps",
    "sys/crypto/fips_enabled",
    "sys/kernel/ns_last_pid",
    "uptime",
];

/// The files that every container has: what takes the place of one is a file, whether the image has one or not.
const FILES: [&str; 3] = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"];

/// Whether this is the `/dev` that minirun fills with device nodes.
pub(super) fn is_own_dev(mount: &Attachment) -> bool {
    mount.destination.as_os_str() == "/dev"
        && matches!(&mount.source, Source::New { kind: FileSystem::Tmpfs, .. })
}

/// Refuses destinations by which a container could make the launcher write somewhere else.
pub(in crate::launch) fn check_destination(root: &Root, mount: &Attachment) -> Result<(), Cause> {
    let text = mount.destination.as_os_str();
    if let Some(path) = text.to_string_lossy().strip_prefix("/proc") {
        let inside = path.strip_prefix('/');
        let allowed = match inside {
            // What else is no procfs is seen when it is open.
            None if path.is_empty() => !matches!(mount.source, Source::Link { .. }),
            None => true,
            Some(name) => COVERABLE.contains(&name),
        };
        if !allowed {
            return Err(Cause::Proc(COVERABLE.join(", ")));
        }
    }
    // Masks and the terminal rely on these being what they are called.
    if text == "/proc" || text == "/sys" || text == "/dev" {
        return refuse_symlink(root, mount);
    }
    Ok(())
}

/// Whether this is one of the files that minirun writes.
fn is_generated(mount: &Attachment) -> bool {
    mount.asked.is_none() && FILES.iter().any(|file| mount.destination.as_os_str() == *file)
}

/// Whether a container does without what could not be attached: a file of minirun's in a place where the image has
/// something that cannot be covered, or only by way of what is not the image's.
pub(super) fn is_dispensable(mount: &Attachment, cause: &Cause) -> bool {
    is_generated(mount)
        && match cause {
            Cause::Proc(_)
            | Cause::Devices
            | Cause::NotRegular
            | Cause::Point(PointError::IsRoot(_) | PointError::Kind { .. }) => true,
            Cause::Point(PointError::Walk { source, .. }) => {
                matches!(source.errno(), Errno::LOOP | Errno::NOTDIR | Errno::NAMETOOLONG)
            }
            Cause::Sys(_)
            | Cause::SymlinkInImage
            | Cause::Copy(_)
            | Cause::Own(_)
            | Cause::Dress(_)
            | Cause::NoSubpath { .. }
            | Cause::SubpathOutside { .. }
            | Cause::LayerOverFile
            | Cause::Overlay(_)
            | Cause::RootOnly { .. }
            | Cause::Occupied => false,
        }
}

/// Refuses a directory in the place of a file that every container has.
pub(super) fn check_kind(mount: &Attachment, kind: PointKind) -> Result<(), PointError> {
    let path = mount.destination.to_string();
    if kind == PointKind::File || !FILES.contains(&path.as_str()) {
        return Ok(());
    }
    Err(PointError::Kind { path, found: "a file", wanted: "a directory" })
}

/// Refuses what is to cover `/proc` and is no procfs as a whole.
pub(in crate::launch) fn check_cover(mount: &Attachment, tree: &OwnedFd) -> Result<(), Cause> {
    if mount.destination.as_os_str() != "/proc" {
        return Ok(());
    }
    let file_system = rustix::fs::fstatfs(tree).call(|| "fstatfs(source)")?;
    let stat = rustix::fs::fstat(tree).call(|| "fstat(source)")?;
    if file_system.f_type == rustix::fs::PROC_SUPER_MAGIC && stat.st_ino == ROOT_INODE {
        return Ok(());
    }
    Err(Cause::Proc(COVERABLE.join(", ")))
}

/// Refuses what a symlink of the image has led into the procfs or into the container's own `/dev`, whatever the
/// destination is called, and a file of minirun's over anything but a file.
pub(super) fn check_point(root: &Root, point: &Point, mount: &Attachment) -> Result<(), Cause> {
    let is_below = |directory: &[u8]| mount.destination.as_os_str().as_bytes().starts_with(directory);
    if !root.is_apart_from_proc(&point.location)? && !is_below(b"/proc/") {
        refuse_proc(&point.file)?;
    }
    if root.is_in_devices(&point.location) && !is_below(b"/dev/") {
        return Err(Cause::Devices);
    }
    if is_generated(mount) && point.location.kind != FileType::RegularFile {
        return Err(Cause::NotRegular);
    }
    Ok(())
}

/// Refuses a directory of the procfs as the place of a new name.
pub(super) fn check_parent(parent: &OwnedFd) -> Result<(), Cause> {
    refuse_proc(parent)
}

fn refuse_proc(file: &OwnedFd) -> Result<(), Cause> {
    let file_system = rustix::fs::fstatfs(file).call(|| "fstatfs(mount point)")?;
    if file_system.f_type == rustix::fs::PROC_SUPER_MAGIC {
        return Err(Cause::Proc(COVERABLE.join(", ")));
    }
    Ok(())
}

fn refuse_symlink(root: &Root, mount: &Attachment) -> Result<(), Cause> {
    let name = mount.destination.as_os_str().to_string_lossy();
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(root, name.as_ref(), flags, Mode::empty(), resolve) {
        Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(SysError::new(format!("openat2({name:?}, NOFOLLOW)"), errno).into()),
        Ok(found) => {
            let stat = rustix::fs::fstat(&found).call(|| format!("fstat({name:?})"))?;
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Symlink => Err(Cause::SymlinkInImage),
                _ => Ok(()),
            }
        }
    }
}

/// What to have where the kernel refuses a file system of the container's own.
pub(super) enum Instead {
    /// The surrounding one, and what to say about it.
    Bind(OwnedFd, String),
    /// Nothing.
    Nothing(String),
}

/// Finds a replacement for a file system that could not be made with `error`.
pub(super) fn instead(kind: FileSystem, error: &SysError) -> Result<Instead, SysError> {
    if !matches!(error.errno(), Errno::PERM | Errno::BUSY | Errno::NODEV | Errno::ACCESS) {
        return Err(error.clone());
    }
    let bind = |path: &str, what: &str| {
        let tree = mount::clone_path(Path::new(path), Recursion::Recursive)?;
        Ok(Instead::Bind(
            tree,
            format!("{path} is {what}, because this place does not let minirun mount its own"),
        ))
    };
    match kind {
        // Happens inside another container that has covered parts of its procfs.
        FileSystem::Proc => bind("/proc", "the surrounding one, with its processes"),
        FileSystem::Sysfs => bind("/sys", "the surrounding one"),
        FileSystem::Mqueue | FileSystem::Cgroup2 => Ok(Instead::Nothing(format!(
            "there is no {}, because this place does not let minirun mount it",
            kind.name()
        ))),
        FileSystem::Tmpfs | FileSystem::Ramfs | FileSystem::Devpts => Err(error.clone()),
    }
}
