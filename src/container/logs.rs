//! What a container has written, line by line.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::Duration;

use super::{Engine, Error};
use crate::plan::supervision::LogPolicy;
use crate::store::container::Container;
use crate::store::directory::Directory;
use crate::store::lock;
use crate::store::log::{Follow, LogReader, Record};

pub use crate::store::log::LogStream;

/// How often a log that is followed is looked at.
const INTERVAL: Duration = Duration::from_millis(25);

/// Which part of a log is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogRequest {
    /// The last lines; all if not said.
    pub tail: Option<usize>,
    /// What was written at this moment or later, nanoseconds since 1970.
    pub since: Option<i64>,
    /// What was written before this moment, nanoseconds since 1970.
    pub until: Option<i64>,
    /// What comes then.
    pub following: Following,
}

/// What happens at the end of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Following {
    /// Nothing.
    #[default]
    No,
    /// It is waited for more, until the container has ended.
    Yes,
}

/// A line, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPiece {
    /// To which stream it was written.
    pub stream: LogStream,
    /// When the line was begun, nanoseconds since 1970; none for what goes on with one.
    pub begun: Option<i64>,
    /// The bytes, with the line end if there is one.
    pub bytes: Vec<u8>,
}

/// Who takes the pieces; none means that there is nothing more for now. It may have enough.
pub type LogSink<'a> = &'a mut dyn FnMut(Option<&LogPiece>) -> ControlFlow<()>;

/// Makes lines of what was written at once.
#[derive(Default)]
struct Lines {
    /// Whether a line of standard output, and of standard error, is not at its end yet.
    open: [bool; 2],
}

impl Lines {
    fn split(&mut self, record: &Record) -> Vec<LogPiece> {
        let open = &mut self.open[index(record.stream)];
        let pieces = record.content.split_inclusive(|byte| *byte == b'\n').map(|bytes| {
            let begun = (!*open).then_some(record.nanoseconds);
            *open = bytes.last() != Some(&b'\n');
            LogPiece { stream: record.stream, begun, bytes: bytes.to_vec() }
        });
        pieces.collect()
    }
}

fn index(stream: LogStream) -> usize {
    match stream {
        LogStream::Output => 0,
        LogStream::Error => 1,
    }
}

/// The last lines of what has passed by.
struct Tail {
    lines: VecDeque<Vec<LogPiece>>,
    most: usize,
    /// How many lines have gone.
    gone: usize,
    /// The number of the last line of each stream.
    last: [Option<usize>; 2],
}

impl Tail {
    fn push(&mut self, piece: LogPiece) {
        let last = &mut self.last[index(piece.stream)];
        if piece.begun.is_some() {
            *last = Some(self.gone + self.lines.len());
            self.lines.push_back(vec![piece]);
            if self.lines.len() > self.most {
                self.lines.pop_front();
                self.gone += 1;
            }
        } else if let Some(line) =
            last.and_then(|number| number.checked_sub(self.gone)).and_then(|at| self.lines.get_mut(at))
        {
            line.push(piece);
        }
    }
}

impl Engine {
    /// Gives what a container has written to `sink`.
    ///
    /// # Errors
    /// There is no such container, or it has no log.
    pub fn logs(&self, text: &str, request: &LogRequest, sink: LogSink<'_>) -> Result<(), Error> {
        let container = self.store.find_container(text)?;
        if container.record.supervision.log == LogPolicy::Nothing {
            return Err(Error::NoLog(container.record.name.to_string()));
        }
        let error = |cause| Error::Log { name: container.record.name.to_string(), cause };
        let directory = Directory::open(&container.path).map_err(|cause| self.store.read_error(cause))?;
        let own = Directory::open(&container.path).map_err(|cause| self.store.read_error(cause))?;
        let mut reading = Reading {
            reader: LogReader::open(own).map_err(error)?,
            lines: Lines::default(),
            request: *request,
        };
        let mut alive = is_alive(&directory, &container).map_err(error)?;
        if reading.begin(sink).map_err(error)?.is_break() {
            return Ok(());
        }
        while request.following == Following::Yes && alive {
            std::thread::sleep(INTERVAL);
            // Asked first: what is written before the end is read after this.
            alive = is_alive(&directory, &container).map_err(error)?;
            if reading.go_on(sink).map_err(error)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn is_alive(directory: &Directory, container: &Container) -> Result<bool, crate::sys::SysError> {
    if !container.state.is_alive() {
        return Ok(false);
    }
    lock::is_held(directory)
}

struct Reading {
    reader: LogReader,
    lines: Lines,
    request: LogRequest,
}

impl Reading {
    /// What is there already, or the last lines of it.
    fn begin(&mut self, sink: LogSink<'_>) -> Result<ControlFlow<()>, crate::sys::SysError> {
        let Some(most) = self.request.tail else { return self.go_on(sink) };
        let mut tail = Tail { lines: VecDeque::new(), most, gone: 0, last: [None; 2] };
        let _ = self.read(&mut |piece| {
            tail.push(piece);
            ControlFlow::Continue(())
        })?;
        for piece in tail.lines.iter().flatten() {
            if sink(Some(piece)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(sink(None))
    }

    fn go_on(&mut self, sink: LogSink<'_>) -> Result<ControlFlow<()>, crate::sys::SysError> {
        let flow = self.read(&mut |piece| sink(Some(&piece)))?;
        Ok(if flow.is_break() { flow } else { sink(None) })
    }

    fn read(
        &mut self,
        take: &mut dyn FnMut(LogPiece) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, crate::sys::SysError> {
        while let Follow::Record(record) = self.reader.advance()? {
            let is_early = self.request.since.is_some_and(|since| record.nanoseconds < since);
            let is_late = self.request.until.is_some_and(|until| record.nanoseconds >= until);
            if is_late {
                return Ok(ControlFlow::Break(()));
            }
            for piece in self.lines.split(&record) {
                if !is_early && take(piece).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(stream: LogStream, content: &[u8]) -> Record {
        Record { stream, nanoseconds: 7, content: content.to_vec() }
    }

    #[test]
    fn lines_begin_where_their_stream_says() {
        let mut lines = Lines::default();
        let pieces = lines.split(&record(LogStream::Output, b"one\ntw"));
        let texts: Vec<_> = pieces.iter().map(|piece| (piece.begun, piece.bytes.as_slice())).collect();
        assert_eq!(texts, [(Some(7), &b"one\n"[..]), (Some(7), b"tw")]);
        assert_eq!(lines.split(&record(LogStream::Error, b"x"))[0].begun, Some(7));
        assert_eq!(lines.split(&record(LogStream::Output, b"o\n"))[0].begun, None);
    }

    #[test]
    fn a_tail_keeps_whole_lines_of_both_streams() {
        let mut lines = Lines::default();
        let mut tail = Tail { lines: VecDeque::new(), most: 2, gone: 0, last: [None; 2] };
        for (stream, content) in [
            (LogStream::Output, &b"gone\nab"[..]),
            (LogStream::Error, b"xy"),
            (LogStream::Output, b"c\n"),
            (LogStream::Error, b"z\n"),
        ] {
            lines.split(&record(stream, content)).into_iter().for_each(|piece| tail.push(piece));
        }
        let texts: Vec<Vec<u8>> = tail
            .lines
            .iter()
            .map(|line| line.iter().flat_map(|piece| piece.bytes.clone()).collect())
            .collect();
        assert_eq!(texts, [b"abc\n".to_vec(), b"xyz\n".to_vec()]);
    }
}
