//! What is known of containers and images, in the shape that Docker's `inspect` has.

mod mounts;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::{Engine, Error, rfc3339};
use crate::plan::name::{ContainerId, ContainerName, Label};
use crate::plan::reference::Reference;
use crate::store::container::{Container, ContainerRecord, MountRecord, State};
use crate::store::image::Image;
use crate::store::layer::LayerDirectories;

/// The time that Docker has for what did not happen yet.
const NEVER: &str = "0001-01-01T00:00:00Z";

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
    /// The image's labels and the user's.
    pub labels: Vec<Label>,
    /// What its mounts are known by: volumes, sources on the host, destinations.
    pub mounts: Vec<OsString>,
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
            "Mounts": mounts::mounts(&container),
            "Config": container_config(record),
            "HostConfig": {
                "AutoRemove": record.removed_at_end,
                "Binds": mounts::binds(record),
                "Mounts": mounts::requests(record),
                "NetworkMode": record.network,
                "ReadonlyRootfs": record.read_only,
                "Tmpfs": mounts::tmpfs(record),
                "VolumesFrom": mounts::volumes_from(record),
            },
            "GraphDriver": container_driver(&container),
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

    fn state(&self, container: &Container) -> Result<Value, Error> {
        let (word, code, finished) = match container.state {
            State::Running => ("running", 0, NEVER.to_owned()),
            State::Exited(end) => ("exited", end.status.code(), rfc3339(end.finished)),
            State::Dead => ("dead", 137, NEVER.to_owned()),
        };
        let processes = match container.state {
            State::Running => self.visible_processes(container)?,
            State::Exited(_) | State::Dead => None,
        };
        Ok(json!({
            "Status": word,
            "Running": container.state == State::Running,
            "Dead": container.state == State::Dead,
            // Docker's word for none.
            "Pid": processes.map_or(0, |processes| processes.init().as_raw_pid()),
            "ExitCode": code,
            // A container starts a moment after it was made.
            "StartedAt": rfc3339(container.record.created),
            "FinishedAt": finished,
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
        let volume = mount.volume.as_ref().map(|name| OsString::from(name.as_str()));
        let destination = mount.request.destination.as_os_str().to_owned();
        [volume.unwrap_or_default(), mount.source.clone().into_os_string(), destination]
    };
    let mounts = container.mounts().flat_map(places).filter(|place| !place.is_empty()).collect();
    let record = container.record;
    ContainerSummary {
        id: record.id,
        name: record.name,
        image: record.image,
        command: record.command,
        created: record.created,
        state: container.state,
        labels: record.labels,
        mounts,
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
        "Volumes": mounts::declared(record),
    })
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
