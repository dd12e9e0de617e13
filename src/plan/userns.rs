//! Which user namespace a container gets, and who may write its ID maps.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

use super::host::{Authority, Host, SetGroups, SubordinateRange};
use super::idmap::{IdMap, IdRange};

/// The words of `--userns`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UsernsMode {
    /// Subordinate IDs where the caller has some, else the one-ID map; for root no user namespace.
    #[default]
    Auto,
    /// The caller's user and group IDs are the same inside.
    KeepId,
    /// One user and one group: the caller is root inside, and nobody else exists.
    Single,
    /// No new user namespace; only for root.
    Host,
}

impl UsernsMode {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Auto, "auto"), (Self::KeepId, "keep-id"), (Self::Single, "single"), (Self::Host, "host")];
}

impl fmt::Display for UsernsMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(mode, _)| mode == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

/// Why a user namespace cannot be had as asked.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum UsernsError {
    /// Not one of the words.
    #[error("`{0}` is not a user namespace mode: auto, keep-id, single or host")]
    Unknown(String),
    /// An ordinary user cannot do without.
    #[error(
        "`--userns host` is only for root: without a user namespace of its own an ordinary user may not mount"
    )]
    HostNeedsRoot,
    /// A map of more than the caller's own IDs needs help.
    #[error("mapping more than one user needs newuidmap and newgidmap, which are not installed")]
    NoPrograms,
}

impl FromStr for UsernsMode {
    type Err = UsernsError;

    fn from_str(text: &str) -> Result<Self, UsernsError> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        found.map(|(mode, _)| *mode).ok_or_else(|| UsernsError::Unknown(text.to_owned()))
    }
}

/// Who writes the ID maps of a new user namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MapWriter {
    /// The first process inside, which may map the caller's own user and group and nothing else.
    Itself,
    /// The setuid programs of the package `uidmap`, which check `/etc/subuid` and `/etc/subgid`.
    Programs {
        /// The path of `newuidmap`.
        newuidmap: PathBuf,
        /// The path of `newgidmap`.
        newgidmap: PathBuf,
    },
    /// The launcher, which has the right to.
    Launcher,
}

/// A user namespace to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserNamespace {
    /// Its IDs.
    pub map: IdMap,
    /// Who writes them.
    pub writer: MapWriter,
}

impl UserNamespace {
    /// Finds out who may write `map`.
    ///
    /// # Errors
    /// Nobody here may.
    pub fn new(map: IdMap, host: &Host) -> Result<Self, UsernsError> {
        let own = |ranges: &[IdRange], id: u32| matches!(ranges, [only] if only.size == 1 && only.host == id);
        let writer = if host.authority != Authority::User {
            MapWriter::Launcher
        } else if own(&map.users, host.uid) && own(&map.groups, host.gid) {
            MapWriter::Itself
        } else {
            match (&host.newuidmap, &host.newgidmap) {
                (Some(for_users), Some(for_groups)) => {
                    MapWriter::Programs { newuidmap: for_users.clone(), newgidmap: for_groups.clone() }
                }
                _ => return Err(UsernsError::NoPrograms),
            }
        };
        Ok(Self { map, writer })
    }
}

/// Whether a container in `namespace` can be given supplementary groups.
#[must_use]
pub fn set_groups(namespace: Option<&UserNamespace>, host: &Host) -> SetGroups {
    match namespace {
        // The kernel takes such a group map only from who gives that up first.
        Some(namespace) if namespace.writer == MapWriter::Itself => SetGroups::Denied,
        _ => host.set_groups,
    }
}

/// Decides on the ID map; `None` means that no user namespace is made.
///
/// # Errors
/// The mode asks for what the caller may not have.
pub fn resolve(mode: UsernsMode, host: &Host) -> Result<Option<IdMap>, UsernsError> {
    match (mode, host.authority) {
        (UsernsMode::Host, Authority::User) => Err(UsernsError::HostNeedsRoot),
        // Root's own ID is 0, which is the same inside as soon as nothing is mapped.
        (UsernsMode::Host, _) | (UsernsMode::Auto | UsernsMode::KeepId, Authority::Root) => Ok(None),
        (UsernsMode::Single, _) => Ok(Some(single(host, Keep::Root))),
        (UsernsMode::Auto, Authority::User) => {
            Ok(Some(subordinate(host, Keep::Root).unwrap_or_else(|| single(host, Keep::Root))))
        }
        (UsernsMode::KeepId, Authority::User) => {
            Ok(Some(subordinate(host, Keep::Caller).unwrap_or_else(|| single(host, Keep::Caller))))
        }
        (UsernsMode::Auto | UsernsMode::KeepId, Authority::NamespaceRoot) => Ok(Some(inherited(host))),
    }
}

/// Whether `mode` had to make do with the one-ID map because the caller has no subordinate IDs.
#[must_use]
pub fn lacks_subordinate_ids(mode: UsernsMode, host: &Host) -> bool {
    mode != UsernsMode::Single && host.authority == Authority::User && subordinate(host, Keep::Root).is_none()
}

/// Which container ID the caller becomes.
#[derive(Clone, Copy)]
enum Keep {
    Root,
    Caller,
}

fn single(host: &Host, keep: Keep) -> IdMap {
    let inside = match keep {
        Keep::Root => (0, 0),
        Keep::Caller => (host.uid, host.gid),
    };
    IdMap::single(inside, (host.uid, host.gid))
}

fn subordinate(host: &Host, keep: Keep) -> Option<IdMap> {
    let nothing = host.subordinate_users.is_empty() || host.subordinate_groups.is_empty();
    if nothing || host.newuidmap.is_none() || host.newgidmap.is_none() {
        return None;
    }
    let place = |id: u32| match keep {
        Keep::Root => 0,
        Keep::Caller => id,
    };
    Some(IdMap {
        users: around(host.uid, place(host.uid), &host.subordinate_users),
        groups: around(host.gid, place(host.gid), &host.subordinate_groups),
    })
}

/// Lays the subordinate ranges out from container ID 0 on, leaving `place` free for the caller's own ID.
fn around(own: u32, place: u32, ranges: &[SubordinateRange]) -> Vec<IdRange> {
    let mut map = vec![IdRange { container: place, host: own, size: 1 }];
    let mut next = 0_u32;
    for range in ranges {
        let (mut first, mut left) = (range.first, range.count);
        while left > 0 {
            if next == place {
                next = next.saturating_add(1);
            }
            let room = if next < place { place - next } else { u32::MAX - next };
            let size = left.min(room);
            if size == 0 {
                break;
            }
            map.push(IdRange { container: next, host: first, size });
            next += size;
            first = first.saturating_add(size);
            left -= size;
        }
    }
    map.sort_by_key(|range| range.container);
    map
}

/// Everything that the surrounding namespace has, under the same numbers.
fn inherited(host: &Host) -> IdMap {
    let same = |range: &IdRange| IdRange { host: range.container, ..*range };
    let all = |ranges: &[IdRange]| ranges.iter().map(same).collect();
    IdMap { users: all(&host.own_users), groups: all(&host.own_groups) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::host::CgroupLayout;

    fn host(authority: Authority, subordinate: &[(u32, u32)]) -> Host {
        let ranges: Vec<_> =
            subordinate.iter().map(|&(first, count)| SubordinateRange { first, count }).collect();
        Host {
            uid: 1000,
            gid: 100,
            bounding: crate::plan::capability::CapabilitySet::all(),
            user_name: None,
            authority,
            subordinate_users: ranges.clone(),
            subordinate_groups: ranges,
            newuidmap: Some("/usr/bin/newuidmap".into()),
            newgidmap: Some("/usr/bin/newgidmap".into()),
            own_users: vec![IdRange { container: 0, host: 1000, size: 1 }],
            own_groups: vec![IdRange { container: 0, host: 1000, size: 1 }],
            set_groups: SetGroups::Allowed,
            working_directory: "/".into(),
            kernel: (6, 1),
            hostname: String::new(),
            cgroups: CgroupLayout::Legacy,
            throttles: Vec::new(),
            resolv_conf: Vec::new(),
        }
    }

    fn users(mode: UsernsMode, host: &Host) -> Vec<(u32, u32, u32)> {
        let map = resolve(mode, host).unwrap().unwrap();
        map.users.iter().map(|range| (range.container, range.host, range.size)).collect()
    }

    #[test]
    fn a_user_with_ranges_is_root_inside() {
        let host = host(Authority::User, &[(100_000, 65_536), (300_000, 10)]);
        let expected = [(0, 1000, 1), (1, 100_000, 65_536), (65_537, 300_000, 10)];
        assert_eq!(users(UsernsMode::Auto, &host), expected);
        let namespace = UserNamespace::new(resolve(UsernsMode::Auto, &host).unwrap().unwrap(), &host);
        assert!(matches!(namespace.unwrap().writer, MapWriter::Programs { .. }));
    }

    #[test]
    fn keep_id_lays_the_ranges_around_the_caller() {
        let host = host(Authority::User, &[(100_000, 65_536)]);
        let expected = [(0, 100_000, 1000), (1000, 1000, 1), (1001, 101_000, 64_536)];
        assert_eq!(users(UsernsMode::KeepId, &host), expected);
    }

    #[test]
    fn without_ranges_there_is_one_id() {
        let host = host(Authority::User, &[]);
        assert_eq!(users(UsernsMode::Auto, &host), [(0, 1000, 1)]);
        assert_eq!(users(UsernsMode::KeepId, &host), [(1000, 1000, 1)]);
        assert!(lacks_subordinate_ids(UsernsMode::Auto, &host));
        let namespace = UserNamespace::new(resolve(UsernsMode::Auto, &host).unwrap().unwrap(), &host);
        assert_eq!(namespace.unwrap().writer, MapWriter::Itself);
    }

    #[test]
    fn root_maps_only_what_it_was_given() {
        assert_eq!(resolve(UsernsMode::Auto, &host(Authority::Root, &[])), Ok(None));
        assert_eq!(users(UsernsMode::Single, &host(Authority::Root, &[])), [(0, 1000, 1)]);
        assert_eq!(users(UsernsMode::Auto, &host(Authority::NamespaceRoot, &[])), [(0, 0, 1)]);
    }

    #[test]
    fn only_root_goes_without() {
        let refused = resolve(UsernsMode::Host, &host(Authority::User, &[]));
        assert_eq!(refused, Err(UsernsError::HostNeedsRoot));
        assert_eq!(resolve(UsernsMode::Host, &host(Authority::Root, &[(5, 7)])), Ok(None));
    }
}
