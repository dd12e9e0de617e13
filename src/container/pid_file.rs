//! The file that says which process a container's init is (`--pidfile`).

use std::io::Write as _;
use std::os::fd::BorrowedFd;
use std::path::Path;

use super::Error;
use super::result::process_id;
use crate::sys::whole_file::WholeFile;
use crate::sys::{Call, SysError};

/// Makes sure that there can be a file for the process ID, and that none says what is no longer true.
pub(super) fn prepare(path: &Path) -> Result<(), Error> {
    let make_room = || {
        drop(WholeFile::create_unlinked(path)?);
        if path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            std::fs::remove_file(path).call(|| format!("unlink({path:?})"))?;
        }
        Ok(())
    };
    make_room().map_err(|cause| Error::PidFile { path: path.to_owned(), cause })
}

/// Writes the process ID of init as the caller sees it.
pub(super) fn write(path: &Path, init: BorrowedFd<'_>) -> Result<(), Error> {
    write_whole(path, init).map_err(|cause| Error::PidFile { path: path.to_owned(), cause })
}

fn write_whole(path: &Path, init: BorrowedFd<'_>) -> Result<(), SysError> {
    let pid = process_id(init)?.map_or_else(String::new, |pid| pid.to_string());
    let whole = WholeFile::create_unlinked(path)?;
    whole.file().write_all(format!("{pid}\n").as_bytes()).call(|| format!("write({path:?})"))?;
    whole.finish()
}
