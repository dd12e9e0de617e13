//! What has happened in this store, a line of JSON each, written down by whoever did it.
//!
//! Lines are only ever added, each with one `write(2)` at the end of the file. Each begins with a line feed, too, so that
//! one that is not whole, because its writer was killed or the disk full, does not spoil the next; readers pass over it.
//! Nothing depends on the journal, and nobody waits for the disk.
//!
//! A file that has its size is renamed, over the one before, and another is begun. Whoever adds shares a lock on the
//! file, and whoever renames it has the lock alone: so nothing is added to a file that has lost its name, and a reader
//! that has come to the end of such a file has seen all of it.

mod read;

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, Stat, flock, fstat, openat, statat};
use rustix::io::Errno;

use super::directory::Directory;
use super::{Store, StoreError, layout};
use crate::plan::occurrence::Occurrence;
use crate::sys::{Call, SysError};

pub use read::JournalReader;

/// The size at which a file is full, in bytes.
const FILE_MAX: u64 = 1 << 20;
/// The longest line; what is longer goes without its attributes. In bytes.
const LINE_MAX: usize = 64 << 10;
/// How often the file is opened again while it is just being renamed, and how long that is waited for each time.
const ATTEMPTS: (u32, Duration) = (50, Duration::from_millis(2));

impl Store {
    /// Writes down what has happened; where there is no store, nothing has.
    ///
    /// # Errors
    /// The store cannot be written; then some of it is lost.
    pub fn write_journal(&self, occurrences: &[Occurrence]) -> Result<(), StoreError> {
        let Some(directory) = self.directory()? else { return Ok(()) };
        let lines: Vec<u8> = occurrences.iter().flat_map(line).collect();
        add(directory, &lines, FILE_MAX).map_err(|cause| self.write_error(cause))
    }

    /// Opens the journal; none while there is no store.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn journal(&self) -> Result<Option<JournalReader>, StoreError> {
        let Some(directory) = self.directory()? else { return Ok(None) };
        let open = Directory::open(directory.path()).and_then(JournalReader::open);
        open.map(Some).map_err(|cause| self.read_error(cause))
    }
}

fn line(occurrence: &Occurrence) -> Vec<u8> {
    // Texts and numbers under text keys: all of that can become JSON.
    let mut json = serde_json::to_vec(occurrence).unwrap_or_default();
    if json.len() > LINE_MAX {
        let without = Occurrence { attributes: std::collections::BTreeMap::new(), ..occurrence.clone() };
        json = serde_json::to_vec(&without).unwrap_or_default();
        json.truncate(LINE_MAX);
    }
    [b"\n", json.as_slice(), b"\n"].concat()
}

fn add(directory: &Directory, lines: &[u8], file_max: u64) -> Result<(), SysError> {
    let (file, stat) = open_shared(directory)?;
    let written = rustix::io::write(&file, lines).call(|| "write(events)")?;
    let size = u64::try_from(stat.st_size).unwrap_or(0) + written as u64;
    if size >= file_max {
        rename(directory, &file, file_max)?;
    }
    if written == lines.len() { Ok(()) } else { Err(SysError::new("write(events)", Errno::NOSPC)) }
}

/// The file that has the name, so locked that it keeps it.
fn open_shared(directory: &Directory) -> Result<(OwnedFd, Stat), SysError> {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let (attempts, pause) = ATTEMPTS;
    for _ in 0..attempts {
        let file = openat(directory, layout::JOURNALS[0], flags, Mode::RUSR | Mode::WUSR)
            .call(|| "openat(events, APPEND|CREATE)")?;
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                std::thread::sleep(pause);
                continue;
            }
            Err(errno) => return Err(SysError::new("flock(events, SHARED)", errno)),
        }
        if let Some(stat) = stat_of_name(directory, &file)? {
            return Ok((file, stat));
        }
    }
    // Who renames it was stopped in the middle.
    Err(SysError::new("flock(events, SHARED)", Errno::WOULDBLOCK))
}

/// What the file is like, if it is the one that has the name.
fn stat_of_name(directory: &Directory, file: &OwnedFd) -> Result<Option<Stat>, SysError> {
    let ours = fstat(file).call(|| "fstat(events)")?;
    match statat(directory, layout::JOURNALS[0], AtFlags::SYMLINK_NOFOLLOW) {
        Ok(there) if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino) => Ok(Some(ours)),
        Ok(_) | Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(SysError::new("statat(events)", errno)),
    }
}

/// Takes the name from a full file, unless somebody adds to it just now: then the next one does so.
fn rename(directory: &Directory, file: &OwnedFd, file_max: u64) -> Result<(), SysError> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(()),
        Err(errno) => return Err(SysError::new("flock(events, EXCLUSIVE)", errno)),
    }
    let [name, older] = layout::JOURNALS;
    let is_full = |stat: Stat| u64::try_from(stat.st_size).unwrap_or(0) >= file_max;
    if stat_of_name(directory, file)?.is_some_and(is_full) {
        directory.rename(name, directory, older)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
