//! Who runs a container: the holder of a record lock, whom the kernel names.
//!
//! The first byte of the file is locked by the launcher. When the container has its root, the launcher also locks the
//! byte whose number is the process ID of the container's init. So nothing has to be written to be found, and nothing
//! that is found can be stale: the locks go with the launcher, and the container goes with it, too.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::fcntl::{FcntlArg, fcntl};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};

use super::{Call, SysError, moment};

/// A lock on a container's file, held until this is dropped or the process ends.
#[derive(Debug)]
pub struct Claim(OwnedFd);

impl Claim {
    /// Locks the file `name` in `directory` for this process.
    ///
    /// The kernel drops the locks of a process with the first descriptor of the file that it closes: nothing else of
    /// this process may open the file.
    ///
    /// # Errors
    /// What `open(2)` or `fcntl(2)` say.
    pub fn take(directory: BorrowedFd<'_>, name: &str) -> Result<Self, SysError> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file =
            rustix::fs::openat(directory, name, flags, Mode::empty()).call(|| format!("openat({name:?})"))?;
        lock(file.as_fd(), 0).call(|| format!("fcntl({name:?}, F_SETLK)"))?;
        moment("claimed");
        Ok(Self(file))
    }

    /// Lets others know that the container has its root, and which process is its init; one that has ended by now is
    /// no error.
    ///
    /// # Errors
    /// What `/proc` or `fcntl(2)` say.
    pub fn announce(&self, init: BorrowedFd<'_>) -> Result<(), SysError> {
        match pid_of(init)? {
            Some(pid) => {
                let byte = i64::from(pid.as_raw_pid());
                lock(self.0.as_fd(), byte).call(|| format!("fcntl(owner, F_SETLK, {byte})"))
            }
            None => Ok(()),
        }
    }
}

fn lock(file: BorrowedFd<'_>, byte: i64) -> Result<(), nix::errno::Errno> {
    fcntl(file, FcntlArg::F_SETLK(&range(byte, 1))).map(drop)
}

/// A write lock on `length` bytes from `start` on; 0 is all of them.
fn range(start: i64, length: i64) -> libc::flock {
    // Numbers below 10 in a field of 16 bits.
    let short = |number: libc::c_int| libc::c_short::try_from(number).unwrap_or_default();
    libc::flock {
        l_type: short(libc::F_WRLCK),
        l_whence: short(libc::SEEK_SET),
        l_start: start,
        l_len: length,
        l_pid: 0,
    }
}

/// The ID of the process that `pidfd` names; none when it is gone.
fn pid_of(pidfd: BorrowedFd<'_>) -> Result<Option<Pid>, SysError> {
    let path = format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd());
    let text = std::fs::read_to_string(&path).call(|| format!("read({path:?})"))?;
    let pid = text.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok());
    // -1 stands for a process that is gone, 0 for one that cannot be seen from here.
    Ok(pid.filter(|pid| *pid > 0).and_then(Pid::from_raw))
}

/// What the locks of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Holder {
    /// The launcher.
    pub(super) launcher: Pid,
    /// The container's init, once there is one that has its root.
    pub(super) init: Option<Pid>,
}

/// Asks who holds `file`; nobody is not an error.
pub(super) fn holder(file: BorrowedFd<'_>) -> Result<Option<Holder>, SysError> {
    let ask = |start, length| {
        let mut lock = range(start, length);
        fcntl(file, FcntlArg::F_GETLK(&mut lock)).call(|| "fcntl(owner, F_GETLK)")?;
        Ok::<_, SysError>((i32::from(lock.l_type) != libc::F_UNLCK).then_some(lock))
    };
    // The ID is 0 for a process that cannot be seen from here.
    let Some(launcher) = ask(0, 1)?.filter(|lock| lock.l_pid > 0).and_then(|lock| Pid::from_raw(lock.l_pid))
    else {
        return Ok(None);
    };
    let init = ask(1, 0)?.and_then(|lock| i32::try_from(lock.l_start).ok()).and_then(Pid::from_raw);
    Ok(Some(Holder { launcher, init }))
}

/// Whether somebody has claimed the file at `path`, as far as can be seen from here.
///
/// # Errors
/// What opening or asking say; a file that went with its container is not an error.
pub fn is_claimed(path: &Path) -> Result<bool, SysError> {
    match open(path) {
        Err(error) if error.errno() == Errno::NOENT => Ok(false),
        file => Ok(holder(file?.as_fd())?.is_some()),
    }
}

/// Kills the process that has claimed the file at `path`, and waits until it is gone.
///
/// # Errors
/// What opening, asking or killing say; nobody holding it is not an error, nor is a file that went with its container.
pub fn kill(path: &Path) -> Result<(), SysError> {
    let file = match open(path) {
        Err(error) if error.errno() == Errno::NOENT => return Ok(()),
        result => result?,
    };
    let launcher = || Ok::<_, SysError>(holder(file.as_fd())?.map(|holder| holder.launcher));
    let Some(pid) = launcher()? else { return Ok(()) };
    let process = match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        Err(Errno::SRCH) => return Ok(()),
        result => result.call(|| format!("pidfd_open({pid})"))?,
    };
    // The handle names that process only if it still holds the lock now.
    if launcher()? != Some(pid) {
        return Ok(());
    }
    match rustix::process::pidfd_send_signal(&process, Signal::KILL) {
        Err(Errno::SRCH) => return Ok(()),
        result => result.call(|| format!("pidfd_send_signal({pid}, KILL)"))?,
    }
    let mut watched = [rustix::event::PollFd::new(&process, rustix::event::PollFlags::IN)];
    loop {
        match rustix::event::poll(&mut watched, None) {
            Err(Errno::INTR) => {}
            result => return result.map(drop).call(|| "poll(pidfd)"),
        }
    }
}

/// Opens the file to ask about its locks.
pub(super) fn open(path: &Path) -> Result<OwnedFd, SysError> {
    rustix::fs::open(path, OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
        .call(|| format!("open({path:?})"))
}
