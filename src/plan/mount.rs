//! What `-v`, `--mount` and `--tmpfs` ask for: text is *parsed* into [`MountRequest`]s, all requests together are
//! *resolved* (duplicates, precedence, order), and only then does anything touch the disk or the kernel.
//!
//! Whoever holds a request need not know which flag it came from. A word of other tools that cannot mean anything
//! here is an error that says so; none is dropped silently.

mod attribute;
mod csv;
mod donor;
mod draft;
mod error;
mod glob;
mod hint;
mod image_volumes;
mod kind;
mod near;
mod parse_mount;
mod parse_tmpfs;
mod parse_volume;
mod print;
mod resolve;
mod tmpfs;
mod view;
mod word;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use serde::{Deserialize, Serialize};

use super::bytes;
use super::path::ContainerPath;

pub use attribute::{Access, Atime, Attributes, Propagation, Recursion, Rule};
pub use donor::{Donor, parse_donor};
pub use error::{MountError, Problem};
pub use image_volumes::ImageVolumes;
pub use kind::{Bind, Content, Devpts, ImageMount, Missing, MountKind, Ramfs, Volume};
pub use parse_mount::parse_mount;
pub use parse_tmpfs::parse_tmpfs;
pub use parse_volume::parse_volume;
pub(in crate::plan) use resolve::absolute;
pub use resolve::resolve;
pub use tmpfs::{Tmpfs, TmpfsFlag, TmpfsKey};
pub use view::{Links, Ownership, View};

/// One mount that the user or the image asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountRequest {
    /// Where the request came from; for messages and for the rules about duplicates.
    pub origin: Origin,
    /// Where it appears in the container; never `/`, but for a [`MountKind::Glob`] whose matches keep their paths.
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

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.flag, error::shown(&self.text.to_string_lossy()))
    }
}

impl Origin {
    /// The error for a request that came from here.
    #[must_use]
    pub fn refuse(&self, problem: Problem) -> MountError {
        MountError::Spec { flag: self.flag, text: self.text.to_string_lossy().into_owned(), problem }
    }
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
    /// `--device`.
    Device,
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Volume => "-v",
            Self::Mount => "--mount",
            Self::Tmpfs => "--tmpfs",
            Self::VolumesFrom => "--volumes-from",
            Self::Image => "VOLUME",
            Self::Device => "--device",
        })
    }
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

/// A request, or the error of its flag.
fn request(
    flag: Flag,
    text: &OsStr,
    parsed: Result<(ContainerPath, MountKind), Problem>,
) -> Result<MountRequest, MountError> {
    let origin = Origin { flag, text: text.to_owned() };
    match parsed {
        Ok((destination, kind)) => Ok(MountRequest { origin, destination, kind }),
        Err(problem) => Err(origin.refuse(problem)),
    }
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
