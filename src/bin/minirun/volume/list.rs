//! `minirun volume ls`.

use std::collections::BTreeMap;

use minirun::container::{Engine, VolumeList, VolumeSummary};
use minirun::plan::name::{Label, VolumeName};
use minirun::store::volume::Trashed;
use serde_json::{Map, Value, json};

use super::filter::{Filters, Verb};
use super::note_damaged;
use crate::arguments::volume::ListVolumes;
use crate::failure::Failure;
use crate::listing::{self, Column, Style};
use crate::output::Output;
use crate::template::LABEL_METHOD;
use crate::{size, time};

const USUAL: [&str; 2] = ["Driver", "Name"];
const WITH_SIZE: [&str; 4] = ["Driver", "Name", "Links", "Size"];
const COLUMNS: [Column; 10] = [
    Column { title: "DRIVER", field: "Driver" },
    Column { title: "VOLUME NAME", field: "Name" },
    Column { title: "SCOPE", field: "Scope" },
    Column { title: "MOUNTPOINT", field: "Mountpoint" },
    Column { title: "LABELS", field: "Labels" },
    Column { title: "LINKS", field: "Links" },
    Column { title: "SIZE", field: "Size" },
    Column { title: "STATUS", field: "Status" },
    Column { title: "AVAILABILITY", field: "Availability" },
    Column { title: "GROUP", field: "Group" },
];
const TRASH_USUAL: [&str; 3] = ["Name", "Removed", "Expires"];
const TRASH_COLUMNS: [Column; 5] = [
    Column { title: "VOLUME NAME", field: "Name" },
    Column { title: "REMOVED", field: "Removed" },
    Column { title: "KEPT UNTIL", field: "Expires" },
    Column { title: "REMOVED AT", field: "RemovedAt" },
    Column { title: "LABELS", field: "Labels" },
];
/// What Docker shows where it has not counted.
const UNKNOWN: &str = "N/A";

/// Prints the volumes that fit.
pub(crate) fn list(engine: &Engine, arguments: &ListVolumes, output: &mut Output) -> Result<u8, Failure> {
    let VolumeList { volumes: all, damaged } = engine.volumes()?;
    note_damaged(&damaged);
    let filters = Filters::parse(&arguments.filters, Verb::Ls, &all)?;
    let volumes: Vec<&VolumeSummary> = all.iter().filter(|volume| filters.fit(volume)).collect();
    if arguments.quiet && listing::is_usual(arguments.format.as_deref()) {
        volumes.iter().try_for_each(|volume| output.line(volume.record.name.as_str()))?;
        return Ok(0);
    }
    if arguments.quiet && arguments.format.as_deref().is_some_and(|format| format.trim() == "raw") {
        volumes.iter().try_for_each(|volume| output.line(format!("name: {}", volume.record.name)))?;
        return Ok(0);
    }
    let sizes = if arguments.size {
        let names: Vec<VolumeName> = volumes.iter().map(|volume| volume.record.name.clone()).collect();
        Some(engine.volume_sizes(&names)?)
    } else {
        None
    };
    let rows: Vec<Value> = volumes.iter().map(|volume| row(volume, sizes.as_ref())).collect();
    let usual: &[&str] = if arguments.size { &WITH_SIZE } else { &USUAL };
    let style = Style { usual, columns: &COLUMNS, format: arguments.format.as_deref() };
    print(&rows, &style, (arguments, output))
}

fn print(
    rows: &[Value],
    style: &Style<'_>,
    (arguments, output): (&ListVolumes, &mut Output),
) -> Result<u8, Failure> {
    if arguments.noheading {
        listing::print_without_heading(rows, style, output)?;
    } else {
        listing::print(rows, style, output)?;
    }
    Ok(0)
}

fn row(volume: &VolumeSummary, sizes: Option<&BTreeMap<VolumeName, u64>>) -> Value {
    let record = &volume.record;
    let size = sizes.and_then(|sizes| sizes.get(&record.name));
    json!({
        "Availability": UNKNOWN,
        "Driver": "local",
        "Group": UNKNOWN,
        "Labels": shown(&record.labels),
        "Links": if sizes.is_some() { volume.users.len().to_string() } else { UNKNOWN.to_owned() },
        "Mountpoint": volume.mountpoint.to_string_lossy(),
        "Name": record.name.as_str(),
        "Scope": "local",
        "Size": size.map_or_else(|| UNKNOWN.to_owned(), |size| size::show(*size)),
        "Status": UNKNOWN,
        LABEL_METHOD: labels(&record.labels),
    })
}

/// Labels on one line.
fn shown(labels: &[Label]) -> String {
    labels.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn labels(labels: &[Label]) -> Map<String, Value> {
    labels.iter().map(|label| (label.key.clone(), Value::from(label.value.as_str()))).collect()
}

/// Prints the removed volumes that can be brought back.
pub(crate) fn trash(engine: &Engine, arguments: &ListVolumes, output: &mut Output) -> Result<u8, Failure> {
    let trash = engine.trash()?;
    if arguments.quiet && listing::is_usual(arguments.format.as_deref()) {
        trash.iter().try_for_each(|trashed| output.line(trashed.record.name.as_str()))?;
        return Ok(0);
    }
    let rows: Vec<Value> = trash.iter().map(trash_row).collect();
    let style = Style { usual: &TRASH_USUAL, columns: &TRASH_COLUMNS, format: arguments.format.as_deref() };
    print(&rows, &style, (arguments, output))
}

fn trash_row(trashed: &Trashed) -> Value {
    json!({
        "Name": trashed.record.name.as_str(),
        "Removed": time::ago(trashed.removed),
        "RemovedAt": time::date(trashed.removed),
        "Expires": time::date(trashed.expires),
        "Labels": shown(&trashed.record.labels),
        LABEL_METHOD: labels(&trashed.record.labels),
    })
}
