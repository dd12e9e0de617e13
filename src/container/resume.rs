//! Starting a container that exists: from what was stored when it was made, on its own files.

use super::charge::Charge;
use super::{Engine, Error, Events};
use crate::launch::{Client, Feeding};
use crate::plan::Plan;
use crate::plan::occurrence::Action;
use crate::plan::rootfs::Rootfs;
use crate::store::container::{Bundle, Container, ContainerError, ContainerRecord};
use crate::store::volume::VolumeRecord;
use crate::sys::{clock, hosttree};

impl Engine {
    /// Starts a container that does not run, and leaves it alone; one that runs is left as it is.
    ///
    /// # Errors
    /// There is none, or it cannot be started.
    pub fn start(&self, text: &str, events: Events<'_>) -> Result<(), Error> {
        let container = self.store.find_container(text)?;
        loop {
            match self.start_alone(&container, events) {
                Err(Error::Container(ContainerError::Running(_))) => {}
                result => return result,
            }
            // It is locked by whoever runs it, or until then by whoever removes it or copies into it.
            if self.await_turn(&container)? {
                return Ok(());
            }
        }
    }

    pub(super) fn start_alone(&self, container: &Container, events: Events<'_>) -> Result<(), Error> {
        let bundle = self.store.take_container(container)?;
        self.resume(container, &bundle, &mut |charge| charge.run_detached(container.start, events))
    }

    /// Starts a container with this process as its first guest.
    pub(super) fn start_with_guest(
        &self,
        container: &Container,
        feeding: Feeding,
        events: Events<'_>,
    ) -> Result<Client, Error> {
        let bundle = self.store.take_container(container)?;
        self.resume(container, &bundle, &mut |charge| charge.run_with_guest(container.start, feeding, events))
    }

    /// Thinks a container through again, makes what it needs and may be gone, and does `launch`.
    fn resume<T>(
        &self,
        container: &Container,
        bundle: &Bundle,
        launch: &mut dyn FnMut(&Charge<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let record = &container.record;
        let plan = self.stored_plan(record, bundle)?;
        for mount in &record.mounts {
            if let Some(name) = mount.volume.clone() {
                let (created, nanoseconds) = clock::now();
                let volume = VolumeRecord {
                    name,
                    anonymous: mount.anonymous,
                    labels: Vec::new(),
                    created,
                    nanoseconds,
                    options: std::collections::BTreeMap::new(),
                };
                if self.store.make_volume(&volume)? {
                    self.note_volume(&volume.name, &Action::Create);
                }
            }
        }
        record.supervision.pid_file.as_deref().map_or(Ok(()), super::pid_file::prepare)?;
        let charge = Charge { engine: self, plan: &plan, record, bundle };
        let result = launch(&charge);
        if let Err(error) = &result {
            let run = super::charge::Run::detached(record, container.start);
            charge.note_failure(run, error)?;
        }
        result
    }

    fn stored_plan(&self, record: &ContainerRecord, bundle: &Bundle) -> Result<Plan, Error> {
        let (spec, mut supplement) = self.description(record, bundle)?;
        if let Rootfs::Host { areas, .. } = &mut supplement.rootfs {
            // The machine's own mounts may be others by now.
            *areas = hosttree::areas().map_err(Error::Probe)?;
        }
        let sources = supplement.additions.values_mut().filter_map(|addition| addition.source.as_mut());
        sources.for_each(Self::look_at_device_again);
        Ok(Plan::from_spec(&spec, supplement, &self.host)?)
    }
}
