//! What is kept on disk: images, their unpacked layers, and room for containers and volumes.
//!
//! A [`Store`] is one directory that belongs to its user alone; [`layout`] says what lies where in it. There is
//! no daemon and no lock on the whole: any number of processes use a store at once. Whatever is made is made in
//! a [`temporary::Temporary`] and becomes visible, complete, by one rename.

mod blobs;
pub mod cgroups;
pub mod changes;
pub mod check;
pub mod commit;
pub mod compress;
pub mod compression;
pub mod container;
mod content;
pub mod copy;
pub mod directory;
pub mod discard;
pub mod document;
mod error;
#[cfg(test)]
mod fixture;
pub mod image;
pub mod import;
pub mod journal;
mod last_use;
pub mod layer;
pub mod layout;
pub mod ledger;
pub mod list;
pub mod load;
pub(crate) mod lock;
pub mod log;
pub mod look;
pub mod merged;
pub mod outline;
pub mod own;
pub mod pack;
pub mod record;
pub mod reference;
pub mod remove;
pub mod review;
pub mod save;
mod skeleton;
pub mod step;
pub mod tar;
pub mod temporary;
#[cfg(test)]
mod testing;
pub mod transfer;
pub mod unpack;
pub mod variant;
pub mod verify;
pub mod volume;
pub mod walk;
mod way;

use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustix::fs::fstat;
use rustix::io::Errno;

use self::directory::Directory;
pub use self::error::StoreError;
pub(crate) use self::error::is_full;
use crate::sys::{Call, SysError};

/// A directory with images, layers, containers and volumes.
///
/// A store that does not exist is empty; the first write makes it.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    directory: OnceLock<Directory>,
    temporary: OnceLock<Arc<Directory>>,
}

impl Store {
    /// Opens the store at `path`, which need not exist.
    ///
    /// # Errors
    /// The directory is not ours alone, or not a store of this layout; or somebody else could put another in its place.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let store = Self { path: path.into(), directory: OnceLock::new(), temporary: OnceLock::new() };
        way::check(&store.path)?;
        store.open_existing()?;
        Ok(store)
    }

    fn open_existing(&self) -> Result<(), StoreError> {
        match Directory::open(&self.path) {
            Ok(directory) => {
                self.check(&directory)?;
                // Another thread may have been first: then this one is not needed.
                let _ = self.directory.set(directory);
                Ok(())
            }
            Err(cause) if cause.errno() == Errno::NOENT => Ok(()),
            Err(cause) => Err(StoreError::Open { path: self.path.clone(), cause }),
        }
    }

    /// The directory on the host.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open directory; none while the store does not exist. Another process may have made it since.
    ///
    /// # Errors
    /// The directory is not ours alone, or not a store of this layout.
    pub fn directory(&self) -> Result<Option<&Directory>, StoreError> {
        if self.directory.get().is_none() {
            self.open_existing()?;
        }
        Ok(self.directory.get())
    }

    /// The open directory, made where there is none.
    ///
    /// # Errors
    /// The directories cannot be made, or what is there is not ours.
    pub fn writable(&self) -> Result<&Directory, StoreError> {
        if self.temporary.get().is_none() {
            self.make()?;
        }
        match self.directory.get() {
            Some(directory) => Ok(directory),
            None => Err(self.write_error(SysError::new("open", Errno::NOENT))),
        }
    }

    /// The directory for what is being made.
    pub(crate) fn temporary_directory(&self) -> Result<Arc<Directory>, StoreError> {
        let directory = self.writable()?;
        match self.temporary.get() {
            Some(temporary) => Ok(Arc::clone(temporary)),
            None => {
                directory.directory(layout::TEMPORARY).map(Arc::new).map_err(|cause| self.write_error(cause))
            }
        }
    }

    /// Removes what dead processes left half made; how many things were removed and how many could not be.
    ///
    /// What belongs to subordinate IDs can be removed only inside a user namespace that has them.
    ///
    /// # Errors
    /// The directory of temporary things cannot be read.
    pub fn sweep(&self) -> Result<Swept, StoreError> {
        let Some(directory) = self.directory()? else { return Ok(Swept::default()) };
        let departed = self.sweep_departed(directory)?;
        match directory.directory(layout::TEMPORARY) {
            Ok(temporary) => {
                let mut finish = |name: &_, swept: &mut _| self.finish_removal(&temporary, name, swept);
                let swept = temporary::sweep(&temporary, &mut finish);
                swept.map(|swept| swept.and(departed)).map_err(|cause| self.read_error(cause))
            }
            Err(cause) if cause.errno() == Errno::NOENT => Ok(departed),
            Err(cause) => Err(self.read_error(cause)),
        }
    }

    pub(crate) fn read_error(&self, cause: SysError) -> StoreError {
        StoreError::Read { path: self.path.clone(), cause }
    }

    pub(crate) fn write_error(&self, cause: SysError) -> StoreError {
        let path = self.path.clone();
        if is_full(cause.errno()) {
            StoreError::Full { path, cause }
        } else {
            StoreError::Write { path, cause }
        }
    }

    fn check(&self, directory: &Directory) -> Result<(), StoreError> {
        let stat = fstat(directory.as_fd())
            .call(|| format!("fstat({:?})", self.path))
            .map_err(|cause| self.read_error(cause))?;
        let user = rustix::process::geteuid().as_raw();
        if stat.st_uid != user {
            return Err(StoreError::Owner { path: self.path.clone(), owner: stat.st_uid, user });
        }
        let version = directory.read(layout::VERSION_FILE, 64).map_err(|cause| self.read_error(cause))?;
        // An empty version file is one that another process is about to write.
        match version.as_deref().map(<[u8]>::trim_ascii) {
            Some(b"") => {}
            Some(version) if version == layout::VERSION.as_bytes() => {}
            Some(version) => {
                let found = String::from_utf8_lossy(version).into_owned();
                return Err(StoreError::Version { path: self.path.clone(), found });
            }
            // Empty, it may have any mode: the first thing that becomes of it is that nobody else can enter.
            None => return self.check_empty(directory),
        }
        if stat.st_mode & 0o022 != 0 {
            let mode = stat.st_mode & 0o7777;
            return Err(StoreError::WritableByOthers { path: self.path.clone(), mode });
        }
        Ok(())
    }

    fn check_empty(&self, directory: &Directory) -> Result<(), StoreError> {
        let names = directory.names().map_err(|cause| self.read_error(cause))?;
        // A file system of its own, mounted for the store, begins with this.
        if names.iter().all(|name| name == "lost+found") {
            return Ok(());
        }
        // The version comes first when a store is made: it may have come since we looked.
        match directory.exists(layout::VERSION_FILE) {
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError::NotAStore(self.path.clone())),
            Err(cause) => Err(self.read_error(cause)),
        }
    }
}

/// What a sweep did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Swept {
    /// Things that were removed.
    pub removed: usize,
    /// Things that belong to no living process and could not be removed from here.
    pub left: usize,
}

impl Swept {
    /// Both together.
    fn and(self, other: Self) -> Self {
        Self { removed: self.removed + other.removed, left: self.left + other.left }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::fixture::Scratch;
    use super::temporary::Temporary;
    use super::*;

    #[test]
    fn reading_makes_nothing_and_writing_makes_all() {
        let scratch = Scratch::new();
        let path = scratch.path().join("deep/store");
        let store = Store::open(&path).unwrap();
        assert!(store.directory().unwrap().is_none() && !path.exists());
        assert_eq!(store.sweep().unwrap(), Swept::default());
        store.writable().unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o700);
        for name in layout::DIRECTORIES {
            assert!(path.join(name).is_dir(), "{name}");
        }
        assert!(Store::open(&path).unwrap().directory().unwrap().is_some());
    }

    #[test]
    fn refuses_what_is_no_store() {
        let scratch = Scratch::new();
        std::fs::write(scratch.path().join("letter"), "dear").unwrap();
        assert!(matches!(Store::open(scratch.path()), Err(StoreError::NotAStore(_))));
        std::fs::write(scratch.path().join("version"), "2").unwrap();
        assert!(matches!(Store::open(scratch.path()), Err(StoreError::Version { .. })));
        std::fs::write(scratch.path().join("version"), "1\n").unwrap();
        assert!(Store::open(scratch.path()).is_ok());
        std::fs::set_permissions(scratch.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let error = Store::open(scratch.path()).unwrap_err();
        assert!(matches!(error, StoreError::WritableByOthers { mode: 0o777, .. }));
        assert!(error.hint().unwrap().starts_with("chmod 700"));
        assert!(matches!(Store::open("/dev/null"), Err(StoreError::Open { .. })));
    }

    #[test]
    fn refuses_the_store_of_another_user() {
        let other = if rustix::process::geteuid().is_root() { 4321 } else { 0 };
        let scratch = Scratch::new();
        let path = if other == 0 {
            PathBuf::from("/")
        } else {
            std::os::unix::fs::chown(scratch.path(), Some(other), None).unwrap();
            scratch.path().to_owned()
        };
        assert!(matches!(Store::open(path), Err(StoreError::Owner { owner, .. }) if owner == other));
    }

    #[test]
    fn sweeps_only_what_is_nobodys() {
        let scratch = Scratch::new();
        let store = Store::open(scratch.path()).unwrap();
        let living = Temporary::new(&store).unwrap();
        living.directory().write("file", b"x").unwrap();
        let dead = scratch.path().join("tmp/0123456789abcdef");
        std::fs::create_dir(&dead).unwrap();
        std::fs::write(dead.join("file"), "x").unwrap();
        std::fs::write(scratch.path().join("tmp/layer.lock"), "").unwrap();
        assert_eq!(store.sweep().unwrap(), Swept { removed: 2, left: 0 });
        assert!(!dead.exists());
        assert!(living.directory().exists("file").unwrap());
        drop(living);
        assert_eq!(std::fs::read_dir(scratch.path().join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn many_make_one_store() {
        let scratch = Scratch::new();
        let path = scratch.path().join("store");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| drop(Temporary::new(&Store::open(&path).unwrap()).unwrap()));
            }
        });
        assert_eq!(std::fs::read_to_string(path.join("version")).unwrap(), "1\n");
    }
}
