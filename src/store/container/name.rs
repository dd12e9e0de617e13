//! Names of containers: a file each, which only one can make, and which says whose the name is.

use rustix::io::Errno;

use super::{Container, ContainerError, ContainerRecord};
use crate::plan::name::{ContainerId, ContainerName};
use crate::plan::rootfs::Lifetime;
use crate::store::lock::NameLock;
use crate::store::temporary::Temporary;
use crate::store::{Store, StoreError, layout};

impl Store {
    pub(in crate::store) fn named(&self, name: &ContainerName) -> Result<Option<Container>, StoreError> {
        let Some(bytes) = self.read_file(&layout::container_name(name.as_str()))? else { return Ok(None) };
        let Ok(id) = String::from_utf8_lossy(&bytes).trim().parse::<ContainerId>() else { return Ok(None) };
        for lifetime in [Lifetime::Kept, Lifetime::Ephemeral] {
            if let Some(container) = self.read_container(id.as_str(), lifetime)?
                && container.record.name == *name
            {
                return Ok(Some(container));
            }
        }
        Ok(None)
    }

    /// Waits until nobody else is about to give something this name.
    pub(in crate::store) fn lock_name(&self, name: &ContainerName) -> Result<NameLock, StoreError> {
        let locks = self.temporary_directory()?;
        NameLock::wait(&locks, &format!("name-{name}")).map_err(|cause| self.write_error(cause))
    }

    /// Waits until nobody else gives this container another name.
    fn lock_renaming(&self, record: &ContainerRecord) -> Result<NameLock, StoreError> {
        let locks = self.temporary_directory()?;
        NameLock::wait(&locks, &format!("rename-{}", record.id)).map_err(|cause| self.write_error(cause))
    }

    /// Takes a name, locked, by making its file. One that a killed process left is written over.
    pub(super) fn take_name(
        &self,
        record: &ContainerRecord,
        temporary: &Temporary,
    ) -> Result<(), ContainerError> {
        let root = self.writable()?;
        let file = layout::container_name(record.name.as_str());
        let own = "name";
        let write = || {
            temporary.directory().write(own, record.id.as_str().as_bytes())?;
            temporary.directory().link(own, root, &file)
        };
        match write() {
            Ok(()) => {}
            Err(error) if error.errno() == Errno::EXIST => {
                if let Some(holder) = self.named(&record.name)? {
                    return Err(ContainerError::NameInUse {
                        name: record.name.clone(),
                        id: holder.record.id,
                    });
                }
                // A launcher was killed between taking the name and making the container.
                temporary
                    .directory()
                    .rename(own, root, &file)
                    .map_err(|cause| ContainerError::Store(self.write_error(cause)))?;
                return Ok(());
            }
            Err(cause) => return Err(ContainerError::Store(self.write_error(cause))),
        }
        temporary.directory().unlink(own).map_err(|cause| self.write_error(cause))?;
        Ok(())
    }

    /// Gives a container another name. Until its record says so, the old one counts; then the new one.
    ///
    /// # Errors
    /// The name is taken, somebody else has given it another one or removed it meanwhile, or the store cannot be written.
    pub fn rename_container(
        &self,
        container: &Container,
        name: &ContainerName,
    ) -> Result<(), ContainerError> {
        let gone = || ContainerError::Unknown(container.record.name.to_string());
        let temporary = Temporary::new(self)?;
        let _only = self.lock_renaming(&container.record)?;
        let current = self.find_container(container.record.id.as_str()).map_err(|_| gone())?.record;
        if current.name != container.record.name {
            return Err(gone());
        }
        let lock = self.lock_name(name)?;
        let record = ContainerRecord { name: name.clone(), ..current };
        self.take_name(&record, &temporary)?;
        let lifetime = if record.removed_at_end { Lifetime::Ephemeral } else { Lifetime::Kept };
        let path = format!("{}/{}", super::container_name(record.id.as_str(), lifetime), layout::RECORD);
        match temporary.replace_file_durably(self, &path, &self.written_record(&record)) {
            Err(StoreError::Write { cause, .. }) if cause.errno() == Errno::NOENT => {
                self.release_name(&record)?;
                return Err(gone());
            }
            written => written?,
        }
        // Never two locks at once: somebody may be giving the names the other way round.
        drop(lock);
        self.free_name(&container.record)?;
        Ok(())
    }

    /// Forgets the name of a container that is gone, unless it is another one's by now; whether it was its own.
    pub(super) fn free_name(&self, record: &ContainerRecord) -> Result<bool, StoreError> {
        let _lock = match self.lock_name(&record.name) {
            Ok(lock) => Some(lock),
            // Then nobody else has room to take the name either.
            Err(StoreError::Full { .. }) => None,
            Err(error) => return Err(error),
        };
        self.release_name(record)
    }

    /// The same, with the name locked.
    pub(super) fn release_name(&self, record: &ContainerRecord) -> Result<bool, StoreError> {
        let file = layout::container_name(record.name.as_str());
        let holder = self.read_file(&file)?;
        if holder.as_deref() != Some(record.id.as_str().as_bytes()) {
            return Ok(false);
        }
        self.writable()?.unlink(&file).map(|_| true).map_err(|cause| self.write_error(cause))
    }
}
