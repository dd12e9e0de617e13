//! Whether two open files are the same.

use std::os::fd::BorrowedFd;

use rustix::fs::SeekFrom;
use rustix::io::Errno;

use crate::store::copy::inode::xattr_names;
use crate::store::merged::os;
use crate::sys::SysError;

/// How much is compared at once, in bytes.
const BUFFER: usize = 256 << 10;

/// Whether two files have the same xattrs.
pub(super) fn same_xattrs(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> Result<bool, SysError> {
    Ok(xattrs(one)? == xattrs(other)?)
}

/// Names and values, sorted.
type Xattrs = Vec<(Vec<u8>, Vec<u8>)>;

fn xattrs(inode: BorrowedFd<'_>) -> Result<Xattrs, SysError> {
    let mut xattrs = Vec::new();
    for name in xattr_names(inode)? {
        let name = name.strip_suffix(b"\0").unwrap_or(&name);
        if name == b"security.selinux" {
            continue;
        }
        let mut value = Vec::with_capacity(64 << 10);
        match rustix::fs::fgetxattr(inode, os(name), rustix::buffer::spare_capacity(&mut value)) {
            Ok(_) => xattrs.push((name.to_vec(), value)),
            Err(Errno::NODATA | Errno::PERM | Errno::ACCESS) => {}
            Err(errno) => return Err(SysError::new(format!("fgetxattr({:?})", os(name)), errno)),
        }
    }
    xattrs.sort();
    Ok(xattrs)
}

/// Compares what two files hold; where both have a hole nothing is read.
pub(super) fn same_data(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> Result<bool, SysError> {
    let (mut here, mut there) = (vec![0; BUFFER], vec![0; BUFFER]);
    let mut at = 0;
    loop {
        at = match (next_data(one, at)?, next_data(other, at)?) {
            (None, None) => return Ok(true),
            (Some(one), Some(other)) => one.min(other),
            (Some(at), None) | (None, Some(at)) => at,
        };
        let count = read_at(one, &mut here, at)?;
        if count != read_at(other, &mut there, at)? || here[..count] != there[..count] {
            return Ok(false);
        }
        if count == 0 {
            return Ok(true);
        }
        at += count as u64;
    }
}

/// Where data begin at or behind `at`.
fn next_data(file: BorrowedFd<'_>, at: u64) -> Result<Option<u64>, SysError> {
    match rustix::fs::seek(file, SeekFrom::Data(at)) {
        Ok(start) => Ok(Some(start)),
        Err(Errno::NXIO) => Ok(None),
        // A file system that knows no holes.
        Err(Errno::INVAL) => Ok(Some(at)),
        Err(errno) => Err(SysError::new(format!("lseek({at}, DATA)"), errno)),
    }
}

/// Fills the buffer as far as the file goes.
fn read_at(file: BorrowedFd<'_>, buffer: &mut [u8], at: u64) -> Result<usize, SysError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::pread(file, &mut buffer[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(SysError::new("pread", errno)),
        }
    }
    Ok(filled)
}
