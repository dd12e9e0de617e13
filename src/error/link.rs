//! The errors about a container's network.

use thiserror::Error;

use crate::plan::network::NetworkError;
use crate::plan::port::{Port, PortError};
use crate::plan::userns::UsernsMode;
use crate::sys::SysError;
use crate::sys::uplink::UplinkError;

/// Why a container cannot have the network that was asked for.
#[derive(Debug, Error)]
pub enum LinkError {
    /// What was asked for makes no sense.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The way to the outside.
    #[error("cannot connect a container with the outside")]
    Uplink(#[from] UplinkError),
    /// The ports make no sense.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A port of the host that cannot be had.
    #[error("cannot publish port {port} of the container")]
    Publish {
        /// The container's port.
        port: Port,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// Two answers to whose IDs a container has.
    #[error(
        "`--userns {asked}` cannot be had with the network of a container whose user namespace is `{shared}`"
    )]
    Userns {
        /// What was asked for.
        asked: UsernsMode,
        /// What the other container has.
        shared: UsernsMode,
    },
}

impl LinkError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Network(error) => error.hint(),
            Self::Uplink(error) => Some(error.hint()),
            Self::Port(_) => None,
            Self::Publish { cause, .. } => publish_hint(cause.errno()).map(str::to_owned),
            Self::Userns { .. } => {
                Some("a network belongs to its user namespace: leave out --userns".to_owned())
            }
        }
    }
}

fn publish_hint(errno: rustix::io::Errno) -> Option<&'static str> {
    match errno {
        rustix::io::Errno::ADDRINUSE => Some(
            "another program has that port of the host: choose another, or name none (-p 80), which takes a free one",
        ),
        rustix::io::Errno::ACCESS => Some(
            "the first ports are root's, 1023 and below as a rule: choose a higher one, or see `sysctl \
             net.ipv4.ip_unprivileged_port_start`",
        ),
        rustix::io::Errno::ADDRNOTAVAIL => Some("this machine has no such address"),
        _ => None,
    }
}
