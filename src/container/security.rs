//! What is in force for a container that runs, read back from the kernel.

use super::{Engine, Error};
use crate::error::running::RunningError;
use crate::plan::fence::{AskedFence, AskedMount, Facts, Report, Subject};
use crate::plan::mount::{Access, MountRequest};
use crate::plan::mount_table;
use crate::plan::resources::Limiter;
use crate::store::container::{Container, State};
use crate::sys::observe::{self, Observer, Tree, filter};
use crate::sys::running::Processes;
use crate::sys::{cgroup, probe};

impl Engine {
    /// What holds the container that `text` names, how it can reach the host all the same, and what is not as it was
    /// asked for.
    ///
    /// # Errors
    /// There is no such container, it does not run, or nothing can be read about it.
    pub fn inspect_security(&self, text: &str) -> Result<Report, Error> {
        let container = self.store.find_container(text)?;
        let name = || container.record.name.to_string();
        if !container.state.has_processes() {
            return Err(RunningError::Idle(name()).into());
        }
        let processes = self.processes(&container)?;
        let read = |cause| Error::Store(self.store.read_error(cause));
        let observer = Observer::open(&processes).map_err(read)?;
        let observer = observer.ok_or_else(|| RunningError::Idle(name()))?;
        let mut facts = observer.facts().map_err(read)?;
        let mut asked = self.asked_fence(&container)?;
        match observer.tree(&facts) {
            Ok(tree) => {
                observe::look(&tree, &mut facts);
                asked.mounts = asked_mounts(&container, &tree, &facts);
            }
            Err(cause) => facts.unread.push(cause.to_string()),
        }
        if let Some(path) = self.store.cgroup_of(&container.record.id)? {
            facts.limits = cgroup::limiting(&path);
            if container.record.limiter == Limiter::Cgroup {
                asked.loose_limits = cgroup::loose(&path, &container.record.resources);
            }
        }
        if facts.evidence.is_filtered() == Some(true) && container.state == State::Running {
            // Whoever may not read it back has the record.
            let digests = filter::digests(&processes).unwrap_or_default();
            facts.filters = digests.iter().map(ToString::to_string).collect();
        }
        facts.others = others(&processes, &facts);
        // An ended process says little, and what it says is no fence.
        if !processes.is_alive().map_err(read)? {
            return Err(RunningError::Idle(name()).into());
        }
        let subject = Subject {
            id: container.record.id.as_str().to_owned(),
            name: name(),
            pid: processes.init().as_raw_pid(),
        };
        Ok(Report::new(subject, &facts, &asked))
    }

    fn asked_fence(&self, container: &Container) -> Result<AskedFence, Error> {
        let (record, rights) = (&container.record, &container.record.rights);
        let real = |path: &std::path::Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let program = std::fs::read_link("/proc/self/exe").ok();
        Ok(AskedFence {
            store: real(self.store.path()),
            directory: real(&container.path),
            caller: self.host.uid,
            precious: probe::home().into_iter().chain(program).map(|path| real(&path)).collect(),
            capabilities: rights.capabilities,
            new_privileges: rights.new_privileges,
            filter: super::exec::filter(record)?.map(|filter| filter.digest().to_string()),
            map: rights.map.clone(),
            network: rights.network,
            network_word: record.network.clone(),
            limits: rights.limits.clone(),
            oom_score: rights.oom_score_adjustment,
            read_only: record.read_only,
            mounts: Vec::new(),
            loose_limits: Vec::new(),
        })
    }
}

/// The mounts that were asked for, where they are now; what cannot be found is left out where a symlink may lead to it.
fn asked_mounts(container: &Container, tree: &Tree<'_>, facts: &Facts) -> Vec<AskedMount> {
    let entries = mount_table::parse(facts.evidence.mounts.as_deref().unwrap_or_default());
    let point = |request: &MountRequest| {
        let destination = request.destination.as_os_str();
        if let Some(entry) = entries.iter().find(|entry| entry.point == destination) {
            return Some(entry.point.clone());
        }
        let id = tree.mount_of(destination)?;
        let entry = entries.iter().find(|entry| entry.id == id)?;
        let is_same = entry.point.as_encoded_bytes().rsplit(|byte| *byte == b'/').next()
            == destination.as_encoded_bytes().rsplit(|byte| *byte == b'/').next();
        Some(if is_same { entry.point.clone() } else { destination.to_owned() })
    };
    let asked = |request: &MountRequest, place: std::ffi::OsString| AskedMount {
        destination: place.to_string_lossy().into_owned(),
        writable: request.attributes().access == Access::ReadWrite,
    };
    let at_start = container.record.mounts.iter().map(|mount| &mount.request);
    let at_start = at_start.filter_map(|request| point(request).map(|place| asked(request, place)));
    let later = container.live.iter();
    let later = later.map(|live| asked(&live.record.request, live.place.as_os_str().to_owned()));
    at_start.chain(later).collect()
}

/// What the kernel says of the container's other processes.
fn others(processes: &Processes, facts: &Facts) -> Vec<(i32, crate::plan::evidence::Evidence)> {
    let namespace = facts.namespaces.iter().find(|one| one.kind == "pid").and_then(|one| one.inode);
    let members = processes.members().unwrap_or_default().into_iter();
    let others = members.filter(|pid| *pid != processes.init());
    others.filter_map(|pid| Some((pid.as_raw_pid(), observe::member(pid, namespace)?))).collect()
}
