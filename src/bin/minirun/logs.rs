//! `minirun logs`: what a container has written, to the streams that it has written it to.

use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::time::{Duration, UNIX_EPOCH};

use minirun::container::{Engine, Following, LogPiece, LogRequest, LogStream};

use crate::arguments::lifecycle::LogsArgs;
use crate::failure::{Failure, SOME_FAILED};
use crate::output::Output;
use crate::run::RequestError;
use crate::time;

/// Both streams, so that one is written before the other goes on.
struct Streams {
    output: io::BufWriter<io::Stdout>,
    error: io::BufWriter<io::Stderr>,
    timestamps: bool,
}

impl Streams {
    fn write(&mut self, piece: &LogPiece) -> io::Result<()> {
        let begun = piece.begun.filter(|_| self.timestamps).map(timestamp).unwrap_or_default();
        match piece.stream {
            LogStream::Output => {
                self.error.flush()?;
                self.output.write_all(begun.as_bytes())?;
                self.output.write_all(&piece.bytes)
            }
            LogStream::Error => {
                self.output.flush()?;
                self.error.write_all(begun.as_bytes())?;
                self.error.write_all(&piece.bytes)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()?;
        self.error.flush()
    }
}

/// Prints the log; the exit code.
pub(crate) fn logs(engine: &Engine, arguments: &LogsArgs, output: &mut Output) -> Result<u8, Failure> {
    let request = request(arguments)?;
    output.flush()?;
    let mut streams = Streams {
        output: io::BufWriter::new(io::stdout()),
        error: io::BufWriter::new(io::stderr()),
        timestamps: arguments.timestamps,
    };
    let mut written = Ok(());
    let read = engine.logs(&arguments.container, &request, &mut |piece| {
        written = match piece {
            Some(piece) => streams.write(piece),
            None => streams.flush(),
        };
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    written.map_err(Failure::Output)?;
    match read {
        Ok(()) => Ok(0),
        Err(error) => {
            output.fail(&error.into());
            Ok(SOME_FAILED)
        }
    }
}

fn request(arguments: &LogsArgs) -> Result<LogRequest, RequestError> {
    let tail = match arguments.tail.as_deref() {
        None | Some("all") => None,
        // Less than none is all, as with Docker.
        Some(text) => {
            usize::try_from(text.parse::<i64>().map_err(|_| RequestError::Tail(text.to_owned()))?).ok()
        }
    };
    Ok(LogRequest {
        tail,
        since: arguments.since.as_deref().map(moment).transpose()?,
        until: arguments.until.as_deref().map(moment).transpose()?,
        following: if arguments.follow { Following::Yes } else { Following::No },
    })
}

/// Nanoseconds since 1970 of `--since` or `--until`.
pub(crate) fn moment(text: &str) -> Result<i64, RequestError> {
    time::nanoseconds(text).ok_or_else(|| RequestError::Moment(text.to_owned()))
}

fn timestamp(nanoseconds: i64) -> String {
    let since = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or_default());
    format!("{} ", humantime::format_rfc3339_nanos(UNIX_EPOCH + since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps() {
        assert_eq!(timestamp(1), "1970-01-01T00:00:00.000000001Z ");
    }
}
