//! Named volumes: a directory each, made whole or not at all, and filled from the image when empty.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::container::Container;
use super::copy::inode::{Dress, Marks, copy_metadata};
use super::copy::{CopyError, copy_tree};
use super::remove::{RemoveError, remove_tree};
use super::temporary::Temporary;
use super::{Store, StoreError, layout};
use crate::plan::name::{Label, VolumeName};
use crate::sys::{Call, SysError};

/// A copy that is not complete yet; whoever finds it makes a new one.
const STAGE: &str = "stage";
/// A copy that is complete and being moved into place; whoever finds it goes on moving.
const READY: &str = "ready";

/// What `volume.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeRecord {
    /// Its name.
    pub name: VolumeName,
    /// Whether it was made without a name, for one container.
    pub anonymous: bool,
    /// Its labels.
    pub labels: Vec<Label>,
    /// When it was made, seconds since 1970.
    pub created: i64,
    /// Options of the driver `local`: `type`, `device`, `o`; none for a volume that is a directory of the store.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// Why a volume could not take the image's files.
#[derive(Debug, Error)]
pub enum FillError {
    /// A call on the volume's directories.
    #[error("cannot prepare the volume")]
    Prepare(#[source] SysError),
    /// Copying.
    #[error("cannot copy the image's files")]
    Copy(#[from] CopyError),
    /// What an earlier, interrupted copy left.
    #[error("cannot remove what an interrupted copy left")]
    Remove(#[from] RemoveError),
}

impl Store {
    /// Where the data of a volume are.
    #[must_use]
    pub fn volume_data(&self, name: &VolumeName) -> PathBuf {
        self.path().join(layout::volume(name.as_str())).join(layout::VOLUME_DATA)
    }

    /// Whether there is such a volume.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn volume_exists(&self, name: &VolumeName) -> Result<bool, StoreError> {
        self.contains(&layout::volume(name.as_str()))
    }

    /// Makes a volume, unless there is one of that name; whether it was made.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn make_volume(&self, record: &VolumeRecord) -> Result<bool, StoreError> {
        if self.volume_exists(&record.name)? {
            return Ok(false);
        }
        let temporary = Temporary::new(self)?;
        let write = || -> Result<(), SysError> {
            let json = serde_json::to_vec(record).unwrap_or_default();
            temporary.directory().write(layout::VOLUME, &json)?;
            temporary.directory().make(layout::VOLUME_DATA)?;
            let mode = Mode::from_raw_mode(0o755);
            rustix::fs::chmodat(temporary.directory(), layout::VOLUME_DATA, mode, AtFlags::empty())
                .call(|| "fchmodat(_data, 755)")
        };
        write().map_err(|cause| self.write_error(cause))?;
        match temporary.publish(self, &layout::volume(record.name.as_str())) {
            Ok(_) => Ok(true),
            // Somebody else made it at the same moment.
            Err(_) if self.volume_exists(&record.name)? => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes a volume with its data, where they can be removed; one that is not there is no error.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn remove_volume(&self, name: &VolumeName) -> Result<(), StoreError> {
        let temporary = Temporary::new(self)?;
        let root = self.writable()?;
        match root.rename(&layout::volume(name.as_str()), temporary.directory(), "volume") {
            Err(error) if error.errno() == Errno::NOENT => return Ok(()),
            result => result.map_err(|cause| self.write_error(cause))?,
        }
        temporary.discard().map_err(|cause| StoreError::Remove { path: self.path().to_owned(), cause })
    }

    /// The volumes that some container refers to, whether it runs or not.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn used_volumes(&self) -> Result<HashSet<VolumeName>, StoreError> {
        let containers = self.containers()?;
        let mounts = containers.iter().flat_map(Container::mounts);
        Ok(mounts.filter_map(|mount| mount.volume.clone()).collect())
    }
}

/// Fills the volume whose data are at `data` with what is in `source`, if it is empty.
///
/// Locked, so that of many containers that start at once one copies and the others wait; and never half done: the
/// copy is made beside the data and then moved in, and an interrupted move is finished by the next who comes.
///
/// # Errors
/// The copy cannot be made; the volume is as empty as it was.
pub fn fill(data: &Path, source: BorrowedFd<'_>) -> Result<(), FillError> {
    let volume = data.parent().unwrap_or(data);
    let volume = open(rustix::fs::CWD, volume.as_os_str())?;
    rustix::fs::flock(&volume, FlockOperation::LockExclusive)
        .call(|| "flock(volume)")
        .map_err(FillError::Prepare)?;
    let data = open(volume.as_fd(), OsStr::new(layout::VOLUME_DATA))?;
    match open(volume.as_fd(), OsStr::new(READY)) {
        Ok(ready) => return move_in(volume.as_fd(), ready.as_fd(), data.as_fd()),
        Err(FillError::Prepare(error)) if error.errno() == Errno::NOENT => {}
        Err(error) => return Err(error),
    }
    if !is_empty(data.as_fd())? {
        return Ok(());
    }
    remove_tree(volume.as_fd(), OsStr::new(STAGE))?;
    let copied = stage(volume.as_fd(), source);
    if copied.is_err() {
        remove_tree(volume.as_fd(), OsStr::new(STAGE))?;
    }
    copied?;
    rustix::fs::renameat(&volume, STAGE, &volume, READY)
        .call(|| "renameat(stage, ready)")
        .map_err(FillError::Prepare)?;
    let ready = open(volume.as_fd(), OsStr::new(READY))?;
    move_in(volume.as_fd(), ready.as_fd(), data.as_fd())
}

fn stage(volume: BorrowedFd<'_>, source: BorrowedFd<'_>) -> Result<(), FillError> {
    rustix::fs::mkdirat(volume, STAGE, Mode::RWXU).call(|| "mkdirat(stage)").map_err(FillError::Prepare)?;
    let stage = open(volume, OsStr::new(STAGE))?;
    Ok(copy_tree(source, stage.as_fd(), &mut |user, group| (user, group))?)
}

/// Moves everything of `ready` into `data`, gives `data` the looks of `ready`, and removes `ready`.
fn move_in(volume: BorrowedFd<'_>, ready: BorrowedFd<'_>, data: BorrowedFd<'_>) -> Result<(), FillError> {
    for name in names(ready)? {
        rustix::fs::renameat(ready, &name, data, &name)
            .call(|| format!("renameat({name:?})"))
            .map_err(FillError::Prepare)?;
    }
    // An empty directory by now: copying it copies mode, owner, attributes and times.
    let stat = rustix::fs::fstat(ready).call(|| "fstat(ready)").map_err(FillError::Prepare)?;
    let dress = Dress { owner: Some((stat.st_uid, stat.st_gid)), marks: Marks::Kept };
    copy_metadata(ready, data, &stat, dress).map_err(FillError::Prepare)?;
    Ok(remove_tree(volume, OsStr::new(READY))?)
}

fn open(directory: impl AsFd, name: &OsStr) -> Result<OwnedFd, FillError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(directory, name, flags, Mode::empty())
        .call(|| format!("openat({name:?}, DIRECTORY|NOFOLLOW)"))
        .map_err(FillError::Prepare)
}

fn names(directory: BorrowedFd<'_>) -> Result<Vec<std::ffi::CString>, FillError> {
    let read = || -> Result<Vec<_>, Errno> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(directory)? {
            let name = entry?.file_name().to_owned();
            if name.as_bytes() != b"." && name.as_bytes() != b".." {
                names.push(name);
            }
        }
        Ok(names)
    };
    read().call(|| "getdents(volume)").map_err(FillError::Prepare)
}

fn is_empty(directory: BorrowedFd<'_>) -> Result<bool, FillError> {
    Ok(names(directory)?.is_empty())
}
