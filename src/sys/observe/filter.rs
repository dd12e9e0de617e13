//! The filter of a process's system calls, read back.
//!
//! The kernel gives it to a tracer with all rights over the machine, and only while the process stands still: it is
//! stopped for that moment, as by `SIGSTOP` and `SIGCONT`, and no signal is seen by anybody. Source: `ptrace(2)`,
//! `PTRACE_SECCOMP_GET_FILTER` (4.4).

use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::Pid;

use crate::plan::digest::Digest;
use crate::plan::seccomp::{Filter, Instruction};
use crate::sys::running::Processes;
use crate::sys::{Call, SysError};

/// How long a process may take to stand still.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is looked at meanwhile.
const PAUSE: Duration = Duration::from_micros(200);
/// How many filters are read: minirun's is the first but for those that minirun was started with.
const MANY: usize = 16;
/// The bytes of an instruction, `struct sock_filter`.
const INSTRUCTION: usize = 8;

/// The digest of each filter of the container's first process, the oldest first.
///
/// # Errors
/// What `ptrace(2)` says: `EPERM` for whoever is not root of the machine, or where somebody traces the process already;
/// `EIO` for a kernel that gives none.
pub fn digests(processes: &Processes) -> Result<Vec<Digest>, SysError> {
    let tracer = Tracer::attach(processes.init())?;
    // Before, the number may have been another process's.
    if !processes.is_alive()? {
        return Err(SysError::new("poll(pidfd)", Errno::SRCH));
    }
    tracer.stop()?;
    let mut digests = Vec::new();
    for index in 0..MANY {
        match tracer.filter(index) {
            Err(error) if error.errno() == Errno::NOENT => break,
            program => digests.push(program?.digest()),
        }
    }
    tracer.detach()?;
    Ok(digests)
}

/// The numbers are those of this machine: two bytes of code, a byte for each jump, four of operand.
fn instruction([code, second, rest @ ..]: [u8; INSTRUCTION]) -> Instruction {
    let [jt, jf, operand @ ..] = rest;
    Instruction { code: u16::from_ne_bytes([code, second]), jt, jf, k: u32::from_ne_bytes(operand) }
}

/// What the C library's declaration of `ptrace` has for a request.
#[cfg(target_env = "gnu")]
type Request = libc::c_uint;
#[cfg(not(target_env = "gnu"))]
type Request = libc::c_int;

/// Follows a process until it is dropped; the kernel lets the process go on when this one ends, too.
struct Tracer(libc::pid_t);

impl Tracer {
    fn attach(process: Pid) -> Result<Self, SysError> {
        let pid = process.as_raw_pid();
        request("PTRACE_SEIZE", (libc::PTRACE_SEIZE, pid), (0, std::ptr::null_mut()))?;
        Ok(Self(pid))
    }

    fn stop(&self) -> Result<(), SysError> {
        request("PTRACE_INTERRUPT", (libc::PTRACE_INTERRUPT, self.0), (0, std::ptr::null_mut()))?;
        let begun = Instant::now();
        while !self.has_stopped()? {
            if begun.elapsed() > PATIENCE {
                return Err(SysError::new(format!("waitpid({})", self.0), Errno::TIMEDOUT));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    #[expect(unsafe_code, reason = "rustix and nix wait for children of this process alone")]
    fn has_stopped(&self) -> Result<bool, SysError> {
        let mut status = 0;
        // SAFETY: the call writes one integer, which outlives it.
        let pid = unsafe { libc::waitpid(self.0, &raw mut status, libc::__WALL | libc::WNOHANG) };
        match pid {
            -1 => Err(SysError::from_io(format!("waitpid({})", self.0), &std::io::Error::last_os_error())),
            0 => Ok(false),
            _ if libc::WIFSTOPPED(status) => Ok(true),
            _ => Err(SysError::new(format!("waitpid({})", self.0), Errno::SRCH)),
        }
    }

    fn filter(&self, index: usize) -> Result<Filter, SysError> {
        const GET_FILTER: Request = 0x420c;
        let call = "PTRACE_SECCOMP_GET_FILTER";
        let count = request(call, (GET_FILTER, self.0), (index, std::ptr::null_mut()))?;
        let mut program = vec![[0; INSTRUCTION]; usize::try_from(count).unwrap_or(0)];
        // The process stands still, so that the program is as long as it was.
        request(call, (GET_FILTER, self.0), (index, program.as_mut_ptr().cast()))?;
        Ok(Filter { instructions: program.into_iter().map(instruction).collect(), flags: 0 })
    }

    fn detach(&self) -> Result<(), SysError> {
        request("PTRACE_DETACH", (libc::PTRACE_DETACH, self.0), (0, std::ptr::null_mut())).map(drop)
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // Of one that was let go, or has ended, the kernel says that there is none.
        let _ = self.detach();
    }
}

#[expect(unsafe_code, reason = "nix has no PTRACE_SECCOMP_GET_FILTER")]
fn request(
    name: &str,
    (request, pid): (Request, libc::pid_t),
    (address, data): (usize, *mut libc::c_void),
) -> Result<libc::c_long, SysError> {
    // SAFETY: of the requests made here only PTRACE_SECCOMP_GET_FILTER writes to memory, and `data` is null or has room
    // for the instructions of which the kernel has just said how many there are.
    let result = unsafe { libc::ptrace(request, pid, address as *mut libc::c_void, data) };
    if result < 0 {
        return Err(std::io::Error::last_os_error()).call(|| format!("ptrace({name}, {pid})"));
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt as _;

    use super::*;

    /// Lets a process and all that it starts do everything, through a filter of one instruction.
    #[expect(unsafe_code, reason = "rustix and nix have no filters")]
    fn allow_all() -> std::io::Result<()> {
        let mut program = [libc::sock_filter { code: 6, jt: 0, jf: 0, k: 0x7fff_0000 }];
        let filter = libc::sock_fprog { len: 1, filter: program.as_mut_ptr() };
        rustix::thread::set_no_new_privs(true)?;
        // SAFETY: the program outlives the call, which only reads it.
        let result =
            unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) };
        if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    }

    #[test]
    fn root_reads_a_filter_back() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let mut command = std::process::Command::new("sleep");
        command.arg("100");
        // SAFETY: the closure makes two system calls and touches nothing of this process.
        #[expect(unsafe_code, reason = "the filter is for the child alone")]
        let command = unsafe { command.pre_exec(allow_all) };
        let mut child = command.spawn().unwrap();
        let pid = Pid::from_child(&child);
        let tracer = Tracer::attach(pid).unwrap();
        tracer.stop().unwrap();
        let program = tracer.filter(0);
        tracer.detach().unwrap();
        // It goes on.
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        match program {
            // printf '\6\0\0\0\0\0\377\177' | sha256sum
            Ok(program) => assert_eq!(
                program.digest().to_string(),
                "sha256:40b2a31e1a78576bb4afdf1433867d0cc67b769635ef549fba81c7d37570520f"
            ),
            // Root of a container, or a kernel without the call.
            Err(error) => {
                assert!([Errno::ACCESS, Errno::PERM, Errno::IO].contains(&error.errno()), "{error}");
            }
        }
    }
}
