//! What init waits for on its way.

use rustix::io::Errno;

use super::{InitError, tell};
use crate::launch::message::{ToInit, ToLauncher};
use crate::plan::Plan;
use crate::sys::channel::Channel;
use crate::sys::{SysError, process as own};

/// Whether somebody wants to look at this process before it becomes the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    /// Nobody does.
    Unwanted,
    /// Somebody does.
    Wanted,
}

/// Waits until this process is somebody; whether somebody wants to look at it later.
pub(in crate::launch) fn await_id_maps(channel: &Channel) -> Result<Review, InitError> {
    let message = channel.receive().map_err(InitError::Channel)?;
    match message.as_ref().and_then(|(bytes, _)| ToInit::decode(bytes)) {
        Some(ToInit::Mapped) => Ok(Review::Unwanted),
        Some(ToInit::MappedForReview) => Ok(Review::Wanted),
        Some(ToInit::Reviewed | ToInit::Connected | ToInit::Unconnected(_)) | None => {
            Err(InitError::NotMapped)
        }
    }
}

/// Lets the launcher look at this process, if somebody wanted that.
pub(super) fn await_review(channel: &Channel, review: Review) -> Result<(), InitError> {
    if review == Review::Unwanted {
        return Ok(());
    }
    tell(channel, &ToLauncher::Ready)?;
    let message = channel.receive().map_err(InitError::Channel)?;
    match message.as_ref().and_then(|(bytes, _)| ToInit::decode(bytes)) {
        // So late, as who may not trace this process may not look at it.
        Some(ToInit::Reviewed) => own::hide_memory().map_err(InitError::Hide),
        Some(ToInit::Mapped | ToInit::MappedForReview | ToInit::Connected | ToInit::Unconnected(_))
        | None => Err(InitError::Channel(SysError::new("recvmsg(channel)", Errno::PIPE))),
    }
}

/// Waits until the network leads to the outside, if it is to.
pub(super) fn await_connection(channel: &Channel, plan: &Plan) -> Result<(), InitError> {
    if plan.connection.is_none() {
        return Ok(());
    }
    let message = channel.receive().map_err(InitError::Channel)?;
    match message.as_ref().and_then(|(bytes, _)| ToInit::decode(bytes)) {
        Some(ToInit::Connected) => Ok(()),
        Some(ToInit::Unconnected(report)) => Err(InitError::Network(report)),
        Some(ToInit::Mapped | ToInit::MappedForReview | ToInit::Reviewed) | None => {
            Err(InitError::Channel(SysError::new("recvmsg(channel)", Errno::PIPE)))
        }
    }
}
