//! Why the flags of `run` make no request.

use std::path::PathBuf;

use minirun::container::DetachKeysError;
use minirun::plan::account::AccountError;
use minirun::plan::capability::CapabilityError;
use minirun::plan::device::DeviceError;
use minirun::plan::driver::DriverError;
use minirun::plan::environment::EnvironmentError;
use minirun::plan::image_limit::ImageLimitError;
use minirun::plan::landlock::LandlockError;
use minirun::plan::limit::LimitError;
use minirun::plan::mount::MountError;
use minirun::plan::name::NameError;
use minirun::plan::network::NetworkError;
use minirun::plan::network_file::NetworkFileError;
use minirun::plan::path::PathError;
use minirun::plan::platform::PlatformError;
use minirun::plan::port::PortError;
use minirun::plan::process::UmaskError;
use minirun::plan::reference::ReferenceError;
use minirun::plan::resources::ResourceError;
use minirun::plan::seccomp::ProfileError;
use minirun::plan::security::SecurityError;
use minirun::plan::signal::SignalError;
use minirun::plan::source::SourceError;
use minirun::plan::supervision::{RestartPolicy, SupervisionError};
use minirun::plan::sysctl::SysctlError;
use minirun::plan::userns::UsernsError;
use minirun::sys::SysError;
use thiserror::Error;

/// Why the flags of `run` make no request.
#[derive(Debug, Error)]
pub(crate) enum RequestError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    #[error(transparent)]
    Platform(#[from] PlatformError),
    #[error(transparent)]
    ImageLimit(#[from] ImageLimitError),
    #[error(transparent)]
    Mount(#[from] MountError),
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Capability(#[from] CapabilityError),
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error(transparent)]
    NetworkFile(#[from] NetworkFileError),
    #[error("`MINIRUN_PULL={0}` is not when to pull (always, missing, newer, never)")]
    PullVariable(String),
    #[error("`MINIRUN_KEEP_BLOBS={0}` is neither true nor false")]
    BlobsVariable(String),
    #[error("cannot use `MINIRUN_NETWORK`")]
    NetworkVariable(#[source] NetworkError),
    #[error(transparent)]
    Port(#[from] PortError),
    #[error(transparent)]
    Userns(#[from] UsernsError),
    #[error(transparent)]
    Limit(#[from] LimitError),
    #[error(transparent)]
    Resource(#[from] ResourceError),
    #[error("cannot use `--volume-driver {text}`")]
    VolumeDriver { text: String, source: DriverError },
    #[error(transparent)]
    Sysctl(#[from] SysctlError),
    #[error("cannot use `--stop-signal`")]
    Signal(#[from] SignalError),
    #[error("cannot use `--signal`")]
    StopWith(#[source] SignalError),
    #[error(transparent)]
    Supervision(#[from] SupervisionError),
    #[error(transparent)]
    DetachKeys(#[from] DetachKeysError),
    #[error("`--attach {0}` is no stream: stdin, stdout, stderr")]
    Attach(String),
    #[error("`--attach` and `--detach` contradict each other")]
    AttachDetached,
    #[error(
        "`--rm` and `--restart {0}` contradict each other: what is removed at its end cannot begin again"
    )]
    RestartRemoved(RestartPolicy),
    #[error("`--tail {0}` is no number of lines, nor `all`")]
    Tail(String),
    #[error("`{0}` is no time: 10m, 2024-01-02T03:04:05Z, or seconds since 1970")]
    Moment(String),
    #[error("cannot use `--workdir {text}`")]
    Workdir { text: String, source: PathError },
    #[error("cannot read `{flag} {}`", .path.display())]
    Read { flag: &'static str, path: PathBuf, source: SysError },
    #[error("cannot use `{flag} {}`", .path.display())]
    File { flag: &'static str, path: PathBuf, source: EnvironmentError },
    #[error("the argument `{0}` of the command is not UTF-8")]
    NotUtf8(String),
    #[error(transparent)]
    Security(#[from] SecurityError),
    #[error("cannot use `--security-opt seccomp={}`: it is neither a file nor a pipe", .0.display())]
    NoFile(PathBuf),
    #[error("cannot use `--security-opt seccomp={}`", .path.display())]
    Seccomp { path: PathBuf, source: ProfileError },
    #[error(transparent)]
    Landlock(#[from] LandlockError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Umask(#[from] UmaskError),
    #[error(
        "`--group-add keep-groups` goes with no other `--group-add`: whoever sets groups drops the caller's"
    )]
    KeptGroups,
}

impl RequestError {
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Source(error) => error.hint(),
            Self::Mount(error) => error.hint(),
            Self::Network(error) | Self::NetworkVariable(error) => error.hint(),
            Self::VolumeDriver { source, .. } => source.hint(),
            Self::Security(error) => error.hint(),
            Self::Sysctl(error) => error.hint(),
            Self::Device(error) => error.hint(),
            Self::NoFile(_) => Some("write the profile to a file".to_owned()),
            _ => None,
        }
    }
}
