//! What a container's `/` is made of.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::path::{ContainerPath, Subpath};

/// A root filesystem as it lies on disk, not mounted yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rootfs {
    /// A directory that is used as it is (the `vfs` driver's private copy).
    Directory {
        /// The directory.
        path: PathBuf,
        /// The mount point, on which nothing is ever seen outside the container's mount namespace.
        merged: PathBuf,
    },
    /// The image's layers below a writable layer, merged by overlayfs.
    Overlay {
        /// The image's layers, the topmost first.
        lowers: Vec<PathBuf>,
        /// The writable layer.
        upper: PathBuf,
        /// Where overlayfs prepares what it then moves into the writable layer.
        work: PathBuf,
        /// The mount point.
        merged: PathBuf,
        /// Whether the writable layer outlives the container.
        lifetime: Lifetime,
        /// What is known of the layers' roots; nothing where nobody has to know.
        #[serde(skip)]
        index: RootIndex,
    },
    /// The machine's own root filesystem under a throw-away layer in memory.
    Host {
        /// The pieces it is put together from.
        areas: Vec<HostArea>,
        /// The mount point.
        merged: PathBuf,
    },
}

/// Which layers have a name in their root directory, so that nobody needs to look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RootIndex {
    /// The layers by name: their places from the top on.
    places: HashMap<OsString, Vec<usize>>,
    /// The places of those of which it is not known.
    unlisted: Vec<usize>,
    length: usize,
}

impl RootIndex {
    /// Of how many layers it is.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// The places of the layers of which it is not known what they have.
    #[must_use]
    pub fn unlisted(&self) -> &[usize] {
        &self.unlisted
    }

    /// The places of those that are known to have a name, the topmost first.
    #[must_use]
    pub fn places(&self, name: &OsStr) -> &[usize] {
        self.places.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Notes that the layer at `place` has a name.
    pub fn insert(&mut self, name: &OsStr, place: usize) {
        match self.places.get_mut(name) {
            Some(places) => {
                let at = places.partition_point(|other| *other < place);
                places.insert(at, place);
            }
            None => drop(self.places.insert(name.to_owned(), vec![place])),
        }
    }
}

impl<'a> FromIterator<Option<&'a [String]>> for RootIndex {
    /// From the names in each layer's root, the topmost layer first; none where they are not known.
    fn from_iter<I: IntoIterator<Item = Option<&'a [String]>>>(layers: I) -> Self {
        let mut index = Self::default();
        for names in layers {
            match names {
                Some(names) => names.iter().for_each(|name| index.insert(OsStr::new(name), index.length)),
                None => index.unlisted.push(index.length),
            }
            index.length += 1;
        }
        index
    }
}

/// Whether something outlives the container that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lifetime {
    /// It stays until it is removed.
    Kept,
    /// It goes with the container (`--rm`), so nobody needs it to survive a power cut.
    Ephemeral,
}

/// One piece of the machine's root filesystem.
///
/// A user namespace may not copy a mount without what is mounted on it, as that would show what lies below; so
/// `/` cannot be one lower directory, and each directory without mounts below it becomes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostArea {
    /// Where it is, on the host and in the container.
    pub path: ContainerPath,
    /// What becomes of it.
    pub kind: HostAreaKind,
}

/// What becomes of a piece of the machine's root filesystem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostAreaKind {
    /// A lower directory with a writable layer over it; the layer's root gets this mode (octal).
    Overlay {
        /// Permissions of the directory on the host.
        mode: u32,
    },
    /// An empty directory, because the caller cannot read the host's or must not see what it holds.
    Empty {
        /// Permissions of the directory on the host.
        mode: u32,
    },
    /// A directory that other areas lie in.
    Directory {
        /// Permissions of the directory on the host.
        mode: u32,
    },
    /// A symlink, copied.
    Symlink {
        /// Where it leads, as written.
        destination: PathBuf,
    },
    /// A directory, bound read-only with all that is mounted below it.
    ReadOnlyBind,
    /// A file, bound read-only.
    ReadOnlyFile,
}

/// A volume that takes the image's files at its destination if it is empty when the container starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// The volume's data directory, or the directory of the host that stands for it.
    pub data: PathBuf,
    /// What of it is filled.
    pub part: FillPart,
    /// Which directory of the image fills it.
    pub destination: ContainerPath,
}

/// What of a volume is filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FillPart {
    /// All of a volume that lies in the store, where a copy can be prepared beside it.
    Volume,
    /// A directory that has nothing of minirun beside it: a part of a volume, or the host's.
    Directory(Subpath),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_layers_from_the_top_on() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let (top, low) = (names(&["etc", "usr"]), names(&["etc"]));
        let mut index: RootIndex = [Some(&top[..]), None, Some(&low[..])].into_iter().collect();
        assert_eq!((index.length(), index.unlisted()), (3, &[1][..]));
        let places = |index: &RootIndex, name: &str| index.places(OsStr::new(name)).to_vec();
        assert_eq!(
            [places(&index, "etc"), places(&index, "usr"), places(&index, "var")],
            [vec![0, 2], vec![0], vec![]]
        );
        index.insert(OsStr::new("etc"), 1);
        index.insert(OsStr::new("var"), 1);
        assert_eq!([places(&index, "etc"), places(&index, "var")], [vec![0, 1, 2], vec![1]]);
    }
}
