//! Masked and read-only paths: what procfs and sysfs tell about the machine, or let a container change.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use super::MountFailure;
use crate::launch::device;
use crate::launch::init::InitError;
use crate::launch::rootfs::Root;
use crate::plan::Plan;
use crate::plan::path::ContainerPath;
use crate::sys::mount::{self, MountAttributes, Recursion, Setting};
use crate::sys::{Call, SysError};

/// Hides the masked paths and makes the read-only ones read-only; a path that is not there needs neither.
pub(in crate::launch) fn conceal(root: &Root, plan: &Plan) -> Result<(), InitError> {
    let mut covers = Covers::default();
    for path in plan.masked.iter().chain(&throttles(root)) {
        covers.mask(root, path).map_err(|error| MountFailure::new("a mask", path, error))?;
    }
    for path in &plan.read_only {
        protect(root, path).map_err(|error| MountFailure::new("a read-only view", path, error))?;
    }
    Ok(())
}

/// Each processor's throttling counters, by which containers can be told apart from outside.
fn throttles(root: &Root) -> Vec<ContainerPath> {
    let processors = ContainerPath::root().join("sys/devices/system/cpu");
    let Some(directory) = root.open_directory(&processors) else { return Vec::new() };
    let Ok(entries) = rustix::fs::Dir::read_from(&directory) else { return Vec::new() };
    let names = entries.filter_map(Result::ok).map(|entry| entry.file_name().to_string_lossy().into_owned());
    names
        .filter(|name| {
            name.strip_prefix("cpu").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
        })
        .map(|name| processors.join(name).join("thermal_throttle"))
        .collect()
}

/// Opens `path` without following any symlink, if it is there.
fn open(root: &Root, path: &ContainerPath) -> Result<Option<OwnedFd>, SysError> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
    match rustix::fs::openat2(root, path.as_os_str(), flags, Mode::empty(), resolve) {
        Ok(file) => Ok(Some(file)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => Ok(None),
        Err(errno) => Err(SysError::new(format!("openat2({path:?}, NO_SYMLINKS)"), errno)),
    }
}

/// What masks are made of, once for all of them.
#[derive(Default)]
struct Covers {
    /// The host's `/dev/null`, verified: the container's could be anything by now (CVE-2025-31133).
    null: Option<OwnedFd>,
    /// An empty directory that cannot be written, attached already.
    empty: Option<OwnedFd>,
}

impl Covers {
    fn mask(&mut self, root: &Root, path: &ContainerPath) -> Result<(), SysError> {
        let Some(point) = open(root, path)? else { return Ok(()) };
        let stat = rustix::fs::fstat(&point).call(|| format!("fstat({path:?})"))?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            return self.mask_directory(&point);
        }
        let null = match self.null.take() {
            Some(null) => null,
            None => device::open_null()?,
        };
        mount::attach(device::harmless(self.null.insert(null).as_fd())?, point)
    }

    fn mask_directory(&mut self, point: &OwnedFd) -> Result<(), SysError> {
        if let Some(empty) = &self.empty {
            // The copy has the attributes of what is copied.
            return mount::attach(mount::clone_file(empty, Recursion::Single)?, point);
        }
        let settings = [Setting::Text("size", "4k"), Setting::Text("nr_inodes", "1")];
        let empty = mount::create("tmpfs", &settings, MountAttrFlags::MOUNT_ATTR_RDONLY)?;
        mount::attach(&empty, point)?;
        self.empty = Some(empty);
        Ok(())
    }
}

fn protect(root: &Root, path: &ContainerPath) -> Result<(), SysError> {
    let Some(point) = open(root, path)? else { return Ok(()) };
    let tree = mount::clone_file(point.as_fd(), Recursion::Recursive)?;
    let set = u64::from(MountAttrFlags::MOUNT_ATTR_RDONLY.bits());
    mount::set_attributes(
        &tree,
        MountAttributes { set, ..MountAttributes::default() },
        Recursion::Recursive,
    )?;
    mount::attach(tree, point)
}
