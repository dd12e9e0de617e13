//! What the processes tell each other. Whoever receives is the same program, so the encoding has no versions.

use serde::{Deserialize, Serialize};

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

impl ToLauncher {
    pub(super) fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

fn encode(message: &impl Serialize) -> Vec<u8> {
    // Plain data with text keys always encodes; an empty datagram would read as the end.
    serde_json::to_vec(message).unwrap_or_default()
}
