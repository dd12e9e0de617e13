//! A stack of layer directories seen as the one tree that overlay makes of them, without mounting anything.
//!
//! Links are followed here, inside the tree, as the kernel does for a process whose root it is.

mod look;

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustix::fs::{FileType, Mode, OFlags, Stat};
use thiserror::Error;

use crate::plan::path::ContainerPath;
pub(super) use crate::sys::layered::{
    Found, MergedDir, OPAQUE, is_opaque, is_whiteout, open_directory, stat_name,
};
use crate::sys::{Call, SysError};

/// As long as most files are that are read here, in bytes.
const USUAL: usize = 4 << 10;
/// How many symlinks one path may lead through, as in the kernel.
pub(super) const LINK_LIMIT: u32 = 40;
/// Why something in a stack of layers could not be reached.
#[derive(Debug, Error)]
pub enum MergedError {
    /// The kernel refused.
    #[error(transparent)]
    System(#[from] SysError),
    /// The path leads through more than 40 symlinks.
    #[error("`{0}` leads through too many symlinks")]
    Loop(ContainerPath),
    /// What is there is a directory, a device or a pipe.
    #[error("`{0}` is not a regular file")]
    NotRegular(ContainerPath),
    /// The file is larger than the caller wants to read.
    #[error("`{path}` is larger than {limit} bytes")]
    TooLarge {
        /// The file.
        path: ContainerPath,
        /// The limit in bytes.
        limit: u64,
    },
}

/// A stack of layer directories; the first one is the top.
#[derive(Default)]
pub struct Merged {
    pub(super) root: MergedDir,
}

/// The end of a walk: the directories on the way, and the name there.
enum Arrival {
    /// The path is a directory: the last of the stack, or the root.
    Directory(Vec<MergedDir>),
    /// The path is something else in the last directory of the stack.
    Other { stack: Vec<MergedDir>, place: usize, name: OsString, stat: Stat },
}

impl Merged {
    /// The tree of `layers`, the top one first; without any layer it is empty.
    ///
    /// The descriptors must be open for reading, as for `readdir`.
    #[must_use]
    pub fn new(layers: Vec<OwnedFd>) -> Self {
        Self { root: MergedDir { parts: layers } }
    }

    /// Whether there is no layer at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.root.parts.is_empty()
    }

    /// The metadata of what `path` leads to, symlinks followed; `None` where there is nothing.
    ///
    /// # Errors
    /// The kernel refuses, or the path leads through too many symlinks.
    pub fn stat(&self, path: &ContainerPath) -> Result<Option<Stat>, MergedError> {
        let directory = match self.walk(path)? {
            None => return Ok(None),
            Some(Arrival::Other { stat, .. }) => return Ok(Some(stat)),
            Some(Arrival::Directory(mut stack)) => stack.pop(),
        };
        match directory.as_ref().unwrap_or(&self.root).parts.first() {
            Some(top) => Ok(Some(rustix::fs::fstat(top).call(|| format!("fstat({path:?})"))?)),
            None => Ok(None),
        }
    }

    /// What is at `path`, its last name not followed; `None` where there is nothing.
    ///
    /// # Errors
    /// As of [`Merged::stat`].
    pub fn lookup(&self, path: &ContainerPath) -> Result<Option<Stat>, MergedError> {
        let names: Vec<&OsStr> = path.components().collect();
        let Some((last, parents)) = names.split_last() else { return self.stat(path) };
        let above: OsString = parents.iter().flat_map(|name| [OsStr::new("/"), name]).collect();
        let above = ContainerPath::root().join(above);
        let Some(Arrival::Directory(stack)) = self.walk(&above)? else { return Ok(None) };
        let parent = stack.last().unwrap_or(&self.root);
        match parent.find(last)? {
            Some(Found::Other(_, stat)) => Ok(Some(stat)),
            Some(Found::Directory(directory)) => {
                let top = directory.parts.first().map(rustix::fs::fstat);
                Ok(top.transpose().call(|| format!("fstat({path:?})"))?)
            }
            None => Ok(None),
        }
    }

    /// Reads files of a directory in the root; `None` for those that are not there. `None` for all where one of them, or the
    /// directory, is something else than a regular file, a symlink say.
    ///
    /// # Errors
    /// The kernel refuses, or a file has more than `limit` bytes.
    pub fn read_plain<const N: usize>(
        &self,
        directory: &OsStr,
        names: [&str; N],
        limit: u64,
    ) -> Result<Option<[Option<Vec<u8>>; N]>, MergedError> {
        let mut files = [const { None }; N];
        let here = match self.root.find(directory)? {
            None => return Ok(Some(files)),
            Some(Found::Directory(here)) => here,
            Some(Found::Other(..)) => return Ok(None),
        };
        for (file, name) in files.iter_mut().zip(names) {
            match here.find(OsStr::new(name))? {
                None => {}
                Some(Found::Other(place, stat)) if is_regular(&stat) => {
                    let path = ContainerPath::root().join(directory).join(name);
                    let opened = open_regular(&here.parts[place], OsStr::new(name), &path)?;
                    *file = Some(read_whole(opened, &path, limit)?);
                }
                Some(_) => return Ok(None),
            }
        }
        Ok(Some(files))
    }

    /// Opens the regular file that `path` leads to for reading; `None` where there is nothing.
    ///
    /// Never opens a device or a pipe, which could block or do something.
    ///
    /// # Errors
    /// It is something else than a regular file, the kernel refuses, or there are too many symlinks.
    pub fn open_file(&self, path: &ContainerPath) -> Result<Option<OwnedFd>, MergedError> {
        match self.walk(path)? {
            None => Ok(None),
            Some(Arrival::Other { stack, place, name, stat }) if is_regular(&stat) => {
                let parent = stack.last().unwrap_or(&self.root);
                open_regular(&parent.parts[place], &name, path).map(Some)
            }
            Some(_) => Err(MergedError::NotRegular(path.clone())),
        }
    }

    /// Reads the regular file that `path` leads to; `None` where there is nothing.
    ///
    /// # Errors
    /// As of [`Merged::open_file`]; the file has more than `limit` bytes.
    pub fn read_file(&self, path: &ContainerPath, limit: u64) -> Result<Option<Vec<u8>>, MergedError> {
        self.open_file(path)?.map(|file| read_whole(file, path, limit)).transpose()
    }

    fn walk(&self, path: &ContainerPath) -> Result<Option<Arrival>, MergedError> {
        let mut stack: Vec<MergedDir> = Vec::new();
        let mut names: VecDeque<OsString> = path.components().map(OsStr::to_owned).collect();
        let mut links = 0;
        while let Some(name) = names.pop_front() {
            if name == ".." {
                stack.pop();
                continue;
            }
            let directory = stack.last().unwrap_or(&self.root);
            match directory.find(&name)? {
                Some(Found::Directory(directory)) => stack.push(directory),
                Some(Found::Other(place, stat))
                    if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink =>
                {
                    links += 1;
                    if links > LINK_LIMIT {
                        return Err(MergedError::Loop(path.clone()));
                    }
                    let target = directory.read_link(place, &name)?;
                    if target.starts_with(b"/") {
                        stack.clear();
                    }
                    for name in link_names(&target).rev() {
                        names.push_front(OsString::from_vec(name.to_vec()));
                    }
                }
                Some(Found::Other(place, stat)) if names.is_empty() => {
                    return Ok(Some(Arrival::Other { stack, place, name, stat }));
                }
                None | Some(Found::Other(..)) => return Ok(None),
            }
        }
        Ok(Some(Arrival::Directory(stack)))
    }
}

fn is_regular(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

/// Opens what has been seen to be a regular file, and is one still.
fn open_regular(parent: &OwnedFd, name: &OsStr, path: &ContainerPath) -> Result<OwnedFd, MergedError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(parent, name, flags, Mode::empty())
        .call(|| format!("openat({name:?}, RDONLY|NOFOLLOW|NONBLOCK)"))?;
    if is_regular(&rustix::fs::fstat(&file).call(|| format!("fstat({path:?})"))?) {
        Ok(file)
    } else {
        Err(MergedError::NotRegular(path.clone()))
    }
}

fn read_whole(file: OwnedFd, path: &ContainerPath, limit: u64) -> Result<Vec<u8>, MergedError> {
    let mut content = Vec::with_capacity(USUAL);
    let file = std::fs::File::from(file);
    file.take(limit.saturating_add(1)).read_to_end(&mut content).call(|| format!("read({path:?})"))?;
    if content.len() as u64 > limit {
        return Err(MergedError::TooLarge { path: path.clone(), limit });
    }
    Ok(content)
}

/// The names in the target of a symlink, with its `..`.
pub(super) fn link_names(target: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    target.split(|&byte| byte == b'/').filter(|name| !matches!(*name, b"" | b"."))
}

/// A name as the calls take it.
pub(super) fn os(name: &[u8]) -> &OsStr {
    OsStr::from_bytes(name)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::super::testing::TempDir;
    use super::*;

    #[test]
    fn files_are_found_as_in_a_root_of_their_own() {
        let temp = TempDir::new();
        let at = |path: &str| temp.path().join(path);
        for directory in ["low/etc", "low/usr/lib", "top/etc", "top/run"] {
            fs::create_dir_all(at(directory)).unwrap();
        }
        fs::write(at("low/usr/lib/passwd"), "root").unwrap();
        fs::write(at("outside"), "secret").unwrap();
        for (link, target) in [
            ("low/etc/passwd", "../../../usr/lib/passwd"),
            ("top/lib", "/usr/lib"),
            ("top/etc/out", "../../outside"),
            ("top/etc/proc", "/proc/self/root/outside"),
            ("top/a", "b"),
            ("top/b", "a"),
        ] {
            symlink(target, at(link)).unwrap();
        }
        rustix::fs::mknodat(rustix::fs::CWD, at("top/run/pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
        let merged = Merged::new(vec![temp.open("top"), temp.open("low")]);
        let path = |text: &str| ContainerPath::parse(text).unwrap();
        let read = |text: &str| merged.read_file(&path(text), 4);
        for found in ["/etc/passwd", "/lib/passwd", "/usr/lib/passwd"] {
            assert_eq!(read(found).unwrap().as_deref(), Some(&b"root"[..]), "{found}");
        }
        for missing in ["/nothing", "/etc/out", "/etc/proc", "/etc/passwd/x"] {
            assert!(read(missing).unwrap().is_none(), "{missing}");
        }
        assert!(matches!(read("/a"), Err(MergedError::Loop(_))));
        assert!(matches!(read("/run/pipe"), Err(MergedError::NotRegular(_))));
        assert!(matches!(read("/etc"), Err(MergedError::NotRegular(_))));
        assert!(matches!(
            merged.read_file(&path("/etc/passwd"), 3),
            Err(MergedError::TooLarge { limit: 3, .. })
        ));
        fs::write(at("low/etc/group"), "them").unwrap();
        let plain = |directory: &str, names| merged.read_plain(OsStr::new(directory), names, 4);
        let them = Some(b"them".to_vec());
        assert_eq!(plain("etc", ["group", "none"]).unwrap(), Some([them, None]));
        assert_eq!(plain("none", ["group", "none"]).unwrap(), Some([None, None]));
        for (directory, name) in
            [("etc", "passwd"), ("lib", "passwd"), ("a", "x"), ("run", "pipe"), ("usr", "lib")]
        {
            assert_eq!(plain(directory, ["none", name]).unwrap(), None, "{directory}/{name}");
        }
        assert!(merged.read_plain(OsStr::new("etc"), ["group"], 3).is_err());
        let kind = |stat: Option<Stat>| stat.map(|stat| FileType::from_raw_mode(stat.st_mode));
        assert_eq!(kind(merged.lookup(&path("/etc/passwd")).unwrap()), Some(FileType::Symlink));
        assert_eq!(kind(merged.stat(&path("/etc/passwd")).unwrap()), Some(FileType::RegularFile));
        assert_eq!(kind(merged.stat(&path("/")).unwrap()), Some(FileType::Directory));
        assert!(Merged::default().stat(&path("/")).unwrap().is_none());
    }
}
