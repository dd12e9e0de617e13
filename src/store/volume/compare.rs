//! What differs between two trees.

mod same;
mod side;

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use rustix::fs::{FileType, OFlags};
use serde::{Deserialize, Serialize};

use super::DataError;
use crate::plan::bytes;
use crate::plan::snapshot::VolumeRef;
use crate::plan::textdiff::{Patch, unified};
use crate::store::Store;
use crate::store::walk::{WalkError, order};
use same::{same_data, same_xattrs};
use side::Side;

/// What happened to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// Its type, mode, owner, content, link or xattrs are others.
    Changed,
    /// It is gone, with all that was in it.
    Deleted,
}

/// A path that is not the same in both trees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// Where, with a slash in front.
    #[serde(with = "bytes")]
    pub path: PathBuf,
    /// The lines that differ, of a text, where they were asked for; or a sentence that says why there are none.
    #[serde(with = "bytes")]
    pub patch: std::ffi::OsString,
}

/// Whether times count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Times {
    /// A file with another time is the same.
    #[default]
    Ignored,
    /// It is not.
    Compared,
}

/// Whether the lines that differ are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Patches {
    /// Only paths.
    #[default]
    Unwanted,
    /// As unified diffs; then what was in removed directories is told, too.
    Wanted,
}

/// How two trees are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Modification times.
    pub times: Times,
    /// Texts.
    pub patches: Patches,
}

impl Store {
    /// What differs from `old` in `new`, in the order of the names' bytes.
    ///
    /// # Errors
    /// There is no such volume or snapshot, or something cannot be read.
    pub fn compare_volumes(
        &self,
        old: &VolumeRef,
        new: &VolumeRef,
        how: Comparison,
    ) -> Result<Vec<Change>, DataError> {
        for side in [old, new].into_iter().filter(|side| side.snapshot.is_none()) {
            self.settle_volume(&side.volume)?;
        }
        let (one, other) = (self.volume_tree(old)?, self.volume_tree(new)?);
        let mut changes = Vec::new();
        compare(one.as_fd(), other.as_fd(), how, &mut |change| changes.push(change))
            .map_err(|cause| DataError::Compare { sides: Box::new((old.clone(), new.clone())), cause })?;
        Ok(changes)
    }
}

/// Tells `visit` what differs from `old` in `new`, in the order of the names' bytes.
///
/// # Errors
/// Something cannot be read.
fn compare(
    old: BorrowedFd<'_>,
    new: BorrowedFd<'_>,
    how: Comparison,
    visit: &mut dyn FnMut(Change),
) -> Result<(), WalkError> {
    let (mut old, mut new) = (Side::new(old)?, Side::new(new)?);
    loop {
        let which = match (&old.place, &new.place) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => order(&old.path, &new.path),
        };
        match which {
            Ordering::Less => {
                visit(change(ChangeKind::Deleted, &mut old, None, how)?);
                if how.patches == Patches::Unwanted {
                    old.walk.skip();
                }
                old.advance()?;
            }
            Ordering::Greater => {
                visit(change(ChangeKind::Added, &mut new, None, how)?);
                new.advance()?;
            }
            Ordering::Equal => {
                if differs(&mut old, &mut new, how.times)? {
                    visit(change(ChangeKind::Changed, &mut old, Some(&mut new), how)?);
                }
                old.advance()?;
                new.advance()?;
            }
        }
    }
}

fn change(
    kind: ChangeKind,
    side: &mut Side,
    other: Option<&mut Side>,
    how: Comparison,
) -> Result<Change, WalkError> {
    let name = side.place.as_ref().map(|place| place.path.clone()).unwrap_or_default();
    let lines = match how.patches {
        Patches::Unwanted => Vec::new(),
        Patches::Wanted => {
            let (mut old, mut new) = (side.text()?, None);
            match (kind, other) {
                (ChangeKind::Added, _) => std::mem::swap(&mut old, &mut new),
                (ChangeKind::Changed, Some(other)) => new = other.text()?,
                (ChangeKind::Changed | ChangeKind::Deleted, _) => {}
            }
            write_patch(&name, old.as_deref(), new.as_deref())
        }
    };
    let path = [b"/", &name[..]].concat();
    Ok(Change { kind, path: OsStr::from_bytes(&path).into(), patch: OsStr::from_bytes(&lines).to_owned() })
}

fn write_patch(path: &[u8], old: Option<&[u8]>, new: Option<&[u8]>) -> Vec<u8> {
    let named = |side: &[u8]| [side, path].concat();
    let note = |what: &str| [b"# `", path, format!("` {what}\n").as_bytes()].concat();
    match unified(old, new, &named(b"a/"), &named(b"b/")) {
        Patch::Unchanged => Vec::new(),
        Patch::Binary => note("is no text"),
        Patch::TooLarge => note("is too large to compare line by line"),
        Patch::Text(text) => text,
    }
}

fn differs(old: &mut Side, new: &mut Side, times: Times) -> Result<bool, WalkError> {
    let (Some(one), Some(other)) = (&old.place, &new.place) else { return Ok(true) };
    let (a, b) = (one.stat, other.stat);
    let facts = |stat: &rustix::fs::Stat| (stat.st_mode, stat.st_uid, stat.st_gid, stat.st_rdev);
    let moment = |stat: &rustix::fs::Stat| (stat.st_mtime, stat.st_mtime_nsec);
    if facts(&a) != facts(&b) || (times == Times::Compared && moment(&a) != moment(&b)) {
        return Ok(true);
    }
    match one.kind() {
        FileType::Symlink => Ok(old.link()? != new.link()?),
        FileType::RegularFile if a.st_size != b.st_size => Ok(true),
        FileType::RegularFile => match (old.open_file()?, new.open_file()?) {
            (Some(one), Some(other)) => old.failing(|| {
                Ok(!same_xattrs(one.as_fd(), other.as_fd())? || !same_data(one.as_fd(), other.as_fd())?)
            }),
            (_, _) => Ok(true),
        },
        FileType::Directory => {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            match (old.open(flags)?, new.open(flags)?) {
                (Some(one), Some(other)) => old.failing(|| Ok(!same_xattrs(one.as_fd(), other.as_fd())?)),
                (_, _) => Ok(true),
            }
        }
        FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => Ok(false),
    }
}
