//! What a path stands for on one side of a copy.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::TransferError;
use crate::sys::root::open_in_root;
use crate::sys::{Call, SysError};

/// How many symlinks one path may end in, as in the kernel.
const LINK_LIMIT: usize = 40;

/// Opens the paths of one side.
#[derive(Debug)]
pub enum Opener {
    /// The container's, below its root.
    Container(OwnedFd),
    /// The host's, as its user reaches them.
    Host,
}

/// Whether a source that is a symlink is copied as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// The link.
    Kept,
    /// What it leads to (`-L`).
    Followed,
}

/// Something to be copied.
#[derive(Debug)]
pub struct Source {
    /// What it lies in.
    pub(super) directory: OwnedFd,
    /// Its name there; `.` for the directory itself.
    pub(super) name: OsString,
    pub(super) is_directory: bool,
    /// Only what is in it: the path ended in `/.`, or leads to a root.
    pub(super) is_contents: bool,
}

/// Where something is to be copied to, whatever that is.
#[derive(Debug)]
pub struct End {
    /// The directory that it is, or that it lies in.
    directory: OwnedFd,
    /// Its name there; none where it is a directory itself.
    name: Option<OsString>,
    is_there: bool,
    /// As it was given.
    path: OsString,
}

/// Where something is copied to.
#[derive(Debug)]
pub struct Landing {
    pub(super) directory: OwnedFd,
    /// The name that the copy gets; none where what is in the source goes into the directory.
    pub(super) name: Option<OsString>,
}

impl Opener {
    fn open(&self, path: &OsStr, flags: OFlags) -> Result<OwnedFd, Errno> {
        match self {
            Self::Container(root) => open_in_root(root, path, flags, Mode::empty()),
            Self::Host => rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty()),
        }
    }

    fn directory(&self, path: &OsStr) -> Result<OwnedFd, Errno> {
        self.open(path, OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// The path behind all symlinks at the end of `path`, and what is there, if something is.
    fn behind(&self, path: &OsStr) -> Result<(OsString, Option<Stat>), Errno> {
        let mut path = path.to_owned();
        for _ in 0..LINK_LIMIT {
            let found = match self.open(&path, OFlags::PATH | OFlags::NOFOLLOW) {
                Err(Errno::NOENT) => return Ok((path, None)),
                found => found?,
            };
            let stat = rustix::fs::fstat(&found)?;
            if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
                return Ok((path, Some(stat)));
            }
            let link = rustix::fs::readlinkat(&found, c"", Vec::new())?.into_bytes();
            path = if link.first() == Some(&b'/') {
                OsString::from_vec(link)
            } else {
                let (above, _) = split(&path);
                OsString::from_vec([above.as_bytes(), b"/", &link].concat())
            };
        }
        Err(Errno::LOOP)
    }

    /// What there is at the end of `path`, where something is to be copied to.
    ///
    /// # Errors
    /// The directory that it would lie in does not exist.
    pub fn end(&self, path: &OsStr) -> Result<End, TransferError> {
        let failed = |errno| open_error(path, errno);
        let (end, found) = self.behind(trimmed(path)).map_err(failed)?;
        let found = found.map(|stat| FileType::from_raw_mode(stat.st_mode));
        let (directory, name) = if found == Some(FileType::Directory) {
            (self.directory(&end).map_err(failed)?, None)
        } else {
            let (above, name) = split(&end);
            (self.directory(&above).map_err(failed)?, Some(name))
        };
        Ok(End { directory, name, is_there: found.is_some(), path: path.to_owned() })
    }

    /// The directory at `path`, for an archive to be unpacked into.
    ///
    /// # Errors
    /// There is none.
    pub fn landing_directory(&self, path: &OsStr) -> Result<Landing, TransferError> {
        match self.directory(path) {
            Ok(directory) => Ok(Landing { directory, name: None }),
            Err(Errno::NOTDIR) => Err(TransferError::NotDirectory(path.to_string_lossy().into_owned())),
            Err(errno) => Err(open_error(path, errno)),
        }
    }
}

impl End {
    /// Where `source` lands.
    ///
    /// # Errors
    /// The two do not fit.
    pub fn landing(self, source: &Source) -> Result<Landing, TransferError> {
        let shown = || self.path.to_string_lossy().into_owned();
        let bytes = self.path.as_bytes();
        let wants_directory = bytes.ends_with(b"/") || bytes.ends_with(b"/.");
        let name = match (self.name, self.is_there) {
            (None, _) => (!source.is_contents).then(|| source.name.clone()),
            (Some(_), true) if source.is_directory => return Err(TransferError::OntoFile(shown())),
            (Some(_), true) if wants_directory => return Err(open_error(&self.path, Errno::NOTDIR)),
            (Some(_), false) if wants_directory && !source.is_directory => {
                return Err(TransferError::NoDirectory(shown()));
            }
            (Some(name), _) => Some(name),
        };
        Ok(Landing { directory: self.directory, name })
    }
}

/// Finds what `path` stands for.
///
/// # Errors
/// There is nothing.
pub fn source(side: &Opener, path: &OsStr, links: Links) -> Result<Source, TransferError> {
    let failed = |errno| open_error(path, errno);
    let bytes = path.as_bytes();
    let last = bytes.rsplit(|&byte| byte == b'/').find(|name| !name.is_empty()).unwrap_or_default();
    if bytes.ends_with(b"/.") || matches!(last, b"" | b"." | b"..") {
        return Ok(Source::inside(side.directory(path).map_err(failed)?));
    }
    let follows = links == Links::Followed || bytes.ends_with(b"/");
    let end = if follows { side.behind(trimmed(path)).map_err(failed)?.0 } else { trimmed(path).to_owned() };
    let (above, name) = split(&end);
    let directory = side.directory(&above).map_err(failed)?;
    let stat =
        rustix::fs::statat(&directory, &name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
    let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    if bytes.ends_with(b"/") && !is_directory {
        return Err(failed(Errno::NOTDIR));
    }
    Ok(Source { directory, name, is_directory, is_contents: false })
}

impl Source {
    /// All that is in a directory.
    pub(super) fn inside(directory: OwnedFd) -> Self {
        Self { directory, name: OsString::from("."), is_directory: true, is_contents: true }
    }
}

/// `path` without slashes at its end.
fn trimmed(path: &OsStr) -> &OsStr {
    let bytes = path.as_bytes();
    let end = bytes.iter().rposition(|&byte| byte != b'/').map_or(1, |last| last + 1);
    let bytes = &bytes[..end.min(bytes.len())];
    OsStr::from_bytes(bytes.strip_suffix(b"/.").filter(|rest| !rest.is_empty()).unwrap_or(bytes))
}

/// The directory that a path lies in, and its name there.
fn split(path: &OsStr) -> (OsString, OsString) {
    let bytes = trimmed(path).as_bytes();
    match bytes.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => {
            let above = if slash == 0 { &b"/"[..] } else { &bytes[..slash] };
            (OsString::from_vec(above.to_vec()), OsString::from_vec(bytes[slash + 1..].to_vec()))
        }
        None => (OsString::from("."), OsString::from_vec(bytes.to_vec())),
    }
}

fn open_error(path: &OsStr, errno: Errno) -> TransferError {
    let source = Err::<(), _>(errno).call(|| format!("open({path:?})"));
    let source = source.err().unwrap_or_else(|| SysError::new("open", errno));
    TransferError::Open { path: path.to_string_lossy().into_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_at_the_last_name() {
        for (path, above, name) in [
            ("/a/b", "/a", "b"),
            ("/a/", "/", "a"),
            ("a", ".", "a"),
            ("a/b/.", "a", "b"),
            ("./a//", ".", "a"),
        ] {
            assert_eq!(split(path.as_ref()), (above.into(), name.into()), "{path}");
        }
    }
}
