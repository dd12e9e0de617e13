//! The mounts of a container: what was asked for, and what the kernel has made of it.

mod words;

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use self::words::{options, refused, words};
use super::{Engine, Error};
use crate::error::running::RunningError;
use crate::launch::Entry;
use crate::plan::evidence::Evidence;
use crate::plan::finding;
use crate::plan::mount::MountKind;
use crate::plan::mount_table::{self, MountEntry};
use crate::plan::path::ContainerPath;
use crate::plan::result_record::MountFinding;
use crate::store::container::{Container, ContainerRecord, MountRecord};

/// Who put a mount where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MountOrigin {
    /// It is a part of the root filesystem, one of the mounts that every container has, or came from inside.
    Default,
    /// Something that the user or the image asked for when the container was started.
    Start,
    /// `minirun mount`.
    Later,
}

/// One mount of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountRow {
    /// Where it is, in the words of who asked for it.
    pub destination: OsString,
    /// How many mounts it lies in; 0 for the root.
    pub depth: usize,
    /// Who put it there.
    pub origin: MountOrigin,
    /// `bind`, `volume` and so on where it was asked for, `generated`, `device` or `mask` where minirun knows why it is
    /// there, else the file system's type.
    pub kind: String,
    /// The volume, the path on the host, or what the file system calls its source.
    pub source: OsString,
    /// The words that were asked for; none where nobody asked.
    pub asked: Option<Vec<String>>,
    /// What the kernel says; none where nothing is mounted, or not any more.
    pub got: Option<Got>,
    /// What was asked for and is not so, because what the source lies on forbids it.
    pub refused: Vec<&'static str>,
}

/// What the kernel says of a mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    /// Its number.
    pub id: u64,
    /// The number of the mount that it lies on.
    pub parent: u64,
    /// The type of the file system.
    pub file_system: String,
    /// What it permits, and for a tmpfs its size and such.
    pub options: Vec<String>,
    /// How later mounts travel.
    pub propagation: String,
}

/// A mount that somebody asked for, and where it should be.
struct Asked<'a> {
    record: &'a MountRecord,
    origin: MountOrigin,
    place: OsString,
}

impl Engine {
    /// The mounts of the container that `text` names, each behind the one that it lies on: of one that runs as the
    /// kernel has them, of one that has ended as they were asked for.
    ///
    /// # Errors
    /// There is no such container, or it cannot be looked into.
    pub fn mounts(&self, text: &str) -> Result<Vec<MountRow>, Error> {
        let container = self.store.find_container(text)?;
        if !container.state.has_processes() {
            return Ok(container.record.mounts.iter().map(ended).collect());
        }
        let processes = self.processes(&container)?;
        let table = processes.mount_table().map_err(|cause| Error::Store(self.store.read_error(cause)))?;
        let entries = mount_table::parse(&table.unwrap_or_default());
        let asked = places(&container, &entries, Entry::new(&processes))?;
        let mut rows = rows(&entries, &asked);
        for row in &mut rows {
            name_default(row, &container.path);
        }
        Ok(rows)
    }
}

/// The mounts that a container has been started with, `path` being its directory. A destination that leads through a
/// symlink is not found.
pub(super) fn effective(record: &ContainerRecord, path: &Path, evidence: &Evidence) -> Vec<MountFinding> {
    let Some(table) = &evidence.mounts else {
        let unseen = || finding::not_read("mountinfo");
        return record.mounts.iter().map(|mount| mount_finding(ended(mount), unseen())).collect();
    };
    let asked: Vec<Asked<'_>> = record
        .mounts
        .iter()
        .map(|mount| Asked {
            record: mount,
            origin: MountOrigin::Start,
            place: mount.request.destination.as_os_str().to_owned(),
        })
        .collect();
    let mut rows = rows(&mount_table::parse(table), &asked);
    for row in &mut rows {
        name_default(row, path);
    }
    let verified = |row: &MountRow| match row.got {
        Some(_) => finding::read_from("mountinfo"),
        None => "not verified: nothing is mounted under this name; a symlink may lead elsewhere".to_owned(),
    };
    rows.into_iter().map(|row| (verified(&row), row)).map(|(how, row)| mount_finding(row, how)).collect()
}

fn mount_finding(row: MountRow, verified: String) -> MountFinding {
    MountFinding {
        destination: row.destination.to_string_lossy().into_owned(),
        kind: row.kind,
        source: row.source.to_string_lossy().into_owned(),
        asked: row.asked,
        enforced: row.got.map(|got| got.options),
        verified,
    }
}

fn ended(record: &MountRecord) -> MountRow {
    MountRow {
        destination: record.request.destination.as_os_str().to_owned(),
        depth: 0,
        origin: MountOrigin::Start,
        kind: record.request.kind.name().to_owned(),
        source: source(record),
        asked: Some(words(&record.request)),
        got: None,
        refused: Vec::new(),
    }
}

/// Where the mounts are that somebody asked for. A destination that is itself the name of a mount point leads there;
/// any other is looked up inside.
fn places<'a>(
    container: &'a Container,
    entries: &[MountEntry],
    entry: Entry<'_>,
) -> Result<Vec<Asked<'a>>, Error> {
    let points: HashSet<&OsString> = entries.iter().map(|entry| &entry.point).collect();
    let destination = |record: &MountRecord| record.request.destination.clone();
    let is_elsewhere = |path: &ContainerPath| !points.contains(&path.as_os_str().to_owned());
    let unknown: Vec<ContainerPath> =
        container.record.mounts.iter().map(destination).filter(is_elsewhere).collect();
    let found = entry.places(&unknown).map_err(|cause| RunningError::Enter {
        attempt: "look for the mounts".to_owned(),
        container: container.record.name.to_string(),
        cause,
    })?;
    let found: HashMap<ContainerPath, Option<ContainerPath>> = unknown.into_iter().zip(found).collect();
    let at_start = container.record.mounts.iter().map(|record| {
        let place = found.get(&record.request.destination).cloned().flatten();
        let place = place.unwrap_or_else(|| destination(record));
        Asked { record, origin: MountOrigin::Start, place: place.as_os_str().to_owned() }
    });
    let later = container.live.iter().map(|live| Asked {
        record: &live.record,
        origin: MountOrigin::Later,
        place: live.place.as_os_str().to_owned(),
    });
    Ok(at_start.chain(later).collect())
}

/// The tree, from the root down; what was asked for and is not there comes last.
fn rows(entries: &[MountEntry], asked: &[Asked<'_>]) -> Vec<MountRow> {
    let ids: HashSet<u64> = entries.iter().map(|entry| entry.id).collect();
    let mut below: HashMap<u64, Vec<&MountEntry>> = HashMap::new();
    let (mut pending, mut rows) = (Vec::new(), Vec::new());
    for entry in entries {
        if ids.contains(&entry.parent) && entry.parent != entry.id {
            below.entry(entry.parent).or_default().push(entry);
        } else {
            pending.push((entry, 0));
        }
    }
    // Of several mounts on one point the last one is what was asked for: nobody sees the others.
    let tops: HashMap<&OsString, u64> = entries.iter().map(|entry| (&entry.point, entry.id)).collect();
    pending.reverse();
    while let Some((entry, depth)) = pending.pop() {
        let is_it = |one: &&Asked<'_>| one.place == entry.point && tops.get(&entry.point) == Some(&entry.id);
        rows.push(row(entry, depth, asked.iter().find(is_it)));
        let children = below.remove(&entry.id).unwrap_or_default();
        pending.extend(children.into_iter().rev().map(|child| (child, depth + 1)));
    }
    rows.extend(asked.iter().filter(|one| !tops.contains_key(&one.place)).map(|one| ended(one.record)));
    rows
}

fn row(entry: &MountEntry, depth: usize, asked: Option<&Asked<'_>>) -> MountRow {
    let got = Got {
        id: entry.id,
        parent: entry.parent,
        file_system: entry.file_system.clone(),
        options: options(entry),
        propagation: entry.propagation_name(),
    };
    let destination = entry.point.clone();
    match asked {
        Some(asked) => MountRow {
            destination,
            depth,
            origin: asked.origin,
            kind: asked.record.request.kind.name().to_owned(),
            source: source(asked.record),
            asked: Some(words(&asked.record.request)),
            refused: refused(asked.record.request.attributes(), &got.options),
            got: Some(got),
        },
        None => MountRow {
            destination,
            depth,
            origin: MountOrigin::Default,
            kind: entry.file_system.clone(),
            source: shown_source(entry),
            asked: None,
            refused: Vec::new(),
            got: Some(got),
        },
    }
}

/// Gives what minirun mounts of its own accord a name that says why it is there.
fn name_default(row: &mut MountRow, path: &Path) {
    if row.origin != MountOrigin::Default {
        return;
    }
    let source = row.source.to_string_lossy().into_owned();
    let directory = path.to_string_lossy();
    let own_file = source.strip_suffix(']').and_then(|source| source.rsplit_once('/'));
    let is_inode_alone =
        row.got.as_ref().is_some_and(|got| got.options.iter().any(|one| one == "nr_inodes=1"));
    let kind = match own_file {
        Some((place, name)) if place.ends_with(directory.as_ref()) => {
            row.source = name.into();
            "generated"
        }
        Some(_) if row.kind == "devtmpfs" && row.destination.as_bytes().starts_with(b"/dev/") => "device",
        Some((_, "null")) if row.kind == "devtmpfs" => "mask",
        _ if row.kind == "tmpfs" && is_inode_alone => "mask",
        _ => return,
    };
    kind.clone_into(&mut row.kind);
}

/// The file system's source, and in brackets what of it is mounted if that is not all.
fn shown_source(entry: &MountEntry) -> OsString {
    let mut source = entry.source.clone();
    if entry.root != "/" {
        source.push("[");
        source.push(&entry.root);
        source.push("]");
    }
    source
}

fn source(record: &MountRecord) -> OsString {
    match (&record.volume, &record.request.kind) {
        (Some(volume), _) => volume.as_str().into(),
        (None, MountKind::Image(image)) => image.image.clone().into(),
        (None, kind) if record.source.as_os_str().is_empty() => kind.name().into(),
        (None, _) => record.source.clone().into(),
    }
}
