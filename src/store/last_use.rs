//! When something was made of an image last: the time of its record, so that it costs one system call.

use rustix::fs::{AtFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, statat, utimensat};
use rustix::io::Errno;

use super::{Store, StoreError, layout};
use crate::plan::digest::Digest;
use crate::sys::Call;

impl Store {
    /// Notes that something is made of the image now. Where that cannot be written, nothing can be removed for it, either.
    pub fn note_use(&self, id: &Digest) {
        let Ok(Some(directory)) = self.directory() else { return };
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        };
        // An image that has gone meanwhile is missed by whoever wants its files.
        let _ = utimensat(directory, record(id), &times, AtFlags::SYMLINK_NOFOLLOW);
    }

    /// When something was made of the image last, or when it came, in nanoseconds since 1970; none where there is no such
    /// image.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn last_use(&self, id: &Digest) -> Result<Option<i128>, StoreError> {
        let Some(directory) = self.directory()? else { return Ok(None) };
        let name = record(id);
        match statat(directory, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec))),
            Err(Errno::NOENT) => Ok(None),
            refused => refused
                .map(|_| None)
                .call(|| format!("statat({name:?})"))
                .map_err(|cause| self.read_error(cause)),
        }
    }
}

fn record(id: &Digest) -> String {
    format!("{}/{}", layout::image(id), layout::RECORD)
}
