//! The errors of the whole program: what was attempted, why it did not work, and what to do.

pub(crate) mod device;
pub(crate) mod files;
mod hint;
pub(crate) mod limits;
pub(crate) mod link;
pub(crate) mod place;
pub(crate) mod running;

use std::path::PathBuf;

use thiserror::Error;

use crate::launch::{FailedStep, LaunchError};
use crate::plan::account::AccountError;
use crate::plan::driver::DriverError;
use crate::plan::from_spec::SpecError;
use crate::plan::image_lock::{Drift, ImageLockError};
use crate::plan::mount::{MountError, Origin};
use crate::plan::name::NameError;
use crate::plan::path::ContainerPath;
use crate::plan::platform::PlatformError;
use crate::plan::review::ChoiceError;
use crate::plan::source::SourceError;
use crate::plan::spec::ComposeError;
use crate::plan::step::StepError;
use crate::plan::supervision::ResultTarget;
use crate::plan::userns::UsernsError;
use crate::registry::RegistryError;
use crate::store::StoreError;
use crate::store::container::ContainerError;
use crate::store::image::ImageError;
use crate::store::ledger::LedgerError;
use crate::store::load::LoadError;
use crate::store::look::LookError;
use crate::store::merged::MergedError;
use crate::store::review::ReviewError;
use crate::store::save::SaveError;
use crate::store::variant::VariantError;
use crate::store::volume::{DataError, FillError, VolumeError};
use crate::store::walk::WalkError;
use crate::sys::SysError;
use crate::sys::report::Report;
use crate::sys::userns::WorkerError;

use device::DeviceError;
use files::FilesError;
use limits::LimitsError;
use link::LinkError;
use place::PlaceError;
use running::RunningError;

/// Why a command of minirun did not do what was asked.
#[derive(Debug, Error)]
pub enum Error {
    /// minirun was installed setuid or with capabilities.
    #[error("minirun runs with more rights than its caller, and must not: it needs none of its own")]
    Privileged,
    /// The machine could not be looked at.
    #[error("cannot find out about this machine")]
    Probe(#[source] SysError),
    /// The random numbers.
    #[error("cannot make an ID")]
    Random(#[source] SysError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// What an image was called.
    #[error(transparent)]
    ImageName(#[from] SourceError),
    /// Copying an image's layers for another ID map.
    #[error("cannot make the image's files over for this ID map")]
    Variant(#[from] VariantError),
    /// Another process removed the image that was just loaded.
    #[error("the image from `{origin}` was removed before it could be used")]
    Vanished {
        /// Where it came from.
        origin: String,
    },
    /// Looking into an image.
    #[error(transparent)]
    Look(#[from] LookError),
    /// A file of an image.
    #[error("cannot read `{path}` of the image")]
    LookFile {
        /// The path in the image.
        path: ContainerPath,
        /// Why not.
        #[source]
        cause: MergedError,
    },
    /// Saving images.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// Fetching an image.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// What came from a registry cannot be used.
    #[error("cannot pull `{reference}`")]
    Pulled {
        /// The image's name.
        reference: String,
        /// What is wrong with it.
        #[source]
        cause: Box<Self>,
    },
    /// Loading an image.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A container.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// The user namespace.
    #[error(transparent)]
    Userns(#[from] UsernsError),
    /// A name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A platform.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// Work in another process could not be done.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// Work in another process went wrong there.
    #[error(transparent)]
    Reported(#[from] Report),
    /// The mounts that were asked for.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// What a mount needs.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// A device that was asked for.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// One mount that was asked for.
    #[error("cannot mount `{asked}`")]
    Asked {
        /// The flag, and what was typed behind it.
        asked: Origin,
        /// Why not.
        #[source]
        cause: Box<Self>,
    },
    /// The image's accounts.
    #[error("cannot find out whom to run as")]
    Account(#[from] AccountError),
    /// The accounts of an image that is only looked at.
    #[error("cannot find out whom to run as, as the image is not loaded")]
    UsersUnread(#[source] AccountError),
    /// The image's files.
    #[error("cannot read `{path}` of the image")]
    ImageFile {
        /// The path in the image.
        path: &'static str,
        /// Why not.
        #[source]
        cause: MergedError,
    },
    /// A directory that is to be the root filesystem.
    #[error("cannot use `{}` as a root filesystem", .path.display())]
    RootDirectory {
        /// The directory.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// A directory with mounts below it, which the kernel does not let a user namespace look under.
    #[error("cannot use `{}` as a root filesystem: something is mounted at `{}`", .path.display(), .mount.display())]
    MountsBelow {
        /// The directory.
        path: PathBuf,
        /// One of the mounts in it.
        mount: PathBuf,
    },
    /// The specification.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// The network.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The limits.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// The plan.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The ID file.
    #[error("cannot write the ID to `{}`", .path.display())]
    CidFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// The file of the process ID.
    #[error("cannot write the process ID to `{}`", .path.display())]
    PidFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// The result of a run.
    #[error("cannot write the result to `{target}`")]
    Result {
        /// Where it goes.
        target: ResultTarget,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// What is stored of a container is not enough to start it.
    #[error("cannot start container `{0}`: its description in the store is not complete")]
    NoDescription(String),
    /// A container that goes with its end.
    #[error("cannot restart container `{0}`, which is removed at its end")]
    RemovedAtEnd(String),
    /// There is no cgroup.
    #[error("cannot pause container `{0}`: it has no cgroup of its own")]
    NoFreezer(String),
    /// Its processes go on already.
    #[error("container `{0}` is not paused")]
    NotPaused(String),
    /// A process that would stand still from the beginning.
    #[error("container `{0}` is paused: nothing can begin in it")]
    Paused(String),
    /// The kernel did not do it.
    #[error("cannot pause or unpause container `{name}`")]
    Freeze {
        /// The container's name.
        name: String,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// Whoever runs the container does not answer.
    #[error("cannot talk to whoever runs container `{name}`")]
    Control {
        /// The container's name.
        name: String,
        /// Why not.
        #[source]
        cause: LaunchError,
    },
    /// A container without a log.
    #[error("container `{0}` has no log: it was made with --log-driver none")]
    NoLog(String),
    /// The container's log.
    #[error("cannot read the log of container `{name}`")]
    Log {
        /// The container's name.
        name: String,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// The container.
    #[error("cannot start {name}")]
    Launch {
        /// The container's name, in quotes where it has one of its own.
        name: String,
        /// Why not.
        #[source]
        cause: LaunchError,
    },
    /// The mounts of a container that runs.
    #[error(transparent)]
    Running(#[from] RunningError),
    /// A volume.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// The files of a volume.
    #[error(transparent)]
    VolumeData(#[from] Box<DataError>),
    /// The options of a volume's driver.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// The files of a container.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// How long removed volumes are kept.
    #[error("`MINIRUN_TRASH={text}` is not how long removed volumes are kept")]
    TrashTime {
        /// As set.
        text: String,
        /// Why not.
        #[source]
        cause: humantime::DurationError,
    },
    /// A volume that could not be filled.
    #[error(transparent)]
    Fill(#[from] FillError),
    /// What a container changed.
    #[error(transparent)]
    Review(#[from] ReviewError),
    /// Words that name no changes.
    #[error("container `{name}` has no such changes")]
    NoChanges {
        /// The container's name.
        name: String,
        /// Why not.
        #[source]
        cause: ChoiceError,
    },
    /// A name of an image that means something else than it did.
    #[error(transparent)]
    Drift(#[from] Drift),
    /// What the store takes.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A lock file.
    #[error("cannot use the lock file `{}`", .path.display())]
    LockFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: ImageLockError,
    },
    /// A command that can be no step.
    #[error(transparent)]
    Step(#[from] StepError),
    /// What a step reads.
    #[error("cannot read the input `{}`", .path.display())]
    StepInput {
        /// Where it lies.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: WalkError,
    },
    /// The file to import.
    #[error("cannot open `{}`", .path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: SysError,
    },
}

impl From<DataError> for Error {
    fn from(error: DataError) -> Self {
        Self::VolumeData(Box::new(error))
    }
}

impl Error {
    /// The same about one mount that was asked for.
    pub(crate) fn about(self, asked: &Origin) -> Self {
        Self::Asked { asked: asked.clone(), cause: Box::new(self) }
    }

    /// The exit code of `minirun run` for this error: 127 and 126 for a command that is not there or cannot be run,
    /// else 125.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Launch { cause: LaunchError::Init(step), .. } => step.code(),
            Self::Asked { cause, .. } => cause.exit_code(),
            _ => 125,
        }
    }

    /// What another process needs to tell of this error.
    pub(crate) fn to_failed_step(&self) -> FailedStep {
        match self {
            Self::Launch { cause, .. } => FailedStep::of(cause, self.hint()),
            _ => FailedStep::own(self, self.hint()),
        }
    }

    /// Whether a container's processes were lost, so that whoever watched over them has written down what is known.
    #[must_use]
    pub fn is_loss(&self) -> bool {
        matches!(self, Self::Launch { cause: LaunchError::Supervise(_) | LaunchError::Lost(_), .. })
    }

    /// Whether something was to be removed and some of it is still in the store's directory of temporary things.
    pub(crate) fn leaves_something(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Remove { .. })
                | Self::Container(ContainerError::Store(StoreError::Remove { .. }))
                | Self::Volume(VolumeError::Store(StoreError::Remove { .. }))
        )
    }
}
