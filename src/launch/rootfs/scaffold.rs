//! Mount points in memory, for a container that is thrown away.
//!
//! What an image lacks of directories and files to mount on would be made in the writable layer on the disk, and removed
//! with it, which costs a file system far more than the mounts themselves. So they are made in a tmpfs that becomes the
//! topmost layer below. The directories of the image that they lie in are there once more, and look as they do.
//!
//! This is a shortcut: what cannot be made here is made in the writable layer when it is needed, as for containers that
//! stay, whose own layer has to have it.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use super::assemble::{UNMAPPED, attach};
use super::image::Image;
use super::point::{MAX_SYMLINKS, give_to_root};
use super::{MARKS, MTAB, PointKind};
use crate::launch::Copying;
use crate::plan::Plan;
use crate::plan::attachment::{Attachment, Merged, Source};
use crate::plan::path::ContainerPath;
use crate::plan::rootfs::{Fill, Lifetime, RootIndex, Rootfs};
use crate::sys::SysError;
use crate::sys::layered::{Found, MergedDir};
use crate::sys::mount::{self, Setting};

/// How many lower layers overlayfs takes.
const LOWERS: usize = 500;

/// A directory of the container while it is looked for: the names from the root on, each with what the image has there.
type Names = Vec<(OsString, Option<MergedDir>)>;

/// The last directory that a point was made in. Most lie beside each other.
struct Place {
    path: OsString,
    names: Names,
    /// The same in the tmpfs, once there is something in it.
    own: Option<OwnedFd>,
}

/// Mount points in memory, as a layer.
pub(in crate::launch) struct Scaffold {
    pub(super) tree: OwnedFd,
    /// The destinations that the image lacks.
    pub(super) made: HashSet<ContainerPath>,
}

struct Builder<'a> {
    image: Image<'a>,
    scaffold: Scaffold,
    copying: Copying<'a>,
    place: Place,
}

/// Makes the points of a plan's mounts that the image of these layers lacks, for use as one more layer on top. What it
/// takes is attached at `merged`, below the container's root, and goes with the host's mounts.
///
/// None where it would not do: for what stays; where 32-bit programs run, some of which cannot read the inode numbers
/// that layers of two file systems have; or where the kernel refuses something.
pub(in crate::launch) fn raise(
    plan: &Plan,
    (lowers, merged): (&MergedDir, &Path),
    copying: Copying<'_>,
) -> Option<Scaffold> {
    let known = wanted_over(plan, &lowers.parts)?;
    let settings = [Setting::Text("mode", "755")];
    let tree = mount::create("tmpfs", &settings, MountAttrFlags::MOUNT_ATTR_NODEV).ok()?;
    let root = rustix::fs::openat(&tree, c".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    attach(tree, merged).ok()?;
    let image = Image::list(lowers, known).ok()?;
    let place = Place { path: OsString::new(), names: Names::new(), own: None };
    let scaffold = Scaffold { tree: root, made: HashSet::new() };
    let mut builder = Builder { image, scaffold, copying, place };
    builder.points(plan).and_then(|()| builder.marks())?;
    Some(builder.scaffold)
}

/// Whether these layers below the writable one, and what is to run over them, can do with one more; what is known of them.
fn wanted_over<'a>(plan: &'a Plan, lowers: &[OwnedFd]) -> Option<&'a RootIndex> {
    let Rootfs::Overlay { lifetime: Lifetime::Ephemeral, index, .. } = &plan.rootfs else { return None };
    // A volume that takes the image's `/etc` or `/run` takes it before minirun leaves its marks there.
    let is_marked = |fill: &Fill| {
        fill.destination.components().next_back().is_some_and(|name| name == "etc" || name == "run")
    };
    let is_wanted = lowers.len() < LOWERS
        && !plan.fills.iter().any(is_marked)
        && plan.process.filter.as_ref().is_some_and(|filter| !filter.opens_32_bit());
    is_wanted.then_some(index)
}

/// Whether one of these is above a path.
fn is_below(path: &ContainerPath, above: &HashSet<&OsStr>) -> bool {
    Path::new(path.as_os_str()).ancestors().skip(1).any(|path| above.contains(path.as_os_str()))
}

/// What has to be there for a mount; none if only opening its source tells.
fn kind(mount: &Attachment) -> Option<PointKind> {
    match &mount.source {
        Source::Bind { path, .. } => {
            let stat = rustix::fs::stat(path).ok()?;
            let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            Some(if is_directory { PointKind::Directory } else { PointKind::File })
        }
        Source::New { .. } | Source::Merged(Merged { subpath: None, .. }) | Source::Driver(_) => {
            Some(PointKind::Directory)
        }
        Source::Device { .. } => Some(PointKind::File),
        Source::Merged(_) | Source::Beneath { .. } | Source::Link { .. } => None,
    }
}

impl Builder<'_> {
    fn points(&mut self, plan: &Plan) -> Option<()> {
        let mut seen = HashSet::new();
        for mount in &plan.mounts {
            // What lies in another mount is made there.
            if !is_below(&mount.destination, &seen)
                && let Some(kind) = kind(mount)
            {
                self.make(&mount.destination, |own, name| make(own, name, kind))?;
            }
            seen.insert(mount.destination.as_os_str());
        }
        Some(())
    }

    /// The marks of a container, where the image has directories for them.
    fn marks(&mut self) -> Option<()> {
        let marks = MARKS.map(|mark| (mark, None)).into_iter().chain([(MTAB.0, Some(MTAB.1))]);
        for (path, link) in marks {
            let path = ContainerPath::root().join(path);
            let parent = Path::new(path.as_os_str()).parent()?.to_owned();
            let is_there = self.enter(parent.as_os_str()).is_some()
                && self.place.names.iter().all(|(_, image)| image.is_some());
            if !is_there {
                continue;
            }
            self.make(&path, |own, name| match link {
                None => make(own, name, PointKind::File),
                Some(text) => rustix::fs::symlinkat(text, own, name),
            })?;
        }
        Some(())
    }

    /// Makes what is at `path`, unless the image has something there or on the way.
    fn make(
        &mut self,
        destination: &ContainerPath,
        make: impl Fn(BorrowedFd<'_>, &OsStr) -> Result<(), Errno>,
    ) -> Option<()> {
        let path = Path::new(destination.as_os_str());
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Some(()) };
        if self.enter(parent.as_os_str()).is_none() {
            return Some(());
        }
        if !self.find(&self.place.names, name).is_ok_and(|found| found.is_none()) {
            return Some(());
        }
        if self.place.own.is_none() {
            self.place.own = Some(self.own()?);
        }
        match make(self.place.own.as_ref()?.as_fd(), name) {
            Ok(()) | Err(Errno::EXIST) => {
                self.scaffold.made.insert(destination.clone());
                Some(())
            }
            Err(_) => None,
        }
    }

    /// Goes to a directory; none if the image has something else on the way.
    fn enter(&mut self, path: &OsStr) -> Option<()> {
        if self.place.path != path {
            let names = self.walk(path)?;
            self.place = Place { path: path.to_owned(), names, own: None };
        }
        Some(())
    }

    fn walk(&self, path: &OsStr) -> Option<Names> {
        let split = |path: &OsStr| -> Vec<OsString> {
            let names = path.as_bytes().split(|&byte| byte == b'/').rev();
            names.filter(|name| !name.is_empty()).map(|name| OsStr::from_bytes(name).to_owned()).collect()
        };
        let (mut names, mut pending, mut symlinks) = (Names::new(), split(path), 0);
        while let Some(name) = pending.pop() {
            if name == ".." {
                names.pop();
            }
            if name == "." || name == ".." {
                continue;
            }
            match self.find(&names, &name).ok()? {
                None => names.push((name, None)),
                Some((Found::Directory(found), _)) => names.push((name, Some(found))),
                Some((Found::Other(place, stat), here))
                    if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink
                        && symlinks < MAX_SYMLINKS =>
                {
                    symlinks += 1;
                    let text = OsString::from_vec(here.read_link(place, &name).ok()?);
                    if text.as_bytes().first() == Some(&b'/') {
                        names.clear();
                    }
                    pending.extend(split(&text));
                }
                Some((Found::Other(..), _)) => return None,
            }
        }
        Some(names)
    }

    /// What the image has of that name in the last of these directories, and that directory.
    fn find<'n>(
        &'n self,
        names: &'n Names,
        name: &OsStr,
    ) -> Result<Option<(Found, &'n MergedDir)>, SysError> {
        Ok(match names.last() {
            None => self.image.find(name)?.map(|found| (found, self.image.root())),
            Some((_, Some(here))) => here.find(name)?.map(|found| (found, here)),
            Some((_, None)) => None,
        })
    }

    /// The directory of the tmpfs for the place, made where it is missing.
    fn own(&self) -> Option<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut own = rustix::fs::openat(&self.scaffold.tree, c".", flags, Mode::empty()).ok()?;
        for (name, image) in &self.place.names {
            let made = make(own.as_fd(), name, PointKind::Directory);
            own = rustix::fs::openat(&own, name, flags, Mode::empty()).ok()?;
            match (made, image) {
                (Ok(()), Some(image)) => {
                    let image = image.parts.first()?;
                    let stat = rustix::fs::fstat(image).ok()?;
                    if stat.st_uid == UNMAPPED || stat.st_gid == UNMAPPED {
                        return None;
                    }
                    (self.copying.dress)(image.as_fd(), own.as_fd()).ok()?;
                }
                (Ok(()) | Err(Errno::EXIST), _) => {}
                (Err(_), _) => return None,
            }
        }
        Some(own)
    }
}

fn make(directory: BorrowedFd<'_>, name: &OsStr, kind: PointKind) -> Result<(), Errno> {
    match kind {
        PointKind::Directory => rustix::fs::mkdirat(directory, name, Mode::from_raw_mode(0o755))?,
        PointKind::File => {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            rustix::fs::openat(directory, name, flags, Mode::from_raw_mode(0o644))?;
        }
    }
    give_to_root(directory, name);
    Ok(())
}
