//! Letting the processes of a container stand still for a while, which takes a cgroup of its own.

use std::os::fd::AsFd;
use std::path::PathBuf;

use rustix::fs::{FileType, fstat};

use super::{Engine, Error, Event, Events};
use crate::plan::snapshot::VolumeRef;
use crate::store::container::{Container, ContainerError, State};
use crate::sys::cgroup::{self, Freezing, Stillness};

/// Whether a container stands still while its files are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pausing {
    /// If it has a cgroup of its own.
    #[default]
    WherePossible,
    /// The same, and it is said if it has none.
    Asked,
    /// It does not.
    Never,
}

impl Pausing {
    /// What there can be beside a stream: who is at the other end of a pipe may be waiting for the container.
    #[must_use]
    pub fn beside(stream: impl AsFd) -> Self {
        let is_file = |stat: rustix::fs::Stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        if fstat(stream).is_ok_and(is_file) { Self::WherePossible } else { Self::Never }
    }
}

impl Engine {
    /// Lets the processes of a container stand still, all at once; one whose processes do so already is left alone.
    /// Waits while something is being copied that they stand still for.
    ///
    /// # Errors
    /// There is no such container, it does not run, or it has no cgroup of its own.
    pub fn pause(&self, text: &str) -> Result<(), Error> {
        let container = self.store.find_container(text)?;
        match container.state {
            State::Running => {
                let path = self.freezer(&container)?;
                let note = self.store.still_note(&container)?;
                cgroup::pause(&path, &note).map_err(|cause| freeze_error(&container, cause))
            }
            State::Paused => Ok(()),
            State::Created | State::Restarting(_) | State::Exited(_) | State::Dead => {
                Err(ContainerError::NotRunning(container.record.name.to_string()).into())
            }
        }
    }

    /// Lets the processes of a container go on.
    ///
    /// # Errors
    /// There is no such container, or it does not stand still.
    pub fn unpause(&self, text: &str) -> Result<(), Error> {
        let container = self.store.find_container(text)?;
        match container.state {
            State::Paused => cgroup::freeze(&self.freezer(&container)?, Freezing::Thawed)
                .map_err(|cause| freeze_error(&container, cause)),
            State::Running | State::Created | State::Restarting(_) | State::Exited(_) | State::Dead => {
                Err(Error::NotPaused(container.record.name.to_string()))
            }
        }
    }

    /// Lets the processes of a container go on that is to end, whatever they stand still for.
    pub(super) fn thaw(&self, container: &Container) -> Result<(), Error> {
        match container.state {
            State::Paused | State::Running => {
                let Some(path) = self.store.cgroup_of(&container.record.id)? else { return Ok(()) };
                if !cgroup::is_frozen(&path) {
                    return Ok(());
                }
                cgroup::freeze(&path, Freezing::Thawed).map_err(|cause| freeze_error(container, cause))
            }
            State::Created | State::Restarting(_) | State::Exited(_) | State::Dead => Ok(()),
        }
    }

    /// Lets the processes of a container stand still as long as what this gives lives; none where they cannot, where a
    /// user has paused them, and where they have no root filesystem yet: whoever waits for that would wait for ever.
    pub(super) fn hold_still(
        &self,
        container: &Container,
        pausing: Pausing,
    ) -> Result<Option<Stillness>, Error> {
        if pausing == Pausing::Never || container.state != State::Running {
            return Ok(None);
        }
        let Some(path) = self.store.cgroup_of(&container.record.id)? else { return Ok(None) };
        if self.visible_processes(container)?.is_none() {
            return Ok(None);
        }
        // Files can be copied all the same, only not all as they are at one moment.
        Ok(cgroup::hold_still(&path, self.store.still_note(container)?).unwrap_or_default())
    }

    /// Lets all containers that may write to a volume stand still, and says so where one of them cannot.
    pub(super) fn hold_writers(
        &self,
        of: &VolumeRef,
        pausing: Pausing,
        events: Events<'_>,
    ) -> Result<Vec<Stillness>, Error> {
        let users = match of.snapshot {
            Some(_) => Vec::new(),
            None => self.running_containers(&of.volume)?,
        };
        let (mut still, mut others) = (Vec::new(), Vec::new());
        for user in users.iter().filter(|user| user.state != State::Paused) {
            match self.hold_still(user, pausing)? {
                Some(one) => still.push(one),
                None => others.push(&user.record.name),
            }
        }
        if let Some(user) = others.first() {
            let text = format!(
                "container `{user}` is running and may write to `{of}` meanwhile: files are copied one after the other"
            );
            events(Event::Notice(text));
        }
        Ok(still)
    }

    fn freezer(&self, container: &Container) -> Result<PathBuf, Error> {
        let path = self.store.cgroup_of(&container.record.id)?;
        path.ok_or_else(|| Error::NoFreezer(container.record.name.to_string()))
    }
}

fn freeze_error(container: &Container, cause: crate::sys::SysError) -> Error {
    Error::Freeze { name: container.record.name.to_string(), cause }
}
