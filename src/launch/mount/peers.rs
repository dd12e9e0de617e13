//! Sources that stay peers of the host's mounts (`shared`, `rshared`).
//!
//! Only a copy made before the container's mounts become slaves of the host's is a peer, and so they are copied ahead
//! of everything else. Crossing into a user namespace has made all of them slaves already; then there are none.
//!
//! Beside them lies the one mount that is made ahead for another reason: the procfs that settings are written through.

use std::collections::BTreeMap;

use super::{Cause, MountFailure, Tree, tree};
use crate::launch::rootfs::PointKind;
use crate::plan::Plan;
use crate::plan::attachment::{Attachment, FileSystem, Source};
use crate::plan::mount::{Attributes, Content, Propagation, Rule};
use crate::plan::path::ContainerPath;
use crate::sys::procfs::Procfs;

/// What is there ahead of everything else, by destination.
pub(in crate::launch) struct Peers(BTreeMap<ContainerPath, Tree>);

impl Peers {
    /// Copies every source that is to be shared with the host.
    pub(in crate::launch) fn copy(plan: &Plan) -> Result<Self, MountFailure> {
        let mut peers = BTreeMap::new();
        if plan.namespaces.user.is_some() {
            return Ok(Self(peers));
        }
        for mount in &plan.mounts {
            let failure = |cause: Cause| MountFailure::of(mount, cause);
            if let Some(tree) = copy(mount).map_err(failure)? {
                peers.insert(mount.destination.clone(), tree);
            }
        }
        Ok(Self(peers))
    }

    /// Keeps the procfs that settings were written through, if the container's own is to be like it.
    pub(in crate::launch) fn take_procfs(&mut self, plan: &Plan, procfs: Option<Procfs>) {
        let Some(tree) = procfs.and_then(Procfs::into_mount) else { return };
        if let Some(mount) = plan.mounts.iter().find(|mount| is_usual_procfs(mount)) {
            self.0.insert(mount.destination.clone(), Tree::single(tree, PointKind::Directory));
        }
    }

    /// For mounts that are nobody's peers.
    pub(in crate::launch) fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// The mount for `destination`, if one was made.
    pub(super) fn take(&mut self, destination: &ContainerPath) -> Option<Tree> {
        self.0.remove(destination)
    }
}

/// Whether a mount is a procfs of the container's own without any option, and has all that such a one is made with.
fn is_usual_procfs(mount: &Attachment) -> bool {
    let Attributes { exec, suid, dev, .. } = mount.attributes;
    let Source::New { kind: FileSystem::Proc, options, content: Content::Empty } = &mount.source else {
        return false;
    };
    options.is_empty() && [exec, suid, dev] == [Rule::Deny; 3]
}

fn copy(mount: &Attachment) -> Result<Option<Tree>, Cause> {
    if !matches!(mount.propagation, Propagation::Shared | Propagation::Rshared) {
        return Ok(None);
    }
    Ok(match &mount.source {
        Source::Bind { path, recursion } => Some(tree::bind(path, *recursion)?),
        Source::Beneath { base, subpath, recursion } => Some(tree::beneath(base, subpath, *recursion)?),
        Source::New { .. }
        | Source::Merged(_)
        | Source::Driver(_)
        | Source::Device { .. }
        | Source::Link { .. } => None,
    })
}
