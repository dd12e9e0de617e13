//! Filling an empty volume with the files of the image: by one of many, whole or not at all.

use std::ffi::OsStr;
use std::io::Read as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;
use thiserror::Error;

use super::VolumeRecord;
use crate::plan::path::Subpath;
use crate::store::copy::inode::{Dress, Marks, copy_metadata, mtime};
use crate::store::copy::{CopyError, LeftOut, copy_for_volume};
use crate::store::remove::{RemoveError, remove_tree};
use crate::store::{document, layout};
use crate::sys::root::open_beneath;
use crate::sys::{Call, SysError, moment};

/// The names under which a copy is prepared.
#[derive(Clone, Copy)]
pub(super) struct Names {
    /// A copy that is not complete yet; whoever finds it makes a new one.
    pub(super) stage: &'static str,
    /// A copy that is complete and being moved into place; whoever finds it goes on moving.
    pub(super) ready: &'static str,
}

/// Beside the data of a volume.
pub(super) const BESIDE: Names = Names { stage: "stage", ready: "ready" };
/// In the directory itself, where what is beside it is not minirun's.
const INSIDE: Names = Names { stage: ".minirun-stage", ready: ".minirun-ready" };

/// What is filled.
struct Destination<'a> {
    /// Where the copy is prepared.
    parent: BorrowedFd<'a>,
    names: Names,
    data: BorrowedFd<'a>,
    durability: Durability,
}

/// What a copy is to outlive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// A power cut: once there is something, it is never copied again.
    Machine,
    /// Its container at most; and every start of one with such a volume would have to wait for the disk.
    Container,
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

/// Fills the volume whose data are at `data` with what is in `source`, if it is empty.
///
/// Locked, so that of many containers that start at once one copies and the others wait; and never half done: the
/// copy is made beside the data and then moved in, and an interrupted move is finished by the next who comes.
///
/// # Errors
/// The copy cannot be made; the volume is as empty as it was.
pub fn fill(data: &Path, source: BorrowedFd<'_>) -> Result<LeftOut, FillError> {
    let volume = data.parent().unwrap_or(data);
    let volume = open(rustix::fs::CWD, volume.as_os_str())?;
    lock(volume.as_fd())?;
    let data = open(volume.as_fd(), OsStr::new(layout::VOLUME_DATA))?;
    let parent = volume.as_fd();
    Destination { parent, names: BESIDE, data: data.as_fd(), durability: durability(parent) }.fill(source)
}

/// Fills the directory `subpath` beneath `base` with what is in `source`, if it is empty; one that is not there, or
/// that a symlink leads out to, stays so.
///
/// Locked and whole as a volume, with the copy prepared in the directory itself.
///
/// # Errors
/// The copy cannot be made; the directory is as empty as it was.
pub fn fill_directory(base: &Path, subpath: &Subpath, source: BorrowedFd<'_>) -> Result<LeftOut, FillError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    // The path is a user's, whose symlinks count; what lies beneath it may be a container's.
    let base = rustix::fs::open(base, flags, Mode::empty())
        .call(|| format!("open({base:?}, DIRECTORY)"))
        .map_err(FillError::Prepare)?;
    match open_beneath(&base, subpath.as_os_str(), flags, Mode::empty()) {
        Ok(directory) => fill_inside(directory.as_fd(), source),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::XDEV | Errno::LOOP) => Ok(LeftOut::default()),
        Err(errno) => Err(FillError::Prepare(SysError::new(format!("openat2({subpath}, BENEATH)"), errno))),
    }
}

/// Fills the open directory `directory`, if it is empty.
///
/// # Errors
/// As of [`fill_directory`].
pub fn fill_inside(directory: BorrowedFd<'_>, source: BorrowedFd<'_>) -> Result<LeftOut, FillError> {
    // The descriptor of a new mount names it, but cannot be locked or read.
    let directory = open(directory, OsStr::new("."))?;
    let directory = directory.as_fd();
    lock(directory)?;
    Destination { parent: directory, names: INSIDE, data: directory, durability: Durability::Machine }
        .fill(source)
}

/// Finishes what was interrupted while a complete copy was moved into the volume, which is locked.
pub(super) fn finish(volume: BorrowedFd<'_>, data: BorrowedFd<'_>) -> Result<(), FillError> {
    match open(volume, OsStr::new(BESIDE.ready)) {
        Ok(ready) => {
            let durability = Durability::Machine;
            Destination { parent: volume, names: BESIDE, data, durability }.move_in(ready.as_fd())
        }
        Err(FillError::Prepare(error)) if error.errno() == Errno::NOENT => Ok(()),
        Err(error) => Err(error),
    }
}

/// How long the volume is there for; one that cannot say so is there for good.
fn durability(volume: BorrowedFd<'_>) -> Durability {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let record = rustix::fs::openat(volume, layout::VOLUME, flags, Mode::empty()).ok();
    let mut text = Vec::new();
    let mut read = |file| std::fs::File::from(file).take(document::RECORD_MAX).read_to_end(&mut text).ok();
    let record = record.and_then(&mut read).and_then(|_| serde_json::from_slice(&text).ok());
    match record {
        Some(VolumeRecord { anonymous: true, .. }) => Durability::Container,
        Some(_) | None => Durability::Machine,
    }
}

fn lock(directory: BorrowedFd<'_>) -> Result<(), FillError> {
    rustix::fs::flock(directory, FlockOperation::LockExclusive)
        .call(|| "flock(volume)")
        .map_err(FillError::Prepare)
}

impl Destination<'_> {
    fn fill(&self, source: BorrowedFd<'_>) -> Result<LeftOut, FillError> {
        let Names { stage, ready } = self.names;
        match open(self.parent, OsStr::new(ready)) {
            Ok(ready) => return self.move_in(ready.as_fd()).map(|()| LeftOut::default()),
            Err(FillError::Prepare(error)) if error.errno() == Errno::NOENT => {}
            Err(error) => return Err(error),
        }
        if names(self.data)?.iter().any(|name| name.as_bytes() != INSIDE.stage.as_bytes()) {
            return Ok(LeftOut::default());
        }
        remove_tree(self.parent, OsStr::new(stage))?;
        if names(source)?.is_empty() {
            // Nothing that could be there by half, nor anything to bring to the disk.
            return self.dress(source);
        }
        let copied = self.stage(source);
        if copied.is_err() {
            remove_tree(self.parent, OsStr::new(stage))?;
        }
        let left_out = copied?;
        if self.durability == Durability::Machine {
            rustix::fs::syncfs(self.parent).call(|| "syncfs(volume)").map_err(FillError::Prepare)?;
        }
        rustix::fs::renameat(self.parent, stage, self.parent, ready)
            .call(|| "renameat(stage, ready)")
            .map_err(FillError::Prepare)?;
        moment("volume ready");
        let ready = open(self.parent, OsStr::new(ready))?;
        self.move_in(ready.as_fd())?;
        Ok(left_out)
    }

    fn stage(&self, source: BorrowedFd<'_>) -> Result<LeftOut, FillError> {
        rustix::fs::mkdirat(self.parent, self.names.stage, Mode::RWXU)
            .call(|| "mkdirat(stage)")
            .map_err(FillError::Prepare)?;
        let stage = open(self.parent, OsStr::new(self.names.stage))?;
        Ok(copy_for_volume(source, stage.as_fd())?)
    }

    /// Moves everything of `ready` into the data, gives those the looks of `ready`, and removes `ready`.
    fn move_in(&self, ready: BorrowedFd<'_>) -> Result<(), FillError> {
        // Before anything is moved out, which changes the time.
        let stat = rustix::fs::fstat(ready).call(|| "fstat(ready)").map_err(FillError::Prepare)?;
        for name in names(ready)? {
            rustix::fs::renameat(ready, &name, self.data, &name)
                .call(|| format!("renameat({name:?})"))
                .map_err(FillError::Prepare)?;
            moment("moved into the volume");
        }
        self.dress_as(ready, &stat)?;
        remove_tree(self.parent, OsStr::new(self.names.ready))?;
        // Where that was in the directory itself, removing it has changed the time again.
        rustix::fs::futimens(self.data, &mtime(&stat)).call(|| "futimens(data)").map_err(FillError::Prepare)
    }

    /// Gives the data, which stay empty, the looks of `source`.
    fn dress(&self, source: BorrowedFd<'_>) -> Result<LeftOut, FillError> {
        // The descriptor of a mount cannot be asked for everything.
        let source = open(source, OsStr::new("."))?;
        let stat = rustix::fs::fstat(&source).call(|| "fstat(source)").map_err(FillError::Prepare)?;
        let owners = self.dress_as(source.as_fd(), &stat)?;
        Ok(LeftOut { owners, ..LeftOut::default() })
    }

    /// Copies mode, owner, attributes and times of a directory; whether an attribute says that it would be somebody
    /// else's if there were more IDs than one.
    fn dress_as(&self, model: BorrowedFd<'_>, stat: &Stat) -> Result<bool, FillError> {
        let dress = Dress { owner: Some((stat.st_uid, stat.st_gid)), marks: Marks::Wanted };
        let has_owner = copy_metadata(model, self.data, stat, dress).map_err(FillError::Prepare)?;
        moment("volume dressed");
        Ok(has_owner)
    }
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
