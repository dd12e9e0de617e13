//! What is known of a container that is watched over, and until when it may go on.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::{Ended, TIMED_OUT};
use crate::launch::LaunchError;
use crate::launch::init::FailedStep;
use crate::sys::clone::{ExitStatus, ProcessUsage};

/// How a process ends that was killed.
const KILLED: ExitStatus = ExitStatus::Signaled(Signal::SIGKILL as i32);

/// What is known of the container so far.
#[derive(Default)]
pub(super) struct Known {
    pub(super) init: Option<OwnedFd>,
    pub(super) failed: Option<FailedStep>,
    pub(super) ended: Option<ExitStatus>,
    pub(super) interrupted: Option<i32>,
    /// Those that are to be passed on.
    pub(super) signals: Vec<i32>,
    pub(super) started: bool,
    pub(super) by_order: bool,
    pub(super) timed_out: bool,
    pub(super) root: Rooting,
    pub(super) waiting: Waiting,
}

/// Whether init waits to be looked at.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    #[default]
    No,
    Yes,
}

/// Whether the container has its root filesystem.
#[derive(Default, Clone, Copy)]
pub(super) enum Rooting {
    #[default]
    Pending,
    Reported,
    Noticed,
}

/// When the container is asked to stop, and when it is killed.
pub(super) struct Deadline {
    pub(super) at: Option<Instant>,
    pub(super) signal: i32,
    pub(super) grace: Option<Duration>,
}

impl Deadline {
    pub(super) fn left(&self) -> Option<Duration> {
        self.at.map(|at| at.saturating_duration_since(Instant::now()))
    }

    pub(super) fn keep(&mut self, known: &mut Known) {
        if self.at.is_none_or(|at| Instant::now() < at) {
            return;
        }
        let signal = if known.timed_out { Signal::SIGKILL as i32 } else { self.signal };
        self.at = self.grace.filter(|_| !known.timed_out).map(|grace| Instant::now() + grace);
        known.timed_out = true;
        known.signals.push(signal);
    }
}

impl Known {
    /// How it all ended, the monitor so.
    pub(super) fn conclude(self, monitor: ExitStatus, usage: ProcessUsage) -> Result<Ended, LaunchError> {
        let own = self.ended.unwrap_or(monitor);
        let status = match self {
            Self { failed: Some(failed), .. } => return Err(failed.into()),
            Self { timed_out: true, .. } => ExitStatus::Exited(TIMED_OUT),
            // A further process was killed for it.
            Self { ended: Some(KILLED), interrupted: Some(signal), .. } => ExitStatus::Signaled(signal),
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
