//! What a container was asked to be, in the shape that Docker's `inspect` has.

use serde_json::{Map, Value, json};

use super::{labels, limits, mounts, network};
use crate::plan::capability::{Capability, CapabilitySet, DEFAULT};
use crate::plan::limit::Ulimit;
use crate::plan::process::{CallerGroups, NewPrivileges};
use crate::plan::resources::Kind;
use crate::plan::seccomp::SeccompRecord;
use crate::plan::supervision::{Grace, LogPolicy};
use crate::store::container::{ContainerRecord, RightsRecord};

/// `Config`: what runs, and how.
pub(super) fn config(record: &ContainerRecord) -> Value {
    let asked = &record.asked;
    let own = &record.config;
    json!({
        "Hostname": record.hostname,
        "Domainname": "",
        "User": asked.user,
        "AttachStdin": asked.open_input && !is_alone(record),
        "AttachStdout": !is_alone(record),
        "AttachStderr": !is_alone(record),
        "ExposedPorts": exposed(record),
        "Tty": record.terminal,
        "OpenStdin": asked.open_input,
        "StdinOnce": asked.open_input && !is_alone(record),
        "Env": record.environment,
        "Cmd": own.cmd(),
        "Entrypoint": own.entrypoint(),
        "Image": record.image,
        "WorkingDir": record.working_directory,
        "Labels": labels(&record.labels),
        "OnBuild": null,
        "StopSignal": record.stop_signal,
        "StopTimeout": record.supervision.grace.map(|grace| match grace {
            Grace::Seconds(seconds) => i64::try_from(seconds).unwrap_or(i64::MAX),
            Grace::Endless => -1,
        }),
        "Timeout": record.supervision.limit.map(|limit| limit.as_secs_f64()),
        "Volumes": mounts::declared(record),
    })
}

/// Whether it was made by `run -d`.
fn is_alone(record: &ContainerRecord) -> bool {
    record.supervision.input_end == crate::plan::supervision::InputEnd::Stays
}

fn exposed(record: &ContainerRecord) -> Value {
    let ports = network::exposed(record);
    if ports.is_empty() {
        return Value::Null;
    }
    ports.into_iter().map(|port| (port.to_string(), json!({}))).collect::<Map<_, _>>().into()
}

/// `HostConfig`: how the machine takes part.
pub(super) fn host_config(record: &ContainerRecord) -> Value {
    let mut all = isolation(record);
    all.extend(files_and_life(record));
    all.extend(resources(record));
    all.into()
}

fn isolation(record: &ContainerRecord) -> Map<String, Value> {
    let asked = &record.asked;
    let usual: CapabilitySet = DEFAULT.into_iter().collect();
    let has = record.rights.capabilities;
    let mut part = Map::new();
    let mut add = |key: &str, value: Value| part.insert(key.to_owned(), value);
    add("CapAdd", capabilities(has.without(usual)));
    add("CapDrop", capabilities(usual.without(has)));
    add("CgroupnsMode", "private".into());
    add("Devices", devices(record));
    add("Dns", json!(asked.dns));
    add("DnsOptions", json!(asked.dns_options));
    add("DnsSearch", json!(asked.dns_search));
    add("ExtraHosts", list(&asked.extra_hosts));
    add("GroupAdd", groups(record));
    add("Init", if asked.init { true.into() } else { Value::Null });
    add("IpcMode", "private".into());
    add("Landlock", list(&record.rights.landlock.words()));
    add("Links", Value::Null);
    add("NetworkMode", record.network.as_str().into());
    add("PidMode", "".into());
    add("PortBindings", network::bindings(record));
    add("Privileged", asked.privileged.into());
    add("PublishAllPorts", false.into());
    add("SecurityOpt", security(&record.rights));
    add("UTSMode", "".into());
    add("Umask", format!("{:04o}", record.rights.umask.0).into());
    let asked_limits = record.rights.limits.iter().filter(|limit| **limit != Ulimit::NO_CORES);
    add("Ulimits", asked_limits.map(ulimit).collect::<Vec<_>>().into());
    add("UsernsMode", record.userns.as_str().into());
    part
}

fn files_and_life(record: &ContainerRecord) -> Map<String, Value> {
    let mut part = Map::new();
    let mut add = |key: &str, value: Value| part.insert(key.to_owned(), value);
    add("AutoRemove", record.removed_at_end.into());
    add("Binds", mounts::binds(record));
    add("ContainerIDFile", record.asked.cid_file.clone().unwrap_or_default().into());
    add("LogConfig", log_config(record));
    add("Mounts", mounts::requests(record));
    add("ReadonlyRootfs", record.read_only.into());
    add(
        "RestartPolicy",
        json!({
            "Name": record.supervision.restart.name(),
            "MaximumRetryCount": record.supervision.restart.count(),
        }),
    );
    add("ShmSize", record.asked.shm_size.into());
    add("Tmpfs", mounts::tmpfs(record));
    add("VolumeDriver", "".into());
    add("VolumesFrom", mounts::volumes_from(record));
    part
}

fn resources(record: &ContainerRecord) -> Map<String, Value> {
    let mut part = Map::new();
    let mut add = |key: &str, value: Value| part.insert(key.to_owned(), value);
    add("BlkioWeight", limits::number(record, Kind::BlkioWeight).into());
    add("CpuShares", limits::number(record, Kind::CpuShares).into());
    add("CpusetCpus", limits::word(record, Kind::CpusetCpus).into());
    add("CpusetMems", limits::word(record, Kind::CpusetMems).into());
    add("Memory", limits::bytes(record, Kind::Memory).into());
    add("MemoryReservation", limits::bytes(record, Kind::MemoryReservation).into());
    add("MemorySwap", limits::swap(record));
    add("NanoCpus", limits::nano_cpus(record).into());
    add("OomScoreAdj", record.rights.oom_score_adjustment.unwrap_or(0).into());
    add("PidsLimit", limits::number(record, Kind::PidsLimit).into());
    part
}

fn devices(record: &ContainerRecord) -> Value {
    let device = |[host, container, permissions]: &[String; 3]| json!({ "PathOnHost": host, "PathInContainer": container, "CgroupPermissions": permissions });
    record.asked.devices.iter().map(device).collect::<Vec<_>>().into()
}

fn groups(record: &ContainerRecord) -> Value {
    match record.rights.caller_groups {
        CallerGroups::Kept => json!(["keep-groups"]),
        CallerGroups::Dropped => list(&record.rights.extra_groups),
    }
}

/// A list, or Docker's nothing.
fn list(words: &[String]) -> Value {
    if words.is_empty() { Value::Null } else { words.into() }
}

fn capabilities(set: CapabilitySet) -> Value {
    let names: Vec<String> = set.members().iter().map(Capability::to_string).collect();
    list(&names)
}

fn security(rights: &RightsRecord) -> Value {
    let new_privileges = match rights.new_privileges {
        NewPrivileges::Denied => Some("no-new-privileges".to_owned()),
        NewPrivileges::Allowed => None,
    };
    let seccomp = match &rights.seccomp {
        SeccompRecord::Builtin { .. } => None,
        SeccompRecord::Unconfined => Some("seccomp=unconfined".to_owned()),
        // The file may be another by now.
        SeccompRecord::Program(filter) => Some(format!("seccomp={}", filter.digest())),
    };
    let options: Vec<String> = new_privileges.into_iter().chain(seccomp).collect();
    if options.is_empty() { Value::Null } else { json!(options) }
}

fn ulimit(limit: &Ulimit) -> Value {
    // What has no limit is -1.
    let number = |limit: Option<u64>| limit.map_or_else(|| Value::from(-1), Value::from);
    json!({ "Name": limit.resource.name(), "Soft": number(limit.soft), "Hard": number(limit.hard) })
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
