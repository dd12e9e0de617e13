//! The container's standard streams.
//!
//! A stream of the launcher that is a terminal never reaches the container: who holds a terminal can read what
//! is typed and push words into it. Such a stream becomes a pipe that the launcher copies; any other is passed on.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use rustix::termios::isatty;

use super::relay::{Relay, SavedTerminal};
use crate::plan::process::{Input, Streams};
use crate::sys::{Call, SysError};

/// What init makes the command's streams from.
#[derive(Debug)]
pub(super) struct ContainerStreams {
    files: Option<[OwnedFd; 3]>,
    /// The launcher's terminal, which the monitor restores if the launcher cannot.
    pub(super) saved_terminal: Option<SavedTerminal>,
}

impl ContainerStreams {
    /// Closes the streams, which init has by now, and keeps the terminal.
    pub(super) fn into_saved_terminal(self) -> Option<SavedTerminal> {
        self.saved_terminal
    }

    /// Input, output and error; none where the process gets a terminal of its own.
    pub(super) fn files(&self) -> Option<[BorrowedFd<'_>; 3]> {
        self.files.as_ref().map(|files| files.each_ref().map(OwnedFd::as_fd))
    }
}

/// Streams that lead nowhere.
pub(super) fn nowhere() -> Result<ContainerStreams, SysError> {
    let null = || {
        rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
            .call(|| "open(\"/dev/null\")")
    };
    Ok(ContainerStreams { files: Some([null()?, null()?, null()?]), saved_terminal: None })
}

/// Prepares both sides: what the launcher copies, and what the container gets.
pub(super) fn connect(streams: Streams) -> Result<(Relay, ContainerStreams), SysError> {
    let mut relay = Relay::new();
    match streams {
        Streams::Terminal => {
            let saved_terminal = relay.save_terminal()?;
            Ok((relay, ContainerStreams { files: None, saved_terminal }))
        }
        Streams::Launcher { input } => {
            let files = [
                connect_input(&mut relay, input)?,
                connect_output(&mut relay, rustix::stdio::stdout())?,
                connect_output(&mut relay, rustix::stdio::stderr())?,
            ];
            Ok((relay, ContainerStreams { files: Some(files), saved_terminal: None }))
        }
    }
}

fn connect_input(relay: &mut Relay, input: Input) -> Result<OwnedFd, SysError> {
    let stdin = rustix::stdio::stdin();
    match input {
        Input::Empty => rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .call(|| "open(\"/dev/null\")"),
        Input::Attached if isatty(stdin) => {
            let (reader, writer) = pipe()?;
            relay.add_input(duplicate(stdin)?, writer);
            Ok(reader)
        }
        Input::Attached => {
            refuse_directory(stdin, "standard input")?;
            duplicate(stdin)
        }
    }
}

fn connect_output(relay: &mut Relay, output: BorrowedFd<'_>) -> Result<OwnedFd, SysError> {
    if !isatty(output) {
        refuse_directory(output, "an output stream")?;
        return duplicate(output);
    }
    let (reader, writer) = pipe()?;
    relay.add_output(reader, duplicate(output)?);
    Ok(writer)
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
