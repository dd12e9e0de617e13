//! Those who are connected to a running container: they watch what it writes, write its input, send it signals, or
//! only wait for its end.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use super::dialog::{CONTENT_MAX, Purpose, Reply, Request, SOCKET, Sequel};
use super::message::ToMonitor;
use super::relay::{poll, timespec};
use super::{LaunchError, Stream};
use crate::sys::channel::Channel;
use crate::sys::clone::ExitStatus;
use crate::sys::socket::{Connection, Listener, Received, Sent};
use crate::sys::{SysError, moment};

/// The bytes that wait for a slow guest before the container has to wait for it, too.
const BACKLOG_MAX: usize = 1 << 20;
/// How long a guest that takes nothing is waited for when the container has ended.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everybody who is connected, and where they come in.
#[derive(Debug, Default)]
pub struct Guests {
    listener: Option<Listener>,
    inside: Vec<Guest>,
    /// What those who came before the container ran have asked for.
    early: Vec<Request>,
    /// What the monitor waits to be closed, before it goes on alone.
    waiting: Option<Channel>,
}

#[derive(Debug)]
struct Guest {
    connection: Connection,
    watches: bool,
    feeds: bool,
    backlog: VecDeque<Vec<u8>>,
}

impl Guests {
    /// Listens in the container's directory.
    ///
    /// # Errors
    /// There can be no socket.
    pub fn listen(directory: BorrowedFd<'_>) -> Result<Self, LaunchError> {
        let listener = Listener::bind(directory, SOCKET).map_err(LaunchError::Supervise)?;
        moment("listening");
        Ok(Self { listener: Some(listener), ..Self::default() })
    }

    /// Has the monitor at the other end of the channel wait until the guests have been dismissed and this is dropped.
    pub(super) fn keep_waiting(&mut self, channel: &Channel) -> Result<(), SysError> {
        self.waiting = Some(channel.try_clone()?);
        Ok(())
    }

    /// Whether there is a monitor that does what is left to do.
    #[must_use]
    pub fn leave_an_heir(&self) -> bool {
        self.waiting.is_some()
    }

    /// Leaves the monitor the lock of what it is to remove, so that nobody takes that for abandoned between them. If it is
    /// gone, it is abandoned.
    pub fn bequeath(&self, lock: BorrowedFd<'_>) {
        if let Some(monitor) = &self.waiting {
            let _ = monitor.send(&ToMonitor::Bequeathed.encode(), Some(lock));
        }
    }

    pub(super) fn listener(&self) -> Option<BorrowedFd<'_>> {
        self.listener.as_ref().map(AsFd::as_fd)
    }

    pub(super) fn len(&self) -> usize {
        self.inside.len()
    }

    /// What guest `at` is waited for; none if there is nothing.
    pub(super) fn watch(&self, at: usize, input_room: bool) -> Option<PollFd<'_>> {
        let guest = &self.inside[at];
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::OUT, !guest.backlog.is_empty());
        // Somebody else's input has to be taken first.
        flags.set(PollFlags::IN, input_room || !guest.feeds);
        (!flags.is_empty()).then(|| PollFd::from_borrowed_fd(guest.connection.as_fd(), flags))
    }

    /// Whether somebody is so slow that the container has to wait.
    pub(super) fn are_full(&self) -> bool {
        let size = |guest: &Guest| guest.backlog.iter().map(Vec::len).sum::<usize>();
        self.inside.iter().any(|guest| size(guest) > BACKLOG_MAX)
    }

    /// Lets the next one in; whether there was one.
    pub(super) fn admit(&mut self) -> Result<bool, SysError> {
        let Some(connection) = self.listener.as_ref().map(Listener::accept).transpose()?.flatten() else {
            return Ok(false);
        };
        self.inside.push(Guest { connection, watches: false, feeds: false, backlog: VecDeque::new() });
        Ok(true)
    }

    /// Lets in who waits at the door, so that nothing that is written will be missed.
    pub fn greet(&mut self) {
        while self.admit().is_ok_and(|is_there| is_there) {}
        for at in (0..self.inside.len()).rev() {
            while self.inside.get(at).is_some_and(Guest::has_said_something) {
                let requests = self.serve(at);
                self.early.extend(requests);
            }
        }
    }

    /// What was asked for by those who were greeted.
    pub(super) fn take_early(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.early)
    }

    /// Tells everybody who watches.
    pub(super) fn show(&mut self, stream: Stream, bytes: &[u8]) {
        for chunk in bytes.chunks(CONTENT_MAX) {
            let mut message = None;
            for guest in self.inside.iter_mut().filter(|guest| guest.watches) {
                let message = message.get_or_insert_with(|| Reply::Output(stream, chunk.to_vec()).encode());
                guest.backlog.push_back(message.clone());
                // One that is gone is found gone by the next look.
                guest.flush();
            }
        }
    }

    /// Takes what guest `at` says and gives it what waits; the requests that are not about itself.
    pub(super) fn serve(&mut self, at: usize) -> Vec<Request> {
        let guest = &mut self.inside[at];
        guest.flush();
        match guest.connection.try_receive() {
            Ok(Received::Nothing) => Vec::new(),
            Ok(Received::Message(message)) => match Request::decode(&message) {
                Some(Request::Watch) => {
                    guest.watches = true;
                    Vec::new()
                }
                Some(Request::Feed) => {
                    guest.feeds = true;
                    Vec::new()
                }
                request => request.into_iter().collect(),
            },
            Ok(Received::End) | Err(_) => {
                let guest = self.inside.swap_remove(at);
                if guest.feeds { vec![Request::InputEnd] } else { Vec::new() }
            }
        }
    }

    /// Gives everybody what waits for them; whether there is still something.
    pub(super) fn flush(&mut self) -> bool {
        self.inside.retain_mut(Guest::flush);
        self.inside.iter().any(|guest| !guest.backlog.is_empty())
    }

    /// Sends away whoever takes nothing.
    pub(super) fn drop_slow(&mut self) {
        self.inside.retain(|guest| guest.backlog.is_empty());
    }

    /// Tells everybody how the container ended, and what comes then, and sends them away.
    pub fn dismiss(&mut self, status: ExitStatus, sequel: Sequel) {
        // Whoever waits at the door has seen it run.
        self.greet();
        for guest in &mut self.inside {
            guest.backlog.push_back(Reply::Ended(status, sequel).encode());
        }
        let deadline = Instant::now() + PATIENCE;
        while self.flush() && Instant::now() < deadline {
            let mut watched: Vec<_> = self
                .inside
                .iter()
                .filter(|guest| !guest.backlog.is_empty())
                .map(|guest| PollFd::from_borrowed_fd(guest.connection.as_fd(), PollFlags::OUT))
                .collect();
            if poll(&mut watched, Some(&timespec(PATIENCE))).is_err() {
                break;
            }
        }
        self.inside.clear();
        // It was about what has ended.
        self.early.clear();
    }

    /// Waits so long, unless somebody wants the container to end for good: then true.
    ///
    /// # Errors
    /// What waiting says.
    pub fn await_end_order(&mut self, delay: Duration) -> Result<bool, LaunchError> {
        let deadline = Instant::now() + delay;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            let mut watched: Vec<_> = (0..self.inside.len()).filter_map(|at| self.watch(at, true)).collect();
            watched.extend(self.listener().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
            poll(&mut watched, Some(&timespec(left))).map_err(LaunchError::Supervise)?;
            self.admit().map_err(LaunchError::Supervise)?;
            for at in (0..self.inside.len()).rev() {
                let requests = self.serve(at);
                if requests.iter().any(|request| matches!(request, Request::Signal(_, Purpose::End))) {
                    return Ok(true);
                }
            }
        }
    }
}

impl Guest {
    fn has_said_something(&self) -> bool {
        let mut watched = [PollFd::from_borrowed_fd(self.connection.as_fd(), PollFlags::IN)];
        poll(&mut watched, Some(&timespec(Duration::ZERO))).is_ok() && !watched[0].revents().is_empty()
    }

    /// Sends what waits, as far as there is room; false if it is gone.
    fn flush(&mut self) -> bool {
        while let Some(message) = self.backlog.front() {
            match self.connection.try_send(message) {
                Ok(Sent::Whole) => {
                    self.backlog.pop_front();
                }
                Ok(Sent::NoRoom) => return true,
                Ok(Sent::End) | Err(_) => {
                    self.backlog.clear();
                    return false;
                }
            }
        }
        true
    }
}
