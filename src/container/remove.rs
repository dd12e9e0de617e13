//! Removing containers: one by one, and all that do not run.

use super::lifecycle::KILL;
use super::{ContainerSummary, ContainerUsage, Engine, Error};
use crate::plan::name::ContainerId;
use crate::plan::occurrence::Subject;
use crate::store::container::{Along, Container, ContainerError};

/// What to do with a container that is to be removed but runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunningContainer {
    /// Leave it, and say so.
    Refuse,
    /// Kill it.
    Kill,
}

/// What to do with the volumes that a container made without a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnonymousVolumes {
    /// Leave them.
    Keep,
    /// Remove them, unless another container uses them.
    Remove,
}

/// How a container is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoveContainer {
    /// If it runs.
    pub running: RunningContainer,
    /// Its anonymous volumes.
    pub anonymous_volumes: AnonymousVolumes,
}

/// A container that `container prune` has removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// Its ID.
    pub id: ContainerId,
    /// The bytes of its own files.
    pub bytes: u64,
}

impl Engine {
    /// Removes all containers that do not run and that `chosen` chooses; those, and why others are left.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn prune_containers(
        &self,
        chosen: &dyn Fn(&ContainerSummary) -> bool,
    ) -> Result<(Vec<Pruned>, Vec<Error>), Error> {
        let (mut removed, mut failures) = (Vec::new(), Vec::new());
        let options =
            RemoveContainer { running: RunningContainer::Refuse, anonymous_volumes: AnonymousVolumes::Keep };
        let idle = |container: &Container| !container.state.is_alive();
        let idle = self.store.containers()?.into_iter().filter(idle).collect();
        for ContainerUsage { summary: container, size: bytes, .. } in self.container_usage(idle)? {
            if !chosen(&container) {
                continue;
            }
            match self.remove_container(container.id.as_str(), options) {
                Ok(()) => removed.push(Pruned { id: container.id, bytes }),
                // Somebody was quicker.
                Err(Error::Container(ContainerError::Running(_) | ContainerError::Unknown(_))) => {}
                Err(error) => failures.push(error),
            }
        }
        self.note_pruned(Subject::Container, removed.iter().map(|one: &Pruned| one.bytes).sum());
        Ok((removed, failures))
    }

    /// Removes a container.
    ///
    /// # Errors
    /// There is none of that name, it runs, or its files cannot be removed.
    pub fn remove_container(&self, text: &str, options: RemoveContainer) -> Result<(), Error> {
        let container = self.store.find_container(text)?;
        if container.state.is_alive() && options.running == RunningContainer::Kill {
            self.note_kill(&container.record, KILL);
            self.end(&container)?;
        }
        let along = match options.anonymous_volumes {
            AnonymousVolumes::Keep => Along::Nothing,
            AnonymousVolumes::Remove => Along::AnonymousVolumes,
        };
        self.removing(|| {
            self.store.remove_container(&container.record, along)?;
            self.remove_cgroup(&container.record.id)
        })?;
        self.note_removed(&container.record)
    }
}
