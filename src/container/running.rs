//! Mounts that come into a container and go while it runs.

use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::outside::Outside;
use super::{Engine, Error, Event, Events, now};
use crate::launch::{Copying, Detach, Entry};
use crate::plan::attachment::Attachment;
use crate::plan::mount::{Bind, Links, Missing, MountKind, MountRequest, Ownership, View, Volume, resolve};
use crate::plan::path::ContainerPath;
use crate::plan::spec::PlacedMount;
use crate::store::container::{Container, ContainerError, LiveLock, LiveMount, MountRecord, State};
use crate::store::copy::copy_tree;
use crate::store::layout;
use crate::store::volume::VolumeRecord;
use crate::sys::Call;
use crate::sys::report::Report;
use crate::sys::running::Processes;

/// How long a container may take from its first file to its root filesystem before nobody waits any more.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is asked for meanwhile.
const PAUSE: Duration = Duration::from_millis(5);

/// A mount that is about to be made.
struct Wanted {
    placed: PlacedMount,
    volume: Option<VolumeRecord>,
}

impl Engine {
    /// Mounts something into a container that runs.
    ///
    /// # Errors
    /// There is no such container, it does not run, or the mount cannot be made; then nothing is left of it.
    pub fn mount(&self, container: &str, request: MountRequest, events: Events<'_>) -> Result<(), Error> {
        self.sweep()?;
        let found = self.running(container)?;
        let wanted = self.wanted(request)?;
        let lock = self.store.lock_mounts(&found)?;
        // Read again, as another command may have changed it before.
        let container = self.running(found.record.id.as_str())?;
        let mut outside = Outside::default();
        let mounted = self.mount_locked(&container, &wanted, (&lock, &mut outside));
        match mounted {
            Ok(notice) => {
                if let Some(notice) = notice {
                    events(Event::Notice(notice));
                }
                Ok(())
            }
            Err(error) => {
                // This error says more than what then stood in the way of tidying up.
                let _ = self.store.write_live_mounts(&container, &container.live, &lock);
                let _ = self.undo(&outside);
                Err(error)
            }
        }
    }

    fn mount_locked(
        &self,
        container: &Container,
        wanted: &Wanted,
        (lock, outside): (&LiveLock, &mut Outside),
    ) -> Result<Option<String>, Error> {
        let request = &wanted.placed.request;
        if let Some(source) = missing_source(request)? {
            outside.make_source(&source)?;
        }
        if let Some(volume) = &wanted.volume
            && self.store.make_volume(volume)?
        {
            outside.volumes.push(volume.name.clone());
        }
        let attachment = attachment(&wanted.placed)?;
        let processes = self.processes(container)?;
        let report = |error: Error| Report::of(&error, error.hint());
        let copying = Copying {
            fill: &|_, _| Ok(()),
            copy: &|source, destination| {
                copy_tree(source, destination, &mut |user, group| (user, group))
                    .map_err(|error| Report::of(&error, None))
            },
        };
        let mut write_down = |place: &ContainerPath| {
            let mut live = container.live.clone();
            live.push(LiveMount { record: record(wanted), place: place.clone() });
            let written = self.store.write_live_mounts(container, &live, lock);
            written.map_err(|error| report(error.into()))
        };
        let mounted = Entry::new(&processes).mount(&attachment, copying, &mut write_down);
        mounted.map_err(|cause| Error::Enter {
            attempt: format!("mount `{}`", request.origin.text.to_string_lossy()),
            container: container.record.name.to_string(),
            cause,
        })
    }

    /// Takes a mount out of a container that runs.
    ///
    /// # Errors
    /// There is no such container or mount, nobody asked for that mount, or it is in use.
    pub fn unmount(&self, container: &str, destination: &ContainerPath, detach: Detach) -> Result<(), Error> {
        self.sweep()?;
        let found = self.running(container)?;
        let lock = self.store.lock_mounts(&found)?;
        let container = self.running(found.record.id.as_str())?;
        let processes = self.processes(&container)?;
        let entry = Entry::new(&processes);
        let place = find_mount(&container, destination, entry)?;
        entry.unmount(&place, detach).map_err(|cause| Error::Enter {
            attempt: format!("unmount `{destination}`"),
            container: container.record.name.to_string(),
            cause,
        })?;
        let left: Vec<LiveMount> =
            container.live.iter().filter(|live| live.place != place).cloned().collect();
        Ok(self.store.write_live_mounts(&container, &left, &lock)?)
    }

    /// The container that `text` names, if it runs.
    pub(super) fn running(&self, text: &str) -> Result<Container, Error> {
        let container = self.store.find_container(text)?;
        match container.state {
            State::Running => Ok(container),
            State::Exited(_) | State::Dead => {
                Err(ContainerError::NotRunning(container.record.name.to_string()).into())
            }
        }
    }

    /// The processes of a container that runs; one that has no root filesystem yet is waited for.
    pub(super) fn processes(&self, container: &Container) -> Result<Processes, Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(processes) = self.visible_processes(container)? {
                return Ok(processes);
            }
            if Instant::now() > deadline {
                return Err(Error::Unseen(container.record.name.to_string()));
            }
            std::thread::sleep(PAUSE);
            self.running(container.record.id.as_str())?;
        }
    }

    /// The processes of a container, if it runs where they can be seen.
    pub(super) fn visible_processes(&self, container: &Container) -> Result<Option<Processes>, Error> {
        let found = Processes::find(&container.path.join(layout::OWNER));
        found.map_err(|cause| Error::Store(self.store.read_error(cause)))
    }

    /// Thinks the mount through: nothing is made yet.
    fn wanted(&self, request: MountRequest) -> Result<Wanted, Error> {
        let resolved = resolve(vec![request], &[], &self.host.working_directory)?;
        let Some(request) = resolved.into_iter().next() else {
            return Err(only_at_start("a mount that stands for several"));
        };
        let (data, volume) = match &request.kind {
            MountKind::Volume(volume) => {
                let record = self.volume_record(volume)?;
                (Some(self.store.volume_data(&record.name)), Some(record))
            }
            MountKind::Bind(bind) => {
                check_bind(bind)?;
                (None, None)
            }
            MountKind::Tmpfs(_) => (None, None),
            MountKind::Image(_) | MountKind::Devpts(_) | MountKind::Ramfs(_) | MountKind::Glob(_) => {
                return Err(only_at_start(&format!("a mount of type {}", request.kind.name())));
            }
        };
        Ok(Wanted { placed: PlacedMount { request, data }, volume })
    }

    fn volume_record(&self, volume: &Volume) -> Result<VolumeRecord, Error> {
        let Some(name) = volume.name.clone() else {
            return Err(Error::OnlyAtStart {
                what: "a volume without a name".to_owned(),
                instead: "give it a name, or mount a tmpfs, which is gone with the container",
            });
        };
        if volume.view != View::Direct || volume.ownership != Ownership::Kept {
            return Err(only_at_start("a volume with `O`, `cow` or `U`"));
        }
        if volume.missing == Missing::Refuse && !self.store.volume_exists(&name)? {
            return Err(Error::NoVolume(name.to_string()));
        }
        let (labels, options) = (volume.labels.clone(), volume.options.clone());
        Ok(VolumeRecord { name, anonymous: false, labels, created: now(), options })
    }
}

/// Where a mount is that somebody asked for.
fn find_mount(
    container: &Container,
    destination: &ContainerPath,
    entry: Entry<'_>,
) -> Result<ContainerPath, Error> {
    let asked =
        |live: &&LiveMount| live.record.request.destination == *destination || live.place == *destination;
    if let Some(live) = container.live.iter().find(asked) {
        return Ok(live.place.clone());
    }
    let name = || container.record.name.to_string();
    let mut paths = vec![destination.clone()];
    paths.extend(container.record.mounts.iter().map(|mount| mount.request.destination.clone()));
    let places = entry.places(&paths).map_err(|cause| Error::Enter {
        attempt: format!("look for `{destination}`"),
        container: name(),
        cause,
    })?;
    match places.split_first() {
        Some((Some(place), others)) if others.contains(&Some(place.clone())) => Ok(place.clone()),
        Some((Some(_), _)) => {
            Err(Error::DefaultMount { destination: destination.clone(), container: name() })
        }
        _ => Err(Error::NotMounted { destination: destination.clone(), container: name() }),
    }
}

fn only_at_start(what: &str) -> Error {
    Error::OnlyAtStart { what: what.to_owned(), instead: "give it to `minirun run`" }
}

fn check_bind(bind: &Bind) -> Result<(), Error> {
    match (&bind.view, bind.ownership, bind.links) {
        (View::Direct, Ownership::Kept, Links::Follow) => Ok(()),
        _ => Err(only_at_start("a bind with `O`, `cow`, `U` or `no-dereference`")),
    }
}

/// The source, if it is to be made.
fn missing_source(request: &MountRequest) -> Result<Option<std::path::PathBuf>, Error> {
    let MountKind::Bind(bind) = &request.kind else { return Ok(None) };
    let failed = |cause| Error::Source {
        path: bind.source.clone(),
        destination: request.destination.to_string(),
        cause,
    };
    match rustix::fs::stat(&bind.source).call(|| format!("stat({:?})", bind.source)) {
        Ok(_) => Ok(None),
        // A dangling symlink is not a missing directory: making it would follow it.
        Err(error)
            if error.errno() == Errno::NOENT
                && bind.missing == Missing::Create
                && rustix::fs::lstat(&bind.source).is_err() =>
        {
            Ok(Some(bind.source.clone()))
        }
        Err(error) => Err(failed(error)),
    }
}

fn attachment(placed: &PlacedMount) -> Result<Attachment, Error> {
    let mount = crate::plan::spec::user_mount(placed).map_err(crate::plan::spec::ComposeError::from)?;
    Ok(crate::plan::from_spec::mounts::attachment(0, &mount)?)
}

fn record(wanted: &Wanted) -> MountRecord {
    let request = wanted.placed.request.clone();
    let source = match &request.kind {
        MountKind::Bind(bind) | MountKind::Glob(bind) => bind.source.clone(),
        MountKind::Volume(_)
        | MountKind::Image(_)
        | MountKind::Tmpfs(_)
        | MountKind::Devpts(_)
        | MountKind::Ramfs(_) => wanted.placed.data.clone().unwrap_or_default(),
    };
    let volume = wanted.volume.as_ref().map(|volume| volume.name.clone());
    MountRecord { request, volume, anonymous: false, source, layer: None }
}
