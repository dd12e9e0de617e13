//! `minirun inspect --security`: what holds a container, and how it can reach the host.

use minirun::container::Engine;
use minirun::plan::fence::{MountReport, NamespaceReport, RangeReport, Report};
use serde_json::Value;

use crate::arguments::InspectOf;
use crate::failure::Failure;
use crate::inspect::{array, end};
use crate::listing::align;
use crate::mounts::printable;
use crate::output::Output;
use crate::template::Template;

/// Shows it of every container; the exit code.
pub(crate) fn inspect(engine: &Engine, arguments: &InspectOf, output: &mut Output) -> Result<u8, Failure> {
    let format = arguments.format.as_deref().map(str::trim).filter(|format| !format.is_empty());
    let template =
        format.filter(|format| !matches!(*format, "json" | "table")).map(Template::parse).transpose()?;
    let (mut reports, mut failures) = (Vec::new(), Vec::new());
    for name in &arguments.names {
        match engine.inspect_security(name) {
            Ok(report) => reports.push(report),
            Err(error) => failures.push(error.into()),
        }
    }
    match (template, format) {
        (Some(template), _) => {
            for report in &reports {
                output.line(template.render(&object(report))?)?;
            }
        }
        (None, Some("json")) => {
            let objects: Vec<Value> = reports.iter().map(object).collect();
            output.line(array(&objects, true))?;
        }
        (None, _) => print(&reports, output)?,
    }
    Ok(end(&failures, output))
}

fn object(report: &Report) -> Value {
    // Texts, numbers and lists of them can always become JSON.
    serde_json::to_value(report).unwrap_or_default()
}

fn print(reports: &[Report], output: &mut Output) -> Result<(), Failure> {
    for (at, report) in reports.iter().enumerate() {
        if at > 0 {
            output.line("")?;
        }
        lines(report).iter().try_for_each(|line| output.line(line))?;
    }
    Ok(())
}

fn lines(report: &Report) -> Vec<String> {
    let subject = &report.subject;
    let id: String = subject.id.chars().take(12).collect();
    let mut lines =
        vec![format!("CONTAINER {} ({id}), process {}", subject.name, subject.pid), String::new()];
    let items = [who(report), what(report), bounds(report)].concat();
    lines.extend(align(&items.into_iter().map(|(name, text)| format!("{name}\t{text}")).collect::<Vec<_>>()));
    lines.extend(section(&mount_rows(report)));
    lines.push(String::new());
    if report.ways.is_empty() {
        lines.push("WAYS TO THE HOST: none but flaws of the kernel".to_owned());
    } else {
        lines.push("WAYS TO THE HOST".to_owned());
        let way = |way: &minirun::plan::fence::Way| format!("{}\t{}", way.severity.word(), way.text);
        lines.extend(align(&report.ways.iter().map(way).collect::<Vec<_>>()));
    }
    lines.extend(section(&differences(report)));
    if !report.unread.is_empty() {
        lines.extend([String::new(), format!("COULD NOT BE READ: {}", report.unread.join(", "))]);
    }
    lines
}

/// A blank line and a table, if there is anything in it.
fn section(rows: &[String]) -> Vec<String> {
    if rows.len() < 2 {
        return Vec::new();
    }
    [vec![String::new()], align(rows)].concat()
}

type Item = (&'static str, String);

fn who(report: &Report) -> Vec<Item> {
    let number = |id: Option<u32>| id.map_or_else(|| "?".to_owned(), |id| id.to_string());
    let user = report.user.as_ref().map_or_else(unknown, |user| {
        let groups: Vec<_> = user.outside_groups.iter().map(ToString::to_string).collect();
        let groups = if groups.is_empty() { "none".to_owned() } else { groups.join(" ") };
        format!(
            "{}:{}, outside {}:{}, other groups outside {groups}",
            number(user.uid),
            number(user.gid),
            user.outside_uid,
            user.outside_gid
        )
    });
    let root = report.user.as_ref().and_then(|user| user.outside_root);
    let root =
        root.map_or_else(|| "nobody".to_owned(), |uid| format!("root in the container is uid {uid} outside"));
    let setgroups = report.setgroups.as_deref().unwrap_or("unknown");
    vec![
        ("user", user),
        ("root", root),
        ("user IDs", ranges(&report.uid_map)),
        ("group IDs", format!("{}, setgroups: {setgroups}", ranges(&report.gid_map))),
    ]
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn ranges(map: &[RangeReport]) -> String {
    let span = |first: u32, size: u32| match size {
        0 | 1 => first.to_string(),
        _ => format!("{first}-{}", u64::from(first) + u64::from(size) - 1),
    };
    let one = |range: &RangeReport| {
        format!("{} is {}", span(range.container, range.size), span(range.outside, range.size))
    };
    if map.is_empty() { unknown() } else { map.iter().map(one).collect::<Vec<_>>().join(", ") }
}

fn what(report: &Report) -> Vec<Item> {
    let set = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(" ") };
    let mut items = Vec::new();
    match &report.capabilities {
        None => items.push(("capabilities", unknown())),
        Some(sets) => {
            items.push(("capabilities", format!("{} (bounding)", set(&sets.bounding))));
            if sets.effective != sets.bounding {
                items.push(("", format!("{} (effective)", set(&sets.effective))));
            }
            let kept: Vec<String> = [sets.inheritable.clone(), sets.ambient.clone()].concat();
            if !kept.is_empty() {
                items.push(("", format!("{} (inheritable or ambient)", set(&kept))));
            }
        }
    }
    let switch = report.no_new_privileges.map(|on| if on { "on" } else { "off" }.to_owned());
    items.push(("no_new_privs", switch.unwrap_or_else(unknown)));
    items.push(("seccomp", filter(report)));
    items.push(("label", report.label.clone().unwrap_or_else(|| "none".to_owned())));
    items.push(("namespaces", namespaces(&report.namespaces)));
    items
}

fn filter(report: &Report) -> String {
    let Some(filter) = &report.seccomp else { return unknown() };
    if filter.mode != "filter" {
        return if filter.mode == "none" { "off".to_owned() } else { filter.mode.clone() };
    }
    let count = filter.filters.map(|count| format!(", {count} of them")).unwrap_or_default();
    let hash = match (&filter.hash, filter.hash_from.as_deref()) {
        (Some(hash), Some("kernel")) => format!(", {hash} as read back"),
        (Some(hash), _) => format!(", {hash} as recorded: only root can read it back"),
        (None, _) => String::new(),
    };
    format!("filter{count}{hash}")
}

fn namespaces(all: &[NamespaceReport]) -> String {
    let of = |shared: Option<bool>| {
        let names: Vec<&str> =
            all.iter().filter(|one| one.shared == shared).map(|one| one.kind.as_str()).collect();
        names.join(" ")
    };
    let part = |word: &str, names: String| (!names.is_empty()).then(|| format!("{word}: {names}"));
    let parts = [
        part("own", of(Some(false))),
        part("shared with the host", of(Some(true))),
        part("unknown", of(None)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn bounds(report: &Report) -> Vec<Item> {
    let limits = &report.limits;
    let one = |limit: &minirun::plan::fence::ResourceReport| {
        if limit.soft == limit.hard {
            format!("{}={}", limit.name, limit.soft)
        } else {
            format!("{}={}:{}", limit.name, limit.soft, limit.hard)
        }
    };
    let bounded = limits.resources.iter().filter(|limit| limit.hard != "unlimited");
    let bounded: Vec<String> = bounded.map(one).collect();
    let cgroup: Vec<String> = limits.cgroup.iter().map(|(file, text)| format!("{file}={text}")).collect();
    let list = |all: Vec<String>| if all.is_empty() { "none".to_owned() } else { all.join(" ") };
    let score = limits.oom_score_adjustment.map_or_else(unknown, |score| score.to_string());
    let device = |device: &minirun::plan::fence::DeviceReport| {
        let name = device.path.strip_prefix("/dev/").unwrap_or(&device.path);
        let name = printable(name);
        if device.usual {
            return name;
        }
        let reach = if device.usable { "" } else { ", out of reach" };
        format!("{name} ({}{}:{} {}{reach})", device.kind, device.major, device.minor, device.mode)
    };
    // The usual ones are worth a word only where they are usual.
    let is_told =
        |device: &&minirun::plan::fence::DeviceReport| !device.usual || device.path.starts_with("/dev/");
    vec![
        ("devices", list(report.devices.iter().filter(is_told).map(device).collect())),
        ("limits", list(bounded)),
        ("cgroup", list(cgroup)),
        ("oom score", score),
    ]
}

/// What of the host is mounted; what every container has for itself is left out.
fn mount_rows(report: &Report) -> Vec<String> {
    const LEADING_OUT: [&str; 6] = ["host", "host-layered", "host-kernel", "volume", "store", "foreign"];
    let shown = report.mounts.iter().filter(|mount| LEADING_OUT.contains(&mount.kind.as_str()));
    let mut rows = vec!["MOUNT\tKIND\tON THE HOST\tACCESS\tOPTIONS".to_owned()];
    rows.extend(shown.map(mount_row));
    rows
}

fn mount_row(mount: &MountReport) -> String {
    let access = match (mount.writable, mount.writable_top) {
        (false, _) => "read",
        (true, Some(false)) => "write where permitted",
        (true, Some(true) | None) => "write",
    };
    let mut host = mount.host_paths.iter().map(|path| printable(path)).collect::<Vec<_>>().join(" ");
    if mount.confirmed == Some(false) {
        host.push_str(" (another file is there now)");
    }
    let destination = printable(&mount.destination);
    let options = mount.options.join(",");
    format!("{destination}\t{}\t{host}\t{access}\t{options},{}", mount.kind, mount.propagation)
}

fn differences(report: &Report) -> Vec<String> {
    let mut rows = vec!["NOT AS ASKED\tWHAT\tASKED\tIN FORCE".to_owned()];
    rows.extend(report.differences.iter().map(|one| {
        let word = if one.weaker { "WEAKER" } else { "stricter" };
        let shown = |text: &str| if text.is_empty() { "none".to_owned() } else { printable(text) };
        format!("{word}\t{}\t{}\t{}", printable(&one.what), shown(&one.asked), shown(&one.found))
    }));
    rows
}
