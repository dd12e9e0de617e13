//! `--image-volume`: what becomes of the `VOLUME`s that an image declares.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::str::FromStr;

use super::parse_tmpfs::DEFAULT_ATTRIBUTES;
use super::{
    Attributes, Content, Flag, Missing, MountError, MountKind, MountRequest, Origin, Ownership, Problem,
    Propagation, Rule, Tmpfs, View, Volume,
};
use crate::plan::path::ContainerPath;

/// What becomes of a `VOLUME` at which nothing else is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImageVolumes {
    /// A volume without a name.
    #[default]
    Anonymous,
    /// Memory, empty at the start.
    Tmpfs,
    /// Nothing: what the container writes there is in its own layer.
    Ignored,
}

impl FromStr for ImageVolumes {
    type Err = MountError;

    fn from_str(text: &str) -> Result<Self, MountError> {
        match text {
            "bind" | "anonymous" => Ok(Self::Anonymous),
            "tmpfs" => Ok(Self::Tmpfs),
            "ignore" => Ok(Self::Ignored),
            _ => Err(MountError::ImageVolume(text.to_owned())),
        }
    }
}

impl ImageVolumes {
    /// The request for one `VOLUME`.
    pub(super) fn request(self, destination: &ContainerPath) -> Result<Option<MountRequest>, MountError> {
        let kind = match self {
            Self::Anonymous => MountKind::Volume(anonymous()),
            Self::Tmpfs => MountKind::Tmpfs(tmpfs()),
            Self::Ignored => return Ok(None),
        };
        if let Some(problem) = refusal(destination) {
            let text = destination.to_string();
            return Err(MountError::Spec { flag: Flag::Image, text, problem });
        }
        let text: OsString = destination.as_os_str().to_owned();
        Ok(Some(MountRequest {
            origin: Origin { flag: Flag::Image, text },
            destination: destination.clone(),
            kind,
        }))
    }
}

/// Why an image can have no volume there: what everything in a container relies on is the container's own.
fn refusal(destination: &ContainerPath) -> Option<Problem> {
    if destination.is_root() {
        return Some(Problem::DestinationIsRoot);
    }
    let root = ContainerPath::root();
    let is_kernels = ["sys", "dev"].iter().any(|name| *destination == root.join(name));
    (is_kernels || destination.is_within(&root.join("proc"))).then_some(Problem::DestinationIsKernels)
}

fn anonymous() -> Volume {
    Volume {
        name: None,
        missing: Missing::Create,
        content: Content::Image,
        labels: Vec::new(),
        options: BTreeMap::new(),
        subpath: None,
        attributes: Attributes::default(),
        view: View::Direct,
        ownership: Ownership::Kept,
    }
}

/// Programs may run there, as they may in the volume in whose place it stands.
fn tmpfs() -> Tmpfs {
    Tmpfs {
        options: BTreeMap::new(),
        flags: BTreeSet::new(),
        content: Content::Empty,
        attributes: Attributes { exec: Rule::Allow, ..DEFAULT_ATTRIBUTES },
        propagation: Propagation::default(),
        ownership: Ownership::Kept,
    }
}
