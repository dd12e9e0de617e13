//! Waiting for descriptors.

use std::time::Duration;

use rustix::event::{PollFd, Timespec};
use rustix::io::Errno;

use super::Event;
use crate::sys::{Call, SysError};

/// Waits; what has happened.
pub(super) fn turn(
    watched: Vec<(Event, PollFd<'_>)>,
    time: Option<Duration>,
) -> Result<Vec<Event>, SysError> {
    let (events, mut watched): (Vec<Event>, Vec<PollFd<'_>>) = watched.into_iter().unzip();
    poll(&mut watched, time.map(timespec).as_ref())?;
    let has_happened = |one: &PollFd<'_>| !one.revents().is_empty();
    Ok(events
        .into_iter()
        .zip(&watched)
        .filter(|(_, one)| has_happened(one))
        .map(|(event, _)| event)
        .collect())
}

pub(in crate::launch) fn poll(watched: &mut [PollFd<'_>], time: Option<&Timespec>) -> Result<(), SysError> {
    match rustix::event::poll(watched, time) {
        Err(Errno::INTR) => Ok(()),
        result => result.map(drop).call(|| "poll()"),
    }
}

pub(in crate::launch) fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(time.subsec_nanos()),
    }
}
