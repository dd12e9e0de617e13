//! What is known of containers and images, in the shape that Docker's `inspect` has.

mod config;
mod limits;
mod mounts;
mod network;
mod state;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::{Engine, Error, rfc3339};
use crate::plan::digest::Digest;
use crate::plan::name::{ContainerId, ContainerName, Label};
use crate::plan::port::{Port, PublishedPort};
use crate::plan::reference::Reference;
use crate::store::container::{Container, ContainerError, MountRecord, State};
use crate::store::image::Image;
use crate::store::layer::LayerDirectories;
use crate::store::log;

/// A container in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSummary {
    /// Its ID.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// The image as the user named it.
    pub image: String,
    /// The image's ID; none for directories and the machine's own root.
    pub image_id: Option<Digest>,
    /// The whole command line.
    pub command: Vec<String>,
    /// When it was made, seconds since 1970.
    pub created: i64,
    /// What it is doing.
    pub state: State,
    /// When its command began to run, seconds since 1970; none if it never did.
    pub started: Option<i64>,
    /// The names of its volumes, the paths of its binds, and where they are mounted.
    pub mounts: Vec<OsString>,
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
    /// The ports that its image or its user says it listens on.
    pub exposed: Vec<Port>,
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

    /// The ID of the container that `text` names.
    ///
    /// # Errors
    /// There is none, or the store cannot be read.
    pub fn container_id(&self, text: &str) -> Result<ContainerId, Error> {
        Ok(self.store.find_container(text)?.record.id)
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
            // With a slash in front, as Docker has it.
            "Name": format!("/{}", record.name),
            "Platform": record.asked.platform.split('/').next().filter(|os| !os.is_empty()).unwrap_or("linux"),
            "Driver": record.driver,
            "ResolvConfPath": own_file(&container, "resolv.conf"),
            "HostnamePath": own_file(&container, "hostname"),
            "HostsPath": own_file(&container, "hosts"),
            "LogPath": log_path(&container),
            "MountLabel": "",
            "ProcessLabel": "",
            "AppArmorProfile": "",
            "ExecIDs": null,
            "RestartCount": container.start.map_or(0, |start| start.restarts),
            "Mounts": mounts::mounts(&container),
            "Config": config::config(record),
            "HostConfig": config::host_config(record),
            "GraphDriver": container_driver(&container),
            "Limits": record.limits,
            "Result": self.store.container_result(&container)?,
            "NetworkSettings": network::settings(&container),
        }))
    }

    /// Whether `text` names a container.
    ///
    /// # Errors
    /// It could be any of several, or the store cannot be read.
    pub fn container_exists(&self, text: &str) -> Result<bool, Error> {
        match self.store.find_container(text) {
            Ok(_) => Ok(true),
            Err(ContainerError::Unknown(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Everything about the image that `text` names.
    ///
    /// # Errors
    /// There is none, or the store cannot be read.
    pub fn inspect_image(&self, text: &str) -> Result<Value, Error> {
        let image = self.find_image(text)?;
        let summary = self.store.images()?.into_iter().find(|one| one.id == image.id);
        let (references, digests) = summary.map(|one| (one.references, one.digests)).unwrap_or_default();
        let repositories: BTreeSet<String> = references.iter().map(Reference::familiar_name).collect();
        let digests = digests
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
            "Config": self.image_config(&image)?,
            "RootFS": { "Type": "layers", "Layers": diff_ids },
            "GraphDriver": self.image_driver(&image)?,
        }))
    }

    /// What the image says about running it: what everybody has, and whatever else it says.
    fn image_config(&self, image: &Image) -> Result<Value, Error> {
        let document = self.store.image_document(image)?;
        let gone = || Error::Vanished { origin: image.id.to_string() };
        let mut fields = document.ok_or_else(gone)?.config();
        fields.extend(understood(image));
        fields.entry("OnBuild").or_insert(Value::Null);
        Ok(fields.into())
    }

    /// The directories of the layers, for the owners that this caller's containers have.
    fn image_driver(&self, image: &Image) -> Result<Value, Error> {
        let (_, owners) = self.namespace(crate::plan::userns::UsernsMode::Auto)?;
        let directories = match image.layer_directories(&self.store, &owners)? {
            LayerDirectories::Complete(directories) => directories,
            LayerDirectories::Missing(_) => Vec::new(),
        };
        Ok(json!({ "Name": "overlay", "Data": { "LowerDir": joined(directories.iter()) } }))
    }
}

pub(super) fn summary(container: Container) -> ContainerSummary {
    let places = |mount: &MountRecord| {
        let volume = mount.volume.as_ref().map(|name| OsString::from(name.as_str()));
        let destination = mount.request.destination.as_os_str().to_owned();
        [volume.unwrap_or_default(), mount.source.clone().into_os_string(), destination]
    };
    let mounts = container.mounts().flat_map(places).filter(|place| !place.is_empty()).collect();
    let started = started(&container);
    let ports = network::published(&container);
    let exposed = network::exposed(&container.record);
    let record = container.record;
    ContainerSummary {
        id: record.id,
        name: record.name,
        image: record.image,
        image_id: record.image_id,
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
        exposed,
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

/// A file that was generated for a container; for one that shares another's network, the other's.
fn own_file(container: &Container, name: &str) -> String {
    let shared = container.record.network_files.as_ref().map(|files| &files.0);
    shared.unwrap_or(&container.path).join(name).to_string_lossy().into_owned()
}

/// Where the newest part of a container's log is; empty if it has none.
fn log_path(container: &Container) -> String {
    let path = container.path.join(log::NAME);
    if path.exists() { path.to_string_lossy().into_owned() } else { String::new() }
}

fn source_name(mount: &MountRecord) -> String {
    match &mount.volume {
        Some(volume) => volume.to_string(),
        None => mount.source.to_string_lossy().into_owned(),
    }
}

fn understood(image: &Image) -> Map<String, Value> {
    let config = image.config.config().clone().unwrap_or_default();
    let set = |names: &Option<Vec<String>>| {
        names.as_ref().map(|names| names.iter().map(|name| (name.clone(), json!({}))).collect::<Map<_, _>>())
    };
    let fields = [
        ("User", json!(config.user().as_deref().unwrap_or_default())),
        ("Env", json!(config.env())),
        ("Entrypoint", json!(config.entrypoint())),
        ("Cmd", json!(config.cmd())),
        ("WorkingDir", json!(config.working_dir().as_deref().unwrap_or_default())),
        ("Volumes", json!(set(config.volumes()))),
        ("ExposedPorts", json!(set(config.exposed_ports()))),
        ("Labels", json!(config.labels())),
        ("StopSignal", json!(config.stop_signal())),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
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
            "LowerDir": joined(container.record.lower_directories.iter().map(|lower| &lower.0)),
            "UpperDir": own(super::rootfs::UPPER),
            "WorkDir": own(super::rootfs::WORK),
            "MergedDir": own(super::rootfs::MERGED),
        }),
        "vfs" => json!({ "Dir": own(super::rootfs::VFS_ROOT) }),
        _ => json!({}),
    };
    json!({ "Name": container.record.driver, "Data": data })
}

fn joined<'a>(directories: impl Iterator<Item = &'a PathBuf>) -> String {
    directories.map(|path| path.to_string_lossy()).collect::<Vec<_>>().join(":")
}
