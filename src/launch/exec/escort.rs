//! The process that goes with the guest.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;

use nix::sched::CloneFlags;
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Dir, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};

use super::guest;
use crate::launch::credentials;
use crate::launch::init::{self, InitError};
use crate::launch::message::{ToLauncher, ToMonitor, tell_end};
use crate::launch::streams::ContainerStreams;
use crate::plan::exec::{ExecPlan, Presence};
use crate::plan::namespace::Network;
use crate::sys::channel::Channel;
use crate::sys::clone::{Child, ExitStatus};
use crate::sys::procfs::Procfs;
use crate::sys::running::Processes;
use crate::sys::{Call, SysError, clone, join, process as own};

/// How often a session is looked for again: who is killed can have had children a moment before.
const ROUNDS: usize = 8;

/// Runs in a copy of the launcher; returns its own exit status.
pub(super) fn run(plan: &ExecPlan, processes: &Processes, channel: Channel, streams: ContainerStreams) -> u8 {
    let scored = Procfs::of_surroundings() // while /proc is the host's
        .map_err(InitError::Enter)
        .and_then(|procfs| credentials::set_oom_score(&procfs, plan.oom_score_adjustment));
    let entered = scored.and_then(|()| enter(plan, processes, &channel, &streams).map_err(InitError::Enter));
    let started = entered.and_then(|procfs| {
        let spawn = || {
            // Its end closes with the guest's exec.
            let (terminal, of_guest) = Channel::pair()?;
            let ends = guest::Ends { launcher: &channel, escort: &of_guest };
            let guest = clone::spawn(CloneFlags::empty(), || guest::run(plan, ends, &streams))?;
            Ok((guest, terminal))
        };
        let (guest, terminal) = spawn().map_err(InitError::Enter)?;
        Ok((guest, procfs, terminal))
    });
    let (guest, procfs, terminal) = match started {
        Ok(started) => started,
        Err(error) => return init::report(&channel, &error),
    };
    // Whoever waits for the command to run may want to end it before.
    let _ = channel.send(&ToLauncher::Started.encode(), Some(guest.pidfd.as_fd()));
    match plan.presence {
        Presence::Detached => {
            let master = terminal.receive().ok().flatten().and_then(|(_, master)| master);
            let left = leave_caller(&streams);
            // The launcher leaves when nobody has the channel open any more.
            drop((channel, streams, procfs, terminal));
            u8::from(left.and_then(|()| stay(&guest, master)).is_err())
        }
        Presence::Attached => {
            drop(terminal);
            attend(&guest, &channel, streams, &procfs)
        }
    }
}

/// Joins the container, with nothing of the caller's left but what is needed; the host's procfs.
fn enter(
    plan: &ExecPlan,
    processes: &Processes,
    channel: &Channel,
    streams: &ContainerStreams,
) -> Result<OwnedFd, SysError> {
    own::hide()?; // before anybody inside could look
    own::new_session()?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let procfs = rustix::fs::open("/proc", flags, Mode::empty()).call(|| "open(\"/proc\")")?;
    let pid_namespace = processes.pid_namespace()?;
    let mut kept = vec![channel.as_fd(), processes.monitor(), procfs.as_fd(), pid_namespace.as_fd()];
    kept.extend(streams.descriptors());
    own::close_all_but(&kept)?;
    join::namespaces(processes.monitor(), namespaces(plan))?;
    join::pid_namespace(&pid_namespace)?;
    Ok(procfs)
}

fn namespaces(plan: &ExecPlan) -> CloneFlags {
    let mut flags = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    if plan.map.is_some() {
        flags |= CloneFlags::CLONE_NEWUSER;
    }
    match plan.network {
        Network::None | Network::Pasta | Network::Container => flags | CloneFlags::CLONE_NEWNET,
        // The right to join the machine's own network is the machine's root's; it is in it already.
        Network::Host => flags,
    }
}

/// Lets go of the caller's streams, whose readers would wait for their end.
fn leave_caller(streams: &ContainerStreams) -> Result<(), SysError> {
    match streams.files() {
        Some([input, output, error]) => own::set_stdio(input, output, error),
        None => Ok(()),
    }
}

/// Waits for the end of the guest or of the launcher, which is then the end of the guest.
fn attend(guest: &Child, channel: &Channel, streams: ContainerStreams, procfs: &OwnedFd) -> u8 {
    let saved_terminal = streams.into_saved_terminal();
    let mut kept = vec![channel.as_fd(), guest.pidfd.as_fd(), procfs.as_fd()];
    kept.extend(saved_terminal.as_ref().map(AsFd::as_fd));
    let _ = own::close_all_but(&kept);
    match outlast(guest, channel) {
        Ok(Outlasted::Ended(status)) => {
            tell_end(channel, status, saved_terminal.as_ref());
            0
        }
        Ok(Outlasted::Left(master)) => {
            drop(saved_terminal);
            u8::from(stay(guest, Some(master)).is_err())
        }
        Ok(Outlasted::Killed) => {
            if let Some(terminal) = &saved_terminal {
                terminal.restore();
            }
            // What cannot be killed now has the container's end before it.
            let _ = guest.signal(Signal::KILL);
            let _ = kill_session(procfs, guest.pid);
            let _ = guest.wait();
            125
        }
        Err(_) => 125,
    }
}

/// What comes first.
enum Outlasted {
    /// The guest's end.
    Ended(ExitStatus),
    /// The launcher wants the guest to go on, with this terminal.
    Left(OwnedFd),
    /// The launcher's end.
    Killed,
}

fn outlast(guest: &Child, channel: &Channel) -> Result<Outlasted, SysError> {
    loop {
        let mut watched = [PollFd::new(&guest.pidfd, PollFlags::IN), PollFd::new(channel, PollFlags::IN)];
        match rustix::event::poll(&mut watched, None) {
            Err(Errno::INTR) => continue,
            result => result.call(|| "poll()")?,
        };
        if !watched[0].revents().is_empty() {
            return guest.wait().map(Outlasted::Ended);
        }
        if watched[1].revents().is_empty() {
            continue;
        }
        match channel.receive()? {
            None => return Ok(Outlasted::Killed),
            Some((message, Some(master))) if matches!(ToMonitor::decode(&message), Some(ToMonitor::Left)) => {
                return Ok(Outlasted::Left(master));
            }
            Some(_) => {}
        }
    }
}

/// Waits for the end of a guest that nobody looks at, and takes what it writes to its terminal, which would fill up.
fn stay(guest: &Child, mut master: Option<OwnedFd>) -> Result<ExitStatus, SysError> {
    let mut chunk = [0; 4096];
    loop {
        let mut watched = vec![PollFd::new(&guest.pidfd, PollFlags::IN)];
        watched.extend(master.iter().map(|master| PollFd::new(master, PollFlags::IN)));
        match rustix::event::poll(&mut watched, None) {
            Err(Errno::INTR) => continue,
            result => result.call(|| "poll()")?,
        };
        let has_ended = !watched[0].revents().is_empty();
        let has_written = watched.get(1).is_some_and(|master| !master.revents().is_empty());
        if has_ended {
            return guest.wait();
        }
        if has_written && let Some(terminal) = &master {
            match rustix::io::read(terminal, &mut chunk) {
                Ok(1..) | Err(Errno::INTR | Errno::AGAIN) => {}
                // Nobody has it open any more.
                Ok(0) | Err(_) => master = None,
            }
        }
    }
}

/// Kills what the guest has started and has not made a session of its own.
fn kill_session(procfs: &OwnedFd, session: Pid) -> Result<(), SysError> {
    for _ in 0..ROUNDS {
        let mut found = false;
        for entry in Dir::read_from(procfs).call(|| "getdents(proc)")? {
            let name = entry.call(|| "getdents(proc)")?.file_name().to_bytes().to_vec();
            let pid =
                std::str::from_utf8(&name).ok().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
            if let Some(pid) = pid {
                found |= kill_member(procfs, pid, session);
            }
        }
        if !found {
            break;
        }
    }
    Ok(())
}

/// Kills a process if it is of that session; whether it was.
fn kill_member(procfs: &OwnedFd, pid: Pid, session: Pid) -> bool {
    let is_member = || session_of(procfs, pid) == Some(session.as_raw_pid());
    if !is_member() {
        return false;
    }
    // The handle names that process if it is in the session still.
    let Ok(process) = rustix::process::pidfd_open(pid, PidfdFlags::empty()) else { return false };
    is_member() && rustix::process::pidfd_send_signal(&process, Signal::KILL).is_ok()
}

/// The session of a living process.
fn session_of(procfs: &OwnedFd, pid: Pid) -> Option<i32> {
    let name = OsString::from_vec(format!("{pid}/stat").into_bytes());
    let file = rustix::fs::openat(procfs, &name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut text = [0; 1024];
    let length = rustix::io::read(&file, &mut text[..]).ok()?;
    let text = String::from_utf8_lossy(&text[..length]);
    // Behind the name, which may hold anything, come state, parent, group and session, proc(5).
    let mut fields = text.rsplit(')').next()?.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(2)?.parse().ok()
}
