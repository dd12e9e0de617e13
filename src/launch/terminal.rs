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

/// Opens a terminal in the container's devpts, if the process wants one.
pub(super) fn open(root: &Root, streams: Streams) -> Result<Option<Terminal>, InitError> {
    match streams {
        Streams::Launcher { .. } => Ok(None),
        Streams::Terminal => {
            let terminal =
                open_pair(root).map_err(|source| InitError::Streams { what: "terminal", source })?;
            Ok(Some(terminal))
        }
    }
}

fn open_pair(root: &Root) -> Result<Terminal, SysError> {
    let path = "/dev/pts/ptmx";
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
    let master = rustix::fs::openat2(root, path, flags, Mode::empty(), resolve)
        .call(|| format!("openat2({path:?}, NO_SYMLINKS)"))?;
    let file_system = rustix::fs::fstatfs(&master).call(|| format!("fstatfs({path:?})"))?;
    if file_system.f_type != DEVPTS_MAGIC {
        return Err(SysError::new(format!("{path} is not on a devpts"), Errno::NOTTY));
    }
    rustix::pty::unlockpt(&master).call(|| "unlockpt()")?;
    let slave = rustix::pty::ioctl_tiocgptpeer(
        &master,
        OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC,
    )
    .call(|| "ioctl(TIOCGPTPEER)")?;
    Ok(Terminal { master, slave })
}
