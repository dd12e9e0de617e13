//! The verbs about the mounts of a container that runs.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use minirun::container::{Detach, Engine, MountOrigin, MountRow};
use minirun::plan::mount::{MountError, MountRequest, parse_mount, parse_tmpfs, parse_volume};
use minirun::plan::path::ContainerPath;
use serde_json::{Value, json};

use crate::arguments::mounts::{MountArgs, MountsArgs, UmountArgs};
use crate::failure::{Failure, OWN_FAILURE};
use crate::listing::{self, Column, Style};
use crate::output::Output;
use crate::progress::{Loudness, Progress};

const USUAL: [&str; 7] = ["Tree", "Type", "Source", "AskedText", "GotText", "Propagation", "Note"];
const COLUMNS: [Column; 8] = [
    Column { title: "DESTINATION", field: "Tree" },
    Column { title: "DESTINATION", field: "Destination" },
    Column { title: "TYPE", field: "Type" },
    Column { title: "SOURCE", field: "Source" },
    Column { title: "ASKED", field: "AskedText" },
    Column { title: "GOT", field: "GotText" },
    Column { title: "PROPAGATION", field: "Propagation" },
    Column { title: "NOTE", field: "Note" },
];

/// The keys of `--mount` that say where; no value of `-v` has them.
const DESTINATION_KEYS: [&str; 4] = ["target", "dst", "destination", "dest"];

/// `minirun mount`.
pub(crate) fn mount(engine: &Engine, arguments: &MountArgs) -> Result<u8, Failure> {
    let Some(container) = &arguments.container else { return Err(Failure::NoMountSpec) };
    let request = request(arguments)?;
    let mut progress = Progress::new(Loudness::of(arguments.quiet));
    let mounted = engine.mount(container, request, &mut |event| progress.show(event));
    progress.clear();
    mounted?;
    Ok(0)
}

fn request(arguments: &MountArgs) -> Result<MountRequest, Failure> {
    let request = match (&arguments.volume, &arguments.mount, &arguments.tmpfs, &arguments.spec) {
        (Some(text), ..) => parse_volume(text),
        (None, Some(text), ..) => parse_mount(text),
        (None, None, Some(text), _) => parse_tmpfs(text),
        (None, None, None, Some(text)) => parse_spec(text),
        (None, None, None, None) => return Err(Failure::NoMountSpec),
    };
    request.map_err(|error| Failure::Request(error.into()))
}

fn parse_spec(text: &OsStr) -> Result<MountRequest, MountError> {
    let is_destination = |field: &[u8]| {
        let field = String::from_utf8_lossy(field).trim_start_matches('"').to_ascii_lowercase();
        DESTINATION_KEYS.iter().any(|key| field.strip_prefix(key).is_some_and(|rest| rest.starts_with('=')))
    };
    if text.as_bytes().split(|&byte| byte == b',').any(is_destination) {
        parse_mount(text)
    } else {
        parse_volume(text)
    }
}

/// `minirun umount`: goes on with the others when one cannot be taken away.
pub(crate) fn unmount(engine: &Engine, arguments: &UmountArgs, output: &mut Output) -> Result<u8, Failure> {
    let destinations: Vec<ContainerPath> =
        arguments.destinations.iter().map(destination).collect::<Result<_, _>>()?;
    let detach = if arguments.lazy { Detach::Lazy } else { Detach::Idle };
    let mut code = 0;
    for destination in &destinations {
        if let Err(error) = engine.unmount(&arguments.container, destination, detach) {
            output.fail(&error.into());
            code = OWN_FAILURE;
        }
    }
    Ok(code)
}

fn destination(text: &OsString) -> Result<ContainerPath, Failure> {
    let text_of = || text.to_string_lossy().into_owned();
    ContainerPath::parse(text).map_err(|source| Failure::Destination { text: text_of(), source })
}

/// `minirun mounts`.
pub(crate) fn list(engine: &Engine, arguments: &MountsArgs, output: &mut Output) -> Result<u8, Failure> {
    let mounts = engine.mounts(&arguments.container)?;
    let trees = trees(&mounts);
    let rows: Vec<Value> = mounts.iter().zip(&trees).map(|(mount, tree)| row(mount, tree)).collect();
    if arguments.format.as_deref() == Some("json") {
        let objects: Vec<Value> = mounts.iter().map(object).collect();
        output.line(Value::from(objects).to_string())?;
        return Ok(0);
    }
    let style = Style { usual: &USUAL, columns: &COLUMNS, format: arguments.format.as_deref() };
    listing::print(&rows, &style, output)?;
    Ok(0)
}

/// What `--format json` shows of a mount.
fn object(mount: &MountRow) -> Value {
    let got = mount.got.as_ref();
    json!({
        "Destination": mount.destination.to_string_lossy(),
        "Type": mount.kind,
        "Source": mount.source.to_string_lossy(),
        "Origin": match mount.origin {
            MountOrigin::Default => "default",
            MountOrigin::Start => "run",
            MountOrigin::Later => "mount",
        },
        "Asked": mount.asked,
        "Got": got.map(|got| &got.options),
        "Refused": mount.refused,
        "Propagation": got.map(|got| &got.propagation),
        "FileSystem": got.map(|got| &got.file_system),
        "Id": got.map(|got| got.id),
        "Parent": got.map(|got| got.parent),
    })
}

/// The same with what a table shows.
fn row(mount: &MountRow, tree: &str) -> Value {
    let got = mount.got.as_ref();
    let note = match (&got, &mount.refused[..]) {
        (None, _) => "not mounted".to_owned(),
        (Some(_), []) => String::new(),
        (Some(_), refused) => format!("{} refused: the source's own mount forbids it", refused.join(" and ")),
    };
    let mut row = object(mount);
    row["Tree"] = tree.into();
    row["AskedText"] = mount.asked.as_ref().map(|words| words.join(",")).unwrap_or_default().into();
    row["GotText"] = got.map(|got| got.options.join(",")).unwrap_or_default().into();
    row["Propagation"] = got.map(|got| got.propagation.clone()).unwrap_or_default().into();
    row["Note"] = note.into();
    row
}

/// The destinations, each behind the branches that lead to it.
fn trees(mounts: &[MountRow]) -> Vec<String> {
    let has_sibling = |at: usize, depth: usize| {
        let next = mounts[at + 1..].iter().find(|mount| mount.depth <= depth);
        next.is_some_and(|mount| mount.depth == depth)
    };
    let tree = |(at, mount): (usize, &MountRow)| {
        let name = mount.destination.to_string_lossy();
        let trunk = (1..mount.depth).map(|depth| if has_sibling(at, depth) { "│ " } else { "  " });
        let branch = match mount.depth {
            0 => "",
            depth if has_sibling(at, depth) => "├─",
            _ => "└─",
        };
        format!("{}{branch}{}", trunk.collect::<String>(), printable(&name))
    };
    mounts.iter().enumerate().map(tree).collect()
}

/// A name that stays on its line.
pub(crate) fn printable(name: &str) -> String {
    name.chars()
        .flat_map(|letter| if letter.is_control() { letter.escape_default().collect() } else { vec![letter] })
        .collect()
}

#[cfg(test)]
mod tests {
    use minirun::plan::mount::Flag;

    use super::*;

    #[test]
    fn a_spec_is_one_of_two_kinds() {
        for (text, flag) in [
            ("/a:/b", Flag::Volume),
            ("data:/b:ro", Flag::Volume),
            ("/a=b:/dst=c", Flag::Volume),
            ("type=bind,src=/a,dst=/b", Flag::Mount),
            ("DST=/b,src=data", Flag::Mount),
            ("\"dst=/b,c\",src=data", Flag::Mount),
        ] {
            assert_eq!(parse_spec(OsStr::new(text)).map(|request| request.origin.flag), Ok(flag), "{text}");
        }
    }

    #[test]
    fn branches_lead_to_every_mount() {
        let mount = |destination: &str, depth| MountRow {
            destination: destination.into(),
            depth,
            origin: MountOrigin::Default,
            kind: String::new(),
            source: OsString::new(),
            asked: None,
            got: None,
            refused: Vec::new(),
        };
        let mounts = [
            mount("/", 0),
            mount("/a", 1),
            mount("/a/b", 2),
            mount("/a/c", 2),
            mount("/a/c/d", 3),
            mount("/e", 1),
        ];
        assert_eq!(trees(&mounts), ["/", "├─/a", "│ ├─/a/b", "│ └─/a/c", "│   └─/a/c/d", "└─/e"]);
        assert_eq!(trees(&[mount("/a", 0), mount("/b\n", 0)]), ["/a", "/b\\n"]);
    }
}
