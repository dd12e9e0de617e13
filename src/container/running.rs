//! Mounts that come into a container and go while it runs.

use std::time::{Duration, Instant};

use super::base::Intent;
use super::outside::Outside;
use super::place::{Placement, Site};
use super::{Engine, Error, Event, Events, copying};
use crate::error::running::RunningError;
use crate::launch::{Detach, Entry};
use crate::plan::account::Account;
use crate::plan::mount::{Content, Links, MountKind, MountRequest, View};
use crate::plan::path::ContainerPath;
use crate::plan::process::{Groups, User};
use crate::plan::rootfs::Lifetime;
use crate::store::container::{Container, ContainerError, LiveLock, LiveMount, State, VolumePin};
use crate::store::directory::Directory;
use crate::store::layout;
use crate::sys::report::Report;
use crate::sys::running::Processes;
use crate::sys::{Call, SysError};

/// How long a container may take from its first file to its root filesystem before nobody waits any more.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is asked for meanwhile.
const PAUSE: Duration = Duration::from_millis(5);

impl Engine {
    /// Mounts something into a container that runs.
    ///
    /// # Errors
    /// There is no such container, it does not run, or the mount cannot be made; then nothing is left of it.
    pub fn mount(&self, container: &str, request: MountRequest, events: Events<'_>) -> Result<(), Error> {
        self.sweep()?;
        let found = self.running(container)?;
        let request = check(request)?;
        let lock = self.store.lock_mounts(&found)?;
        // Read again, as another command may have changed it before.
        let container = self.running(found.record.id.as_str())?;
        let user = user(&container);
        let placement = self.place_later(&container, request, &user, &mut *events)?;
        let mut outside = Outside::default();
        let made = self.make_outside(&container, &placement, &mut outside);
        // Volumes are held until it is written down that they are used; what is undone must not be held any more.
        let mounted = made.and_then(|_volumes| self.mount_placed(&container, (&placement, &user), &lock));
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
                let _ = remove_directories(&container, &placement);
                let _ = self.undo(&outside);
                Err(error)
            }
        }
    }

    /// Says where it is that is to be mounted.
    fn place_later(
        &self,
        container: &Container,
        request: MountRequest,
        user: &User,
        events: Events<'_>,
    ) -> Result<Placement, Error> {
        let record = &container.record;
        let (namespace, owners) = self.namespace(record.userns.parse().unwrap_or_default())?;
        let account = Account {
            uid: user.uid,
            gid: user.gid,
            groups: Vec::new(),
            memberships: Vec::new(),
            home: String::new(),
            name: None,
        };
        let site = Site {
            engine: self,
            account: &account,
            namespace: namespace.as_ref(),
            owners: &owners,
            intent: Intent::Run,
            lifetime: if record.removed_at_end { Lifetime::Ephemeral } else { Lifetime::Kept },
            directory: &container.path,
        };
        // Nobody else makes such a directory while the mounts are locked.
        let layers = container.path.join(layout::MOUNT_LAYERS);
        let mut index = record.mounts.len();
        while layers.join(index.to_string()).exists() {
            index += 1;
        }
        site.place_later(index, request, events)
    }

    /// Makes what the mount needs on the host, and holds its volumes.
    fn make_outside(
        &self,
        container: &Container,
        placement: &Placement,
        outside: &mut Outside,
    ) -> Result<Vec<VolumePin>, Error> {
        let make = || {
            let directory = Directory::open(&container.path)?;
            placement.directories.iter().try_for_each(|name| directory.make(name).map(drop))
        };
        make().map_err(|cause| Error::Store(self.store.write_error(cause)))?;
        for (asked, source) in &placement.missing_sources {
            outside.make_source(source).map_err(|error| error.about(asked))?;
        }
        let mut pins = Vec::new();
        for volume in &placement.volumes {
            let (pin, is_made) = self.store.make_and_pin_volume(volume)?;
            pins.push(pin);
            if is_made {
                outside.volumes.push(volume.name.clone());
            }
        }
        Ok(pins)
    }

    fn mount_placed(
        &self,
        container: &Container,
        (placement, user): (&Placement, &User),
        lock: &LiveLock,
    ) -> Result<Option<String>, Error> {
        let (Some(placed), Some(record)) = (placement.mounts.first(), placement.records.first()) else {
            return Ok(None);
        };
        let processes = self.processes(container)?;
        let mut write_down = |place: &ContainerPath| {
            let mut live = container.live.clone();
            let images = placement.images.clone();
            live.push(LiveMount { record: record.clone(), place: place.clone(), images });
            let written = self.store.write_live_mounts(container, &live, lock);
            written.map_err(|error| Report::of(&error, error.hint()))
        };
        let attachment = placed.attachment();
        let entry = Entry::new(&processes);
        let mounted = copying::with(|copying| entry.mount((&attachment, user), copying, &mut write_down));
        Ok(mounted.map_err(|cause| RunningError::Enter {
            attempt: format!("mount `{}`", placed.request.origin.text.to_string_lossy()),
            container: container.record.name.to_string(),
            cause,
        })?)
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
        entry.unmount(&place, detach).map_err(|cause| RunningError::Enter {
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
            State::Running | State::Paused => Ok(container),
            State::Created | State::Restarting(_) | State::Exited(_) | State::Dead => {
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
                return Err(RunningError::Unseen(container.record.name.to_string()).into());
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
}

/// Refuses what only a container that is being started can have. A volume is not filled: the image's files at its
/// destination may have been changed, or covered, since.
fn check(mut request: MountRequest) -> Result<MountRequest, Error> {
    const AT_START: &str = "give it to `minirun run`";
    let only = |what: &str, instead| Err(RunningError::OnlyAtStart { what: what.to_owned(), instead }.into());
    match &mut request.kind {
        MountKind::Glob(_) => only("everything that a pattern matches", "mount each of the files"),
        MountKind::Bind(bind) if bind.links == Links::Copy => only("a copy of a symlink", AT_START),
        MountKind::Bind(bind) if bind.view == View::Review => only("a bind with `cow`", AT_START),
        MountKind::Volume(volume) if volume.view == View::Review => only("a volume with `cow`", AT_START),
        MountKind::Volume(volume) if volume.name.is_none() => only(
            "a volume without a name",
            "give it a name, or mount a tmpfs, which is gone with the container",
        ),
        MountKind::Volume(volume) => {
            volume.content = Content::Empty;
            Ok(request)
        }
        MountKind::Bind(_)
        | MountKind::Tmpfs(_)
        | MountKind::Image(_)
        | MountKind::Devpts(_)
        | MountKind::Ramfs(_) => Ok(request),
    }
}

/// The container's user, whose a source can be made.
fn user(container: &Container) -> User {
    let mut ids = container.record.user.split(':').map(|id| id.parse().unwrap_or(0));
    let (uid, gid) = (ids.next().unwrap_or(0), ids.next().unwrap_or(0));
    User { uid, gid, groups: Groups::Kept, umask: 0 }
}

/// Removes the directories that a mount that did not come about had in the container's own.
fn remove_directories(container: &Container, placement: &Placement) -> Result<(), SysError> {
    let directory = Directory::open(&container.path)?;
    let layers = placement.directories.iter().filter(|name| *name != layout::MOUNT_LAYERS);
    for name in layers.rev() {
        let flags = rustix::fs::AtFlags::REMOVEDIR;
        rustix::fs::unlinkat(&directory, name, flags).call(|| format!("unlinkat({name:?}, REMOVEDIR)"))?;
    }
    Ok(())
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
    let places = entry.places(&paths).map_err(|cause| RunningError::Enter {
        attempt: format!("look for `{destination}`"),
        container: name(),
        cause,
    })?;
    match places.split_first() {
        Some((Some(place), others)) if others.contains(&Some(place.clone())) => Ok(place.clone()),
        Some((Some(_), _)) => {
            Err(RunningError::DefaultMount { destination: destination.clone(), container: name() }.into())
        }
        _ => Err(RunningError::NotMounted { destination: destination.clone(), container: name() }.into()),
    }
}
