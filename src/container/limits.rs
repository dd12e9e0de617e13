//! Limits of a whole container: by a cgroup where the caller has one, else by the limits of its processes.

use super::{Engine, Error, Event, Events};
use crate::error::limits::LimitsError;
use crate::plan::limit::Ulimit;
use crate::plan::name::ContainerId;
use crate::plan::request::RunRequest;
use crate::plan::resources::{BestEffort, Counting, Enforcement, Limit, Limiter, Strictness};
use crate::store::container::{Container, ContainerError, ContainerRecord};
use crate::sys::cgroup::{self, Cgroup, CgroupError, Subtree};

/// How a container is limited, decided.
#[derive(Debug, Default)]
pub(super) struct Limits {
    /// Who does it.
    pub(super) limiter: Limiter,
    /// What each of its processes gets.
    pub(super) of_processes: Vec<Ulimit>,
    /// What becomes of each flag.
    pub(super) enforcements: Vec<Enforcement>,
}

impl Limits {
    /// Says what could not be done as asked.
    pub(super) fn tell(&self, events: Events<'_>) {
        if self.limiter == Limiter::Processes {
            for enforcement in &self.enforcements {
                events(Event::Notice(enforcement.to_string()));
            }
        }
    }
}

/// Decides how the container is limited; `counting` says whom a limit of processes binds.
pub(super) fn decide(request: &RunRequest, counting: Counting) -> Result<Limits, LimitsError> {
    let (wanted, of_processes) = (&request.resources, request.limits.clone());
    if wanted.is_empty() {
        return Ok(Limits { of_processes, ..Limits::default() });
    }
    match Subtree::find(wanted) {
        Ok(_) => {
            let enforcements = wanted.iter().map(enforcement).collect();
            Ok(Limits { limiter: Limiter::Cgroup, of_processes, enforcements })
        }
        Err(cause) if request.strictness == Strictness::Strict => Err(none(wanted, cause)),
        Err(_) => {
            let best = BestEffort::of(wanted, &request.limits, counting);
            let of_processes = [of_processes, best.limits].concat();
            Ok(Limits { limiter: Limiter::Processes, of_processes, enforcements: best.enforcements })
        }
    }
}

/// Prepares the place where the container's cgroup is going to be, while this process is alone there.
pub(super) fn ready(record: &ContainerRecord) -> Result<(), LimitsError> {
    match subtree(record)? {
        Some(subtree) => Ok(subtree.enable(enforced(record))?),
        None => Ok(()),
    }
}

impl Engine {
    /// Makes the container's cgroup, with all limits in force. One without limits gets one where that is possible: it
    /// can be paused then, and counted exactly.
    pub(super) fn make_cgroup(&self, record: &ContainerRecord) -> Result<Option<Cgroup>, Error> {
        // One of an earlier run, if that was killed.
        self.remove_cgroup(&record.id)?;
        let Some(subtree) = subtree(record)? else { return Ok(None) };
        self.store.note_cgroup(&record.id, &subtree.path_of(record.id.as_str()))?;
        match subtree.make(record.id.as_str(), enforced(record)) {
            Ok(cgroup) => Ok(Some(cgroup)),
            Err(cause) => {
                self.store.forget_cgroup(&record.id)?;
                if record.limiter == Limiter::Cgroup {
                    Err(LimitsError::Cgroup(cause).into())
                } else {
                    Ok(None)
                }
            }
        }
    }

    /// Removes the cgroup of a container that has ended, if it had one.
    pub(super) fn remove_cgroup(&self, id: &ContainerId) -> Result<(), Error> {
        let Some(path) = self.store.cgroup_of(id)? else { return Ok(()) };
        cgroup::remove(&path).map_err(|cause| LimitsError::Remove { path, cause })?;
        Ok(self.store.forget_cgroup(id)?)
    }

    /// Removes the cgroups of containers whose launchers were killed.
    pub(super) fn remove_dead_cgroups(&self) -> Result<(), Error> {
        for id in self.store.containers_with_cgroups()? {
            match self.store.find_container(id.as_str()) {
                // Held while it is removed, so that nobody starts it at the same time.
                Ok(container) => {
                    if let Some(_hold) = self.store.hold_container(&container)? {
                        self.remove_cgroup(&id)?;
                    }
                }
                Err(ContainerError::Unknown(_)) => self.remove_cgroup(&id)?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The cgroup of a container that runs, for one more process.
    pub(super) fn joined_cgroup(&self, container: &Container) -> Result<Option<Cgroup>, Error> {
        let record = &container.record;
        let Some(path) = self.store.cgroup_of(&record.id)? else { return Ok(None) };
        match cgroup::open(&path) {
            Ok(cgroup) => Ok(Some(cgroup)),
            Err(cause) if record.limiter == Limiter::Cgroup => Err(LimitsError::Join { path, cause }.into()),
            // It limits nothing, so that nobody has to be in it.
            Err(_) => Ok(None),
        }
    }
}

/// Where the container's cgroup is to be made; none if it needs none and there can be none.
fn subtree(record: &ContainerRecord) -> Result<Option<Subtree>, LimitsError> {
    match Subtree::find(enforced(record)) {
        Ok(subtree) => Ok(Some(subtree)),
        Err(cause) if record.limiter == Limiter::Cgroup => Err(none(&record.resources, cause)),
        Err(_) => Ok(None),
    }
}

/// The limits that are a cgroup's.
fn enforced(record: &ContainerRecord) -> &[Limit] {
    match record.limiter {
        Limiter::Cgroup => &record.resources,
        Limiter::Nobody | Limiter::Processes => &[],
    }
}

fn none(wanted: &[Limit], cause: CgroupError) -> LimitsError {
    LimitsError::None { flag: wanted.first().map_or("", |limit| limit.kind.flag()), cause }
}

fn enforcement(limit: &Limit) -> Enforcement {
    Enforcement {
        asked: format!("{} {}", limit.kind.flag(), limit.asked),
        enforced: Some(format!("{}={}", limit.file.name(), limit.value)),
        verified: "read back from the cgroup".to_owned(),
    }
}
