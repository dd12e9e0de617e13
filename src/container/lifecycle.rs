//! Asking a running container to stop, killing it, and waiting for its end.

use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use super::charge::stop_signal;
use super::{Engine, Error, Events};
use crate::launch::{Client, Purpose};
use crate::plan::occurrence::Action;
use crate::plan::signal::SignalNumber;
use crate::plan::supervision::Grace;
use crate::store::container::{Container, ContainerError, ContainerRecord, State};
use crate::store::directory::Directory;
use crate::store::{layout, lock};
use crate::sys::clone::ExitStatus;
use crate::sys::owner;

/// The signal that nobody survives.
pub(super) const KILL: i32 = 9;
/// How long whoever runs a container may take to end it when it has been killed.
const KILL_PATIENCE: Duration = Duration::from_secs(10);
/// How long whoever ran a container is waited for before somebody else is looked for who has started it again.
const RELEASE_PAUSE: Duration = Duration::from_millis(200);
/// How long whoever begins to start a container may take until he can be reached.
const START_PATIENCE: Duration = Duration::from_secs(2);
/// How long he is left alone before he is looked for again.
const START_PAUSE: Duration = Duration::from_millis(20);

/// How a container is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StopOptions {
    /// The signal; its own if not said.
    pub signal: Option<SignalNumber>,
    /// How long it may take before it is killed; its own time if not said.
    pub grace: Option<Grace>,
}

/// A running container, from outside.
struct Alive {
    directory: Directory,
    client: Option<Client>,
}

impl Engine {
    /// Asks a container to stop, and kills it when it takes too long; returns when it has ended. One that does not run
    /// is left as it is.
    ///
    /// # Errors
    /// There is none, or nobody can reach it.
    pub fn stop(&self, text: &str, options: StopOptions) -> Result<(), Error> {
        let container = self.store.find_container(text)?;
        if !container.state.is_alive() {
            return Ok(());
        }
        self.stop_alive(&container, options)?;
        self.note_container(&container.record, &Action::Stop, &[]);
        Ok(())
    }

    fn stop_alive(&self, container: &Container, options: StopOptions) -> Result<(), Error> {
        let signal = options.signal.map_or_else(|| stop_signal(&container.record), |one| one.get().into());
        self.note_kill(&container.record, signal);
        let grace = options.grace.or(container.record.supervision.grace).unwrap_or_default();
        let error = |cause| Error::Control { name: container.record.name.to_string(), cause };
        loop {
            let Some(alive) = self.reach_soon(container)? else { return Ok(()) };
            let Some(client) = &alive.client else { return self.end(container) };
            client.signal(signal, Purpose::End).map_err(error)?;
            // What stands still hears nothing.
            self.thaw(container)?;
            match client.await_end(grace.duration()).map_err(error)? {
                None => {
                    self.note_kill(&container.record, KILL);
                    return self.end(container);
                }
                Some(end) if end.is_final() => return self.await_release(&alive.directory),
                // It has ended by itself and begins again: whoever runs it has not heard of this yet.
                Some(_) => {}
            }
        }
    }

    /// Sends a container a signal.
    ///
    /// # Errors
    /// There is none, it does not run, or nobody can reach it.
    pub fn kill(&self, text: &str, signal: SignalNumber) -> Result<(), Error> {
        let container = self.store.find_container(text)?;
        let not_running = || ContainerError::NotRunning(container.record.name.to_string());
        if !container.state.is_alive() {
            return Err(not_running().into());
        }
        let number = i32::from(signal.get());
        let alive = self.reach_soon(&container)?.ok_or_else(not_running)?;
        self.note_kill(&container.record, number);
        let Some(client) = &alive.client else {
            return if number == KILL { self.end(&container) } else { Err(not_running().into()) };
        };
        let is_end = number == KILL || number == stop_signal(&container.record);
        let error = |cause| Error::Control { name: container.record.name.to_string(), cause };
        client.signal(number, if is_end { Purpose::End } else { Purpose::Pass }).map_err(error)?;
        if number == KILL {
            client.await_end(Some(KILL_PATIENCE)).map_err(error)?;
            self.await_release(&alive.directory)?;
        }
        Ok(())
    }

    /// Waits for a container's end; its exit status. One that has not been started yet is waited for, too.
    ///
    /// # Errors
    /// There is none, or the store cannot be read.
    pub fn wait(&self, text: &str) -> Result<ExitStatus, Error> {
        let mut container = self.store.find_container(text)?;
        loop {
            match &container.state {
                State::Exited(end) => return Ok(end.status),
                State::Dead => return Ok(ExitStatus::Signaled(KILL)),
                State::Created => std::thread::sleep(Duration::from_millis(50)),
                State::Running | State::Paused | State::Restarting(_) => {
                    if let Some(status) = self.await_status(&container)? {
                        return Ok(status);
                    }
                }
            }
            container = self.store.find_container(container.record.id.as_str())?;
        }
    }

    /// Stops a container that runs, and starts it again.
    ///
    /// # Errors
    /// There is none, it is removed at its end, or it cannot be stopped or started.
    pub fn restart(&self, text: &str, options: StopOptions, events: Events<'_>) -> Result<(), Error> {
        let container = self.store.find_container(text)?;
        if container.state.is_alive() {
            if container.record.removed_at_end {
                return Err(Error::RemovedAtEnd(container.record.name.to_string()));
            }
            self.stop(text, options)?;
        }
        let container = self.store.find_container(container.record.id.as_str())?;
        self.start_alone(&container, events)?;
        self.note_container(&container.record, &Action::Restart, &[]);
        Ok(())
    }

    /// Writes down that a container is sent a signal.
    pub(super) fn note_kill(&self, record: &ContainerRecord, signal: i32) {
        self.note_container(record, &Action::Kill, &[("signal", signal.to_string())]);
    }

    /// Kills a running container with all that is in it; if whoever runs it does not do so, it is killed, too.
    pub(super) fn end(&self, container: &Container) -> Result<(), Error> {
        while let Some(alive) = self.reach(container)? {
            let ended = match &alive.client {
                Some(client) => client
                    .signal(KILL, Purpose::End)
                    .and_then(|()| client.await_end(Some(KILL_PATIENCE)))
                    .is_ok_and(|ended| ended.is_some()),
                None => false,
            };
            if ended {
                return self.await_release(&alive.directory);
            }
            let error = |cause| Error::Store(self.store.read_error(cause));
            owner::kill(&container.path.join(layout::OWNER)).map_err(error)?;
            // Who has just begun to start it is not to be found yet, and is asked again.
            if lock::await_release(&alive.directory, START_PAUSE).map_err(error)? {
                break;
            }
        }
        Ok(())
    }

    /// The status with which a running container ends; none if whoever runs it was killed, or ended too soon to tell.
    fn await_status(&self, container: &Container) -> Result<Option<ExitStatus>, Error> {
        let Some(alive) = self.reach(container)? else { return Ok(None) };
        let error = |cause| Error::Control { name: container.record.name.to_string(), cause };
        let status = match &alive.client {
            Some(client) => client.await_end(None).map_err(error)?,
            None => None,
        };
        let (status, is_final) = match status {
            Some(end) => (Some(end.status()), end.is_final()),
            None => (None, true),
        };
        if is_final {
            self.await_release(&alive.directory)?;
        }
        match status {
            // What goes with its end, and was killed with its supervisor, leaves nothing to read.
            None if container.record.removed_at_end => Ok(Some(ExitStatus::Signaled(KILL))),
            status => Ok(status),
        }
    }

    /// Opens a running container; none if it is gone.
    fn reach(&self, container: &Container) -> Result<Option<Alive>, Error> {
        let directory = match Directory::open(&container.path) {
            Ok(directory) => directory,
            Err(error) if error.errno() == rustix::io::Errno::NOENT => return Ok(None),
            Err(cause) => return Err(self.store.read_error(cause).into()),
        };
        let client = Client::connect(directory.as_fd())
            .map_err(|cause| Error::Control { name: container.record.name.to_string(), cause })?;
        Ok(Some(Alive { directory, client }))
    }

    /// Opens a running container; whoever begins to start it is given time until he can be reached.
    fn reach_soon(&self, container: &Container) -> Result<Option<Alive>, Error> {
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            let alive = self.reach(container)?;
            let Some(Alive { directory, client: None }) = &alive else { return Ok(alive) };
            let released = lock::await_release(directory, START_PAUSE);
            if released.map_err(|cause| Error::Store(self.store.read_error(cause)))?
                || Instant::now() > deadline
            {
                return Ok(alive);
            }
        }
    }

    /// Waits for a moment for whoever holds a container; whether he runs it.
    ///
    /// # Errors
    /// The container is gone.
    pub(super) fn await_turn(&self, container: &Container) -> Result<bool, Error> {
        let gone = || ContainerError::Unknown(container.record.name.to_string());
        let Alive { directory, client } = self.reach(container)?.ok_or_else(gone)?;
        let error = |cause| Error::Store(self.store.read_error(cause));
        if client.is_some() || owner::is_claimed(&directory.path().join(layout::OWNER)).map_err(error)? {
            return Ok(true);
        }
        lock::await_release(&directory, START_PAUSE).map_err(error)?;
        Ok(false)
    }

    /// Waits until whoever ran a container that has ended lets it go, which takes as long as removing what is left of it;
    /// or until somebody has started it again.
    pub(super) fn await_release(&self, directory: &Directory) -> Result<(), Error> {
        let owner = directory.path().join(layout::OWNER);
        let is_over = || Ok(lock::await_release(directory, RELEASE_PAUSE)? || owner::is_claimed(&owner)?);
        while !is_over().map_err(|cause| Error::Store(self.store.read_error(cause)))? {}
        Ok(())
    }
}
