//! The kinds of mount, each with all that can be said about it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Attributes, Links, Ownership, Propagation, Recursion, Tmpfs, View};
use crate::plan::bytes;
use crate::plan::name::{Label, VolumeName};
use crate::plan::path::Subpath;

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MountKind {
    /// A file or directory of the host.
    Bind(Bind),
    /// A directory that minirun keeps.
    Volume(Volume),
    /// Memory that is gone when the container stops.
    Tmpfs(Tmpfs),
    /// The files of an image.
    Image(ImageMount),
    /// A `devpts` of its own: pseudo-terminals.
    Devpts(Devpts),
    /// Memory without a limit that is gone when the container stops.
    Ramfs(Ramfs),
    /// Every file of the host that a pattern matches; becomes a [`MountKind::Bind`] for each before [`resolve()`](super::resolve()).
    Glob(Bind),
}

impl MountKind {
    /// The word for `type=`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bind(_) => "bind",
            Self::Volume(_) => "volume",
            Self::Tmpfs(_) => "tmpfs",
            Self::Image(_) => "image",
            Self::Devpts(_) => "devpts",
            Self::Ramfs(_) => "ramfs",
            Self::Glob(_) => "glob",
        }
    }
}

/// A file or directory of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// The host's path: absolute, or beginning with a dot until [`resolve()`](super::resolve()) has made it absolute and clean.
    #[serde(with = "bytes")]
    pub source: PathBuf,
    /// What to do when the source does not exist; what is created is a directory, whatever its name looks like.
    pub missing: Missing,
    /// What becomes of the mounts below the source.
    pub recursion: Recursion,
    /// Permissions of the mount.
    pub attributes: Attributes,
    /// How mounts made later travel between host and container.
    pub propagation: Propagation,
    /// Where what the container writes goes.
    pub view: View,
    /// Whose the source is to be.
    pub ownership: Ownership,
    /// What is bound when the source is a symlink.
    pub links: Links,
}

/// A directory that minirun keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// The name; `None` for an anonymous volume, which gets a random name and goes away with `--rm`.
    pub name: Option<VolumeName>,
    /// What to do when no volume of that name exists. Always [`Missing::Create`] for an anonymous one.
    pub missing: Missing,
    /// What an empty volume holds when the container starts: the image's files unless `nocopy` is given.
    pub content: Content,
    /// Labels for the volume if it is made now.
    pub labels: Vec<Label>,
    /// Options of the driver for the volume if it is made now: `type`, `device`, `o`.
    pub options: BTreeMap<String, String>,
    /// What of the volume is mounted; all of it if nothing is said.
    pub subpath: Option<Subpath>,
    /// Permissions of the mount.
    pub attributes: Attributes,
    /// Where what the container writes goes.
    pub view: View,
    /// Whose the volume's files are to be.
    pub ownership: Ownership,
}

/// The files of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageMount {
    /// The image as typed: what `minirun run` takes as IMAGE.
    pub image: String,
    /// What of it is mounted; all of it if nothing is said.
    pub subpath: Option<Subpath>,
    /// Permissions of the mount; writable is a layer that is thrown away with the container.
    pub attributes: Attributes,
}

/// A `devpts` of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devpts {
    /// Values for the kernel: `uid`, `gid` (container IDs), `mode`, `ptmxmode` (octal), `max`.
    pub options: BTreeMap<String, String>,
    /// Permissions of the mount.
    pub attributes: Attributes,
}

/// Memory without a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ramfs {
    /// Permissions of the root directory, octal, as `ramfs` takes them.
    pub mode: Option<String>,
    /// What it holds when the container starts: nothing unless `tmpcopyup` is given.
    pub content: Content,
    /// Permissions of the mount.
    pub attributes: Attributes,
    /// Whose its root directory is to be.
    pub ownership: Ownership,
}

/// What to do when a source does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Missing {
    /// Make it.
    Create,
    /// Refuse to start.
    Refuse,
}

/// What something new holds when the container starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// Nothing.
    Empty,
    /// A copy of the image's directory at the destination.
    Image,
}
