//! The root filesystem: put together, marked, made read-only if asked, and made `/`.

mod assemble;
mod host;
mod image;
mod point;
mod scaffold;

use std::cell::OnceCell;
use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, StatxFlags};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;
use thiserror::Error;

use super::init::InitError;
use crate::plan::Plan;
use crate::plan::attachment::Attachment;
use crate::plan::mount::Content;
use crate::plan::path::ContainerPath;
use crate::plan::request::RootAccess;
use crate::sys::mount::{MountAttributes, Recursion};
use crate::sys::root::open_in_root;
use crate::sys::{Call, SysError, mount};

pub(super) use assemble::{Mounted, Overlay, Upper, assemble, attach, open};
pub(super) use point::{Point, PointError, PointKind};
pub(super) use scaffold::raise;

/// The files of `/etc` that every container has of its own.
const GENERATED: [&str; 3] = ["hosts", "hostname", "resolv.conf"];

/// What tells programs that they are in a container.
const MARKS: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// The link that old programs want, and where it leads.
const MTAB: (&str, &str) = ("/etc/mtab", "/proc/mounts");

/// Why there is no root filesystem.
#[derive(Debug, Error)]
pub(super) enum RootfsError {
    /// A directory it is made of cannot be opened.
    #[error("cannot open `{path}`, a part of the root filesystem")]
    Open {
        path: String,
        #[source]
        source: SysError,
    },
    /// overlayfs refused the directories.
    #[error("cannot mount the image's layers as an overlay")]
    Overlay(#[source] SysError),
    /// Attaching it.
    #[error("cannot attach the root filesystem at `{path}`")]
    Attach {
        path: String,
        #[source]
        source: SysError,
    },
    /// One piece of the machine's own root filesystem.
    #[error("cannot put `{path}` of this machine into the root filesystem")]
    Area {
        path: String,
        #[source]
        source: SysError,
    },
    /// Making it read-only or the root.
    #[error("cannot make it the root of the container")]
    Pivot(#[source] SysError),
}

impl RootfsError {
    /// Whether the kernel does not let this user have an overlay here, whatever the image.
    pub(super) fn is_refusal(&self) -> bool {
        let refusals =
            [Errno::INVAL, Errno::PERM, Errno::NODEV, Errno::OPNOTSUPP, Errno::ACCESS, Errno::NOSYS];
        matches!(self, Self::Overlay(error) if refusals.contains(&error.errno()))
    }

    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::Overlay(_) => Some(
                "`--driver vfs` copies the image instead; overlays of unprivileged users need Linux 5.11 and a store \
                 on ext4, xfs, btrfs or (6.6) tmpfs"
                    .to_owned(),
            ),
            Self::Area { source, .. } if source.errno() == Errno::LOOP => Some(
                "the store lies in the directory that is to be the image: choose another one with --store".to_owned(),
            ),
            _ => None,
        }
    }
}

/// The container's root, mounted but not yet `/`.
#[derive(Debug)]
pub(super) struct Root {
    directory: OwnedFd,
    /// Where that is, and whether it is a procfs, once somebody has asked.
    location: OnceCell<(Location, bool)>,
    /// Other mounts that belong to the root filesystem itself.
    pieces: Vec<OwnedFd>,
    /// The container's own `/dev`, once it is attached.
    devices: Option<(OwnedFd, Location)>,
    /// Destinations of mounts that are there for those alone: the image has nothing of the name.
    made: HashSet<ContainerPath>,
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

impl Root {
    fn new(directory: OwnedFd) -> Self {
        Self { directory, location: OnceCell::new(), pieces: Vec::new(), devices: None, made: HashSet::new() }
    }

    /// The container's own `/dev`, if it is attached and not somebody else's.
    pub(super) fn devices(&self) -> Option<BorrowedFd<'_>> {
        self.devices.as_ref().map(|(directory, _)| directory.as_fd())
    }

    /// Remembers the container's own `/dev`.
    pub(super) fn set_devices(&mut self, directory: OwnedFd) -> Result<(), SysError> {
        let location = Location::of(directory.as_fd())?;
        self.devices = Some((directory, location));
        Ok(())
    }

    /// Whether something lies in the file system of the container's own `/dev`.
    pub(super) fn is_in_devices(&self, location: &Location) -> bool {
        self.devices.as_ref().is_some_and(|(_, devices)| devices.device == location.device)
    }

    /// Whether something cannot be in a procfs, as it lies in the mount of a root that is none.
    pub(super) fn is_apart_from_proc(&self, location: &Location) -> Result<bool, SysError> {
        let (root, is_proc) = self.location()?;
        Ok(root.mount == location.mount && !is_proc)
    }

    /// Where the root is, and whether it is a procfs.
    fn location(&self) -> Result<(Location, bool), SysError> {
        if let Some(known) = self.location.get() {
            return Ok(*known);
        }
        let file_system = rustix::fs::fstatfs(&self.directory).call(|| "fstatfs(root)")?;
        let is_proc = file_system.f_type == rustix::fs::PROC_SUPER_MAGIC;
        let found = (Location::of(self.directory.as_fd())?, is_proc);
        Ok(*self.location.get_or_init(|| found))
    }

    /// The root directory of this process, which has joined a container.
    pub(super) fn of_this_process() -> Result<Self, SysError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open("/", flags, Mode::empty()).map(Self::new).call(|| "open(\"/\", PATH|DIRECTORY)")
    }

    /// Opens a directory at `path` if there would be one without a mount that needs it.
    pub(super) fn open_model(&self, path: &ContainerPath) -> Option<OwnedFd> {
        self.open_directory(path).filter(|directory| !self.is_made(path, directory.as_fd()))
    }

    /// Whether what was found at `path` is there for a mount alone. What lies in another mount is not.
    fn is_made(&self, path: &ContainerPath, found: BorrowedFd<'_>) -> bool {
        self.made.contains(path)
            && Location::of(found)
                .and_then(|found| Ok(found.mount == self.location()?.0.mount))
                .unwrap_or_default()
    }

    /// Opens a directory of the container if there is one at `path`.
    pub(super) fn open_directory(&self, path: &ContainerPath) -> Option<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        open_in_root(&self.directory, path.as_os_str(), flags, Mode::empty()).ok()
    }

    /// The mode of what is at `path`, if something is without a mount that needs it.
    pub(super) fn mode(&self, path: &ContainerPath) -> Option<u32> {
        let file = open_in_root(&self.directory, path.as_os_str(), OFlags::PATH, Mode::empty()).ok()?;
        if self.is_made(path, file.as_fd()) {
            return None;
        }
        rustix::fs::fstat(&file).ok().map(|stat| stat.st_mode & 0o7777)
    }
}

/// Leaves the marks by which programs notice that they are in a container, and the link that old ones want.
pub(super) fn mark(root: &Root) -> Result<(), InitError> {
    let result = mark_files(root);
    result.map_err(|source| InitError::Setting { what: "the container's marker files".to_owned(), source })
}

/// Makes the points of the generated files in the image's `/etc` where something takes a copy of that, which may be
/// read-only when they are mounted.
pub(super) fn complete(root: &Root, plan: &Plan) {
    let etc = ContainerPath::root().join("etc");
    let copies = |mount: &Attachment| mount.destination == etc && mount.source.content() == Content::Image;
    if !plan.fills.iter().any(|fill| fill.destination == etc) && !plan.mounts.iter().any(copies) {
        return;
    }
    for name in GENERATED {
        // Where it cannot be made now it is made, or refused, when it is mounted.
        let _ = root.mount_point(&etc.join(name), PointKind::File);
    }
}

fn mark_files(root: &Root) -> Result<(), SysError> {
    for path in MARKS {
        let path = ContainerPath::root().join(path);
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW;
        match open_in_root(root, path.as_os_str(), flags, Mode::from_raw_mode(0o644)) {
            // A root that cannot be written, or has no /run: then there is no mark.
            Ok(_)
            | Err(Errno::EXIST | Errno::NOENT | Errno::NOTDIR | Errno::ROFS | Errno::ACCESS | Errno::LOOP) => {
            }
            Err(errno) => return Err(SysError::new(format!("openat2({path:?}, CREATE)"), errno)),
        }
    }
    if let Some(etc) = root.open_directory(&ContainerPath::root().join("etc")) {
        match rustix::fs::symlinkat(MTAB.1, &etc, "mtab") {
            Ok(()) | Err(Errno::EXIST | Errno::ROFS | Errno::ACCESS) => {}
            Err(errno) => return Err(SysError::new("symlinkat(\"/etc/mtab\")", errno)),
        }
    }
    Ok(())
}

/// Makes the root read-only if that was asked; mounts in it keep what they have.
pub(super) fn restrict(root: &Root, access: RootAccess) -> Result<(), InitError> {
    match access {
        RootAccess::ReadWrite => Ok(()),
        RootAccess::ReadOnly => {
            let set = u64::from(MountAttrFlags::MOUNT_ATTR_RDONLY.bits());
            let read_only = MountAttributes { set, ..MountAttributes::default() };
            for mount in [&root.directory].into_iter().chain(&root.pieces) {
                mount::set_attributes(mount, read_only, Recursion::Single)
                    .map_err(|source| InitError::Rootfs(RootfsError::Pivot(source)))?;
            }
            Ok(())
        }
    }
}

/// Makes `root` the root directory and lets go of the host's.
pub(super) fn pivot_into(root: Root) -> Result<(), InitError> {
    mount::pivot(root).map_err(|source| InitError::Rootfs(RootfsError::Pivot(source)))
}

/// Where a file lies, and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Location {
    mount: u64,
    device: (u32, u32),
    inode: u64,
    pub(super) kind: FileType,
}

impl Location {
    fn of(file: BorrowedFd<'_>) -> Result<Self, SysError> {
        let flags = StatxFlags::TYPE | StatxFlags::INO | StatxFlags::MNT_ID;
        let stat = rustix::fs::statx(file, c"", AtFlags::EMPTY_PATH, flags).call(|| "statx(INO|MNT_ID)")?;
        Ok(Self {
            mount: stat.stx_mnt_id,
            device: (stat.stx_dev_major, stat.stx_dev_minor),
            inode: stat.stx_ino,
            kind: FileType::from_raw_mode(stat.stx_mode.into()),
        })
    }
}
