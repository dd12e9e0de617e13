//! What is written down about a container, and what is read back.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use oci_spec::image::Config;
use serde::{Deserialize, Serialize};

use crate::plan::bytes::{self, SystemPath};
use crate::plan::capability::CapabilitySet;
use crate::plan::digest::Digest;
use crate::plan::idmap::IdMap;
use crate::plan::landlock::Landlock;
use crate::plan::limit::Ulimit;
use crate::plan::mount::MountRequest;
use crate::plan::name::{ContainerId, ContainerName, Label, VolumeName};
use crate::plan::namespace::Network;
use crate::plan::path::ContainerPath;
use crate::plan::port::PublishedPort;
use crate::plan::process::{CallerGroups, NewPrivileges, Umask};
use crate::plan::resources::{Enforcement, Limit, Limiter};
use crate::plan::seccomp::SeccompRecord;
use crate::plan::supervision::Supervision;
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

/// What `record.json` of a container holds. There, paths in the store are written from the store; here, they are absolute.
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
    pub network_files: Option<SystemPath>,
    /// The limits that were asked for.
    #[serde(default)]
    pub resources: Vec<Limit>,
    /// Who enforces them.
    #[serde(default)]
    pub limiter: Limiter,
    /// What became of each limit that was asked for.
    #[serde(default)]
    pub limits: Vec<Enforcement>,
    /// How the root filesystem is made: `overlay`, `vfs` or `host`.
    pub driver: String,
    /// The directories of the image's layers, the topmost first.
    pub lower_directories: Vec<SystemPath>,
    /// The signal that asks it to stop.
    pub stop_signal: Option<String>,
    /// Whether it goes with its end (`--rm`).
    pub removed_at_end: bool,
    /// How it is watched over.
    #[serde(default)]
    pub supervision: Supervision,
    /// The nanoseconds that [`Self::created`] leaves out.
    #[serde(default)]
    pub created_nanoseconds: i64,
    /// What its processes may do.
    #[serde(default)]
    pub rights: RightsRecord,
    /// What a container of an image made from this one would run, and how.
    #[serde(default)]
    pub config: Config,
    /// What was asked for, and is needed only to be told.
    #[serde(default)]
    pub asked: AskedRecord,
}

/// Words of the command line that nothing but `inspect` wants to know afterwards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AskedRecord {
    /// `--user`, else the image's, as typed; empty if neither says whom to run as.
    pub user: String,
    /// Whether something can be written to its standard input.
    pub open_input: bool,
    /// `--init`.
    pub init: bool,
    /// `--privileged`.
    pub privileged: bool,
    /// `--device`: the path on the host, the one in the container, and what may be done.
    pub devices: Vec<[String; 3]>,
    /// `--shm-size`, bytes.
    pub shm_size: u64,
    /// `--cidfile`, absolute.
    pub cid_file: Option<String>,
    /// `--add-host`, as `NAME:ADDRESS`.
    pub extra_hosts: Vec<String>,
    /// `--dns`.
    pub dns: Vec<String>,
    /// `--dns-search`.
    pub dns_search: Vec<String>,
    /// `--dns-option`.
    pub dns_options: Vec<String>,
    /// The platform of its image, as `OS/ARCHITECTURE`; the machine's own where there is no image.
    pub platform: String,
}

/// What `started.json` of a container holds, once its command has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartRecord {
    /// How many times it has been started.
    pub run: u32,
    /// How many times in a row its supervisor has started it again.
    pub restarts: u32,
    /// When, nanoseconds since 1970.
    pub nanoseconds: i64,
}

/// What the processes of a container may do, those that come later, too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RightsRecord {
    /// Its IDs; none where it shares the caller's user namespace.
    pub map: Option<IdMap>,
    /// The bounding set.
    pub capabilities: CapabilitySet,
    /// Whether they can gain rights.
    pub new_privileges: NewPrivileges,
    /// Which system calls they may make.
    #[serde(default)]
    pub seccomp: SeccompRecord,
    /// `--ulimit`.
    pub limits: Vec<Ulimit>,
    /// `--oom-score-adj`.
    #[serde(default)]
    pub oom_score_adjustment: Option<i32>,
    /// `--group-add`.
    pub extra_groups: Vec<String>,
    /// `--group-add keep-groups`.
    #[serde(default)]
    pub caller_groups: CallerGroups,
    /// `--umask`.
    #[serde(default)]
    pub umask: Umask,
    /// `--landlock`.
    #[serde(default)]
    pub landlock: Landlock,
    /// Which network namespace they are in.
    #[serde(default)]
    pub network: Network,
    /// The home directory of its user.
    pub home: String,
}

/// What `status.json` of a container holds, once it has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndRecord {
    /// How the command ended.
    pub status: ExitStatus,
    /// When, seconds since 1970.
    pub finished: i64,
    /// Which of its runs that was; 0 for one that did not come to its command.
    #[serde(default)]
    pub run: u32,
    /// Whether it ran longer than it was to.
    #[serde(default)]
    pub timed_out: bool,
    /// Why its command did not run.
    #[serde(default)]
    pub error: Option<String>,
}

impl ContainerRecord {
    /// Every image that the container needs: the one it was made from, and those mounted in it.
    pub fn images(&self) -> impl Iterator<Item = &Digest> {
        self.image_id.iter().chain(&self.mounted_images)
    }
}

/// What a container is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It has not been started yet.
    Created,
    /// Its processes exist.
    Running,
    /// Its processes exist and stand still.
    Paused,
    /// It has ended and begins again in a moment.
    Restarting(EndRecord),
    /// It has ended.
    Exited(EndRecord),
    /// Its launcher was killed, and so was it.
    Dead,
}

impl State {
    /// Whether somebody watches over it.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        match self {
            Self::Running | Self::Paused | Self::Restarting(_) => true,
            Self::Created | Self::Exited(_) | Self::Dead => false,
        }
    }

    /// Whether it has processes, standing still or not.
    #[must_use]
    pub fn has_processes(&self) -> bool {
        match self {
            Self::Running | Self::Paused => true,
            Self::Created | Self::Restarting(_) | Self::Exited(_) | Self::Dead => false,
        }
    }

    /// The word that `ps` and `inspect` have for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting(_) => "restarting",
            Self::Exited(_) => "exited",
            Self::Dead => "dead",
        }
    }
}

/// A container of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// What it was made from.
    pub record: ContainerRecord,
    /// What it is doing.
    pub state: State,
    /// Its last start; none if its command has never run, or nobody wrote that down.
    pub start: Option<StartRecord>,
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
