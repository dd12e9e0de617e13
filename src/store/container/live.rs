//! What is mounted into a container while it runs: written down before it is mounted, and true as long as the kernel
//! has something mounted there. So a command that is killed in between leaves nothing that anybody would see.

use std::collections::HashSet;
use std::ffi::OsString;

use super::{Container, LiveMount, container_name};
use crate::plan::mount_table;
use crate::plan::rootfs::Lifetime;
use crate::store::lock::NameLock;
use crate::store::temporary::Temporary;
use crate::store::{Store, StoreError, layout};
use crate::sys::SysError;
use crate::sys::running::Processes;

/// The right to change what is mounted into one container.
#[derive(Debug)]
pub struct LiveLock {
    _lock: NameLock,
}

impl Store {
    /// Waits until nobody else changes what is mounted into the container.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn lock_mounts(&self, container: &Container) -> Result<LiveLock, StoreError> {
        let locks = self.temporary_directory()?;
        let name = format!("mounts-{}", container.record.id);
        let lock = NameLock::wait(&locks, &name).map_err(|cause| self.write_error(cause))?;
        Ok(LiveLock { _lock: lock })
    }

    /// Writes down what is mounted into a container; `_lock` shows that nobody else does so at the same time.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn write_live_mounts(
        &self,
        container: &Container,
        mounts: &[LiveMount],
        _lock: &LiveLock,
    ) -> Result<(), StoreError> {
        let lifetime = if container.record.removed_at_end { Lifetime::Ephemeral } else { Lifetime::Kept };
        let name = format!("{}/{}", container_name(container.record.id.as_str(), lifetime), layout::MOUNTED);
        let json = serde_json::to_vec(mounts).unwrap_or_default();
        Temporary::new(self)?.replace_file(self, &name, &json)
    }

    /// What has been mounted into the running container of this directory, and is still there.
    pub(super) fn live_mounts(&self, container: &str) -> Result<Vec<LiveMount>, StoreError> {
        let name = format!("{container}/{}", layout::MOUNTED);
        let Some(mut mounts) = self.read_json::<Vec<LiveMount>>(&name, "a list of mounts")? else {
            return Ok(Vec::new());
        };
        if let Some(points) = self.mount_points(container).map_err(|cause| self.read_error(cause))? {
            mounts.retain(|mount| points.contains(mount.place.as_os_str()));
        }
        Ok(mounts)
    }

    /// Where the running container has something mounted; none if its processes cannot be seen from here.
    fn mount_points(&self, container: &str) -> Result<Option<HashSet<OsString>>, SysError> {
        let path = self.path().join(container).join(layout::OWNER);
        let Some(processes) = Processes::find(&path)? else { return Ok(None) };
        let table = processes.mount_table()?;
        Ok(table.map(|table| mount_table::parse(&table).into_iter().map(|mount| mount.point).collect()))
    }
}
