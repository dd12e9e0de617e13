//! The walk through the upper directory, beside the source: what is not the same on both sides.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::Stat;
use rustix::io::Errno;

use super::compare::{Named, differences};
use super::history::Stamp;
use super::origin::Origins;
use super::tree::names;
use super::{Act, Change, Conflict, Kind, Review, ReviewError, Rights, Standing};
use crate::store::merged::{is_opaque, stat_name};
use crate::sys::{Call, SysError};

/// What the host has where the container has a directory.
#[derive(Clone, Copy)]
enum Beside {
    /// A directory, too: both are merged.
    Directory,
    /// Nothing, or something else.
    Nothing,
}

struct Walk<'r> {
    review: &'r Review,
    changes: Vec<Change>,
    /// Directories of the upper directory that are still to be walked.
    waiting: Vec<(PathBuf, Beside)>,
    origins: Origins,
}

/// One directory on both sides.
struct Pair<'p> {
    path: &'p Path,
    ours: OwnedFd,
    host: Option<OwnedFd>,
}

impl Review {
    /// Everything that is not the same in the container and on the host, sorted by path.
    ///
    /// # Errors
    /// Something cannot be read.
    pub fn changes(&self) -> Result<Vec<Change>, ReviewError> {
        let mut walk =
            Walk { review: self, changes: Vec::new(), waiting: Vec::new(), origins: Origins::default() };
        walk.run()?;
        let Walk { mut changes, origins, .. } = walk;
        let gone = origins.gone();
        for change in changes.iter_mut().filter(|change| gone.contains(&change.path)) {
            change.conflict = Some(Conflict::Removed);
        }
        changes.sort_by(|one, other| one.path.cmp(&other.path));
        spread_conflicts(&mut changes);
        Ok(changes)
    }
}

/// A directory cannot be removed without what is in it: a conflict there is one of the directory.
fn spread_conflicts(changes: &mut [Change]) {
    let places: HashMap<PathBuf, usize> =
        changes.iter().enumerate().map(|(place, change)| (change.path.clone(), place)).collect();
    for place in 0..changes.len() {
        if changes[place].conflict.is_none() || changes[place].act != Act::Removed {
            continue;
        }
        let path = changes[place].path.clone();
        for above in path.ancestors().skip(1).filter_map(|path| places.get(path)) {
            let above = &mut changes[*above];
            if above.replaces() == Some(Kind::Directory) {
                above.conflict.get_or_insert(Conflict::Inside);
            }
        }
    }
}

impl Walk<'_> {
    fn run(&mut self) -> Result<(), ReviewError> {
        self.compare_roots().map_err(|cause| failed(Path::new(""), cause))?;
        self.waiting.push((PathBuf::new(), Beside::Directory));
        while let Some((path, beside)) = self.waiting.pop() {
            self.directory(&path, beside).map_err(|cause| failed(&path, cause))?;
        }
        Ok(())
    }

    fn compare_roots(&mut self) -> Result<(), SysError> {
        let root = Path::new("");
        let (ours, host) = (self.review.upper.open(root)?, self.review.host.open(root)?);
        let stat = |directory: &OwnedFd| rustix::fs::fstat(directory).call(|| "fstat(source)");
        let (our_stat, host_stat) = (stat(&ours)?, stat(&host)?);
        let name = OsStr::new(".");
        let ours = Named { directory: ours.as_fd(), name, stat: &our_stat };
        self.compare(root, ours, Named { directory: host.as_fd(), name, stat: &host_stat })
    }

    fn directory(&mut self, path: &Path, beside: Beside) -> Result<(), SysError> {
        let ours = match self.review.upper.open(path) {
            // A container that runs has removed it since its name was read.
            Err(error) if matches!(error.errno(), Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
                return Ok(());
            }
            result => result?,
        };
        let host = match beside {
            Beside::Nothing => None,
            Beside::Directory => match self.open_host(path)? {
                Some(host) => Some(host),
                None => return Ok(()),
            },
        };
        let is_opaque = is_opaque(ours.as_fd())?;
        let pair = Pair { path, ours, host };
        let mut seen = HashSet::new();
        for name in names(&pair.ours)? {
            self.name(&pair, &name)?;
            seen.insert(name);
        }
        match &pair.host {
            Some(host) if is_opaque => self.hidden(path, host, &seen),
            Some(_) | None => Ok(()),
        }
    }

    /// Opens a directory of the host; where another file system is mounted there, notes that and gives none.
    fn open_host(&mut self, path: &Path) -> Result<Option<OwnedFd>, SysError> {
        match self.review.host.open(path) {
            Ok(host) => Ok(Some(host)),
            Err(error) if error.errno() == Errno::XDEV => {
                if self.changes.iter().all(|change| change.path != path) {
                    let ours =
                        rustix::fs::fstat(self.review.upper.open(path)?).call(|| "fstat(directory)")?;
                    self.add(path, Act::Changed(Vec::new()), (&ours, None));
                }
                if let Some(change) = self.changes.iter_mut().rev().find(|change| change.path == path) {
                    change.conflict = Some(Conflict::Mounted);
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Takes note of a change of something that has the first metadata now, and has the second ones on the host.
    fn add(&mut self, path: &Path, act: Act, (now, host): (&Stat, Option<&Stat>)) {
        if let (Act::Removed, Some(stat)) = (&act, host) {
            self.origins.known(stat);
        }
        let changed = host.is_some_and(|stat| self.review.history.has_changed(path, stat));
        self.changes.push(Change {
            path: path.to_owned(),
            act,
            kind: Kind::of(now),
            mode: now.st_mode & 0o7777,
            rights: Rights::Plain,
            conflict: changed.then_some(Conflict::Changed),
            standing: Standing::Own,
            seen: host.map(Stamp::of),
        });
    }

    /// Takes note of what the file of the last change lets people do.
    fn note_rights(&mut self, ours: Named<'_>) -> Result<(), SysError> {
        if let Some(change) = self.changes.last_mut() {
            change.rights = ours.rights()?;
        }
        Ok(())
    }

    fn name(&mut self, pair: &Pair<'_>, name: &OsStr) -> Result<(), SysError> {
        // A container that runs may have removed it since the directory was read.
        let Some(our_stat) = stat_name(&pair.ours, name)? else { return Ok(()) };
        let host_stat = pair.host.as_ref().map(|host| stat_name(host, name)).transpose()?.flatten();
        let path = pair.path.join(name);
        let ours = Named { directory: pair.ours.as_fd(), name, stat: &our_stat };
        if ours.is_whiteout()? {
            return host_stat.map_or(Ok(()), |stat| self.removed(path, &stat));
        }
        match (host_stat, &pair.host) {
            (Some(stat), Some(host)) => {
                self.compare(&path, ours, Named { directory: host.as_fd(), name, stat: &stat })?;
                self.descend(path, ours.kind(), Some(Kind::of(&stat)))
            }
            (_, host) => {
                self.add(&path, Act::Added, (&our_stat, None));
                self.note_rights(ours)?;
                if let Some(host) = host {
                    self.missing(&path, ours, host)?;
                }
                self.descend(path, ours.kind(), None)
            }
        }
    }

    /// Goes on below `path` on the sides that have a directory there.
    fn descend(&mut self, path: PathBuf, ours: Kind, host: Option<Kind>) -> Result<(), SysError> {
        let host_is_directory = host == Some(Kind::Directory);
        if ours == Kind::Directory {
            let beside = if host_is_directory { Beside::Directory } else { Beside::Nothing };
            self.waiting.push((path, beside));
            Ok(())
        } else if host_is_directory {
            self.removed_inside(path)
        } else {
            Ok(())
        }
    }

    fn compare(&mut self, path: &Path, ours: Named<'_>, host: Named<'_>) -> Result<(), SysError> {
        let differences = differences(ours, host)?;
        if !differences.is_empty() {
            self.add(path, Act::Changed(differences), (ours.stat, Some(host.stat)));
            self.note_rights(ours)?;
        } else if ours.stat.st_nlink > 1 && ours.kind() == Kind::File {
            self.origins.known(host.stat);
        }
        Ok(())
    }

    /// The container has something where the host has nothing: had it something when the container started?
    fn missing(&mut self, path: &Path, ours: Named<'_>, host: &OwnedFd) -> Result<(), SysError> {
        let above = path.parent().unwrap_or(Path::new(""));
        let stat = rustix::fs::fstat(host).call(|| "fstat(directory)")?;
        if self.review.history.has_changed(above, &stat) { self.origins.missing(path, ours) } else { Ok(()) }
    }

    /// An opaque directory shows nothing of the host's but what it has itself.
    fn hidden(&mut self, path: &Path, host: &OwnedFd, shown: &HashSet<OsString>) -> Result<(), SysError> {
        for name in names(host)?.into_iter().filter(|name| !shown.contains(name)) {
            if let Some(stat) = stat_name(host, &name)? {
                self.removed(path.join(name), &stat)?;
            }
        }
        Ok(())
    }

    fn removed(&mut self, path: PathBuf, stat: &Stat) -> Result<(), SysError> {
        self.add(&path, Act::Removed, (stat, Some(stat)));
        if Kind::of(stat) == Kind::Directory { self.removed_inside(path) } else { Ok(()) }
    }

    /// Everything below a directory of the host that is removed as a whole.
    fn removed_inside(&mut self, path: PathBuf) -> Result<(), SysError> {
        let mut waiting = vec![path];
        while let Some(path) = waiting.pop() {
            let Some(directory) = self.open_host(&path)? else { continue };
            for name in names(&directory)? {
                let Some(stat) = stat_name(&directory, &name)? else { continue };
                let inside = path.join(name);
                self.add(&inside, Act::Removed, (&stat, Some(&stat)));
                if let Some(last) = self.changes.last_mut() {
                    last.standing = Standing::Implied;
                }
                if Kind::of(&stat) == Kind::Directory {
                    waiting.push(inside);
                }
            }
        }
        Ok(())
    }
}

fn failed(path: &Path, cause: SysError) -> ReviewError {
    ReviewError::Compare { path: path.to_owned(), cause }
}
