//! What a container is: this list, in this order.
//!
//! Init is born into new namespaces with all their capabilities and the host's view of the files. Step by step it
//! gives up one after the other, until what is left is the command.

mod waiting;

use std::convert::Infallible;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::credentials::CredentialError;
use super::message::ToLauncher;
use super::mount::MountFailure;
use super::process::ExecError;
use super::rootfs::RootfsError;
use super::streams::ContainerStreams;
use super::{Copying, LaunchError, credentials, device, mount, namespace, process, rootfs, terminal};
use crate::plan::Plan;
use crate::plan::exec::ExecUserError;
use crate::sys::channel::Channel;
use crate::sys::report::Report;
use crate::sys::{SysError, moment, process as own};

pub use waiting::Review;
pub(super) use waiting::await_id_maps;
use waiting::{await_connection, await_review};

/// A step on the way to the command that went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedStep {
    report: Report,
    code: u8,
    overlay_refused: bool,
}

impl FailedStep {
    pub(super) fn new(report: Report, code: u8, overlay_refused: bool) -> Self {
        Self { report, code, overlay_refused }
    }

    /// Any other error of the launch, for a process that only tells of it.
    #[must_use]
    pub fn of(error: &LaunchError, hint: Option<String>) -> Self {
        match error {
            LaunchError::Init(step) => step.clone(),
            LaunchError::Spawn(_)
            | LaunchError::Map(_)
            | LaunchError::Sibling(_)
            | LaunchError::Streams(_)
            | LaunchError::Supervise(_)
            | LaunchError::Lost(_) => Self::own(error, hint),
        }
    }

    /// What went wrong before there was a launch, for a process that only tells of it.
    #[must_use]
    pub fn own(error: &dyn std::error::Error, hint: Option<String>) -> Self {
        Self::new(Report::of(error, hint), 125, false)
    }

    /// The exit code that says so: 127 for a command that is not there, 126 for one that cannot be run, else 125.
    #[must_use]
    pub fn code(&self) -> u8 {
        self.code
    }

    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.report.hint()
    }

    /// The last error of the chain, which names the call.
    #[must_use]
    pub fn root_cause(&self) -> String {
        let mut last: &dyn std::error::Error = &self.report;
        while let Some(cause) = last.source() {
            last = cause;
        }
        last.to_string()
    }

    /// Whether the kernel does not let this user have an overlay on this store, so that a copy may do instead.
    #[must_use]
    pub fn overlay_refused(&self) -> bool {
        self.overlay_refused
    }
}

impl std::fmt::Display for FailedStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.report.fmt(f)
    }
}

impl std::error::Error for FailedStep {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.report.source()
    }
}

/// Why init could not become the command.
#[derive(Debug, Error)]
pub(super) enum InitError {
    /// The launcher is gone or could not map the IDs.
    #[error("the launcher did not map the container's IDs")]
    NotMapped,
    /// What connects the network.
    #[error("cannot connect the container's network with the outside")]
    Network(#[source] Report),
    /// The one-ID map, which the process writes itself.
    #[error(transparent)]
    Map(Report),
    /// The keyring.
    #[error("cannot give up the caller's keys")]
    Keyring(#[source] SysError),
    /// The channel broke.
    #[error("cannot talk to the launcher")]
    Channel(#[source] SysError),
    /// Hostname, loopback, kernel settings.
    #[error("cannot set {what}")]
    Setting {
        what: String,
        #[source]
        source: SysError,
    },
    /// The root filesystem.
    #[error(transparent)]
    Rootfs(#[from] RootfsError),
    /// A volume could not take the image's files.
    #[error("cannot fill the volume at `{destination}`")]
    Fill {
        destination: String,
        #[source]
        source: Report,
    },
    /// One of the mounts.
    #[error(transparent)]
    Mount(#[from] MountFailure),
    /// Users, groups, capabilities.
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    /// Streams and terminal.
    #[error("cannot give the container its {what}")]
    Streams {
        what: &'static str,
        #[source]
        source: SysError,
    },
    /// Whom a process that comes later runs as.
    #[error(transparent)]
    User(#[from] ExecUserError),
    /// A process that comes later could not get into the container.
    #[error("cannot enter the container")]
    Enter(#[source] SysError),
    /// The command.
    #[error(transparent)]
    Exec(#[from] ExecError),
}

impl InitError {
    fn code(&self) -> u8 {
        match self {
            Self::Exec(error) => error.code(),
            _ => 125,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::User(ExecUserError::Ids(error)) => error.hint(),
            Self::Rootfs(error) => error.hint(),
            Self::Mount(error) => error.hint(),
            Self::Credentials(error) => error.hint(),
            Self::Exec(error) => error.hint(),
            Self::Network(_) => Some("--network none needs nobody to connect it".to_owned()),
            _ => None,
        }
    }
}

/// Runs as process 1 of the container; returns its exit status only if a step went wrong.
pub(super) fn run(plan: &Plan, channel: &Channel, streams: &ContainerStreams, copying: Copying<'_>) -> u8 {
    match become_command(plan, channel, streams, copying) {
        Ok(never) => match never {},
        Err(error) => report(channel, &error),
    }
}

/// The texts of an error.
pub(super) fn describe(error: &InitError) -> Report {
    Report::of(error, error.hint())
}

/// Tells the launcher what went wrong; returns the exit code that says so.
pub(super) fn report(channel: &Channel, error: &InitError) -> u8 {
    let overlay_refused = matches!(error, InitError::Rootfs(error) if error.is_refusal());
    let code = error.code();
    let report = Report::of(error, error.hint());
    // If the launcher is gone, so will this process be.
    let _ = channel.send(&ToLauncher::Failed { report, code, overlay_refused }.encode(), None);
    code
}

fn become_command(
    plan: &Plan,
    channel: &Channel,
    streams: &ContainerStreams,
    copying: Copying<'_>,
) -> Result<Infallible, InitError> {
    let review = await_id_maps(channel)?;
    credentials::set_oom_score(plan.process.oom_score_adjustment)?; // while /proc is the host's
    rustix::process::umask(rustix::fs::Mode::empty()); // modes are as they are asked for
    namespace::set_hostname(&plan.hostname)?;
    namespace::bring_network_up(plan.namespaces.network)?;
    let peers = mount::Peers::copy(plan)?; // what comes later is cut off from the host
    mount::isolate(&plan.namespaces)?; // host changes enter, ours never leave
    let root = rootfs::assemble(&plan.rootfs)?;
    moment("root assembled");
    rootfs::complete(&root, plan); // as what copies the image's /etc is covered in parts, too
    let mut notices = fill_volumes(&root, plan, copying)?; // from the bare image, before anything covers it
    rootfs::mark(&root)?;
    notices.extend(mount::attach_all(&root, plan, peers, copying)?);
    let terminal = terminal::open(&root, plan.process.streams, plan.process.user.uid)?;
    device::add_console(&root, terminal.as_ref())?;
    process::make_working_directory(&root, &plan.process)?;
    rootfs::restrict(&root, plan.root_access)?; // after the last mount point was made in it
    notices.extend(namespace::set_sysctls(&root, &plan.sysctls)?); // before their directory becomes read-only
    mount::conceal(&root, plan)?;
    moment("concealed");
    rootfs::pivot_into(root)?;
    tell(channel, &ToLauncher::Rooted)?; // who enters earlier would meet the host's files
    for notice in notices {
        tell(channel, &ToLauncher::Notice(notice))?;
    }
    if let Some(terminal) = &terminal {
        channel.send(&ToLauncher::Terminal.encode(), Some(terminal.master())).map_err(InitError::Channel)?;
    }
    if !own::new_keyring().map_err(InitError::Keyring)? {
        tell(
            channel,
            &ToLauncher::Notice("the caller's session keyring stays: there can be no new one".to_owned()),
        )?;
    }
    await_connection(channel, plan)?; // so late, as pasta takes longer than all the mounts
    credentials::set_limits(&plan.process.limits)?;
    credentials::assume(&plan.process)?;
    process::enter_working_directory(&plan.process)?;
    own::close_on_exec_from(3).map_err(InitError::Channel)?;
    let ready = || await_review(channel, review); // with its streams, and with its system calls filtered
    let failed = |error| report(channel, &error);
    let telling = process::Telling { ready: &ready, failed: &failed };
    process::exec(&plan.process, streams, terminal.as_ref(), &telling)
}

fn fill_volumes(root: &rootfs::Root, plan: &Plan, copying: Copying<'_>) -> Result<Vec<String>, InitError> {
    let mut notices = Vec::new();
    for fill in &plan.fills {
        let Some(directory) = root.open_directory(&fill.destination) else { continue };
        let filled = (copying.fill)(std::os::fd::AsFd::as_fd(&directory), fill)
            .map_err(|source| InitError::Fill { destination: fill.destination.to_string(), source })?;
        notices.extend(filled);
    }
    Ok(notices)
}

pub(super) fn tell(channel: &Channel, message: &ToLauncher) -> Result<(), InitError> {
    match channel.send(&message.encode(), None) {
        Err(error) if error.errno() == Errno::PIPE => Ok(()),
        result => result.map_err(InitError::Channel),
    }
}
