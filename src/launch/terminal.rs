//! The container's terminal: a pseudo-terminal of its own devpts, made without ever using a path inside.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::pty::OpenptFlags;

use super::init::InitError;
use super::rootfs::Root;
use crate::plan::process::Streams;
use crate::sys::{Call, SysError};

/// The magic number of devpts, `statfs(2)`.
const DEVPTS_MAGIC: i64 = 0x1cd1;

/// The major numbers of pseudo-terminals, as in the kernel's `devices.txt`.
const TERMINAL_MAJORS: std::ops::RangeInclusive<u32> = 136..=143;

/// Both ends of a pseudo-terminal.
#[derive(Debug)]
pub(super) struct Terminal {
    master: OwnedFd,
    slave: OwnedFd,
}

impl Terminal {
    pub(super) fn master(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }

    pub(super) fn slave(&self) -> BorrowedFd<'_> {
        self.slave.as_fd()
    }
}

/// Opens a terminal in the container's devpts, if the process wants one. It belongs to `uid`, so that the process can
/// open it by its name whoever it is.
pub(super) fn open(root: &Root, streams: Streams, uid: u32) -> Result<Option<Terminal>, InitError> {
    match streams {
        Streams::Launcher { .. } => Ok(None),
        Streams::Terminal => {
            let opened = open_pair(root).and_then(|terminal| {
                give_to(&terminal, uid)?;
                Ok(terminal)
            });
            opened.map(Some).map_err(|source| InitError::Streams { what: "terminal", source })
        }
    }
}

/// The group stays the one that devpts gives, which programs like `write` have; and it may write, but not read.
fn give_to(terminal: &Terminal, uid: u32) -> Result<(), SysError> {
    let owner = Some(rustix::fs::Uid::from_raw(uid));
    rustix::fs::fchown(terminal.slave(), owner, None).call(|| format!("fchown(terminal, {uid})"))?;
    rustix::fs::fchmod(terminal.slave(), Mode::from_raw_mode(0o620)).call(|| "fchmod(terminal, 0620)")
}

fn open_pair(root: &Root) -> Result<Terminal, SysError> {
    let path = "/dev/pts";
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
    let directory = rustix::fs::openat2(root, path, flags, Mode::empty(), resolve)
        .call(|| format!("openat2({path:?}, NO_SYMLINKS)"))?;
    // Looked at before anything in it is opened, which could do something or wait.
    let file_system = rustix::fs::fstatfs(&directory).call(|| format!("fstatfs({path:?})"))?;
    if file_system.f_type != DEVPTS_MAGIC {
        return Err(SysError::new(format!("{path} is not a devpts"), Errno::NOTTY));
    }
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let master = rustix::fs::openat(&directory, c"ptmx", flags, Mode::empty())
        .call(|| format!("openat(\"{path}/ptmx\")"))?;
    rustix::pty::unlockpt(&master).call(|| "unlockpt()")?;
    let slave = rustix::pty::ioctl_tiocgptpeer(
        &master,
        OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC,
    )
    .call(|| "ioctl(TIOCGPTPEER)")?;
    let device = rustix::fs::fstat(&slave).call(|| "fstat(terminal)")?.st_rdev;
    if !TERMINAL_MAJORS.contains(&rustix::fs::major(device)) {
        return Err(SysError::new("TIOCGPTPEER gave no pseudo-terminal", Errno::NOTTY));
    }
    Ok(Terminal { master, slave })
}
