//! What is mounted, as a detached tree: copied from the host, made new, or merged.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use super::{Cause, default, merged};
use crate::launch::rootfs::{PointKind, Root};
use crate::launch::{Copying, device};
use crate::plan::attachment::{Attachment, DriverFileSystem, FileSystem, Source};
use crate::plan::mount::{Access, Content, Recursion};
use crate::plan::path::{ContainerPath, Subpath};
use crate::sys::mount::{self, Recursion as Depth, Setting};
use crate::sys::root::open_beneath;
use crate::sys::{Call, SysError};

/// A mount that is attached nowhere yet.
pub(in crate::launch) struct Tree {
    pub(in crate::launch) mount: OwnedFd,
    /// What the mount point has to be.
    pub(super) kind: PointKind,
    /// How far down attributes are set.
    pub(super) depth: Depth,
    /// How far down it is made read-only.
    pub(super) read_only_depth: Depth,
    /// What had to be done differently.
    pub(in crate::launch) notice: Option<String>,
}

/// What comes of a source.
pub(in crate::launch) enum Opened {
    Tree(Tree),
    /// Nothing, and what to say about it.
    Nothing(String),
}

impl Tree {
    /// A tree with nothing mounted in it.
    pub(super) fn single(mount: OwnedFd, kind: PointKind) -> Self {
        Self { mount, kind, depth: Depth::Single, read_only_depth: Depth::Single, notice: None }
    }

    fn of_host(mount: OwnedFd, kind: PointKind, recursion: Recursion) -> Self {
        let depth = depth(recursion);
        let read_only_depth = if recursion == Recursion::Writable { Depth::Single } else { depth };
        Self { mount, kind, depth, read_only_depth, notice: None }
    }
}

/// Opens what `mount` has as its source; for what a symlink is made of, the caller has looked already.
pub(in crate::launch) fn open(
    root: &Root,
    mount: &Attachment,
    copying: Copying<'_>,
) -> Result<Opened, Cause> {
    let tree = match &mount.source {
        Source::Bind { path, recursion } => bind(path, *recursion)?,
        Source::Link { path } => bind(path, Recursion::Enabled)?,
        Source::Device { path, number } => Tree::single(device::bind_only(path, *number)?, PointKind::File),
        Source::Beneath { base, subpath, recursion } => beneath(base, subpath, *recursion)?,
        Source::New { kind, options, content } => {
            return new(root, (*kind, mount, options), *content, copying);
        }
        Source::Merged(merged) => merged::open(merged, copying)?,
        Source::Driver(driver) => of_driver(root, driver, mount, copying)?,
    };
    Ok(Opened::Tree(tree))
}

fn depth(recursion: Recursion) -> Depth {
    if recursion == Recursion::Disabled { Depth::Single } else { Depth::Recursive }
}

pub(super) fn open_path(path: &Path, flags: OFlags) -> Result<OwnedFd, SysError> {
    rustix::fs::open(path, flags | OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .call(|| format!("open({path:?}, PATH)"))
}

/// Opens a directory whose metadata are going to be changed.
pub(super) fn open_readable(path: &Path) -> Result<OwnedFd, SysError> {
    rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .call(|| format!("open({path:?}, DIRECTORY)"))
}

/// What the mount point of an open file has to be.
pub(super) fn kind(file: BorrowedFd<'_>) -> Result<PointKind, SysError> {
    let stat = rustix::fs::fstat(file).call(|| "fstat(source)")?;
    Ok(match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => PointKind::Directory,
        _ => PointKind::File,
    })
}

/// Opens a part of a directory; the descriptor is what is bound, so that nobody gains by swapping names.
pub(super) fn open_part(base: BorrowedFd<'_>, subpath: &Subpath) -> Result<OwnedFd, Cause> {
    let opened = open_beneath(base, subpath.as_os_str(), OFlags::PATH, Mode::empty());
    opened.call(|| format!("openat2({:?}, BENEATH)", subpath.as_os_str())).map_err(|source| {
        let subpath = subpath.to_string();
        match source.errno() {
            Errno::NOENT | Errno::NOTDIR => Cause::NoSubpath { subpath, source },
            Errno::XDEV | Errno::LOOP => Cause::SubpathOutside { subpath, source },
            _ => Cause::Sys(source),
        }
    })
}

/// Opens the source and copies the mount it is in, from there down.
pub(super) fn bind(path: &Path, recursion: Recursion) -> Result<Tree, SysError> {
    let source = open_path(path, OFlags::empty())?;
    let kind = kind(source.as_fd())?;
    let mount = mount::clone_file(&source, depth(recursion))
        .map_err(|error| SysError::new(format!("open_tree({path:?}, CLONE)"), error.errno()))?;
    Ok(Tree::of_host(mount, kind, recursion))
}

/// The same for a part of a directory.
pub(super) fn beneath(base: &Path, subpath: &Subpath, recursion: Recursion) -> Result<Tree, Cause> {
    let base = open_path(base, OFlags::DIRECTORY)?;
    let part = open_part(base.as_fd(), subpath)?;
    let kind = kind(part.as_fd())?;
    Ok(Tree::of_host(mount::clone_file(&part, depth(recursion))?, kind, recursion))
}

fn new(
    root: &Root,
    (kind, mount, options): (FileSystem, &Attachment, &[(String, Option<String>)]),
    content: Content,
    copying: Copying<'_>,
) -> Result<Opened, Cause> {
    let tree = match create(root, kind, &mount.destination, options) {
        Ok(tree) => Tree::single(tree, PointKind::Directory),
        Err(error) => match default::instead(kind, &error)? {
            default::Instead::Bind(tree, notice) => Tree {
                depth: Depth::Recursive,
                read_only_depth: Depth::Recursive,
                notice: Some(notice),
                ..Tree::single(tree, PointKind::Directory)
            },
            default::Instead::Nothing(notice) => return Ok(Opened::Nothing(notice)),
        },
    };
    if let (Content::Image, Some(directory)) = (content, root.open_model(&mount.destination)) {
        (copying.copy)(directory.as_fd(), tree.mount.as_fd()).map_err(Cause::Copy)?;
        look_as_asked(&tree.mount, options)?;
    }
    Ok(Opened::Tree(tree))
}

/// Gives the root of a new file system, which looks like the directory that was copied into it, the owner and mode that
/// its options say.
fn look_as_asked(tree: &OwnedFd, options: &[(String, Option<String>)]) -> Result<(), SysError> {
    let value = |wanted: &str| {
        let option = options.iter().find(|(key, _)| key == wanted);
        option.and_then(|(_, value)| value.as_deref())
    };
    let id = |key: &str| value(key).and_then(|text| text.parse().ok());
    let (user, group) = (id("uid").map(Uid::from_raw), id("gid").map(Gid::from_raw));
    if user.is_some() || group.is_some() {
        rustix::fs::chownat(tree, c"", user, group, AtFlags::EMPTY_PATH).call(|| "fchownat(new mount)")?;
    }
    let Some(mode) = value("mode").and_then(|text| u32::from_str_radix(text, 8).ok()) else { return Ok(()) };
    // The descriptor of a new mount names it, and can do no more.
    let root =
        rustix::fs::openat(tree, c".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .call(|| "openat(new mount)")?;
    rustix::fs::fchmod(root, Mode::from_raw_mode(mode)).call(|| format!("fchmod(new mount, {mode:o})"))
}

fn create(
    root: &Root,
    kind: FileSystem,
    destination: &ContainerPath,
    options: &[(String, Option<String>)],
) -> Result<OwnedFd, SysError> {
    // Devpts is always a new instance, and says so itself on every kernel that has fsopen.
    let wanted = options.iter().filter(|(key, _)| key != "newinstance");
    let mut settings: Vec<Setting<'_>> = wanted.map(setting).collect();
    let mode;
    if kind == FileSystem::Tmpfs && !options.iter().any(|(key, _)| key == "mode") {
        // Like the other runtimes: a tmpfs looks like the directory that it covers.
        if let Some(covered) = root.mode(destination) {
            mode = format!("{covered:o}");
            settings.push(Setting::Text("mode", &mode));
        }
    }
    mount::create(kind.name(), &settings, MountAttrFlags::empty())
}

fn setting((key, value): &(String, Option<String>)) -> Setting<'_> {
    match value {
        Some(value) => Setting::Text(key, value),
        None => Setting::Flag(key),
    }
}

/// The file system that a volume's options describe, filled from the image if it is empty.
fn of_driver(
    root: &Root,
    driver: &DriverFileSystem,
    mount: &Attachment,
    copying: Copying<'_>,
) -> Result<Tree, Cause> {
    let mut settings = vec![Setting::Text("source", &driver.device)];
    settings.extend(driver.options.iter().map(setting));
    if mount.attributes.access == Access::ReadOnly && driver.content == Content::Empty {
        // A device may be one that cannot be written at all.
        settings.push(Setting::Flag("ro"));
    }
    let whole =
        mount::create(&driver.kind, &settings, MountAttrFlags::empty()).map_err(|source| {
            match source.errno() {
                Errno::PERM => Cause::RootOnly { kind: driver.kind.clone(), source },
                _ => Cause::Sys(source),
            }
        })?;
    let notice = match (driver.content, root.open_model(&mount.destination)) {
        (Content::Image, Some(image)) => {
            (copying.fill_inside)(image.as_fd(), whole.as_fd()).map_err(Cause::Copy)?
        }
        _ => None,
    };
    let tree = match &driver.subpath {
        None => Tree::single(whole, PointKind::Directory),
        Some(subpath) => part(&whole, &driver.aside, subpath)?,
    };
    Ok(Tree { notice, ..tree })
}

/// A part of a detached mount. Up to Linux 6.14 one that is attached nowhere cannot be copied, so it is attached
/// aside, where it stays unseen until the host's mounts are let go of.
pub(super) fn part(whole: &OwnedFd, aside: &Path, subpath: &Subpath) -> Result<Tree, Cause> {
    let point = open_path(aside, OFlags::DIRECTORY)?;
    mount::attach(whole, point)?;
    let part = open_part(whole.as_fd(), subpath)?;
    let kind = kind(part.as_fd())?;
    Ok(Tree::single(mount::clone_file(&part, Depth::Single)?, kind))
}
