//! The monitor: stands between launcher and container, so that neither can outlive the other.

use std::os::fd::AsFd;

use nix::sched::CloneFlags;
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use super::message::{ToLauncher, ToMonitor, tell_end};
use super::screen::SavedTerminal;
use super::streams::ContainerStreams;
use super::{Copying, Legacy, init};
use crate::plan::Plan;
use crate::plan::namespace::Network;
use crate::plan::userns::MapWriter;
use crate::sys::channel::Channel;
use crate::sys::report::Report;
use crate::sys::{Call, SysError, clone, join, moment, process, userns};

/// What the monitor is there for.
#[derive(Clone, Copy)]
pub(super) struct Post<'a> {
    pub(super) plan: &'a Plan,
    pub(super) channel: &'a Channel,
    pub(super) copying: Copying<'a>,
    pub(super) legacy: Option<Legacy<'a>>,
}

/// Runs in the new namespaces as process 1 of the outer PID namespace; returns its own exit status.
pub(super) fn run(post: Post<'_>, streams: ContainerStreams) -> u8 {
    let Post { plan, channel, legacy, .. } = post;
    if let Err(report) = prepare(plan, channel, &streams) {
        return fail(channel, report);
    }
    let init = start_init(post, &streams);
    let saved_terminal = streams.into_saved_terminal();
    let init = match init {
        Ok(init) => init,
        Err(error) => return fail(channel, Report::of(&error, None)),
    };
    let _ = channel.send(&ToLauncher::Started.encode(), Some(init.pidfd.as_fd()));
    let status = match &saved_terminal {
        None => {
            let kept = [channel.as_fd(), init.pidfd.as_fd()].into_iter();
            let _ = process::close_all_but(
                &kept.chain(legacy.map(|legacy| legacy.directory)).collect::<Vec<_>>(),
            );
            init.wait()
        }
        Some(terminal) => wait_beside_terminal(&init, channel, terminal),
    };
    let Ok(status) = status else { return 125 };
    if legacy.is_some() {
        // There is no container any more that the end of the launcher would have to end. Where this goes wrong, this
        // process ends with the launcher, and the next command does what is left.
        let _ = process::outlive_parent().and_then(|()| process::close_stdio());
    }
    tell_end(channel, status, saved_terminal.as_ref());
    moment("end told");
    if let Some(legacy) = legacy {
        settle(channel, legacy);
    }
    0
}

/// Does what is left to do, if the launcher leaves that to this process, and has left.
fn settle(channel: &Channel, legacy: Legacy<'_>) {
    let lock = match channel.receive() {
        // It has left without a word.
        Ok(None) => return (legacy.settle)(None),
        Ok(Some((message, lock))) => match ToMonitor::decode(&message) {
            Some(ToMonitor::Bequeathed) => lock,
            // It waits for the end of this process.
            Some(ToMonitor::Heard | ToMonitor::Left) | None => return,
        },
        Err(_) => return,
    };
    if matches!(channel.receive(), Ok(None)) {
        (legacy.settle)(lock);
    }
}

/// Starts init in a PID namespace of its own.
fn start_init(post: Post<'_>, streams: &ContainerStreams) -> Result<clone::Child, SysError> {
    let Post { plan, channel, copying, legacy } = post;
    // Not with the flag of clone, as who enters the container later finds its PID namespace by this process.
    join::new_pid_namespace()?;
    clone::spawn(CloneFlags::empty(), || {
        if let Some(legacy) = legacy {
            process::close_in_copy(legacy.directory);
        }
        init::run(plan, channel, streams, copying)
    })
}

/// Tells the launcher what went wrong; the exit status that says so, too.
pub(super) fn fail(channel: &Channel, report: Report) -> u8 {
    let failed = ToLauncher::Failed { report, code: 125, overlay_refused: false };
    // If nobody listens any more, there is nobody to tell.
    let _ = channel.send(&failed.encode(), None);
    125
}

/// Waits for init or for the end of the launcher, whose terminal nobody else could restore. Returning then ends this
/// process, and with it everything in the PID namespace.
fn wait_beside_terminal(
    init: &clone::Child,
    channel: &Channel,
    terminal: &SavedTerminal,
) -> Result<clone::ExitStatus, SysError> {
    let _ = process::close_all_but(&[channel.as_fd(), init.pidfd.as_fd(), terminal.as_fd()]);
    loop {
        let mut watched = [
            PollFd::new(&init.pidfd, PollFlags::IN),
            PollFd::from_borrowed_fd(channel.as_fd(), PollFlags::empty()),
        ];
        match rustix::event::poll(&mut watched, None) {
            Err(Errno::INTR) => continue,
            result => result.call(|| "poll()")?,
        };
        if !watched[0].revents().is_empty() {
            return init.wait();
        }
        if watched[1].revents().contains(PollFlags::HUP) {
            terminal.restore();
            return Err(SysError::new("poll(channel)", Errno::PIPE));
        }
    }
}

fn prepare(plan: &Plan, channel: &Channel, streams: &ContainerStreams) -> Result<(), Report> {
    let report = |error: &dyn std::error::Error| Report::of(error, None);
    if streams.saved_terminal.is_none() {
        process::die_with_parent().map_err(|error| report(&error))?;
    }
    channel.check_open().map_err(|error| report(&error))?;
    process::new_session().map_err(|error| report(&error))?;
    match &plan.namespaces.user {
        Some(user) if user.writer == MapWriter::Itself && plan.namespaces.network != Network::Container => {
            userns::map_itself(&user.map).map_err(|error| report(&error))
        }
        _ => Ok(()),
    }
}
