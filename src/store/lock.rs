//! Locks that die with their process.
//!
//! A lock is `flock(2)` on a file or directory under `tmp/`. Whoever holds it removes the name when done, so
//! none are left lying about; so whoever gets a lock looks whether what was locked is still what has the name.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, Stat, flock, fstat, statat};
use rustix::io::Errno;

use super::directory::Directory;
use crate::sys::{Call, SysError, moment};

/// How long a lock is left alone before it is asked for again: first, and after many times.
const SHORTEST_PAUSE: Duration = Duration::from_micros(250);
const LONGEST_PAUSE: Duration = Duration::from_millis(16);

/// Locks what is open, without waiting; whether it was free and still has a name.
pub(super) fn try_lock(fd: &OwnedFd, shown: &str) -> Result<bool, SysError> {
    match flock(fd, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {
            moment("locked");
            has_name(fd, shown)
        }
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(SysError::new(format!("flock({shown})"), errno)),
    }
}

fn has_name(fd: &OwnedFd, shown: &str) -> Result<bool, SysError> {
    Ok(fstat(fd).call(|| format!("fstat({shown})"))?.st_nlink > 0)
}

/// Whether somebody holds the lock of a directory for itself.
pub(crate) fn is_held(directory: &Directory) -> Result<bool, SysError> {
    match flock(directory, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {
            flock(directory, FlockOperation::Unlock).call(|| format!("flock({:?}, UN)", directory.path()))?;
            Ok(false)
        }
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(errno) => Err(SysError::new(format!("flock({:?}, SHARED)", directory.path()), errno)),
    }
}

/// Waits until nobody holds the lock of a directory any more; whether that came about in `patience`.
///
/// It is asked for again and again, as a lock that is waited for may go to somebody else, who keeps it for as long as a
/// container runs.
pub(crate) fn await_release(directory: &Directory, patience: Duration) -> Result<bool, SysError> {
    let deadline = Instant::now() + patience;
    let mut pause = SHORTEST_PAUSE;
    while is_held(directory)? {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        std::thread::sleep(pause.min(left));
        pause = LONGEST_PAUSE.min(pause * 2);
    }
    Ok(true)
}

/// Opens the directory `name` and keeps it from being removed while it is open; none when there is none.
pub(super) fn pin(root: &Directory, name: &str) -> Result<Option<Directory>, SysError> {
    lock_directory(root, name, FlockOperation::LockShared)
}

/// Opens the directory `name` to remove it; none when there is none, or somebody has pinned it.
pub(super) fn seize(root: &Directory, name: &str) -> Result<Option<Directory>, SysError> {
    lock_directory(root, name, FlockOperation::NonBlockingLockExclusive)
}

/// Opens the directory `name` for this process alone, once all others have let it go; none when there is none.
pub(super) fn hold(root: &Directory, name: &str) -> Result<Option<Directory>, SysError> {
    lock_directory(root, name, FlockOperation::LockExclusive)
}

fn lock_directory(
    root: &Directory,
    name: &str,
    operation: FlockOperation,
) -> Result<Option<Directory>, SysError> {
    let directory = match root.directory(name) {
        Ok(directory) => directory,
        Err(error) if error.errno() == Errno::NOENT => return Ok(None),
        Err(error) => return Err(error),
    };
    loop {
        match flock(&directory, operation) {
            Ok(()) => break moment("locked"),
            Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(errno) => return Err(SysError::new(format!("flock({name:?})"), errno)),
        }
    }
    // It may have been renamed away before it was locked.
    let identity = |stat: Stat| (stat.st_dev, stat.st_ino);
    let ours = fstat(&directory).call(|| format!("fstat({name:?})"))?;
    match statat(root, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(there) if identity(there) == identity(ours) => Ok(Some(directory)),
        Ok(_) | Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(SysError::new(format!("statat({name:?})"), errno)),
    }
}

/// A lock by name, held until it is dropped or the process ends.
#[derive(Debug)]
pub(super) struct NameLock {
    directory: Arc<Directory>,
    name: String,
    _fd: OwnedFd,
}

impl NameLock {
    /// Waits for the lock `name`.
    pub(super) fn wait(directory: &Arc<Directory>, name: &str) -> Result<Self, SysError> {
        loop {
            let fd = open(directory, name)?;
            match flock(&fd, FlockOperation::LockExclusive) {
                Err(Errno::INTR) => {}
                result => {
                    result.call(|| format!("flock({name:?})"))?;
                    moment("locked");
                    if has_name(&fd, name)? {
                        return Ok(Self { directory: Arc::clone(directory), name: name.to_owned(), _fd: fd });
                    }
                }
            }
        }
    }

    /// Takes the lock `name` if it is free.
    pub(super) fn take(directory: &Arc<Directory>, name: &str) -> Result<Option<Self>, SysError> {
        let fd = open(directory, name)?;
        let taken = try_lock(&fd, name)?;
        Ok(taken.then(|| Self { directory: Arc::clone(directory), name: name.to_owned(), _fd: fd }))
    }
}

impl Drop for NameLock {
    fn drop(&mut self) {
        // Nothing depends on the name being gone: the next sweep removes what is left.
        let _ = self.directory.unlink(&self.name);
    }
}

fn open(directory: &Directory, name: &str) -> Result<OwnedFd, SysError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(directory, name, flags, Mode::RUSR | Mode::WUSR)
        .call(|| format!("openat({:?}, CREATE)", directory.path().join(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Scratch;

    #[test]
    fn one_holder_at_a_time_and_nothing_left() {
        let scratch = Scratch::new();
        let directory = Arc::new(Directory::open(scratch.path()).unwrap());
        let held = NameLock::wait(&directory, "a.lock").unwrap();
        assert!(NameLock::take(&directory, "a.lock").unwrap().is_none());
        drop(held);
        assert!(directory.names().unwrap().is_empty());
        assert!(NameLock::take(&directory, "a.lock").unwrap().is_some());
    }

    #[test]
    fn waiters_get_the_lock_one_after_the_other() {
        let scratch = Scratch::new();
        let directory = Arc::new(Directory::open(scratch.path()).unwrap());
        let inside = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _lock = NameLock::wait(&directory, "a.lock").unwrap();
                        assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
    }
}
