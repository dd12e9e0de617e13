//! ID maps: which user and group IDs of the host a container's IDs are.
//!
//! Source: `user_namespaces(7)`.

use serde::{Deserialize, Serialize};

/// One line of `/proc/PID/uid_map`: `size` IDs from `container` on are the host's from `host` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IdRange {
    /// The first ID inside the container.
    pub container: u32,
    /// The first ID on the host (the namespace that minirun was started in).
    pub host: u32,
    /// How many IDs.
    pub size: u32,
}

/// The user and group ID map of one user namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IdMap {
    /// User IDs.
    pub users: Vec<IdRange>,
    /// Group IDs.
    pub groups: Vec<IdRange>,
}

/// The host ID of `container` in `ranges`.
#[must_use]
pub fn to_host(ranges: &[IdRange], container: u32) -> Option<u32> {
    ranges.iter().find_map(|range| {
        let offset = container.checked_sub(range.container).filter(|&offset| offset < range.size)?;
        range.host.checked_add(offset)
    })
}

/// The container ID of `host` in `ranges`.
#[must_use]
pub fn to_container(ranges: &[IdRange], host: u32) -> Option<u32> {
    ranges.iter().find_map(|range| {
        let offset = host.checked_sub(range.host).filter(|&offset| offset < range.size)?;
        range.container.checked_add(offset)
    })
}

impl IdMap {
    /// The map of exactly one user and one group.
    #[must_use]
    pub fn single(container: (u32, u32), host: (u32, u32)) -> Self {
        let range = |container, host| vec![IdRange { container, host, size: 1 }];
        Self { users: range(container.0, host.0), groups: range(container.1, host.1) }
    }

    /// Whether only one user or only one group is mapped, so that other owners cannot be kept.
    #[must_use]
    pub fn is_single(&self) -> bool {
        let count = |ranges: &[IdRange]| ranges.iter().map(|range| u64::from(range.size)).sum::<u64>();
        count(&self.users) <= 1 || count(&self.groups) <= 1
    }

    /// The text for `/proc/PID/uid_map` or `gid_map`.
    #[must_use]
    pub fn text(ranges: &[IdRange]) -> String {
        ranges.iter().map(|range| format!("{} {} {}\n", range.container, range.host, range.size)).collect()
    }
}
