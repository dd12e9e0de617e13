//! The container's standard streams.
//!
//! A stream of the launcher that is a terminal never reaches the container: who holds a terminal can read what
//! is typed and push words into it. Such a stream becomes a pipe that the launcher copies; any other is passed on, unless
//! somebody else is to see what is written, too.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use rustix::termios::isatty;

use super::Stream;
use super::relay::Relay;
use super::screen::SavedTerminal;
use crate::plan::process::{Input, Streams};
use crate::plan::supervision::InputEnd;
use crate::sys::bridge::Bridge;
use crate::sys::{Call, SysError};

/// What init makes the command's streams from, and how it becomes the command.
#[derive(Debug)]
pub(super) struct ContainerStreams {
    files: Option<[OwnedFd; 3]>,
    /// The launcher's terminal, which the monitor restores if the launcher cannot.
    pub(super) saved_terminal: Option<SavedTerminal>,
    /// The way to the command, which tells the launcher if it leads nowhere.
    pub(super) bridge: Option<Bridge>,
}

impl ContainerStreams {
    /// All that the process needs open which becomes the command.
    pub(super) fn needed(&self) -> Vec<BorrowedFd<'_>> {
        let bridge = self.bridge.iter().flat_map(Bridge::files);
        self.files().into_iter().flatten().chain(bridge).collect()
    }

    /// Closes the streams, which init has by now, and keeps the terminal.
    pub(super) fn into_saved_terminal(self) -> Option<SavedTerminal> {
        self.saved_terminal
    }

    /// All that is open here.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.needed().into_iter().chain(self.saved_terminal.iter().map(AsFd::as_fd))
    }

    /// Input, output and error; none where the process gets a terminal of its own.
    pub(super) fn files(&self) -> Option<[BorrowedFd<'_>; 3]> {
        self.files.as_ref().map(|files| files.each_ref().map(OwnedFd::as_fd))
    }
}

/// Who is at the other end of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Whoever called the launcher.
    Caller,
    /// Nobody, but the guests who come.
    Nobody,
}

/// Whether output is seen by others than the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copies {
    /// It may go straight to the caller.
    None,
    /// It passes through the launcher.
    All,
}

/// Where the container's streams lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Standard input.
    pub input: End,
    /// Standard output, or the terminal.
    pub output: End,
    /// Standard error.
    pub error: End,
    /// Who else gets what is written.
    pub copies: Copies,
    /// What the end of a guest's input means.
    pub input_end: InputEnd,
}

impl Ends {
    /// Of a process that has all of the caller's streams for itself.
    pub(super) fn all_of_caller() -> Self {
        Self {
            input: End::Caller,
            output: End::Caller,
            error: End::Caller,
            copies: Copies::None,
            input_end: InputEnd::Closes,
        }
    }
}

/// Streams that lead nowhere.
pub(super) fn nowhere() -> Result<ContainerStreams, SysError> {
    let null = || {
        rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
            .call(|| "open(\"/dev/null\")")
    };
    Ok(ContainerStreams { files: Some([null()?, null()?, null()?]), saved_terminal: None, bridge: None })
}

/// Prepares both sides: what the launcher copies, and what the container gets.
pub(super) fn connect(streams: Streams, ends: Ends) -> Result<(Relay, ContainerStreams), SysError> {
    let mut relay = Relay::new();
    match streams {
        Streams::Terminal => {
            let saved_terminal = match ends.input {
                End::Caller => relay.save_terminal()?,
                End::Nobody => None,
            };
            Ok((relay, ContainerStreams { files: None, saved_terminal, bridge: None }))
        }
        Streams::Launcher { input } => {
            let files = [
                connect_input(&mut relay, input, ends)?,
                connect_output(&mut relay, Stream::Output, ends)?,
                connect_output(&mut relay, Stream::Error, ends)?,
            ];
            Ok((relay, ContainerStreams { files: Some(files), saved_terminal: None, bridge: None }))
        }
    }
}

fn connect_input(relay: &mut Relay, input: Input, ends: Ends) -> Result<OwnedFd, SysError> {
    let stdin = rustix::stdio::stdin();
    match (input, ends.input) {
        (Input::Empty, _) => open_null(OFlags::RDONLY),
        (Input::Attached, End::Nobody) => {
            let (reader, writer) = pipe()?;
            relay.add_feed(writer, ends.input_end);
            Ok(reader)
        }
        (Input::Attached, End::Caller) if isatty(stdin) => {
            let (reader, writer) = pipe()?;
            relay.add_input(duplicate(stdin)?, writer);
            Ok(reader)
        }
        (Input::Attached, End::Caller) => {
            refuse_directory(stdin, "standard input")?;
            duplicate(stdin)
        }
    }
}

fn connect_output(relay: &mut Relay, stream: Stream, ends: Ends) -> Result<OwnedFd, SysError> {
    let (end, output) = match stream {
        Stream::Output => (ends.output, rustix::stdio::stdout()),
        Stream::Error => (ends.error, rustix::stdio::stderr()),
    };
    let to = match (end, ends.copies) {
        (End::Nobody, Copies::None) => return open_null(OFlags::WRONLY),
        (End::Nobody, Copies::All) => None,
        (End::Caller, copies) if !isatty(output) => {
            refuse_directory(output, "an output stream")?;
            match copies {
                Copies::None => return duplicate(output),
                Copies::All => Some(duplicate(output)?),
            }
        }
        (End::Caller, _) => Some(duplicate(output)?),
    };
    let (reader, writer) = pipe()?;
    relay.add_output(stream, reader, to);
    Ok(writer)
}

fn open_null(access: OFlags) -> Result<OwnedFd, SysError> {
    rustix::fs::open("/dev/null", access | OFlags::CLOEXEC, Mode::empty()).call(|| "open(\"/dev/null\")")
}

fn pipe() -> Result<(OwnedFd, OwnedFd), SysError> {
    rustix::pipe::pipe_with(PipeFlags::CLOEXEC).call(|| "pipe2()")
}

/// Refuses a directory, through which a process could walk the host's files.
fn refuse_directory(stream: BorrowedFd<'_>, name: &str) -> Result<(), SysError> {
    let stat = rustix::fs::fstat(stream).call(|| format!("fstat({name})"))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Err(SysError::new(format!("{name} is a directory"), Errno::ISDIR)),
        _ => Ok(()),
    }
}

/// A copy of a descriptor that `exec` closes and that is none of the first three.
pub(super) fn duplicate(file: BorrowedFd<'_>) -> Result<OwnedFd, SysError> {
    rustix::io::fcntl_dupfd_cloexec(file, 3).call(|| "fcntl(F_DUPFD_CLOEXEC)")
}
