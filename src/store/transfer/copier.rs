//! One file or directory after the other.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, Stat};
use rustix::io::Errno;

use super::{Landing, Owner, Source, TransferError};
use crate::store::copy::inode::names as list;
use crate::store::copy::inode::{self, Dress, Marks};
use crate::store::merged::{open_directory, stat_name};
use crate::store::temporary::random_name;
use crate::sys::{Call, SysError, moment};

/// How many directories may lie in one another; each takes two descriptors.
const DEEPEST: usize = 1000;
/// How many notes are kept.
const NOTES: usize = 16;

pub(super) struct Copier {
    owner: Owner,
    pub(super) notes: Vec<String>,
    /// The directory that everything lands in, by device and inode number.
    top: Option<(u64, u64)>,
}

/// Where in the tree a copy is.
struct Place<'a> {
    source: BorrowedFd<'a>,
    source_name: &'a OsStr,
    destination: BorrowedFd<'a>,
    name: &'a OsStr,
    path: &'a Path,
}

impl Copier {
    pub(super) fn new(owner: Owner) -> Self {
        Self { owner, notes: Vec::new(), top: None }
    }

    pub(super) fn copy(&mut self, source: &Source, landing: &Landing) -> Result<(), TransferError> {
        let path = PathBuf::from(landing.name.as_deref().unwrap_or(&source.name));
        let Some(name) = &landing.name else {
            let failed = |source| TransferError::Copy { path: ".".to_owned(), source };
            self.top = Some(identity(&stat_of(&landing.directory).map_err(failed)?));
            let from = open(source.directory.as_fd(), &source.name).map_err(failed)?;
            return self.copy_children(&from, &landing.directory, Path::new(""));
        };
        self.copy_one(&Place {
            source: source.directory.as_fd(),
            source_name: &source.name,
            destination: landing.directory.as_fd(),
            name,
            path: &path,
        })
    }

    fn copy_one(&mut self, place: &Place<'_>) -> Result<(), TransferError> {
        let failed = |source| TransferError::Copy { path: place.path.display().to_string(), source };
        // What is gone by now is not there to be copied.
        let Some(stat) = stat_name(place.source, place.source_name).map_err(failed)? else { return Ok(()) };
        let there = stat_name(place.destination, place.name).map_err(failed)?;
        let is_directory = |stat: &Stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        if there.is_some_and(|there| is_directory(&there) != is_directory(&stat)) {
            return Err(TransferError::Kind { path: place.path.display().to_string() });
        }
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => self.copy_directory(place, &stat, there.is_some()),
            FileType::RegularFile | FileType::Symlink | FileType::Fifo => {
                match self.copy_file(place, &stat) {
                    Err(error) if has_gone(place, &stat, &error) => {
                        self.note(format!(
                            "left out `{}`, which was changed meanwhile",
                            place.path.display()
                        ));
                        Ok(())
                    }
                    copied => copied.map_err(failed),
                }
            }
            FileType::CharacterDevice | FileType::BlockDevice | FileType::Socket | FileType::Unknown => {
                self.note(format!("left out `{}`, a device or socket", place.path.display()));
                Ok(())
            }
        }
    }

    fn note(&mut self, note: String) {
        if self.notes.len() < NOTES {
            self.notes.push(note);
        }
    }

    fn copy_directory(&mut self, place: &Place<'_>, stat: &Stat, exists: bool) -> Result<(), TransferError> {
        let failed = |source| TransferError::Copy { path: place.path.display().to_string(), source };
        if place.path.components().count() > DEEPEST {
            return Err(TransferError::Deep(place.path.display().to_string()));
        }
        if self.top == Some(identity(stat)) {
            return Err(TransferError::IntoItself);
        }
        if !exists {
            rustix::fs::mkdirat(place.destination, place.name, Mode::RWXU)
                .call(|| format!("mkdirat({:?})", place.name))
                .map_err(failed)?;
        }
        let from = match open(place.source, place.source_name) {
            Err(error) if matches!(error.errno(), Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
                self.note(format!("left out `{}`, which was changed meanwhile", place.path.display()));
                return Ok(());
            }
            from => from.map_err(failed)?,
        };
        // What it is now, and not what had its name a moment ago.
        let stat = &stat_of(&from).map_err(failed)?;
        let to = open(place.destination, place.name).map_err(failed)?;
        if self.top.is_none() {
            self.top = Some(identity(&stat_of(&to).map_err(failed)?));
        }
        self.copy_children(&from, &to, place.path)?;
        // Last: filling it changes its time, and its mode may forbid that.
        let copied = inode::copy_metadata(from.as_fd(), to.as_fd(), &self.plain(stat), self.dress(stat));
        copied.map(drop).map_err(failed)
    }

    fn copy_children(&mut self, from: &OwnedFd, to: &OwnedFd, path: &Path) -> Result<(), TransferError> {
        let names = list(from.as_fd());
        let mut names =
            names.map_err(|source| TransferError::Copy { path: path.display().to_string(), source })?;
        names.sort_unstable();
        for name in names {
            let (source, destination) = (from.as_fd(), to.as_fd());
            let path = path.join(&name);
            self.copy_one(&Place { source, source_name: &name, destination, name: &name, path: &path })?;
        }
        Ok(())
    }

    /// Makes the copy in a directory beside its place and renames it there, over what was there.
    fn copy_file(&self, place: &Place<'_>, stat: &Stat) -> Result<(), SysError> {
        let stage = OsString::from(format!(".minirun-{}", random_name()?));
        rustix::fs::mkdirat(place.destination, &stage, Mode::RWXU).call(|| format!("mkdirat({stage:?})"))?;
        moment("directory made");
        let made = open(place.destination, &stage).and_then(|directory| {
            let (from, name) = (place.source, place.source_name);
            let copied =
                inode::copy_inode(from, directory.as_fd(), name, &self.plain(stat), self.dress(stat));
            let placed = copied.and_then(|()| {
                rustix::fs::renameat(&directory, name, place.destination, place.name)
                    .call(|| format!("renameat({:?})", place.name))
            });
            moment("renamed");
            if placed.is_err() {
                // It may not even have been made.
                let _ = rustix::fs::unlinkat(&directory, name, AtFlags::empty());
            }
            placed
        });
        match rustix::fs::unlinkat(place.destination, &stage, AtFlags::REMOVEDIR) {
            Err(errno) if made.is_ok() && errno != Errno::NOENT => {
                Err(SysError::new(format!("unlinkat({stage:?}, REMOVEDIR)"), errno))
            }
            _ => made,
        }
    }

    /// The metadata without the bits that would let others act as the copy's owner, where that is somebody else.
    fn plain(&self, stat: &Stat) -> Stat {
        let mut stat = *stat;
        if self.owner == Owner::Maker {
            stat.st_mode &= !0o6000;
        }
        stat
    }

    fn dress(&self, stat: &Stat) -> Dress {
        Dress { owner: self.owner.of(stat), marks: Marks::Dropped }
    }
}

/// Whether an error is that what was looked at is not there any more, or something else is.
fn has_gone(place: &Place<'_>, seen: &Stat, error: &SysError) -> bool {
    let kind = |stat: &Stat| FileType::from_raw_mode(stat.st_mode);
    let is_same = |now: Stat| kind(&now) == kind(seen) && identity(&now) == identity(seen);
    matches!(error.errno(), Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO | Errno::INVAL)
        && stat_name(place.source, place.source_name).is_ok_and(|now| !now.is_some_and(is_same))
}

fn open(directory: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, SysError> {
    open_directory(directory, name).call(|| format!("openat({name:?}, DIRECTORY|NOFOLLOW)"))
}

fn stat_of(directory: &OwnedFd) -> Result<Stat, SysError> {
    rustix::fs::fstat(directory).call(|| "fstat(directory)")
}

fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}
