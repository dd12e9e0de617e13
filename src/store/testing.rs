//! What the tests of this module make on disk.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::merged::open_directory;
use super::remove::remove_tree;

/// A directory of one test, removed with everything in it.
pub(super) struct TempDir {
    path: PathBuf,
    directory: OwnedFd,
}

impl TempDir {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("minirun-test-{}-{count}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        let directory = std::fs::File::open(&path).unwrap().into();
        Self { path, directory }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    pub(super) fn make_dir(&self, name: &str) -> OwnedFd {
        std::fs::create_dir(self.path.join(name)).unwrap();
        self.open(name)
    }

    pub(super) fn open(&self, name: &str) -> OwnedFd {
        open_directory(&self.directory, OsStr::new(name)).unwrap()
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let parent = std::fs::File::open(self.path.parent().unwrap()).unwrap();
        remove_tree(parent.as_fd(), self.path.file_name().unwrap()).unwrap();
    }
}
