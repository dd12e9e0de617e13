//! What a container is started in, and what is left to do when it has ended.

use std::os::fd::{BorrowedFd, OwnedFd};

use super::init::Review;
use super::streams::Ends;

/// What the monitor does when the container has ended and the launcher has left.
#[derive(Clone, Copy)]
pub struct Legacy<'a> {
    /// What that needs open: it sees none of the host's paths.
    pub directory: BorrowedFd<'a>,
    /// Does it, with the lock that the launcher has left for it. Nobody is there to be told how it went.
    pub settle: &'a dyn Fn(Option<OwnedFd>),
}

/// What a container is started in.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Where its streams lead.
    pub ends: Ends,
    /// A process of the container whose network it shares.
    pub donor: Option<BorrowedFd<'a>>,
    /// The cgroup that all its processes are born into.
    pub cgroup: Option<BorrowedFd<'a>>,
    /// Whether somebody wants to look at init before it becomes the command: [`Sign::Ready`](super::Sign::Ready).
    pub review: Review,
    /// What is left to the monitor; without it the launcher waits for the monitor to end. Not for a container with a
    /// terminal or a network that is connected.
    pub legacy: Option<Legacy<'a>>,
}

/// Who does what is left to do when a container has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heir {
    /// The launcher, which waits for the monitor.
    Launcher,
    /// The monitor, when the launcher has left.
    Monitor,
}

impl Surroundings<'_> {
    pub(super) fn heir(&self) -> Heir {
        if self.legacy.is_some() { Heir::Monitor } else { Heir::Launcher }
    }
}
