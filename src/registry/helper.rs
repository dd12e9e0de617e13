//! Programs that know passwords: `docker-credential-NAME`.
//!
//! Such a program is asked on its standard input and answers on its standard output. What it says there is never part of a
//! message, also where it cannot be understood: a password may be in it. What it says on standard error is.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write as _};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use thiserror::Error;

use super::RegistryError;
use crate::plan::registry::auth_file::{self, AuthFileError, Credentials, Helper};

/// The most bytes of what a program says, of either kind.
const SAID_MAX: usize = 64 << 10;
/// How much of it is told, in letters.
const TOLD: usize = 300;
/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often is looked whether the program has ended: something that it leaves behind may keep its output open.
const GLANCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
/// What such a program says when it knows nothing.
const UNKNOWN: &[u8] = b"credentials not found";

/// What a program is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HelperVerb {
    /// To say who somebody is.
    Get,
    /// To keep that.
    Store,
    /// To forget it.
    Erase,
}

impl HelperVerb {
    fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Store => "store",
            Self::Erase => "erase",
        }
    }
}

impl fmt::Display for HelperVerb {
    /// As part of a sentence, in front of the program.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "get credentials from",
            Self::Store => "hand credentials to",
            Self::Erase => "remove credentials from",
        })
    }
}

/// Why a program is of no use.
#[derive(Debug, Error)]
pub enum HelperError {
    /// There is none.
    #[error("there is no such program in PATH")]
    Absent,
    /// It cannot be started, or not be talked to.
    #[error("it cannot be run: {0}")]
    Run(#[from] io::Error),
    /// It says no.
    #[error("it ended with {status}{}", told(.said))]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// What it said about it.
        said: String,
    },
    /// It says something else.
    #[error("its answer cannot be used{}", told(.said))]
    Answer {
        /// What is wrong with it.
        #[source]
        cause: AuthFileError,
        /// What it said about it.
        said: String,
    },
    /// It takes too long.
    #[error("it was stopped: it did not end within {} seconds{}", PATIENCE.as_secs(), told(.0))]
    Late(String),
}

fn told(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

/// What the program is called.
pub(super) fn program(helper: &Helper) -> String {
    format!("docker-credential-{}", helper.name)
}

/// What the program knows.
pub(super) fn get(helper: &Helper) -> Result<Option<Credentials>, RegistryError> {
    let answer = |said: Said| match auth_file::answer(&said.output) {
        _ if said.is_unknown() => Ok(None),
        _ if !said.status.success() => Err(said.failed()),
        Ok(found) => Ok(found),
        Err(cause) => Err(HelperError::Answer { cause, said: said.complaint() }),
    };
    run(helper, HelperVerb::Get, helper.server.as_bytes())
        .and_then(answer)
        .map_err(of(helper, HelperVerb::Get))
}

/// Has the program keep credentials.
pub(super) fn store(helper: &Helper, credentials: &Credentials) -> Result<(), RegistryError> {
    let input = auth_file::to_keep(&helper.server, credentials);
    let done = |said: Said| if said.status.success() { Ok(()) } else { Err(said.failed()) };
    run(helper, HelperVerb::Store, &input).and_then(done).map_err(of(helper, HelperVerb::Store))
}

/// Has the program forget them.
pub(super) fn erase(helper: &Helper) -> Result<(), RegistryError> {
    let done = |said: Said| if said.status.success() { Ok(()) } else { Err(said.failed()) };
    let run = run(helper, HelperVerb::Erase, helper.server.as_bytes());
    run.and_then(done).map_err(of(helper, HelperVerb::Erase))
}

fn of(helper: &Helper, verb: HelperVerb) -> impl FnOnce(HelperError) -> RegistryError {
    let program = program(helper);
    move |cause| RegistryError::Helper { verb, program, cause }
}

/// How a program ended, and what it said until then.
struct Said {
    status: ExitStatus,
    output: Vec<u8>,
    complaints: Vec<u8>,
}

impl Said {
    /// Whether it knows nobody.
    fn is_unknown(&self) -> bool {
        let says = |bytes: &[u8]| bytes.windows(UNKNOWN.len()).any(|part| part == UNKNOWN);
        !self.status.success() && (says(&self.output) || says(&self.complaints))
    }

    fn complaint(&self) -> String {
        complaint(&self.complaints)
    }

    fn failed(&self) -> HelperError {
        HelperError::Failed { status: self.status, said: self.complaint() }
    }
}

/// What was said on standard error, for a message.
fn complaint(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().chars().take(TOLD).flat_map(char::escape_debug).collect()
}

fn run(helper: &Helper, verb: HelperVerb, input: &[u8]) -> Result<Said, HelperError> {
    let mut command = Command::new(program(helper));
    command.arg(verb.word()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => HelperError::Absent,
        _ => HelperError::Run(error),
    })?;
    let said = converse(&mut child, input);
    if said.is_err() {
        // It may have ended by itself just now.
        let _ = child.kill();
        let _ = child.wait();
    }
    said
}

/// Writes to a program and reads what it says, until it has ended.
fn converse(child: &mut Child, input: &[u8]) -> Result<Said, HelperError> {
    let deadline = Instant::now() + PATIENCE;
    let mut stdin = child.stdin.take();
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    for file in
        [stdin.as_ref().map(AsFd::as_fd), stdout.as_ref().map(AsFd::as_fd), stderr.as_ref().map(AsFd::as_fd)]
            .into_iter()
            .flatten()
    {
        fcntl_setfl(file, OFlags::NONBLOCK).map_err(io::Error::from)?;
    }
    let (mut rest, mut output, mut complaints) = (input, Vec::new(), Vec::new());
    loop {
        // Asked before the last look at what there is to read, which is all of it then.
        let ended = child.try_wait()?;
        write(&mut stdin, &mut rest)?;
        read(&mut stdout, &mut output)?;
        read(&mut stderr, &mut complaints)?;
        if let Some(status) = ended {
            return Ok(Said { status, output, complaints });
        }
        if Instant::now() >= deadline {
            return Err(HelperError::Late(complaint(&complaints)));
        }
        let wanted = [stdout.as_ref().map(AsFd::as_fd), stderr.as_ref().map(AsFd::as_fd)];
        let mut watched: Vec<PollFd<'_>> =
            wanted.into_iter().flatten().map(|file| PollFd::from_borrowed_fd(file, PollFlags::IN)).collect();
        match poll(&mut watched, Some(&GLANCE)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(HelperError::Run(errno.into())),
        }
    }
}

/// Writes what there is room for, and closes behind the last of it.
fn write(stdin: &mut Option<ChildStdin>, rest: &mut &[u8]) -> io::Result<()> {
    while let Some(file) = stdin {
        if rest.is_empty() {
            *stdin = None;
            break;
        }
        match file.write(rest) {
            Ok(count) => *rest = rest.get(count..).unwrap_or_default(),
            // It does not want to know more.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => *stdin = None,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads what there is, and keeps the first of it. Once for each look: whoever writes without end is late in the end.
fn read(file: &mut Option<impl Read>, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut piece = vec![0; SAID_MAX];
    let Some(open) = file else { return Ok(()) };
    match open.read(&mut piece) {
        Ok(0) => *file = None,
        Ok(count) => {
            let room = SAID_MAX.saturating_sub(bytes.len());
            bytes.extend_from_slice(piece.get(..count.min(room)).unwrap_or_default());
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}
