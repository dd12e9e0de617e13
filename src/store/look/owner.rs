//! The owners of files that lie in the store with one ID for all.

use std::ffi::OsStr;
use std::os::fd::AsFd;

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::store::unpack::OWNER;
use crate::store::variant::parse_owner;
use crate::sys::{Call, SysError};

/// What the attribute of a file or directory says instead of its inode, if it has one. Nothing else can have one.
pub(super) fn recorded(directory: impl AsFd, name: &OsStr, stat: &mut Stat) -> Result<(), SysError> {
    if !matches!(FileType::from_raw_mode(stat.st_mode), FileType::RegularFile | FileType::Directory) {
        return Ok(());
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let inode = rustix::fs::openat(directory, name, flags, Mode::empty());
    let inode = inode.call(|| format!("openat({name:?}, NOFOLLOW)"))?;
    let mut value = [0; 64];
    let length = match rustix::fs::fgetxattr(&inode, OWNER, &mut value[..]) {
        Ok(length) => length,
        Err(Errno::NODATA | Errno::NOTSUP) => return Ok(()),
        Err(errno) => return Err(SysError::new(format!("fgetxattr({OWNER:?})"), errno)),
    };
    // Nobody but us writes it: what does not parse is not worth more than what is not there.
    if let Some((user, group, mode)) = parse_owner(value.get(..length).unwrap_or_default()) {
        (stat.st_uid, stat.st_gid) = (user, group);
        stat.st_mode = stat.st_mode & !0o7777 | mode & 0o7777;
    }
    Ok(())
}
