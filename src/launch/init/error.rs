//! Why init could not become the command.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::launch::credentials::{self, CredentialError};
use crate::launch::landlock::RestrictError;
use crate::launch::mount::MountFailure;
use crate::launch::process::ExecError;
use crate::launch::rootfs::RootfsError;
use crate::launch::{LaunchError, namespace};
use crate::plan::exec::ExecUserError;
use crate::sys::SysError;
use crate::sys::report::Report;

/// A step on the way to the command that went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedStep {
    report: Report,
    code: u8,
    overlay_refused: bool,
}

impl FailedStep {
    pub(in crate::launch) fn new(report: Report, code: u8, overlay_refused: bool) -> Self {
        Self { report, code, overlay_refused }
    }

    /// A step that whoever is told of it knows by itself.
    pub(in crate::launch) fn of_step(error: &InitError) -> Self {
        Self::new(describe(error), error.code(), false)
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
pub(in crate::launch) enum InitError {
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
    /// Others could look into this process.
    #[error("cannot hide what minirun remembers from the container")]
    Hide(#[source] SysError),
    /// A kernel setting of the container's own.
    #[error("cannot set sysctl {setting}")]
    Sysctl {
        setting: String,
        #[source]
        source: SysError,
    },
    /// How readily the kernel kills the process.
    #[error("cannot set the OOM score adjustment {adjustment}")]
    OomScore {
        adjustment: i32,
        #[source]
        source: SysError,
    },
    /// What it can reach.
    #[error(transparent)]
    Landlock(#[from] RestrictError),
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
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Exec(error) => error.code(),
            _ => 125,
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::User(ExecUserError::Ids(error)) => error.hint(),
            Self::Rootfs(error) => error.hint(),
            Self::Mount(error) => error.hint(),
            Self::Credentials(error) => error.hint(),
            Self::Exec(error) => error.hint(),
            Self::Landlock(error) => error.hint(),
            Self::Sysctl { source, .. } => namespace::sysctl_hint(source.errno()).map(str::to_owned),
            Self::OomScore { source, .. } => credentials::oom_hint(source.errno()).map(str::to_owned),
            Self::Network(_) => Some("--network none needs nobody to connect it".to_owned()),
            _ => None,
        }
    }
}

/// The texts of an error.
pub(in crate::launch) fn describe(error: &InitError) -> Report {
    Report::of(error, error.hint())
}
