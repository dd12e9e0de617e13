//! What is written down about a container when it is made.

use std::collections::BTreeSet;

use oci_spec::image::Config;

use super::Engine;
use super::base::Base;
use super::prepare::Draft;
use crate::plan::Plan;
use crate::plan::bytes::SystemPath;
use crate::plan::device::DeviceRequest;
use crate::plan::environment::{Layers, merge};
use crate::plan::mount::{Access, Donor, Flag, MountKind, MountRequest};
use crate::plan::name::Label;
use crate::plan::process::{FirstProcess, Input, Streams};
use crate::plan::request::{RootAccess, RunRequest};
use crate::plan::rootfs::{Lifetime, Rootfs};
use crate::store::container::{AskedRecord, ContainerRecord, RightsRecord};
use crate::sys::{clock, probe};

impl Engine {
    pub(super) fn record(draft: &Draft<'_>, plan: &Plan, base: &Base) -> ContainerRecord {
        let request = draft.request;
        let config = base.config();
        let image_labels = config.labels().clone().unwrap_or_default();
        let mut labels: Vec<Label> =
            image_labels.into_iter().map(|(key, value)| Label { key, value }).collect();
        for label in &request.labels {
            labels.retain(|old| old.key != label.key);
            labels.push(label.clone());
        }
        labels.sort_by(|one, other| one.key.cmp(&other.key));
        let (created, nanoseconds) = clock::now();
        ContainerRecord {
            id: draft.id.clone(),
            name: draft.name.clone(),
            image: request.image_text.clone(),
            image_id: base.id(),
            mounted_images: draft.placement.images.clone(),
            created,
            command: plan.process.arguments.clone(),
            environment: plan.process.environment.clone(),
            working_directory: plan.process.working_directory.to_string(),
            userns: draft.mode.to_string(),
            user: format!("{}:{}", plan.process.user.uid, plan.process.user.gid),
            hostname: plan.hostname.clone(),
            labels,
            mounts: draft.placement.records.clone(),
            declared_volumes: declared_volumes(draft, &config),
            volumes_from: request.donors.iter().map(donor).collect(),
            terminal: plan.process.streams == Streams::Terminal,
            read_only: plan.root_access == RootAccess::ReadOnly,
            network: draft.link.word(),
            ports: draft.link.ports(),
            address: draft.link.address(),
            network_files: draft.link.shared_files().map(|path| SystemPath(path.to_owned())),
            resources: request.resources.clone(),
            limiter: draft.limits.limiter,
            limits: draft.limits.enforcements.clone(),
            driver: driver_name(&plan.rootfs).to_owned(),
            lower_directories: base.lowers().iter().cloned().map(SystemPath).collect(),
            stop_signal: request
                .stop_signal
                .map(|signal| signal.to_string())
                .or(config.stop_signal().clone()),
            removed_at_end: request.lifetime == Lifetime::Ephemeral,
            supervision: request.supervision.clone(),
            created_nanoseconds: nanoseconds.into(),
            rights: rights(draft, plan),
            config: own_config(draft, config),
            asked: asked(request, base),
        }
    }
}

fn asked(request: &RunRequest, base: &Base) -> AskedRecord {
    let texts = |words: &[String]| words.to_vec();
    let of_image = || base.config().user().clone().unwrap_or_default();
    AskedRecord {
        user: request.user.as_ref().map_or_else(of_image, ToString::to_string),
        open_input: match request.streams {
            Streams::Terminal | Streams::Launcher { input: Input::Attached } => true,
            Streams::Launcher { input: Input::Empty } => false,
        },
        init: request.first == FirstProcess::Init,
        privileged: request.system_paths.is_sys_writable,
        devices: request.devices.iter().map(device).collect(),
        shm_size: request.shm_size,
        cid_file: request.cid_file.as_ref().map(|path| path.to_string_lossy().into_owned()),
        extra_hosts: request.extra_hosts.iter().map(ToString::to_string).collect(),
        dns: request.dns.servers().iter().map(ToString::to_string).collect(),
        dns_search: texts(request.dns.searches()),
        dns_options: texts(request.dns.options()),
        platform: match base {
            Base::Image { image, .. } => format!("{}/{}", image.config.os(), image.config.architecture()),
            Base::Directory(_) | Base::Host => String::new(),
        },
    }
}

fn device(device: &DeviceRequest) -> [String; 3] {
    let host = device.host.to_string_lossy().into_owned();
    [host, device.destination.to_string(), device.permissions.clone()]
}

/// The image's configuration with what the user asked for in its place.
fn own_config(draft: &Draft<'_>, mut config: Config) -> Config {
    let request = draft.request;
    let environment = Layers {
        defaults: &[],
        image: config.env().as_deref().unwrap_or_default(),
        files: &request.environment_files,
        flags: &request.environment,
    };
    config.set_env(Some(merge(&environment, probe::text_variable)));
    if let Some(word) = &request.entrypoint {
        config.set_entrypoint((!word.is_empty()).then(|| vec![word.clone()])).set_cmd(None);
    }
    if !request.command.is_empty() {
        config.set_cmd(Some(request.command.clone()));
    }
    config.set_user(Some(draft.user.to_string()));
    if let Some(directory) = &request.working_directory {
        config.set_working_dir(Some(directory.to_string()));
    }
    if let Some(signal) = request.stop_signal {
        config.set_stop_signal(Some(signal.to_string()));
    }
    config
}

fn rights(draft: &Draft<'_>, plan: &Plan) -> RightsRecord {
    RightsRecord {
        map: draft.map.clone(),
        capabilities: plan.process.capabilities.bounding,
        new_privileges: plan.process.new_privileges,
        seccomp: draft.request.seccomp.record(plan.process.filter.as_ref()),
        limits: plan.process.limits.clone(),
        oom_score_adjustment: plan.process.oom_score_adjustment,
        extra_groups: draft.request.extra_groups.clone(),
        caller_groups: draft.request.caller_groups,
        umask: draft.request.umask,
        landlock: draft.request.landlock.clone(),
        network: plan.namespaces.network,
        home: draft.account.home.clone(),
    }
}

/// The image's volumes, and those that the user asked for without a name.
fn declared_volumes(draft: &Draft<'_>, config: &Config) -> Vec<String> {
    let is_declared = |request: &&MountRequest| {
        request.origin.flag == Flag::Volume
            && matches!(&request.kind, MountKind::Volume(volume) if volume.name.is_none())
    };
    let asked =
        draft.request.mounts.iter().filter(is_declared).map(|request| request.destination.to_string());
    let declared: BTreeSet<String> = config.volumes().iter().flatten().cloned().chain(asked).collect();
    declared.into_iter().collect()
}

fn donor(donor: &Donor) -> String {
    let access = match donor.access {
        None => "",
        Some(Access::ReadOnly) => ":ro",
        Some(Access::ReadWrite) => ":rw",
    };
    format!("{}{access}", donor.container)
}

fn driver_name(rootfs: &Rootfs) -> &'static str {
    match rootfs {
        Rootfs::Directory { .. } => "vfs",
        Rootfs::Overlay { .. } => "overlay",
        Rootfs::Host { .. } => "host",
    }
}
