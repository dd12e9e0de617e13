//! Doing: a [`Plan`] becomes processes in namespaces.
//!
//! Three processes, each the parent of the next: the *launcher* (whoever called), the *monitor* (first process of an
//! outer PID namespace, dies with the launcher), and *init* (first process of the container's own PID namespace, which
//! becomes the command). The command may give up its parent-death signal, the monitor's cannot be touched from inside;
//! and when the monitor dies the kernel kills everything below it. So a launcher that is killed leaves nothing behind.

mod client;
mod credentials;
mod device;
mod dialog;
mod enter;
mod exec;
mod guests;
mod init;
mod inside;
mod keys;
mod landlock;
mod message;
mod monitor;
mod mount;
mod namespace;
mod pasta;
mod process;
mod relay;
mod rootfs;
mod screen;
mod session;
mod sibling;
mod streams;
mod supervise;
mod surroundings;
mod terminal;
mod unshare;
mod way;

use std::os::fd::{AsFd, BorrowedFd};

use nix::sched::CloneFlags;
use thiserror::Error;

use crate::plan::Plan;
use crate::plan::namespace::{Namespaces, Network};
use crate::plan::network::Connection;
use crate::plan::process::User;
use crate::plan::rootfs::Fill;
use crate::sys::channel::Channel;
use crate::sys::clone::{Birth, Child, ExitStatus};
use crate::sys::join::{self, UserNamespaces};
use crate::sys::report::Report;
use crate::sys::userns::{self, MapError};
use crate::sys::{SysError, moment, process as own};

use message::ToInit;
use relay::Relay;
use surroundings::Heir;
use way::Way;

pub use client::Client;
pub use dialog::{Purpose, Sequel};
pub use enter::{Detach, EnterError, Entry};
pub use exec::{Place, exec};
pub use guests::Guests;
pub use init::{FailedStep, Review};
pub use inside::{Files, inside};
pub use session::{Feeding, Parting, Screen, Session, SignalProxy};
pub use sibling::SiblingError;
pub use streams::{Copies, End, Ends};
pub use supervise::{Ended, Sign, Watch};
pub use surroundings::{Legacy, Surroundings};
pub use unshare::{HostCommand, ImageTree, run_on_host};

/// How copying went; a notice of what could not be copied.
pub type Copied = Result<Option<String>, Report>;

/// The copying that init has done for it, because the store knows how.
#[derive(Clone, Copy)]
pub struct Copying<'a> {
    /// Fills a volume from the image's directory, given by descriptor, if the volume is empty.
    pub fill: &'a dyn Fn(BorrowedFd<'_>, &Fill) -> Copied,
    /// Copies what one directory holds into another.
    pub copy: &'a dyn Fn(BorrowedFd<'_>, BorrowedFd<'_>) -> Result<(), Report>,
    /// Fills the second directory with what the first holds, if it is empty.
    pub fill_inside: &'a dyn Fn(BorrowedFd<'_>, BorrowedFd<'_>) -> Copied,
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
    /// The other container's network could not be joined.
    #[error("cannot join the other container's network")]
    Sibling(#[source] SiblingError),
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

/// What a container writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output, or the terminal.
    Output,
    /// Standard error.
    Error,
}

/// A container whose processes exist; dropping it kills them.
#[derive(Debug)]
pub struct Running {
    monitor: Child,
    channel: Channel,
    relay: Relay,
    ends: Ends,
    way: Way,
    start: Starting,
    role: Role,
    connecting: Connecting,
    heir: Heir,
    ended: bool,
}

/// What the command is in its container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// What it was made for, all of whose processes end with the monitor.
    First,
    /// A further process beside others, which may stop it at any moment.
    Guest,
}

/// Whether somebody waits for the command to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Starting {
    /// It does not run yet.
    Awaited,
    /// It does, or never will, or nobody asks.
    Over,
}

/// How far the network is.
#[derive(Debug)]
enum Connecting {
    /// There is nothing to do, or it has been done.
    Over,
    /// Pasta is to be started once the monitor is there.
    Waiting(Connection, UserNamespaces),
    /// This process starts it.
    Begun(Child),
}

/// Starts the container's processes; they go on by themselves until the command runs.
///
/// # Errors
/// The processes or their ID maps could not be made.
pub fn start(
    plan: &Plan,
    copying: Copying<'_>,
    surroundings: Surroundings<'_>,
) -> Result<Running, LaunchError> {
    let ends = surroundings.ends;
    let (ours, theirs) = Channel::pair().map_err(LaunchError::Spawn)?;
    let (mut relay, mut streams) =
        streams::connect(plan.process.streams, ends).map_err(LaunchError::Streams)?;
    relay.block_signals().map_err(LaunchError::Supervise)?;
    let map = plan.namespaces.user.as_ref().map(|user| &user.map);
    let way = Way::prepare(
        (&plan.process.arguments, &plan.process.environment),
        &plan.process.landlock,
        map,
        &mut streams,
    )?;
    let Surroundings { legacy, .. } = surroundings;
    let body = || {
        // Neither what the caller has left open nor the launcher's locks come along. And only without its end of the
        // channel does the end of the launcher read as the end of the channel.
        let mut kept = vec![theirs.as_fd()];
        kept.extend(streams.descriptors());
        kept.extend(legacy.map(|legacy| legacy.directory));
        if let Err(error) = own::close_all_but(&kept) {
            return monitor::fail(&theirs, Report::of(&error, None));
        }
        // Only a process that is in a cgroup already can make it the root of what is seen.
        match surroundings.cgroup.map(|_| join::own_cgroup_namespace()) {
            Some(Err(error)) => monitor::fail(&theirs, Report::of(&error, None)),
            Some(Ok(())) | None => {
                monitor::run(monitor::Post { plan, channel: &theirs, copying, legacy }, streams)
            }
        }
    };
    let mut flags = namespaces(&plan.namespaces);
    flags.set(CloneFlags::CLONE_NEWCGROUP, surroundings.cgroup.is_none());
    let birth = Birth { namespaces: flags, cgroup: surroundings.cgroup };
    let user = user_namespaces(&plan.namespaces);
    let monitor = match surroundings.donor {
        None => birth.spawn(body).map_err(LaunchError::Spawn)?,
        Some(process) => {
            let donor = sibling::Donor { process, user };
            sibling::spawn(donor, birth, body).map_err(LaunchError::Sibling)?
        }
    };
    drop(theirs);
    let connecting = match &plan.connection {
        None => Connecting::Over,
        Some(connection) => Connecting::Waiting(connection.clone(), user),
    };
    let running = Running {
        monitor,
        channel: ours,
        relay,
        ends,
        way,
        start: Starting::Awaited,
        role: Role::First,
        connecting,
        heir: surroundings.heir(),
        ended: false,
    };
    if let (Some(user), None) = (&plan.namespaces.user, surroundings.donor) {
        userns::map_child(&running.monitor, user)?;
        moment("IDs mapped");
    }
    let mapped = match surroundings.review {
        Review::Unwanted => ToInit::Mapped,
        Review::Wanted => ToInit::MappedForReview,
    };
    running.channel.send(&mapped.encode(), None).map_err(LaunchError::Spawn)?;
    Ok(running)
}

fn user_namespaces(namespaces: &Namespaces) -> UserNamespaces {
    if namespaces.user.is_some() { UserNamespaces::Own } else { UserNamespaces::Same }
}

fn namespaces(namespaces: &Namespaces) -> CloneFlags {
    let flags = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    let user = match user_namespaces(namespaces) {
        UserNamespaces::Own => CloneFlags::CLONE_NEWUSER,
        UserNamespaces::Same => CloneFlags::empty(),
    };
    match namespaces.network {
        Network::None | Network::Pasta => flags | user | CloneFlags::CLONE_NEWNET,
        Network::Host => flags | user,
        // Both are the other container's.
        Network::Container => flags,
    }
}

impl Running {
    /// Starts what connects the network, now that the monitor is there and the IDs are mapped.
    fn connect(&mut self) -> Result<(), SysError> {
        if let Connecting::Waiting(connection, user) = &self.connecting {
            let place = pasta::Place { monitor: &self.monitor, user: *user, channel: &self.channel };
            self.connecting = Connecting::Begun(pasta::start(&place, connection)?);
        }
        Ok(())
    }

    /// Reaps what has connected the network; the monitor has ended, so this has nothing left to wait for.
    fn disconnect(&mut self) {
        if let Connecting::Begun(child) = std::mem::replace(&mut self.connecting, Connecting::Over) {
            // Whether it could be reaped changes nothing for the container.
            let _ = child.wait();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            // Nothing is left to report to: the monitor is ours, and killing it takes everything below along.
            let _ = self.monitor.signal(rustix::process::Signal::KILL);
            let _ = self.monitor.wait();
            self.disconnect();
        }
    }
}
