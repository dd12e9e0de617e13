//! The directories that every store has: made by the first write, and unmade when that write fails.
//!
//! Whoever writes shares a lock on the store's directory before it relies on them, so that they are removed only
//! when nobody else does.

use std::sync::Arc;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, fstat, unlinkat};
use rustix::io::Errno;

use super::directory::Directory;
use super::{Store, StoreError, layout};
use crate::sys::{Call, SysError};

/// What there was where the store is going to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// Nothing.
    Missing,
    /// An empty directory with these permissions.
    Empty {
        /// Octal.
        mode: u32,
    },
}

impl Store {
    /// What there is instead of a store; none if there is one.
    ///
    /// # Errors
    /// The directory cannot be read, or is not ours.
    pub fn absence(&self) -> Result<Option<Absence>, StoreError> {
        let Some(directory) = self.directory()? else { return Ok(Some(Absence::Missing)) };
        let read = || -> Result<Option<Absence>, SysError> {
            if directory.exists(layout::VERSION_FILE)? {
                return Ok(None);
            }
            let stat = fstat(directory).call(|| format!("fstat({:?})", self.path))?;
            Ok(Some(Absence::Empty { mode: stat.st_mode & 0o7777 }))
        };
        read().map_err(|cause| self.read_error(cause))
    }

    /// Removes the store again, if there is nothing in it and nobody else writes.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn unmake(&self, absence: Absence) -> Result<(), StoreError> {
        let Some(directory) = self.directory()? else { return Ok(()) };
        self.unmake_inside(directory, absence).map_err(|cause| self.write_error(cause))
    }

    fn unmake_inside(&self, directory: &Directory, absence: Absence) -> Result<(), SysError> {
        match flock(directory, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Ok(()),
            result => result.call(|| format!("flock({:?}, EXCLUSIVE)", self.path))?,
        }
        for name in layout::DIRECTORIES {
            if directory.exists(name)? && !directory.names_in(name)?.is_empty() {
                return Ok(());
            }
        }
        for name in layout::DIRECTORIES {
            match unlinkat(directory, name, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(SysError::new(format!("unlinkat({name:?}, REMOVEDIR)"), errno)),
            }
        }
        for name in layout::JOURNALS {
            directory.unlink(name)?;
        }
        directory.unlink(layout::VERSION_FILE)?;
        match absence {
            Absence::Missing => rustix::fs::rmdir(&self.path).call(|| format!("rmdir({:?})", self.path)),
            Absence::Empty { mode } => rustix::fs::fchmod(directory, Mode::from_raw_mode(mode))
                .call(|| format!("fchmod({:?}, {mode:o})", self.path)),
        }
    }

    pub(super) fn make(&self) -> Result<(), StoreError> {
        if self.directory.get().is_none() {
            self.make_root()?;
        }
        let Some(directory) = self.directory.get() else { return Ok(()) };
        share(directory).and_then(|()| self.make_inside(directory)).map_err(|cause| self.write_error(cause))
    }

    fn make_root(&self) -> Result<(), StoreError> {
        let mut builder = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(builder.recursive(true), 0o700);
        builder
            .create(&self.path)
            .call(|| format!("mkdir({:?}, 0700)", self.path))
            .map_err(|cause| self.write_error(cause))?;
        self.open_existing()
    }

    fn make_inside(&self, directory: &Directory) -> Result<(), SysError> {
        let text = format!("{}\n", layout::VERSION);
        match directory.write(layout::VERSION_FILE, text.as_bytes()) {
            Err(error) if error.errno() == Errno::EXIST => complete_version(directory, &text)?,
            written => written?,
        }
        // An empty directory that somebody made for the store may be readable by others.
        rustix::fs::fchmod(directory, rustix::fs::Mode::RWXU)
            .call(|| format!("fchmod({:?}, 0700)", self.path))?;
        for name in layout::DIRECTORIES {
            directory.make(name)?;
        }
        let _ = self.temporary.set(Arc::new(directory.directory(layout::TEMPORARY)?));
        Ok(())
    }
}

/// Writes the version into a file that a process was killed before it could write to. Another one that is about to do
/// so writes the same.
fn complete_version(directory: &Directory, text: &str) -> Result<(), SysError> {
    if directory.read(layout::VERSION_FILE, 64)?.is_none_or(|found| !found.is_empty()) {
        return Ok(());
    }
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, layout::VERSION_FILE, flags, Mode::empty());
    let file = file.call(|| "openat(\"version\")")?;
    rustix::io::pwrite(file, text.as_bytes(), 0).map(drop).call(|| "pwrite(\"version\")")
}

fn share(directory: &Directory) -> Result<(), SysError> {
    loop {
        match flock(directory, FlockOperation::LockShared) {
            Err(Errno::INTR) => {}
            result => return result.call(|| "flock(store, SHARED)"),
        }
    }
}
