//! New processes: in new namespaces, or plain copies of this one.
//!
//! The copy runs one closure and leaves with `_exit`, so that no destructor of the parent runs twice. The
//! caller is single-threaded at that moment (`run` and the store's workers start no thread before).

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::sched::CloneFlags;
use rustix::io::Errno;
use rustix::process::Pid;

use super::{Call, SysError, moment};

/// `CLONE_INTO_CGROUP` of `linux/sched.h`, which does not fit into the flags of the older calls.
const CLONE_INTO_CGROUP: u64 = 1 << 33;

/// A process that this one started.
#[derive(Debug)]
pub struct Child {
    /// Its ID in this process's PID namespace.
    pub pid: Pid,
    /// A handle that never names another process, whatever becomes of the ID (5.3).
    pub pidfd: OwnedFd,
}

/// Copies this process into new `namespaces`; the copy runs `body` and exits with what it returns.
///
/// # Errors
/// What `clone3(2)` says: `EPERM` where user namespaces are closed to this user, `ENOSPC` where there are too
/// many of them, `EAGAIN` at a limit of processes.
pub fn spawn(namespaces: CloneFlags, body: impl FnOnce() -> u8) -> Result<Child, SysError> {
    Birth { namespaces, cgroup: None }.spawn(body)
}

/// What a new process is born into.
#[derive(Debug, Clone, Copy)]
pub struct Birth<'a> {
    /// The namespaces that are new.
    pub namespaces: CloneFlags,
    /// The cgroup; none is its parent's (`CLONE_INTO_CGROUP`, 5.7).
    pub cgroup: Option<BorrowedFd<'a>>,
}

impl Birth<'_> {
    /// The same for a process whose parent is this process's own.
    #[must_use]
    pub fn as_sibling(self) -> Self {
        Self { namespaces: self.namespaces | CloneFlags::CLONE_PARENT, ..self }
    }

    /// Copies this process; as [`spawn`] otherwise.
    ///
    /// # Errors
    /// What `clone3(2)` says.
    pub fn spawn(self, body: impl FnOnce() -> u8) -> Result<Child, SysError> {
        if let Some(child) = clone3(self)? {
            return Ok(child);
        }
        moment("process born");
        leave(body())
    }
}

/// Copies this process by the older call, whose flags a filter of system calls can see; as [`spawn`] otherwise.
///
/// # Errors
/// What `clone(2)` says.
#[expect(unsafe_code, reason = "a copy of this process has no safe wrapper")]
pub fn copy(body: impl FnOnce() -> u8) -> Result<Child, SysError> {
    let mut pidfd: libc::c_int = -1;
    let flags = libc::c_long::from(libc::CLONE_PIDFD | libc::SIGCHLD);
    let (stack, rest) = (0_usize, 0_usize);
    // SAFETY: without CLONE_VM the child has a copy of this memory and, as no stack is given, goes on here; `pidfd`
    // outlives the call, and what follows it is not looked at without flags that name it.
    let result = unsafe { libc::syscall(libc::SYS_clone, flags, stack, &raw mut pidfd, rest, rest) };
    if result == 0 {
        moment("process born");
        leave(body());
    }
    born(result, pidfd, || "clone(CLONE_PIDFD)".to_owned())
}

/// Copies this process; the copy gets nothing. It is no generic function, since there are many bodies.
#[expect(unsafe_code, reason = "clone3 has no safe wrapper")]
fn clone3(birth: Birth<'_>) -> Result<Option<Child>, SysError> {
    let namespaces = birth.namespaces;
    let mut pidfd: libc::c_int = -1;
    let flags = u64::try_from(namespaces.bits() | libc::CLONE_PIDFD).unwrap_or_default();
    // SAFETY: clone_args is plain integers, for which all zeros is a value.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = flags;
    arguments.pidfd = (&raw mut pidfd) as u64;
    if let Some(cgroup) = birth.cgroup {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = u64::try_from(cgroup.as_raw_fd()).unwrap_or_default();
    }
    // A sibling of this process has the same signal as this one, and the kernel wants to hear no other.
    if !namespaces.contains(CloneFlags::CLONE_PARENT) {
        arguments.exit_signal = libc::SIGCHLD as u64;
    }
    // SAFETY: without CLONE_VM the child has a copy of this memory and, as no stack is given, goes on here;
    // `arguments` and `pidfd` outlive the call.
    let result =
        unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, std::mem::size_of_val(&arguments)) };
    if result == 0 {
        return Ok(None);
    }
    born(result, pidfd, || format!("clone3({})", show(namespaces))).map(Some)
}

/// What a call said that makes a process.
#[expect(unsafe_code, reason = "the kernel gives a descriptor as a number")]
fn born(result: libc::c_long, pidfd: libc::c_int, shown: impl Fn() -> String) -> Result<Child, SysError> {
    if result < 0 {
        return Err(SysError::from_io(shown(), &std::io::Error::last_os_error()));
    }
    let pid = i32::try_from(result).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| SysError::new(shown(), Errno::RANGE))?;
    // SAFETY: on success the kernel stored a new descriptor there, which nobody else owns.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    moment("process made");
    Ok(Child { pid, pidfd })
}

/// Ends this process without running destructors or handlers that belong to the process it is a copy of.
#[expect(unsafe_code, reason = "_exit has no safe wrapper")]
pub fn leave(status: u8) -> ! {
    // SAFETY: _exit takes any status and does not return.
    unsafe { libc::_exit(i32::from(status)) }
}

fn show(namespaces: CloneFlags) -> String {
    let names: Vec<&str> = namespaces.iter_names().map(|(name, _)| name).collect();
    if names.is_empty() { "0".to_owned() } else { names.join("|") }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ExitStatus {
    /// It returned this code.
    Exited(u8),
    /// This signal ended it.
    Signaled(i32),
}

impl ExitStatus {
    /// The code of a shell: the process's own, or 128 and the signal's number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Exited(code) => code,
            Self::Signaled(signal) => 128_u8.saturating_add(u8::try_from(signal).unwrap_or(127)),
        }
    }
}

impl Child {
    /// Waits until the process has ended and reaps it.
    ///
    /// # Errors
    /// What `waitpid(2)` says; an interrupted wait goes on.
    pub fn wait(&self) -> Result<ExitStatus, SysError> {
        loop {
            match rustix::process::waitpid(Some(self.pid), rustix::process::WaitOptions::empty()) {
                Err(Errno::INTR) | Ok(None) => {}
                Ok(Some((_, status))) => {
                    moment("process ended");
                    return Ok(exit_status(status));
                }
                Err(errno) => return Err(SysError::new(format!("waitpid({})", self.pid), errno)),
            }
        }
    }

    /// Waits as [`Self::wait`], and says what the process and all that it has waited for took.
    ///
    /// # Errors
    /// What `wait4(2)` says.
    #[expect(unsafe_code, reason = "wait4 has no safe wrapper")]
    pub fn wait_with_usage(&self) -> Result<(ExitStatus, ProcessUsage), SysError> {
        let mut status = 0;
        // SAFETY: rusage is plain integers, for which all zeros is a value.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        loop {
            // SAFETY: both live longer than the call, which writes to them alone.
            let pid = unsafe { libc::wait4(self.pid.as_raw_pid(), &raw mut status, 0, &raw mut usage) };
            let error = std::io::Error::last_os_error();
            if pid >= 0 {
                break;
            }
            if error.kind() != std::io::ErrorKind::Interrupted {
                return Err(SysError::from_io(format!("wait4({})", self.pid), &error));
            }
        }
        let status = if libc::WIFSIGNALED(status) {
            ExitStatus::Signaled(libc::WTERMSIG(status))
        } else {
            ExitStatus::Exited(u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(255))
        };
        Ok((status, ProcessUsage::of(&usage)))
    }

    /// Sends `signal`; a process that has ended is not an error.
    ///
    /// # Errors
    /// What `pidfd_send_signal(2)` says.
    pub fn signal(&self, signal: rustix::process::Signal) -> Result<(), SysError> {
        match rustix::process::pidfd_send_signal(&self.pidfd, signal) {
            Err(Errno::SRCH) => Ok(()),
            result => result.call(|| format!("pidfd_send_signal({}, {signal:?})", self.pidfd.as_raw_fd())),
        }
    }
}

/// What processes took, `getrusage(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProcessUsage {
    /// Processor time of the programs, microseconds.
    pub user: u64,
    /// Processor time of the kernel for them, microseconds.
    pub system: u64,
    /// The most memory that one of them had, bytes.
    pub largest: u64,
    /// Bytes read from disks.
    pub read: u64,
    /// Bytes written to disks.
    pub written: u64,
}

impl ProcessUsage {
    /// Blocks of 512 bytes, kibibytes, seconds and microseconds: what the kernel counts in.
    fn of(usage: &libc::rusage) -> Self {
        let number = |number: libc::c_long| u64::try_from(number).unwrap_or(0);
        let time = |time: libc::timeval| number(time.tv_sec) * 1_000_000 + number(time.tv_usec);
        Self {
            user: time(usage.ru_utime),
            system: time(usage.ru_stime),
            largest: number(usage.ru_maxrss) << 10,
            read: number(usage.ru_inblock) << 9,
            written: number(usage.ru_oublock) << 9,
        }
    }
}

/// The meaning of a wait status.
#[must_use]
pub fn exit_status(status: rustix::process::WaitStatus) -> ExitStatus {
    match (status.terminating_signal(), status.exit_status()) {
        (Some(signal), _) => ExitStatus::Signaled(signal),
        (None, code) => ExitStatus::Exited(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(255)),
    }
}
