//! User namespaces: writing ID maps, and running a piece of work inside one.

use std::io::{Read, Write};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sched::CloneFlags;
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::thread::CpuSet;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::channel::Channel;
use super::clone::{self, Child, ExitStatus};
use super::procfs::Procfs;
use super::report::Report;
use super::thread::{Keeping, processors};
use super::{Call, SysError, moment, process};
use crate::plan::idmap::{IdMap, IdRange};
use crate::plan::userns::{MapWriter, UserNamespace};

/// What the launcher says when the maps are written.
const MAPPED: &[u8] = b"mapped";

/// Why an ID map could not be set.
#[derive(Debug, Error)]
pub enum MapError {
    /// The kernel refused the map.
    #[error("cannot map the IDs of the new user namespace")]
    Write(#[source] SysError),
    /// `newuidmap` or `newgidmap` could not be started.
    #[error("cannot run `{program}`")]
    Start {
        /// The program's path.
        program: String,
        /// Why not.
        #[source]
        source: SysError,
    },
    /// `newuidmap` or `newgidmap` refused.
    #[error("`{program}` refused the map: {message}")]
    Refused {
        /// The program's path.
        program: String,
        /// What it printed.
        message: String,
    },
}

/// Writes the one-ID map of the namespace that this process has just been born into.
///
/// # Errors
/// The kernel refused.
pub fn map_itself(map: &IdMap) -> Result<(), MapError> {
    // Without this the group map is refused: dropping groups could open files that a group is kept out of.
    let write = || {
        let procfs = Procfs::of_surroundings()?;
        procfs.write_own("setgroups", "deny")?;
        procfs.write_own("uid_map", &IdMap::text(&map.users))?;
        procfs.write_own("gid_map", &IdMap::text(&map.groups))
    };
    write().map_err(MapError::Write)
}

/// Writes the maps of the namespace of `child` from outside, where `writer` is not the child itself.
///
/// # Errors
/// The kernel or one of the programs refused.
pub fn map_child(child: &Child, namespace: &UserNamespace) -> Result<(), MapError> {
    let pid = child.pid;
    match &namespace.writer {
        MapWriter::Itself => Ok(()),
        MapWriter::Launcher => {
            let write = || {
                let procfs = Procfs::of_surroundings()?;
                procfs.write(&format!("{pid}/uid_map"), &IdMap::text(&namespace.map.users))?;
                procfs.write(&format!("{pid}/gid_map"), &IdMap::text(&namespace.map.groups))
            };
            write().map_err(MapError::Write)
        }
        MapWriter::Programs { newuidmap, newgidmap } => {
            // Side by side: each takes a millisecond, most of it start-up. A scheduler that finds all processors busy for a
            // moment puts one behind the other, and leaves it there when this thread sleeps and its processor idles.
            let (here, others) = processors().unzip();
            let users = start((newuidmap, here), pid, &namespace.map.users)?;
            let groups = start((newgidmap, others), pid, &namespace.map.groups)?;
            finish(newuidmap, users)?;
            finish(newgidmap, groups)
        }
    }
}

/// Starts a program, on these processors if there is a choice.
fn start(
    (program, processors): (&Path, Option<CpuSet>),
    pid: Pid,
    ranges: &[IdRange],
) -> Result<std::process::Child, MapError> {
    let numbers = ranges.iter().flat_map(|range| [range.container, range.host, range.size]);
    let _keeping = processors.as_ref().and_then(Keeping::to);
    Command::new(program)
        .arg(pid.to_string())
        .args(numbers.map(|number| number.to_string()))
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .call(|| format!("execve({program:?})"))
        .map_err(|source| MapError::Start { program: program.display().to_string(), source })
}

fn finish(program: &Path, started: std::process::Child) -> Result<(), MapError> {
    let name = || program.display().to_string();
    let output = started
        .wait_with_output()
        .call(|| format!("waitpid({program:?})"))
        .map_err(|source| MapError::Start { program: name(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(MapError::Refused { program: name(), message })
}

/// Why work in another user namespace gave no result.
#[derive(Debug, Error)]
pub enum WorkerError {
    /// The worker could not be started.
    #[error("cannot start a process in a new user namespace")]
    Start(#[source] SysError),
    /// Its IDs could not be mapped.
    #[error(transparent)]
    Map(#[from] MapError),
    /// It could not enter the namespace.
    #[error(transparent)]
    SetUp(Report),
    /// It ended without an answer.
    #[error("the process that does the work ended early ({0:?})")]
    Died(ExitStatus),
    /// Its answer could not be read.
    #[error("cannot read the answer of the process that does the work")]
    Answer(#[source] SysError),
}

/// Runs `work` in a process of its own inside a new user namespace (in this one, for `None`), and brings its
/// result back. The process dies with this one, and what it holds open or locked goes with it.
///
/// # Errors
/// The process could not be made, or ended before it had an answer.
pub fn within<T: Serialize + DeserializeOwned>(
    namespace: Option<&UserNamespace>,
    work: impl FnOnce() -> T,
) -> Result<T, WorkerError> {
    match namespace {
        Some(_) => apart(namespace, work),
        None => Ok(work()),
    }
}

/// The same, in a process of its own in any case: what that gives up, this one keeps.
///
/// # Errors
/// As of [`within`].
pub fn apart<T: Serialize + DeserializeOwned>(
    namespace: Option<&UserNamespace>,
    work: impl FnOnce() -> T,
) -> Result<T, WorkerError> {
    apart_beside(namespace, work, || ())
}

/// The same, and does `meanwhile` here while the other process works, which may wait for it.
///
/// What `meanwhile` starts ends before it returns; so it may have threads, which no process could be copied with.
///
/// # Errors
/// As of [`within`].
pub fn apart_beside<T: Serialize + DeserializeOwned>(
    namespace: Option<&UserNamespace>,
    work: impl FnOnce() -> T,
    meanwhile: impl FnOnce(),
) -> Result<T, WorkerError> {
    let work = |entered: Result<(), Report>| serde_json::to_vec(&entered.map(|()| work())).ok();
    let (bytes, status) = answer_of(namespace, Box::new(work), Box::new(meanwhile))?;
    let answer: Result<T, Report> = serde_json::from_slice(&bytes).map_err(|_| WorkerError::Died(status))?;
    answer.map_err(WorkerError::SetUp)
}

/// Work that is told whether its process is where it should be, and says in JSON what came out.
type Work<'a> = Box<dyn FnOnce(Result<(), Report>) -> Option<Vec<u8>> + 'a>;

/// What the work wrote, and how its process ended. Results have many types: this is there once for all of them.
fn answer_of(
    namespace: Option<&UserNamespace>,
    work: Work<'_>,
    meanwhile: Box<dyn FnOnce() + '_>,
) -> Result<(Vec<u8>, ExitStatus), WorkerError> {
    let (ours, theirs) = Channel::pair().map_err(WorkerError::Start)?;
    let (answer, sink) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
        .call(|| "pipe2()")
        .map_err(WorkerError::Start)?;
    let flags = namespace.map_or(CloneFlags::empty(), |_| CloneFlags::CLONE_NEWUSER);
    let child = clone::spawn(flags, || {
        // As long as this copy has the caller's end, it would wait for one that was killed.
        process::close_in_copy(ours.as_fd());
        answer_with(&theirs, namespace, work, &std::fs::File::from(sink))
    })
    .map_err(WorkerError::Start)?;
    drop(theirs);
    let mapped = namespace.map_or(Ok(()), |namespace| map_child(&child, namespace));
    moment("IDs mapped");
    let answer_word: &[u8] = if mapped.is_ok() { MAPPED } else { b"refused" };
    ours.send(answer_word, None).map_err(WorkerError::Start)?;
    meanwhile();
    let mut bytes = Vec::new();
    let read = std::fs::File::from(answer).read_to_end(&mut bytes);
    let status = child.wait().map_err(WorkerError::Answer)?;
    mapped?;
    read.call(|| "read(answer)").map_err(WorkerError::Answer)?;
    Ok((bytes, status))
}

fn answer_with(
    channel: &Channel,
    namespace: Option<&UserNamespace>,
    work: Work<'_>,
    mut sink: &std::fs::File,
) -> u8 {
    let entered = enter(channel, namespace).map_err(|error| Report::of(&error, None));
    let written = work(entered).is_some_and(|bytes| sink.write_all(&bytes).is_ok());
    u8::from(!written)
}

fn enter(channel: &Channel, namespace: Option<&UserNamespace>) -> Result<(), MapError> {
    process::die_with_parent().map_err(MapError::Write)?;
    // It may have died before that was asked.
    channel.check_open().map_err(MapError::Write)?;
    if let Some(namespace) = namespace.filter(|namespace| namespace.writer == MapWriter::Itself) {
        map_itself(&namespace.map)?;
    }
    match channel.receive().map_err(MapError::Write)? {
        Some((word, _)) if word == MAPPED => Ok(()),
        _ => Err(MapError::Write(SysError::new("recvmsg(maps)", Errno::PIPE))),
    }
}
