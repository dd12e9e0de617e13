//! Who runs a container: the holder of a record lock, whom the kernel names.

use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Flock, FlockType, Pid, PidfdFlags, Signal};

use super::{Call, SysError};

/// Locks the file `name` in `directory` for this process, until it ends.
///
/// # Errors
/// What `open(2)` or `fcntl(2)` say.
pub fn claim(directory: BorrowedFd<'_>, name: &str) -> Result<(), SysError> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file =
        rustix::fs::openat(directory, name, flags, Mode::empty()).call(|| format!("openat({name:?})"))?;
    rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .call(|| format!("fcntl({name:?}, F_SETLK)"))?;
    // Closing any descriptor of the file would let the lock go: it stays open as long as the process.
    std::mem::forget(file);
    Ok(())
}

/// Kills the process that has claimed the file at `path`, and waits until it is gone.
///
/// # Errors
/// What opening, asking or killing say; nobody holding it is not an error.
pub fn kill(path: &Path) -> Result<(), SysError> {
    let file = rustix::fs::open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .call(|| format!("open({path:?})"))?;
    let holder = || -> Result<Option<Pid>, SysError> {
        let lock = Flock::from(FlockType::WriteLock);
        let found =
            rustix::process::fcntl_getlk(&file, &lock).call(|| format!("fcntl({path:?}, F_GETLK)"))?;
        Ok(found.and_then(|lock| lock.pid))
    };
    let Some(pid) = holder()? else { return Ok(()) };
    let process = match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        Err(Errno::SRCH) => return Ok(()),
        result => result.call(|| format!("pidfd_open({pid})"))?,
    };
    // The handle names that process only if it still holds the lock now.
    if holder()? != Some(pid) {
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
