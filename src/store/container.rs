//! Containers on disk: what each was made from, and how it ended.
//!
//! A container is one directory, made aside and put in place by one rename. Whoever runs it holds a lock on the
//! directory, which the kernel lets go when the last of its processes is gone: so a container is alive exactly as long
//! as its directory is locked, and no process ID is ever written down. Containers that are to be removed at their end
//! lie apart, so that what a killed launcher left behind is found without looking at all the others.

mod bundle;
mod departure;
mod hold;
mod live;
mod name;
mod record;
mod removal;
mod still;
mod written;

use std::path::PathBuf;

use rustix::io::Errno;
use thiserror::Error;

use super::directory::Directory;
use super::temporary::Temporary;
use super::{Store, StoreError, document, layout, lock};
use crate::plan::name::{ContainerId, ContainerName};
use crate::plan::rootfs::Lifetime;
use crate::plan::supervision::RestartPolicy;
use crate::sys::SysError;

use bundle::try_lock_shared;

pub use bundle::Bundle;
pub use departure::Departure;
pub use hold::Hold;
pub use live::{LiveLock, VolumePin};
pub use record::{
    AskedRecord, Container, ContainerRecord, EndRecord, LiveMount, MountRecord, RightsRecord, StartRecord,
    State,
};
pub use removal::Along;

/// Why there is no such container.
#[derive(Debug, Error)]
pub enum ContainerError {
    /// The name is taken.
    #[error("the name `{name}` is in use by container {id}")]
    NameInUse {
        /// The name.
        name: ContainerName,
        /// Whose it is.
        id: ContainerId,
    },
    /// No container is called so.
    #[error("there is no container `{0}`")]
    Unknown(String),
    /// The beginning of more than one ID.
    #[error("`{text}` could be any of {count} containers")]
    Ambiguous {
        /// What was asked for.
        text: String,
        /// How many begin so.
        count: usize,
    },
    /// The container runs.
    #[error("container `{0}` is running")]
    Running(String),
    /// The container does not run.
    #[error("container `{0}` is not running")]
    NotRunning(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ContainerError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NameInUse { name, .. } => {
                Some(format!("choose another --name, or remove that container: minirun rm {name}"))
            }
            Self::Unknown(_) => Some("see `minirun ps -a`".to_owned()),
            Self::Ambiguous { .. } => Some("give more digits of the ID".to_owned()),
            Self::NotRunning(_) => Some("see `minirun ps` for those that run".to_owned()),
            Self::Running(_) => Some("wait for it, or use rm --force, which kills it".to_owned()),
            Self::Store(error) => error.hint(),
        }
    }
}

/// The files that a new container's directory gets: name and content.
pub type Files<'a> = &'a [(&'a str, &'a [u8])];

impl Store {
    /// The directory that a container has, or will have.
    #[must_use]
    pub fn container_path(&self, id: &ContainerId, lifetime: Lifetime) -> PathBuf {
        self.path().join(container_name(id.as_str(), lifetime))
    }

    /// Makes the directory of a container with empty `directories` and with `files`, locked.
    ///
    /// # Errors
    /// The name is taken, or the store cannot be written; then nothing is left.
    pub fn make_container(
        &self,
        record: &ContainerRecord,
        directories: &[&str],
        files: Files<'_>,
    ) -> Result<Bundle, ContainerError> {
        let lifetime = if record.removed_at_end { Lifetime::Ephemeral } else { Lifetime::Kept };
        let temporary = Temporary::new(self)?;
        let fill = || -> Result<(), SysError> {
            temporary.directory().write(layout::RECORD, &self.written_record(record))?;
            for name in directories {
                temporary.directory().make(name)?;
            }
            for (name, content) in files {
                temporary.directory().write(name, content)?;
                let mode = rustix::fs::Mode::from_raw_mode(0o644);
                rustix::fs::chmodat(temporary.directory(), *name, mode, rustix::fs::AtFlags::empty())
                    .map_err(|errno| SysError::new(format!("fchmodat({name:?}, 644)"), errno))?;
            }
            Ok(())
        };
        fill().map_err(|cause| self.write_error(cause))?;
        // Until the container is there, nothing but this says that the name is taken.
        let _lock = self.lock_name(&record.name)?;
        self.take_name(record, &temporary)?;
        let name = container_name(record.id.as_str(), lifetime);
        match temporary.publish(self, &name) {
            Ok((directory, lock)) => Ok(Bundle::new(directory, lock, &name)),
            Err(error) => {
                self.release_name(record)?;
                Err(error.into())
            }
        }
    }

    /// All containers, the newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn containers(&self) -> Result<Vec<Container>, StoreError> {
        let mut containers = Vec::new();
        for lifetime in [Lifetime::Kept, Lifetime::Ephemeral] {
            for id in self.container_ids(lifetime)? {
                containers.extend(self.read_container(&id, lifetime)?);
            }
        }
        containers.sort_by(|one, other| {
            let key = |container: &Container| {
                let ContainerRecord { created, created_nanoseconds, id, .. } = &container.record;
                (*created, *created_nanoseconds, id.clone())
            };
            key(other).cmp(&key(one))
        });
        Ok(containers)
    }

    /// The containers whose records have `text` in them, in no order. Of all others only the text is read, as there may be
    /// many, and most of them have nothing to do with it.
    pub(super) fn containers_with(&self, text: &str) -> Result<Vec<Container>, StoreError> {
        let mut containers = Vec::new();
        for lifetime in [Lifetime::Kept, Lifetime::Ephemeral] {
            for id in self.container_ids(lifetime)? {
                if self.has_in_records(&container_name(&id, lifetime), text)? {
                    containers.extend(self.read_container(&id, lifetime)?);
                }
            }
        }
        Ok(containers)
    }

    fn has_in_records(&self, name: &str, text: &str) -> Result<bool, StoreError> {
        let Some(root) = self.directory()? else { return Ok(false) };
        for (file, end) in [(layout::RECORD, "}"), (layout::MOUNTED, "")] {
            let bytes = root.read(&format!("{name}/{file}"), document::RECORD_MAX);
            let Some(bytes) = bytes.map_err(|cause| self.read_error(cause))? else { continue };
            // What is damaged could have it, and is told of by who reads all of it.
            let is_without = |found: &str| !found.contains(text) && found.trim_ascii_end().ends_with(end);
            if !std::str::from_utf8(&bytes).is_ok_and(is_without) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The container that `text` names: a name, an ID or the beginning of one.
    ///
    /// # Errors
    /// Nothing or more than one container is called so.
    pub fn find_container(&self, text: &str) -> Result<Container, ContainerError> {
        if let Ok(name) = text.parse::<ContainerName>()
            && let Some(container) = self.named(&name)?
        {
            return Ok(container);
        }
        let mut found = Vec::new();
        for lifetime in [Lifetime::Kept, Lifetime::Ephemeral] {
            let ids = self.container_ids(lifetime)?;
            found.extend(ids.into_iter().filter(|id| id.starts_with(text)).map(|id| (id, lifetime)));
        }
        match &found[..] {
            _ if text.is_empty() => Err(ContainerError::Unknown(text.to_owned())),
            [] => Err(ContainerError::Unknown(text.to_owned())),
            [(id, lifetime)] => {
                let container = self.read_container(id, *lifetime)?;
                container.ok_or_else(|| ContainerError::Unknown(text.to_owned()))
            }
            _ => Err(ContainerError::Ambiguous { text: text.to_owned(), count: found.len() }),
        }
    }

    /// Containers that were to be removed at their end and whose launcher was killed before.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn abandoned_containers(&self) -> Result<Vec<ContainerRecord>, StoreError> {
        let mut abandoned = Vec::new();
        for id in self.container_ids(Lifetime::Ephemeral)? {
            // Most of them run, and then nothing of them is to be read: every start comes by here.
            let name = container_name(&id, Lifetime::Ephemeral);
            let Some(directory) = self.open_container(&name)? else { continue };
            if lock::is_held(&directory).map_err(|cause| self.read_error(cause))? {
                continue;
            }
            if let Some(container) = self.read_container(&id, Lifetime::Ephemeral)?
                && matches!(container.state, State::Exited(_) | State::Dead)
            {
                abandoned.push(container.record);
            }
        }
        Ok(abandoned)
    }

    fn container_ids(&self, lifetime: Lifetime) -> Result<Vec<String>, StoreError> {
        let Some(directory) = self.directory()? else { return Ok(Vec::new()) };
        directory.names_in(parent_name(lifetime)).map_err(|cause| self.read_error(cause))
    }

    fn open_container(&self, name: &str) -> Result<Option<Directory>, StoreError> {
        let Some(directory) = self.directory()? else { return Ok(None) };
        match directory.directory(name) {
            Ok(container) => Ok(Some(container)),
            Err(error) if error.errno() == Errno::NOENT => Ok(None),
            Err(cause) => Err(self.read_error(cause)),
        }
    }

    fn read_container(&self, id: &str, lifetime: Lifetime) -> Result<Option<Container>, StoreError> {
        let name = container_name(id, lifetime);
        let Some(directory) = self.open_container(&name)? else { return Ok(None) };
        let Some(record) = self.container_record(&name)? else { return Ok(None) };
        let file = |file: &str| format!("{name}/{file}");
        // A shared lock is free for as many as ask, and refused only while the launcher holds its own.
        let is_free = try_lock_shared(&directory).map_err(|cause| self.read_error(cause))?;
        let start: Option<StartRecord> =
            self.read_json(&file(layout::STARTED), "the start of a container")?;
        let end: Option<EndRecord> = self.read_json(&file(layout::STATUS), "the end of a container")?;
        let runs = start.map_or(0, |start| start.run);
        // The end of an earlier run says nothing about this one.
        let end = end.filter(|end| end.run >= runs);
        let state = match (is_free, end) {
            (false, Some(end)) if record.supervision.restart != RestartPolicy::No => State::Restarting(end),
            (false, _) if self.is_paused(&record, &directory)? => State::Paused,
            (false, _) => State::Running,
            (true, Some(end)) => State::Exited(end),
            (true, None) if start.is_some() => State::Dead,
            (true, None) if lifetime == Lifetime::Kept => State::Created,
            (true, None) => {
                let waits = directory.exists(layout::WAITING).map_err(|cause| self.read_error(cause))?;
                if waits { State::Created } else { State::Dead }
            }
        };
        let live = if state.is_alive() { self.live_mounts(&name)? } else { Vec::new() };
        Ok(Some(Container { record, state, start, path: directory.path().to_owned(), live }))
    }
}

fn parent_name(lifetime: Lifetime) -> &'static str {
    match lifetime {
        Lifetime::Kept => layout::CONTAINERS,
        Lifetime::Ephemeral => layout::EPHEMERAL,
    }
}

fn container_name(id: &str, lifetime: Lifetime) -> String {
    format!("{}/{id}", parent_name(lifetime))
}
