//! An image's layers for another ID map: copied from those that are there, each file given its new owner.

use std::path::PathBuf;

use super::{Engine, Error, UsernsMode};
use crate::plan::idmap::{IdMap, IdRange, to_container, to_host};
use crate::store::image::Image;
use crate::store::layer::{LayerDirectories, LayerOwners};

/// Users or groups.
type Select = fn(&IdMap) -> &[IdRange];

/// How the owner of a file becomes that of its copy, for a process that sees IDs through `view`.
struct Translation<'a> {
    from: &'a LayerOwners,
    to: &'a LayerOwners,
    /// None where the process sees the host's IDs.
    view: Option<&'a IdMap>,
}

impl Translation<'_> {
    fn owner(&self, user: u32, group: u32) -> Option<(u32, u32)> {
        Some((self.id(user, |map| &map.users)?, self.id(group, |map| &map.groups)?))
    }

    fn id(&self, id: u32, select: Select) -> Option<u32> {
        let container = match self.from {
            LayerOwners::Squashed => Some(id),
            LayerOwners::Host => self.seen_to_host(id, select),
            LayerOwners::Mapped(map) => to_container(select(map), self.seen_to_host(id, select)?),
        }?;
        match self.to {
            LayerOwners::Squashed => Some(container),
            LayerOwners::Host => self.host_to_seen(container, select),
            LayerOwners::Mapped(map) => self.host_to_seen(to_host(select(map), container)?, select),
        }
    }

    fn seen_to_host(&self, id: u32, select: Select) -> Option<u32> {
        self.view.map_or(Some(id), |view| to_host(select(view), id))
    }

    fn host_to_seen(&self, id: u32, select: Select) -> Option<u32> {
        self.view.map_or(Some(id), |view| to_container(select(view), id))
    }
}

impl Engine {
    /// Makes the layers of `image` that are missing for `to`; all of them, the topmost first.
    ///
    /// # Errors
    /// There is no complete set to copy, or an owner has no place in the new map.
    pub(super) fn convert(&self, image: &Image, to: &LayerOwners) -> Result<Vec<PathBuf>, Error> {
        let mut complete = image.owners(&self.store)?;
        // What is squashed has lost the owners of symlinks.
        complete.sort_by_key(|owners| *owners == LayerOwners::Squashed);
        let from = complete.first().unwrap_or(to);
        let namespace = self.namespace(UsernsMode::Auto)?.0;
        let view = namespace.as_ref().map(|namespace| &namespace.map);
        let translation = Translation { from, to, view };
        self.confined(namespace.as_ref(), &[], || {
            self.store.derive_layers(image, from, to, &mut |user, group| translation.owner(user, group))
        })?;
        match image.layer_directories(&self.store, to)? {
            LayerDirectories::Complete(directories) => Ok(directories),
            LayerDirectories::Missing(_) => Err(Error::Vanished { origin: image.id.to_string() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(container: u32, host: u32, size: u32) -> IdRange {
        IdRange { container, host, size }
    }

    fn map(ranges: &[IdRange]) -> IdMap {
        IdMap { users: ranges.to_vec(), groups: ranges.to_vec() }
    }

    #[test]
    fn owners_are_translated() {
        let automatic = map(&[range(0, 1000, 1), range(1, 100_000, 65536)]);
        let keep = map(&[range(0, 100_000, 1000), range(1000, 1000, 1), range(1001, 101_000, 64536)]);
        let (squashed, host) = (LayerOwners::Squashed, LayerOwners::Host);
        let (mapped, kept) = (LayerOwners::Mapped(automatic.clone()), LayerOwners::Mapped(keep));
        let with = |from: &LayerOwners, to: &LayerOwners, view: Option<&IdMap>, id: u32| {
            Translation { from, to, view }.owner(id, id).map(|(user, _)| user)
        };
        // A process in the automatic namespace sees its own ID as 0, and the first subordinate one as 1.
        let view = Some(&automatic);
        assert_eq!(with(&mapped, &kept, view, 0), Some(1), "root becomes 100000");
        assert_eq!(with(&mapped, &kept, view, 1000), Some(0), "1000 becomes the caller");
        assert_eq!(with(&mapped, &squashed, view, 33), Some(33));
        assert_eq!(with(&squashed, &mapped, view, 33), Some(33));
        assert_eq!(with(&squashed, &kept, view, 33), Some(34));
        assert_eq!(with(&squashed, &mapped, view, 70_000), None);
        assert_eq!(with(&host, &squashed, None, 33), Some(33));
        assert_eq!(with(&squashed, &host, None, 33), Some(33));
    }
}
