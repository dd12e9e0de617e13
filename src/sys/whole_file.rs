//! A file on the host that appears complete, in place of the one there was, or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{Call, SysError, moment, ownership};

/// Who may use a new file, before the umask.
const MODE: Mode = Mode::from_raw_mode(0o666);

/// A file that is being written.
#[derive(Debug)]
pub struct WholeFile {
    file: File,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// A pipe, a device or the like, which is written to as it is.
    Direct,
    /// A file without a name; it gets `path` when it is complete.
    Nameless { path: PathBuf },
    /// A file that is called `name` for now, where there are none without a name.
    Named { path: PathBuf, name: PathBuf },
}

impl WholeFile {
    /// Begins to write what is to be at `path`.
    ///
    /// # Errors
    /// What opening says.
    pub fn create(path: &Path) -> Result<Self, SysError> {
        refuse_foreign(path)?;
        match rustix::fs::stat(path) {
            // Through a symlink: the file is replaced, and not the link.
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
                Self::at(std::fs::canonicalize(path).call(|| format!("realpath({path:?})"))?)
            }
            Ok(_) => Self::direct(path),
            Err(Errno::NOENT) => Self::at(path.to_owned()),
            Err(errno) => Err(SysError::new(format!("stat({path:?})"), errno)),
        }
    }

    /// The same where others may have put something: a symlink to a file, or to nothing, is refused.
    ///
    /// # Errors
    /// What opening says; `ELOOP` for such a link.
    pub fn create_unlinked(path: &Path) -> Result<Self, SysError> {
        let kind = |stat: rustix::fs::Stat| FileType::from_raw_mode(stat.st_mode);
        let is_link = rustix::fs::lstat(path).is_ok_and(|stat| kind(stat) == FileType::Symlink);
        // `/dev/stdout` is a link, too; what it leads to only takes the bytes.
        if is_link && rustix::fs::stat(path).map_or(true, |stat| kind(stat) == FileType::RegularFile) {
            return Err(SysError::new(format!("open({path:?}, WRONLY|NOFOLLOW)"), Errno::LOOP));
        }
        Self::create(path)
    }

    fn direct(path: &Path) -> Result<Self, SysError> {
        let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = rustix::fs::open(path, flags, Mode::empty()).call(|| format!("open({path:?}, WRONLY)"))?;
        Ok(Self { file: file.into(), place: Place::Direct })
    }

    fn at(path: PathBuf) -> Result<Self, SysError> {
        let shown = || format!("open({path:?}, WRONLY)");
        if path.file_name().is_none() {
            return Err(SysError::new(shown(), Errno::ISDIR));
        }
        let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
        match rustix::fs::open(directory(&path), flags, MODE) {
            Ok(file) => Ok(Self { file: file.into(), place: Place::Nameless { path } }),
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => Self::named(path),
            Err(errno) => Err(SysError::new(shown(), errno)),
        }
    }

    fn named(path: PathBuf) -> Result<Self, SysError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let (file, name) = first_free(&path, |name| rustix::fs::open(name, flags, MODE))?;
        Ok(Self { file: file.into(), place: Place::Named { path, name } })
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Puts the complete file in its place.
    ///
    /// # Errors
    /// What linking and renaming say.
    pub fn finish(mut self) -> Result<(), SysError> {
        let (path, name) = match std::mem::replace(&mut self.place, Place::Direct) {
            Place::Direct => return Ok(()),
            Place::Named { path, name } => (path, name),
            Place::Nameless { path } => {
                let own = format!("/proc/self/fd/{}", self.file.as_raw_fd());
                let link = |name: &Path| rustix::fs::linkat(CWD, &own, CWD, name, AtFlags::SYMLINK_FOLLOW);
                let ((), name) = first_free(&path, link)?;
                (path, name)
            }
        };
        let renamed = rustix::fs::rename(&name, &path).call(|| format!("rename({name:?}, {path:?})"));
        moment("renamed");
        if renamed.is_err() {
            // The first error says more.
            let _ = rustix::fs::unlink(&name);
        }
        renamed
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Place::Named { name, .. } = &self.place {
            // Whoever could make it can remove it, or it is gone.
            let _ = rustix::fs::unlink(name);
        }
    }
}

/// Refuses a symlink or a pipe that somebody else has put there, as the kernel does where `fs.protected_symlinks` and
/// `fs.protected_fifos` say so: it could lead to a file of the caller's, or never be read.
fn refuse_foreign(path: &Path) -> Result<(), SysError> {
    let Ok(stat) = rustix::fs::lstat(path) else { return Ok(()) };
    let is_trap = matches!(FileType::from_raw_mode(stat.st_mode), FileType::Symlink | FileType::Fifo);
    if is_trap && ownership::is_foreign(stat.st_uid) {
        return Err(SysError::new(format!("lstat({path:?}): owned by user {}", stat.st_uid), Errno::ACCESS));
    }
    Ok(())
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes something beside `path` under a name that is free.
fn first_free<T>(path: &Path, make: impl Fn(&Path) -> Result<T, Errno>) -> Result<(T, PathBuf), SysError> {
    let mut number = std::process::id();
    loop {
        let name = path.with_file_name(part_name(path.file_name().unwrap_or_default(), number));
        match make(&name) {
            Err(Errno::EXIST) => number = number.wrapping_add(1),
            result => return Ok((result.call(|| format!("open({name:?}, CREATE|EXCL)"))?, name)),
        }
    }
}

/// `.NAME.NUMBER.part`, with as much of the name as there is room for.
fn part_name(name: &OsStr, number: u32) -> OsString {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    let name = name.as_bytes();
    let name = &name[..name.len().min(200)];
    OsString::from_vec([b".", name, format!(".{number}.part").as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn whole_or_not_at_all() {
        let directory = std::env::temp_dir().join(format!("minirun-whole-{}", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        let path = directory.join("file");
        for text in ["first", "second"] {
            let abandoned = WholeFile::create(&path).unwrap();
            abandoned.file().write_all(b"half").unwrap();
            drop(abandoned);
            let whole = WholeFile::create(&path).unwrap();
            whole.file().write_all(text.as_bytes()).unwrap();
            whole.finish().unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        let named = WholeFile::named(path.clone()).unwrap();
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 2);
        drop(named);
        let named = WholeFile::named(path.clone()).unwrap();
        named.file().write_all(b"third").unwrap();
        named.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "third");
        std::os::unix::fs::symlink("file", directory.join("link")).unwrap();
        WholeFile::create(&directory.join("link")).unwrap().finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        assert!(directory.join("link").is_symlink());
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 2);
        WholeFile::create(Path::new("/dev/null")).unwrap().finish().unwrap();
        assert!(WholeFile::create(&directory.join("none/file")).is_err());
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
