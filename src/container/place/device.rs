//! Devices of the machine: looked at, named by their numbers, and given as binds of their nodes.

use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Access as Asked, AtFlags, CWD, StatVfsMountFlags};
use rustix::io::Errno;

use super::Site;
use crate::container::{Engine, Error, Event, Events};
use crate::error::device::DeviceError;
use crate::plan::attachment::Source;
use crate::plan::device::{DeviceKind, DeviceNumber, DeviceRequest};
use crate::plan::host::SetGroups;
use crate::plan::idmap::to_container;
use crate::plan::mount::{
    Access, Attributes, Bind, Flag, Links, Missing, MountError, MountKind, MountRequest, Origin, Ownership,
    Propagation, Recursion, Rule, View,
};
use crate::plan::path::ContainerPath;
use crate::plan::process::CallerGroups;
use crate::plan::request::RunRequest;
use crate::plan::resources::Strictness;
use crate::plan::spec::PlacedMount;
use crate::plan::userns::set_groups;
use crate::sys::Call;

/// What is no device of the machine's in its `/dev`, or the container has for itself.
const OWN: [&str; 5] = ["pts", "shm", "fd", "mqueue", "console"];
/// How deep in a directory devices are looked for.
const DEPTH: usize = 16;

/// A device node that was found.
struct Found {
    /// Without symlinks.
    path: PathBuf,
    destination: ContainerPath,
    metadata: Metadata,
    number: DeviceNumber,
}

impl Site<'_> {
    /// Finds the devices that were asked for; of two with one destination the later counts.
    pub(super) fn devices(
        &self,
        asked: &RunRequest,
        mounts: &[PlacedMount],
        events: Events<'_>,
    ) -> Result<Vec<PlacedMount>, Error> {
        let mut placed: Vec<PlacedMount> = Vec::new();
        for request in &asked.devices {
            check_permissions(request, asked.strictness, events)?;
            for found in find(request)? {
                check_use(request, &found)?;
                self.note_lost_groups(asked, &found, events);
                let device = mount(request, found);
                let same = |one: &&PlacedMount| one.request.destination == device.request.destination;
                if let Some(other) = mounts.iter().find(same) {
                    return Err(MountError::Duplicate {
                        destination: device.request.destination.to_string(),
                        first: other.request.origin.to_string(),
                        second: device.request.origin.to_string(),
                    }
                    .into());
                }
                placed.retain(|one| one.request.destination != device.request.destination);
                placed.push(device);
            }
        }
        Ok(placed)
    }

    /// A node that only a group of the caller's opens is closed to the container's user, who has no groups of the caller's.
    fn note_lost_groups(&self, asked: &RunRequest, found: &Found, events: Events<'_>) {
        let host = self.engine.host();
        let keeps = asked.caller_groups == CallerGroups::Kept
            || set_groups(self.namespace, host) == SetGroups::Denied;
        let Some(namespace) = self.namespace.filter(|_| !keeps) else { return };
        let (map, mode) = (&namespace.map, found.metadata.mode());
        let bits = if to_container(&map.users, found.metadata.uid()).is_some() {
            mode >> 6
        } else if to_container(&map.groups, found.metadata.gid()).is_some() {
            mode >> 3
        } else {
            mode
        };
        if bits & 0o6 == 0 {
            events(Event::Notice(format!(
                "`{}` may not open in the container: nobody there has its owner or group, whose mode {:04o} asks for; with \
                 --group-add keep-groups its first process keeps your groups",
                found.path.display(),
                mode & 0o7777
            )));
        }
    }
}

/// Less than reading and writing cannot be kept to, and so is refused unless the best is good enough.
fn check_permissions(
    request: &DeviceRequest,
    strictness: Strictness,
    events: Events<'_>,
) -> Result<(), DeviceError> {
    if request.is_whole() {
        return Ok(());
    }
    let (asked, permissions) = (request.text.clone(), request.permissions.clone());
    let error = DeviceError::Partial { asked, permissions };
    match strictness {
        Strictness::Strict => Err(error),
        Strictness::BestEffort => {
            events(Event::Notice(error.to_string()));
            Ok(())
        }
    }
}

/// The device, or all of a directory.
fn find(request: &DeviceRequest) -> Result<Vec<Found>, DeviceError> {
    let asked = || request.text.clone();
    let look = |path: &Path, error: &std::io::Error| DeviceError::Look {
        asked: asked(),
        path: path.to_owned(),
        cause: crate::sys::SysError::from_io(format!("stat({path:?})"), error),
    };
    let path = fs::canonicalize(&request.host).map_err(|error| look(&request.host, &error))?;
    let metadata = fs::symlink_metadata(&path).map_err(|error| look(&path, &error))?;
    if let Some(number) = number(&metadata) {
        return Ok(vec![Found { path, destination: request.destination.clone(), metadata, number }]);
    }
    if !metadata.is_dir() {
        return Err(DeviceError::NotADevice { asked: asked(), path });
    }
    let mut found = Vec::new();
    walk(&path, &request.destination, (&mut found, 0)).map_err(|error| look(&path, &error))?;
    if found.is_empty() {
        return Err(DeviceError::NoDevices { asked: asked(), path });
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn walk(
    directory: &Path,
    destination: &ContainerPath,
    (found, depth): (&mut Vec<Found>, usize),
) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if OWN.iter().any(|own| name == *own) {
            continue;
        }
        let metadata = fs::symlink_metadata(&path)?;
        let destination = destination.join(&name);
        if let Some(number) = number(&metadata) {
            found.push(Found { path, destination, metadata, number });
        } else if metadata.is_dir() && depth < DEPTH {
            // What this user may not look into holds nothing for this user.
            match walk(&path, &destination, (found, depth + 1)) {
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {}
                result => result?,
            }
        }
    }
    Ok(())
}

fn number(metadata: &Metadata) -> Option<DeviceNumber> {
    let kind = match metadata.file_type() {
        kind if kind.is_char_device() => DeviceKind::Character,
        kind if kind.is_block_device() => DeviceKind::Block,
        _ => return None,
    };
    let device = metadata.rdev();
    Some(DeviceNumber { kind, major: rustix::fs::major(device), minor: rustix::fs::minor(device) })
}

/// Whether the caller could use it at all. It is not opened for that, as some devices begin to do something then.
fn check_use(request: &DeviceRequest, found: &Found) -> Result<(), DeviceError> {
    let (asked, path) = (request.text.clone(), found.path.clone());
    let look = |cause| DeviceError::Look { asked: request.text.clone(), path: found.path.clone(), cause };
    let mount = rustix::fs::statvfs(&path).call(|| format!("statvfs({path:?})")).map_err(look)?;
    if mount.f_flag.contains(StatVfsMountFlags::NODEV) {
        return Err(DeviceError::NoDev { asked, path });
    }
    let may = |what| rustix::fs::accessat(CWD, &path, what, AtFlags::EACCESS);
    match (may(Asked::READ_OK), may(Asked::WRITE_OK)) {
        (Err(Errno::ACCESS), Err(errno)) => {
            let cause = crate::sys::SysError::new(format!("faccessat({path:?}, W_OK)"), errno);
            Err(DeviceError::Denied { asked, path, mode: found.metadata.mode() & 0o7777, cause })
        }
        _ => Ok(()),
    }
}

/// The bind. Read-only is the node itself, which nobody inside is to change for the whole machine; what is written to the
/// device passes.
fn mount(request: &DeviceRequest, found: Found) -> PlacedMount {
    let attributes =
        Attributes { access: Access::ReadOnly, exec: Rule::Deny, suid: Rule::Deny, ..Attributes::default() };
    let bind = Bind {
        source: found.path.clone(),
        missing: Missing::Refuse,
        recursion: Recursion::Disabled,
        attributes,
        propagation: Propagation::Rprivate,
        view: View::Direct,
        ownership: Ownership::Kept,
        links: Links::Follow,
    };
    let origin = Origin { flag: Flag::Device, text: request.text.clone().into() };
    PlacedMount {
        request: MountRequest { origin, destination: found.destination, kind: MountKind::Bind(bind) },
        source: Source::Device { path: found.path, number: found.number },
        attributes,
    }
}

impl Engine {
    /// Looks again at a device that a container was given when it was made: another start of the machine may have given it
    /// another number.
    pub(in crate::container) fn look_at_device_again(source: &mut Source) {
        if let Source::Device { path, number: known } = source
            && let Some(now) = fs::symlink_metadata(&*path).ok().as_ref().and_then(number)
        {
            *known = now;
        }
    }
}
