//! The way to the outside: pasta, which carries what a container sends through sockets of the host.
//!
//! Pasta has to be in the host's network and must end with the container, however that ends. So a copy of the launcher
//! joins the user namespace and the PID namespace of the monitor, and starts pasta there: when the monitor ends, the
//! kernel kills everything in its PID namespace, and pasta cannot outlive it, whoever was killed. The container's own
//! PID namespace lies one deeper, so nobody in it sees pasta. The mounts are made meanwhile; init waits for the answer
//! as late as it can.

use std::convert::Infallible;
use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::sched::CloneFlags;
use rustix::fs::{Mode, OFlags};
use rustix::pipe::PipeFlags;
use thiserror::Error;

use super::message::ToInit;
use crate::plan::network::Connection;
use crate::sys::channel::Channel;
use crate::sys::clone::{self, Child, ExitStatus};
use crate::sys::join::UserNamespaces;
use crate::sys::report::Report;
use crate::sys::{Call, SysError, join, process as own};

/// The network namespace, as the program finds it on its standard input: the one descriptor that every version of it
/// leaves open.
const NAMESPACE: &str = "/proc/self/fd/0";
/// As much of what pasta says as is repeated, in bytes.
const LARGEST_COMPLAINT: usize = 4096;

/// Why a container has no way to the outside.
#[derive(Debug, Error)]
enum PastaError {
    /// Getting to where pasta is started.
    #[error("cannot start pasta beside the container")]
    Start(#[source] SysError),
    /// What it said.
    #[error("pasta ended with {status:?}: {said}")]
    Failed { status: ExitStatus, said: String },
}

/// What the process that starts pasta needs.
pub(super) struct Place<'a> {
    /// The container's monitor.
    pub(super) monitor: &'a Child,
    /// Where its IDs count.
    pub(super) user: UserNamespaces,
    /// Where init waits for the answer.
    pub(super) channel: &'a Channel,
}

/// Starts pasta for a container whose IDs are mapped; init is told when it is connected. The process ends then.
///
/// # Errors
/// The process could not be started.
pub(super) fn start(place: &Place<'_>, connection: &Connection) -> Result<Child, SysError> {
    clone::spawn(CloneFlags::empty(), || {
        let message = match connect(place, connection) {
            Ok(()) => ToInit::Connected,
            Err(error) => ToInit::Unconnected(Report::of(&error, None)),
        };
        // Who is not there any more does not wait.
        let _ = place.channel.send(&message.encode(), None);
        0
    })
}

fn connect(place: &Place<'_>, connection: &Connection) -> Result<(), PastaError> {
    let (pasta, said) = spawn(place, connection).map_err(PastaError::Start)?;
    // It goes on in the background once it is connected.
    match pasta.wait().map_err(PastaError::Start)? {
        ExitStatus::Exited(0) => Ok(()),
        status => Err(PastaError::Failed { status, said: complaint(said.as_fd()) }),
    }
}

fn spawn(place: &Place<'_>, connection: &Connection) -> Result<(Child, OwnedFd), SysError> {
    own::die_with_parent()?;
    // Nothing of the launcher's is to be held open by this copy, above all no lock.
    own::close_all_but(&[place.channel.as_fd(), place.monitor.pidfd.as_fd()])?;
    let path = format!("/proc/{}/ns/net", place.monitor.pid);
    let namespace = rustix::fs::open(path.as_str(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .call(|| format!("open({path:?})"))?;
    let (said, say) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).call(|| "pipe2()")?;
    join::place_of(place.monitor.pidfd.as_fd(), place.user)?;
    own::keep_capabilities()?;
    let pasta = clone::spawn(CloneFlags::empty(), || match become_pasta(&namespace, &say, connection) {
        Ok(never) => match never {},
        Err(error) => {
            // It is read where pasta's own complaints are.
            let _ = rustix::io::write(&say, error.to_string().as_bytes());
            127
        }
    })?;
    Ok((pasta, said))
}

fn become_pasta(namespace: &OwnedFd, say: &OwnedFd, connection: &Connection) -> Result<Infallible, SysError> {
    own::set_stdio(namespace.as_fd(), say.as_fd(), say.as_fd())?;
    // It takes an ignored SIGPIPE for an error.
    own::reset_signals()?;
    let text =
        |bytes: &[u8]| CString::new(bytes).map_err(|_| SysError::new("execve()", rustix::io::Errno::INVAL));
    let program = text(connection.program.as_os_str().as_bytes())?;
    let arguments = connection.arguments(NAMESPACE);
    let arguments: Vec<CString> =
        arguments.iter().map(|word| text(word.as_bytes())).collect::<Result<_, _>>()?;
    let errno = own::exec(&program, &arguments, &[]);
    Err(SysError::new(format!("execve({program:?})"), errno))
}

/// What pasta said, on one line; without what it says about a system log that is not there.
fn complaint(said: BorrowedFd<'_>) -> String {
    let mut bytes = vec![0; LARGEST_COMPLAINT];
    let length = rustix::io::read(said, &mut bytes).unwrap_or(0);
    let text = String::from_utf8_lossy(bytes.get(..length).unwrap_or_default()).into_owned();
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.ends_with("to syslog"));
    lines.collect::<Vec<_>>().join("; ")
}
