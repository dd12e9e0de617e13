//! The processes of a container that somebody else runs: found by its locks, and held so that no other process can
//! take their place.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};

use super::{Call, SysError, owner, procfs};

/// The two processes of a running container that can be asked about it.
#[derive(Debug)]
pub struct Processes {
    init: Pid,
    init_handle: OwnedFd,
    monitor: Pid,
    monitor_handle: OwnedFd,
}

impl Processes {
    /// Finds the processes of the container whose locked file is at `path`; none if it does not run, has not got its
    /// root yet, or runs where its processes cannot be seen from here.
    ///
    /// # Errors
    /// The file or `/proc` cannot be read.
    pub fn find(path: &Path) -> Result<Option<Self>, SysError> {
        let file = match owner::open(path) {
            Err(error) if error.errno() == Errno::NOENT => return Ok(None),
            result => result?,
        };
        let Some(holder) = owner::holder(file.as_fd())? else { return Ok(None) };
        let Some(init) = holder.init else { return Ok(None) };
        let Some(init_handle) = handle(init)? else { return Ok(None) };
        let Some(monitor) = parent(init)? else { return Ok(None) };
        let Some(monitor_handle) = handle(monitor)? else { return Ok(None) };
        let is_launched = parent(monitor)? == Some(holder.launcher);
        let found = Self { init, init_handle, monitor, monitor_handle };
        // What was read holds if nobody has ended in between: then no ID was given to another process.
        let holds = is_launched && found.is_alive()? && owner::holder(file.as_fd())? == Some(holder);
        Ok(holds.then_some(found))
    }

    /// Whether none of the two has ended.
    ///
    /// # Errors
    /// What `poll(2)` says.
    pub fn is_alive(&self) -> Result<bool, SysError> {
        let mut watched =
            [&self.init_handle, &self.monitor_handle].map(|handle| PollFd::new(handle, PollFlags::IN));
        rustix::event::poll(&mut watched, Some(&Timespec::default())).call(|| "poll(pidfd)")?;
        Ok(watched.iter().all(|one| one.revents().is_empty()))
    }

    /// The process ID of the container's init, as seen from here.
    #[must_use]
    pub fn init(&self) -> Pid {
        self.init
    }

    /// The process whose namespaces can be joined: init may be out of reach, as it may run as another user and may
    /// hide itself; the monitor is in the same namespaces.
    #[must_use]
    pub fn monitor(&self) -> BorrowedFd<'_> {
        self.monitor_handle.as_fd()
    }

    /// The process ID of the monitor, as seen from here.
    #[must_use]
    pub fn monitor_id(&self) -> Pid {
        self.monitor
    }

    /// The PID namespace of the container's processes, which the monitor made for init and is not in itself.
    ///
    /// # Errors
    /// What opening it says; the container may have ended.
    pub fn pid_namespace(&self) -> Result<OwnedFd, SysError> {
        let path = format!("/proc/{}/ns/pid_for_children", self.monitor);
        let namespace = rustix::fs::open(&path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .call(|| format!("open({path:?})"))?;
        // Otherwise another process may have got the number before it was opened.
        if self.is_alive()? {
            Ok(namespace)
        } else {
            Err(SysError::new(format!("open({path:?})"), Errno::SRCH))
        }
    }

    /// The processes in the container's PID namespace, and in those below it that init can see.
    ///
    /// # Errors
    /// The namespace or `/proc` cannot be read; the container may have ended.
    pub fn members(&self) -> Result<Vec<Pid>, SysError> {
        let own = rustix::fs::fstat(self.pid_namespace()?).call(|| "fstat(pid_for_children)")?;
        let mut members = vec![self.init];
        for entry in std::fs::read_dir("/proc").call(|| "getdents(\"/proc\")")?.flatten() {
            let pid = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
            let Some(pid) = pid.filter(|pid| *pid != self.init) else { continue };
            // What may not be asked is another's, or gone.
            let Ok(namespace) = rustix::fs::stat(format!("/proc/{pid}/ns/pid")) else { continue };
            if (namespace.st_dev, namespace.st_ino) == (own.st_dev, own.st_ino) {
                members.push(pid);
            }
        }
        members.sort_unstable_by_key(|pid| pid.as_raw_pid());
        Ok(members)
    }

    /// The text of the mount table as the container sees it; none if it has ended.
    ///
    /// # Errors
    /// What opening or reading it say.
    pub fn mount_table(&self) -> Result<Option<Vec<u8>>, SysError> {
        let path = format!("/proc/{}/mountinfo", self.init);
        let gone = [Errno::NOENT, Errno::SRCH, Errno::INVAL];
        match std::fs::read(&path).call(|| format!("read({path:?})")) {
            Err(error) if gone.contains(&error.errno()) => Ok(None),
            Ok(table) => Ok(self.is_alive()?.then_some(table)),
            Err(error) => Err(error),
        }
    }
}

fn handle(pid: Pid) -> Result<Option<OwnedFd>, SysError> {
    match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        Err(Errno::SRCH | Errno::INVAL) => Ok(None),
        result => result.map(Some).call(|| format!("pidfd_open({pid})")),
    }
}

fn parent(pid: Pid) -> Result<Option<Pid>, SysError> {
    let path = format!("/proc/{pid}/status");
    match procfs::read(&path) {
        Err(error) if matches!(error.errno(), Errno::NOENT | Errno::SRCH) => Ok(None),
        Err(error) => Err(error),
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let number = text.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok());
            Ok(number.and_then(Pid::from_raw))
        }
    }
}
