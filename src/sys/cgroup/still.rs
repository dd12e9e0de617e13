//! Letting the processes of a cgroup stand still while something is copied, and go on whatever becomes of who copies.
//!
//! A note beside the cgroup says whether they stand still for a copy (`1`) or because a user wants it (nothing). Whoever
//! copies holds a shared `flock(2)` on it, and the last one who lets it go lets the processes go on. A process that does
//! nothing else watches who copies, for that one may be killed; should that process be killed as well, whoever looks at
//! the note next finds it unlocked, and lets them go on.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::sched::CloneFlags;
use nix::sys::signal::SigSet;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;

use super::account::{Freezing, freeze, is_frozen};
use crate::sys::clone::{self, Child};
use crate::sys::{Call, SysError, process};

/// What the note says of processes that stand still for a copy.
const COPIED: &[u8] = b"1";

/// Processes that stand still until this is dropped.
#[derive(Debug)]
pub struct Stillness {
    /// Its other end is the watcher's; none any more when they are to go on.
    alive: Option<OwnedFd>,
    watcher: Child,
    note: OwnedFd,
    cgroup: std::path::PathBuf,
}

/// Lets the processes of a cgroup stand still for a copy; none if a user has paused them already.
///
/// # Errors
/// They cannot be stopped, or not be watched; then they go on.
pub fn hold_still(cgroup: &Path, note: OwnedFd) -> Result<Option<Stillness>, SysError> {
    lock(&note, FlockOperation::LockShared)?;
    // Asked in this order: the note is written before anything stands still.
    if is_frozen(cgroup) && !says_copied(&note)? {
        return Ok(None);
    }
    let (reader, alive) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).call(|| "pipe2()")?;
    let watcher =
        clone::spawn(CloneFlags::empty(), || watch(cgroup, reader.as_fd(), note.as_fd()).map_or(1, |()| 0))?;
    // From here on, whatever happens, they go on when this is dropped.
    let still = Stillness { alive: Some(alive), watcher, note, cgroup: cgroup.to_owned() };
    rustix::io::pwrite(&still.note, COPIED, 0).map(drop).call(|| "pwrite(note)")?;
    freeze(cgroup, Freezing::Frozen)?;
    Ok(Some(still))
}

/// Lets the processes of a cgroup stand still until a user says otherwise, once nothing is copied any more.
///
/// # Errors
/// They cannot be stopped.
pub fn pause(cgroup: &Path, note: &OwnedFd) -> Result<(), SysError> {
    lock(note, FlockOperation::LockExclusive)?;
    forget(note.as_fd())?;
    freeze(cgroup, Freezing::Frozen)
}

/// Whether a user has paused the processes of a cgroup. Those that somebody left behind who was killed while copying go
/// on.
///
/// # Errors
/// The note cannot be read, or the processes cannot go on.
pub fn is_paused(cgroup: &Path, note: &OwnedFd) -> Result<bool, SysError> {
    if !is_frozen(cgroup) {
        return Ok(false);
    }
    if !says_copied(note)? {
        return Ok(true);
    }
    go_on(cgroup, note.as_fd())?;
    Ok(false)
}

/// Waits until the process at the other end of a pipe has let it go, by whatever way.
fn watch(cgroup: &Path, alive: BorrowedFd<'_>, note: BorrowedFd<'_>) -> Result<(), SysError> {
    // What ends the other process, as a Ctrl-C does, must not end this one.
    process::set_signal_mask(&SigSet::all())?;
    process::close_all_but(&[alive, note])?;
    process::new_session()?;
    let mut byte = [0; 1];
    while rustix::io::read(alive, &mut byte) == Err(Errno::INTR) {}
    go_on(cgroup, note)
}

/// Lets the processes go on if nobody else copies.
fn go_on(cgroup: &Path, note: BorrowedFd<'_>) -> Result<(), SysError> {
    loop {
        match flock(note, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) => return Ok(()),
            Err(errno) => return Err(SysError::new("flock(note)", errno)),
        }
    }
    if says_copied(note)? {
        match freeze(cgroup, Freezing::Thawed) {
            Ok(()) => {}
            // It has ended meanwhile.
            Err(error) if [Errno::NOENT, Errno::NODEV, Errno::TIMEDOUT].contains(&error.errno()) => {}
            Err(error) => return Err(error),
        }
        forget(note)?;
    }
    Ok(())
}

fn says_copied(note: impl AsFd) -> Result<bool, SysError> {
    let mut byte = [0; 1];
    let length = rustix::io::pread(note, &mut byte, 0).call(|| "pread(note)")?;
    Ok(byte.get(..length).is_some_and(|said| said == COPIED))
}

fn forget(note: BorrowedFd<'_>) -> Result<(), SysError> {
    rustix::fs::ftruncate(note, 0).call(|| "ftruncate(note, 0)")
}

fn lock(note: &OwnedFd, operation: FlockOperation) -> Result<(), SysError> {
    loop {
        match flock(note, operation) {
            Err(Errno::INTR) => {}
            result => return result.call(|| "flock(note)"),
        }
    }
}

impl Drop for Stillness {
    fn drop(&mut self) {
        drop(self.alive.take());
        // Should the watcher have been killed, its work is done here; should that fail, whoever looks next does it.
        let _ = self.watcher.wait();
        let _ = go_on(&self.cgroup, self.note.as_fd());
    }
}
