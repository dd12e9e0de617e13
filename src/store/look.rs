//! What is in an image, looked at without running or mounting it.
//!
//! Every step is by descriptor, in the layers alone: a symlink leads to where it would inside of a container, and never to
//! the host. What is whited out is not there.

mod owner;

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use rustix::fs::{FileType, Stat};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::changes::{Change, ChangeKind};
use super::merged::{Found, LINK_LIMIT, Merged, MergedDir, link_names};
use crate::plan::path::ContainerPath;
use crate::sys::{Call, SysError};

/// Why an image cannot be looked at.
#[derive(Debug, Error)]
pub enum LookError {
    /// The kernel refused.
    #[error("cannot read `/{}`", path.escape_ascii())]
    Read {
        /// The path in the image.
        path: Vec<u8>,
        /// The call.
        #[source]
        cause: SysError,
    },
    /// The path leads nowhere.
    #[error("there is no `{0}` in the image")]
    Absent(ContainerPath),
    /// The path leads through too many symlinks.
    #[error("`{0}` leads through too many symlinks")]
    Loop(ContainerPath),
}

/// One file of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageFile {
    /// The path, from the root of the image and without a slash in front.
    pub path: Vec<u8>,
    /// What it is, and its permission bits, as `stat(2)` has them.
    pub mode: u32,
    /// The owner in a container.
    pub uid: u32,
    /// The group in a container.
    pub gid: u32,
    /// The size in bytes.
    pub size: u64,
    /// When it was changed, in seconds since 1970.
    pub mtime: i64,
    /// Where a symlink leads.
    pub link: Option<Vec<u8>>,
}

/// Lists what is at `path`, and below it: a directory, then what is in it, in the order of names as bytes.
///
/// # Errors
/// There is no such path, or something cannot be read.
pub fn files(image: &Merged, path: &ContainerPath) -> Result<Vec<ImageFile>, LookError> {
    let names = resolve(image, path)?.ok_or_else(|| LookError::Absent(path.clone()))?;
    let mut found = Vec::new();
    let mut waiting = vec![names];
    while let Some(names) = waiting.pop() {
        let failed = |cause| LookError::Read { path: joined(&names), cause };
        match find(image, &names).map_err(failed)? {
            None => {}
            Some((parent, Found::Other(place, mut stat))) => {
                let is_link = FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
                let name = names.last().map(OsString::as_os_str).unwrap_or_default();
                let link = is_link.then(|| parent.read_link(place, name)).transpose().map_err(failed)?;
                if let Some(layer) = parent.parts.get(place) {
                    owner::recorded(layer, name, &mut stat).map_err(failed)?;
                }
                found.push(file(&names, &stat, link));
            }
            Some((_, Found::Directory(directory))) => {
                if let Some(mut stat) = directory.stat().map_err(failed)?.filter(|_| !names.is_empty()) {
                    if let Some(top) = directory.parts.first() {
                        owner::recorded(top, OsStr::new("."), &mut stat).map_err(failed)?;
                    }
                    found.push(file(&names, &stat, None));
                }
                let mut children = directory.names().map_err(failed)?;
                children.sort_unstable();
                waiting.extend(children.into_iter().rev().map(|name| [&names[..], &[name]].concat()));
            }
        }
    }
    Ok(found)
}

/// What `other` has otherwise than `one`, sorted by path. Files of the same type, mode, owner, size and time are taken for
/// equal.
///
/// # Errors
/// Something cannot be read.
pub fn differences(one: &Merged, other: &Merged) -> Result<Vec<Change>, LookError> {
    let mut found = Vec::new();
    let mut waiting = vec![Vec::new()];
    while let Some(names) = waiting.pop() {
        let failed = |cause| LookError::Read { path: joined(&names), cause };
        let before = one.directory(&names).map_err(failed)?.unwrap_or_default();
        let after = other.directory(&names).map_err(failed)?.unwrap_or_default();
        let mut children = before.names().map_err(failed)?;
        children.extend(after.names().map_err(failed)?);
        children.sort_unstable();
        children.dedup();
        for name in children {
            let path = [&names[..], std::slice::from_ref(&name)].concat();
            let (was, is) = (before.find(&name).map_err(failed)?, after.find(&name).map_err(failed)?);
            if matches!(is, Some(Found::Directory(_))) {
                waiting.push(path.clone());
            }
            let kind = match (was, is) {
                (None, None) => continue,
                (None, Some(_)) => ChangeKind::Added,
                (Some(_), None) => ChangeKind::Deleted,
                (Some(was), Some(is)) => {
                    let links = [link(&before, &name, &was), link(&after, &name, &is)];
                    let [from, to] = links.map(|link| link.map_err(failed));
                    if from? == to? && look(was).map_err(failed)? == look(is).map_err(failed)? {
                        continue;
                    }
                    ChangeKind::Modified
                }
            };
            let path = [b"/".to_vec(), joined(&path)].concat();
            found.push(Change { kind, path: OsString::from_vec(path) });
        }
    }
    found.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// The real names that a path leads to, its symlinks followed; none where there is nothing.
fn resolve(image: &Merged, path: &ContainerPath) -> Result<Option<Vec<OsString>>, LookError> {
    let mut names: VecDeque<OsString> = path.components().map(OsStr::to_owned).collect();
    let mut real: Vec<OsString> = Vec::new();
    let mut links = 0;
    while let Some(name) = names.pop_front() {
        if name == ".." {
            real.pop();
            continue;
        }
        let failed = |cause| LookError::Read { path: joined(&real), cause };
        let Some(directory) = image.directory(&real).map_err(failed)? else { return Ok(None) };
        match directory.find(&name).map_err(failed)? {
            None => return Ok(None),
            Some(Found::Other(place, stat)) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => {
                links += 1;
                if links > LINK_LIMIT {
                    return Err(LookError::Loop(path.clone()));
                }
                let target = directory.read_link(place, &name).map_err(failed)?;
                if target.starts_with(b"/") {
                    real.clear();
                }
                for name in link_names(&target).rev() {
                    names.push_front(OsStr::from_bytes(name).to_owned());
                }
            }
            Some(Found::Other(..) | Found::Directory(_)) => real.push(name),
        }
    }
    Ok(Some(real))
}

/// What these names lead to, none of them followed, and the directory that has it.
fn find(image: &Merged, names: &[OsString]) -> Result<Option<(MergedDir, Found)>, SysError> {
    let Some((last, above)) = names.split_last() else {
        let root = image.directory(&[])?;
        return Ok(root.map(|root| (MergedDir::default(), Found::Directory(root))));
    };
    let Some(parent) = image.directory(above)? else { return Ok(None) };
    Ok(parent.find(last)?.map(|found| (parent, found)))
}

/// What makes one file equal to another, besides where it leads.
fn look(found: Found) -> Result<Option<[u64; 6]>, SysError> {
    let stat = match found {
        Found::Other(_, stat) => stat,
        Found::Directory(directory) => {
            let Some(top) = directory.parts.first() else { return Ok(None) };
            let mut stat = rustix::fs::fstat(top.as_fd()).call(|| "fstat(directory)")?;
            // A directory is no other for what is in it.
            (stat.st_size, stat.st_mtime, stat.st_mtime_nsec) = (0, 0, 0);
            stat
        }
    };
    let owner = u64::from(stat.st_uid) << 32 | u64::from(stat.st_gid);
    let time = [stat.st_mtime.cast_unsigned(), stat.st_mtime_nsec];
    Ok(Some([stat.st_mode.into(), owner, stat.st_size.cast_unsigned(), time[0], time[1], stat.st_rdev]))
}

fn link(directory: &MergedDir, name: &OsStr, found: &Found) -> Result<Option<Vec<u8>>, SysError> {
    match found {
        Found::Other(place, stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => {
            directory.read_link(*place, name).map(Some)
        }
        Found::Other(..) | Found::Directory(_) => Ok(None),
    }
}

fn file(names: &[OsString], stat: &Stat, link: Option<Vec<u8>>) -> ImageFile {
    ImageFile {
        path: joined(names),
        mode: stat.st_mode,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mtime: stat.st_mtime,
        link,
    }
}

fn joined(names: &[OsString]) -> Vec<u8> {
    names.iter().map(|name| name.as_bytes()).collect::<Vec<_>>().join(&b'/')
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::store::testing::TempDir;

    fn listed(image: &Merged, path: &str) -> Result<Vec<String>, LookError> {
        let files = files(image, &ContainerPath::parse(path).unwrap())?;
        Ok(files.into_iter().map(|file| String::from_utf8(file.path).unwrap()).collect())
    }

    #[test]
    fn links_stay_inside() {
        let temp = TempDir::new();
        let root = temp.make_dir("root");
        let path = temp.path().join("root");
        fs::write(temp.path().join("secret"), "x").unwrap();
        fs::create_dir(path.join("d")).unwrap();
        fs::write(path.join("d/f"), "1").unwrap();
        for (name, target) in [("up", "../../secret"), ("abs", "/d"), ("round", "round"), ("host", "/etc")] {
            symlink(target, path.join(name)).unwrap();
        }
        let image = Merged::new(vec![root]);
        assert_eq!(listed(&image, "/").unwrap(), ["abs", "d", "d/f", "host", "round", "up"]);
        assert_eq!(listed(&image, "/abs").unwrap(), ["d", "d/f"]);
        assert_eq!(listed(&image, "/abs/f").unwrap(), ["d/f"]);
        assert!(matches!(listed(&image, "/up"), Err(LookError::Absent(_))));
        assert!(matches!(listed(&image, "/host/passwd"), Err(LookError::Absent(_))));
        assert!(matches!(listed(&image, "/round"), Err(LookError::Loop(_))));
        assert!(matches!(listed(&image, "/d/f/x"), Err(LookError::Absent(_))));
    }

    #[test]
    fn differences_are_between_trees() {
        let temp = TempDir::new();
        let trees = ["one", "two"].map(|name| temp.make_dir(name));
        fs::create_dir_all(temp.path().join("one/old/deep")).unwrap();
        fs::create_dir_all(temp.path().join("two/new/deep")).unwrap();
        for tree in ["one", "two"] {
            symlink(tree, temp.path().join(tree).join("link")).unwrap();
        }
        fs::hard_link(temp.path().join("one/link"), temp.path().join("two/same")).unwrap();
        fs::hard_link(temp.path().join("one/link"), temp.path().join("one/same")).unwrap();
        let [one, two] = trees.map(|tree| Merged::new(vec![tree]));
        let found = differences(&one, &two).unwrap();
        let found: Vec<String> =
            found.iter().map(|change| format!("{:?} {}", change.kind, change.path.display())).collect();
        assert_eq!(found, ["Modified /link", "Added /new", "Added /new/deep", "Deleted /old"]);
        assert!(differences(&one, &one).unwrap().is_empty());
    }
}
