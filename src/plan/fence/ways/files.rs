//! Ways through files: mounts, the kernel's files, devices, descriptors.

use std::path::Path;

use super::super::super::spec::{MASKED_PATHS, READ_ONLY_PATHS};
use super::super::facts::{Descriptor, Place, SOCKET};
use super::super::mounts::{self, MountPart, Part};
use super::super::schema::DeviceReport;
use super::{Scene, Severity, Way, way};

/// Directories with which root of the host is lost.
const SYSTEM: [&str; 12] =
    ["/", "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/sbin", "/usr", "/var"];

/// What it sees of the host's files, and what it can do with them. What came along with a mount of the host, being
/// mounted below it there, is passed over unless it gives more.
pub(super) fn mounts(scene: Scene<'_>) -> Vec<Way> {
    let mut told: Vec<(&MountPart, Severity)> = Vec::new();
    let mut ways = Vec::new();
    for part in scene.parts {
        let way = match &part.part {
            Part::Host | Part::Store | Part::Foreign => direct(scene, part),
            Part::HostKernel => host_kernel(scene, part),
            Part::HostBelowLayer => {
                ways.extend(layered(part));
                continue;
            }
            Part::Layers
            | Part::Memory
            | Part::Kernel
            | Part::Device
            | Part::Mask
            | Part::Generated
            | Part::Volume(_) => {
                ways.extend(travelling(part));
                continue;
            }
        };
        ways.extend(travelling(part));
        if !told.iter().any(|(above, severity)| came_along(part, above) && *severity <= way.severity) {
            told.push((part, way.severity));
            ways.push(way);
        }
    }
    ways
}

/// Whether a mount is where the host has it, too, seen from the other.
fn came_along(part: &MountPart, above: &MountPart) -> bool {
    let (Some(path), Some(path_above)) = (part.host.first(), above.host.first()) else { return false };
    let below = Path::new(&part.entry.point).strip_prefix(&above.entry.point);
    below.is_ok_and(|below| path.strip_prefix(path_above) == Ok(below))
}

fn direct(scene: Scene<'_>, part: &MountPart) -> Way {
    let point = shown(Path::new(&part.entry.point));
    let Some(path) = part.host.first() else {
        let source = part.entry.source.to_string_lossy();
        let kind = &part.entry.file_system;
        let (severity, verb) =
            if part.is_writable() { (Severity::Serious, "write to") } else { (Severity::Moderate, "read") };
        return way(severity, "mount", format!("can {verb} the {kind} file system {source} through {point}"));
    };
    let place = scene.facts.places.get(&part.entry.id);
    let host = shown(path);
    if place.is_some_and(|place| place.kind() == SOCKET) {
        let text = format!("can talk to the host's service behind the socket {host} through {point}");
        return way(Severity::Serious, "mount", text);
    }
    let noun = match place.map(Place::kind) {
        Some(0o040_000) | None => "directory",
        Some(_) => "file",
    };
    if !part.is_writable() {
        return way(Severity::Moderate, "mount", format!("can read the host {noun} {host} through {point}"));
    }
    let report = scene.report.mounts.iter().find(|mount| Path::new(&mount.destination) == part.entry.point);
    let text = match report.and_then(|report| report.writable_top) {
        Some(false) => format!(
            "can read the host {noun} {host} through {point}, and write where the permissions in it let {}",
            scene.outside()
        ),
        Some(true) | None => {
            format!("can write to the host {noun} {host} through {point}, as {}", scene.outside())
        }
    };
    let is_writer = report.and_then(|report| report.writable_top) != Some(false);
    let severity = match (gives_caller_away(scene, path), is_writer) {
        (true, _) => Severity::Critical,
        (false, true) => Severity::Serious,
        (false, false) => Severity::Moderate,
    };
    way(severity, "mount", format!("{text}{}", consequence(scene, part, severity)))
}

/// Whether whoever writes below `path` runs programs outside.
fn gives_caller_away(scene: Scene<'_>, path: &Path) -> bool {
    let holds = |precious: &Path| precious.starts_with(path);
    let is_system = SYSTEM.iter().any(|system| holds(Path::new(system)));
    let is_precious = scene.asked.precious.iter().any(|precious| holds(precious));
    let is_caller = scene.has(scene.asked.caller);
    (scene.has_host_root() && is_system) || (is_caller && (is_precious || holds(&scene.asked.store)))
}

fn consequence(scene: Scene<'_>, part: &MountPart, severity: Severity) -> String {
    let can_leave_programs = scene.has_host_root() && !part.has("nosuid");
    match (severity, can_leave_programs) {
        (Severity::Critical, _) => {
            format!(": what it leaves there runs outside, as {}", scene.outside())
        }
        (_, true) => ", where it can leave setuid programs of root".to_owned(),
        (Severity::Serious | Severity::Moderate | Severity::Slight, false) => String::new(),
    }
}

fn host_kernel(scene: Scene<'_>, part: &MountPart) -> Way {
    let point = shown(Path::new(&part.entry.point));
    let kind = &part.entry.file_system;
    let rules = scene.has_host_root();
    if kind == "devtmpfs" {
        let who = scene.outside();
        let text =
            format!("sees all devices of the host at {point}, and can use what their permissions let {who}");
        return way(if rules { Severity::Critical } else { Severity::Moderate }, "device", text);
    }
    match (part.is_writable(), rules) {
        (true, true) => {
            let text = format!("can change the host's kernel settings through the {kind} at {point}");
            way(Severity::Critical, "kernel", text)
        }
        (true, false) => {
            let text = format!(
                "sees the host's {kind} at {point}, writable where its permissions let {}",
                scene.outside()
            );
            way(Severity::Moderate, "kernel", text)
        }
        (false, _) => {
            way(Severity::Slight, "kernel", format!("sees the host's {kind} at {point}, read-only"))
        }
    }
}

fn layered(part: &MountPart) -> Vec<Way> {
    let point = shown(Path::new(&part.entry.point));
    let lowers: Vec<String> = part.host.iter().map(|path| shown(path)).collect();
    let read = format!(
        "can read the host directory {} through {point}; what it writes stays in a layer",
        lowers.join(" and ")
    );
    let mut ways = vec![way(Severity::Moderate, "mount", read)];
    if let Some(upper) = part.upper.as_ref().filter(|_| part.is_writable()) {
        let text = format!("can write to the host directory {} through {point}", shown(upper));
        ways.push(way(Severity::Serious, "mount", text));
    }
    ways
}

/// Mounts that come and go with the host's.
fn travelling(part: &MountPart) -> Vec<Way> {
    let leads_out =
        !matches!(part.part, Part::Layers | Part::Memory | Part::Kernel | Part::Mask | Part::Device);
    let has = |word: &str| part.entry.propagation.iter().any(|field| field.starts_with(word));
    let (point, host) = (shown(Path::new(&part.entry.point)), part.host.first().map(|path| shown(path)));
    let host = host.filter(|_| leads_out).unwrap_or_default();
    if host.is_empty() {
        return Vec::new();
    }
    if has("shared:") {
        let text =
            format!("what it mounts below {point} appears on the host below {host}, and the other way round");
        vec![way(Severity::Serious, "mount", text)]
    } else if has("master:") {
        let text = format!("what the host mounts below {host} appears in it below {point}");
        vec![way(Severity::Slight, "mount", text)]
    } else {
        Vec::new()
    }
}

/// Files of its own procfs and sysfs that are not covered.
pub(super) fn kernel_files(scene: Scene<'_>) -> Vec<Way> {
    let exists = |path: &&str| scene.facts.sensitive.iter().any(|one| one == path);
    let is_covered = |path: &str, needs_hiding: bool| {
        // What covers a directory above covers it, too.
        let above = Path::new(path).ancestors().filter_map(Path::to_str).filter(|point| *point != "/");
        let mut tops = above.filter_map(|point| mounts::top(scene.parts, point));
        tops.any(|top| top.part == Part::Mask || (!needs_hiding && !top.is_writable()))
    };
    let open = |paths: &[&'static str], hiding| -> Vec<&'static str> {
        paths.iter().copied().filter(exists).filter(|path| !is_covered(path, hiding)).collect()
    };
    let mut ways = Vec::new();
    let writable = open(&READ_ONLY_PATHS, false);
    if !writable.is_empty() {
        // Most of it asks for root of the machine, whatever the mount says.
        let (severity, end) = if scene.has_host_root() {
            (Severity::Critical, "can change the whole machine there")
        } else {
            (Severity::Slight, "where the kernel asks for no more than its own rights")
        };
        let text = match severity {
            Severity::Critical => format!("{end}: {} can be written", writable.join(", ")),
            Severity::Serious | Severity::Moderate | Severity::Slight => {
                format!("{} can be written {end}", writable.join(", "))
            }
        };
        ways.push(way(severity, "kernel", text));
    }
    let visible = open(&MASKED_PATHS, true);
    if !visible.is_empty() {
        let severity = if scene.has_host_root() { Severity::Moderate } else { Severity::Slight };
        let text = format!("sees what is hidden usually: {}", visible.join(", "));
        ways.push(way(severity, "kernel", text));
    }
    ways
}

/// Devices that not every container has.
pub(super) fn devices(scene: Scene<'_>) -> Vec<Way> {
    let unusual = scene.report.devices.iter().filter(|device| !device.usual);
    unusual.map(|device| one_device(scene, device)).collect()
}

fn one_device(scene: Scene<'_>, device: &DeviceReport) -> Way {
    let path = shown(Path::new(&device.path));
    if !device.usable {
        let text =
            format!("has the device {path}, whose permissions {} keep {} out", device.mode, scene.outside());
        return way(Severity::Slight, "device", text);
    }
    let text = match (device.kind.as_str(), device.major, device.minor) {
        ("b", ..) => format!("can use the disk {path}: all that is on it"),
        (_, 1, 1 | 2 | 4) => format!("can use {path}: the memory of the machine"),
        _ => format!("can use the device {path}"),
    };
    let severity = match (device.kind.as_str(), device.major, device.minor) {
        ("b", ..) | (_, 1, 1 | 2 | 4) => Severity::Critical,
        // kvm, fuse and tun give no more than a process of the host has.
        (_, 10, 200 | 229 | 232) => Severity::Moderate,
        _ => Severity::Serious,
    };
    way(severity, "device", text)
}

/// What its first process holds open and is on no mount of its own.
pub(super) fn descriptors(scene: Scene<'_>) -> Vec<Way> {
    if scene.parts.is_empty() {
        return Vec::new();
    }
    let is_outside = |id: u64| !scene.parts.iter().any(|part| part.entry.id == id);
    let strays = scene.facts.descriptors.iter().filter(|one| is_outside(one.mount));
    // Pipes and sockets are on no mount that anybody can see, and have no path; and this file leads nowhere.
    let strays = strays.filter(|one| one.leads_to.is_absolute() && one.leads_to != Path::new("/dev/null"));
    let sentence = |one: &Descriptor| {
        let path = shown(&one.leads_to);
        match one.name.as_str() {
            "root" | "cwd" => {
                let what = if one.name == "root" { "root" } else { "working directory" };
                way(Severity::Critical, "descriptor", format!("its {what} is outside, at {path}"))
            }
            "0" | "1" | "2" => {
                let text = format!("its descriptor {} is {path} of the host", one.name);
                way(Severity::Slight, "descriptor", text)
            }
            name => {
                let text = format!("holds {path} of the host open, as its descriptor {name}");
                way(Severity::Critical, "descriptor", text)
            }
        }
    };
    strays.map(sentence).collect()
}

/// A path that stays on its line.
fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.chars()
        .flat_map(|letter| if letter.is_control() { letter.escape_default().collect() } else { vec![letter] })
        .collect()
}
