//! Copies a tree that others may change meanwhile.

use std::ffi::{OsStr, OsString};
use std::os::fd::BorrowedFd;

use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::{Amount, Copier, CopyError, Sharing, failed};
use crate::store::merged::{MergedDir, open_directory};
use crate::sys::{Call, SysError};

/// Whether anybody else may write to what is copied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SourceState {
    Still,
    Changing,
}

/// Copies the directory `source`, which may be in use, with its metadata to the empty directory `destination`; how much
/// that was.
///
/// As [`copy_tree`](super::copy_tree), with the owners that the files have. What disappears meanwhile is left out. `progress` is told what
/// is done after each file.
///
/// # Errors
/// The kernel refuses something, also to share data where that is asked for.
pub fn copy_living_tree(
    source: BorrowedFd<'_>,
    destination: BorrowedFd<'_>,
    sharing: Sharing,
    progress: &mut dyn FnMut(Amount),
) -> Result<Amount, CopyError> {
    let source = open_directory(source, OsStr::new(".")).call(|| "openat(\".\")");
    let source = MergedDir { parts: vec![source.map_err(|error| failed(&[], error))?] };
    let mut owners = |user, group| (user, group);
    let mut copier = Copier::new(&source, destination, &mut owners, progress);
    (copier.sharing, copier.source_state) = (sharing, SourceState::Changing);
    copier.run()?;
    Ok(copier.amount)
}

impl Copier<'_> {
    /// Whether a name is not there any more that was just seen.
    pub(super) fn has_gone(&self, error: &SysError) -> bool {
        let gone = matches!(error.errno(), Errno::NOENT | Errno::NOTDIR | Errno::LOOP);
        gone && self.source_state == SourceState::Changing
    }

    /// Removes the empty copy of a directory that has gone.
    pub(super) fn take_back(&self, names: &[OsString]) -> Result<(), SysError> {
        let Some((name, above)) = names.split_last() else { return Ok(()) };
        rustix::fs::unlinkat(self.open_destination(above)?, name, AtFlags::REMOVEDIR)
            .call(|| format!("unlinkat({name:?}, REMOVEDIR)"))
    }
}
