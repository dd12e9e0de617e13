//! What the launcher knows of a command's last step.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::LaunchError;
use super::init::{FailedStep, InitError};
use super::process::Candidates;
use super::streams::ContainerStreams;
use crate::plan::idmap::IdMap;
use crate::plan::landlock::Landlock;
use crate::sys::bridge::{self, Bridge, Need, Refusal};

/// How long the last step is waited for, in seconds. It takes no time; but a process of the container may have got hold of
/// the pipe in that moment, and keep it open.
const PATIENCE: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };

/// The launcher's end of the way to a command.
#[derive(Debug)]
pub(super) struct Way {
    /// Closed at the other end when the command runs, or never will.
    pipe: OwnedFd,
    candidates: Option<Candidates>,
}

impl Way {
    /// Gives `streams` the way to the command with these arguments and this environment.
    pub(super) fn prepare(
        (arguments, environment): (&[String], &[String]),
        landlock: &Landlock,
        map: Option<&IdMap>,
        streams: &mut ContainerStreams,
    ) -> Result<Self, LaunchError> {
        let need = if bridge::can_be_changed(map) { Need::Bridge } else { Need::None };
        // Whoever is to become the command finds out by itself what is wrong with its name.
        let candidates = Candidates::new(arguments, environment).ok().map(|found| found.under(landlock));
        let programs = candidates.as_ref().map(|candidates| &*candidates.programs).unwrap_or_default();
        let (bridge, pipe) = Bridge::build(programs, need).map_err(LaunchError::Spawn)?;
        streams.bridge = Some(bridge);
        Ok(Self { pipe, candidates })
    }

    /// The end of the pipe, to be watched.
    pub(super) fn pipe(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }

    /// Why the last step was not made, as far as that is known by now.
    pub(super) fn refusal(&self) -> Option<FailedStep> {
        let refusal = Refusal::read(&self.pipe).ok().flatten()?;
        let error = InitError::Exec(self.candidates.as_ref()?.refused(refusal));
        Some(FailedStep::of_step(&error))
    }

    /// The same when the last step has been made or not.
    pub(super) fn await_end(&self) -> Option<FailedStep> {
        let mut watched = [PollFd::new(&self.pipe, PollFlags::IN)];
        while poll(&mut watched, Some(&PATIENCE)) == Err(Errno::INTR) {}
        self.refusal()
    }
}
