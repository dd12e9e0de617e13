//! The mount table of this process, as `proc_pid_mountinfo(5)` has it.

use std::path::{Path, PathBuf};

use super::{Call, SysError};
use crate::plan::mount_table::{self, MountEntry};

/// A mount that something is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where it is.
    pub point: PathBuf,
    /// What of later mounts travels.
    pub peers: Peers,
}

/// With whom a mount shares what is mounted below it later, `mount_namespaces(7)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peers {
    /// It receives and passes on.
    Shared,
    /// It receives.
    Slave,
    /// Neither.
    Private,
}

/// The mount that `path` is on; of those at one place the last, which covers the others.
///
/// # Errors
/// The path cannot be resolved, or the mount table not be read.
pub fn containing(path: &Path) -> Result<Option<Mount>, SysError> {
    let path = path.canonicalize().call(|| format!("realpath({path:?})"))?;
    let table = std::fs::read("/proc/self/mountinfo").call(|| "read(\"/proc/self/mountinfo\")")?;
    Ok(find(&table, &path))
}

fn find(table: &[u8], path: &Path) -> Option<Mount> {
    let mounts = mount_table::parse(table).into_iter().map(mount);
    // The last of those that are equally deep.
    mounts.filter(|mount| path.starts_with(&mount.point)).max_by_key(|mount| mount.point.components().count())
}

fn mount(entry: MountEntry) -> Mount {
    let has = |word: &str| entry.propagation.iter().any(|field| field.starts_with(word));
    let peers = match (has("shared:"), has("master:")) {
        (true, _) => Peers::Shared,
        (false, true) => Peers::Slave,
        (false, false) => Peers::Private,
    };
    Mount { point: entry.point.into(), peers }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_and_deepest_mount_counts() {
        let table = b"1 0 8:1 / / rw shared:1 - ext4 /dev/a rw\n\
            2 1 8:2 / /a rw shared:2 master:3 - ext4 /dev/b rw\n\
            3 1 8:2 / /a\\040b rw master:3 propagate_from:1 - ext4 /dev/b rw\n\
            4 2 8:3 / /a rw - tmpfs shared:9 rw\n";
        for (path, point, peers) in [
            ("/x", "/", Peers::Shared),
            ("/a/b", "/a", Peers::Private),
            ("/a b/c", "/a b", Peers::Slave),
            ("/ab", "/", Peers::Shared),
        ] {
            let expected = Mount { point: point.into(), peers };
            assert_eq!(find(table, Path::new(path)), Some(expected), "{path}");
        }
    }
}
