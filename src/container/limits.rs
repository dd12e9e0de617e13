//! Limits of a whole container: by a cgroup where the caller has one, else by the limits of its processes.

use std::path::Path;

use super::{Error, Event, Events};
use crate::error::limits::LimitsError;
use crate::plan::limit::Ulimit;
use crate::plan::name::ContainerId;
use crate::plan::request::RunRequest;
use crate::plan::resources::{BestEffort, Counting, Enforcement, Limit, Strictness};
use crate::store::container::ContainerRecord;
use crate::sys::cgroup::{self, Cgroup, Subtree};

/// How a container is limited, decided.
#[derive(Debug, Default)]
pub(super) struct Limits {
    /// The cgroups in which its own is made.
    subtree: Option<Subtree>,
    /// What was asked for.
    wanted: Vec<Limit>,
    /// What each of its processes gets.
    pub(super) of_processes: Vec<Ulimit>,
    /// What becomes of each flag.
    pub(super) enforcements: Vec<Enforcement>,
}

impl Limits {
    /// Where its cgroup will be.
    pub(super) fn cgroup(&self, id: &ContainerId) -> Option<String> {
        self.subtree.as_ref().map(|subtree| subtree.path_of(id.as_str()).to_string_lossy().into_owned())
    }

    /// Makes its cgroup, with all limits in force.
    pub(super) fn make(&self, id: &ContainerId) -> Result<Option<Cgroup>, LimitsError> {
        let made = self.subtree.as_ref().map(|subtree| subtree.make(id.as_str(), &self.wanted));
        Ok(made.transpose()?)
    }

    /// Says what could not be done as asked.
    pub(super) fn tell(&self, events: Events<'_>) {
        if self.subtree.is_none() {
            for enforcement in &self.enforcements {
                events(Event::Notice(enforcement.to_string()));
            }
        }
    }
}

/// Decides how the container is limited; `counting` says whom a limit of processes binds.
pub(super) fn decide(request: &RunRequest, counting: Counting) -> Result<Limits, LimitsError> {
    let (wanted, of_processes) = (request.resources.clone(), request.limits.clone());
    if wanted.is_empty() {
        return Ok(Limits { of_processes, ..Limits::default() });
    }
    match Subtree::find(&wanted) {
        Ok(subtree) => {
            let enforcements = wanted.iter().map(enforcement).collect();
            Ok(Limits { subtree: Some(subtree), wanted, of_processes, enforcements })
        }
        Err(cause) if request.strictness == Strictness::Strict => {
            let flag = wanted.first().map_or("", |limit| limit.kind.flag());
            Err(LimitsError::None { flag, cause })
        }
        Err(_) => {
            let best = BestEffort::of(&wanted, &request.limits, counting);
            let of_processes = [of_processes, best.limits].concat();
            Ok(Limits { subtree: None, wanted, of_processes, enforcements: best.enforcements })
        }
    }
}

/// Removes the cgroup of a container that has ended, if it had one.
pub(super) fn remove_cgroup(record: &ContainerRecord) -> Result<(), Error> {
    match &record.cgroup {
        None => Ok(()),
        Some(path) => cgroup::remove(Path::new(path))
            .map_err(|cause| LimitsError::Remove { path: path.into(), cause }.into()),
    }
}

fn enforcement(limit: &Limit) -> Enforcement {
    Enforcement {
        asked: format!("{} {}", limit.kind.flag(), limit.asked),
        enforced: Some(format!("{}={}", limit.file, limit.value)),
        verified: "read back from the cgroup".to_owned(),
    }
}
