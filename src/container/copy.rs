//! Files between a container and the host.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;

use oci_spec::runtime::Mount;
use rustix::io::Errno;

use super::rootfs::{MERGED, UPPER, VFS_ROOT, WORK};
use super::{Engine, Error, Event, Events, Pausing, copying};
use crate::error::files::{FilesError, KERNEL, MOUNTED, READ_ONLY};
use crate::error::running::RunningError;
use crate::launch::{Files, inside};
use crate::plan::Plan;
use crate::plan::from_spec::Supplement;
use crate::plan::idmap::to_host;
use crate::plan::landlock::Landlock;
use crate::plan::mount::{self as plan_mount, MountKind, View};
use crate::plan::namespace::Network;
use crate::plan::occurrence::Action;
use crate::plan::path::ContainerPath;
use crate::plan::process::{CallerGroups, FirstProcess, Input};
use crate::plan::rootfs::{Lifetime, RootIndex, Rootfs};
use crate::store::container::{Container, ContainerRecord, MountRecord};
use crate::store::layout;
use crate::store::temporary::Temporary;
use crate::store::transfer::{self, Links, Opener, Owner, TransferError};
use crate::store::unpack::Ownership;
use crate::sys::report::Report;

/// One end of a copy, on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostEnd {
    /// A file or directory.
    Path(OsString),
    /// Standard input or output, as a tar archive.
    Stream,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyDirection {
    /// From the host into the container.
    Into,
    /// From the container to the host.
    OutOf,
}

/// Whether what comes into a container keeps its owners (`-a`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owners {
    /// It belongs to the container's root.
    Root,
    /// It does, as far as the container has them.
    Kept,
}

/// What `cp` was asked for.
#[derive(Debug, Clone)]
pub struct CopyRequest {
    /// Which way.
    pub direction: CopyDirection,
    /// The container, by name or ID.
    pub container: String,
    /// The path in the container; a relative one begins at its root.
    pub path: OsString,
    /// The other end.
    pub host: HostEnd,
    /// What becomes of a source that is a symlink.
    pub links: Links,
    /// Whose the copies are.
    pub owners: Owners,
}

impl Engine {
    /// Copies between a container, running or ended, and the host. Volumes and other mounts of the container count as its
    /// files.
    ///
    /// # Errors
    /// There is no such container or file, or the two ends do not fit; what was copied before stays.
    pub fn copy(&self, request: &CopyRequest, events: Events<'_>) -> Result<(), Error> {
        self.sweep()?;
        let container = self.store.find_container(&request.container)?;
        let path = absolute(&request.path);
        if !container.state.is_alive() {
            tell_of_missing(&container.record, (request.direction, &path), events)?;
        }
        let notes = match (request.direction, &request.host) {
            (CopyDirection::OutOf, HostEnd::Path(host)) => {
                let end = Opener::Host.end(host)?;
                self.inside((&container, Pausing::WherePossible), |root| {
                    let source = transfer::source(&Opener::Container(root), &path, request.links)?;
                    transfer::copy(&source, &end.landing(&source)?, Owner::Maker)
                })
            }
            (CopyDirection::OutOf, HostEnd::Stream) => {
                self.inside((&container, Pausing::beside(std::io::stdout())), |root| {
                    let source = transfer::source(&Opener::Container(root), &path, request.links)?;
                    transfer::pack(&source, std::io::stdout())
                })
            }
            (CopyDirection::Into, HostEnd::Path(host)) => {
                let source = transfer::source(&Opener::Host, host, request.links)?;
                let owner = owner(&container, request.owners);
                self.inside((&container, Pausing::WherePossible), |root| {
                    let landing = Opener::Container(root).end(&path)?.landing(&source)?;
                    transfer::copy(&source, &landing, owner)
                })
            }
            (CopyDirection::Into, HostEnd::Stream) => self.copy_stream(&container, &path),
        };
        for note in notes? {
            events(Event::Notice(note));
        }
        let action = match request.direction {
            CopyDirection::OutOf => Action::ArchivePath,
            CopyDirection::Into => Action::ExtractToDirectory,
        };
        let path = [("path", path.to_string_lossy().into_owned())];
        self.note_container(&container.record, &action, &path);
        Ok(())
    }

    fn copy_stream(&self, container: &Container, path: &OsStr) -> Result<Vec<String>, Error> {
        let place = Temporary::new(&self.store)?;
        let write = |cause| Error::Store(self.store.write_error(cause));
        place.directory().make("stage").map_err(write)?;
        let stage: OwnedFd = place.directory().directory("stage").map_err(write)?.into();
        let is_single =
            container.record.rights.map.as_ref().is_some_and(crate::plan::idmap::IdMap::is_single);
        let ownership = if is_single { Ownership::Squashed } else { Ownership::Mapped };
        self.inside((container, Pausing::beside(std::io::stdin())), |root| {
            let landing = Opener::Container(root).landing_directory(path)?;
            transfer::unpack(std::io::stdin(), &stage, &landing, ownership)
        })
    }

    /// Does `work` where the container's files are as the container sees them.
    fn inside(
        &self,
        (container, pausing): (&Container, Pausing),
        work: impl FnOnce(OwnedFd) -> Result<Vec<String>, TransferError>,
    ) -> Result<Vec<String>, Error> {
        let name = container.record.name.to_string();
        let work = |root| work(root).map_err(|error| Report::of(&error, hint(&error)));
        let done = if container.state.is_alive() {
            let processes = self.processes(container)?;
            let _still = self.hold_still(container, pausing)?;
            inside(Files::Running(&processes), work)
        } else {
            let _files = self.own_files(container)?;
            // One at a time: overlayfs wants a writable layer for itself.
            let _lock = self.store.lock_mounts(container)?;
            let plan = self.plan_of_files(container)?;
            copying::with(|copying| inside(Files::Ended(&plan, copying), work))
        };
        let attempt = "copy".to_owned();
        done.map_err(|cause| RunningError::Enter { attempt, container: name, cause }.into())
    }

    /// What an ended container's root filesystem and its mounts of the host are made of.
    fn plan_of_files(&self, container: &Container) -> Result<Plan, Error> {
        let record = &container.record;
        let bytes = std::fs::read(container.path.join(layout::SPEC)).ok();
        let spec = bytes.and_then(|bytes| self.specification(&container.path, &bytes));
        let mut spec = spec.ok_or_else(|| FilesError::NoLayer(record.name.clone()))?;
        let merged = container.path.join(MERGED);
        let vfs_root = container.path.join(VFS_ROOT);
        let lowers: Vec<_> = record.lower_directories.iter().map(|lower| lower.0.clone()).collect();
        let rootfs = if record.driver == "vfs" {
            Rootfs::Directory { path: vfs_root, merged }
        } else {
            Rootfs::Overlay {
                lowers: if lowers.is_empty() { vec![vfs_root] } else { lowers },
                upper: container.path.join(UPPER),
                work: container.path.join(WORK),
                merged,
                lifetime: Lifetime::Kept,
                index: RootIndex::default(),
            }
        };
        let supplement = Supplement {
            id: record.id.clone(),
            rootfs,
            fills: Vec::new(),
            additions: BTreeMap::new(),
            first: FirstProcess::Command,
            input: Input::Empty,
            network: Network::None,
            connection: None,
            landlock: Landlock::default(),
            caller_groups: CallerGroups::Dropped,
        };
        // What was in memory is gone, and kernel file systems belong to its processes.
        let is_kept = |mount: &Mount| {
            mount.typ().as_deref() == Some("bind")
                && record.mounts.iter().any(|one| {
                    is_plain(one) && one.request.destination.as_os_str() == mount.destination().as_os_str()
                })
        };
        let mounts = spec.mounts().iter().flatten().filter(|mount| is_kept(mount)).cloned().collect();
        spec.set_mounts(Some(mounts));
        Ok(Plan::from_spec(&spec, supplement, &self.host)?)
    }
}

/// Says which mounts an ended container cannot have; refuses to copy into one of them, as nobody would find that again.
fn tell_of_missing(
    record: &ContainerRecord,
    (direction, path): (CopyDirection, &OsStr),
    events: Events<'_>,
) -> Result<(), Error> {
    let path = ContainerPath::root().join(path);
    let around = record.mounts.iter().filter(|mount| path.is_within(&mount.request.destination));
    let innermost = around.max_by_key(|mount| mount.request.destination.depth());
    if let (CopyDirection::Into, Some(mount)) = (direction, innermost.filter(|mount| !is_plain(mount))) {
        let (container, destination) = (record.name.clone(), mount.request.destination.clone());
        return Err(FilesError::MissingMount { container, path, destination }.into());
    }
    // One that runs has a kernel to say so.
    if let (CopyDirection::Into, None, true) = (direction, innermost, record.read_only) {
        return Err(FilesError::ReadOnlyRoot { container: record.name.clone(), path }.into());
    }
    for mount in record.mounts.iter().filter(|mount| !is_plain(mount)) {
        let destination = &mount.request.destination;
        events(Event::Notice(format!(
            "the mount at `{destination}` is not there, as the container does not run"
        )));
    }
    Ok(())
}

/// What the user can do where a container takes nothing.
fn hint(error: &TransferError) -> Option<String> {
    match error {
        TransferError::Open { source, .. } | TransferError::Copy { source, .. } => {
            match source.errno() {
                Errno::ROFS => Some(READ_ONLY.to_owned()),
                Errno::BUSY => Some(MOUNTED.to_owned()),
                // Where the kernel's files are, nobody makes another, not even for a moment.
                Errno::NOENT if source.call().starts_with("mkdirat") => Some(KERNEL.to_owned()),
                _ => None,
            }
        }
        TransferError::NoDirectory(_)
        | TransferError::OntoFile(_)
        | TransferError::NotDirectory(_)
        | TransferError::Kind { .. }
        | TransferError::IntoItself
        | TransferError::Deep(_)
        | TransferError::Unpack(_)
        | TransferError::Pack(_) => None,
    }
}

/// Whether a mount is a directory or file of the host as it is.
fn is_plain(mount: &MountRecord) -> bool {
    let (view, has_part) = match &mount.request.kind {
        MountKind::Bind(bind) => (&bind.view, bind.links == plan_mount::Links::Copy),
        MountKind::Volume(volume) => (&volume.view, volume.subpath.is_some()),
        MountKind::Tmpfs(_)
        | MountKind::Image(_)
        | MountKind::Devpts(_)
        | MountKind::Ramfs(_)
        | MountKind::Glob(_) => return false,
    };
    *view == View::Direct && !has_part && mount.layer.is_none()
}

/// A path in a container begins at its root, whatever it begins with.
fn absolute(path: &OsStr) -> OsString {
    let begin = if path.as_bytes().starts_with(b"/") { "" } else { "/" };
    [OsStr::new(begin), path].into_iter().collect()
}

fn owner(container: &Container, owners: Owners) -> Owner {
    let has_root = container
        .record
        .rights
        .map
        .as_ref()
        .is_none_or(|map| to_host(&map.users, 0).is_some() && to_host(&map.groups, 0).is_some());
    match owners {
        _ if !has_root => Owner::Maker,
        Owners::Root => Owner::These(0, 0),
        Owners::Kept => Owner::Kept(0, 0),
    }
}
