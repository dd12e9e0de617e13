//! A directory of the store, by descriptor: every file of the store is read, made and renamed through one.
//!
//! Names are relative to the directory and never end in a symlink. The store belongs to its user alone
//! (checked when it is opened), so that nobody else can change what lies on the way.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::sys::{Call, SysError, moment};

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// An open directory, and the path it was opened by, for messages and for mounting.
#[derive(Debug)]
pub struct Directory {
    fd: OwnedFd,
    path: PathBuf,
}

impl Directory {
    /// Opens a directory by its path on the host.
    ///
    /// # Errors
    /// What `openat(2)` says.
    pub fn open(path: &Path) -> Result<Self, SysError> {
        let fd = rustix::fs::openat(CWD, path, DIRECTORY, Mode::empty())
            .call(|| format!("openat({path:?}, DIRECTORY)"))?;
        Ok(Self { fd, path: path.to_owned() })
    }

    /// The path it was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the directory `name` in this one.
    ///
    /// # Errors
    /// What `openat(2)` says; `ELOOP` or `ENOTDIR` for a symlink.
    pub fn directory(&self, name: &str) -> Result<Self, SysError> {
        let path = self.path.join(name);
        let fd = rustix::fs::openat(&self.fd, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())
            .call(|| format!("openat({path:?}, DIRECTORY|NOFOLLOW)"))?;
        Ok(Self { fd, path })
    }

    /// Makes the directory `name`, mode 0700; whether it was not there before.
    ///
    /// # Errors
    /// What `mkdirat(2)` says, but for `EEXIST`.
    pub fn make(&self, name: &str) -> Result<bool, SysError> {
        match rustix::fs::mkdirat(&self.fd, name, Mode::RWXU) {
            Ok(()) => {
                moment("directory made");
                Ok(true)
            }
            Err(Errno::EXIST) => Ok(false),
            Err(errno) => Err(SysError::new(format!("mkdirat({:?}, 0700)", self.path.join(name)), errno)),
        }
    }

    /// The bytes of the file `name`, at most `limit` and one more; none when there is no such file.
    ///
    /// # Errors
    /// What opening and reading say.
    pub fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, SysError> {
        let shown = || format!("read({:?})", self.path.join(name));
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(SysError::new(shown(), errno)),
        };
        // Nearly all files of a store fit, and are read at once.
        let mut bytes = Vec::with_capacity(4096);
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).call(shown)?;
        Ok(Some(bytes))
    }

    /// Makes the empty file `name`, which must be new, mode 0600, for writing.
    ///
    /// # Errors
    /// What making says.
    pub fn create(&self, name: &str) -> Result<File, SysError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let made = rustix::fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR);
        let made = made.call(|| format!("openat({:?}, CREATE|EXCL)", self.path.join(name)))?;
        moment("file made");
        Ok(File::from(made))
    }

    /// Opens the file `name` for reading; none when there is no such file.
    ///
    /// # Errors
    /// What opening says.
    pub fn open_file(&self, name: &str) -> Result<Option<File>, SysError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(file) => Ok(Some(File::from(file))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(SysError::new(format!("openat({:?}, NOFOLLOW)", self.path.join(name)), errno)),
        }
    }

    /// Makes the file `name`, which must be new, mode 0600.
    ///
    /// # Errors
    /// What making and writing say.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), SysError> {
        let shown = || format!("write({:?}, {} bytes)", self.path.join(name), bytes.len());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR).call(shown)?;
        moment("file made");
        File::from(fd).write_all(bytes).call(shown)?;
        moment("file written");
        Ok(())
    }

    /// The same, on the disk when this returns.
    ///
    /// # Errors
    /// What making, writing and syncing say.
    pub fn write_durably(&self, name: &str, bytes: &[u8]) -> Result<(), SysError> {
        self.write(name, bytes)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let shown = || format!("fsync({:?})", self.path.join(name));
        let file = rustix::fs::openat(&self.fd, name, flags, Mode::empty()).call(shown)?;
        rustix::fs::fsync(file).call(shown)
    }

    /// Brings everything on the file system of this directory to the disk.
    ///
    /// # Errors
    /// What `syncfs(2)` says.
    pub fn sync(&self) -> Result<(), SysError> {
        rustix::fs::syncfs(&self.fd).call(|| format!("syncfs({:?})", self.path))
    }

    /// Puts a file `name` in the place of what is there. Only one process at a time does so with the same name.
    ///
    /// # Errors
    /// What making, writing and renaming say.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), SysError> {
        let new = format!("{name}.new");
        // One that a killed process has left.
        self.unlink(&new)?;
        self.write(&new, bytes)?;
        self.rename(&new, self, name)
    }

    /// Brings the names in this directory to disk.
    ///
    /// # Errors
    /// What `fsync(2)` says.
    pub fn flush(&self) -> Result<(), SysError> {
        match rustix::fs::fsync(&self.fd) {
            // Some file systems do this for files only.
            Err(Errno::INVAL) => Ok(()),
            result => result.call(|| format!("fsync({:?})", self.path)),
        }
    }

    /// Whether there is anything called `name`.
    ///
    /// # Errors
    /// What `statat` says, but for `ENOENT`.
    pub fn exists(&self, name: &str) -> Result<bool, SysError> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(errno) => Err(SysError::new(format!("statat({:?})", self.path.join(name)), errno)),
        }
    }

    /// The names in this directory, sorted.
    ///
    /// # Errors
    /// What reading the directory says.
    pub fn names(&self) -> Result<Vec<OsString>, SysError> {
        let shown = || format!("getdents({:?})", self.path);
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd).call(shown)? {
            let name = entry.call(shown)?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// The names in the directory `name` that are text; none when there is no such directory.
    ///
    /// # Errors
    /// What opening and reading the directory say.
    pub fn names_in(&self, name: &str) -> Result<Vec<String>, SysError> {
        match self.directory(name) {
            Ok(directory) => {
                Ok(directory.names()?.into_iter().filter_map(|name| name.into_string().ok()).collect())
            }
            Err(error) if error.errno() == Errno::NOENT => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Renames `from` here to `name` in `directory`, in one step.
    ///
    /// # Errors
    /// What `renameat(2)` says.
    pub fn rename(&self, from: &str, directory: &Self, name: &str) -> Result<(), SysError> {
        rustix::fs::renameat(&self.fd, from, &directory.fd, name)
            .call(|| format!("renameat({:?}, {:?})", self.path.join(from), directory.path.join(name)))?;
        moment("renamed");
        Ok(())
    }

    /// Exchanges `from` here with `name` in `directory`, in one step.
    ///
    /// # Errors
    /// What `renameat2(2)` says; `EINVAL` where the file system cannot do that.
    pub fn exchange(&self, from: &str, directory: &Self, name: &str) -> Result<(), SysError> {
        rustix::fs::renameat_with(&self.fd, from, &directory.fd, name, RenameFlags::EXCHANGE).call(|| {
            format!("renameat2({:?}, {:?}, EXCHANGE)", self.path.join(from), directory.path.join(name))
        })?;
        moment("exchanged");
        Ok(())
    }

    /// Gives the file `from` here the further name `name` in `directory`, which must be free.
    ///
    /// # Errors
    /// What `linkat(2)` says.
    pub fn link(&self, from: &str, directory: &Self, name: &str) -> Result<(), SysError> {
        rustix::fs::linkat(&self.fd, from, &directory.fd, name, AtFlags::empty())
            .call(|| format!("linkat({:?}, {:?})", self.path.join(from), directory.path.join(name)))?;
        moment("linked");
        Ok(())
    }

    /// Removes the file `name`; whether there was one.
    ///
    /// # Errors
    /// What `unlinkat(2)` says, but for `ENOENT`.
    pub fn unlink(&self, name: &str) -> Result<bool, SysError> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) => {
                moment("file removed");
                Ok(true)
            }
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(SysError::new(format!("unlinkat({:?})", self.path.join(name)), errno)),
        }
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<Directory> for OwnedFd {
    fn from(directory: Directory) -> Self {
        directory.fd
    }
}
