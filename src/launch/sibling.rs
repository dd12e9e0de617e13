//! A monitor in the network of another container.
//!
//! A network belongs to a user namespace, and only who has rights there may join it. So a copy of the launcher joins
//! both, and starts the monitor from there, as the launcher's own child.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sched::CloneFlags;
use rustix::io::Errno;
use rustix::process::Pid;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::sys::SysError;
use crate::sys::channel::Channel;
use crate::sys::clone::{self, Birth, Child};
use crate::sys::join::{self, UserNamespaces};
use crate::sys::process as own;
use crate::sys::report::Report;

/// Why there is no process in the other container's network.
#[derive(Debug, Error)]
pub enum SiblingError {
    /// The copy could not be started or talked to.
    #[error("cannot start a process for the other container's network")]
    Start(#[from] SysError),
    /// It could not get there.
    #[error(transparent)]
    Joining(Report),
}

/// Whose network it is to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Donor<'a> {
    /// A process in it.
    pub(super) process: BorrowedFd<'a>,
    /// Where its IDs count.
    pub(super) user: UserNamespaces,
}

/// What the copy says: the process ID of what it has started, whose pidfd comes along.
#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    Started(i32),
    Failed(Report),
}

/// Copies this process into the donor's network and user namespace, and then as `birth` says.
///
/// # Errors
/// The donor's namespaces cannot be joined, or no process can be made.
pub(super) fn spawn(
    donor: Donor<'_>,
    birth: Birth<'_>,
    body: impl FnOnce() -> u8,
) -> Result<Child, SiblingError> {
    let (ours, theirs) = Channel::pair()?;
    let between = clone::spawn(CloneFlags::empty(), || {
        own::close_in_copy(ours.as_fd());
        let joined = join::network_of(donor.process, donor.user);
        match joined.and_then(|()| birth.as_sibling().spawn(body)) {
            Ok(child) => send(&theirs, &Answer::Started(child.pid.as_raw_pid()), Some(child.pidfd.as_fd())),
            Err(error) => send(&theirs, &Answer::Failed(Report::of(&error, None)), None),
        }
        0
    })?;
    drop(theirs);
    let answer = ours.receive();
    between.wait()?;
    let (bytes, pidfd) = answer?.ok_or_else(|| lost(Errno::PIPE))?;
    match (serde_json::from_slice(&bytes), pidfd) {
        (Ok(Answer::Started(pid)), Some(pidfd)) => {
            let pid = Pid::from_raw(pid).ok_or_else(|| lost(Errno::RANGE))?;
            Ok(Child { pid, pidfd })
        }
        (Ok(Answer::Failed(report)), _) => Err(SiblingError::Joining(report)),
        (Ok(Answer::Started(_)) | Err(_), _) => Err(lost(Errno::BADMSG).into()),
    }
}

fn send(channel: &Channel, answer: &Answer, pidfd: Option<BorrowedFd<'_>>) {
    // Plain data always encodes; and if nobody listens any more, there is nobody to tell.
    let _ = channel.send(&serde_json::to_vec(answer).unwrap_or_default(), pidfd);
}

fn lost(errno: Errno) -> SysError {
    SysError::new("recvmsg(copy)", errno)
}
