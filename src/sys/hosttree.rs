//! The pieces of the machine's own root filesystem, for the image `host`.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::{Call, SysError};
use crate::plan::mount_table;
use crate::plan::path::ContainerPath;
use crate::plan::rootfs::{HostArea, HostAreaKind};

/// What the container has of its own, or must not see: sockets of the machine's services lie in `/run`.
const OWN: [&str; 4] = ["/proc", "/sys", "/dev", "/run"];

/// How deep directories with mounts below them are taken apart before they are bound read-only as a whole.
const DEEPEST: usize = 3;

/// Looks at `/` and says what becomes of each piece.
///
/// # Errors
/// `/` or the mount table cannot be read.
pub fn areas() -> Result<Vec<HostArea>, SysError> {
    let mounts = mount_points()?;
    let mut areas = Vec::new();
    for name in names(Path::new("/"))? {
        let path = Path::new("/").join(name);
        add(&path, &mounts, &mut areas);
    }
    // World-writable, but its parent belongs to a user whom a user namespace does not have, so that overlayfs could
    // not copy it up.
    let scratch = Path::new("/var/tmp");
    if let Ok(metadata) = scratch.symlink_metadata()
        && metadata.is_dir()
        && areas
            .iter()
            .any(|area| area.path.as_os_str() == "/var" && matches!(area.kind, HostAreaKind::Overlay { .. }))
    {
        push(scratch, HostAreaKind::Overlay { mode: metadata.mode() & 0o7777 }, &mut areas);
    }
    Ok(areas)
}

fn names(directory: &Path) -> Result<BTreeSet<std::ffi::OsString>, SysError> {
    let entries = std::fs::read_dir(directory).call(|| format!("open({directory:?}, DIRECTORY)"))?;
    Ok(entries.filter_map(Result::ok).map(|entry| entry.file_name()).collect())
}

fn push(path: &Path, kind: HostAreaKind, areas: &mut Vec<HostArea>) {
    if let Ok(path) = ContainerPath::parse(path) {
        areas.push(HostArea { path, kind });
    }
}

fn add(path: &Path, mounts: &[PathBuf], areas: &mut Vec<HostArea>) {
    // What vanishes meanwhile is not part of the image.
    let Ok(metadata) = path.symlink_metadata() else { return };
    let mode = metadata.mode() & 0o7777;
    let file_type = metadata.file_type();
    if file_type.is_symlink() {
        if let Ok(destination) = path.read_link() {
            push(path, HostAreaKind::Symlink { destination }, areas);
        }
        return;
    }
    if file_type.is_file() {
        return push(path, HostAreaKind::ReadOnlyFile, areas);
    }
    // Sockets, pipes and devices lead to the machine's own processes.
    if !file_type.is_dir() {
        return;
    }
    let unreadable = rustix::fs::access(path, Access::READ_OK | Access::EXEC_OK).is_err();
    if unreadable || OWN.iter().any(|own| Path::new(own) == path) {
        return push(path, HostAreaKind::Empty { mode }, areas);
    }
    if !mounts.iter().any(|mount| mount != path && mount.starts_with(path)) {
        return push(path, HostAreaKind::Overlay { mode }, areas);
    }
    take_apart(path, mode, mounts, areas);
}

/// A directory with mounts below it cannot be a lower directory in a user namespace: its parts can, or else it is
/// bound as a whole.
fn take_apart(path: &Path, mode: u32, mounts: &[PathBuf], areas: &mut Vec<HostArea>) {
    let names = names(path).unwrap_or_default();
    if path.components().count() > DEEPEST || names.is_empty() {
        return push(path, HostAreaKind::ReadOnlyBind, areas);
    }
    push(path, HostAreaKind::Directory { mode }, areas);
    for name in names {
        add(&path.join(name), mounts, areas);
    }
}

/// Something that is mounted below `directory`.
///
/// # Errors
/// The mount table cannot be read.
pub fn mount_below(directory: &Path) -> Result<Option<PathBuf>, SysError> {
    let directory = directory.canonicalize().call(|| format!("realpath({directory:?})"))?;
    Ok(mount_points()?.into_iter().find(|mount| *mount != directory && mount.starts_with(&directory)))
}

fn mount_points() -> Result<Vec<PathBuf>, SysError> {
    let table = std::fs::read("/proc/self/mountinfo").call(|| "read(\"/proc/self/mountinfo\")")?;
    Ok(mount_table::parse(&table).into_iter().map(|mount| PathBuf::from(mount.point)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_has_pieces_and_its_own_are_empty() {
        let areas = areas().unwrap();
        let kind =
            |path: &str| areas.iter().find(|area| area.path.as_os_str() == path).map(|area| &area.kind);
        assert!(matches!(kind("/proc"), Some(HostAreaKind::Empty { .. })));
        assert!(kind("/usr").is_some());
    }
}
