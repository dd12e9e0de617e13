//! The life of containers, from what was asked to how it ended: joins the store and the launcher.

mod accounts;
mod attach;
mod base;
mod bundle;
mod charge;
mod check;
mod cid_file;
mod collect;
mod commit;
mod confine;
mod convert;
mod copy;
mod copying;
mod description;
mod detached;
mod diff;
mod environment;
mod exec;
mod image;
mod info;
mod inspect;
mod layer;
mod lifecycle;
mod limits;
mod lock;
mod logs;
mod look;
mod mounts;
mod network;
mod occurrence;
mod outside;
mod pause;
mod pid_file;
mod place;
mod prepare;
mod pull;
mod push;
mod record;
mod remove;
mod rename;
mod result;
mod resume;
pub mod review;
mod rights;
mod rootfs;
mod run;
mod running;
mod save;
mod security;
mod stats;
mod step;
mod sweep;
mod top;
mod unshare;
mod usage;
mod volume;
mod volume_data;
mod volume_snapshot;
mod whole_directory;

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::error::Error;
pub use crate::launch::{Detach, Purpose};
pub use crate::registry::Access;
pub use crate::store::changes::{Change, ChangeKind};
pub use crate::store::container::State;
pub use crate::store::transfer::Links;
pub use crate::sys::clone::ExitStatus;
pub use attach::{AttachOptions, Attachment, DetachKeys, DetachKeysError, Feeding, SignalProxy};
pub use check::Repair;
pub use commit::{CommitArguments, Describing};
pub use copy::{CopyDirection, CopyRequest, HostEnd, Owners};
pub use image::{ImportArguments, LoadArguments, LoadFrom};
pub use inspect::ContainerSummary;
pub use lifecycle::StopOptions;
pub use logs::{Following, LogPiece, LogRequest, LogSink, LogStream};
pub use look::{HistoryStep, LayerUse};
pub use mounts::{MountOrigin, MountRow};
pub use occurrence::{OccurrenceRequest, OccurrenceSink};
pub use pause::Pausing;
pub use pull::{PullArguments, Pulled};
pub use push::{PushArguments, Pushed};
pub use remove::{AnonymousVolumes, Pruned, RemoveContainer, RunningContainer};
pub use result::{Failed, check as check_result, write_failure};
pub use save::{SaveArguments, SaveTo};
pub use stats::{Chosen, Counter, Sample};
pub use step::{Memory, StepArguments, StepOutcome};
pub use top::ContainerProcess;
pub use usage::{ContainerSize, ContainerUsage, DiskUsage, ImageUsage, VolumeUsage};
pub use volume::{Keep, NewVolume, VolumeList, VolumeSummary};
pub use volume_data::{CloneArguments, ExportTo, MissingVolume};
pub use volume_snapshot::{Keeping, RestoreArguments};

use crate::plan::host::{Authority, Host};
use crate::plan::idmap::IdMap;
use crate::plan::image_lock::ImageLock;
use crate::plan::platform::Platform;
use crate::plan::registry::policy::BlobPolicy;
use crate::plan::userns::{self, UserNamespace, UsernsMode};
use crate::store::Store;
use crate::store::layer::LayerOwners;
use crate::store::load::Progress;
use crate::sys::report::Report;
use crate::sys::{Call, SysError, clock, probe};

/// What happens while something is done.
#[derive(Debug)]
pub enum Event {
    /// An image is being loaded.
    Progress(Progress),
    /// Files are being copied, packed or unpacked.
    Bytes {
        /// How many bytes of them are done.
        done: u64,
        /// How many there are, where that is known.
        total: Option<u64>,
    },
    /// Something is not quite as asked.
    Notice(String),
    /// Something that a person may want to know, and a program does not.
    Remark(String),
}

/// Where events go; in the process that does the work, which may be a copy of the caller's.
pub type Events<'a> = &'a mut dyn FnMut(Event);

/// The machine, the caller and the store: what every command needs.
#[derive(Debug)]
pub struct Engine {
    host: Host,
    store: Store,
    /// What names of images have to mean.
    lock: Option<ImageLock>,
    /// What becomes of the blobs of images that come.
    blobs: BlobPolicy,
    /// How registries are asked for the images of containers.
    access: Access,
}

impl Engine {
    /// Looks at the machine and opens the store, which need not exist.
    ///
    /// # Errors
    /// The store is not the caller's, or lies where somebody else could put another in its place.
    pub fn open(store: &Path) -> Result<Self, Error> {
        let host = probe::probe().map_err(Error::Probe)?;
        // What is mounted is named by absolute paths.
        let path = host.working_directory.join(store);
        Ok(Self {
            host,
            store: Store::open(path)?,
            lock: None,
            blobs: BlobPolicy::default(),
            access: Access::default(),
        })
    }

    /// The same engine, which does this with the blobs of images that it loads or pulls from here on.
    #[must_use]
    pub fn treating_blobs(self, blobs: BlobPolicy) -> Self {
        Self { blobs, ..self }
    }

    /// The same engine, which asks registries so for the images of containers.
    #[must_use]
    pub fn asking_registries(self, access: Access) -> Self {
        Self { access, ..self }
    }

    /// The facts about machine and caller.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The user namespace in which the caller's files have their container owners.
    fn own_namespace(&self) -> Result<Option<UserNamespace>, Error> {
        self.namespace(UsernsMode::Auto).map(|(namespace, _)| namespace)
    }

    fn namespace(&self, mode: UsernsMode) -> Result<(Option<UserNamespace>, LayerOwners), Error> {
        let map = userns::resolve(mode, &self.host)?;
        let owners = self.owners(map.as_ref());
        let namespace = map.map(|map| UserNamespace::new(map, &self.host)).transpose()?;
        Ok((namespace, owners))
    }

    fn owners(&self, map: Option<&IdMap>) -> LayerOwners {
        match map {
            Some(map) if map.is_single() => LayerOwners::Squashed,
            Some(map) => LayerOwners::Mapped(map.clone()),
            None if self.host.authority == Authority::Root => LayerOwners::Host,
            // Root of somebody else's namespace: what looks like our IDs is theirs.
            None => LayerOwners::Mapped(IdMap {
                users: self.host.own_users.clone(),
                groups: self.host.own_groups.clone(),
            }),
        }
    }

    /// The machine's own platform.
    #[must_use]
    pub fn machine(&self) -> Platform {
        Platform::new("linux", rustix::system::uname().machine().to_str().unwrap_or_default(), None)
    }
}

/// Does `work` inside a user namespace, in a process of its own, and brings its result back.
fn within<T, E>(namespace: Option<&UserNamespace>, work: impl FnOnce() -> Result<T, E>) -> Result<T, Error>
where
    T: Serialize + DeserializeOwned,
    E: Into<Error>,
{
    let result = crate::sys::userns::within(namespace, || {
        work().map_err(|error| {
            let error: Error = error.into();
            Report::of(&error, error.hint())
        })
    })?;
    Ok(result?)
}

/// Seconds since 1970.
fn now() -> i64 {
    clock::now().0
}

/// Seconds since 1970 as RFC 3339 has them, in UTC.
fn rfc3339(seconds: i64) -> String {
    let since = std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + since).to_string()
}

/// Nanoseconds since 1970 likewise.
fn rfc3339_nanoseconds(nanoseconds: i64) -> String {
    let since = std::time::Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0));
    humantime::format_rfc3339_nanos(std::time::UNIX_EPOCH + since).to_string()
}

/// Bytes that nobody can predict.
fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .call(|| "getrandom()")
        .map_err(Error::Random)?;
    Ok(bytes)
}

fn absolute(path: &Path, host: &Host) -> PathBuf {
    host.working_directory.join(path)
}

fn input_error(path: &Path, cause: SysError) -> Error {
    Error::Input { path: path.to_owned(), cause }
}
