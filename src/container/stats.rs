//! What containers take right now.

use std::time::Instant;

use super::{Engine, Error};
use crate::plan::limit::parse_size;
use crate::plan::name::{ContainerId, ContainerName};
use crate::plan::resources::Kind;
use crate::store::container::Container;
use crate::sys::{cgroup, consumption};

/// Who counts what a container takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// Its cgroup, which knows all of it.
    Cgroup,
    /// The kernel for each process: those that have ended are missing, and what they share counts for each.
    Processes,
    /// Nobody, as it does not run.
    Nobody,
}

impl Counter {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Cgroup => "cgroup",
            Self::Processes => "processes",
            Self::Nobody => "none",
        }
    }
}

/// What a container has taken, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Its ID.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// Who counts.
    pub counter: Counter,
    /// When.
    pub at: Instant,
    /// Processor time since its start, microseconds.
    pub cpu: u64,
    /// Memory, bytes.
    pub memory: u64,
    /// How much it may have, bytes; the machine's where nothing limits it.
    pub memory_limit: u64,
    /// Bytes read from disks.
    pub read: Option<u64>,
    /// Bytes written to disks.
    pub written: Option<u64>,
    /// Bytes received and sent on a network of its own.
    pub network: Option<(u64, u64)>,
    /// Processes and threads.
    pub tasks: u64,
}

/// Which containers are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// Those that run.
    Running,
    /// All.
    All,
    /// These.
    Named(Vec<String>),
}

impl Engine {
    /// What containers have taken so far, the newest first or in the order of their names.
    ///
    /// # Errors
    /// There is no such container, or the store cannot be read.
    pub fn stats(&self, chosen: &Chosen) -> Result<Vec<Sample>, Error> {
        let containers = match chosen {
            Chosen::All => self.store.containers()?,
            Chosen::Running => {
                let all = self.store.containers()?.into_iter();
                all.filter(|container| container.state.has_processes()).collect()
            }
            Chosen::Named(names) => {
                names.iter().map(|name| self.store.find_container(name)).collect::<Result<_, _>>()?
            }
        };
        containers.iter().map(|container| self.sample(container)).collect()
    }

    fn sample(&self, container: &Container) -> Result<Sample, Error> {
        let record = &container.record;
        let mut sample = Sample {
            id: record.id.clone(),
            name: record.name.clone(),
            counter: Counter::Nobody,
            at: Instant::now(),
            cpu: 0,
            memory: 0,
            memory_limit: consumption::machine_memory(),
            read: None,
            written: None,
            network: None,
            tasks: 0,
        };
        if !container.state.has_processes() {
            return Ok(sample);
        }
        let limit = record.resources.iter().find(|limit| limit.kind == Kind::Memory);
        if let Some(bytes) = limit.and_then(|limit| parse_size(&limit.asked).ok()) {
            sample.memory_limit = bytes;
        }
        // One that has just ended, or has just begun, has nobody to be asked.
        let Some(processes) = self.visible_processes(container)? else { return Ok(sample) };
        let members = processes.members().unwrap_or_default();
        let counted = consumption::of(&members);
        sample.counter = Counter::Processes;
        (sample.cpu, sample.memory, sample.tasks) = (counted.cpu, counted.memory, counted.tasks);
        (sample.read, sample.written) = (counted.read, counted.written);
        if record.rights.network.is_own() {
            sample.network = consumption::network_of(processes.init());
        }
        if let Some(path) = self.store.cgroup_of(&record.id)? {
            let usage = cgroup::usage(&path);
            sample.counter = Counter::Cgroup;
            sample.cpu = usage.user + usage.system;
            // What its controllers do not count is counted as without it.
            sample.memory = usage.memory.unwrap_or(sample.memory);
            sample.tasks = usage.tasks.unwrap_or(sample.tasks);
            sample.read = usage.read.or(sample.read);
            sample.written = usage.written.or(sample.written);
        }
        Ok(sample)
    }
}
