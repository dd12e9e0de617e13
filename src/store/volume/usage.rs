//! How much room a tree takes.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::sys::{Call, SysError};

/// The bytes on disk of everything below `root` but for the directories themselves; a file with several names counts
/// once. What vanishes meanwhile counts for nothing, and what is mounted inside belongs to somebody else.
///
/// # Errors
/// A directory cannot be read.
pub fn usage(root: BorrowedFd<'_>) -> Result<u64, SysError> {
    let device = rustix::fs::fstat(root).call(|| "fstat(volume)")?.st_dev;
    let mut walk = Walk { root, device, seen: HashSet::new(), bytes: 0 };
    let mut waiting = vec![Vec::new()];
    while let Some(path) = waiting.pop() {
        for name in walk.add(&path)? {
            waiting.push([&path[..], &[name]].concat());
        }
    }
    Ok(walk.bytes)
}

struct Walk<'a> {
    root: BorrowedFd<'a>,
    device: u64,
    seen: HashSet<u64>,
    bytes: u64,
}

impl Walk<'_> {
    /// Counts what is in a directory, and gives the names of the directories in it.
    fn add(&mut self, path: &[OsString]) -> Result<Vec<OsString>, SysError> {
        let Some(directory) = self.open(path)? else { return Ok(Vec::new()) };
        let mut directories = Vec::new();
        let shown = || format!("getdents({path:?})");
        for entry in Dir::read_from(&directory).call(shown)? {
            let entry = entry.call(shown)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let stat = match rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(SysError::new(format!("statat({name:?})"), errno)),
            };
            if stat.st_dev != self.device {
                continue;
            }
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                directories.push(OsStr::from_bytes(name.to_bytes()).to_owned());
            } else if stat.st_nlink == 1 || self.seen.insert(stat.st_ino) {
                self.bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
            }
        }
        Ok(directories)
    }

    /// Each directory is reached from the root again, so that depth costs no descriptors.
    fn open(&self, path: &[OsString]) -> Result<Option<OwnedFd>, SysError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = |parent: BorrowedFd<'_>, name: &OsStr| match rustix::fs::openat(
            parent,
            name,
            flags,
            Mode::empty(),
        ) {
            Ok(directory) => Ok(Some(directory)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(errno) => Err(SysError::new(format!("openat({path:?}, DIRECTORY|NOFOLLOW)"), errno)),
        };
        let mut directory = open(self.root, OsStr::new("."))?;
        for name in path {
            let Some(above) = &directory else { return Ok(None) };
            directory = open(above.as_fd(), name)?;
        }
        Ok(directory)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::store::testing::TempDir;

    #[test]
    fn a_file_with_two_names_counts_once() {
        let temp = TempDir::new();
        fs::create_dir_all(temp.path().join("a/b/c")).unwrap();
        assert_eq!(super::usage(temp.fd()).unwrap(), 0);
        fs::write(temp.path().join("a/b/c/file"), vec![1; 1 << 16]).unwrap();
        fs::File::open(temp.path().join("a/b/c/file")).unwrap().sync_all().unwrap();
        let once = super::usage(temp.fd()).unwrap();
        assert!(once >= 1 << 16, "{once}");
        fs::hard_link(temp.path().join("a/b/c/file"), temp.path().join("same")).unwrap();
        std::os::unix::fs::symlink("/", temp.path().join("link")).unwrap();
        assert!(super::usage(temp.fd()).unwrap() < once + 8192);
    }
}
