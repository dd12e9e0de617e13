//! A directory for what an input makes on disk.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use minirun::store::remove::remove_tree;

/// A directory that goes with this value.
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("minirun-corpus-{}-{count}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a directory and opens it.
    pub(crate) fn make(&self, name: &str) -> OwnedFd {
        fs::create_dir(self.path.join(name)).unwrap();
        self.open(name)
    }

    pub(crate) fn open(&self, name: &str) -> OwnedFd {
        File::open(self.path.join(name)).unwrap().into()
    }

    /// Removes what `make` made, whatever its modes became.
    pub(crate) fn remove(&self, name: &str) {
        remove(&self.path, name);
    }
}

fn remove(parent: &Path, name: &str) {
    let parent = File::open(parent).unwrap();
    remove_tree(parent.as_fd(), OsStr::new(name)).unwrap();
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let name = self.path.file_name().and_then(OsStr::to_str).unwrap();
        remove(self.path.parent().unwrap(), name);
    }
}
