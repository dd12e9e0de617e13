//! One of the trees that are compared: what comes next in it.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::plan::textdiff::TEXT_MAX;
use crate::store::walk::{Place, Walk, WalkError};
use crate::sys::{Call, SysError};

/// One tree of the two.
pub(super) struct Side {
    pub(super) walk: Walk,
    /// What comes next.
    pub(super) place: Option<Place>,
}

impl Side {
    pub(super) fn new(root: BorrowedFd<'_>) -> Result<Self, WalkError> {
        let mut walk = Walk::new(root)?;
        let place = walk.next()?;
        Ok(Self { walk, place })
    }

    pub(super) fn advance(&mut self) -> Result<(), WalkError> {
        self.place = self.walk.next()?;
        Ok(())
    }

    /// Opens what comes next; none when it is gone.
    pub(super) fn open(&mut self, flags: OFlags) -> Result<Option<OwnedFd>, WalkError> {
        let Some(place) = &self.place else { return Ok(None) };
        let failed = |source| place.failed(source);
        let Some(directory) = self.walk.directory().map_err(failed)? else { return Ok(None) };
        let name = place.name();
        match rustix::fs::openat(directory, name, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => Ok(None),
            opened => opened.call(|| format!("openat({name:?})")).map(Some).map_err(failed),
        }
    }

    pub(super) fn open_file(&mut self) -> Result<Option<OwnedFd>, WalkError> {
        match &self.place {
            Some(place) if place.kind() == FileType::RegularFile => {
                self.open(OFlags::RDONLY | OFlags::NONBLOCK)
            }
            Some(_) | None => Ok(None),
        }
    }

    pub(super) fn link(&mut self) -> Result<Vec<u8>, WalkError> {
        let Some(place) = &self.place else { return Ok(Vec::new()) };
        let failed = |source| place.failed(source);
        let Some(directory) = self.walk.directory().map_err(failed)? else { return Ok(Vec::new()) };
        match rustix::fs::readlinkat(directory, place.name(), Vec::new()) {
            Err(Errno::NOENT | Errno::INVAL) => Ok(Vec::new()),
            link => link.call(|| "readlinkat").map(std::ffi::CString::into_bytes).map_err(failed),
        }
    }

    /// The text of a file that comes next, as far as it may be compared; none for anything else.
    pub(super) fn text(&mut self) -> Result<Option<Vec<u8>>, WalkError> {
        let Some(file) = self.open_file()? else { return Ok(None) };
        let mut text = Vec::new();
        let read = std::io::Read::read_to_end(
            &mut std::io::Read::take(std::fs::File::from(file), TEXT_MAX as u64 + 1),
            &mut text,
        );
        match (read.call(|| "read"), &self.place) {
            (Err(source), Some(place)) => Err(place.failed(source)),
            (Ok(_) | Err(_), _) => Ok(Some(text)),
        }
    }

    /// Says which file a call was about.
    pub(super) fn failing<T>(&self, work: impl FnOnce() -> Result<T, SysError>) -> Result<T, WalkError> {
        let path = self.place.as_ref().map(|place| place.path.clone()).unwrap_or_default();
        work().map_err(|source| WalkError { path, source })
    }
}
