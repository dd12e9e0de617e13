//! What the processes tell each other. Whoever receives is the same program, so the encoding has no versions.

use serde::{Deserialize, Serialize};

use super::screen::SavedTerminal;
use crate::sys::channel::Channel;
use crate::sys::clone::ExitStatus;
use crate::sys::report::Report;

/// From the launcher to init.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToInit {
    /// The ID maps are written.
    Mapped,
    /// The same, and somebody wants to look at init before it becomes the command.
    MappedForReview,
    /// It has been looked at.
    Reviewed,
    /// The network leads to the outside.
    Connected,
    /// It does not, and why.
    Unconnected(Report),
}

/// From the launcher to the monitor, and to the escort of a further process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToMonitor {
    /// The launcher knows of the end, and has given its terminal the settings back.
    Heard,
    /// The launcher is about to leave, and the lock of what the monitor is to remove comes along.
    Bequeathed,
    /// The launcher leaves, and the process goes on; the master end of its terminal comes along.
    Left,
}

/// From monitor and init to the launcher.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToLauncher {
    /// Init exists; its pidfd comes along.
    Started,
    /// The container has its root filesystem; nothing of the host can be reached from it any more.
    Rooted,
    /// Init is as the command is going to be, and waits to be looked at.
    Ready,
    /// The container's terminal; its master end comes along.
    Terminal,
    /// Something was done differently than planned, and why.
    Notice(String),
    /// A step went wrong; init ends with this code.
    Failed { report: Report, code: u8, overlay_refused: bool },
    /// Init has ended.
    Ended(ExitStatus),
}

impl ToInit {
    pub(super) fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

impl ToMonitor {
    pub(super) fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

impl ToLauncher {
    pub(super) fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// Tells the launcher of the end. One that was killed at the same moment cannot restore its `terminal`, and so that is
/// done here: the end may just be what followed, as the container's terminal went with the launcher.
pub(super) fn tell_end(channel: &Channel, status: ExitStatus, terminal: Option<&SavedTerminal>) {
    let sent = channel.send(&ToLauncher::Ended(status).encode(), None);
    let Some(terminal) = terminal else { return };
    // Any message will do: whoever sends one has restored it, or will.
    if !matches!(sent.and_then(|()| channel.receive()), Ok(Some(_))) {
        terminal.restore();
    }
}

fn encode(message: &impl Serialize) -> Vec<u8> {
    // Plain data with text keys always encodes; an empty datagram would read as the end.
    serde_json::to_vec(message).unwrap_or_default()
}
