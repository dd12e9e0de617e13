//! The verbs about what containers changed in directories bound with `cow`.

use std::io;

use minirun::container::Engine;
use minirun::container::review::{
    Act, Apply, Change, Difference, Doing, Kind, MountChanges, OnConflict, Reader, Rights, Standing,
};
use minirun::plan::path::ContainerPath;
use minirun::plan::quote::{always_quoted, quoted};
use serde_json::{Value, json};

use crate::arguments::review::{ApplyArgs, ChangesArgs, DiscardArgs};
use crate::failure::{Failure, SOME_FAILED};
use crate::listing::{self, Column, Style};
use crate::output::{Output, note};

/// The bits that let a program run as its file's owner or group.
const SET_ID: u32 = 0o6000;

const COLUMNS: [Column; 9] = [
    Column { title: "CHANGE", field: "Change" },
    Column { title: "PATH", field: "Path" },
    Column { title: "KIND", field: "Kind" },
    Column { title: "MODE", field: "Mode" },
    Column { title: "DIFFERENCES", field: "Differences" },
    Column { title: "CONFLICT", field: "Conflict" },
    Column { title: "DESTINATION", field: "Destination" },
    Column { title: "SOURCE", field: "Source" },
    Column { title: "HOST PATH", field: "HostPath" },
];
const USUAL: [&str; 5] = ["Change", "Kind", "Differences", "Conflict", "Path"];

/// `minirun changes`.
pub(crate) fn changes(engine: &Engine, arguments: &ChangesArgs, output: &mut Output) -> Result<u8, Failure> {
    let of = &arguments.of;
    if arguments.patch {
        return patch(engine, arguments, output);
    }
    let mounts = engine.changes(&of.container, &of.paths)?;
    match &arguments.format {
        None => list(&mounts, output)?,
        Some(format) => {
            let rows: Vec<Value> = all(&mounts).map(|(mount, change)| row(mount, change)).collect();
            let style = Style { usual: &USUAL, columns: &COLUMNS, format: Some(format) };
            listing::print(&rows, &style, output)?;
        }
    }
    Ok(0)
}

fn patch(engine: &Engine, arguments: &ChangesArgs, output: &mut Output) -> Result<u8, Failure> {
    let of = &arguments.of;
    // The patch may be written by a process of its own, which shares nothing but the stream.
    let mut sink = |bytes: &[u8]| match output.bytes(bytes).and_then(|()| output.flush()) {
        Ok(()) => Reader::Reading,
        Err(failure) => {
            output.fail(&failure);
            Reader::Gone
        }
    };
    match engine.patch(&of.container, &of.paths, &mut sink)? {
        Reader::Reading => Ok(0),
        Reader::Gone => Err(Failure::Output(io::ErrorKind::BrokenPipe.into())),
    }
}

/// `minirun apply`.
pub(crate) fn apply(engine: &Engine, arguments: &ApplyArgs, output: &mut Output) -> Result<u8, Failure> {
    let on_conflict = match (arguments.conflicts.force, arguments.conflicts.skip_conflicts) {
        (true, _) => OnConflict::Force,
        (false, true) => OnConflict::Skip,
        (false, false) => OnConflict::Refuse,
    };
    let options = Apply { on_conflict, doing: doing(arguments.dry_run) };
    let done = engine.apply_changes(&arguments.of.container, &arguments.of.paths, options)?;
    if !arguments.quiet {
        list(&done.applied, output)?;
    }
    output.flush()?;
    let left: Vec<String> = all(&done.left).map(|(mount, change)| line(mount, change)).collect();
    for line in &left {
        note(&format!("not applied: {line}\n"));
    }
    // A mount point on the host is left even with --force.
    let complete = left.is_empty() || on_conflict == OnConflict::Skip;
    Ok(if complete { 0 } else { SOME_FAILED })
}

/// `minirun discard`.
pub(crate) fn discard(engine: &Engine, arguments: &DiscardArgs, output: &mut Output) -> Result<u8, Failure> {
    let of = &arguments.of;
    let mounts = engine.discard_changes(&of.container, &of.paths, doing(arguments.dry_run))?;
    if !arguments.quiet {
        list(&mounts, output)?;
    }
    Ok(0)
}

fn doing(dry_run: bool) -> Doing {
    if dry_run { Doing::Saying } else { Doing::Really }
}

/// The changes that stand for themselves.
fn all(mounts: &[MountChanges]) -> impl Iterator<Item = (&MountChanges, &Change)> {
    let own = |change: &&Change| change.standing == Standing::Own;
    mounts.iter().flat_map(move |mount| mount.changes.iter().filter(own).map(move |change| (mount, change)))
}

fn list(mounts: &[MountChanges], output: &mut Output) -> Result<(), Failure> {
    all(mounts).try_for_each(|(mount, change)| output.line(line(mount, change)))
}

/// A letter, the container's path, and what differs besides the content.
fn line(mount: &MountChanges, change: &Change) -> String {
    let mut notes = match &change.act {
        Act::Changed(differences) if differences[..] != [Difference::Content] => {
            differences.iter().map(|difference| shown(*difference, change)).collect()
        }
        Act::Added => new_notes(change),
        Act::Changed(_) | Act::Removed => Vec::new(),
    };
    if change.rights == Rights::Capabilities {
        notes.push("capabilities".to_owned());
    }
    notes.extend(change.conflict.map(|conflict| format!("conflict: {conflict}")));
    let text = format!("{} {}", letter(&change.act), named(&mount.destination.join(&change.path)));
    if notes.is_empty() { text } else { format!("{text} ({})", notes.join(", ")) }
}

/// What whoever applies something new should know about it.
fn new_notes(change: &Change) -> Vec<String> {
    match change.kind {
        Kind::File if change.mode & SET_ID != 0 => vec![format!("mode {:o}", change.mode)],
        Kind::Fifo | Kind::Socket | Kind::Device => vec![change.kind.to_string()],
        Kind::File | Kind::Directory | Kind::Symlink => Vec::new(),
    }
}

/// A path that cannot be mistaken for one with notes behind it.
fn named(path: &ContainerPath) -> String {
    let shown = quoted(path.as_os_str());
    if shown.contains(" (") && !shown.starts_with('"') { always_quoted(path.as_os_str()) } else { shown }
}

/// As `docker diff` has them.
fn letter(act: &Act) -> char {
    match act {
        Act::Added => 'A',
        Act::Changed(_) => 'C',
        Act::Removed => 'D',
    }
}

fn shown(difference: Difference, change: &Change) -> String {
    match difference {
        Difference::Kind { from } => format!("{from} -> {}", change.kind),
        Difference::Content => "content".to_owned(),
        Difference::Mode { from, to } => format!("mode {from:o} -> {to:o}"),
        Difference::Owner { from, to } => format!("owner {}:{} -> {}:{}", from.0, from.1, to.0, to.1),
        Difference::Attributes => "attributes".to_owned(),
    }
}

fn row(mount: &MountChanges, change: &Change) -> Value {
    let path = mount.destination.join(&change.path);
    let differences: Vec<String> = match &change.act {
        Act::Changed(differences) => differences.iter().map(|one| shown(*one, change)).collect(),
        Act::Added | Act::Removed => Vec::new(),
    };
    json!({
        "Change": letter(&change.act).to_string(),
        "Path": named(&path),
        "Kind": change.kind.to_string(),
        "Mode": format!("{:o}", change.mode),
        "Differences": differences.join(", "),
        "Conflict": change.conflict.map(|conflict| conflict.to_string()).unwrap_or_default(),
        "Destination": quoted(mount.destination.as_os_str()),
        "Source": quoted(&mount.source),
        "HostPath": quoted(host_path(mount, change)),
    })
}

fn host_path(mount: &MountChanges, change: &Change) -> std::path::PathBuf {
    // Joining an empty path would add a slash.
    if change.path.as_os_str().is_empty() { mount.source.clone() } else { mount.source.join(&change.path) }
}
