//! What is written down about a container, and what is read back.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::plan::bytes;
use crate::plan::digest::Digest;
use crate::plan::mount::MountRequest;
use crate::plan::name::{ContainerId, ContainerName, Label, VolumeName};
use crate::plan::path::ContainerPath;
use crate::plan::port::PublishedPort;
use crate::plan::resources::Enforcement;
use crate::sys::clone::ExitStatus;

/// One mount, as `inspect` tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MountRecord {
    /// What was asked for, resolved: sources are absolute.
    pub request: MountRequest,
    /// The volume, also where it has been made without a name.
    pub volume: Option<VolumeName>,
    /// Whether the volume was made without a name, for this container.
    pub anonymous: bool,
    /// The path on the host; empty for what is in memory.
    #[serde(with = "bytes")]
    pub source: PathBuf,
    /// The directory below the container's own with `upper` and `work` of a layer over the source; none where the
    /// container writes to the source itself.
    pub layer: Option<String>,
}

/// What `record.json` of a container holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerRecord {
    /// Its ID.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// The image as the user named it.
    pub image: String,
    /// The image's ID; none for directories and the machine's own root.
    pub image_id: Option<Digest>,
    /// The images that are mounted in it.
    #[serde(default)]
    pub mounted_images: Vec<Digest>,
    /// When it was made, seconds since 1970.
    pub created: i64,
    /// The whole command line.
    pub command: Vec<String>,
    /// Its environment.
    pub environment: Vec<String>,
    /// Where the command starts.
    pub working_directory: String,
    /// Which user namespace it has, a word of `--userns`.
    #[serde(default)]
    pub userns: String,
    /// User and group, as numbers.
    pub user: String,
    /// Its host name.
    pub hostname: String,
    /// The image's labels and the user's.
    pub labels: Vec<Label>,
    /// Its mounts.
    pub mounts: Vec<MountRecord>,
    /// The volumes that the image and `-v DESTINATION` declare, mounted or not.
    #[serde(default)]
    pub declared_volumes: Vec<String>,
    /// What `--volumes-from` named, as typed.
    #[serde(default)]
    pub volumes_from: Vec<String>,
    /// Whether it has a terminal.
    pub terminal: bool,
    /// Whether `/` is read-only.
    pub read_only: bool,
    /// `none`, `host`, `pasta` or `container:ID`.
    pub network: String,
    /// The ports of the host that lead to it.
    #[serde(default)]
    pub ports: Vec<PublishedPort>,
    /// Its IPv4 address on a network of its own.
    #[serde(default)]
    pub address: Option<Ipv4Addr>,
    /// The directory of the generated files of its `/etc`, where it is another container's.
    #[serde(default)]
    pub network_files: Option<String>,
    /// Its cgroup, if it has one of its own.
    #[serde(default)]
    pub cgroup: Option<String>,
    /// What became of each limit that was asked for.
    #[serde(default)]
    pub limits: Vec<Enforcement>,
    /// How the root filesystem is made: `overlay`, `vfs` or `host`.
    pub driver: String,
    /// The directories of the image's layers, the topmost first; what is not UTF-8 in them is replaced.
    pub lower_directories: Vec<String>,
    /// The signal that asks it to stop.
    pub stop_signal: Option<String>,
    /// Whether it goes with its end (`--rm`).
    pub removed_at_end: bool,
}

/// What `status.json` of a container holds, once it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndRecord {
    /// How the command ended.
    pub status: ExitStatus,
    /// When, seconds since 1970.
    pub finished: i64,
}

impl ContainerRecord {
    /// Every image that the container needs: the one it was made from, and those mounted in it.
    pub fn images(&self) -> impl Iterator<Item = &Digest> {
        self.image_id.iter().chain(&self.mounted_images)
    }
}

/// What a container is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its processes exist.
    Running,
    /// It has ended.
    Exited(EndRecord),
    /// Its launcher was killed, and so was it.
    Dead,
}

/// A container of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// What it was made from.
    pub record: ContainerRecord,
    /// What it is doing.
    pub state: State,
    /// Its directory.
    pub path: PathBuf,
    /// What has been mounted into it while it runs, and is still there.
    pub live: Vec<LiveMount>,
}

impl Container {
    /// All its mounts: those that it was made with, then those that came later.
    pub fn mounts(&self) -> impl Iterator<Item = &MountRecord> {
        self.record.mounts.iter().chain(self.live.iter().map(|live| &live.record))
    }

    /// Every image that it needs.
    pub fn images(&self) -> impl Iterator<Item = &Digest> {
        self.record.images().chain(self.live.iter().flat_map(|live| &live.images))
    }
}

/// A mount that a running container got later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveMount {
    /// What was asked for.
    pub record: MountRecord,
    /// Where it is, every symlink followed.
    pub place: ContainerPath,
    /// The image that it shows, if it is one.
    pub images: Vec<Digest>,
}
