//! What the launcher does while the container runs: it copies streams and passes signals on.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::termios::{OptionalActions, Termios, isatty};

use super::streams::duplicate;
use crate::sys::{Call, SysError, process};

/// As much as every pipe takes without blocking once it says that it takes something.
const CHUNK: usize = 4096;

/// The signals that are not the container's business: faults of the launcher itself, its children, job control.
const OWN_SIGNALS: [Signal; 15] = [
    Signal::SIGKILL,
    Signal::SIGSTOP,
    Signal::SIGCHLD,
    Signal::SIGPIPE,
    Signal::SIGURG,
    Signal::SIGTSTP,
    Signal::SIGTTIN,
    Signal::SIGTTOU,
    Signal::SIGCONT,
    Signal::SIGSEGV,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGTRAP,
    Signal::SIGSYS,
];

/// A terminal and the settings it had.
#[derive(Debug)]
pub(super) struct SavedTerminal {
    file: OwnedFd,
    settings: Termios,
}

impl AsFd for SavedTerminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl SavedTerminal {
    /// Gives the terminal its settings back.
    pub(super) fn restore(&self) {
        // A terminal that has hung up has nothing to restore.
        let _ = rustix::termios::tcsetattr(&self.file, OptionalActions::Drain, &self.settings);
    }
}

/// Which way a flow goes; input ends with the container, output is copied to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    In,
    Out,
}

/// Bytes on their way from one descriptor to another.
#[derive(Debug)]
struct Flow {
    direction: Direction,
    from: OwnedFd,
    to: OwnedFd,
    buffer: Vec<u8>,
}

/// A signal that the launcher got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReceivedSignal {
    pub(super) number: i32,
    /// Whether the kernel sent it to all processes of the terminal's foreground, and no process to this one.
    pub(super) by_kernel: bool,
}

/// The launcher's side of the streams, and its signals.
#[derive(Debug)]
pub(super) struct Relay {
    flows: Vec<Flow>,
    signals: Option<SignalFd>,
    caller_mask: Option<SigSet>,
    terminal: Option<SavedTerminal>,
    master: Option<OwnedFd>,
}

impl Relay {
    pub(super) fn new() -> Self {
        Self { flows: Vec::new(), signals: None, caller_mask: None, terminal: None, master: None }
    }

    pub(super) fn add_input(&mut self, from: OwnedFd, to: OwnedFd) {
        self.flows.push(Flow { direction: Direction::In, from, to, buffer: Vec::new() });
    }

    pub(super) fn add_output(&mut self, from: OwnedFd, to: OwnedFd) {
        self.flows.push(Flow { direction: Direction::Out, from, to, buffer: Vec::new() });
    }

    /// Remembers the settings of the caller's terminal, if standard input is one; returns a second copy.
    pub(super) fn save_terminal(&mut self) -> Result<Option<SavedTerminal>, SysError> {
        let stdin = rustix::stdio::stdin();
        if !isatty(stdin) {
            return Ok(None);
        }
        let settings = rustix::termios::tcgetattr(stdin).call(|| "tcgetattr(stdin)")?;
        self.terminal = Some(SavedTerminal { file: duplicate(stdin)?, settings: settings.clone() });
        Ok(Some(SavedTerminal { file: duplicate(stdin)?, settings }))
    }

    /// From now on signals for the container wait to be read.
    pub(super) fn block_signals(&mut self) -> Result<(), SysError> {
        let mut mask = SigSet::all();
        for signal in OWN_SIGNALS {
            mask.remove(signal);
        }
        let before = SigSet::thread_get_mask().call(|| "sigprocmask()")?;
        self.caller_mask = Some(before);
        process::set_signal_mask(&mask)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        self.signals = Some(SignalFd::with_flags(&mask, flags).call(|| "signalfd()")?);
        Ok(())
    }

    /// Becomes readable when a signal comes in.
    pub(super) fn signals(&self) -> Option<BorrowedFd<'_>> {
        self.signals.as_ref().map(AsFd::as_fd)
    }

    /// The next signal that came in.
    pub(super) fn next_signal(&self) -> Option<ReceivedSignal> {
        let info = self.signals.as_ref()?.read_signal().ok()??;
        let number = i32::try_from(info.ssi_signo).ok()?;
        Some(ReceivedSignal { number, by_kernel: info.ssi_code > 0 })
    }

    /// Connects the container's terminal with the caller's streams, the caller's own in raw mode.
    pub(super) fn connect_terminal(&mut self, master: OwnedFd) -> Result<(), SysError> {
        if let Some(saved) = &self.terminal {
            let mut raw = saved.settings.clone();
            raw.make_raw();
            rustix::termios::tcsetattr(&saved.file, OptionalActions::Now, &raw).call(|| "tcsetattr(raw)")?;
        }
        self.add_input(duplicate(rustix::stdio::stdin())?, duplicate(master.as_fd())?);
        self.add_output(duplicate(master.as_fd())?, duplicate(rustix::stdio::stdout())?);
        self.master = Some(master);
        self.copy_window_size();
        Ok(())
    }

    /// Gives the container's terminal the size of the caller's.
    pub(super) fn copy_window_size(&self) {
        let Some(master) = &self.master else { return };
        for file in [rustix::stdio::stdin(), rustix::stdio::stdout()] {
            if let Ok(size) = rustix::termios::tcgetwinsize(file) {
                // The size is a courtesy: a terminal without one works.
                let _ = rustix::termios::tcsetwinsize(master, size);
                return;
            }
        }
    }

    /// Waits until `channel` has a message (true), a signal came, or some bytes were copied.
    pub(super) fn wait(&mut self, channel: BorrowedFd<'_>) -> Result<bool, SysError> {
        let mut watched = vec![PollFd::from_borrowed_fd(channel, PollFlags::IN)];
        watched.extend(self.signals().map(|signals| PollFd::from_borrowed_fd(signals, PollFlags::IN)));
        let first_flow = watched.len();
        watched.extend(self.flows.iter().map(Flow::watch));
        poll(&mut watched)?;
        let has_message = !watched[0].revents().is_empty();
        let ready: Vec<bool> = watched[first_flow..].iter().map(|one| !one.revents().is_empty()).collect();
        self.advance(&ready);
        Ok(has_message)
    }

    fn advance(&mut self, ready: &[bool]) {
        let mut ready = ready.iter();
        self.flows.retain_mut(|flow| if ready.next() == Some(&true) { flow.advance() } else { true });
    }

    /// Copies what the container has written and is not copied yet; the container is gone.
    pub(super) fn drain(&mut self) -> Result<(), SysError> {
        self.flows.retain(|flow| flow.direction == Direction::Out);
        // With the container all writers are gone, so that each flow comes to its end.
        self.master = None;
        while !self.flows.is_empty() {
            let mut watched: Vec<PollFd<'_>> = self.flows.iter().map(Flow::watch).collect();
            poll(&mut watched)?;
            let ready: Vec<bool> = watched.iter().map(|one| !one.revents().is_empty()).collect();
            self.advance(&ready);
        }
        Ok(())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(saved) = &self.terminal {
            saved.restore();
        }
        if let Some(mask) = &self.caller_mask {
            // Signals that came in meanwhile are delivered now, which is what the caller would expect.
            let _ = process::set_signal_mask(mask);
        }
    }
}

impl Flow {
    fn watch(&self) -> PollFd<'_> {
        if self.buffer.is_empty() {
            PollFd::new(&self.from, PollFlags::IN)
        } else {
            PollFd::new(&self.to, PollFlags::OUT)
        }
    }

    /// Reads or writes once; false when the flow has come to its end.
    fn advance(&mut self) -> bool {
        if self.buffer.is_empty() {
            let mut chunk = [0; CHUNK];
            return match rustix::io::read(&self.from, &mut chunk) {
                Ok(0) => false,
                Ok(count) => {
                    self.buffer.extend_from_slice(&chunk[..count]);
                    true
                }
                Err(errno) => is_passing(errno),
            };
        }
        match rustix::io::write(&self.to, &self.buffer) {
            Ok(count) => {
                self.buffer.drain(..count);
                true
            }
            Err(errno) => is_passing(errno),
        }
    }
}

/// Whether an error says only that now is not the time; EIO is how a terminal without users ends.
fn is_passing(errno: Errno) -> bool {
    matches!(errno, Errno::AGAIN | Errno::INTR)
}

fn poll(watched: &mut [PollFd<'_>]) -> Result<(), SysError> {
    match rustix::event::poll(watched, None) {
        Err(Errno::INTR) => Ok(()),
        result => result.map(drop).call(|| "poll()"),
    }
}
