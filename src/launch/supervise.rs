//! Watching over a running container until it has ended.

mod known;

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rustix::io::Errno;

use self::known::{Deadline, Known, Rooting, Waiting};
use super::dialog::{Purpose, Request};
use super::guests::Guests;
use super::init::FailedStep;
use super::keys::Typed;
use super::message::{ToInit, ToLauncher, ToMonitor};
use super::relay::{Awaited, Happened};
use super::surroundings::Heir;
use super::{LaunchError, Role, Running, Starting, Stream};
use crate::sys::clone::{ExitStatus, ProcessUsage};
use crate::sys::{SysError, moment, process};

/// How long somebody who is to have a signal can be on the way.
const SOON: Duration = Duration::from_millis(1);
/// By which a user wants a process to end.
const ENDING: [i32; 4] =
    [Signal::SIGHUP as i32, Signal::SIGINT as i32, Signal::SIGQUIT as i32, Signal::SIGTERM as i32];
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
        for request in guests.take_early() {
            self.grant(request, &mut known);
        }
        while known.ended.is_none() {
            let time = if known.signals.is_empty() { deadline.left() } else { Some(SOON) };
            let happened = self.wait(time, guests, observe)?;
            while let Some(signal) = self.relay.next_signal() {
                self.take_note(signal.number, &mut known);
            }
            for request in happened.requests {
                self.grant(request, &mut known);
            }
            deadline.keep(&mut known);
            if happened.typed == Typed::DetachKeys {
                return self.part();
            }
            if happened.message {
                if !self.read_message(&mut known, observe)? {
                    break;
                }
                continue;
            }
            if happened.start {
                self.note_start(&mut known, observe);
            }
            self.deliver(&mut known)?;
        }
        self.note_start(&mut known, observe);
        let mut sink = |stream, bytes: &[u8]| observe(Sign::Wrote(stream, bytes));
        self.relay.drain(guests, &mut sink).map_err(LaunchError::Supervise)?;
        self.relay.restore_terminal();
        if self.heir == Heir::Monitor && known.ended.is_some() && known.failed.is_none() {
            guests.keep_waiting(&self.channel).map_err(LaunchError::Supervise)?;
            self.ended = true;
            return known.conclude(ExitStatus::Exited(0), ProcessUsage::default());
        }
        // One that has no terminal to care for is gone by now.
        let _ = self.channel.send(&ToMonitor::Heard.encode(), None);
        let (monitor, usage) = self.monitor.wait_with_usage().map_err(LaunchError::Supervise)?;
        self.disconnect();
        self.ended = true;
        known.conclude(monitor, usage)
    }

    /// Waits until a further process runs its command, and leaves it alone; its status is that of the signal that ended
    /// it before, if one came in for it.
    ///
    /// # Errors
    /// A step on the way to the command went wrong.
    pub fn leave(mut self) -> Result<ExitStatus, LaunchError> {
        let mut known = Known::default();
        // The channel ends when escort and guest have closed it: the one when it has a guest, the other by its exec.
        loop {
            let happened = self.wait(None, &mut Guests::default(), &mut |_| {})?;
            while let Some(signal) = self.relay.next_signal() {
                self.take_note(signal.number, &mut known);
            }
            if happened.message && !self.read_message(&mut known, &mut |_| {})? {
                break;
            }
            self.deliver(&mut known)?;
        }
        self.ended = true;
        if known.interrupted.is_none() {
            // Nobody has the channel any more: the guest has become the bridge, which takes no time.
            known.failed = known.failed.or_else(|| self.way.await_end());
        }
        if known.interrupted.is_some() || known.failed.is_some() {
            self.monitor.wait().map_err(LaunchError::Supervise)?;
        }
        match known {
            Known { interrupted: Some(signal), .. } => Ok(ExitStatus::Signaled(signal)),
            Known { failed: Some(failed), .. } => Err(failed.into()),
            Known { .. } => Ok(ExitStatus::Exited(0)),
        }
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
        time: Option<Duration>,
        guests: &mut Guests,
        observe: Observer<'_>,
    ) -> Result<Happened, LaunchError> {
        let start = (self.start == Starting::Awaited).then(|| self.way.pipe());
        let awaited = Awaited { channel: self.channel.as_fd(), start, time };
        let mut sink = |stream, bytes: &[u8]| observe(Sign::Wrote(stream, bytes));
        self.relay.wait(awaited, guests, &mut sink).map_err(LaunchError::Supervise)
    }

    /// Says that the command runs, once. What went wrong before was sent before, and has been read.
    fn note_start(&mut self, known: &mut Known, observe: Observer<'_>) {
        self.start = Starting::Over;
        known.failed = known.failed.take().or_else(|| self.way.refusal());
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
            match self.channel.send(&ToInit::Reviewed.encode(), None) {
                // It was killed before it came to its command. That it has ended is heard next.
                Err(error) if error.errno() == Errno::PIPE => {}
                sent => sent.map_err(LaunchError::Supervise)?,
            }
        }
        Ok(true)
    }

    fn take_note(&mut self, number: i32, known: &mut Known) {
        if number == Signal::SIGWINCH as i32 {
            self.relay.copy_window_size();
        } else {
            known.signals.push(number);
        }
    }

    /// Passes signals on, once everything that was told by then has been read: else one could be meant for a command
    /// that runs already and is not known of yet.
    fn deliver(&self, known: &mut Known) -> Result<(), LaunchError> {
        if self.start == Starting::Awaited && self.role == Role::First {
            if let Some(number) = known.signals.pop() {
                // There is nobody yet who could receive it: the command is not going to be.
                known.interrupted = Some(number);
                self.kill_monitor()?;
            }
            return Ok(());
        }
        let Some(init) = &known.init else { return Ok(()) };
        if self.start == Starting::Awaited {
            if let Some(number) = known.signals.pop() {
                // Nor here; and whoever is on the way to the command can be stopped by the container.
                known.interrupted = Some(number);
                process::send_signal(init.as_fd(), Signal::SIGKILL as i32).map_err(LaunchError::Supervise)?;
            }
            return Ok(());
        }
        for number in known.signals.drain(..) {
            process::send_signal(init.as_fd(), number).map_err(LaunchError::Supervise)?;
            if self.role == Role::Guest && ENDING.contains(&number) {
                // A process that others have stopped would keep it for later.
                process::send_signal(init.as_fd(), Signal::SIGCONT as i32).map_err(LaunchError::Supervise)?;
            }
            if number == Signal::SIGKILL as i32 {
                // Of a container that stands still only this much ends by itself.
                self.kill_monitor()?;
            }
        }
        Ok(())
    }

    fn kill_monitor(&self) -> Result<(), LaunchError> {
        self.monitor.signal(rustix::process::Signal::KILL).map_err(LaunchError::Supervise)
    }

    /// Does what a guest asks for.
    fn grant(&mut self, request: Request, known: &mut Known) {
        match request {
            Request::Input(bytes) => self.relay.take_input(&bytes),
            Request::InputEnd => self.relay.end_input(),
            Request::Size(size) => self.relay.set_window_size(size),
            Request::Signal(number, purpose) => {
                known.by_order |= purpose == Purpose::End;
                known.signals.push(number);
            }
            Request::Watch | Request::Feed => {}
        }
    }
}
