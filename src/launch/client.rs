//! The other side: a process that wants something of a container that another one runs.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use super::LaunchError;
use super::dialog::{Purpose, Reply, Request, SOCKET, Sequel};
use super::relay::{poll, timespec};
use super::screen::window_size;
use super::session::Feeding;
use crate::sys::SysError;
use crate::sys::clone::ExitStatus;
use crate::sys::socket::{Connection, Received};

/// A connection to whoever runs a container.
#[derive(Debug)]
pub struct Client(pub(super) Connection);

/// How a container ended, as it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub(super) status: ExitStatus,
    pub(super) sequel: Sequel,
}

impl End {
    /// Its exit status.
    #[must_use]
    pub fn status(self) -> ExitStatus {
        self.status
    }

    /// Whether nothing comes after.
    #[must_use]
    pub fn is_final(self) -> bool {
        self.sequel == Sequel::Final
    }
}

impl Client {
    /// Connects to whoever runs the container of this directory; none if nobody listens there.
    ///
    /// # Errors
    /// What connecting says.
    pub fn connect(directory: BorrowedFd<'_>) -> Result<Option<Self>, LaunchError> {
        let connection = Connection::open(directory, SOCKET).map_err(LaunchError::Supervise)?;
        Ok(connection.map(Self))
    }

    /// The connection, for a copy of this process that is to let go of it.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.0
    }

    /// Asks for all that the container writes, and perhaps for its input.
    ///
    /// # Errors
    /// What sending says.
    pub fn introduce(&self, feeding: Feeding) -> Result<(), LaunchError> {
        self.ask(&Request::Watch)?;
        match feeding {
            Feeding::Yes => self.ask(&Request::Feed),
            Feeding::No => Ok(()),
        }
    }

    /// Has a signal sent to the container.
    ///
    /// # Errors
    /// What sending says.
    pub fn signal(&self, number: i32, purpose: Purpose) -> Result<(), LaunchError> {
        self.ask(&Request::Signal(number, purpose))
    }

    fn ask(&self, request: &Request) -> Result<(), LaunchError> {
        self.0.send(&request.encode()).map(drop).map_err(LaunchError::Supervise)
    }

    /// Waits for the container's end; none if it takes longer, or whoever runs it was killed.
    ///
    /// # Errors
    /// What receiving says.
    pub fn await_end(&self, time: Option<Duration>) -> Result<Option<End>, LaunchError> {
        let deadline = time.map(|time| Instant::now() + time);
        loop {
            match self.0.try_receive().map_err(LaunchError::Supervise)? {
                Received::Message(message) => {
                    if let Some(Reply::Ended(status, sequel)) = Reply::decode(&message) {
                        return Ok(Some(End { status, sequel }));
                    }
                }
                Received::End => return Ok(None),
                Received::Nothing => {
                    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
                    if left.is_some_and(|left| left.is_zero()) {
                        return Ok(None);
                    }
                    let mut watched = [PollFd::from_borrowed_fd(self.0.as_fd(), PollFlags::IN)];
                    poll(&mut watched, left.map(timespec).as_ref()).map_err(LaunchError::Supervise)?;
                }
            }
        }
    }

    /// Sends the last input of a session.
    pub(super) fn type_in(&self, bytes: Vec<u8>) -> Result<(), SysError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.0.send(&Request::Input(bytes).encode()).map(drop)
    }

    pub(super) fn tell_size(&self) -> Result<(), LaunchError> {
        window_size().map_or(Ok(()), |size| self.ask(&Request::Size(size)))
    }
}
