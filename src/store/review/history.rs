//! When the container started, and what was applied since: tells changes of the host from our own.

use std::collections::HashMap;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Stat, StatxFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::ReviewError;
use crate::plan::bytes;
use crate::store::directory::Directory;
use crate::sys::{Call, SysError};

/// In a layer's directory: a time after every change of the host before the start, and before every later one; and
/// which inode the source was.
const SINCE: &str = "since";
/// In a layer's directory: what was applied.
const APPLIED: &str = "applied.json";
/// The same while it is written.
const NEW: &str = "applied.new";
/// The largest file of the two that is read, in bytes.
const LIMIT: u64 = 1 << 30;

/// Which inode, and when it changed last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    inode: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Stamp {
    pub(super) fn of(stat: &Stat) -> Self {
        let nanoseconds = i64::try_from(stat.st_ctime_nsec).unwrap_or(0);
        Self { inode: stat.st_ino, seconds: stat.st_ctime, nanoseconds }
    }

    /// Whether it is the same inode, which may have changed.
    pub(super) fn is_same_inode(&self, other: &Self) -> bool {
        self.inode == other.inode
    }

    fn time(&self) -> (i64, i64) {
        (self.seconds, self.nanoseconds)
    }
}

#[derive(Serialize, Deserialize)]
struct Applied {
    #[serde(with = "bytes")]
    path: PathBuf,
    stamp: Stamp,
}

/// What tells whether a path of the host changed by others since the start.
#[derive(Debug)]
pub(super) struct History {
    /// Seconds and nanoseconds since 1970.
    since: (i64, i64),
    /// The source's inode at the start, where that is known.
    source: Option<u64>,
    applied: HashMap<PathBuf, Stamp>,
}

impl History {
    pub(super) fn read(layer: &Directory) -> Result<Self, ReviewError> {
        let read = |name| {
            let error = |cause| ReviewError::Layer { path: layer.path().to_owned(), cause };
            layer.read(name, LIMIT).map_err(error)
        };
        let damaged = |name| ReviewError::Damaged(layer.path().join(name));
        let start = read(SINCE)?.and_then(|bytes| parse_start(&bytes));
        let (since, source) = start.ok_or_else(|| damaged(SINCE))?;
        let applied: Vec<Applied> = match read(APPLIED)? {
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|_| damaged(APPLIED))?,
            None => Vec::new(),
        };
        let applied = applied.into_iter().map(|one| (one.path, one.stamp)).collect();
        Ok(Self { since, source, applied })
    }

    /// Whether somebody else than an apply changed what has this path on the host, since the start.
    pub(super) fn has_changed(&self, path: &Path, stat: &Stat) -> bool {
        let stamp = Stamp::of(stat);
        stamp.time() >= self.since && self.applied.get(path) != Some(&stamp)
    }

    /// Whether the source is one that was put there after the start: another directory, or a new symlink to one.
    pub(super) fn is_another(&self, source: &Path, opened: &impl AsFd) -> Result<bool, SysError> {
        let link = rustix::fs::lstat(source).call(|| format!("lstat({source:?})"))?;
        if FileType::from_raw_mode(link.st_mode) == FileType::Symlink && Stamp::of(&link).time() >= self.since
        {
            return Ok(true);
        }
        // The device's number says nothing: it may be another one each time that the file system is mounted.
        let stat = rustix::fs::fstat(opened).call(|| format!("fstat({source:?})"))?;
        if self.source.is_some_and(|inode| inode != stat.st_ino) {
            return Ok(true);
        }
        match rustix::fs::statx(opened, "", AtFlags::EMPTY_PATH, StatxFlags::BTIME) {
            Ok(found) if found.stx_mask & StatxFlags::BTIME.bits() != 0 => {
                Ok((found.stx_btime.tv_sec, i64::from(found.stx_btime.tv_nsec)) >= self.since)
            }
            // Not every file system knows when a file was made.
            Ok(_) | Err(Errno::NOSYS) => Ok(false),
            Err(errno) => Err(SysError::new(format!("statx({source:?}, BTIME)"), errno)),
        }
    }

    /// Takes note of what an apply left at `path`.
    pub(super) fn remember(&mut self, path: &Path, stat: &Stat) {
        self.applied.insert(path.to_owned(), Stamp::of(stat));
    }

    /// Writes down what was applied.
    pub(super) fn write(&self, layer: &Directory) -> Result<(), SysError> {
        let applied: Vec<Applied> =
            self.applied.iter().map(|(path, &stamp)| Applied { path: path.clone(), stamp }).collect();
        // Texts and numbers: all of that can become JSON.
        let bytes = serde_json::to_vec(&applied).unwrap_or_default();
        layer.unlink(NEW)?;
        layer.write(NEW, &bytes)?;
        layer.rename(NEW, layer, APPLIED)
    }
}

/// `SECONDS.NANOSECONDS INODE`; layers that were laid by an earlier minirun do not say which inode.
fn parse_start(text: &[u8]) -> Option<((i64, i64), Option<u64>)> {
    let mut words = std::str::from_utf8(text).ok()?.split_whitespace();
    let (seconds, nanoseconds) = words.next()?.split_once('.')?;
    let inode = words.next().map(str::parse).transpose().ok()?;
    Some(((seconds.parse().ok()?, nanoseconds.parse().ok()?), inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, time) in [
            (&b"12.000000034\n"[..], Some(((12, 34), None))),
            (b"12.999999999", Some(((12, 999_999_999), None))),
            (b"12.000000034 56\n", Some(((12, 34), Some(56)))),
            (b"12.000000034 x", None),
            (b"", None),
            (b"12", None),
            (b"x.1", None),
        ] {
            assert_eq!(parse_start(text), time);
        }
    }
}
