//! Whether two inodes are the same but for their place and times.

use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, SeekFrom, Stat};
use rustix::io::Errno;

use super::{Difference, Kind, Rights};
use crate::store::copy::inode::xattr_names;
use crate::store::merged::is_whiteout;
use crate::sys::{Call, SysError};

/// How much of each file is read at once, in bytes.
const BUFFER: usize = 128 << 10;
/// The xattrs that belong to a file rather than to its place: those of users, and who may do what.
const ATTRIBUTES: [&[u8]; 3] = [b"user.", b"system.posix_acl_", b"security.capability\0"];
/// Those that overlay keeps its marks in.
const MARKS: &[u8] = b"user.overlay.";
/// The mark of an empty file that stands for "there is nothing here", where there can be no whiteout device.
const WHITEOUT: &str = "user.overlay.whiteout";

const CAPABILITIES: &str = "security.capability";

/// A name in a directory, and what it is.
#[derive(Clone, Copy)]
pub(super) struct Named<'n> {
    pub(super) directory: BorrowedFd<'n>,
    pub(super) name: &'n OsStr,
    pub(super) stat: &'n Stat,
}

impl Named<'_> {
    pub(super) fn kind(&self) -> Kind {
        Kind::of(self.stat)
    }

    /// Opens a file or directory for reading; of anything else the call would wait or do something.
    pub(super) fn open(&self) -> Result<OwnedFd, SysError> {
        open(self.directory, self.name).call(|| format!("openat({:?}, RDONLY|NOFOLLOW)", self.name))
    }

    /// What a file lets whoever runs it do.
    pub(super) fn rights(&self) -> Result<Rights, SysError> {
        if self.kind() != Kind::File {
            return Ok(Rights::Plain);
        }
        let file = match open(self.directory, self.name) {
            Ok(file) => file,
            // A container that runs has removed it; or it cannot be read from here, and so not be told.
            Err(Errno::NOENT | Errno::ACCESS) => return Ok(Rights::Plain),
            Err(errno) => return Err(SysError::new(format!("openat({:?}, RDONLY)", self.name), errno)),
        };
        match rustix::fs::fgetxattr(file, CAPABILITIES, &mut [0_u8; 0][..]) {
            Err(Errno::NODATA | Errno::NOTSUP) => Ok(Rights::Plain),
            // Also of a user namespace that this one cannot name.
            Ok(_) | Err(Errno::RANGE | Errno::OVERFLOW) => Ok(Rights::Capabilities),
            Err(errno) => Err(SysError::new(format!("fgetxattr({CAPABILITIES:?})"), errno)),
        }
    }

    /// Where a symlink leads.
    pub(super) fn read_link(&self) -> Result<Vec<u8>, SysError> {
        let link = rustix::fs::readlinkat(self.directory, self.name, Vec::new());
        Ok(link.call(|| format!("readlinkat({:?})", self.name))?.into_bytes())
    }

    /// Whether overlay takes this name of an upper directory for "there is nothing here".
    pub(super) fn is_whiteout(&self) -> Result<bool, SysError> {
        if is_whiteout(self.stat) {
            return Ok(true);
        }
        if self.kind() != Kind::File || self.stat.st_size != 0 {
            return Ok(false);
        }
        match rustix::fs::fgetxattr(self.open()?, WHITEOUT, &mut [0_u8; 0][..]) {
            Ok(_) | Err(Errno::RANGE) => Ok(true),
            Err(Errno::NODATA | Errno::NOTSUP) => Ok(false),
            Err(errno) => Err(SysError::new(format!("fgetxattr({WHITEOUT:?})"), errno)),
        }
    }
}

fn open(directory: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::openat(directory, name, flags, Mode::empty())
}

/// In what the container's inode differs from the host's.
pub(super) fn differences(ours: Named<'_>, host: Named<'_>) -> Result<Vec<Difference>, SysError> {
    if ours.kind() != host.kind() {
        return Ok(vec![Difference::Kind { from: host.kind() }]);
    }
    let mut found = Vec::new();
    if content_differs(ours, host)? {
        found.push(Difference::Content);
    }
    let (from, to) = (host.stat.st_mode & 0o7777, ours.stat.st_mode & 0o7777);
    // The mode of a symlink means nothing.
    if from != to && ours.kind() != Kind::Symlink {
        found.push(Difference::Mode { from, to });
    }
    let owner = |stat: &Stat| (stat.st_uid, stat.st_gid);
    let (from, to) = (owner(host.stat), owner(ours.stat));
    if from != to {
        found.push(Difference::Owner { from, to });
    }
    if matches!(ours.kind(), Kind::File | Kind::Directory) && attributes_differ(ours, host)? {
        found.push(Difference::Attributes);
    }
    Ok(found)
}

fn content_differs(ours: Named<'_>, host: Named<'_>) -> Result<bool, SysError> {
    match ours.kind() {
        Kind::File if ours.stat.st_size != host.stat.st_size => Ok(true),
        Kind::File => match open(host.directory, host.name) {
            Ok(theirs) => bytes_differ(ours.open()?.as_fd(), theirs.as_fd()),
            // What the container could not read either: it is another one's.
            Err(Errno::ACCESS | Errno::PERM) => Ok(true),
            Err(errno) => Err(SysError::new(format!("openat({:?}, RDONLY)", host.name), errno)),
        },
        Kind::Symlink => Ok(ours.read_link()? != host.read_link()?),
        Kind::Device => Ok(ours.stat.st_rdev != host.stat.st_rdev),
        Kind::Directory | Kind::Fifo | Kind::Socket => Ok(false),
    }
}

/// Compares two files part by part; where both have a hole, nothing is read.
fn bytes_differ(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> Result<bool, SysError> {
    let mut buffers = [vec![0; BUFFER], vec![0; BUFFER]];
    let mut at = 0;
    loop {
        let start = match (next_data(one, at), next_data(other, at)) {
            (Some(first), Some(second)) => first.min(second),
            (Some(start), None) | (None, Some(start)) => start,
            (None, None) => return Ok(false),
        };
        let part = parts_differ((one, other), start, &mut buffers)?;
        if part.differ || part.length == 0 {
            return Ok(part.differ);
        }
        at = start + part.length;
    }
}

struct Part {
    differ: bool,
    length: u64,
}

fn parts_differ(
    files: (BorrowedFd<'_>, BorrowedFd<'_>),
    at: u64,
    buffers: &mut [Vec<u8>; 2],
) -> Result<Part, SysError> {
    let [one, other] = buffers;
    let first = read_at(files.0, at, one)?;
    let second = read_at(files.1, at, other)?;
    Ok(Part { differ: one[..first] != other[..second], length: first as u64 })
}

/// Where the next data of a file are; `None` if only a hole is left. Where that cannot be told, right here.
fn next_data(file: BorrowedFd<'_>, at: u64) -> Option<u64> {
    match rustix::fs::seek(file, SeekFrom::Data(at)) {
        Ok(start) => Some(start),
        Err(Errno::NXIO) => None,
        Err(_) => Some(at),
    }
}

/// Fills the buffer, unless the file ends.
fn read_at(file: BorrowedFd<'_>, at: u64, buffer: &mut [u8]) -> Result<usize, SysError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::pread(file, &mut buffer[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(SysError::new(format!("pread({at})"), errno)),
        }
    }
    Ok(filled)
}

fn attributes_differ(ours: Named<'_>, host: Named<'_>) -> Result<bool, SysError> {
    let theirs = match open(host.directory, host.name) {
        Ok(theirs) => attributes(theirs.as_fd())?,
        Err(Errno::ACCESS | Errno::PERM) => return Ok(false),
        Err(errno) => return Err(SysError::new(format!("openat({:?}, RDONLY)", host.name), errno)),
    };
    Ok(attributes(ours.open()?.as_fd())? != theirs)
}

/// The xattrs that count, by name (with its NUL).
fn attributes(inode: BorrowedFd<'_>) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, SysError> {
    let mut found = BTreeMap::new();
    for name in xattr_names(inode)? {
        if !counts(&name) {
            continue;
        }
        let Ok(c_name) = CStr::from_bytes_with_nul(&name) else { continue };
        let mut value = Vec::with_capacity(64 << 10);
        match rustix::fs::fgetxattr(inode, c_name, rustix::buffer::spare_capacity(&mut value)) {
            Ok(_) => drop(found.insert(name, value)),
            Err(Errno::NODATA | Errno::PERM | Errno::ACCESS) => {}
            Err(errno) => return Err(SysError::new(format!("fgetxattr({c_name:?})"), errno)),
        }
    }
    Ok(found)
}

fn counts(name: &[u8]) -> bool {
    !name.starts_with(MARKS) && ATTRIBUTES.iter().any(|beginning| name.starts_with(beginning))
}

/// Removes the xattrs of `inode` that count and that `model` has not.
pub(super) fn drop_attributes(inode: BorrowedFd<'_>, model: BorrowedFd<'_>) -> Result<(), SysError> {
    let wanted = attributes(model)?;
    for name in attributes(inode)?.into_keys().filter(|name| !wanted.contains_key(name)) {
        let Ok(name) = CStr::from_bytes_with_nul(&name) else { continue };
        match rustix::fs::fremovexattr(inode, name) {
            Ok(()) | Err(Errno::NODATA) => {}
            Err(errno) => return Err(SysError::new(format!("fremovexattr({name:?})"), errno)),
        }
    }
    Ok(())
}
