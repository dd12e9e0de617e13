//! Copies trees: one as it is, or a stack of layers as the one tree that it shows.
//!
//! Everything goes by descriptor and never through a symlink. Each directory is reached from the root again, so
//! that depth costs no descriptors.

mod data;
pub mod dress;
pub(in crate::store) mod inode;
mod living;

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, Stat};
use rustix::io::Errno;
use thiserror::Error;

use super::merged::{Found, Merged, MergedDir, is_whiteout, open_directory, stat_name};
use crate::sys::{Call, SysError, moment};
pub use data::{Amount, LeftOut, Sharing};
use inode::{Dress, Marks};
use living::SourceState;
pub use living::copy_living_tree;

/// What could not be copied. The destination holds a part of the tree then.
#[derive(Debug, Error)]
#[error("cannot copy `{path}`")]
pub struct CopyError {
    /// Its path below the root of the tree.
    pub path: String,
    /// The call.
    #[source]
    pub source: SysError,
}

/// The names from the root of the tree down to a directory.
type Names = Vec<OsString>;

/// One name of a directory to copy.
struct Child {
    name: OsString,
    /// In which of the parts of its directory it is.
    place: usize,
    stat: Stat,
}

/// What becomes of device nodes that the kernel does not let this process make.
enum Devices {
    /// The copy fails.
    Needed,
    /// They are missing in the copy; their paths.
    LeftOut(Vec<String>),
}

struct Copier<'c> {
    source: &'c MergedDir,
    destination: BorrowedFd<'c>,
    owners: &'c mut dyn FnMut(u32, u32) -> (u32, u32),
    marks: Marks,
    sharing: Sharing,
    amount: Amount,
    progress: &'c mut dyn FnMut(Amount),
    /// Whether the source may change meanwhile: what disappears is left out.
    source_state: SourceState,
    /// Where the first name of a file with several is, by device and inode number.
    links: HashMap<(u64, u64), (Names, OsString)>,
    devices: Devices,
    /// Whether something has said in an xattr that it would be somebody else's.
    has_owners: bool,
    /// The directories that were copied, each behind the one that it is in.
    directories: Vec<(Names, Stat)>,
}

/// Copies the directory `source` with its metadata to the empty directory `destination`.
///
/// Types, modes, times, xattrs, holes and hard links inside the tree stay, and so do the whiteouts and marks of
/// overlay. `owners` gives the owner of a copy for the user and group ID of its model, both as this process sees
/// them. Data are shared where the file system can.
///
/// # Errors
/// The kernel refuses something.
pub fn copy_tree(
    source: BorrowedFd<'_>,
    destination: BorrowedFd<'_>,
    owners: &mut dyn FnMut(u32, u32) -> (u32, u32),
) -> Result<(), CopyError> {
    Copier::new(&alone(source)?, destination, owners, &mut |_| ()).run()
}

/// One directory as a stack of which it is all.
fn alone(directory: BorrowedFd<'_>) -> Result<MergedDir, CopyError> {
    let directory = open_directory(directory, OsStr::new(".")).call(|| "openat(\".\")");
    Ok(MergedDir { parts: vec![directory.map_err(|error| failed(&[], error))?] })
}

/// The same for the files that a volume gets: owners stay, and device nodes that the kernel does not let this process
/// make are left out.
///
/// # Errors
/// The kernel refuses something else.
pub fn copy_for_volume(source: BorrowedFd<'_>, destination: BorrowedFd<'_>) -> Result<LeftOut, CopyError> {
    let (source, mut owners) = (alone(source)?, |user, group| (user, group));
    let mut progress = |_| ();
    let mut copier = Copier::new(&source, destination, &mut owners, &mut progress);
    copier.marks = Marks::Wanted;
    copier.devices = Devices::LeftOut(Vec::new());
    copier.run()?;
    let devices = match copier.devices {
        Devices::Needed => Vec::new(),
        Devices::LeftOut(paths) => paths,
    };
    Ok(LeftOut { devices, owners: copier.has_owners })
}

/// Copies the tree that a stack of layers shows to the empty directory `destination`, without any mark of overlay.
///
/// # Errors
/// The kernel refuses something.
pub fn flatten(layers: &Merged, destination: BorrowedFd<'_>) -> Result<(), CopyError> {
    let mut owners = |user, group| (user, group);
    let mut ignored = |_| ();
    let mut copier = Copier::new(&layers.root, destination, &mut owners, &mut ignored);
    copier.marks = Marks::Dropped;
    copier.run()
}

impl<'c> Copier<'c> {
    fn new(
        source: &'c MergedDir,
        destination: BorrowedFd<'c>,
        owners: &'c mut dyn FnMut(u32, u32) -> (u32, u32),
        progress: &'c mut dyn FnMut(Amount),
    ) -> Self {
        Self {
            source,
            destination,
            owners,
            marks: Marks::Kept,
            sharing: Sharing::Auto,
            amount: Amount::default(),
            progress,
            source_state: SourceState::Still,
            links: HashMap::new(),
            devices: Devices::Needed,
            has_owners: false,
            directories: Vec::new(),
        }
    }

    fn run(&mut self) -> Result<(), CopyError> {
        let mut waiting = vec![Names::new()];
        while let Some(names) = waiting.pop() {
            let children = match self.copy_directory(&names) {
                Err(error) if !names.is_empty() && self.has_gone(&error) => {
                    self.take_back(&names).map_err(|error| failed(&names, error))?;
                    continue;
                }
                children => children.map_err(|error| failed(&names, error))?,
            };
            waiting.extend(children.into_iter().map(|child| [&names[..], &[child]].concat()));
        }
        // The deepest first: filling a directory changes its time, and its mode may forbid it.
        while let Some((names, stat)) = self.directories.pop() {
            self.complete(&names, &stat).map_err(|error| failed(&names, error))?;
        }
        Ok(())
    }

    /// Copies a directory without its directories, and gives their names.
    fn copy_directory(&mut self, names: &[OsString]) -> Result<Names, SysError> {
        let source = self.open_source(names)?;
        let from = source.as_ref().unwrap_or(self.source);
        let Some(top) = from.parts.first() else { return Ok(Names::new()) };
        let to = self.open_destination(names)?;
        let stat = rustix::fs::fstat(top).call(|| "fstat(directory)")?;
        let dress = self.dress(&stat);
        self.has_owners |= inode::copy_owner_and_xattrs(top.as_fd(), to.as_fd(), dress)?;
        self.directories.push((names.to_vec(), stat));
        let mut directories = Names::new();
        for child in self.children(from)? {
            if FileType::from_raw_mode(child.stat.st_mode) == FileType::Directory {
                rustix::fs::mkdirat(&to, &child.name, Mode::RWXU)
                    .call(|| format!("mkdirat({:?})", child.name))?;
                directories.push(child.name);
            } else {
                self.copy_child(from.parts[child.place].as_fd(), to.as_fd(), names, child)?;
            }
        }
        Ok(directories)
    }

    fn copy_child(
        &mut self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        names: &[OsString],
        child: Child,
    ) -> Result<(), SysError> {
        let key = (child.stat.st_dev, child.stat.st_ino);
        if let Some((directory, first)) = self.links.get(&key) {
            let directory = self.open_destination(directory)?;
            return rustix::fs::linkat(&directory, first, to, &child.name, AtFlags::empty())
                .call(|| format!("linkat({first:?}, {:?})", child.name));
        }
        let dress = self.dress(&child.stat);
        let copied = match FileType::from_raw_mode(child.stat.st_mode) {
            FileType::RegularFile => {
                let data = inode::Data { sharing: self.sharing, amount: &mut self.amount };
                inode::copy_file((from, to), &child.name, &child.stat, dress, data)
            }
            _ => inode::copy_inode(from, to, &child.name, &child.stat, dress).map(|()| false),
        };
        match copied {
            Err(error) if self.has_gone(&error) => return Ok(()),
            Err(error) if error.errno() == Errno::PERM && is_device(&child.stat) => match &mut self.devices {
                Devices::Needed => return Err(error),
                Devices::LeftOut(paths) => {
                    paths.push(shown_path(&[names, &[child.name]].concat()));
                    return Ok(());
                }
            },
            copied => self.has_owners |= copied?,
        }
        moment("file copied");
        (self.progress)(self.amount);
        if child.stat.st_nlink > 1 {
            self.links.insert(key, (names.to_vec(), child.name));
        }
        Ok(())
    }

    /// The names of a directory that the copy has.
    fn children(&self, directory: &MergedDir) -> Result<Vec<Child>, SysError> {
        let mut seen = HashSet::new();
        let mut children = Vec::new();
        for (place, part) in directory.parts.iter().enumerate() {
            for name in inode::names(part.as_fd())? {
                if !seen.insert(name.clone()) {
                    continue;
                }
                let Some(stat) = stat_name(part, &name)? else { continue };
                if self.marks == Marks::Kept || !is_whiteout(&stat) {
                    children.push(Child { name, place, stat });
                }
            }
        }
        Ok(children)
    }

    /// The directory in the source; `None` for its root.
    fn open_source(&self, names: &[OsString]) -> Result<Option<MergedDir>, SysError> {
        let mut directory = None;
        for name in names {
            let above = directory.as_ref().unwrap_or(self.source);
            directory = match above.find(name)? {
                Some(Found::Directory(found)) => Some(found),
                Some(Found::Other(..)) | None => {
                    return Err(SysError::new(format!("openat({name:?}, DIRECTORY)"), Errno::NOTDIR));
                }
            };
        }
        Ok(directory)
    }

    fn open_destination(&self, names: &[OsString]) -> Result<OwnedFd, SysError> {
        let open = |parent: BorrowedFd<'_>, name: &OsStr| {
            open_directory(parent, name).call(|| format!("openat({name:?}, DIRECTORY|NOFOLLOW)"))
        };
        let mut directory = open(self.destination, OsStr::new("."))?;
        for name in names {
            directory = open(directory.as_fd(), name)?;
        }
        Ok(directory)
    }

    fn dress(&mut self, stat: &Stat) -> Dress {
        Dress { owner: Some((self.owners)(stat.st_uid, stat.st_gid)), marks: self.marks }
    }

    fn complete(&self, names: &[OsString], stat: &Stat) -> Result<(), SysError> {
        let directory = self.open_destination(names)?;
        rustix::fs::fchmod(&directory, Mode::from_raw_mode(stat.st_mode & 0o7777)).call(|| "fchmod")?;
        rustix::fs::futimens(&directory, &inode::mtime(stat)).call(|| "futimens")
    }
}

fn is_device(stat: &Stat) -> bool {
    matches!(FileType::from_raw_mode(stat.st_mode), FileType::CharacterDevice | FileType::BlockDevice)
}

fn shown_path(names: &[OsString]) -> String {
    let path = names.iter().fold(String::new(), |path, name| path + "/" + &name.to_string_lossy());
    if path.is_empty() { "/".into() } else { path }
}

fn failed(names: &[OsString], source: SysError) -> CopyError {
    CopyError { path: shown_path(names), source }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};

    use rustix::fs::XattrFlags;

    use super::super::merged::OPAQUE;
    use super::super::testing::TempDir;
    use super::*;

    fn whiteout(temp: &TempDir, path: &str) {
        let path = temp.path().join(path);
        rustix::fs::mknodat(rustix::fs::CWD, path, FileType::CharacterDevice, Mode::empty(), 0).unwrap();
    }

    fn layers() -> TempDir {
        let temp = TempDir::new();
        let at = |path: &str| temp.path().join(path);
        for directory in ["low/d/sub", "low/o", "top/d/sub", "top/o", "copy"] {
            fs::create_dir_all(at(directory)).unwrap();
        }
        for file in ["low/gone", "low/d/low", "low/d/gone", "low/o/gone", "top/d/sub/top", "top/o/top"] {
            fs::write(at(file), file).unwrap();
        }
        fs::hard_link(at("top/o/top"), at("top/name")).unwrap();
        symlink("nowhere", at("low/link")).unwrap();
        let sparse = fs::File::create(at("low/sparse")).unwrap();
        sparse.set_len(8 << 20).unwrap();
        whiteout(&temp, "top/gone");
        whiteout(&temp, "top/d/gone");
        rustix::fs::setxattr(at("top/o"), OPAQUE, b"y", XattrFlags::empty()).unwrap();
        rustix::fs::setxattr(at("top/o/top"), "user.a", b"b", XattrFlags::empty()).unwrap();
        fs::set_permissions(at("low/d/sub"), fs::Permissions::from_mode(0o777)).unwrap();
        fs::set_permissions(at("top/d/sub"), fs::Permissions::from_mode(0o555)).unwrap();
        temp
    }

    #[test]
    fn a_stack_becomes_one_plain_tree() {
        let temp = layers();
        flatten(&Merged::new(vec![temp.open("top"), temp.open("low")]), temp.open("copy").as_fd()).unwrap();
        let at = |path: &str| temp.path().join("copy").join(path);
        for gone in ["gone", "d/gone", "o/gone"] {
            assert!(fs::symlink_metadata(at(gone)).is_err(), "{gone}");
        }
        assert_eq!(fs::read(at("d/low")).unwrap(), b"low/d/low");
        assert_eq!(fs::read(at("name")).unwrap(), b"top/o/top");
        assert_eq!(fs::metadata(at("name")).unwrap().ino(), fs::metadata(at("o/top")).unwrap().ino());
        assert_eq!(fs::metadata(at("d/sub")).unwrap().mode(), 0o40_555);
        assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
        let mut value = [0; 4];
        assert!(rustix::fs::getxattr(at("o"), OPAQUE, &mut value[..]).is_err());
        assert_eq!(rustix::fs::getxattr(at("o/top"), "user.a", &mut value[..]), Ok(1));
        let sparse = fs::metadata(at("sparse")).unwrap();
        assert!(sparse.len() == 8 << 20 && sparse.blocks() < 1000);
    }

    #[test]
    fn a_layer_stays_a_layer() {
        let temp = layers();
        let mut seen = Vec::new();
        let mut owners = |user, group| {
            seen.push((user, group));
            (user, group)
        };
        copy_tree(temp.open("top").as_fd(), temp.open("copy").as_fd(), &mut owners).unwrap();
        let at = |path: &str| temp.path().join("copy").join(path);
        assert!(fs::symlink_metadata(at("d/gone")).unwrap().file_type().is_char_device());
        let mut value = [0; 4];
        assert_eq!(rustix::fs::getxattr(at("o"), OPAQUE, &mut value[..]), Ok(1));
        let old = fs::metadata(temp.path().join("top/d")).unwrap();
        let new = fs::metadata(at("d")).unwrap();
        assert_eq!((old.mtime(), old.mtime_nsec()), (new.mtime(), new.mtime_nsec()));
        assert!(seen.len() > 5);
    }
}
