//! What the tree is made of, and what is found in it.

use std::cell::OnceCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::fs::Stat;

use crate::store::merged::MergedDir;

/// A directory of the merged tree.
pub(in crate::store::unpack) struct Node<'l> {
    /// `/a/b`; empty for the root.
    pub(in crate::store::unpack) path: Vec<u8>,
    /// The directory in this layer, once there is one.
    pub(super) upper: OnceCell<OwnedFd>,
    pub(super) shared: Option<&'l MergedDir>,
    pub(super) owned: MergedDir,
}

impl Node<'_> {
    /// What the layers below have here.
    pub(in crate::store::unpack) fn lower(&self) -> &MergedDir {
        self.shared.unwrap_or(&self.owned)
    }

    /// The directory in this layer.
    pub(in crate::store::unpack) fn upper(&self) -> Option<BorrowedFd<'_>> {
        self.upper.get().map(AsFd::as_fd)
    }

    /// The real path of something in this directory.
    pub(in crate::store::unpack) fn child(&self, name: &[u8]) -> Vec<u8> {
        [&self.path, &b"/"[..], name].concat()
    }
}

/// What a name is in the merged tree.
pub(in crate::store::unpack) enum Seen<'l> {
    Nothing,
    /// This layer hides what is below.
    Whiteout,
    Directory(Rc<Node<'l>>),
    /// Anything else that this layer has.
    Upper(Stat),
    /// Anything else, in a lower directory.
    Lower(usize, Stat),
}

/// What to do where a directory on the way is missing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::store::unpack) enum Missing {
    Create,
    Stop,
}

/// What a directory gets when the layer is complete.
pub(in crate::store::unpack) struct Pending {
    pub(in crate::store::unpack) mode: u32,
    pub(in crate::store::unpack) mtime: Option<(i64, u32)>,
}

/// Names that were resolved a moment ago; entries come in the order of a walk.
pub(super) struct Resolved<'l> {
    pub(super) names: Vec<Vec<u8>>,
    pub(super) node: Rc<Node<'l>>,
    /// The real paths of the symlinks on the way.
    pub(super) links: Vec<Vec<u8>>,
}

/// One name further on a walk.
pub(super) enum Step<'l> {
    Into(Rc<Node<'l>>),
    Link(Vec<u8>),
    Missing,
}

impl Pending {
    pub(super) fn of(stat: &Stat) -> Self {
        let nanoseconds = u32::try_from(stat.st_mtime_nsec).unwrap_or(0);
        Self { mode: stat.st_mode & 0o7777, mtime: Some((stat.st_mtime, nanoseconds)) }
    }
}
