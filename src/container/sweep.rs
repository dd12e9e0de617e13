//! Tidying up: after work that failed, after killed launchers, and what goes with a container.

use super::{Engine, Error, now, within};
use crate::plan::name::VolumeName;
use crate::plan::occurrence::Action;
use crate::plan::rootfs::Lifetime;
use crate::store::StoreError;
use crate::store::container::{Along, ContainerError, ContainerRecord};
use crate::store::volume::{Disposal, VolumeError};

impl Engine {
    /// Sweeps, does `work`, and if that fails where there was no store before, leaves none.
    pub(super) fn all_or_nothing<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        self.sweep()?;
        let absence = self.store.absence()?;
        let result = work();
        if let (Err(_), Some(absence)) = (&result, absence) {
            // What went wrong first says more than what then stood in the way of tidying up.
            let _ = self.store.unmake(absence);
        }
        result
    }

    /// Removes what killed launchers left behind, and removed volumes that have expired. Costs two empty directories
    /// and two that are not there when there is nothing.
    pub(super) fn sweep(&self) -> Result<(), Error> {
        let abandoned = self.store.abandoned_containers()?;
        let expired = self.store.expired_trash(now())?;
        self.remove_dead_cgroups()?;
        if abandoned.is_empty() && expired.is_empty() && self.store.sweep()?.left == 0 {
            return Ok(());
        }
        let namespace = self.own_namespace()?;
        within(namespace.as_ref(), || self.sweep_inside(&abandoned, &expired))?;
        // Whoever could have said so was killed.
        let is_gone =
            |record: &&ContainerRecord| !self.store.container_path(&record.id, Lifetime::Ephemeral).exists();
        abandoned.iter().filter(is_gone).try_for_each(|record| self.note_removed(record))
    }

    fn sweep_inside(&self, abandoned: &[ContainerRecord], expired: &[String]) -> Result<(), Error> {
        for record in abandoned {
            match self.store.remove_container(record, Along::AnonymousVolumes) {
                // Another command is doing the same, or what cannot be removed is left to the next one: nobody has asked
                // for it here.
                Ok(())
                | Err(ContainerError::Running(_) | ContainerError::Store(StoreError::Remove { .. })) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if !expired.is_empty() {
            self.store.purge_trash(expired)?;
        }
        self.store.sweep()?;
        Ok(())
    }

    /// Tells that a container is gone, and with it those of its volumes that went along.
    pub(super) fn note_removed(&self, record: &ContainerRecord) -> Result<(), Error> {
        self.note_container(record, &Action::Destroy, &[]);
        let anonymous = record.mounts.iter().filter(|mount| mount.anonymous);
        for volume in anonymous.filter_map(|mount| mount.volume.as_ref()) {
            if !self.store.volume_exists(volume)? {
                self.note_volume(volume, &Action::Destroy);
            }
        }
        Ok(())
    }

    pub(super) fn remove_unused_volumes(&self, volumes: &[VolumeName]) -> Result<(), Error> {
        for volume in volumes {
            let was_there = self.store.volume_exists(volume)?;
            let removed = self.store.remove_volume(volume, Disposal::Gone);
            // Its name goes first: what is left then is nobody's.
            if was_there && !self.store.volume_exists(volume)? {
                self.note_volume(volume, &Action::Destroy);
            }
            match removed {
                Ok(()) | Err(VolumeError::InUse { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Does `remove` as the caller, which is quick; what that leaves, because it lies in directories of subordinate
    /// IDs, is then removed inside the user namespace that has them.
    pub(super) fn removing(&self, remove: impl Fn() -> Result<(), Error>) -> Result<(), Error> {
        let Err(error) = remove() else { return Ok(()) };
        let (true, Some(namespace)) = (error.leaves_something(), self.own_namespace()?) else {
            return Err(error);
        };
        let swept = within(Some(&namespace), || -> Result<_, Error> {
            remove()?;
            Ok(self.store.sweep()?)
        })?;
        if swept.left == 0 { Ok(()) } else { Err(error) }
    }
}
