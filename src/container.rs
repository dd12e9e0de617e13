//! The life of containers, from what was asked to how it ended: joins the store and the launcher.

mod base;
mod convert;
mod copying;
mod environment;
mod image;
mod info;
mod inspect;
mod mounts;
mod outside;
mod place;
mod prepare;
mod record;
pub mod review;
mod rootfs;
mod run;
mod running;
mod unshare;
mod usage;
mod volume;
mod volume_data;
mod volume_snapshot;

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::error::Error;
pub use crate::launch::Detach;
pub use crate::store::container::State;
pub use crate::sys::clone::ExitStatus;
pub use image::{ImportArguments, LoadArguments, LoadFrom};
pub use inspect::ContainerSummary;
pub use mounts::{MountOrigin, MountRow};
pub use usage::{ContainerUsage, DiskUsage, ImageUsage, VolumeUsage};
pub use volume::{Keep, NewVolume, VolumeList, VolumeSummary};
pub use volume_data::{CloneArguments, ExportTo, MissingVolume};
pub use volume_snapshot::{Keeping, RestoreArguments};

use crate::plan::host::{Authority, Host};
use crate::plan::idmap::IdMap;
use crate::plan::name::VolumeName;
use crate::plan::platform::Platform;
use crate::plan::userns::{self, UserNamespace, UsernsMode};
use crate::store::Store;
use crate::store::container::ContainerRecord;
use crate::store::layer::LayerOwners;
use crate::store::load::Progress;
use crate::store::volume::{Disposal, VolumeError};
use crate::sys::report::Report;
use crate::sys::{Call, SysError, probe};

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
}

/// Where events go; in the process that does the work, which may be a copy of the caller's.
pub type Events<'a> = &'a mut dyn FnMut(Event);

/// What to do with a container that is to be removed but runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunningContainer {
    /// Leave it, and say so.
    Refuse,
    /// Kill it.
    Kill,
}

/// What to do with the volumes that a container made without a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnonymousVolumes {
    /// Leave them.
    Keep,
    /// Remove them, unless another container uses them.
    Remove,
}

/// How a container is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoveContainer {
    /// If it runs.
    pub running: RunningContainer,
    /// Its anonymous volumes.
    pub anonymous_volumes: AnonymousVolumes,
}

/// The machine, the caller and the store: what every command needs.
#[derive(Debug)]
pub struct Engine {
    host: Host,
    store: Store,
}

impl Engine {
    /// Looks at the machine and opens the store, which need not exist.
    ///
    /// # Errors
    /// The store is not the caller's, or minirun has been given rights of its own.
    pub fn open(store: &Path) -> Result<Self, Error> {
        if probe::runs_privileged() {
            return Err(Error::Privileged);
        }
        let host = probe::probe().map_err(Error::Probe)?;
        // What is mounted is named by absolute paths.
        let path = host.working_directory.join(store);
        Ok(Self { host, store: Store::open(path)? })
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

    /// Sweeps, does `work`, and if that fails where there was no store before, leaves none.
    fn all_or_nothing<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        self.sweep()?;
        let absence = self.store.absence()?;
        let result = work();
        if let (Err(_), Some(absence)) = (&result, absence) {
            // What went wrong first says more than what then stood in the way of tidying up.
            let _ = self.store.unmake(absence);
        }
        result
    }

    /// Removes what killed launchers left behind, and removed volumes that have expired. Costs two empty directories
    /// and one that is not there when there is nothing.
    fn sweep(&self) -> Result<(), Error> {
        let abandoned = self.store.abandoned_containers()?;
        let expired = self.store.expired_trash(now())?;
        if abandoned.is_empty() && expired.is_empty() && self.store.sweep()?.left == 0 {
            return Ok(());
        }
        let namespace = self.own_namespace()?;
        within(namespace.as_ref(), || self.sweep_inside(&abandoned, &expired))
    }

    fn sweep_inside(&self, abandoned: &[ContainerRecord], expired: &[String]) -> Result<(), Error> {
        for record in abandoned {
            match self.store.remove_container(record) {
                // Another command is doing the same.
                Ok(()) | Err(crate::store::container::ContainerError::Running(_)) => {}
                Err(error) => return Err(error.into()),
            }
            self.remove_anonymous_volumes(record)?;
        }
        if !expired.is_empty() {
            self.store.purge_trash(expired)?;
        }
        self.store.sweep()?;
        Ok(())
    }

    fn remove_anonymous_volumes(&self, record: &ContainerRecord) -> Result<(), Error> {
        let anonymous: Vec<_> = record
            .mounts
            .iter()
            .filter(|mount| mount.anonymous)
            .filter_map(|mount| mount.volume.clone())
            .collect();
        self.remove_unused_volumes(&anonymous)
    }

    fn remove_unused_volumes(&self, volumes: &[VolumeName]) -> Result<(), Error> {
        for volume in volumes {
            match self.store.remove_volume(volume, Disposal::Gone) {
                Ok(()) | Err(VolumeError::InUse { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Does `remove` as the caller, which is quick; what that leaves, because it lies in directories of subordinate
    /// IDs, is then removed inside the user namespace that has them.
    fn removing(&self, remove: impl Fn() -> Result<(), Error>) -> Result<(), Error> {
        let Err(error) = remove() else { return Ok(()) };
        let (true, Some(namespace)) = (error.leaves_something(), self.own_namespace()?) else {
            return Err(error);
        };
        let swept = within(Some(&namespace), || -> Result<_, Error> {
            remove()?;
            Ok(self.store.sweep()?)
        })?;
        if swept.left == 0 { Ok(()) } else { Err(error) }
    }

    /// Removes a container.
    ///
    /// # Errors
    /// There is none of that name, it runs, or its files cannot be removed.
    pub fn remove_container(&self, text: &str, options: RemoveContainer) -> Result<(), Error> {
        let container = self.store.find_container(text)?;
        if container.state == State::Running && options.running == RunningContainer::Kill {
            self.kill(&container)?;
        }
        self.removing(|| {
            self.store.remove_container(&container.record)?;
            match options.anonymous_volumes {
                AnonymousVolumes::Keep => Ok(()),
                AnonymousVolumes::Remove => self.remove_anonymous_volumes(&container.record),
            }
        })
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
    moment().0
}

/// Seconds since 1970, and nanoseconds after that.
fn moment() -> (i64, u32) {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    (time.tv_sec, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Seconds since 1970 as RFC 3339 has them, in UTC.
fn rfc3339(seconds: i64) -> String {
    let since = std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + since).to_string()
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
