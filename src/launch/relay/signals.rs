//! The signals that are passed on to the container.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::sys::{Call, SysError, process};

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

/// A signal that the launcher got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::launch) struct ReceivedSignal {
    pub(in crate::launch) number: i32,
    /// Whether the kernel sent it to all processes of the terminal's foreground, and no process to this one.
    pub(in crate::launch) by_kernel: bool,
}

/// Signals that wait to be read, until this is dropped.
#[derive(Debug)]
pub(super) struct Signals {
    file: SignalFd,
    caller_mask: SigSet,
}

impl Signals {
    pub(super) fn block() -> Result<Self, SysError> {
        let mut mask = SigSet::all();
        for signal in OWN_SIGNALS {
            mask.remove(signal);
        }
        let caller_mask = SigSet::thread_get_mask().call(|| "sigprocmask()")?;
        process::set_signal_mask(&mask)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let file = SignalFd::with_flags(&mask, flags).call(|| "signalfd()")?;
        Ok(Self { file, caller_mask })
    }

    pub(super) fn next(&self) -> Option<ReceivedSignal> {
        let info = self.file.read_signal().ok()??;
        let number = i32::try_from(info.ssi_signo).ok()?;
        Some(ReceivedSignal { number, by_kernel: info.ssi_code > 0 })
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        // Signals that came in meanwhile are delivered now, which is what the caller would expect.
        let _ = process::set_signal_mask(&self.caller_mask);
    }
}
