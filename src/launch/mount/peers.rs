//! Sources that stay peers of the host's mounts (`shared`, `rshared`).
//!
//! Only a copy made before the container's mounts become slaves of the host's is a peer, and so they are copied ahead
//! of everything else. Crossing into a user namespace has made all of them slaves already; then there are none.

use std::collections::BTreeMap;

use super::{Cause, MountFailure, Tree, tree};
use crate::plan::Plan;
use crate::plan::attachment::{Attachment, Source};
use crate::plan::mount::Propagation;
use crate::plan::path::ContainerPath;

/// Copies of shared sources, by destination.
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

    /// For mounts that are nobody's peers.
    pub(in crate::launch) fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// The copy for `destination`, if one was made.
    pub(super) fn take(&mut self, destination: &ContainerPath) -> Option<Tree> {
        self.0.remove(destination)
    }
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
