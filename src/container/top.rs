//! The processes of a container that runs.

use super::{Engine, Error};
use crate::plan::idmap::to_container;
use crate::plan::occurrence::Action;
use crate::sys::table::{self, ProcessFacts};

/// A process of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerProcess {
    /// What the kernel says.
    pub facts: ProcessFacts,
    /// Whose it is, as the container counts.
    pub user: u32,
}

impl Engine {
    /// The processes of a container, by their IDs as the caller sees them.
    ///
    /// # Errors
    /// There is no such container, or it does not run.
    pub fn top(&self, text: &str) -> Result<Vec<ContainerProcess>, Error> {
        let container = self.running(text)?;
        let processes = self.processes(&container)?;
        let members = processes.members().map_err(|cause| Error::Store(self.store.read_error(cause)))?;
        self.note_container(&container.record, &Action::Top, &[]);
        let map = container.record.rights.map.as_ref();
        let process = |facts: ProcessFacts| ContainerProcess {
            user: map.and_then(|map| to_container(&map.users, facts.user)).unwrap_or(facts.user),
            facts,
        };
        Ok(members.into_iter().filter_map(table::facts).map(process).collect())
    }
}
