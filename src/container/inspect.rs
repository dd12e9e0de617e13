//! What is known of containers and images, in the shape that Docker's `inspect` has.

mod limits;
mod mounts;
mod network;
mod state;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::{Engine, Error, rfc3339};
use crate::plan::name::{ContainerId, ContainerName, Label};
use crate::plan::port::PublishedPort;
use crate::plan::reference::Reference;
use crate::plan::resources::Kind;
use crate::plan::supervision::{Grace, LogPolicy};
use crate::store::container::{Container, ContainerRecord, MountRecord, State};
use crate::store::image::Image;
use crate::store::layer::LayerDirectories;

/// A container in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSummary {
    /// Its ID.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// The image as the user named it.
    pub image: String,
    /// The whole command line.
    pub command: Vec<String>,
    /// When it was made, seconds since 1970.
    pub created: i64,
    /// What it is doing.
    pub state: State,
    /// When its command began to run, seconds since 1970; none if it never did.
    pub started: Option<i64>,
    /// The names of its volumes, the paths of its binds, and where they are mounted.
    pub mounts: Vec<String>,
    /// The names of its volumes and the paths of its binds.
    pub sources: Vec<String>,
    /// How many of them are volumes.
    pub volumes: usize,
    /// `none` or `host`.
    pub network: String,
    /// The image's labels and the user's.
    pub labels: Vec<Label>,
    /// The ports of the host that lead to it now.
    pub ports: Vec<PublishedPort>,
}

impl Engine {
    /// All containers, the newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn containers(&self) -> Result<Vec<ContainerSummary>, Error> {
        let containers = self.store.containers()?;
        Ok(containers.into_iter().map(summary).collect())
    }

    /// Everything about the container that `text` names.
    ///
    /// # Errors
    /// There is none, or the store cannot be read.
    pub fn inspect_container(&self, text: &str) -> Result<Value, Error> {
        let container = self.store.find_container(text)?;
        let record = &container.record;
        let (path, arguments) = match record.command.split_first() {
            Some((path, arguments)) => (path.as_str(), arguments),
            None => ("", &[][..]),
        };
        Ok(json!({
            "Id": record.id.as_str(),
            "Created": rfc3339(record.created),
            "Path": path,
            "Args": arguments,
            "State": self.state(&container)?,
            "Image": record.image_id.as_ref().map(ToString::to_string).unwrap_or_default(),
            "Name": record.name.as_str(),
            "Driver": record.driver,
            "RestartCount": container.start.map_or(0, |start| start.restarts),
            "Mounts": mounts::mounts(&container),
            "Config": container_config(record),
            "HostConfig": {
                "AutoRemove": record.removed_at_end,
                "BlkioWeight": limits::number(record, Kind::BlkioWeight),
                "CpuShares": limits::number(record, Kind::CpuShares),
                "CpusetCpus": limits::word(record, Kind::CpusetCpus),
                "CpusetMems": limits::word(record, Kind::CpusetMems),
                "Memory": limits::bytes(record, Kind::Memory),
                "MemoryReservation": limits::bytes(record, Kind::MemoryReservation),
                "MemorySwap": limits::swap(record),
                "NanoCpus": limits::nano_cpus(record),
                "PidsLimit": limits::number(record, Kind::PidsLimit),
                "Binds": mounts::binds(record),
                "Mounts": mounts::requests(record),
                "NetworkMode": record.network,
                "OomScoreAdj": record.rights.oom_score_adjustment.unwrap_or(0),
                "PortBindings": network::bindings(record),
                "ReadonlyRootfs": record.read_only,
                "RestartPolicy": {
                    "Name": record.supervision.restart.name(),
                    "MaximumRetryCount": record.supervision.restart.count(),
                },
                "LogConfig": log_config(record),
                "Tmpfs": mounts::tmpfs(record),
                "VolumesFrom": mounts::volumes_from(record),
            },
            "GraphDriver": container_driver(&container),
            "Limits": record.limits,
            "Result": self.store.container_result(&container)?,
            "NetworkSettings": network::settings(&container),
        }))
    }

    /// Everything about the image that `text` names.
    ///
    /// # Errors
    /// There is none, or the store cannot be read.
    pub fn inspect_image(&self, text: &str) -> Result<Value, Error> {
        let image = self.store.find_image(text)?;
        let summaries = self.store.images()?;
        let references = summaries.into_iter().find(|one| one.id == image.id).map(|one| one.references);
        let references = references.unwrap_or_default();
        let repositories: BTreeSet<String> = references.iter().map(Reference::familiar_name).collect();
        let digests = image
            .manifest_digest
            .iter()
            .flat_map(|digest| repositories.iter().map(move |repository| format!("{repository}@{digest}")));
        let diff_ids: Vec<_> = image.layers.iter().map(|layer| layer.diff_id.to_string()).collect();
        Ok(json!({
            "Id": image.id.to_string(),
            "RepoTags": references.iter().map(Reference::familiar).collect::<Vec<_>>(),
            "RepoDigests": digests.collect::<Vec<_>>(),
            "Created": image.config.created().clone().unwrap_or_default(),
            "Architecture": image.config.architecture().to_string(),
            "Os": image.config.os().to_string(),
            "Size": image.size(),
            "Config": image_config(&image),
            "RootFS": { "Type": "layers", "Layers": diff_ids },
            "GraphDriver": self.image_driver(&image)?,
        }))
    }

    /// The directories of the layers, for the owners that this caller's containers have.
    fn image_driver(&self, image: &Image) -> Result<Value, Error> {
        let (_, owners) = self.namespace(crate::plan::userns::UsernsMode::Auto)?;
        let directories = match image.layer_directories(&self.store, &owners)? {
            LayerDirectories::Complete(directories) => directories,
            LayerDirectories::Missing(_) => Vec::new(),
        };
        Ok(json!({ "Name": "overlay", "Data": { "LowerDir": joined(&directories) } }))
    }
}

pub(super) fn summary(container: Container) -> ContainerSummary {
    let places = |mount: &MountRecord| {
        let volume = mount.volume.as_ref().map(ToString::to_string);
        let source = mount.source.to_string_lossy().into_owned();
        [volume.unwrap_or_default(), source, mount.request.destination.to_string()]
    };
    let mounts = container.mounts().flat_map(places).filter(|place| !place.is_empty()).collect();
    let started = started(&container);
    let ports = network::published(&container);
    let record = container.record;
    ContainerSummary {
        id: record.id,
        name: record.name,
        image: record.image,
        command: record.command,
        created: record.created,
        started: started.map(|nanoseconds| nanoseconds / 1_000_000_000),
        state: container.state,
        sources: record.mounts.iter().map(source_name).filter(|name| !name.is_empty()).collect(),
        volumes: record.mounts.iter().filter(|mount| mount.volume.is_some()).count(),
        network: record.network,
        labels: record.labels,
        mounts,
        ports,
    }
}

/// When the command began to run, nanoseconds since 1970. One that goes with its end in the foreground started a moment
/// after it was made.
fn started(container: &Container) -> Option<i64> {
    match (container.start, &container.state) {
        (Some(start), _) => Some(start.nanoseconds),
        (None, State::Running | State::Paused) => {
            Some(container.record.created.saturating_mul(1_000_000_000))
        }
        (None, State::Created | State::Restarting(_) | State::Exited(_) | State::Dead) => None,
    }
}

fn source_name(mount: &MountRecord) -> String {
    match &mount.volume {
        Some(volume) => volume.to_string(),
        None => mount.source.to_string_lossy().into_owned(),
    }
}

fn container_config(record: &ContainerRecord) -> Value {
    json!({
        "Hostname": record.hostname,
        "User": record.user,
        "Tty": record.terminal,
        "Env": record.environment,
        "Cmd": record.command,
        "Image": record.image,
        "WorkingDir": record.working_directory,
        "Labels": labels(&record.labels),
        "StopSignal": record.stop_signal,
        "StopTimeout": record.supervision.grace.map(|grace| match grace {
            Grace::Seconds(seconds) => i64::try_from(seconds).unwrap_or(i64::MAX),
            Grace::Endless => -1,
        }),
        "Timeout": record.supervision.limit.map(|limit| limit.as_secs_f64()),
        "Volumes": mounts::declared(record),
    })
}

fn log_config(record: &ContainerRecord) -> Value {
    match record.supervision.log {
        LogPolicy::Nothing => json!({ "Type": "none", "Config": {} }),
        LogPolicy::Files { size, count } => json!({
            "Type": "json-file",
            "Config": { "max-size": size.to_string(), "max-file": count.to_string() },
        }),
    }
}

fn image_config(image: &Image) -> Value {
    let config = image.config.config().clone().unwrap_or_default();
    let set = |names: &Option<Vec<String>>| {
        names.as_ref().map(|names| names.iter().map(|name| (name.clone(), json!({}))).collect::<Map<_, _>>())
    };
    json!({
        "User": config.user().clone().unwrap_or_default(),
        "Env": config.env(),
        "Entrypoint": config.entrypoint(),
        "Cmd": config.cmd(),
        "WorkingDir": config.working_dir().clone().unwrap_or_default(),
        "Volumes": set(config.volumes()),
        "ExposedPorts": set(config.exposed_ports()),
        "Labels": config.labels(),
        "StopSignal": config.stop_signal(),
    })
}

fn labels(labels: &[Label]) -> Value {
    labels
        .iter()
        .map(|label| (label.key.clone(), Value::from(label.value.as_str())))
        .collect::<Map<_, _>>()
        .into()
}

fn container_driver(container: &Container) -> Value {
    let own = |name: &str| container.path.join(name).to_string_lossy().into_owned();
    let data = match container.record.driver.as_str() {
        "overlay" => json!({
            "LowerDir": container.record.lower_directories.join(":"),
            "UpperDir": own(super::rootfs::UPPER),
            "WorkDir": own(super::rootfs::WORK),
            "MergedDir": own(super::rootfs::MERGED),
        }),
        "vfs" => json!({ "Dir": own(super::rootfs::VFS_ROOT) }),
        _ => json!({}),
    };
    json!({ "Name": container.record.driver, "Data": data })
}

fn joined(directories: &[PathBuf]) -> String {
    directories.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>().join(":")
}
