//! The mounts of a container in the shape that Docker's `inspect` has.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::plan::mount::{
    Access, Bind, Content, Flag, Missing, MountKind, MountRequest, Origin, Propagation, Recursion, Tmpfs,
    TmpfsKey, View, Volume,
};
use crate::store::container::{Container, ContainerRecord, MountRecord};

/// `Mounts`: everything but what `--tmpfs` asked for.
pub(super) fn mounts(container: &Container) -> Vec<Value> {
    let is_listed = |mount: &&MountRecord| mount.request.origin.flag != Flag::Tmpfs;
    container.mounts().filter(is_listed).map(mount).collect()
}

fn mount(mount: &MountRecord) -> Value {
    let mut object = Map::new();
    let mut add = |key: &str, value: Value| object.insert(key.to_owned(), value);
    let request = &mount.request;
    add("Type", request.kind.name().into());
    if let Some(volume) = &mount.volume {
        add("Name", volume.as_str().into());
        add("Driver", "local".into());
    }
    add("Source", source(mount).into());
    add("Destination", request.destination.to_string().into());
    add("Mode", mode(request).into());
    add("RW", (request.attributes().access == Access::ReadWrite).into());
    add("Propagation", propagation(request).into());
    Value::Object(object)
}

fn source(mount: &MountRecord) -> String {
    match &mount.request.kind {
        MountKind::Image(image) => image.image.clone(),
        MountKind::Bind(_)
        | MountKind::Glob(_)
        | MountKind::Volume(_)
        | MountKind::Tmpfs(_)
        | MountKind::Devpts(_)
        | MountKind::Ramfs(_) => mount.source.to_string_lossy().into_owned(),
    }
}

/// The words of `-v` behind the destination, as typed.
fn mode(request: &MountRequest) -> String {
    let text = request.origin.text.to_string_lossy();
    match request.origin.flag {
        Flag::Volume => text.splitn(3, ':').nth(2).unwrap_or_default().to_owned(),
        Flag::Mount | Flag::Tmpfs | Flag::VolumesFrom | Flag::Image | Flag::Device => String::new(),
    }
}

/// Only binds have one that anybody can choose.
fn propagation(request: &MountRequest) -> &'static str {
    match &request.kind {
        MountKind::Bind(bind) | MountKind::Glob(bind) => bind.propagation.name(),
        MountKind::Volume(_)
        | MountKind::Tmpfs(_)
        | MountKind::Image(_)
        | MountKind::Devpts(_)
        | MountKind::Ramfs(_) => "",
    }
}

/// `HostConfig.Binds`: every `-v` with a source, as typed; a path that began with a dot is absolute by now.
pub(super) fn binds(record: &ContainerRecord) -> Value {
    let asked = record.mounts.iter().map(|mount| &mount.request);
    let binds: Vec<String> = asked.filter_map(bind_text).collect();
    if binds.is_empty() { Value::Null } else { binds.into() }
}

fn bind_text(request: &MountRequest) -> Option<String> {
    if request.origin.flag != Flag::Volume {
        return None;
    }
    let text = request.origin.text.to_string_lossy();
    let (source, rest) = text.split_once(':')?;
    Some(match &request.kind {
        MountKind::Bind(bind) if source.starts_with('.') => format!("{}:{rest}", bind.source.display()),
        _ => text.into_owned(),
    })
}

/// `HostConfig.Mounts`: every `--mount`.
pub(super) fn requests(record: &ContainerRecord) -> Value {
    let asked = record.mounts.iter().filter(|mount| mount.request.origin.flag == Flag::Mount);
    let requests: Vec<Value> = asked.map(|mount| Value::Object(object(&mount.request))).collect();
    if requests.is_empty() { Value::Null } else { requests.into() }
}

fn object(request: &MountRequest) -> Map<String, Value> {
    let mut object = Map::new();
    let mut add = |key: &str, value: Value| {
        if !matches!(&value, Value::Object(fields) if fields.is_empty()) {
            object.insert(key.to_owned(), value);
        }
    };
    add("Type", request.kind.name().into());
    match &request.kind {
        MountKind::Bind(bind) | MountKind::Glob(bind) => {
            add("Source", path(&bind.source));
            add("BindOptions", bind_options(bind, &request.origin));
        }
        MountKind::Volume(volume) => {
            if let Some(name) = &volume.name {
                add("Source", name.as_str().into());
            }
            add("VolumeOptions", volume_options(volume));
        }
        MountKind::Image(image) => {
            add("Source", image.image.as_str().into());
            if let Some(subpath) = &image.subpath {
                add("ImageOptions", json!({ "Subpath": subpath.to_string() }));
            }
        }
        MountKind::Tmpfs(tmpfs) => add("TmpfsOptions", tmpfs_options(tmpfs)),
        MountKind::Devpts(_) | MountKind::Ramfs(_) => {}
    }
    add("Target", request.destination.to_string().into());
    if request.attributes().access == Access::ReadOnly {
        add("ReadOnly", true.into());
    }
    object
}

fn path(path: &Path) -> Value {
    String::from_utf8_lossy(path.as_os_str().as_bytes()).into()
}

fn bind_options(bind: &Bind, origin: &Origin) -> Value {
    let mut options = Map::new();
    let mut set = |key: &str| options.insert(key.to_owned(), true.into());
    if bind.missing == Missing::Create {
        set("CreateMountpoint");
    }
    match bind.recursion {
        Recursion::Enabled => None,
        Recursion::Disabled => set("NonRecursive"),
        Recursion::Writable => set("ReadOnlyNonRecursive"),
        Recursion::ReadOnlyForced => set("ReadOnlyForceRecursive"),
    };
    if bind.propagation != Propagation::default() || says_default(origin) {
        options.insert("Propagation".to_owned(), bind.propagation.name().into());
    }
    add_layer(&mut options, &bind.view);
    options.into()
}

/// Whether the propagation that a bind has anyway was asked for.
fn says_default(origin: &Origin) -> bool {
    let text = origin.text.to_string_lossy().to_lowercase();
    let default = Propagation::default().name();
    let says = |field: &str| field == default || field.strip_prefix("bind-propagation=") == Some(default);
    text.split(',').any(|field| says(field.trim_matches('"')))
}

/// The layer over a source; the API of Docker has no word for it.
fn add_layer(options: &mut Map<String, Value>, view: &View) {
    let word = match view {
        View::Direct => return,
        View::Review => "cow",
        View::Discarded | View::Layer { .. } => "O",
    };
    options.insert("Layer".to_owned(), word.into());
    if let View::Layer { upper, work } = view {
        options.insert("UpperDir".to_owned(), path(upper));
        options.insert("WorkDir".to_owned(), path(work));
    }
}

fn volume_options(volume: &Volume) -> Value {
    let mut options = Map::new();
    if volume.content == Content::Empty {
        options.insert("NoCopy".to_owned(), true.into());
    }
    if !volume.labels.is_empty() {
        options.insert("Labels".to_owned(), super::labels(&volume.labels));
    }
    if let Some(subpath) = &volume.subpath {
        options.insert("Subpath".to_owned(), subpath.to_string().into());
    }
    if !volume.options.is_empty() {
        let driver = json!({ "Name": "local", "Options": volume.options });
        options.insert("DriverConfig".to_owned(), driver);
    }
    add_layer(&mut options, &volume.view);
    options.into()
}

fn tmpfs_options(tmpfs: &Tmpfs) -> Value {
    let mut options = Map::new();
    let value = |key: TmpfsKey| tmpfs.options.get(&key).map(String::as_str);
    if let Some(bytes) = value(TmpfsKey::Size).and_then(bytes) {
        options.insert("SizeBytes".to_owned(), bytes.into());
    }
    if let Some(mode) = value(TmpfsKey::Mode).and_then(|mode| u32::from_str_radix(mode, 8).ok()) {
        options.insert("Mode".to_owned(), mode.into());
    }
    options.into()
}

/// The bytes of a size as tmpfs takes it, unless it is a part of the memory.
fn bytes(size: &str) -> Option<u64> {
    let lower = size.to_ascii_lowercase();
    let unit = ["k", "m", "g", "t", "p"].iter().position(|unit| lower.ends_with(unit));
    let (number, shift) = match unit {
        Some(index) => (&lower[..lower.len() - 1], 10 * (index + 1)),
        None => (lower.as_str(), 0),
    };
    number.parse::<u64>().ok()?.checked_shl(u32::try_from(shift).ok()?)
}

/// `HostConfig.Tmpfs`: what every `--tmpfs` said behind its destination.
pub(super) fn tmpfs(record: &ContainerRecord) -> Value {
    let asked = record.mounts.iter().map(|mount| &mount.request);
    let asked = asked.filter(|request| request.origin.flag == Flag::Tmpfs);
    let pairs: Map<String, Value> = asked
        .map(|request| {
            let text = request.origin.text.to_string_lossy();
            let words = text.split_once(':').map_or("", |(_, words)| words);
            (request.destination.to_string(), words.into())
        })
        .collect();
    if pairs.is_empty() { Value::Null } else { pairs.into() }
}

/// `HostConfig.VolumesFrom`.
pub(super) fn volumes_from(record: &ContainerRecord) -> Value {
    if record.volumes_from.is_empty() { Value::Null } else { record.volumes_from.clone().into() }
}

/// `Config.Volumes`: the image's, and those without a source.
pub(super) fn declared(record: &ContainerRecord) -> Value {
    let volumes: Map<String, Value> =
        record.declared_volumes.iter().map(|path| (path.clone(), json!({}))).collect();
    if volumes.is_empty() { Value::Null } else { volumes.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::mount::{parse_mount, parse_volume};

    #[test]
    fn sizes_are_bytes() {
        for (text, size) in [
            ("64k", Some(65536)),
            ("1M", Some(1 << 20)),
            ("12", Some(12)),
            ("50%", None),
            ("2g", Some(2 << 30)),
        ] {
            assert_eq!(bytes(text), size, "{text}");
        }
    }

    #[test]
    fn mount_flags_become_the_objects_of_the_api() {
        for (text, wanted) in [
            (
                "type=bind,src=/a,dst=/b,ro,bind-propagation=rslave",
                json!({"Type": "bind", "Source": "/a", "Target": "/b", "ReadOnly": true,
                    "BindOptions": {"Propagation": "rslave"}}),
            ),
            (
                "src=data,dst=/b/,volume-nocopy,volume-label=a=b",
                json!({"Type": "volume", "Source": "data", "Target": "/b",
                    "VolumeOptions": {"NoCopy": true, "Labels": {"a": "b"}}}),
            ),
            (
                "type=bind,src=/a,dst=/b,bind-propagation=rprivate",
                json!({"Type": "bind", "Source": "/a", "Target": "/b", "BindOptions": {"Propagation": "rprivate"}}),
            ),
            (
                "type=bind,src=/a,dst=/b,cow",
                json!({"Type": "bind", "Source": "/a", "Target": "/b", "BindOptions": {"Layer": "cow"}}),
            ),
            (
                "src=data,dst=/b,O,upperdir=/u,workdir=/w",
                json!({"Type": "volume", "Source": "data", "Target": "/b",
                    "VolumeOptions": {"Layer": "O", "UpperDir": "/u", "WorkDir": "/w"}}),
            ),
            ("type=volume,dst=/b", json!({"Type": "volume", "Target": "/b"})),
            (
                "type=tmpfs,dst=/b,tmpfs-size=1m,tmpfs-mode=0700",
                json!({"Type": "tmpfs", "Target": "/b", "TmpfsOptions": {"SizeBytes": 1 << 20, "Mode": 0o700}}),
            ),
        ] {
            let request = parse_mount(text.as_ref()).unwrap();
            assert_eq!(Value::Object(object(&request)), wanted, "{text}");
        }
    }

    #[test]
    fn volume_flags_are_as_typed() {
        for (text, mode_of, bind) in
            [("/a:/b:ro,z", "ro,z", Some("/a:/b:ro,z")), ("data:/b", "", Some("data:/b")), ("/b", "", None)]
        {
            let request = parse_volume(text.as_ref()).unwrap();
            assert_eq!(mode(&request), mode_of, "{text}");
            assert_eq!(bind_text(&request).as_deref(), bind, "{text}");
        }
    }
}
