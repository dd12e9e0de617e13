//! What a container changed in its root filesystem, told as Docker tells it.
//!
//! The container's own tree (the upper directory of its overlay, or with the driver vfs its whole copy) is compared with
//! the tree that the image's layers show. Both are read by descriptor and through no symlink, so the container may run
//! meanwhile.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::copy::inode::names as list;
use super::merged::{Found, Merged, is_opaque, is_whiteout, open_directory, stat_name};
use crate::plan::bytes;
use crate::sys::{Call, SysError};

/// What minirun itself leaves in a container's tree and Docker keeps out of it: empty files under its mounts, marks and
/// links. A directory counts only as long as nothing else is in it.
const GENERATED: [(&[u8], FileType); 11] = [
    (b"/.dockerenv", FileType::RegularFile),
    (b"/run/.containerenv", FileType::RegularFile),
    (b"/etc/hosts", FileType::RegularFile),
    (b"/etc/hostname", FileType::RegularFile),
    (b"/etc/resolv.conf", FileType::RegularFile),
    (b"/etc/mtab", FileType::Symlink),
    (b"/dev", FileType::Directory),
    (b"/etc", FileType::Directory),
    (b"/proc", FileType::Directory),
    (b"/run", FileType::Directory),
    (b"/sys", FileType::Directory),
];

/// What became of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeKind {
    /// The image has nothing there.
    Added,
    /// The image has something else there, or it is a directory with changes in it.
    Modified,
    /// The container has nothing there.
    Deleted,
}

/// A path that is not as in the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What became of it.
    pub kind: ChangeKind,
    /// The absolute path in the container, byte for byte.
    #[serde(with = "bytes")]
    pub path: OsString,
}

/// A path that could not be compared.
#[derive(Debug, Error)]
#[error("cannot compare `{path}` with the image")]
pub struct ChangesError {
    /// The path in the container.
    pub path: String,
    /// The call.
    #[source]
    pub source: SysError,
}

/// How a container's own tree lies over the image's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cover {
    /// It holds what differs, with the marks of overlay.
    Layer,
    /// It holds everything.
    Whole,
}

/// A directory that is still to be compared.
struct Pending {
    names: Vec<OsString>,
    cover: Cover,
    is_new: bool,
}

struct Comparison<'c> {
    own: &'c OwnedFd,
    image: &'c Merged,
    marks: Cover,
    found: BTreeMap<Vec<u8>, (ChangeKind, Option<Stat>)>,
    generated: BTreeSet<Vec<u8>>,
}

/// What a comparison finds.
#[derive(Debug, Default)]
pub struct Compared {
    /// What the container changed, sorted by path.
    pub changes: Vec<Change>,
    /// What minirun left in its tree; absolute paths.
    pub(super) generated: BTreeSet<Vec<u8>>,
    /// Whether the root directory looks otherwise.
    pub(super) root_differs: bool,
}

/// Compares a container's `own` tree with the image's, sorted by path.
///
/// Files of the same type, mode, owner, size and time are taken for equal.
///
/// # Errors
/// Something cannot be read.
pub fn changes(own: &OwnedFd, image: &Merged, cover: Cover) -> Result<Compared, ChangesError> {
    let mut comparison =
        Comparison { own, image, marks: cover, found: BTreeMap::new(), generated: BTreeSet::new() };
    let mut waiting = vec![Pending { names: Vec::new(), cover, is_new: false }];
    while let Some(pending) = waiting.pop() {
        match comparison.directory(&pending) {
            Ok(deeper) => waiting.extend(deeper),
            // A running container has removed or replaced the directory meanwhile.
            Err(error) if matches!(error.errno(), Errno::NOENT | Errno::NOTDIR) => {}
            Err(source) => {
                let path = String::from_utf8_lossy(&joined(&pending.names)).into_owned();
                return Err(ChangesError {
                    path: if path.is_empty() { "/".to_owned() } else { path },
                    source,
                });
            }
        }
    }
    comparison.leave_out_generated();
    comparison.add_parents();
    let change = |(path, (kind, _))| Change { kind, path: OsString::from_vec(path) };
    let root_differs =
        comparison.root_differs().map_err(|source| ChangesError { path: "/".to_owned(), source })?;
    let changes = comparison.found.into_iter().map(change).collect();
    Ok(Compared { changes, generated: comparison.generated, root_differs })
}

impl Comparison<'_> {
    /// Compares what is in a directory; its directories that are to be looked into.
    fn directory(&mut self, pending: &Pending) -> Result<Vec<Pending>, SysError> {
        let own = open_below(self.own, &pending.names)?;
        let image = if pending.is_new { None } else { self.image.directory(&pending.names)? };
        let mut seen = HashSet::new();
        let mut deeper = Vec::new();
        for name in list(own.as_fd())? {
            let Some(stat) = stat_name(&own, &name)? else { continue };
            let before = image.as_ref().map(|image| image.find(&name)).transpose()?.flatten();
            let names = [&pending.names[..], std::slice::from_ref(&name)].concat();
            seen.insert(name);
            if self.marks == Cover::Layer && is_whiteout(&stat) {
                if before.is_some() {
                    self.found.insert(joined(&names), (ChangeKind::Deleted, None));
                }
                continue;
            }
            let kind = compare(&stat, before.as_ref())?;
            if let Some(kind) = kind {
                self.found.insert(joined(&names), (kind, Some(stat)));
            }
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                let is_new = !matches!(before, Some(Found::Directory(_)));
                deeper.push(Pending { cover: cover_of(pending, &own, &names)?, names, is_new });
            }
        }
        if let (Cover::Whole, Some(image)) = (pending.cover, image) {
            for name in image.names()?.into_iter().filter(|name| !seen.contains(name)) {
                let path = joined(&[&pending.names[..], &[name]].concat());
                self.found.insert(path, (ChangeKind::Deleted, None));
            }
        }
        Ok(deeper)
    }

    fn root_differs(&self) -> Result<bool, SysError> {
        let own = rustix::fs::fstat(self.own).call(|| "fstat(root)")?;
        let image = self.image.directory(&[])?;
        let image = image.as_ref().map(super::merged::MergedDir::stat).transpose()?.flatten();
        let looks = |stat: &Stat| (stat.st_mode, stat.st_uid, stat.st_gid);
        Ok(image.is_none_or(|image| looks(&image) != looks(&own)))
    }

    fn leave_out_generated(&mut self) {
        for (path, kind) in GENERATED {
            let Some((ChangeKind::Added, Some(stat))) = self.found.get(path) else { continue };
            let is_as_made = FileType::from_raw_mode(stat.st_mode) == kind
                && (kind != FileType::RegularFile || stat.st_size == 0);
            let below = [path, b"/"].concat();
            let has_more =
                self.found.range(below.clone()..).next().is_some_and(|(next, _)| next.starts_with(&below));
            if is_as_made && !has_more {
                self.found.remove(path);
                self.generated.insert(path.to_vec());
            }
        }
    }

    /// A directory with changes in it has changed.
    fn add_parents(&mut self) {
        let paths: Vec<Vec<u8>> = self.found.keys().cloned().collect();
        for path in paths {
            let ends = path.iter().enumerate().skip(1).filter(|(_, byte)| **byte == b'/');
            for (end, _) in ends {
                self.found.entry(path[..end].to_vec()).or_insert((ChangeKind::Modified, None));
            }
        }
    }
}

/// Whether what the image has in a directory shows beside what the container has there.
fn cover_of(above: &Pending, own: &OwnedFd, names: &[OsString]) -> Result<Cover, SysError> {
    let (Cover::Layer, Some(name)) = (above.cover, names.last()) else { return Ok(above.cover) };
    let directory = open_directory(own, name).call(|| format!("openat({name:?}, DIRECTORY|NOFOLLOW)"))?;
    Ok(if is_opaque(directory.as_fd())? { Cover::Whole } else { Cover::Layer })
}

/// What became of something that the image may have had.
fn compare(stat: &Stat, before: Option<&Found>) -> Result<Option<ChangeKind>, SysError> {
    let before = match before {
        None => return Ok(Some(ChangeKind::Added)),
        Some(Found::Other(_, before)) => *before,
        Some(Found::Directory(directory)) => match directory.stat()? {
            Some(before) => before,
            None => return Ok(Some(ChangeKind::Added)),
        },
    };
    let looks = |stat: &Stat| (stat.st_mode, stat.st_uid, stat.st_gid, stat.st_rdev);
    let content = |stat: &Stat| (stat.st_size, stat.st_mtime, stat.st_mtime_nsec);
    // A directory's own size and time change with what is in it, which is told anyway.
    let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    let is_same = looks(stat) == looks(&before) && (is_directory || content(stat) == content(&before));
    Ok((!is_same).then_some(ChangeKind::Modified))
}

/// The directory that these names lead to, one after the other, so that depth costs no descriptors.
pub(super) fn open_below(root: &OwnedFd, names: &[OsString]) -> Result<OwnedFd, SysError> {
    let open = |directory: &OwnedFd, name: &OsStr| {
        open_directory(directory, name).call(|| format!("openat({name:?}, DIRECTORY|NOFOLLOW)"))
    };
    let mut directory = open(root, OsStr::new("."))?;
    for name in names {
        directory = open(&directory, name)?;
    }
    Ok(directory)
}

fn joined(names: &[OsString]) -> Vec<u8> {
    names.iter().flat_map(|name| [b"/", name.as_bytes()].concat()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, Mode, XattrFlags, mknodat, setxattr};

    use super::super::merged::OPAQUE;
    use super::super::testing::TempDir;
    use super::*;

    fn told(changes: &[Change]) -> Vec<String> {
        let letter = |kind| match kind {
            ChangeKind::Added => 'A',
            ChangeKind::Modified => 'C',
            ChangeKind::Deleted => 'D',
        };
        changes.iter().map(|change| format!("{} {}", letter(change.kind), change.path.display())).collect()
    }

    fn image() -> TempDir {
        let temp = TempDir::new();
        let at = |path: &str| temp.path().join(path);
        for directory in ["low/d/sub", "low/o/sub", "low/replaced/sub", "top/d", "own"] {
            fs::create_dir_all(at(directory)).unwrap();
        }
        for file in ["low/gone", "low/d/low", "low/d/kept", "low/o/one", "low/o/two", "low/file", "top/d/top"]
        {
            fs::write(at(file), file).unwrap();
        }
        temp
    }

    fn merged(temp: &TempDir) -> Merged {
        Merged::new(vec![temp.open("top"), temp.open("low")])
    }

    #[test]
    fn a_layer_is_told_as_docker_tells_it() {
        let temp = image();
        let at = |path: &str| temp.path().join("own").join(path);
        for directory in ["d/sub/new", "o", "etc", "proc"] {
            fs::create_dir_all(at(directory)).unwrap();
        }
        for file in ["d/sub/new/file", "o/two", "o/three", "replaced", "etc/hosts", ".dockerenv", "a-b"] {
            fs::write(at(file), if file.starts_with(['e', '.']) { "" } else { file }).unwrap();
        }
        symlink("/proc/mounts", at("etc/mtab")).unwrap();
        setxattr(at("o"), OPAQUE, b"y", XattrFlags::empty()).unwrap();
        for name in ["gone", "d/low", "d/never"] {
            mknodat(CWD, at(name), FileType::CharacterDevice, Mode::empty(), 0).unwrap();
        }
        let found = changes(&temp.open("own"), &merged(&temp), Cover::Layer).unwrap();
        let wanted = [
            "A /a-b",
            "C /d",
            "D /d/low",
            "C /d/sub",
            "A /d/sub/new",
            "A /d/sub/new/file",
            "D /gone",
            "C /o",
            "D /o/one",
            "D /o/sub",
            "A /o/three",
            "C /o/two",
            "C /replaced",
        ];
        assert_eq!(told(&found.changes), wanted);
    }

    #[test]
    fn a_whole_copy_is_told_the_same_way() {
        let temp = image();
        super::super::copy::flatten(&merged(&temp), temp.open("own").as_fd()).unwrap();
        assert_eq!(told(&changes(&temp.open("own"), &merged(&temp), Cover::Whole).unwrap().changes), [""; 0]);
        let at = |path: &str| temp.path().join("own").join(path);
        fs::remove_file(at("d/top")).unwrap();
        fs::remove_dir_all(at("o")).unwrap();
        fs::write(at("file"), "other").unwrap();
        fs::create_dir(at("etc")).unwrap();
        fs::write(at("etc/hosts"), "mine").unwrap();
        let found = changes(&temp.open("own"), &merged(&temp), Cover::Whole).unwrap();
        assert_eq!(told(&found.changes), ["C /d", "D /d/top", "A /etc", "A /etc/hosts", "C /file", "D /o"]);
    }
}
