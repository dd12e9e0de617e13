//! The caller's streams, terminal and signals at a container that another process runs.

use std::os::fd::AsFd as _;

use rustix::event::{PollFd, PollFlags};

use super::client::{Client, End};
use super::dialog::{CONTENT_MAX, Purpose, Reply, Request};
use super::keys::{Keys, Typed};
use super::relay::{Relay, poll};
use super::{LaunchError, Stream};
use crate::sys::socket::{Received, Sent};
use crate::sys::{Call, SysError};

/// Whether the caller's input goes to the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feeding {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// Whether signals go to the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalProxy {
    /// Those that this process gets are the container's.
    On,
    /// They end this process, and the container goes on.
    Off,
}

/// Whether the container has a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// It has.
    Terminal,
    /// It has streams.
    Streams,
}

/// How the caller is connected with a container.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its input.
    pub feeding: Feeding,
    /// Its signals.
    pub proxy: SignalProxy,
    /// What the container has.
    pub screen: Screen,
    /// The keys that end the session; none for no such keys.
    pub detach_keys: Vec<u8>,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// The container has ended.
    Ended(End),
    /// The keys were typed.
    Detached,
    /// This signal came, which was not the container's.
    Interrupted(i32),
    /// Whoever runs the container was killed.
    Lost,
}

impl Client {
    /// Connects the caller's streams with the container, until one of them has enough.
    ///
    /// # Errors
    /// What copying says.
    pub fn attach(&self, session: &Session) -> Result<Parting, LaunchError> {
        let mut relay = Relay::new();
        relay.block_signals().map_err(LaunchError::Supervise)?;
        let is_typed = session.screen == Screen::Terminal && session.feeding == Feeding::Yes;
        if is_typed && let Some(terminal) = relay.save_terminal().map_err(LaunchError::Streams)? {
            terminal.make_raw().map_err(LaunchError::Streams)?;
        }
        if session.screen == Screen::Terminal {
            self.tell_size()?;
        }
        let keys = Keys::new(session.detach_keys.clone());
        Attached { client: self, session, relay, keys, pending: None, reads: session.feeding == Feeding::Yes }
            .copy()
            .map_err(LaunchError::Supervise)
    }
}

/// A session that goes on.
struct Attached<'a> {
    client: &'a Client,
    session: &'a Session,
    relay: Relay,
    keys: Keys,
    /// What there was no room for yet.
    pending: Option<Vec<u8>>,
    /// Whether there may be more input.
    reads: bool,
}

impl Attached<'_> {
    fn copy(&mut self) -> Result<Parting, SysError> {
        loop {
            let (from_container, has_input) = self.wait()?;
            while let Some(signal) = self.relay.next_signal() {
                if signal.number == libc_winch() {
                    // A container without a terminal takes no size, and one that is gone does not care.
                    let _ = self.client.tell_size();
                } else if self.session.proxy == SignalProxy::Off {
                    return Ok(Parting::Interrupted(signal.number));
                } else {
                    let _ = self.client.signal(signal.number, Purpose::Pass);
                }
            }
            if from_container && let Some(parting) = self.take()? {
                return Ok(parting);
            }
            self.send_pending()?;
            if has_input && self.pending.is_none() && self.read()? == Typed::DetachKeys {
                return Ok(Parting::Detached);
            }
        }
    }

    fn wait(&self) -> Result<(bool, bool), SysError> {
        let mut flags = PollFlags::IN;
        flags.set(PollFlags::OUT, self.pending.is_some());
        let mut watched = vec![PollFd::from_borrowed_fd(self.client.0.as_fd(), flags)];
        watched.extend(self.relay.signals().map(|signals| PollFd::from_borrowed_fd(signals, PollFlags::IN)));
        let stdin = rustix::stdio::stdin();
        let reads = self.reads && self.pending.is_none();
        if reads {
            watched.push(PollFd::from_borrowed_fd(stdin, PollFlags::IN));
        }
        poll(&mut watched, None)?;
        let has_input = reads && watched.last().is_some_and(|stdin| !stdin.revents().is_empty());
        Ok((!watched[0].revents().is_empty(), has_input))
    }

    /// Takes what the container says.
    fn take(&mut self) -> Result<Option<Parting>, SysError> {
        match self.client.0.try_receive()? {
            Received::Nothing => Ok(None),
            Received::End => Ok(Some(Parting::Lost)),
            Received::Message(message) => match Reply::decode(&message) {
                Some(Reply::Output(stream, bytes)) => write_all(stream, &bytes).map(|()| None),
                Some(Reply::Ended(status, sequel)) => Ok(Some(Parting::Ended(End { status, sequel }))),
                None => Ok(None),
            },
        }
    }

    fn send_pending(&mut self) -> Result<(), SysError> {
        if let Some(message) = self.pending.take()
            && self.client.0.try_send(&message)? == Sent::NoRoom
        {
            self.pending = Some(message);
        }
        Ok(())
    }

    /// Reads what is typed.
    fn read(&mut self) -> Result<Typed, SysError> {
        let mut chunk = [0; 4096];
        debug_assert!(chunk.len() * 2 < CONTENT_MAX, "with keys that were held back it is one message");
        let count = match rustix::io::read(rustix::stdio::stdin(), &mut chunk) {
            Ok(count) => count,
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => return Ok(Typed::Input),
            // A terminal that has hung up.
            Err(_) => 0,
        };
        let request = if count == 0 {
            self.reads = false;
            Request::InputEnd
        } else if self.session.screen == Screen::Terminal {
            match self.keys.filter(&chunk[..count]) {
                (passed, Typed::DetachKeys) => {
                    // What was typed in front of them is still meant for the container.
                    self.client.type_in(passed)?;
                    return Ok(Typed::DetachKeys);
                }
                (passed, Typed::Input) if passed.is_empty() => return Ok(Typed::Input),
                (passed, Typed::Input) => Request::Input(passed),
            }
        } else {
            Request::Input(chunk[..count].to_vec())
        };
        self.pending = Some(request.encode());
        self.send_pending()?;
        Ok(Typed::Input)
    }
}

fn libc_winch() -> i32 {
    nix::sys::signal::Signal::SIGWINCH as i32
}

fn write_all(stream: Stream, mut bytes: &[u8]) -> Result<(), SysError> {
    let file = match stream {
        Stream::Output => rustix::stdio::stdout(),
        Stream::Error => rustix::stdio::stderr(),
    };
    while !bytes.is_empty() {
        match rustix::io::write(file, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                poll(&mut [PollFd::from_borrowed_fd(file, PollFlags::OUT)], None)?;
            }
            result => {
                result.call(|| "write(stdout)")?;
            }
        }
    }
    Ok(())
}
