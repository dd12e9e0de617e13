//! The last steps: working directory, streams, and becoming the command.

mod command;
mod reaper;

use std::convert::Infallible;
use std::os::fd::AsFd;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use thiserror::Error;

use self::command::Command;
use super::credentials;
use super::init::InitError;
use super::rootfs::{PointError, PointKind, Root};
use super::streams::ContainerStreams;
use super::terminal::Terminal;
use crate::plan::process::{FirstProcess, Process};
use crate::sys::root::open_in_root;
use crate::sys::{Call, SysError, process as own};

pub(super) use command::Candidates;

/// Why the command does not run.
#[derive(Debug, Error)]
pub(super) enum ExecError {
    /// The working directory, which is missing.
    #[error("cannot make the working directory `{path}`")]
    NoWorkingDirectory {
        path: String,
        #[source]
        source: PointError,
    },
    /// The working directory.
    #[error("cannot enter the working directory `{path}`")]
    WorkingDirectory {
        path: String,
        #[source]
        source: SysError,
    },
    /// An argument or a variable holds a NUL byte.
    #[error("`{0}` holds a NUL byte, which no program can be given")]
    Nul(String),
    /// There is no such program.
    #[error("the command `{command}` was not found{searched}")]
    NotFound { command: String, searched: String },
    /// It is there and cannot be run.
    #[error("the command `{command}` cannot be run")]
    NotExecutable {
        command: String,
        #[source]
        source: SysError,
    },
    /// It is there, and `--landlock` may be why it cannot be run.
    #[error("the command `{command}` cannot be run")]
    OutOfReach {
        command: String,
        #[source]
        source: SysError,
    },
    /// The streams.
    #[error("cannot connect the command's streams")]
    Streams(#[source] SysError),
    /// The init of `--init`.
    #[error("cannot start the command below the init process")]
    Reaper(#[source] SysError),
}

impl ExecError {
    /// There is no `command` where the caller looks for programs.
    pub(super) fn not_found(command: &str) -> Self {
        Self::NotFound { command: command.to_owned(), searched: String::new() }
    }

    pub(super) fn code(&self) -> u8 {
        match self {
            Self::NotFound { .. } => 127,
            Self::NotExecutable { .. } | Self::OutOfReach { .. } | Self::WorkingDirectory { .. } => 126,
            Self::NoWorkingDirectory { .. } | Self::Nul(_) | Self::Streams(_) | Self::Reaper(_) => 125,
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::NotExecutable { source, .. } => {
                let hint = match source.errno() {
                    Errno::NOEXEC => {
                        "it is neither a program for this machine nor a script that begins with #!"
                    }
                    Errno::ACCESS => {
                        "it is a directory, has no execute permission for this user, or lies on a noexec mount"
                    }
                    Errno::NOENT => "the file is there, but the interpreter or loader that it names is not",
                    _ => return None,
                };
                Some(hint.to_owned())
            }
            Self::OutOfReach { .. } => Some(
                "--landlock lets nothing be run but what it names: the program's directory, and those of its interpreter \
                 and its libraries, want an ro="
                    .to_owned(),
            ),
            Self::NoWorkingDirectory { .. }
            | Self::WorkingDirectory { .. }
            | Self::Nul(_)
            | Self::NotFound { .. }
            | Self::Streams(_)
            | Self::Reaper(_) => None,
        }
    }
}

/// Makes the working directory where it is missing, as Docker does.
pub(super) fn make_working_directory(root: &Root, process: &Process) -> Result<(), InitError> {
    let path = &process.working_directory;
    if path.is_root() || root.open_directory(path).is_some() {
        return Ok(());
    }
    match root.mount_point(path, PointKind::Directory) {
        // What it leads to is found out when the process enters it, with its own rights.
        Ok(_) | Err(PointError::IsRoot(_) | PointError::Kind { .. }) => Ok(()),
        Err(source @ PointError::Walk { .. }) => {
            Err(ExecError::NoWorkingDirectory { path: path.to_string(), source }.into())
        }
    }
}

/// Enters it as the container's user, and makes sure that it lies in the container.
pub(super) fn enter_working_directory(process: &Process) -> Result<(), InitError> {
    let path = &process.working_directory;
    let failed = |source| InitError::Exec(ExecError::WorkingDirectory { path: path.to_string(), source });
    // By a descriptor, as a link of procfs in the way, which somebody may have put there a moment ago, would lead to
    // what this process has open.
    let enter = || {
        let root = Root::of_this_process()?;
        let directory =
            open_in_root(&root, path.as_os_str(), OFlags::PATH | OFlags::DIRECTORY, Mode::empty())
                .call(|| format!("openat2({path:?}, DIRECTORY, NO_MAGICLINKS)"))?;
        rustix::process::fchdir(&directory).call(|| format!("fchdir({path:?})"))
    };
    enter().map_err(failed)?;
    // The kernel says "(unreachable)" for a directory outside the root (CVE-2024-21626).
    let here = rustix::process::getcwd(Vec::new()).call(|| "getcwd()").map_err(failed)?;
    if here.as_bytes().first() == Some(&b'/') {
        return Ok(());
    }
    Err(failed(SysError::new("getcwd()", Errno::NOENT)))
}

/// Who is told how the last steps go.
pub(super) struct Telling<'a> {
    /// Nothing changes any more.
    pub(super) ready: &'a dyn Fn() -> Result<(), InitError>,
    /// What went wrong below an init; returns the exit code that says so.
    pub(super) failed: &'a dyn Fn(InitError) -> u8,
}

/// Becomes the command; returns only the error. Below an init, it is the child that fails.
pub(super) fn exec(
    process: &Process,
    streams: &ContainerStreams,
    terminal: Option<&Terminal>,
    telling: &Telling<'_>,
) -> Result<Infallible, InitError> {
    let command = Command::new(process)?;
    credentials::take_room(&process.limits)?;
    let close_down = || {
        credentials::filter_last(process)?;
        (telling.ready)()
    };
    match process.first {
        FirstProcess::Command => {
            connect(streams, terminal)?;
            close_down()?;
            Ok(command.exec(streams.bridge.as_ref())?)
        }
        FirstProcess::Init => {
            // Init is as close to the container's processes as one of them, and is filtered like them.
            close_down()?;
            let become_it =
                || connect(streams, terminal).and_then(|()| command.exec(streams.bridge.as_ref()));
            let result = reaper::run(|| match become_it() {
                Ok(never) => match never {},
                Err(error) => (telling.failed)(error.into()),
            });
            Ok(result.map_err(ExecError::Reaper)?)
        }
    }
}

/// Gives this process its session, terminal and streams.
fn connect(streams: &ContainerStreams, terminal: Option<&Terminal>) -> Result<(), ExecError> {
    let result = || {
        own::new_session()?;
        if let Some(terminal) = terminal {
            let slave = terminal.slave();
            rustix::process::ioctl_tiocsctty(slave).call(|| "ioctl(TIOCSCTTY)")?;
            return own::set_stdio(slave.as_fd(), slave.as_fd(), slave.as_fd());
        }
        match streams.files() {
            Some([input, output, error]) => own::set_stdio(input, output, error),
            None => Ok(()),
        }
    };
    result().map_err(ExecError::Streams)?;
    own::reset_signals().map_err(ExecError::Streams)
}
