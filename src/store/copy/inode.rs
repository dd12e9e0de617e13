//! Copies one inode that is not a directory, and the metadata of any.

use std::ffi::{CStr, OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, Timespec, Timestamps, XattrFlags};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};

use super::Amount;
pub(in crate::store) use super::data::Data;
use super::data::Sharing;
use crate::store::unpack::OWNER;
use crate::sys::{Call, SysError};

/// What becomes of the xattrs that overlay keeps its marks in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Marks {
    /// The copy is a layer again.
    Kept,
    /// The copy stands somewhere else, where they would mean something else.
    Dropped,
    /// The same, and what the file system there does not take is dropped, too: a volume may lie on any.
    Wanted,
}

/// In which way a copy differs.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Dress {
    /// The owner as this process sees it; `None` leaves the new inode to its maker.
    pub(in crate::store) owner: Option<(u32, u32)>,
    /// Overlay's marks.
    pub(in crate::store) marks: Marks,
}

/// Copies the inode `name` of type and metadata `stat` into another directory, where it must not exist.
pub(in crate::store) fn copy_inode(
    source: BorrowedFd<'_>,
    destination: BorrowedFd<'_>,
    name: &OsStr,
    stat: &Stat,
    dress: Dress,
) -> Result<(), SysError> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {
            let data = Data { sharing: Sharing::Auto, amount: &mut Amount::default() };
            copy_file((source, destination), name, stat, dress, data).map(drop)
        }
        FileType::Symlink => {
            let target =
                rustix::fs::readlinkat(source, name, Vec::new()).call(|| format!("readlinkat({name:?})"))?;
            rustix::fs::symlinkat(&target, destination, name)
                .call(|| format!("symlinkat({target:?}, {name:?})"))?;
            own_name(destination, name, dress.owner)?;
            time_name(destination, name, &mtime(stat))
        }
        kind => {
            rustix::fs::mknodat(destination, name, kind, Mode::RUSR | Mode::WUSR, stat.st_rdev)
                .call(|| format!("mknodat({name:?}, {kind:?})"))?;
            own_name(destination, name, dress.owner)?;
            mode_name(destination, name, stat.st_mode)?;
            time_name(destination, name, &mtime(stat))
        }
    }
}

/// Copies the regular file `name` from the first directory into the second one; as of [`copy_owner_and_xattrs`].
pub(in crate::store) fn copy_file(
    (source, destination): (BorrowedFd<'_>, BorrowedFd<'_>),
    name: &OsStr,
    stat: &Stat,
    dress: Dress,
    data: Data<'_>,
) -> Result<bool, SysError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let shown = || format!("openat({name:?}, RDONLY)");
    let from = rustix::fs::openat(source, name, flags, Mode::empty()).call(shown)?;
    let stat = &as_opened(stat, &rustix::fs::fstat(&from).call(shown)?)
        .ok_or_else(|| SysError::new(shown(), Errno::NOENT))?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let to = rustix::fs::openat(destination, name, flags, Mode::RUSR | Mode::WUSR)
        .call(|| format!("openat({name:?}, CREATE|EXCL)"))?;
    data.copy(from.as_fd(), to.as_fd(), u64::try_from(stat.st_size).unwrap_or(0))
        .map_err(|(call, errno)| SysError::new(format!("{call}({name:?})"), errno))?;
    copy_metadata(from.as_fd(), to.as_fd(), stat, dress)
}

/// What is copied of a file that was looked at before it was opened, by which time it may have been another one: that one
/// gets no bits by which its owner's rights would be given to others. None if it was no file.
fn as_opened(seen: &Stat, opened: &Stat) -> Option<Stat> {
    let identity = |stat: &Stat| (stat.st_uid, stat.st_gid, stat.st_mode & 0o777);
    let is_same = identity(seen) == identity(opened) && seen.st_mode & 0o6000 & !opened.st_mode == 0;
    let lost = if is_same { 0 } else { 0o6000 };
    if FileType::from_raw_mode(opened.st_mode) != FileType::RegularFile {
        return None;
    }
    let mut stat = *seen;
    (stat.st_mode, stat.st_size) = (seen.st_mode & !lost, opened.st_size);
    Some(stat)
}

/// The names in a directory.
pub(in crate::store) fn names(directory: BorrowedFd<'_>) -> Result<Vec<OsString>, SysError> {
    let read = || -> Result<Vec<OsString>, Errno> {
        let mut names = Vec::new();
        for entry in Dir::read_from(directory)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    };
    read().call(|| "getdents64")
}

/// Owner, xattrs, mode and time, in the order in which none undoes another; as of [`copy_owner_and_xattrs`].
pub(in crate::store) fn copy_metadata(
    source: BorrowedFd<'_>,
    destination: BorrowedFd<'_>,
    stat: &Stat,
    dress: Dress,
) -> Result<bool, SysError> {
    let has_owner = copy_owner_and_xattrs(source, destination, dress)?;
    rustix::fs::fchmod(destination, Mode::from_raw_mode(stat.st_mode & 0o7777)).call(|| "fchmod")?;
    rustix::fs::futimens(destination, &mtime(stat)).call(|| "futimens")?;
    Ok(has_owner)
}

/// The part of the metadata that a directory can have before it is filled; whether an xattr says that it would be
/// somebody else's if there were more IDs than one.
pub(in crate::store) fn copy_owner_and_xattrs(
    source: BorrowedFd<'_>,
    destination: BorrowedFd<'_>,
    dress: Dress,
) -> Result<bool, SysError> {
    if let Some((user, group)) = dress.owner {
        rustix::fs::fchown(destination, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))
            .call(|| format!("fchown({user}, {group})"))?;
    }
    let mut has_owner = false;
    for name in xattr_names(source)? {
        if dress.marks != Marks::Kept && name.starts_with(b"user.overlay.") {
            continue;
        }
        let Ok(name) = CStr::from_bytes_with_nul(&name) else { continue };
        has_owner |= name.to_bytes() == OWNER.as_bytes();
        match copy_xattr(source, destination, name) {
            Err(error) if error.errno() == Errno::NOTSUP && dress.marks == Marks::Wanted => {}
            result => result?,
        }
    }
    Ok(has_owner)
}

fn copy_xattr(source: BorrowedFd<'_>, destination: BorrowedFd<'_>, name: &CStr) -> Result<(), SysError> {
    let mut value = Vec::with_capacity(64 << 10);
    match rustix::fs::fgetxattr(source, name, rustix::buffer::spare_capacity(&mut value)) {
        Ok(_) => {}
        // Gone meanwhile, or of a namespace that only others may read.
        Err(Errno::NODATA | Errno::PERM | Errno::ACCESS) => return Ok(()),
        Err(errno) => return Err(SysError::new(format!("fgetxattr({name:?})"), errno)),
    }
    match rustix::fs::fsetxattr(destination, name, &value, XattrFlags::empty()) {
        Ok(()) => Ok(()),
        // Labels and capabilities belong to whoever may set them, and an ACL may name somebody whom the user
        // namespace does not have; `user` xattrs must not get lost.
        Err(Errno::PERM | Errno::NOTSUP | Errno::INVAL) if !name.to_bytes().starts_with(b"user.") => Ok(()),
        Err(errno) => Err(SysError::new(format!("fsetxattr({name:?})"), errno)),
    }
}

/// The names of the xattrs, each with its NUL.
pub(in crate::store) fn xattr_names(inode: BorrowedFd<'_>) -> Result<Vec<Vec<u8>>, SysError> {
    let names = match rustix::fs::flistxattr_query(inode) {
        Ok(0) | Err(Errno::NOTSUP) => return Ok(Vec::new()),
        result => result.and_then(|_| {
            let mut names = Vec::with_capacity(64 << 10);
            rustix::fs::flistxattr(inode, rustix::buffer::spare_capacity(&mut names))?;
            Ok(names)
        }),
    };
    let names = names.call(|| "flistxattr")?;
    Ok(names.split_inclusive(|&byte| byte == 0).map(<[u8]>::to_vec).collect())
}

/// Access and modification time of a copy: both the modification time.
pub(in crate::store) fn mtime(stat: &Stat) -> Timestamps {
    let nanoseconds = i64::try_from(stat.st_mtime_nsec).unwrap_or(0);
    timestamps(stat.st_mtime, nanoseconds)
}

/// The same time for access and modification.
pub(in crate::store) fn timestamps(seconds: i64, nanoseconds: i64) -> Timestamps {
    let time = Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    Timestamps { last_access: time, last_modification: time }
}

/// Changes the owner of a name, which may be a symlink.
pub(in crate::store) fn own_name(
    directory: BorrowedFd<'_>,
    name: &OsStr,
    owner: Option<(u32, u32)>,
) -> Result<(), SysError> {
    let Some((user, group)) = owner else { return Ok(()) };
    let (uid, gid) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
    rustix::fs::chownat(directory, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
        .call(|| format!("fchownat({name:?}, {user}, {group})"))
}

/// Sets the times of a name, which may be a symlink.
pub(in crate::store) fn time_name(
    directory: BorrowedFd<'_>,
    name: &OsStr,
    times: &Timestamps,
) -> Result<(), SysError> {
    rustix::fs::utimensat(directory, name, times, AtFlags::SYMLINK_NOFOLLOW)
        .call(|| format!("utimensat({name:?})"))
}

/// Changes the mode of a name that this process has just made and that is no symlink.
pub(in crate::store) fn mode_name(
    directory: BorrowedFd<'_>,
    name: &OsStr,
    mode: u32,
) -> Result<(), SysError> {
    rustix::fs::chmodat(directory, name, Mode::from_raw_mode(mode & 0o7777), AtFlags::empty())
        .call(|| format!("fchmodat({name:?})"))
}

/// Writes all of `bytes` at `offset`.
pub(in crate::store) fn write_all_at(
    to: BorrowedFd<'_>,
    mut bytes: &[u8],
    mut offset: u64,
) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::pwrite(to, bytes, offset) {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => {
                bytes = &bytes[count..];
                offset += count as u64;
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
