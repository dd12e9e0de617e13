//! What the launcher does while the container runs: it copies streams and passes signals on.

mod flow;
mod signals;
mod turn;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::termios::Winsize;

use self::flow::{Feed, Input, Output};
use self::signals::{ReceivedSignal, Signals};
use self::turn::turn;
use super::Stream;
use super::dialog::Request;
use super::guests::Guests;
use super::keys::{Keys, Typed};
use super::screen::{SavedTerminal, window_size};
use super::streams::{End, Ends, duplicate};
use crate::plan::supervision::InputEnd;
use crate::sys::SysError;

pub(super) use self::turn::{poll, timespec};

/// How long a guest that takes nothing is waited for when the container has ended.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Message,
    Start,
    Signal,
    Input,
    Output(usize),
    Feed,
    Door,
    Guest(usize),
}

/// What is waited for besides the streams.
#[derive(Debug, Clone, Copy)]
pub(super) struct Awaited<'a> {
    pub(super) channel: BorrowedFd<'a>,
    /// Closed at the other end when the command runs.
    pub(super) start: Option<BorrowedFd<'a>>,
    pub(super) time: Option<Duration>,
}

/// What happened.
#[derive(Debug, Default)]
pub(super) struct Happened {
    pub(super) message: bool,
    pub(super) start: bool,
    pub(super) typed: Typed,
    pub(super) requests: Vec<Request>,
}

/// Who is told of every output.
pub(super) type Sink<'a> = &'a mut dyn FnMut(Stream, &[u8]);

/// The launcher's side of the streams, and its signals.
#[derive(Debug, Default)]
pub(super) struct Relay {
    input: Option<Input>,
    outputs: Vec<Output>,
    feed: Option<Feed>,
    signals: Option<Signals>,
    terminal: Option<SavedTerminal>,
    master: Option<OwnedFd>,
    /// What is typed to leave the container alone; until there is an input to look for it in.
    keys: Option<Keys>,
}

impl Relay {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn add_input(&mut self, from: OwnedFd, to: OwnedFd) {
        self.input = Some(Input { from, to, buffer: Vec::new(), keys: None, typed: Typed::Input });
    }

    pub(super) fn add_output(&mut self, stream: Stream, from: OwnedFd, to: Option<OwnedFd>) {
        self.outputs.push(Output { stream, from, to, buffer: Vec::new(), ended: false });
    }

    /// Guests may write to the container's input.
    pub(super) fn add_feed(&mut self, to: OwnedFd, end: InputEnd) {
        self.feed = Some(Feed { to, buffer: Vec::new(), end, ended: false });
    }

    /// Remembers the settings of the caller's terminal, if standard input is one; returns a second copy.
    pub(super) fn save_terminal(&mut self) -> Result<Option<SavedTerminal>, SysError> {
        self.terminal = SavedTerminal::of_caller()?;
        SavedTerminal::of_caller()
    }

    /// Gives the caller's terminal its settings back.
    pub(super) fn restore_terminal(&mut self) {
        if let Some(saved) = self.terminal.take() {
            saved.restore();
        }
    }

    /// From now on signals for the container wait to be read.
    pub(super) fn block_signals(&mut self) -> Result<(), SysError> {
        self.signals = Some(Signals::block()?);
        Ok(())
    }

    /// From now on these keys, typed at a terminal, leave the container alone.
    pub(super) fn look_for(&mut self, keys: Vec<u8>) {
        self.keys = Some(Keys::new(keys));
    }

    /// The container's terminal, if it has one.
    pub(super) fn master(&self) -> Option<BorrowedFd<'_>> {
        self.master.as_ref().map(AsFd::as_fd)
    }

    /// Becomes readable when a signal comes in.
    pub(super) fn signals(&self) -> Option<BorrowedFd<'_>> {
        self.signals.as_ref().map(AsFd::as_fd)
    }

    /// The next signal that came in.
    pub(super) fn next_signal(&self) -> Option<ReceivedSignal> {
        self.signals.as_ref()?.next()
    }

    /// Connects the container's terminal with the caller's streams, the caller's own in raw mode.
    pub(super) fn connect_terminal(&mut self, master: OwnedFd, ends: Ends) -> Result<(), SysError> {
        let copy = || duplicate(master.as_fd());
        if ends.input == End::Caller {
            if let Some(saved) = &self.terminal {
                saved.make_raw()?;
            }
            self.add_input(duplicate(rustix::stdio::stdin())?, copy()?);
            if let Some(input) = &mut self.input {
                input.keys = self.keys.take();
            }
        }
        let to = match ends.output {
            End::Caller => Some(duplicate(rustix::stdio::stdout())?),
            End::Nobody => None,
        };
        self.add_output(Stream::Output, copy()?, to);
        // The terminal outlives who types.
        self.add_feed(copy()?, InputEnd::Stays);
        self.master = Some(master);
        if ends.output == End::Caller {
            self.copy_window_size();
        }
        Ok(())
    }

    /// Gives the container's terminal the size of the caller's.
    pub(super) fn copy_window_size(&self) {
        if let Some(size) = window_size() {
            self.set_window_size(size);
        }
    }

    /// Gives the container's terminal a size.
    pub(super) fn set_window_size(&self, size: Winsize) {
        if let Some(master) = &self.master {
            // The size is a courtesy: a terminal without one works.
            let _ = rustix::termios::tcsetwinsize(master, size);
        }
    }

    /// Takes input of a guest.
    pub(super) fn take_input(&mut self, bytes: &[u8]) {
        if let Some(feed) = &mut self.feed {
            feed.buffer.extend_from_slice(bytes);
        }
    }

    /// A guest has no more input.
    pub(super) fn end_input(&mut self) {
        if let Some(feed) = &mut self.feed
            && feed.end == InputEnd::Closes
        {
            feed.ended = true;
            if feed.buffer.is_empty() {
                self.feed = None;
            }
        }
    }

    /// Waits until something happens, or some bytes were copied.
    pub(super) fn wait(
        &mut self,
        awaited: Awaited<'_>,
        guests: &mut Guests,
        sink: Sink<'_>,
    ) -> Result<Happened, SysError> {
        let mut watched = vec![(Event::Message, PollFd::from_borrowed_fd(awaited.channel, PollFlags::IN))];
        let mut watch = |event, fd| watched.push((event, PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        awaited.start.into_iter().for_each(|start| watch(Event::Start, start));
        self.signals().into_iter().for_each(|signals| watch(Event::Signal, signals));
        guests.listener().into_iter().for_each(|door| watch(Event::Door, door));
        watched.extend(self.input.iter().map(|input| (Event::Input, input.watch())));
        self.watch_feed_and_outputs(&mut watched, guests);
        let events = turn(watched, awaited.time)?;
        let mut happened = Happened::default();
        for event in events {
            match event {
                Event::Message => happened.message = true,
                Event::Start => happened.start = true,
                Event::Signal => {}
                Event::Input => happened.typed = self.advance_input(),
                Event::Output(_) | Event::Feed => self.advance(event, guests, sink),
                Event::Door => {
                    guests.admit()?;
                }
                Event::Guest(at) => happened.requests.extend(guests.serve(at)),
            }
        }
        self.outputs.retain(|output| !output.ended);
        Ok(happened)
    }

    fn advance_input(&mut self) -> Typed {
        let Some(input) = &mut self.input else { return Typed::Input };
        let goes_on = input.advance();
        let typed = if input.buffer.is_empty() { input.typed } else { Typed::Input };
        if !goes_on {
            self.input = None;
        }
        typed
    }

    /// Standard output comes before standard error: of what was written in the same moment nobody knows the order, and so it
    /// reads best. Guests come last and from the last to the first, as serving one may remove it.
    fn watch_feed_and_outputs<'a>(&'a self, watched: &mut Vec<(Event, PollFd<'a>)>, guests: &'a Guests) {
        let feed = self.feed.as_ref().filter(|feed| !feed.buffer.is_empty());
        watched.extend(feed.map(|feed| (Event::Feed, PollFd::new(&feed.to, PollFlags::OUT))));
        for (at, output) in self.outputs.iter().enumerate() {
            if !output.buffer.is_empty() || !guests.are_full() {
                watched.push((Event::Output(at), output.watch()));
            }
        }
        let has_room = feed.is_none();
        for at in (0..guests.len()).rev() {
            watched.extend(guests.watch(at, has_room).map(|watch| (Event::Guest(at), watch)));
        }
    }

    fn advance(&mut self, event: Event, guests: &mut Guests, sink: Sink<'_>) {
        if let Event::Output(at) = event {
            let goes_on = self.outputs[at].advance(&mut |stream, bytes| {
                sink(stream, bytes);
                guests.show(stream, bytes);
            });
            self.outputs[at].ended = !goes_on;
        } else if event == Event::Feed
            && let Some(feed) = &mut self.feed
            && !feed.advance()
        {
            self.feed = None;
        }
    }

    /// Copies what the container has written and is not copied yet; the container is gone.
    pub(super) fn drain(&mut self, guests: &mut Guests, sink: Sink<'_>) -> Result<(), SysError> {
        // With the container all writers are gone, so that each flow comes to its end.
        (self.input, self.feed, self.master) = (None, None, None);
        while !self.outputs.is_empty() {
            let mut watched = Vec::new();
            self.watch_feed_and_outputs(&mut watched, guests);
            let time = guests.are_full().then_some(PATIENCE);
            let events = turn(watched, time)?;
            if events.is_empty() && time.is_some() {
                guests.drop_slow();
            }
            for event in events {
                match event {
                    Event::Guest(at) => drop(guests.serve(at)),
                    event => self.advance(event, guests, sink),
                }
            }
            self.outputs.retain(|output| !output.ended);
        }
        Ok(())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.restore_terminal();
    }
}
