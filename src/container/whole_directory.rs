//! A directory on the host that appears complete, or not at all.
//!
//! It is made beside its place under another name, `.NAME.RANDOM.part`, and locked while its process lives. So whoever makes
//! the next one for the same place can tell what nobody is working on any more, and removes it.

use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;

use super::{Error, random};
use crate::store::directory::Directory;
use crate::store::save::SaveError;
use crate::sys::{Call, SysError};

/// How the name of an unfinished one ends.
const ENDING: &[u8] = b".part";
/// How many digits are in front of that.
const RANDOM: usize = 16;

/// A directory that is being made.
pub(super) struct WholeDirectory {
    path: PathBuf,
    /// Beside it, with another name; none when it has its place.
    part: Option<PathBuf>,
    directory: Directory,
}

impl WholeDirectory {
    /// Begins what is to be at `path`, where there may be an empty directory.
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        let failed = |cause| Error::Save(SaveError::Directory(cause));
        let name = path
            .file_name()
            .ok_or_else(|| failed(SysError::new(format!("mkdir({path:?})"), Errno::EXIST)))?;
        let is_used = std::fs::read_dir(path).is_ok_and(|mut names| names.next().is_some());
        if is_used || std::fs::symlink_metadata(path).is_ok_and(|found| !found.is_dir()) {
            return Err(SaveError::Used(path.to_owned()).into());
        }
        remove_abandoned(path, name);
        let part = path.with_file_name(part_name(name, u64::from_ne_bytes(random()?)));
        std::fs::create_dir(&part).call(|| format!("mkdir({part:?})")).map_err(failed)?;
        let directory = Directory::open(&part).and_then(|directory| {
            flock(directory.as_fd(), FlockOperation::LockExclusive).call(|| format!("flock({part:?})"))?;
            Ok(directory)
        });
        match directory {
            Ok(directory) => Ok(Self { path: path.to_owned(), part: Some(part), directory }),
            Err(cause) => {
                // The first error says more.
                let _ = std::fs::remove_dir(&part);
                Err(failed(cause))
            }
        }
    }

    /// The directory.
    pub(super) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Gives it its place.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        let Some(part) = &self.part else { return Ok(()) };
        let renamed = std::fs::rename(part, &self.path).call(|| format!("rename({part:?}, {:?})", self.path));
        renamed.map_err(|cause| Error::Save(SaveError::Directory(cause)))?;
        self.part = None;
        Ok(())
    }
}

impl Drop for WholeDirectory {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            // Whoever could make it can remove it, or it is gone.
            let _ = std::fs::remove_dir_all(part);
        }
    }
}

fn part_name(name: &OsStr, random: u64) -> OsString {
    let mut own = OsString::from(".");
    own.push(name);
    own.push(format!(".{random:016x}.part"));
    own
}

/// Whether something beside `name` is called like an unfinished one for it.
fn is_part_of(found: &OsStr, name: &OsStr) -> bool {
    let digits = found.as_bytes().strip_prefix(b".").and_then(|rest| rest.strip_prefix(name.as_bytes()));
    let digits = digits.and_then(|rest| rest.strip_suffix(ENDING)).and_then(|rest| rest.strip_prefix(b"."));
    digits.is_some_and(|digits| {
        digits.len() == RANDOM && digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Removes what was begun for the same place by processes that are no more. What cannot be removed does no harm.
fn remove_abandoned(path: &Path, name: &OsStr) {
    let parent = path.parent().unwrap_or(path);
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten().filter(|entry| is_part_of(&entry.file_name(), name)) {
        let path = entry.path();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(directory) = rustix::fs::open(&path, flags, Mode::empty()) else { continue };
        let is_own = rustix::fs::fstat(&directory)
            .is_ok_and(|stat| stat.st_uid == rustix::process::geteuid().as_raw());
        if is_own && flock(&directory, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unfinished_ones_of_the_same_name_are_told() {
        let own = part_name(OsStr::new("out"), 0x1f);
        assert!(is_part_of(&own, OsStr::new("out")) && !is_part_of(&own, OsStr::new("ou")));
        for other in
            [".out.part", ".out.0.part", "out.000000000000001f.part", ".out.000000000000001F.part", ".out"]
        {
            assert!(!is_part_of(OsStr::new(other), OsStr::new("out")), "{other}");
        }
    }
}
