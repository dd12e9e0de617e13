//! What `-v`, `--mount` and `--tmpfs` ask for: text is *parsed* into [`MountRequest`]s, all requests together are
//! *resolved* (duplicates, precedence, order), and only then does anything touch the disk or the kernel.
//!
//! Whoever holds a request need not know which flag it came from. A word whose meaning is not built yet is an
//! error that says so; none is dropped silently.

mod attribute;
mod csv;
mod error;
mod parse_mount;
mod parse_tmpfs;
mod parse_volume;
mod print;
mod resolve;
mod word;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::bytes;
use super::name::{Label, VolumeName};
use super::path::{ContainerPath, Subpath};

pub use attribute::{Access, Atime, Attributes, Propagation, Recursion, Rule};
pub use error::{MountError, Problem};
pub use parse_mount::parse_mount;
pub use parse_tmpfs::parse_tmpfs;
pub use parse_volume::parse_volume;
pub use resolve::resolve;

/// One mount that the user or the image asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountRequest {
    /// Where the request came from; for messages and for the rules about duplicates.
    pub origin: Origin,
    /// Where it appears in the container; never `/`.
    pub destination: ContainerPath,
    /// What is mounted there.
    pub kind: MountKind,
}

/// Where a request came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The flag.
    pub flag: Flag,
    /// The flag's value as typed.
    #[serde(with = "bytes")]
    pub text: OsString,
}

/// The ways to ask for a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Flag {
    /// `-v`, `--volume`.
    Volume,
    /// `--mount`.
    Mount,
    /// `--tmpfs`.
    Tmpfs,
    /// `--volumes-from`.
    VolumesFrom,
    /// A `VOLUME` of the image's configuration.
    Image,
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Volume => "-v",
            Self::Mount => "--mount",
            Self::Tmpfs => "--tmpfs",
            Self::VolumesFrom => "--volumes-from",
            Self::Image => "VOLUME",
        })
    }
}

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
    /// Every file of the host that a pattern matches; becomes a [`MountKind::Bind`] for each before [`resolve()`].
    Glob(Bind),
}

impl MountRequest {
    /// Permissions of the mount.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        match &self.kind {
            MountKind::Bind(bind) | MountKind::Glob(bind) => bind.attributes,
            MountKind::Volume(volume) => volume.attributes,
            MountKind::Tmpfs(tmpfs) => tmpfs.attributes,
            MountKind::Image(image) => image.attributes,
            MountKind::Devpts(devpts) => devpts.attributes,
            MountKind::Ramfs(ramfs) => ramfs.attributes,
        }
    }
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
    /// The host's path: absolute, or beginning with a dot until [`resolve()`] has made it absolute and clean.
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

/// Where what the container writes goes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum View {
    /// To the source itself.
    #[default]
    Direct,
    /// To a layer over the source that is thrown away with the container (`O`).
    Discarded,
    /// To a layer of the caller's over the source (`O,upperdir=…,workdir=…`).
    Layer {
        /// Where the changes go: absolute, or beginning with a dot until [`resolve()`].
        #[serde(with = "bytes")]
        upper: PathBuf,
        /// Where overlayfs prepares them.
        #[serde(with = "bytes")]
        work: PathBuf,
    },
    /// To a layer over the source that stays with the container until its changes are applied or discarded (`cow`).
    Review,
}

/// Whose the source of a mount is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Ownership {
    /// As it is.
    #[default]
    Kept,
    /// The container's user's, with everything below (`U`, `chown`).
    User,
}

/// What is bound when the source of a bind is a symlink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Links {
    /// What it leads to.
    #[default]
    Follow,
    /// The container gets a symlink like it (`no-dereference`).
    Copy,
}

/// A container whose volumes and binds another one takes over (`--volumes-from`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Donor {
    /// The container: a name, an ID or the beginning of one.
    pub container: String,
    /// `ro` makes all of them read-only; nothing makes one writable that is not.
    pub access: Option<Access>,
}

/// A file system in memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tmpfs {
    /// Values for the kernel, valid for [`TmpfsKey`], see `tmpfs(5)`.
    pub options: BTreeMap<TmpfsKey, String>,
    /// Flags of the file system.
    pub flags: BTreeSet<TmpfsFlag>,
    /// What it holds when the container starts: nothing unless `tmpcopyup` is given.
    pub content: Content,
    /// Permissions of the mount.
    pub attributes: Attributes,
    /// How mounts made later travel between host and container.
    pub propagation: Propagation,
    /// Whose its root directory is to be.
    pub ownership: Ownership,
}

/// A file system option of tmpfs that takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TmpfsKey {
    /// `size`: bytes, with `k`, `m`, `g`, `t` or `p` binary multiples, or with `%` of the memory.
    Size,
    /// `mode`: permissions of the root directory, octal.
    Mode,
    /// `uid`: owner of the root directory, a container ID.
    Uid,
    /// `gid`: group of the root directory, a container ID.
    Gid,
    /// `nr_inodes`: how many inodes, with `k`, `m`, `g`.
    NrInodes,
    /// `nr_blocks`: size in pages, with `k`, `m`, `g`.
    NrBlocks,
    /// `mpol`: NUMA memory policy.
    Mpol,
    /// `huge`: use of huge pages: `never`, `always`, `within_size`, `advise`.
    Huge,
}

impl TmpfsKey {
    /// Every key, in the order in which they print.
    pub const ALL: [Self; 8] = [
        Self::Size,
        Self::Mode,
        Self::Uid,
        Self::Gid,
        Self::NrInodes,
        Self::NrBlocks,
        Self::Mpol,
        Self::Huge,
    ];

    /// The kernel's word, for `fsconfig(2)`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Mode => "mode",
            Self::Uid => "uid",
            Self::Gid => "gid",
            Self::NrInodes => "nr_inodes",
            Self::NrBlocks => "nr_blocks",
            Self::Mpol => "mpol",
            Self::Huge => "huge",
        }
    }
}

/// A file system flag of tmpfs, as `fsconfig(FSCONFIG_SET_FLAG)` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TmpfsFlag {
    /// `sync`.
    Sync,
    /// `dirsync`.
    Dirsync,
}

impl TmpfsFlag {
    /// The kernel's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Dirsync => "dirsync",
        }
    }
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

/// A destination as every flag takes it.
fn parse_destination(text: &[u8]) -> Result<ContainerPath, Problem> {
    let destination = ContainerPath::parse(OsStr::from_bytes(text)).map_err(Problem::Destination)?;
    if destination.is_root() {
        return Err(Problem::DestinationIsRoot);
    }
    Ok(destination)
}

#[cfg(test)]
mod tests;
