//! Watching over a running container until it has ended.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rustix::io::Errno;

use super::dialog::{Purpose, Request};
use super::guests::Guests;
use super::init::FailedStep;
use super::keys::Typed;
use super::message::{ToInit, ToLauncher, ToMonitor};
use super::relay::{Awaited, Happened};
use super::{LaunchError, Running, Stream};
use crate::sys::clone::{ExitStatus, ProcessUsage};
use crate::sys::{SysError, moment, process};

/// The exit code of a container that ran longer than it may.
const TIMED_OUT: u8 = 124;

/// What is noticed while a container is watched over.
#[derive(Debug)]
pub enum Sign<'a> {
    /// Something was done differently than planned.
    Notice(&'a str),
    /// The container has its root filesystem; its init is the process that this pidfd names.
    Rooted(BorrowedFd<'a>),
    /// Init is as the command is going to be, and waits until this has been seen; only where somebody wanted it.
    Ready(BorrowedFd<'a>),
    /// The command runs, or has run already; this pidfd names its init.
    Started(BorrowedFd<'a>),
    /// The container has written this; only where its output passes through the launcher.
    Wrote(Stream, &'a [u8]),
}

/// Who is told of every sign.
pub(super) type Observer<'a> = &'a mut dyn FnMut(Sign<'_>);

/// How a container is watched over.
#[derive(Debug)]
pub struct Watch<'a> {
    /// Who may come to it.
    pub guests: &'a mut Guests,
    /// How long it may run.
    pub limit: Option<Duration>,
    /// The signal that asks it to stop when it has run so long.
    pub stop_signal: i32,
    /// How long it may take then, before it is killed.
    pub grace: Option<Duration>,
}

impl<'a> Watch<'a> {
    /// Over a process that may run as long as it likes, with nobody else at its streams.
    #[must_use]
    pub fn of_one_process(guests: &'a mut Guests) -> Self {
        Self { guests, limit: None, stop_signal: Signal::SIGTERM as i32, grace: None }
    }
}

/// How a container ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// Whether somebody wanted it to end for good.
    pub by_order: bool,
    /// Whether it ran longer than it may.
    pub timed_out: bool,
    /// Whether it has not ended at all, but was left alone; only a further process can be.
    pub left: bool,
    /// How its command ended, whatever is made of that.
    pub own: ExitStatus,
    /// What its processes took, as far as they were waited for.
    pub usage: ProcessUsage,
}

/// What is known of the container so far.
#[derive(Default)]
struct Known {
    init: Option<OwnedFd>,
    failed: Option<FailedStep>,
    ended: Option<ExitStatus>,
    interrupted: Option<i32>,
    started: bool,
    by_order: bool,
    timed_out: bool,
    root: Rooting,
    waiting: Waiting,
}

/// Whether init waits to be looked at.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    #[default]
    No,
    Yes,
}

/// Whether the container has its root filesystem.
#[derive(Default, Clone, Copy)]
enum Rooting {
    #[default]
    Pending,
    Reported,
    Noticed,
}

/// When the container is asked to stop, and when it is killed.
struct Deadline {
    at: Option<Instant>,
    signal: i32,
    grace: Option<Duration>,
}

impl Running {
    /// Copies streams, passes signals on and waits; returns how the command ended. The guests stay, so that they can be
    /// told when the end is written down.
    ///
    /// # Errors
    /// A step on the way to the command went wrong, or the container's processes were killed from outside.
    pub fn supervise(mut self, watch: Watch<'_>, observe: Observer<'_>) -> Result<Ended, LaunchError> {
        let Watch { guests, limit, stop_signal, grace } = watch;
        let at = limit.map(|limit| Instant::now() + limit);
        let mut deadline = Deadline { at, signal: stop_signal, grace };
        let mut known = Known::default();
        while known.ended.is_none() {
            let happened = self.wait(&deadline, guests, observe)?;
            while let Some(signal) = self.relay.next_signal() {
                self.pass_on(signal.number, &mut known)?;
            }
            for request in happened.requests {
                self.grant(request, &mut known)?;
            }
            self.keep_deadline(&mut deadline, &mut known)?;
            if happened.typed == Typed::DetachKeys {
                return self.part();
            }
            if happened.message && !self.read_message(&mut known, observe)? {
                break;
            }
            if happened.start && !happened.message {
                self.note_start(&mut known, observe);
            }
        }
        self.note_start(&mut known, observe);
        let mut sink = |stream, bytes: &[u8]| observe(Sign::Wrote(stream, bytes));
        self.relay.drain(guests, &mut sink).map_err(LaunchError::Supervise)?;
        self.relay.restore_terminal();
        // One that has no terminal to care for is gone by now.
        let _ = self.channel.send(&ToMonitor::Heard.encode(), None);
        let (monitor, usage) = self.monitor.wait_with_usage().map_err(LaunchError::Supervise)?;
        self.disconnect();
        self.ended = true;
        known.conclude(monitor, usage)
    }

    /// Leaves a further process to its escort, who takes what it writes from here on.
    fn part(mut self) -> Result<Ended, LaunchError> {
        self.relay.restore_terminal();
        let sent = self.channel.send(&ToMonitor::Left.encode(), self.relay.master());
        sent.map_err(LaunchError::Supervise)?;
        self.ended = true;
        let status = ExitStatus::Exited(0);
        let usage = ProcessUsage::default();
        Ok(Ended { status, by_order: false, timed_out: false, left: true, own: status, usage })
    }

    fn wait(
        &mut self,
        deadline: &Deadline,
        guests: &mut Guests,
        observe: Observer<'_>,
    ) -> Result<Happened, LaunchError> {
        let awaited = Awaited {
            channel: self.channel.as_fd(),
            start: self.start.as_ref().map(AsFd::as_fd),
            time: deadline.at.map(|at| at.saturating_duration_since(Instant::now())),
        };
        let mut sink = |stream, bytes: &[u8]| observe(Sign::Wrote(stream, bytes));
        self.relay.wait(awaited, guests, &mut sink).map_err(LaunchError::Supervise)
    }

    /// Says that the command runs, once. What went wrong before was sent before, and has been read.
    fn note_start(&mut self, known: &mut Known, observe: Observer<'_>) {
        self.start = None;
        if let (Some(init), None, false) = (&known.init, &known.failed, known.started) {
            known.started = true;
            observe(Sign::Started(init.as_fd()));
        }
    }

    fn read_message(&mut self, known: &mut Known, observe: Observer<'_>) -> Result<bool, LaunchError> {
        let Some((bytes, file)) = self.channel.receive().map_err(LaunchError::Supervise)? else {
            return Ok(false);
        };
        moment("told");
        match (ToLauncher::decode(&bytes), file) {
            (Some(ToLauncher::Started), init) => {
                known.init = init;
                self.connect().map_err(LaunchError::Supervise)?;
            }
            (Some(ToLauncher::Rooted), _) => known.root = Rooting::Reported,
            (Some(ToLauncher::Ready), _) => known.waiting = Waiting::Yes,
            (Some(ToLauncher::Terminal), Some(master)) => {
                self.relay.connect_terminal(master, self.ends).map_err(LaunchError::Streams)?;
            }
            (Some(ToLauncher::Notice(text)), _) => observe(Sign::Notice(&text)),
            (Some(ToLauncher::Failed { report, code, overlay_refused }), _) => {
                known.failed = Some(FailedStep::new(report, code, overlay_refused));
            }
            (Some(ToLauncher::Ended(status)), _) => known.ended = Some(status),
            (Some(ToLauncher::Terminal) | None, _) => {
                return Err(LaunchError::Supervise(SysError::new("recvmsg(channel)", Errno::BADMSG)));
            }
        }
        // The two messages about it come from two processes, in any order.
        if let (Rooting::Reported, Some(init)) = (known.root, &known.init) {
            known.root = Rooting::Noticed;
            observe(Sign::Rooted(init.as_fd()));
        }
        if let (Waiting::Yes, Some(init)) = (known.waiting, &known.init) {
            known.waiting = Waiting::No;
            observe(Sign::Ready(init.as_fd()));
            self.channel.send(&ToInit::Reviewed.encode(), None).map_err(LaunchError::Supervise)?;
        }
        Ok(true)
    }

    fn pass_on(&mut self, number: i32, known: &mut Known) -> Result<(), LaunchError> {
        if number == Signal::SIGWINCH as i32 {
            self.relay.copy_window_size();
            return Ok(());
        }
        self.send(number, known)
    }

    fn send(&self, number: i32, known: &mut Known) -> Result<(), LaunchError> {
        let Some(init) = &known.init else {
            // There is nobody yet who could receive it: the container is not going to be.
            known.interrupted = Some(number);
            return self.monitor.signal(rustix::process::Signal::KILL).map_err(LaunchError::Supervise);
        };
        process::send_signal(init.as_fd(), number).map_err(LaunchError::Supervise)?;
        if number == Signal::SIGKILL as i32 {
            // Of a container that stands still only this much ends by itself.
            self.monitor.signal(rustix::process::Signal::KILL).map_err(LaunchError::Supervise)?;
        }
        Ok(())
    }

    /// Does what a guest asks for.
    fn grant(&mut self, request: Request, known: &mut Known) -> Result<(), LaunchError> {
        match request {
            Request::Input(bytes) => self.relay.take_input(&bytes),
            Request::InputEnd => self.relay.end_input(),
            Request::Size(size) => self.relay.set_window_size(size),
            Request::Signal(number, purpose) => {
                known.by_order |= purpose == Purpose::End;
                self.send(number, known)?;
            }
            Request::Watch | Request::Feed => {}
        }
        Ok(())
    }

    fn keep_deadline(&self, deadline: &mut Deadline, known: &mut Known) -> Result<(), LaunchError> {
        if deadline.at.is_none_or(|at| Instant::now() < at) {
            return Ok(());
        }
        let kill = Signal::SIGKILL as i32;
        let signal = if known.timed_out { kill } else { deadline.signal };
        deadline.at = deadline.grace.filter(|_| !known.timed_out).map(|grace| Instant::now() + grace);
        known.timed_out = true;
        self.send(signal, known)
    }
}

impl Known {
    /// How it all ended, the monitor so.
    fn conclude(self, monitor: ExitStatus, usage: ProcessUsage) -> Result<Ended, LaunchError> {
        let own = self.ended.unwrap_or(monitor);
        let status = match self {
            Self { failed: Some(failed), .. } => return Err(failed.into()),
            Self { timed_out: true, .. } => ExitStatus::Exited(TIMED_OUT),
            Self { ended: Some(status), .. } => status,
            Self { interrupted: Some(signal), .. } => ExitStatus::Signaled(signal),
            // Whoever killed the monitor has killed the container.
            Self { init: Some(_), .. } if monitor != ExitStatus::Exited(125) => monitor,
            _ => return Err(LaunchError::Lost(monitor)),
        };
        let Self { by_order, timed_out, .. } = self;
        Ok(Ended { status, by_order, timed_out, left: false, own, usage })
    }
}
