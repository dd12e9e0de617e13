//! Doing: a [`Plan`] becomes processes in namespaces.
//!
//! Three processes, each the parent of the next: the *launcher* (whoever called), the *monitor* (first process of an
//! outer PID namespace, dies with the launcher), and *init* (first process of the container's own PID namespace, which
//! becomes the command). The command may give up its parent-death signal, the monitor's cannot be touched from inside;
//! and when the monitor dies the kernel kills everything below it. So a launcher that is killed leaves nothing behind.

mod credentials;
mod device;
mod enter;
mod init;
mod message;
mod monitor;
mod mount;
mod namespace;
mod process;
mod relay;
mod rootfs;
mod streams;
mod supervise;
mod terminal;
mod unshare;

use std::os::fd::{AsFd, BorrowedFd};

use nix::sched::CloneFlags;
use thiserror::Error;

use crate::plan::Plan;
use crate::plan::namespace::Network;
use crate::plan::process::User;
use crate::plan::rootfs::Fill;
use crate::sys::channel::Channel;
use crate::sys::clone::{self, Child, ExitStatus};
use crate::sys::report::Report;
use crate::sys::userns::{self, MapError};
use crate::sys::{SysError, process as own};

use message::ToInit;
use relay::Relay;

pub use enter::{Detach, EnterError, Entry};
pub use init::FailedStep;
pub use supervise::Sign;
pub use unshare::{HostCommand, ImageTree, run_on_host};

/// The copying that init has done for it, because the store knows how.
#[derive(Clone, Copy)]
pub struct Copying<'a> {
    /// Fills a volume from the image's directory, given by descriptor, if the volume is empty.
    pub fill: &'a dyn Fn(BorrowedFd<'_>, &Fill) -> Result<(), Report>,
    /// Copies what one directory holds into another.
    pub copy: &'a dyn Fn(BorrowedFd<'_>, BorrowedFd<'_>) -> Result<(), Report>,
    /// Fills the second directory with what the first holds, if it is empty.
    pub fill_inside: &'a dyn Fn(BorrowedFd<'_>, BorrowedFd<'_>) -> Result<(), Report>,
    /// Gives the second directory the mode, owner and extended attributes of the first.
    pub dress: &'a dyn Fn(BorrowedFd<'_>, BorrowedFd<'_>) -> Result<(), Report>,
    /// Makes a user, with its group, the owner of a tree.
    pub own: &'a dyn Fn(BorrowedFd<'_>, &User) -> Result<(), Report>,
}

/// Why a container did not run to its end.
#[derive(Debug, Error)]
pub enum LaunchError {
    /// The processes could not be started.
    #[error("cannot start a process in new namespaces")]
    Spawn(#[source] SysError),
    /// The ID maps could not be written.
    #[error(transparent)]
    Map(#[from] MapError),
    /// A step inside the container went wrong.
    #[error(transparent)]
    Init(#[from] FailedStep),
    /// The launcher's own side of the streams.
    #[error("cannot connect the container's streams")]
    Streams(#[source] SysError),
    /// Watching over the container.
    #[error("cannot watch over the container")]
    Supervise(#[source] SysError),
    /// The processes are gone without saying why.
    #[error("the container's processes were killed while they were set up ({0:?})")]
    Lost(ExitStatus),
}

/// A container whose processes exist; dropping it kills them.
#[derive(Debug)]
pub struct Running {
    monitor: Child,
    channel: Channel,
    relay: Relay,
    ended: bool,
}

/// Starts the container's processes; they go on by themselves until the command runs.
///
/// `notice` is told of what had to be done differently.
///
/// # Errors
/// The processes or their ID maps could not be made.
pub fn start(plan: &Plan, copying: Copying<'_>) -> Result<Running, LaunchError> {
    let (ours, theirs) = Channel::pair().map_err(LaunchError::Spawn)?;
    let (mut relay, streams) = streams::connect(plan.process.streams).map_err(LaunchError::Streams)?;
    relay.block_signals().map_err(LaunchError::Supervise)?;
    let monitor = clone::spawn(namespaces(plan), || {
        // Only then does the end of the launcher read as the end of the channel.
        own::close_in_copy(ours.as_fd());
        monitor::run(plan, &theirs, streams, copying)
    })
    .map_err(LaunchError::Spawn)?;
    drop(theirs);
    let running = Running { monitor, channel: ours, relay, ended: false };
    if let Some(user) = &plan.namespaces.user {
        userns::map_child(&running.monitor, user)?;
    }
    running.channel.send(&ToInit::Mapped.encode(), None).map_err(LaunchError::Spawn)?;
    Ok(running)
}

fn namespaces(plan: &Plan) -> CloneFlags {
    let mut flags = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    if plan.namespaces.user.is_some() {
        flags |= CloneFlags::CLONE_NEWUSER;
    }
    match plan.namespaces.network {
        Network::None => flags | CloneFlags::CLONE_NEWNET,
        Network::Host => flags,
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            // Nothing is left to report to: the monitor is ours, and killing it takes everything below along.
            let _ = self.monitor.signal(rustix::process::Signal::KILL);
            let _ = self.monitor.wait();
        }
    }
}
