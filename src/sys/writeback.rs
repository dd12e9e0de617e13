//! A head start for the disk.
//!
//! Source: `sync_file_range(2)`.

use std::os::fd::{AsRawFd as _, BorrowedFd};

/// Has the kernel begin to bring to the disk what was written to a file, without waiting for it. That promises nothing:
/// who needs it there asks for that later, and has less to wait for.
#[expect(unsafe_code, reason = "sync_file_range has no safe wrapper")]
pub fn begin(file: BorrowedFd<'_>) {
    // SAFETY: the call takes integers only. Its answer says nothing that the later call does not say.
    let _ = unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE) };
}
