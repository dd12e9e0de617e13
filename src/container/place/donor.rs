//! `--volumes-from`: what other containers have mounted.

use std::collections::BTreeSet;

use crate::container::Error;
use crate::error::place::PlaceError;
use crate::plan::mount::{
    Access, Bind, Content, Donor, Flag, MountKind, MountRequest, Origin, Ownership, Volume,
};
use crate::plan::path::ContainerPath;
use crate::store::Store;
use crate::store::container::MountRecord;

/// The mounts of other containers; of two at one destination the later counts.
#[derive(Default)]
pub(super) struct Donated {
    pub(super) requests: Vec<MountRequest>,
    /// Destinations of volumes that were made without a name, and go with the last container that has them.
    pub(super) anonymous: BTreeSet<ContainerPath>,
}

/// Finds the donors and takes their volumes and binds.
pub(super) fn donated(store: &Store, donors: &[Donor]) -> Result<Donated, Error> {
    let mut donated = Donated::default();
    for donor in donors {
        let found = store
            .find_container(&donor.container)
            .map_err(|cause| PlaceError::Donor { container: donor.container.clone(), cause })?;
        for mount in found.mounts() {
            if let Some(request) = take_over(mount, donor) {
                donated.add(request, mount.anonymous);
            }
        }
    }
    Ok(donated)
}

/// The same mount for another container; none of what is in memory or of an image.
fn take_over(mount: &MountRecord, donor: &Donor) -> Option<MountRequest> {
    let mut kind = match &mount.request.kind {
        MountKind::Bind(bind) => MountKind::Bind(Bind { ownership: Ownership::Kept, ..bind.clone() }),
        MountKind::Volume(volume) => MountKind::Volume(Volume {
            name: mount.volume.clone(),
            content: Content::Empty,
            ownership: Ownership::Kept,
            ..volume.clone()
        }),
        MountKind::Tmpfs(_)
        | MountKind::Image(_)
        | MountKind::Devpts(_)
        | MountKind::Ramfs(_)
        | MountKind::Glob(_) => return None,
    };
    if donor.access == Some(Access::ReadOnly) {
        match &mut kind {
            MountKind::Bind(bind) | MountKind::Glob(bind) => bind.attributes.access = Access::ReadOnly,
            MountKind::Volume(volume) => volume.attributes.access = Access::ReadOnly,
            MountKind::Tmpfs(_) | MountKind::Image(_) | MountKind::Devpts(_) | MountKind::Ramfs(_) => {}
        }
    }
    let origin = Origin { flag: Flag::VolumesFrom, text: donor.container.clone().into() };
    Some(MountRequest { origin, destination: mount.request.destination.clone(), kind })
}

impl Donated {
    fn add(&mut self, request: MountRequest, is_anonymous: bool) {
        if is_anonymous {
            self.anonymous.insert(request.destination.clone());
        } else {
            self.anonymous.remove(&request.destination);
        }
        self.requests.push(request);
    }
}
