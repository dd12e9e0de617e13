//! The way to a store: whoever owns a directory or a symlink on it could lead us to another store.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, readlinkat, statat};

use super::StoreError;
use crate::sys::ownership;

/// How many symlinks one path may have, as in the kernel.
const LINK_LIMIT: usize = 40;

/// Makes sure that everything on the way to `path`, which is absolute, belongs to the caller or to root; what is not there
/// has no owner. Whose the last directory is, is not looked at here.
pub(super) fn check(path: &Path) -> Result<(), StoreError> {
    let mut ahead: VecDeque<OsString> = names(path).into();
    let mut at = PathBuf::from("/");
    let mut links = 0;
    while let Some(name) = ahead.pop_front() {
        if name == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&name);
        // Whatever else cannot be looked at cannot be opened either, which says so better.
        let Ok(stat) = statat(CWD, &next, AtFlags::SYMLINK_NOFOLLOW) else { return Ok(()) };
        let is_link = FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
        if (is_link || !ahead.is_empty()) && ownership::is_foreign(stat.st_uid) {
            let (path, owner) = (path.to_owned(), stat.st_uid);
            return Err(StoreError::Way { path, place: next, owner });
        }
        if !is_link {
            at = next;
            continue;
        }
        links += 1;
        // A link that cannot be followed is told of by whoever follows it.
        let Ok(target) = readlinkat(CWD, &next, Vec::new()) else { return Ok(()) };
        if links > LINK_LIMIT {
            return Ok(());
        }
        let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        for name in names(&target).into_iter().rev() {
            ahead.push_front(name);
        }
    }
    Ok(())
}

fn names(path: &Path) -> Vec<OsString> {
    let name = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(name).collect()
}
