//! The namespaces of a container.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::userns::UserNamespace;

/// The words of `--network`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// A namespace of its own with nothing but the loopback interface, which is up.
    #[default]
    None,
    /// The network of whoever started minirun, with its abstract sockets.
    Host,
}

/// A network mode that is not one of the words.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not a network mode that minirun has: none (loopback only) or host")]
pub struct NetworkError(String);

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        match text {
            "none" => Ok(Self::None),
            "host" => Ok(Self::Host),
            _ => Err(NetworkError(text.to_owned())),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Host => "host",
        })
    }
}

/// Which namespaces are new; mount, PID, IPC, UTS and cgroup always are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespaces {
    /// The user namespace; `None` shares the launcher's.
    pub user: Option<UserNamespace>,
    /// The network namespace.
    pub network: Network,
}
