//! Brings changes to the host: each path is made beside its place and put there by one rename.
//!
//! What was applied equals the container's side and is no change any more; so an apply that was interrupted is
//! finished by the next.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, Stat};
use rustix::io::Errno;
use thiserror::Error;

use super::compare::Named;
use super::history::Stamp;
use super::place::{copy, dress, exchange, rename_new};
use super::stage::{Place, Stage};
use super::{Act, Change, Difference, Kind, Review, ReviewError};
use crate::store::merged::{open_directory, stat_name};
use crate::store::remove::{RemoveError, remove_tree};
use crate::sys::{Call, SysError};

/// Why a path could not be applied.
#[derive(Debug, Error)]
pub(super) enum Cause {
    #[error(transparent)]
    System(#[from] SysError),
    #[error(transparent)]
    Remove(#[from] RemoveError),
    #[error("it changed at this moment")]
    Moving,
}

impl Cause {
    fn of(self, path: &Path) -> ReviewError {
        let path = path.to_owned();
        match self {
            Self::System(cause) => ReviewError::Apply { path, cause },
            Self::Remove(cause) => ReviewError::Remove { path, cause },
            Self::Moving => ReviewError::Moving(path),
        }
    }
}

struct Applying<'r> {
    review: &'r Review,
    stage: Stage<'r>,
    /// Where the first name of a file with several was put, by its inode in the upper directory.
    links: HashMap<u64, PathBuf>,
    /// Inodes of the host that lost one of several names: their times changed by that.
    unlinked: HashSet<u64>,
    /// What is on the host as we left it: paths that were applied, and directories that only we changed.
    ours: BTreeSet<PathBuf>,
}

impl Review {
    /// Applies `changes`, which must be sorted by path, whatever conflicts they have.
    ///
    /// # Errors
    /// The kernel refuses something, or a path changed since it was compared. What came before stays applied.
    pub fn apply(&mut self, changes: &[Change]) -> Result<(), ReviewError> {
        let stage = Stage::new(&self.directory, &self.host).map_err(|cause| cause.of(Path::new("")))?;
        let mut applying = Applying {
            review: self,
            stage,
            links: HashMap::new(),
            unlinked: HashSet::new(),
            ours: BTreeSet::new(),
        };
        let applied = applying.all(changes);
        let ours = applying.ours;
        let remembered = self.remember(&ours);
        applied.and(remembered)
    }

    fn remember(&mut self, ours: &BTreeSet<PathBuf>) -> Result<(), ReviewError> {
        for path in ours {
            let (directory, name) = match self.host.open_parent(path) {
                Err(error) if matches!(error.errno(), Errno::NOENT | Errno::NOTDIR) => continue,
                opened => opened.map_err(ReviewError::History)?,
            };
            if let Some(stat) = stat_name(&directory, name).map_err(ReviewError::History)? {
                self.history.remember(path, &stat);
            }
        }
        self.history.write(&self.directory).map_err(ReviewError::History)
    }
}

impl Applying<'_> {
    fn all(&mut self, changes: &[Change]) -> Result<(), ReviewError> {
        let mut result = Ok(());
        let mut gone: Option<&Path> = None;
        for change in changes {
            let is_gone = gone.is_some_and(|gone| change.path.starts_with(gone));
            if is_gone && change.act == Act::Removed {
                continue;
            }
            result = self.one(change).map_err(|cause| cause.of(&change.path));
            if result.is_err() {
                break;
            }
            if change.replaces() == Some(Kind::Directory) {
                gone = Some(&change.path);
            }
        }
        result.and(self.stage.close().map_err(|cause| cause.of(Path::new(""))))
    }

    fn one(&mut self, change: &Change) -> Result<(), Cause> {
        if change.act == Act::Removed {
            return self.remove(change);
        }
        let (directory, name) = self.review.upper.open_parent(&change.path)?;
        // A container that runs has removed it since: so it is not applied.
        let Some(stat) = stat_name(&directory, name)? else { return Ok(()) };
        let ours = Named { directory: directory.as_fd(), name, stat: &stat };
        if ours.is_whiteout()? {
            return Ok(());
        }
        match (ours.kind(), change.replaces()) {
            (Kind::Directory, None) if change.act != Act::Added => self.dress_in_place(change, ours)?,
            (Kind::Directory, _) => self.make_directory(change, ours)?,
            (Kind::File, None) if self.is_dress_only(change)? => self.dress_in_place(change, ours)?,
            (_, _) => self.replace(change, ours)?,
        }
        self.ours.insert(change.path.clone());
        Ok(())
    }

    /// Whether only the metadata of a file differ, and the file has no other name, which would get them, too.
    fn is_dress_only(&self, change: &Change) -> Result<bool, Cause> {
        let Act::Changed(differences) = &change.act else { return Ok(false) };
        if differences.contains(&Difference::Content) {
            return Ok(false);
        }
        let (directory, name) = self.review.host.open_parent(&change.path)?;
        Ok(stat_name(&directory, name)?.is_some_and(|stat| stat.st_nlink == 1))
    }

    fn dress_in_place(&self, change: &Change, ours: Named<'_>) -> Result<(), Cause> {
        let (directory, name) = self.review.host.open_parent(&change.path)?;
        let Some(stat) = self.unchanged(&directory, change)? else { return Err(Cause::Moving) };
        let host = Named { directory: directory.as_fd(), name, stat: &stat }.open()?;
        let opened = rustix::fs::fstat(&host).call(|| format!("fstat({name:?})"))?;
        if opened.st_ino != stat.st_ino {
            return Err(Cause::Moving);
        }
        Ok(dress(&ours.open()?, host.as_fd(), ours.stat)?)
    }

    fn make_directory(&mut self, change: &Change, ours: Named<'_>) -> Result<(), Cause> {
        let place = self.stage(change)?;
        rustix::fs::mkdirat(&place.stage, ours.name, Mode::RWXU)
            .call(|| format!("mkdirat({:?}, 0700)", ours.name))?;
        let made =
            open_directory(&place.stage, ours.name).call(|| format!("openat({:?}, DIRECTORY)", ours.name))?;
        dress(&ours.open()?, made.as_fd(), ours.stat)?;
        self.put(change, Kind::Directory)
    }

    /// Puts a copy of anything but a directory to its place.
    fn replace(&mut self, change: &Change, ours: Named<'_>) -> Result<(), Cause> {
        let first = self.links.get(&ours.stat.st_ino).cloned();
        let model = first.map(|path| self.review.host.open_parent(&path).map(|at| (at.0, at.1.to_owned())));
        let model = model.transpose()?;
        let place = self.stage(change)?;
        if let Some((directory, name)) = model {
            rustix::fs::linkat(directory, &name, &place.stage, ours.name, AtFlags::empty())
                .call(|| format!("linkat({name:?}, {:?})", ours.name))?;
        } else {
            copy(ours, place)?;
        }
        self.put(change, ours.kind())?;
        if ours.stat.st_nlink > 1 {
            self.links.insert(ours.stat.st_ino, change.path.clone());
        }
        Ok(())
    }

    /// The stage beside the place of a change.
    fn stage(&mut self, change: &Change) -> Result<&Place, Cause> {
        let above = change.path.parent().unwrap_or(Path::new(""));
        self.claim(above)?;
        self.stage.at(above)
    }

    /// Takes note of a directory that we are about to change and that nobody else did.
    fn claim(&mut self, directory: &Path) -> Result<(), Cause> {
        if !self.ours.contains(directory) {
            let opened = self.review.host.open(directory)?;
            let stat = rustix::fs::fstat(&opened).call(|| format!("fstat({directory:?})"))?;
            if !self.review.history.has_changed(directory, &stat) {
                self.ours.insert(directory.to_owned());
            }
        }
        Ok(())
    }

    /// Puts what was made in the stage to its place, in one step.
    fn put(&mut self, change: &Change, kind: Kind) -> Result<(), Cause> {
        let above = change.path.parent().unwrap_or(Path::new(""));
        let name = change.path.file_name().unwrap_or_default();
        let place = self.stage.at(above)?;
        let (stage, parent) = (place.stage.try_clone(), place.parent.try_clone());
        let (stage, parent) = (stage.call(|| "dup()")?, parent.call(|| "dup()")?);
        let Some(stat) = self.unchanged(&parent, change)? else {
            return Ok(rename_new((stage.as_fd(), parent.as_fd()), name)?);
        };
        if stat.st_nlink > 1 {
            self.unlinked.insert(stat.st_ino);
        }
        if kind != Kind::Directory && Kind::of(&stat) != Kind::Directory {
            rustix::fs::renameat(&stage, name, &parent, name).call(|| format!("renameat({name:?})"))?;
        } else {
            exchange((stage.as_fd(), parent.as_fd()), name)?;
        }
        // What was there; and of two names of one file, which a rename leaves alone, the one that is too many.
        Ok(remove_tree(stage.as_fd(), name)?)
    }

    fn remove(&mut self, change: &Change) -> Result<(), Cause> {
        let above = change.path.parent().unwrap_or(Path::new(""));
        let name = change.path.file_name().unwrap_or_default();
        match self.claim(above) {
            // It went with its directory.
            Err(Cause::System(error)) if matches!(error.errno(), Errno::NOENT | Errno::NOTDIR) => {
                return Ok(());
            }
            claimed => claimed?,
        }
        if change.kind != Kind::Directory {
            let parent = self.review.host.open(above)?;
            let Some(stat) = self.unchanged(&parent, change)? else { return Ok(()) };
            if stat.st_nlink > 1 {
                self.unlinked.insert(stat.st_ino);
            }
            rustix::fs::unlinkat(&parent, name, AtFlags::empty()).call(|| format!("unlinkat({name:?})"))?;
            return Ok(());
        }
        let place = self.stage.at(above)?;
        let (stage, parent) = (place.stage.try_clone(), place.parent.try_clone());
        let (stage, parent) = (stage.call(|| "dup()")?, parent.call(|| "dup()")?);
        self.unchanged(&parent, change)?;
        match rustix::fs::renameat(&parent, name, &stage, name) {
            Ok(()) => Ok(remove_tree(stage.as_fd(), name)?),
            // A directory that is not ours may not be moved; it may be empty.
            Err(Errno::ACCESS | Errno::PERM) => Ok(remove_tree(parent.as_fd(), name)?),
            Err(errno) => Err(SysError::new(format!("renameat({name:?})"), errno).into()),
        }
    }

    /// What the host has at the place of a change, if that is still what it was compared with.
    fn unchanged(&self, parent: &OwnedFd, change: &Change) -> Result<Option<Stat>, Cause> {
        let name = change.path.file_name().unwrap_or(".".as_ref());
        let stat = stat_name(parent, name)?;
        let now = stat.as_ref().map(Stamp::of);
        let is_same = now == change.seen
            || matches!((now, change.seen), (Some(now), Some(seen))
                if now.is_same_inode(&seen) && stat.is_some_and(|stat| self.unlinked.contains(&stat.st_ino)));
        if is_same { Ok(stat) } else { Err(Cause::Moving) }
    }
}
