//! A further process in a container that runs.
//!
//! Two processes, as at a start: the *escort* joins the container's namespaces and stays outside of its PID namespace, so
//! that nobody inside sees or touches it; the *guest* is its child, born into that namespace, and becomes the command. The
//! kernel kills the guest with the container. The escort kills it when the launcher is gone, unless it is to stay; and it
//! reaps a guest that stays, which nobody else is sure to do.

mod escort;
mod guest;

use std::os::fd::{AsFd, BorrowedFd};

use nix::sched::CloneFlags;

use super::relay::Relay;
use super::surroundings::Heir;
use super::way::Way;
use super::{Connecting, Ends, LaunchError, Role, Running, Starting, streams};
use crate::plan::exec::{ExecPlan, Presence};
use crate::sys::channel::Channel;
use crate::sys::clone::Birth;
use crate::sys::process as own;
use crate::sys::running::Processes;

/// Where a further process is to be.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The processes of the container.
    pub processes: &'a Processes,
    /// Its cgroup, if it has one that can be joined.
    pub cgroup: Option<BorrowedFd<'a>>,
}

/// Starts a process beside those of a container; it goes on by itself until the command runs.
///
/// # Errors
/// Its processes or streams could not be made.
pub fn exec(plan: &ExecPlan, place: Place<'_>) -> Result<Running, LaunchError> {
    let (ours, theirs) = Channel::pair().map_err(LaunchError::Spawn)?;
    let ends = Ends::all_of_caller();
    let connected = match plan.presence {
        Presence::Attached => streams::connect(plan.streams, ends),
        Presence::Detached => streams::nowhere().map(|nowhere| (Relay::new(), nowhere)),
    };
    let (mut relay, mut streams) = connected.map_err(LaunchError::Streams)?;
    relay.block_signals().map_err(LaunchError::Supervise)?;
    let way =
        Way::prepare((&plan.arguments, &plan.environment), &plan.landlock, plan.map.as_ref(), &mut streams)?;
    let birth = Birth { namespaces: CloneFlags::empty(), cgroup: place.cgroup };
    let spawned = birth.spawn(|| {
        // Only then does the end of the launcher read as the end of the channel.
        own::close_in_copy(ours.as_fd());
        escort::run(plan, place.processes, theirs, streams)
    });
    let escort = spawned.map_err(LaunchError::Spawn)?;
    Ok(Running {
        monitor: escort,
        channel: ours,
        relay,
        ends,
        way,
        start: Starting::Awaited,
        role: Role::Guest,
        connecting: Connecting::Over,
        heir: Heir::Launcher,
        ended: false,
    })
}

impl Running {
    /// From now on these keys, typed at the process's terminal, leave it alone.
    pub fn look_for(&mut self, keys: Vec<u8>) {
        self.relay.look_for(keys);
    }
}
