//! The namespaces of a container.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::userns::UserNamespace;

/// Where a container's network comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// A namespace of its own with nothing but the loopback interface, which is up.
    #[default]
    None,
    /// The network of whoever started minirun, with its abstract sockets.
    Host,
    /// A namespace of its own that pasta connects with the outside.
    Pasta,
    /// The network namespace of another container, and the user namespace that it belongs to.
    Container,
}

impl Network {
    /// Whether there is a network namespace for this container alone.
    #[must_use]
    pub fn is_own(self) -> bool {
        match self {
            Self::None | Self::Pasta => true,
            Self::Host | Self::Container => false,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Host => "host",
            Self::Pasta => "pasta",
            Self::Container => "container",
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
