//! Putting the root filesystem together: by descriptor where the kernel takes them, else with the classic call.

use std::collections::HashSet;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, XattrFlags};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;
use rustix::process::{Gid, Uid};

use super::scaffold::Scaffold;
use super::{Root, RootfsError, host};
use crate::plan::rootfs::{Lifetime, Rootfs};
use crate::sys::layered::{MergedDir, open_beside};
use crate::sys::mount::{Recursion, Setting};
use crate::sys::process::DescriptorLimit;
use crate::sys::{Call, SysError, mount};

/// What the kernel says of an ID that the user namespace does not have (`/proc/sys/kernel/overflowuid`).
pub(super) const UNMAPPED: u32 = 65534;

/// How long the names of all xattrs of a file, or the value of one, can be, in bytes.
const LIST: usize = 64 << 10;

/// Device nodes of an image never work.
const ATTRIBUTES: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NODEV;

/// Mounts the root filesystem on its mount point, where only this mount namespace sees it.
///
/// `raise` may make one more layer to go on top of those of the image.
pub(in crate::launch) fn assemble(
    rootfs: &Rootfs,
    raise: impl FnOnce(&MergedDir, &Path) -> Option<Scaffold>,
) -> Result<Root, RootfsError> {
    match rootfs {
        Rootfs::Directory { path, merged } => {
            let mount =
                mount::clone_path(path, Recursion::Recursive).map_err(|source| open_error(path, source))?;
            attach(mount, merged)
        }
        Rootfs::Overlay { lowers, upper, work, merged, lifetime, index: _ } => {
            let _limit = DescriptorLimit::raise().map_err(RootfsError::Pivot)?;
            let lowers = MergedDir { parts: open_layers(lowers)? };
            let upper = look_like(upper, lowers.parts.first())?;
            let upper = Upper { changes: upper, work: open(work)?, lifetime: *lifetime };
            let (scaffold, made) = match raise(&lowers, merged) {
                Some(Scaffold { tree, made }) => (Some(tree), made),
                None => (None, HashSet::new()),
            };
            let overlay =
                Overlay { scaffold, lowers: lowers.parts, upper: Some(upper), attributes: ATTRIBUTES };
            let root = match overlay.mount(merged).map_err(RootfsError::Overlay)? {
                Mounted::Detached(mount) => attach(mount, merged)?,
                Mounted::Attached => Root::new(open(merged)?),
            };
            Ok(Root { made, ..root })
        }
        Rootfs::Host { areas, merged } => host::assemble(areas, merged),
    }
}

/// Opens the writable layer, whose root is what `/` looks like: like the root of the topmost layer below.
fn look_like(upper: &Path, top: Option<&OwnedFd>) -> Result<OwnedFd, RootfsError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dress = || {
        let upper =
            rustix::fs::open(upper, flags, Mode::empty()).call(|| format!("open({upper:?}, DIRECTORY)"))?;
        let Some(top) = top else { return Ok(upper) };
        let stat = rustix::fs::fstat(top).call(|| "fstat(lower)")?;
        // An owner that the namespace does not have, as with a directory of the host: then it stays root's.
        if stat.st_uid != UNMAPPED && stat.st_gid != UNMAPPED {
            let (user, group) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
            rustix::fs::fchown(&upper, Some(user), Some(group))
                .call(|| format!("fchown({}, {})", stat.st_uid, stat.st_gid))?;
        }
        copy_xattrs(top, upper.as_fd());
        rustix::fs::fchmod(&upper, Mode::from_raw_mode(stat.st_mode & 0o7777)).call(|| "fchmod(upper)")?;
        Ok(upper)
    };
    dress().map_err(|source| open_error(upper, source))
}

/// Gives the root its user xattrs, but for marks. They are nobody's condition for a start: what does not work is left out.
fn copy_xattrs(top: &OwnedFd, upper: BorrowedFd<'_>) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(top) = rustix::fs::openat(top, ".", flags, Mode::empty()) else { return };
    // Most have none at all.
    if rustix::fs::flistxattr(&top, &mut [0_u8; 64]) == Ok(0) {
        return;
    }
    let mut names = vec![0; LIST];
    let Ok(length) = rustix::fs::flistxattr(&top, &mut names[..]) else { return };
    for name in names[..length].split(|&byte| byte == 0) {
        if !name.starts_with(b"user.") || name.starts_with(b"user.overlay.") {
            continue;
        }
        let mut value = vec![0; LIST];
        if let Ok(length) = rustix::fs::fgetxattr(&top, name, &mut value[..]) {
            let _ = rustix::fs::fsetxattr(upper, name, &value[..length], XattrFlags::empty());
        }
    }
}

/// What an overlay is made of.
pub(in crate::launch) struct Overlay {
    /// A layer in memory on top of the others; it is left out where the kernel does not take it.
    pub(in crate::launch) scaffold: Option<OwnedFd>,
    /// Topmost first; two at least, unless there is an upper layer.
    pub(in crate::launch) lowers: Vec<OwnedFd>,
    /// Where writes go; without it there are none.
    pub(in crate::launch) upper: Option<Upper>,
    pub(in crate::launch) attributes: MountAttrFlags,
}

/// The writable layer of an overlay.
pub(in crate::launch) struct Upper {
    pub(in crate::launch) changes: OwnedFd,
    pub(in crate::launch) work: OwnedFd,
    pub(in crate::launch) lifetime: Lifetime,
}

/// Where an overlay is after it was made.
pub(in crate::launch) enum Mounted {
    Detached(OwnedFd),
    Attached,
}

impl Overlay {
    /// Makes the overlay; on kernels that take no descriptors it is attached at `target` at once.
    pub(in crate::launch) fn mount(mut self, target: &Path) -> Result<Mounted, SysError> {
        if self.scaffold.is_some() {
            if let Ok(mount) = self.create() {
                return Ok(Mounted::Detached(mount));
            }
            self.scaffold = None;
        }
        match self.create() {
            // 6.12 says EBADF, 6.1 EOPNOTSUPP, older ones EINVAL: all of them before anything was made.
            Err(error) if error.call().contains("SET_FD") => {
                self.mount_classic(target).map(|()| Mounted::Attached)
            }
            result => result.map(Mounted::Detached),
        }
    }

    /// Makes the overlay, attached nowhere.
    pub(super) fn create(&self) -> Result<OwnedFd, SysError> {
        // Without `userxattr`, removing a merged directory fails later with EIO.
        let mut settings = vec![Setting::Flag("userxattr")];
        if let Some(scaffold) = &self.scaffold {
            settings.push(Setting::Directory("lowerdir+", scaffold.as_fd()));
            // Otherwise files would seem to be on another file system than the directories that they lie in.
            settings.push(Setting::Text("xino", "on"));
        }
        settings.extend(self.lowers.iter().map(|lower| Setting::Directory("lowerdir+", lower.as_fd())));
        if let Some(Upper { changes, work, lifetime }) = &self.upper {
            settings.push(Setting::Directory("upperdir", changes.as_fd()));
            settings.push(Setting::Directory("workdir", work.as_fd()));
            if *lifetime == Lifetime::Ephemeral {
                // Otherwise the unmount writes back the whole file system that the upper layer is on.
                settings.push(Setting::Flag("volatile"));
            }
        }
        mount::create("overlay", &settings, self.attributes)
    }

    fn mount_classic(&self, target: &Path) -> Result<(), SysError> {
        // The options are at most one page, so the layers are named by descriptor number, relative to this directory.
        rustix::process::chdir("/proc/self/fd").call(|| "chdir(\"/proc/self/fd\")")?;
        let lowers: Vec<String> = self.lowers.iter().map(|lower| lower.as_raw_fd().to_string()).collect();
        let writable = self.upper.as_ref().map_or_else(String::new, |upper| {
            let (changes, work) = (upper.changes.as_raw_fd(), upper.work.as_raw_fd());
            let volatile = if upper.lifetime == Lifetime::Ephemeral { ",volatile" } else { "" };
            format!(",upperdir={changes},workdir={work}{volatile}")
        });
        let data = format!("lowerdir={},userxattr{writable}", lowers.join(":"));
        mount::mount_overlay_classic(target, &data)?;
        rustix::process::chdir("/").call(|| "chdir(\"/\")")?;
        let mounted = rustix::fs::open(target, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .call(|| format!("open({target:?})"))?;
        let set = u64::from(self.attributes.bits());
        mount::set_attributes(
            mounted,
            mount::MountAttributes { set, ..mount::MountAttributes::default() },
            Recursion::Single,
        )
    }
}

/// Opens the directories of layers, to be listed where that is allowed.
fn open_layers(paths: &[PathBuf]) -> Result<Vec<OwnedFd>, RootfsError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = |base: BorrowedFd<'_>, path: &Path| match rustix::fs::openat(base, path, flags, Mode::empty())
    {
        Err(Errno::ACCESS) => open_at(base, path),
        opened => opened.call(|| format!("open({path:?}, DIRECTORY)")),
    };
    open_beside(paths, open).map_err(|(path, source)| open_error(path, source))
}

/// Opens a directory without reading it.
pub(in crate::launch) fn open(path: &Path) -> Result<OwnedFd, RootfsError> {
    open_at(CWD, path).map_err(|source| open_error(path, source))
}

fn open_at(base: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, SysError> {
    rustix::fs::openat(base, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .call(|| format!("open({path:?}, PATH|DIRECTORY)"))
}

fn open_error(path: &Path, source: SysError) -> RootfsError {
    RootfsError::Open { path: path.display().to_string(), source }
}

/// Attaches a detached mount at `merged`; its descriptor stays good as the root of what is now attached.
pub(in crate::launch) fn attach(mounted: OwnedFd, merged: &Path) -> Result<Root, RootfsError> {
    let point = open(merged)?;
    mount::attach(&mounted, &point)
        .map_err(|source| RootfsError::Attach { path: merged.display().to_string(), source })?;
    Ok(Root::new(mounted))
}
