//! Letting the processes of a container stand still for a while, which takes a cgroup of its own.

use super::{Engine, Error};
use crate::store::container::{Container, ContainerError, State};
use crate::sys::cgroup::{self, Freezing};

impl Engine {
    /// Lets the processes of a container stand still, all at once; one whose processes do so already is left alone.
    ///
    /// # Errors
    /// There is no such container, it does not run, or it has no cgroup of its own.
    pub fn pause(&self, text: &str) -> Result<(), Error> {
        let container = self.store.find_container(text)?;
        match container.state {
            State::Running => self.freeze(&container, Freezing::Frozen),
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
            State::Paused => self.freeze(&container, Freezing::Thawed),
            State::Running | State::Created | State::Restarting(_) | State::Exited(_) | State::Dead => {
                Err(Error::NotPaused(container.record.name.to_string()))
            }
        }
    }

    /// Lets the processes of a container go on that is to end.
    pub(super) fn thaw(&self, container: &Container) -> Result<(), Error> {
        match container.state {
            State::Paused => self.freeze(container, Freezing::Thawed),
            State::Running | State::Created | State::Restarting(_) | State::Exited(_) | State::Dead => Ok(()),
        }
    }

    fn freeze(&self, container: &Container, freezing: Freezing) -> Result<(), Error> {
        let name = || container.record.name.to_string();
        let path = self.store.cgroup_of(&container.record.id)?.ok_or_else(|| Error::NoFreezer(name()))?;
        cgroup::freeze(&path, freezing).map_err(|cause| Error::Freeze { name: name(), cause })
    }
}
