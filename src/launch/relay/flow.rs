//! Bytes on their way from one descriptor to another.

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use super::Sink;
use crate::launch::Stream;
use crate::launch::keys::{Keys, Typed};
use crate::plan::supervision::InputEnd;

/// As much as every pipe takes without blocking once it says that it takes something.
const CHUNK: usize = 4096;
/// As much as is read at once of what goes nowhere but to the log.
const LARGE_CHUNK: usize = 16 * 1024;

/// The caller's input on its way to the container.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) from: OwnedFd,
    pub(super) to: OwnedFd,
    pub(super) buffer: Vec<u8>,
    /// What is looked for in it.
    pub(super) keys: Option<Keys>,
    /// Whether that was found.
    pub(super) typed: Typed,
}

/// What the container writes, on its way to the caller, if it wants it.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) stream: Stream,
    pub(super) from: OwnedFd,
    pub(super) to: Option<OwnedFd>,
    pub(super) buffer: Vec<u8>,
    /// Whether there is no more to come.
    pub(super) ended: bool,
}

/// The input of guests on its way to the container.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) to: OwnedFd,
    pub(super) buffer: Vec<u8>,
    pub(super) end: InputEnd,
    pub(super) ended: bool,
}

impl Input {
    pub(super) fn watch(&self) -> PollFd<'_> {
        if self.buffer.is_empty() {
            PollFd::new(&self.from, PollFlags::IN)
        } else {
            PollFd::new(&self.to, PollFlags::OUT)
        }
    }

    /// Reads or writes once; false when it has come to its end.
    pub(super) fn advance(&mut self) -> bool {
        if !self.buffer.is_empty() {
            return write_some(&self.to, &mut self.buffer);
        }
        let mut chunk = [0; CHUNK];
        read_some(&self.from, &mut chunk).is_some_and(|bytes| {
            match &mut self.keys {
                None => self.buffer.extend_from_slice(bytes),
                Some(keys) => {
                    let (passed, typed) = keys.filter(bytes);
                    self.typed = typed;
                    self.buffer.extend(passed);
                }
            }
            true
        })
    }
}

impl Output {
    pub(super) fn watch(&self) -> PollFd<'_> {
        match &self.to {
            Some(to) if !self.buffer.is_empty() => PollFd::new(to, PollFlags::OUT),
            _ => PollFd::new(&self.from, PollFlags::IN),
        }
    }

    /// Reads or writes once; false when it has come to its end.
    pub(super) fn advance(&mut self, sink: Sink<'_>) -> bool {
        let Some(to) = &self.to else {
            let mut chunk = [0; LARGE_CHUNK];
            return self.take(&mut chunk, sink);
        };
        if self.buffer.is_empty() {
            let mut chunk = [0; CHUNK];
            return self.take(&mut chunk, sink);
        }
        // Where nobody reads any more the container is to notice, as it would without a relay.
        write_some(to, &mut self.buffer)
    }

    fn take(&mut self, chunk: &mut [u8], sink: Sink<'_>) -> bool {
        let Some(bytes) = read_some(&self.from, chunk) else { return false };
        if !bytes.is_empty() {
            sink(self.stream, bytes);
        }
        if self.to.is_some() {
            self.buffer.extend_from_slice(bytes);
        }
        true
    }
}

impl Feed {
    /// Writes once; false when there is nothing to write to, or nothing more to come.
    pub(super) fn advance(&mut self) -> bool {
        let count = self.buffer.len().min(CHUNK);
        match rustix::io::write(&self.to, &self.buffer[..count]) {
            Ok(count) => {
                self.buffer.drain(..count);
                !(self.ended && self.buffer.is_empty())
            }
            Err(errno) => is_passing(errno),
        }
    }
}

/// What there is to read; none at the end.
fn read_some<'a>(from: &OwnedFd, chunk: &'a mut [u8]) -> Option<&'a [u8]> {
    match rustix::io::read(from, &mut *chunk) {
        Ok(0) => None,
        Ok(count) => Some(&chunk[..count]),
        Err(errno) => is_passing(errno).then_some(&[]),
    }
}

/// Writes what there is room for; false if nobody reads any more.
fn write_some(to: &OwnedFd, buffer: &mut Vec<u8>) -> bool {
    match rustix::io::write(to, buffer) {
        Ok(count) => {
            buffer.drain(..count);
            true
        }
        Err(errno) => is_passing(errno),
    }
}

/// Whether an error says only that now is not the time; EIO is how a terminal without users ends.
fn is_passing(errno: Errno) -> bool {
    matches!(errno, Errno::AGAIN | Errno::INTR)
}
