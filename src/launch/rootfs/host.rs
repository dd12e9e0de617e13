//! The machine's own root filesystem as an image: a skeleton in memory with one overlay for each piece.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::mount::MountAttrFlags;

use super::assemble::{Mounted, Overlay, Upper, attach, open};
use super::{Root, RootfsError};
use crate::plan::path::ContainerPath;
use crate::plan::rootfs::{HostArea, HostAreaKind, Lifetime};
use crate::sys::mount::{MountAttributes, Recursion, Setting};
use crate::sys::root::open_in_root;
use crate::sys::{Call, SysError, mount};

/// The throw-away layer and what is built on it.
struct Skeleton<'a> {
    /// The directory that becomes `/`.
    root: Root,
    /// Writable layers, one for each piece.
    uppers: OwnedFd,
    /// Their work directories.
    works: OwnedFd,
    /// The mount point of the whole, for kernels that attach by path.
    merged: &'a Path,
}

pub(super) fn assemble(areas: &[HostArea], merged: &Path) -> Result<Root, RootfsError> {
    let mut skeleton = Skeleton::new(merged)?;
    for (index, area) in areas.iter().enumerate() {
        skeleton.add(index, area)?;
    }
    Ok(skeleton.root)
}

fn area_error(path: &ContainerPath, source: SysError) -> RootfsError {
    RootfsError::Area { path: path.to_string(), source }
}

impl<'a> Skeleton<'a> {
    fn new(merged: &'a Path) -> Result<Self, RootfsError> {
        let of_root = |source| area_error(&ContainerPath::root(), source);
        let settings = [Setting::Text("mode", "0755")];
        let memory = mount::create("tmpfs", &settings, MountAttrFlags::MOUNT_ATTR_NODEV).map_err(of_root)?;
        mount::attach(&memory, open(merged)?).map_err(of_root)?;
        let make = |name: &str, mode: u32| {
            let name = OsStr::new(name);
            make_directory(memory.as_fd(), name, mode)
                .and_then(|()| open_directory(memory.as_fd(), name))
                .map_err(of_root)
        };
        let (uppers, works, root) = (make("upper", 0o700)?, make("work", 0o700)?, make("root", 0o755)?);
        // What the container sees is this one directory; the layers beside it stay out of its reach.
        let root = mount::clone_file(&root, Recursion::Single).map_err(of_root)?;
        let root = attach(root, merged)?;
        Ok(Self { root, uppers, works, merged })
    }

    fn add(&mut self, index: usize, area: &HostArea) -> Result<(), RootfsError> {
        let piece = self.try_add(index, area).map_err(|source| area_error(&area.path, source))?;
        self.root.pieces.extend(piece);
        Ok(())
    }

    /// Makes the piece; one that is a writable mount is returned.
    fn try_add(&self, index: usize, area: &HostArea) -> Result<Option<OwnedFd>, SysError> {
        let Some(name) = area.path.components().next_back() else { return Ok(None) };
        let parent = open_in_root(&self.root, area.path.join("..").as_os_str(), OFlags::PATH, Mode::empty())
            .call(|| format!("openat2({}/..)", area.path))?;
        let made = match &area.kind {
            HostAreaKind::Symlink { destination } => {
                rustix::fs::symlinkat(destination, &parent, name).call(|| format!("symlinkat({})", area.path))
            }
            HostAreaKind::Empty { mode } | HostAreaKind::Directory { mode } => {
                make_directory(parent.as_fd(), name, *mode)
            }
            HostAreaKind::ReadOnlyBind => {
                make_directory(parent.as_fd(), name, 0o755)?;
                let bind = mount::clone_path(Path::new(area.path.as_os_str()), Recursion::Recursive)?;
                mount::set_attributes(&bind, read_only(), Recursion::Recursive)?;
                mount::attach(bind, open_directory(parent.as_fd(), name)?)
            }
            HostAreaKind::ReadOnlyFile => {
                make_file(parent.as_fd(), name)?;
                let bind = mount::clone_path(Path::new(area.path.as_os_str()), Recursion::Single)?;
                mount::set_attributes(&bind, read_only(), Recursion::Single)?;
                let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let point = rustix::fs::openat(&parent, name, flags, Mode::empty());
                mount::attach(bind, point.call(|| format!("openat({name:?}, PATH|NOFOLLOW)"))?)
            }
            HostAreaKind::Overlay { mode } => {
                return self.add_overlay(index, area, *mode, (parent.as_fd(), name)).map(Some);
            }
        };
        made.map(|()| None)
    }

    fn add_overlay(
        &self,
        index: usize,
        area: &HostArea,
        mode: u32,
        (parent, name): (BorrowedFd<'_>, &OsStr),
    ) -> Result<OwnedFd, SysError> {
        // Inside an area that is an overlay itself, the point is there already.
        if let Err(error) = make_directory(parent, name, mode)
            && error.errno() != rustix::io::Errno::EXIST
        {
            return Err(error);
        }
        let number = index.to_string();
        let layer = |directory: &OwnedFd, mode: u32| {
            make_directory(directory.as_fd(), OsStr::new(&number), mode)?;
            open_directory(directory.as_fd(), OsStr::new(&number))
        };
        let path = Path::new(area.path.as_os_str());
        let lower = rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .call(|| format!("open({path:?}, PATH|DIRECTORY)"))?;
        let upper = Upper {
            changes: layer(&self.uppers, mode)?,
            work: layer(&self.works, 0o700)?,
            lifetime: Lifetime::Ephemeral,
        };
        let attributes = MountAttrFlags::MOUNT_ATTR_NODEV;
        let overlay = Overlay { scaffold: None, lowers: vec![lower], upper: Some(upper), attributes };
        let target = self.merged.join(path.strip_prefix("/").unwrap_or(path));
        match overlay.mount(&target)? {
            Mounted::Attached => open_directory(parent, name),
            Mounted::Detached(mounted) => {
                mount::attach(&mounted, open_directory(parent, name)?)?;
                Ok(mounted)
            }
        }
    }
}

fn read_only() -> MountAttributes {
    let set = u64::from(MountAttrFlags::MOUNT_ATTR_RDONLY.bits());
    MountAttributes { set, ..MountAttributes::default() }
}

fn make_file(parent: BorrowedFd<'_>, name: &OsStr) -> Result<(), SysError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(0o644))
        .map(drop)
        .call(|| format!("openat({name:?}, CREATE|EXCL)"))
}

fn make_directory(parent: BorrowedFd<'_>, name: &OsStr, mode: u32) -> Result<(), SysError> {
    rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(mode))
        .call(|| format!("mkdirat({name:?}, {mode:o})"))
}

fn open_directory(parent: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, SysError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty())
        .call(|| format!("openat({name:?}, PATH|DIRECTORY)"))
}
