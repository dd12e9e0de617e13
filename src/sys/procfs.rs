//! The kernel's files about processes and settings, by a descriptor that nobody can have led astray.
//!
//! What is written there decides about rights, so it must not land in another file: a container's own `/proc` can be a
//! symlink of its image, a volume, or have other files of procfs mounted in it (CVE-2019-16884, CVE-2025-52881). Every
//! file is opened beneath the root of a procfs, through no symlink and into no other mount.

use std::ffi::OsStr;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use super::{Call, SysError, mount};

/// The inode number of the root directory of every procfs.
pub const ROOT_INODE: u64 = 1;

/// What is made room for when a file about a process is read. Most fit, and then one call reads all of it.
const PAGE: usize = 4096;

/// The text of a file below `/proc`, which says that it is empty until it is read.
///
/// # Errors
/// What opening or reading it say.
pub fn read(path: &str) -> Result<Vec<u8>, SysError> {
    let mut text = Vec::with_capacity(PAGE);
    let read = std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut text));
    read.map(|_| text).call(|| format!("read({path:?})"))
}

/// A procfs.
#[derive(Debug)]
pub struct Procfs {
    root: OwnedFd,
    place: Place,
}

/// Where a procfs can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is mounted nowhere yet.
    Nowhere,
    /// At `/proc`.
    Mounted,
}

impl Procfs {
    /// A new one, of the PID namespace of this process and mounted nowhere, so that nobody else finds it.
    ///
    /// Inside another container that covers parts of its procfs the kernel gives nobody a new one; there it is the one
    /// that minirun was started with, in which nothing that is covered can be written.
    ///
    /// # Errors
    /// As of [`Self::of_surroundings`].
    pub fn private() -> Result<Self, SysError> {
        let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        let new = mount::create("proc", &[], attributes);
        new.map(|root| Self { root, place: Place::Nowhere }).or_else(|_| Self::of_surroundings())
    }

    /// The one that is mounted at `/proc` where this process is; only for one that still has the host's files.
    ///
    /// # Errors
    /// There is none, or what is there is something else.
    pub fn of_surroundings() -> Result<Self, SysError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root = rustix::fs::open("/proc", flags, Mode::empty()).call(|| "open(\"/proc\", PATH)")?;
        let file_system = rustix::fs::fstatfs(&root).call(|| "fstatfs(\"/proc\")")?;
        let inode = rustix::fs::fstat(&root).call(|| "fstat(\"/proc\")")?.st_ino;
        if file_system.f_type == rustix::fs::PROC_SUPER_MAGIC && inode == ROOT_INODE {
            return Ok(Self { root, place: Place::Mounted });
        }
        Err(SysError::new("/proc is not the root of a procfs", Errno::NODEV))
    }

    /// The mount, with `nosuid`, `nodev` and `noexec`, if it is one of its own that is attached nowhere: whoever attaches
    /// it spares the kernel from taking it apart, which takes as long as everybody needs to have let go of it.
    #[must_use]
    pub fn into_mount(self) -> Option<OwnedFd> {
        (self.place == Place::Nowhere).then_some(self.root)
    }

    /// Writes `value` into a file of this process, with one call.
    ///
    /// # Errors
    /// What `openat2(2)` or `write(2)` say; `EXDEV` where something is mounted over the file.
    pub fn write_own(&self, name: &str, value: &str) -> Result<(), SysError> {
        // Which number this process has depends on whose procfs it is.
        let own =
            rustix::fs::readlinkat(&self.root, c"self", Vec::new()).call(|| "readlinkat(proc, \"self\")")?;
        let number = String::from_utf8_lossy(own.as_bytes()).into_owned();
        self.write(&format!("{number}/{name}"), value)
    }

    /// Writes `value` into the file at `path`, with one call.
    ///
    /// # Errors
    /// As of [`Self::write_own`].
    pub fn write(&self, path: &str, value: &str) -> Result<(), SysError> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        let path = OsStr::from_bytes(path.as_bytes());
        let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = rustix::fs::openat2(&self.root, path, flags, Mode::empty(), resolve)
            .call(|| format!("openat2(proc, {path:?}, BENEATH|NO_SYMLINKS|NO_XDEV)"))?;
        rustix::io::write(&file, value.as_bytes())
            .map(drop)
            .call(|| format!("write(\"/proc/{}\", {:?})", path.to_string_lossy(), value.trim_end()))
    }
}
