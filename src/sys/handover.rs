//! Descriptors that whoever started this program handed over, known by their numbers.

use std::fs::File;
use std::os::fd::BorrowedFd;

use rustix::io::{Errno, FdFlags};

use super::{Call, SysError};

/// A file that leads where the descriptor with this number does. It must have been handed over: all that this program
/// opens itself is closed on exec.
///
/// # Errors
/// There is no such descriptor, or it is one of this program's own.
#[expect(unsafe_code, reason = "a descriptor that no value owns is known by its number only")]
pub fn file(number: i32) -> Result<File, SysError> {
    let shown = || format!("fcntl({number}, DUPFD_CLOEXEC)");
    if number < 0 {
        return Err(SysError::new(shown(), Errno::BADF));
    }
    // SAFETY: it is looked at and copied, and never closed; a number that names nothing is an error of these calls.
    let handed = unsafe { BorrowedFd::borrow_raw(number) };
    if rustix::io::fcntl_getfd(handed).call(shown)?.contains(FdFlags::CLOEXEC) {
        return Err(SysError::new(shown(), Errno::BADF));
    }
    Ok(rustix::io::fcntl_dupfd_cloexec(handed, 3).call(shown)?.into())
}
