//! Watching over a running container until it has ended.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::signal::Signal;
use rustix::io::Errno;

use super::init::FailedStep;
use super::message::ToLauncher;
use super::{LaunchError, Running};
use crate::sys::SysError;
use crate::sys::clone::ExitStatus;

/// What is noticed while a container is watched over.
#[derive(Debug)]
pub enum Sign<'a> {
    /// Something was done differently than planned.
    Notice(&'a str),
    /// The container has its root filesystem; its init is the process that this pidfd names.
    Rooted(BorrowedFd<'a>),
}

/// What is known of the container so far.
#[derive(Default)]
struct Known {
    init: Option<OwnedFd>,
    failed: Option<FailedStep>,
    ended: Option<ExitStatus>,
    interrupted: Option<i32>,
    root: Rooting,
}

/// Whether the container has its root filesystem.
#[derive(Default, Clone, Copy)]
enum Rooting {
    #[default]
    Pending,
    Reported,
    Noticed,
}

impl Running {
    /// Copies streams, passes signals on and waits; returns how the command ended.
    ///
    /// `notice` is told what is noticed meanwhile.
    ///
    /// # Errors
    /// A step on the way to the command went wrong, or the container's processes were killed from outside.
    pub fn supervise(mut self, notice: &mut dyn FnMut(Sign<'_>)) -> Result<ExitStatus, LaunchError> {
        let mut known = Known::default();
        while known.ended.is_none() {
            let has_message = self.relay.wait(self.channel.as_fd()).map_err(LaunchError::Supervise)?;
            while let Some(signal) = self.relay.next_signal() {
                self.pass_on(signal.number, &mut known)?;
            }
            if has_message && !self.read_message(&mut known, notice)? {
                break;
            }
        }
        self.relay.drain().map_err(LaunchError::Supervise)?;
        let monitor = self.monitor.wait().map_err(LaunchError::Supervise)?;
        self.disconnect();
        self.ended = true;
        match known {
            Known { failed: Some(failed), .. } => Err(failed.into()),
            Known { ended: Some(status), .. } => Ok(status),
            Known { interrupted: Some(signal), .. } => Ok(ExitStatus::Signaled(signal)),
            // Whoever killed the monitor has killed the container.
            Known { init: Some(_), .. } if monitor != ExitStatus::Exited(125) => Ok(monitor),
            _ => Err(LaunchError::Lost(monitor)),
        }
    }

    fn read_message(
        &mut self,
        known: &mut Known,
        notice: &mut dyn FnMut(Sign<'_>),
    ) -> Result<bool, LaunchError> {
        let Some((bytes, file)) = self.channel.receive().map_err(LaunchError::Supervise)? else {
            return Ok(false);
        };
        match (ToLauncher::decode(&bytes), file) {
            (Some(ToLauncher::Started), init) => {
                known.init = init;
                self.connect().map_err(LaunchError::Supervise)?;
            }
            (Some(ToLauncher::Rooted), _) => known.root = Rooting::Reported,
            (Some(ToLauncher::Terminal), Some(master)) => {
                self.relay.connect_terminal(master).map_err(LaunchError::Streams)?;
            }
            (Some(ToLauncher::Notice(text)), _) => notice(Sign::Notice(&text)),
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
            notice(Sign::Rooted(init.as_fd()));
        }
        Ok(true)
    }

    fn pass_on(&mut self, number: i32, known: &mut Known) -> Result<(), LaunchError> {
        if number == Signal::SIGWINCH as i32 {
            self.relay.copy_window_size();
            return Ok(());
        }
        let Some(init) = &known.init else {
            // There is nobody yet who could receive it: the container is not going to be.
            known.interrupted = Some(number);
            return self.monitor.signal(rustix::process::Signal::KILL).map_err(LaunchError::Supervise);
        };
        let Some(signal) = rustix::process::Signal::from_named_raw(number) else { return Ok(()) };
        match rustix::process::pidfd_send_signal(init, signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(errno) => {
                let error = SysError::new(format!("pidfd_send_signal(init, {number})"), errno);
                Err(LaunchError::Supervise(error))
            }
        }
    }
}
