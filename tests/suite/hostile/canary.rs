//! A directory outside of the store that images aim at.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// The directory, with something of everything in it.
pub(super) struct Canary {
    directory: PathBuf,
    before: Vec<String>,
}

impl Canary {
    /// Makes it: `file` (0640), `private/` (0700) with `secret` in it, `link` and `empty/`.
    pub(super) fn new(directory: PathBuf) -> Self {
        fs::create_dir_all(directory.join("private")).unwrap();
        fs::create_dir(directory.join("empty")).unwrap();
        fs::write(directory.join("file"), "canary\n").unwrap();
        fs::write(directory.join("private/secret"), "canary secret\n").unwrap();
        symlink("file", directory.join("link")).unwrap();
        fs::set_permissions(directory.join("file"), fs::Permissions::from_mode(0o640)).unwrap();
        fs::set_permissions(directory.join("private"), fs::Permissions::from_mode(0o700)).unwrap();
        let before = state(&directory);
        Self { directory, before }
    }

    pub(super) fn path(&self) -> &Path {
        &self.directory
    }

    /// What has changed since it was made.
    pub(super) fn check(&self) -> Result<(), String> {
        let now = state(&self.directory);
        if now == self.before {
            return Ok(());
        }
        Err(format!("the canary is not what it was: {:#?}\nit was: {:#?}", now, self.before))
    }
}

/// A line for everything: the time of change tells also what was put back.
fn state(directory: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(path) = left.pop() {
        let stat = fs::symlink_metadata(&path).unwrap();
        let mut content = String::new();
        if stat.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if stat.is_file() {
            content = fs::read_to_string(&path).unwrap();
        } else if stat.is_symlink() {
            content = fs::read_link(&path).unwrap().display().to_string();
        }
        let (mode, owner) = (stat.mode(), (stat.uid(), stat.gid()));
        let times = (stat.mtime(), stat.mtime_nsec(), stat.ctime(), stat.ctime_nsec());
        let name = path.as_os_str().as_bytes().escape_ascii().to_string();
        lines.push(format!("{name} {mode:o} {owner:?} links {} {times:?} {content:?}", stat.nlink()));
    }
    lines.sort();
    lines
}
