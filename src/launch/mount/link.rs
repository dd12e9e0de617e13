//! Symlinks that are made again in the container instead of being followed on the host.

use std::ffi::CString;
use std::path::Path;

use rustix::fs::CWD;
use rustix::io::Errno;

use super::{Cause, default};
use crate::launch::rootfs::Root;
use crate::plan::path::ContainerPath;
use crate::sys::{Call, SysError};

/// What the symlink at `path` on the host says; none where there is something else.
pub(super) fn read(path: &Path) -> Result<Option<CString>, SysError> {
    match rustix::fs::readlinkat(CWD, path, Vec::new()) {
        Ok(text) => Ok(Some(text)),
        Err(Errno::INVAL) => Ok(None),
        Err(errno) => Err(SysError::new(format!("readlink({path:?})"), errno)),
    }
}

/// Makes a symlink that says `text`; one that is there and says the same will do.
pub(super) fn make(root: &Root, destination: &ContainerPath, text: &CString) -> Result<(), Cause> {
    let Some(name) = destination.components().next_back() else { return Err(Cause::Occupied) };
    let parent = root.parent(destination)?;
    default::check_parent(&parent)?;
    match rustix::fs::symlinkat(text, &parent, name) {
        Err(Errno::EXIST) => match rustix::fs::readlinkat(&parent, name, Vec::new()) {
            Ok(found) if found == *text => Ok(()),
            _ => Err(Cause::Occupied),
        },
        result => Ok(result.call(|| format!("symlinkat({text:?}, {name:?})"))?),
    }
}
