//! Directories for what is being made, and what becomes of them when their process dies.
//!
//! Each is `tmp/RANDOM`, locked while its process lives. Whatever has a free lock is nobody's and is swept.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

use super::directory::Directory;
use super::lock;
use super::remove::{RemoveError, remove_tree};
use super::{Store, StoreError, Swept};
use crate::sys::{Call, SysError};

/// The ACL that what is made in a directory gets.
const DEFAULT_ACL: &str = "system.posix_acl_default";

/// A directory under `tmp/`, removed with all that is in it when this is dropped.
///
/// What is to stay is renamed out of it first.
#[derive(Debug)]
pub struct Temporary {
    parent: Arc<Directory>,
    name: String,
    directory: Directory,
    lock: OwnedFd,
}

/// Keeps what the directories above would give to everything in this one away from it: the group of a setgid one, and a
/// default ACL.
fn disinherit(directory: BorrowedFd<'_>) -> Result<(), SysError> {
    rustix::fs::fchmod(directory, Mode::RWXU).call(|| "fchmod(0700)")?;
    match rustix::fs::fremovexattr(directory, DEFAULT_ACL) {
        Ok(()) | Err(Errno::NODATA | Errno::NOTSUP) => Ok(()),
        Err(errno) => Err(SysError::new(format!("fremovexattr({DEFAULT_ACL:?})"), errno)),
    }
}

impl Temporary {
    /// Makes a new one; makes the store, too, where there is none.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn new(store: &Store) -> Result<Self, StoreError> {
        let parent = store.temporary_directory()?;
        Self::in_directory(&parent).map_err(|cause| store.write_error(cause))
    }

    fn in_directory(parent: &Arc<Directory>) -> Result<Self, SysError> {
        loop {
            let name = random_name()?;
            if !parent.make(&name)? {
                continue;
            }
            // A sweep may get between making and locking: then it is gone again, and another is made.
            match parent.directory(&name) {
                Ok(directory) => {
                    let lock =
                        rustix::io::fcntl_dupfd_cloexec(&directory, 0).call(|| "fcntl(DUPFD_CLOEXEC)")?;
                    if lock::try_lock(&lock, &name)? {
                        disinherit(directory.as_fd())?;
                        return Ok(Self { parent: Arc::clone(parent), name, directory, lock });
                    }
                }
                Err(error) if error.errno() == Errno::NOENT => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Renames the directory to `name`, from the store, and hands it over with its lock, which goes on.
    ///
    /// # Errors
    /// The rename is refused, as when there is something of that name.
    pub fn publish(self, store: &Store, name: &str) -> Result<(Directory, OwnedFd), StoreError> {
        let root = store.writable()?;
        self.parent.rename(&self.name, root, name).map_err(|cause| store.write_error(cause))?;
        let publish = || {
            let lock = rustix::io::fcntl_dupfd_cloexec(&self.lock, 3).call(|| "fcntl(DUPFD_CLOEXEC)")?;
            Ok((root.directory(name)?, lock))
        };
        publish().map_err(|cause| store.write_error(cause))
    }

    /// The same for what must survive a loss of power: first what is in the directory is on disk, and then its name.
    ///
    /// # Errors
    /// As of [`Temporary::publish`], or it cannot be brought to disk.
    pub fn publish_durably(self, store: &Store, name: &str) -> Result<(Directory, OwnedFd), StoreError> {
        self.directory.flush().map_err(|cause| store.write_error(cause))?;
        let published = self.publish(store, name)?;
        let parent = name.rsplit_once('/').map_or(".", |(parent, _)| parent);
        let parent = store.writable()?.directory(parent).and_then(|parent| parent.flush());
        parent.map_err(|cause| store.write_error(cause))?;
        Ok(published)
    }

    /// Removes the directory now, and says if that does not work.
    ///
    /// # Errors
    /// What removing says.
    pub fn discard(self) -> Result<(), RemoveError> {
        remove_tree(self.parent.as_fd(), self.name.as_ref())
    }

    /// A file without a name on the file system of the store, for reading and writing.
    ///
    /// # Errors
    /// What making the file says.
    pub fn spool(&self) -> Result<File, SysError> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        match rustix::fs::openat(&self.directory, ".", flags | OFlags::TMPFILE, mode) {
            Ok(fd) => return Ok(File::from(fd)),
            // File systems without such files say so in one of these ways.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {}
            Err(errno) => return Err(SysError::new("openat(\".\", TMPFILE)", errno)),
        }
        let name = random_name()?;
        let fd = rustix::fs::openat(&self.directory, &name, flags | OFlags::CREATE | OFlags::EXCL, mode)
            .call(|| format!("openat({name:?}, CREATE|EXCL)"))?;
        self.directory.unlink(&name)?;
        Ok(File::from(fd))
    }

    /// Writes a file here and renames it to `name`, from the store, over what was there.
    ///
    /// # Errors
    /// The file cannot be written or renamed.
    pub fn replace_file(&self, store: &Store, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.put_in_place(store, name, |own| self.directory.write(own, bytes))
    }

    /// The same, so that after a power cut there is the whole file or what was there before.
    ///
    /// # Errors
    /// The file cannot be written or renamed.
    pub fn replace_file_durably(&self, store: &Store, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.put_in_place(store, name, |own| self.directory.write_durably(own, bytes))
    }

    fn put_in_place(
        &self,
        store: &Store,
        name: &str,
        write: impl FnOnce(&str) -> Result<(), SysError>,
    ) -> Result<(), StoreError> {
        let root = store.writable()?;
        let replace = || {
            let own = random_name()?;
            write(&own)?;
            self.directory.rename(&own, root, name)
        };
        replace().map_err(|cause| store.write_error(cause))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed now (files of other IDs, say) is swept later.
        let _ = remove_tree(self.parent.as_fd(), self.name.as_ref());
    }
}

/// Sixteen hexadecimal digits that nobody can predict.
pub(super) fn random_name() -> Result<String, SysError> {
    let mut bytes = [0_u8; 8];
    getrandom(&mut bytes, GetRandomFlags::empty()).call(|| "getrandom(8)")?;
    Ok(format!("{:016x}", u64::from_ne_bytes(bytes)))
}

/// Removes what is in `parent` and locked by nobody; before that, `finish` finishes what was begun with it.
pub(super) fn sweep(
    parent: &Directory,
    finish: &mut dyn FnMut(&OsStr, &mut Swept),
) -> Result<Swept, SysError> {
    let mut swept = Swept::default();
    for name in parent.names()? {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = match rustix::fs::openat(parent, &name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => continue,
            Err(_) => {
                swept.left += 1;
                continue;
            }
        };
        if !lock::try_lock(&fd, &name.to_string_lossy())? {
            continue;
        }
        finish(&name, &mut swept);
        match remove_tree(parent.as_fd(), &name) {
            Ok(()) => swept.removed += 1,
            Err(_) => swept.left += 1,
        }
    }
    Ok(swept)
}
