//! Filters of system calls: `seccomp(2)`.

use super::SysError;
use crate::plan::seccomp::Filter;

/// From now on this process, and what it starts, makes only the system calls that the filter lets through.
///
/// # Errors
/// What `seccomp(2)` says: `EACCES` without `no_new_privs` and without the right to administer the user namespace,
/// `EINVAL` where a flag is not known (an older kernel) or there is no such call.
#[expect(unsafe_code, reason = "seccomp has no safe wrapper")]
pub fn install(filter: &Filter) -> Result<(), SysError> {
    let one = |instruction: &crate::plan::seccomp::Instruction| libc::sock_filter {
        code: instruction.code,
        jt: instruction.jt,
        jf: instruction.jf,
        k: instruction.k,
    };
    let mut instructions: Vec<libc::sock_filter> = filter.instructions.iter().map(one).collect();
    let program = libc::sock_fprog {
        len: u16::try_from(instructions.len()).unwrap_or(u16::MAX),
        filter: instructions.as_mut_ptr(),
    };
    // SAFETY: `program` and the instructions that it points to outlive the call, which only reads them.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, filter.flags, &raw const program)
    };
    if result == 0 {
        return Ok(());
    }
    let call =
        format!("seccomp(SECCOMP_SET_MODE_FILTER, {:#x}, {} instructions)", filter.flags, instructions.len());
    // With SECCOMP_FILTER_FLAG_TSYNC the result is the thread that could not join; this process has only one.
    Err(SysError::from_io(call, &std::io::Error::last_os_error()))
}
