//! The container's files as far as they say what leads out of it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Statx, StatxFlags};

use crate::plan::fence::{Descriptor, DeviceNode, Place, host_path};
use crate::plan::mount_table::MountEntry;
use crate::plan::spec::{MASKED_PATHS, READ_ONLY_PATHS};
use crate::sys::root;

/// How many names below `/dev` are looked at, and how many descriptors.
const MANY: usize = 4096;
/// How deep.
const DEPTH: usize = 4;

/// A container's root, and its first process in procfs.
#[derive(Debug)]
pub struct Tree<'a> {
    root: OwnedFd,
    init: BorrowedFd<'a>,
    /// Mounts at which a look may take for ever; the container may have put them anywhere.
    slow: Vec<PathBuf>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(root: OwnedFd, init: BorrowedFd<'a>, entries: &[MountEntry]) -> Self {
        let slow = entries.iter().filter(|entry| is_slow(entry));
        Self { root, init, slow: slow.map(|entry| PathBuf::from(&entry.point)).collect() }
    }

    fn is_slow(&self, path: &Path) -> bool {
        self.slow.iter().any(|slow| path.starts_with(slow))
    }

    /// What is at the top of each mount that can be seen, by its number.
    #[must_use]
    pub fn places(&self, entries: &[MountEntry], host: &[MountEntry]) -> BTreeMap<u64, Place> {
        let seen = entries.iter().filter_map(|entry| {
            let stat = self.look_at(&entry.point)?;
            // What is covered by a later mount is out of reach.
            (stat.stx_mnt_id == entry.id).then(|| (entry.id, place(&stat, confirm(entry, &stat, host))))
        });
        seen.collect()
    }

    /// The number of the mount that a path leads to, every symlink followed.
    #[must_use]
    pub fn mount_of(&self, path: &OsStr) -> Option<u64> {
        // A symlink may lead to such a mount, too.
        if !self.slow.is_empty() {
            return None;
        }
        let file = root::open_in_root(&self.root, path, OFlags::PATH, Mode::empty()).ok()?;
        statx(file.as_fd(), "").map(|stat| stat.stx_mnt_id)
    }

    /// The device nodes of `/dev`, also those that are mounted there.
    #[must_use]
    pub fn devices(&self, entries: &[MountEntry]) -> Vec<DeviceNode> {
        let top = entries.iter().rfind(|entry| entry.point == "/dev");
        // Only what can be read without asking a program.
        let is_plain = top.is_some_and(|top| matches!(top.file_system.as_str(), "tmpfs" | "devtmpfs"));
        let mut found = Vec::new();
        if !is_plain {
            return found;
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        if let Ok(directory) = root::open_in_root(&self.root, "/dev", flags, Mode::empty()) {
            list(
                &directory,
                Path::new("/dev"),
                &mut Listing { slow: &self.slow, left: MANY, found: &mut found },
            );
        }
        found
    }

    /// Those of the kernel's protected files that exist.
    #[must_use]
    pub fn sensitive(&self) -> Vec<String> {
        let exists = |path: &&str| self.look_at(OsStr::new(path)).is_some();
        MASKED_PATHS.into_iter().chain(READ_ONLY_PATHS).filter(exists).map(str::to_owned).collect()
    }

    /// What the first process has open; none if it may not be asked.
    #[must_use]
    pub fn descriptors(&self) -> Option<Vec<Descriptor>> {
        let mut found = Vec::new();
        for name in ["root", "cwd"] {
            let leads_to = link(self.init, name)?;
            let stat = rustix::fs::statx(self.init, name, AtFlags::empty(), StatxFlags::MNT_ID).ok()?;
            found.push(Descriptor { name: name.to_owned(), leads_to, mount: stat.stx_mnt_id });
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let list = rustix::fs::openat(self.init, "fd", flags, Mode::empty()).ok()?;
        for entry in Dir::read_from(&list).ok()?.flatten().take(MANY) {
            let Ok(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            // Gone since it was listed.
            let Some(leads_to) = link(list.as_fd(), &name) else { continue };
            let Some(mount) = self.mount_of_descriptor(&name) else { continue };
            found.push(Descriptor { name, leads_to, mount });
        }
        Some(found)
    }

    fn mount_of_descriptor(&self, name: &str) -> Option<u64> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(self.init, format!("fdinfo/{name}"), flags, Mode::empty()).ok()?;
        let text = std::io::read_to_string(std::fs::File::from(file)).ok()?;
        text.lines().find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok())
    }

    fn look_at(&self, path: &OsStr) -> Option<Statx> {
        if self.is_slow(Path::new(path)) {
            return None;
        }
        let flags = OFlags::PATH | OFlags::NOFOLLOW;
        let file = root::open_in_root(&self.root, path, flags, Mode::empty()).ok()?;
        statx(file.as_fd(), "")
    }
}

/// Whether a file system may let whoever looks at it wait for ever.
fn is_slow(entry: &MountEntry) -> bool {
    let kind = entry.file_system.as_str();
    kind.starts_with("fuse")
        || kind.starts_with("nfs")
        || matches!(kind, "cifs" | "smb3" | "autofs" | "9p" | "ceph")
}

/// Whether the host has the same file where the tables say that it has.
fn confirm(entry: &MountEntry, stat: &Statx, host: &[MountEntry]) -> Option<bool> {
    if entry.file_system == "overlay" {
        return None;
    }
    let path = host_path(entry, host)?;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::open(&path, flags, Mode::empty()).ok()?;
    let outside = statx(file.as_fd(), "")?;
    let identity = |stat: &Statx| (stat.stx_dev_major, stat.stx_dev_minor, stat.stx_ino);
    Some(identity(stat) == identity(&outside))
}

fn statx(file: BorrowedFd<'_>, name: &str) -> Option<Statx> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    rustix::fs::statx(file, name, flags, StatxFlags::BASIC_STATS | StatxFlags::MNT_ID).ok()
}

fn place(stat: &Statx, is_confirmed: Option<bool>) -> Place {
    Place {
        uid: stat.stx_uid,
        gid: stat.stx_gid,
        mode: u32::from(stat.stx_mode),
        device: (stat.stx_rdev_major, stat.stx_rdev_minor),
        is_confirmed,
    }
}

fn link(directory: BorrowedFd<'_>, name: &str) -> Option<PathBuf> {
    let path = rustix::fs::readlinkat(directory, name, Vec::new()).ok()?;
    Some(PathBuf::from(OsStr::from_bytes(path.as_bytes())))
}

struct Listing<'a> {
    slow: &'a [PathBuf],
    left: usize,
    found: &'a mut Vec<DeviceNode>,
}

fn list(directory: &OwnedFd, path: &Path, listing: &mut Listing<'_>) {
    let Ok(entries) = Dir::read_from(directory) else { return };
    for entry in entries.flatten() {
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        let place_of = path.join(name);
        if name == "." || name == ".." || listing.slow.contains(&place_of) {
            continue;
        }
        if listing.left == 0 {
            return;
        }
        listing.left -= 1;
        match entry.file_type() {
            FileType::Directory if place_of.components().count() < DEPTH => {
                below(directory, name, &place_of, listing);
            }
            FileType::Directory | FileType::Symlink | FileType::Fifo | FileType::Socket => {}
            // What is mounted on a plain file may be a device.
            FileType::RegularFile | FileType::CharacterDevice | FileType::BlockDevice | FileType::Unknown => {
                let stat = name.to_str().and_then(|name| statx(directory.as_fd(), name));
                let place = stat.map(|stat| place(&stat, None)).filter(Place::is_device);
                listing.found.extend(place.map(|place| DeviceNode { path: place_of, place }));
            }
        }
    }
}

/// A directory of the same file system; in others there are no devices that were put there for the container.
fn below(directory: &OwnedFd, name: &OsStr, path: &Path, listing: &mut Listing<'_>) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS;
    if let Ok(inner) = rustix::fs::openat2(directory, name, flags, Mode::empty(), resolve) {
        list(&inner, path, listing);
    }
}
