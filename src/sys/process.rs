//! What a process may change about itself before it becomes another program.

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::sys::signal::{SigSet, SigmaskHow};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit};

use super::{Call, SysError, moment};

/// How many signals there are; on MIPS, where there are more, the rest keeps its meaning.
const SIGNALS: libc::c_int = 64;

/// Gives SIGCHLD its default meaning: with the other one, which is inherited, the kernel keeps no exit status.
pub fn notice_children() {
    // It takes valid arguments only, and gets them.
    let _ = reset_signal(libc::SIGCHLD);
}

/// Gives every signal its default meaning and blocks none, as a new program expects it.
///
/// # Errors
/// What `sigaction(2)` or `sigprocmask(2)` say.
pub fn reset_signals() -> Result<(), SysError> {
    for signal in 1..=SIGNALS {
        if signal != libc::SIGKILL && signal != libc::SIGSTOP {
            reset_signal(signal)?;
        }
    }
    set_signal_mask(&SigSet::empty())
}

#[expect(
    unsafe_code,
    reason = "libc keeps two signals to itself, which a caller may have ignored all the same"
)]
fn reset_signal(signal: libc::c_int) -> Result<(), SysError> {
    // What the kernel takes, all zeros: SIG_DFL, no flags, no restorer, an empty mask of 64 signals.
    let default = [0_u64; 4];
    // SAFETY: the kernel reads one action, which is no longer than `default`, and writes nothing.
    let result = unsafe {
        libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), std::ptr::null::<u64>(), SIGNALS / 8)
    };
    if result == 0 {
        return Ok(());
    }
    Err(SysError::from_io(format!("rt_sigaction({signal}, SIG_DFL)"), &std::io::Error::last_os_error()))
}

/// Blocks exactly the signals of `mask`.
///
/// # Errors
/// What `sigprocmask(2)` says.
pub fn set_signal_mask(mask: &SigSet) -> Result<(), SysError> {
    nix::sys::signal::sigprocmask(SigmaskHow::SIG_SETMASK, Some(mask), None)
        .call(|| "sigprocmask(SIG_SETMASK)")
}

/// Asks to be killed when the parent process ends.
///
/// The kernel forgets this when credentials change, so it is asked again after that.
///
/// # Errors
/// What `prctl(2)` says.
pub fn die_with_parent() -> Result<(), SysError> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .call(|| "prctl(PR_SET_PDEATHSIG, SIGKILL)")
}

/// Takes that back: this process may live longer than its parent.
///
/// # Errors
/// What `prctl(2)` says.
pub fn outlive_parent() -> Result<(), SysError> {
    rustix::process::set_parent_process_death_signal(None).call(|| "prctl(PR_SET_PDEATHSIG, 0)")
}

/// Replaces this process by `program`; returns only the error.
#[must_use]
pub fn exec(program: &CStr, arguments: &[CString], environment: &[CString]) -> Errno {
    moment("about to execute");
    match nix::unistd::execve(program, arguments, environment) {
        Err(errno) => Errno::from_raw_os_error(errno as i32),
    }
}

/// Marks every descriptor from `first` on to be closed by `exec` (5.11).
///
/// # Errors
/// What `close_range(2)` says.
#[expect(unsafe_code, reason = "close_range has no safe wrapper")]
pub fn close_on_exec_from(first: u32) -> Result<(), SysError> {
    // SAFETY: the call takes integers and only marks descriptors.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if result == 0 {
        return Ok(());
    }
    Err(SysError::from_io(
        format!("close_range({first}, ~0, CLOSE_RANGE_CLOEXEC)"),
        &std::io::Error::last_os_error(),
    ))
}

/// Closes every descriptor from 3 on but those in `kept`; for a copy of a process, which owns none of the others.
///
/// # Errors
/// What `close_range(2)` says.
#[expect(unsafe_code, reason = "close_range has no safe wrapper")]
pub fn close_all_but(kept: &[BorrowedFd<'_>]) -> Result<(), SysError> {
    let mut kept: Vec<u32> = kept.iter().filter_map(|file| u32::try_from(file.as_raw_fd()).ok()).collect();
    kept.sort_unstable();
    let mut first = 3;
    for end in kept.into_iter().map(Some).chain([None]) {
        let last = end.map_or(u32::MAX, |keep| keep.saturating_sub(1));
        if first <= last {
            // SAFETY: the caller is a copy that leaves by `_exit`; no destructor of an owner runs afterwards.
            let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
            if result != 0 {
                let error = std::io::Error::last_os_error();
                return Err(SysError::from_io(format!("close_range({first}, {last})"), &error));
            }
        }
        first = end.map_or(u32::MAX, |keep| keep.saturating_add(1).max(3));
    }
    Ok(())
}

/// Closes the standard streams of a copy of a process, which writes nothing more and is not to keep them open.
///
/// # Errors
/// What `close_range(2)` says.
#[expect(unsafe_code, reason = "close_range has no safe wrapper")]
pub fn close_stdio() -> Result<(), SysError> {
    // SAFETY: nothing that this process does from here on reads or writes a standard stream.
    let result = unsafe { libc::syscall(libc::SYS_close_range, 0, 2, 0) };
    if result == 0 {
        return Ok(());
    }
    Err(SysError::from_io("close_range(0, 2)", &std::io::Error::last_os_error()))
}

/// Closes `file` in a copy of the process that owns it; the copy leaves by `_exit` and never drops the owner.
#[expect(unsafe_code, reason = "closing what another value owns is unsafe")]
pub fn close_in_copy(file: BorrowedFd<'_>) {
    // SAFETY: the owner lives in the original process; in this copy nobody uses the descriptor again.
    unsafe { rustix::io::close(file.as_raw_fd()) }
}

/// Sends a signal by its number, a real-time one, too; a process that has ended is not an error.
///
/// # Errors
/// What `pidfd_send_signal(2)` says.
#[expect(unsafe_code, reason = "the safe wrapper takes only signals with a name")]
pub fn send_signal(process: BorrowedFd<'_>, number: i32) -> Result<(), SysError> {
    let no_details = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: the kernel reads nothing without details, and writes nothing.
    let result =
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), number, no_details, 0) };
    let error = std::io::Error::last_os_error();
    if result == 0 || error.raw_os_error() == Some(libc::ESRCH) {
        return Ok(());
    }
    Err(SysError::from_io(format!("pidfd_send_signal({}, {number})", process.as_raw_fd()), &error))
}

/// Gives up the caller's session keyring for an empty one of its own (2.6.10), so that no key of the caller's is found
/// in the container; false where the kernel has no keyrings or no room for another.
///
/// # Errors
/// What `keyctl(2)` says otherwise.
#[expect(unsafe_code, reason = "keyctl has no safe wrapper")]
pub fn new_keyring() -> Result<bool, SysError> {
    const KEYCTL_JOIN_SESSION_KEYRING: libc::c_long = 1;
    // SAFETY: a null name asks for an anonymous keyring, and nothing is read or written.
    let result = unsafe {
        libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, std::ptr::null::<libc::c_char>())
    };
    if result >= 0 {
        return Ok(true);
    }
    let error = SysError::from_io("keyctl(JOIN_SESSION_KEYRING)", &std::io::Error::last_os_error());
    match error.errno() {
        Errno::NOSYS | Errno::DQUOT | Errno::PERM => Ok(false),
        _ => Err(error),
    }
}

/// Keeps other processes from reading what this one remembers, and where its program lies, also in its command line.
///
/// # Errors
/// What `prctl(2)` says.
pub fn hide() -> Result<(), SysError> {
    hide_memory()?;
    forget_command_line()
}

/// Keeps others from looking at this process: `/proc/PID` of one that cannot be dumped is open only to who has the right
/// to trace it where it was started (`ptrace(2)`).
///
/// A change of user or of capabilities gives that what `fs.suid_dumpable` says, which may be anything: so this is said
/// again after it.
///
/// # Errors
/// What `prctl(2)` says.
pub fn hide_memory() -> Result<(), SysError> {
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .call(|| "prctl(PR_SET_DUMPABLE, 0)")
}

/// Overwrites the memory that the kernel shows as `/proc/PID/cmdline`, which everybody may read.
#[expect(unsafe_code, reason = "the arguments are memory that belongs to no value")]
fn forget_command_line() -> Result<(), SysError> {
    let text = super::procfs::read("/proc/self/stat")?;
    let text = String::from_utf8_lossy(&text);
    // Behind the name, which may hold anything, the first field is the third; the arguments are 48 and 49, proc(5).
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).and_then(|text| text.parse::<usize>().ok());
    let (Some(start), Some(end)) = (field(48), field(49)) else { return Ok(()) };
    if start != 0 && start < end {
        // SAFETY: the kernel put the strings of this program's arguments there, on its stack, and the standard library
        // has copied what it needs; nobody reads them any more, as this copy of the process only waits.
        unsafe { std::ptr::write_bytes(std::ptr::with_exposed_provenance_mut::<u8>(start), 0, end - start) };
    }
    Ok(())
}

/// As many open descriptors as this process may have, until this is dropped: an image has hundreds of layers, and the
/// usual limit is for programs that still use `select(2)`.
#[derive(Debug)]
pub struct DescriptorLimit(Rlimit);

impl DescriptorLimit {
    /// Raises the soft limit to the hard one.
    ///
    /// # Errors
    /// What `setrlimit(2)` says.
    pub fn raise() -> Result<Self, SysError> {
        let before = rustix::process::getrlimit(Resource::Nofile);
        let raised = Rlimit { current: before.maximum, maximum: before.maximum };
        rustix::process::setrlimit(Resource::Nofile, raised).call(|| "setrlimit(NOFILE)")?;
        Ok(Self(before))
    }
}

impl Drop for DescriptorLimit {
    fn drop(&mut self) {
        // Lowering it again is always allowed.
        let _ = rustix::process::setrlimit(Resource::Nofile, self.0);
    }
}

/// Lets a program that this process becomes keep the capabilities that it has, whoever its user is
/// (`capabilities(7)`, 4.3).
///
/// # Errors
/// What `capset(2)` or `prctl(2)` say.
pub fn keep_capabilities() -> Result<(), SysError> {
    let mut sets = rustix::thread::capabilities(None).call(|| "capget()")?;
    sets.inheritable = sets.permitted;
    rustix::thread::set_capabilities(None, sets).call(|| "capset()")?;
    for capability in sets.permitted.iter() {
        match rustix::thread::configure_capability_in_ambient_set(capability, true) {
            // One that the bounding set lacks, or that this kernel does not know.
            Ok(()) | Err(Errno::PERM | Errno::INVAL) => {}
            Err(errno) => return Err(SysError::new("prctl(PR_CAP_AMBIENT_RAISE)", errno)),
        }
    }
    Ok(())
}

/// Leaves the caller's session and with it its terminal.
///
/// # Errors
/// What `setsid(2)` says.
pub fn new_session() -> Result<(), SysError> {
    rustix::process::setsid().map(drop).call(|| "setsid()")
}

/// Puts copies of three descriptors where a program expects its standard streams.
///
/// # Errors
/// What `dup2(2)` says.
pub fn set_stdio(
    input: BorrowedFd<'_>,
    output: BorrowedFd<'_>,
    error: BorrowedFd<'_>,
) -> Result<(), SysError> {
    rustix::stdio::dup2_stdin(input).call(|| "dup2(0)")?;
    rustix::stdio::dup2_stdout(output).call(|| "dup2(1)")?;
    rustix::stdio::dup2_stderr(error).call(|| "dup2(2)")
}
