//! Containers whose processes stand still: for a user, or while something is copied.

use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use super::{Container, ContainerError, ContainerRecord, container_name};
use crate::plan::rootfs::Lifetime;
use crate::store::directory::Directory;
use crate::store::{Store, StoreError, layout};
use crate::sys::{Call, SysError, cgroup};

impl Store {
    /// Opens what says why the processes of a container stand still.
    ///
    /// # Errors
    /// The container is gone, or the store cannot be written.
    pub fn still_note(&self, container: &Container) -> Result<OwnedFd, ContainerError> {
        let record = &container.record;
        let lifetime = if record.removed_at_end { Lifetime::Ephemeral } else { Lifetime::Kept };
        let directory = self.open_container(&container_name(record.id.as_str(), lifetime))?;
        let directory = directory.ok_or_else(|| ContainerError::Unknown(record.name.to_string()))?;
        let made = open(&directory, OFlags::CREATE);
        Ok(made
            .call(|| format!("openat({:?}, CREATE)", layout::STILL))
            .map_err(|cause| self.write_error(cause))?)
    }

    /// Whether a user has paused a container that runs. One that was left standing still by somebody who was killed while
    /// copying goes on.
    pub(super) fn is_paused(
        &self,
        record: &ContainerRecord,
        directory: &Directory,
    ) -> Result<bool, StoreError> {
        let Some(path) = self.cgroup_of(&record.id)?.filter(|path| cgroup::is_frozen(path)) else {
            return Ok(false);
        };
        let failed = |cause: SysError| self.read_error(cause);
        match open(directory, OFlags::empty()) {
            Ok(note) => cgroup::is_paused(&path, &note).map_err(failed),
            Err(Errno::NOENT) => Ok(true),
            Err(errno) => Err(failed(SysError::new(format!("openat({:?})", layout::STILL), errno))),
        }
    }
}

fn open(directory: &Directory, more: OFlags) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | more;
    openat(directory, layout::STILL, flags, Mode::RUSR | Mode::WUSR)
}
