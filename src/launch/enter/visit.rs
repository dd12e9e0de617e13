//! The process that enters a container.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;

use rustix::fs::{AtFlags, Mode, OFlags, StatxAttributes, StatxFlags};
use rustix::io::Errno;
use rustix::mount::UnmountFlags;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Detach;
use crate::launch::mount::MountFailure;
use crate::launch::rootfs::Root;
use crate::plan::path::ContainerPath;
use crate::sys::channel::Channel;
use crate::sys::join::{self, Joined};
use crate::sys::report::Report;
use crate::sys::root::open_in_root;
use crate::sys::running::Processes;
use crate::sys::{Call, SysError, mount, process as own};

/// What the process says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum FromVisitor<T> {
    /// Something is about to be mounted there.
    Place(ContainerPath),
    /// It is done, and this came of it.
    Done(T),
    /// Nothing is done.
    Failed(Report),
}

/// What it is told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToVisitor {
    /// The place is written down.
    WrittenDown,
}

impl<T: Serialize + DeserializeOwned> FromVisitor<T> {
    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

impl ToVisitor {
    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Why the process did not do what it was to do.
#[derive(Debug, Error)]
pub(super) enum VisitError {
    /// Before it entered.
    #[error("cannot get ready to enter the container")]
    Prepare(#[source] SysError),
    /// The container has ended meanwhile, or is not the caller's.
    #[error("cannot enter the container")]
    Join(#[source] SysError),
    /// The mount itself.
    #[error(transparent)]
    Mount(#[from] MountFailure),
    /// Looking for a place.
    #[error("cannot find out what is mounted in the container")]
    Look(#[source] SysError),
    /// Two mounts at one place.
    #[error("something is mounted at `{0}` already")]
    Taken(ContainerPath),
    /// Nothing to take away.
    #[error("nothing is mounted at `{0}`")]
    NotMounted(ContainerPath),
    /// Taking away.
    #[error("cannot unmount `{place}`")]
    Unmount {
        place: ContainerPath,
        #[source]
        source: SysError,
    },
    /// The caller is gone.
    #[error("minirun ended before it was mounted")]
    Abandoned,
}

impl VisitError {
    pub(super) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Mount(failure) => return failure.hint(),
            Self::Taken(place) => {
                return Some(format!(
                    "take that away first: minirun umount CONTAINER {place}, or choose another destination"
                ));
            }
            Self::Unmount { source, .. } if source.errno() == Errno::BUSY => {
                "something uses it, or is mounted below it; `--lazy` takes it out of sight at once, with all below it"
            }
            Self::Unmount { source, .. } if source.errno() == Errno::INVAL => {
                "the kernel holds it fast, as it came together with the mount that it lies in"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// The process before it enters: in the container's user namespace, with the host's files in sight.
pub(super) struct Visit<'a> {
    processes: &'a Processes,
    channel: &'a Channel,
    descriptors: OwnedFd,
}

impl<'a> Visit<'a> {
    pub(super) fn begin(processes: &'a Processes, channel: &'a Channel) -> Result<Self, VisitError> {
        let prepare = || {
            join::prepare()?;
            rustix::process::umask(Mode::empty()); // modes are as they are asked for
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            rustix::fs::open("/proc/self/fd", flags, Mode::empty()).call(|| "open(\"/proc/self/fd\")")
        };
        let descriptors = prepare().map_err(VisitError::Prepare)?;
        let enter = || -> Result<(), SysError> {
            let joined = join::user_namespace(processes.monitor())?;
            // The kernel has forgotten it with the change of rights.
            own::die_with_parent()?;
            channel.check_open()?;
            join::own_mount_namespace()?;
            match joined {
                // All of it is the host's slave by that.
                Joined::Entered => Ok(()),
                Joined::Already => mount::make_slave(),
            }
        };
        enter().map_err(VisitError::Join)?;
        Ok(Self { processes, channel, descriptors })
    }

    /// Goes in; from here on the root directory is the container's.
    pub(super) fn enter(self) -> Result<Inside<'a>, VisitError> {
        let enter = || {
            join::mount_namespace(self.processes.monitor())?;
            Root::of_this_process()
        };
        let root = enter().map_err(VisitError::Join)?;
        Ok(Inside { root, channel: self.channel, descriptors: self.descriptors })
    }
}

/// The process in the container's mount namespace.
pub(super) struct Inside<'a> {
    root: Root,
    channel: &'a Channel,
    /// The links of the host's procfs to what this process has open: the container has another procfs, or none.
    descriptors: OwnedFd,
}

impl Inside<'_> {
    pub(super) fn root(&self) -> &Root {
        &self.root
    }

    /// Where `file` is, every symlink followed.
    pub(super) fn path_of(&self, file: BorrowedFd<'_>) -> Result<ContainerPath, VisitError> {
        let name = file.as_raw_fd().to_string();
        let link = rustix::fs::readlinkat(&self.descriptors, name.as_str(), Vec::new())
            .call(|| format!("readlinkat({name})"))
            .map_err(VisitError::Look)?;
        let path = std::ffi::OsString::from_vec(link.into_bytes());
        ContainerPath::parse(&path).map_err(|_| {
            VisitError::Look(SysError::new(format!("readlinkat({name}) = {path:?}"), Errno::NOENT))
        })
    }

    /// Says where something is about to be mounted, and waits until that is written down.
    pub(super) fn ask_to_write_down(&self, place: ContainerPath) -> Result<(), VisitError> {
        self.channel.send(&FromVisitor::<()>::Place(place).encode(), None).map_err(VisitError::Prepare)?;
        let answer = self.channel.receive().map_err(VisitError::Prepare)?;
        let answer = answer.and_then(|(bytes, _)| serde_json::from_slice(&bytes).ok());
        match answer {
            Some(ToVisitor::WrittenDown) => Ok(()),
            None => Err(VisitError::Abandoned),
        }
    }

    /// Where `path` leads to, if something is mounted right there.
    pub(super) fn place_of_mount(&self, path: &ContainerPath) -> Option<ContainerPath> {
        let file = open_in_root(&self.root, path.as_os_str(), OFlags::PATH, Mode::empty()).ok()?;
        if is_mount(file.as_fd()).ok()? { self.path_of(file.as_fd()).ok() } else { None }
    }

    /// Takes away what is mounted at `place`.
    pub(super) fn unmount(&self, place: &ContainerPath, detach: Detach) -> Result<(), VisitError> {
        if self.place_of_mount(place).as_ref() != Some(place) {
            return Err(VisitError::NotMounted(place.clone()));
        }
        let flags = match detach {
            Detach::Idle => UnmountFlags::NOFOLLOW,
            Detach::Lazy => UnmountFlags::NOFOLLOW | UnmountFlags::DETACH,
        };
        let unmount = || {
            // A mount that this process has open is in use: only what it lies in may be open.
            let name = place.components().next_back().unwrap_or_default();
            let parent = open_in_root(
                &self.root,
                place.join("..").as_os_str(),
                OFlags::PATH | OFlags::DIRECTORY,
                Mode::empty(),
            );
            rustix::process::fchdir(parent.call(|| format!("openat2({place}/..)"))?)
                .call(|| format!("fchdir({place}/..)"))?;
            rustix::mount::unmount(name, flags).call(|| format!("umount2({name:?}, {flags:?})"))
        };
        unmount().map_err(|source| VisitError::Unmount { place: place.clone(), source })
    }
}

/// Whether `file` is the root of a mount.
pub(super) fn is_mount(file: BorrowedFd<'_>) -> Result<bool, VisitError> {
    let stat = rustix::fs::statx(file, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)
        .call(|| "statx(MOUNT_ROOT)")
        .map_err(VisitError::Look)?;
    Ok(stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}
