//! `minirun volume diff`.

use std::os::unix::ffi::OsStrExt as _;

use minirun::container::Engine;
use minirun::plan::snapshot::VolumeRef;
use minirun::store::volume::{Change, ChangeKind, Comparison, Patches, Times};
use serde_json::{Value, json};

use crate::arguments::volume_data::DiffVolumes;
use crate::failure::{Failure, SOME_FAILED};
use crate::listing::{self, Column, Style};
use crate::output::Output;

/// Everything that a list can show of a change.
const DIFF_COLUMNS: &[Column] = &[
    Column { title: "KIND", field: "Kind" },
    Column { title: "PATH", field: "Path" },
    Column { title: "PATCH", field: "Patch" },
];

/// `minirun volume diff`.
pub(crate) fn diff(engine: &Engine, arguments: &DiffVolumes, output: &mut Output) -> Result<u8, Failure> {
    let first: VolumeRef = arguments.old.parse()?;
    let second = arguments.new.as_deref().map(str::parse::<VolumeRef>).transpose()?;
    let how = Comparison {
        times: if arguments.times { Times::Compared } else { Times::Ignored },
        patches: if arguments.patch { Patches::Wanted } else { Patches::Unwanted },
    };
    let changes = match &second {
        Some(second) => engine.compare_volumes(Some(&first), second, how)?,
        None => engine.compare_volumes(None, &first, how)?,
    };
    print_changes(&changes, arguments.format.as_deref().filter(|format| !format.is_empty()), output)?;
    Ok(if arguments.exit_code && !changes.is_empty() { SOME_FAILED } else { 0 })
}

fn print_changes(changes: &[Change], format: Option<&str>, output: &mut Output) -> Result<(), Failure> {
    match format {
        None => changes.iter().try_for_each(|change| {
            let path = change.path.as_os_str().as_bytes();
            output.bytes(&[letter(change.kind).as_bytes(), b" ", path, b"\n"].concat())?;
            output.bytes(change.patch.as_bytes())
        }),
        Some("json") => {
            let objects: Vec<Value> = changes.iter().map(object).collect();
            output.line(Value::from(objects).to_string())
        }
        Some(_) => {
            let rows: Vec<Value> = changes.iter().map(change_row).collect();
            listing::print(&rows, &Style { usual: &["Kind", "Path"], columns: DIFF_COLUMNS, format }, output)
        }
    }
}

fn object(change: &Change) -> Value {
    let mut object = change_row(change);
    if let (true, Some(fields)) = (change.patch.is_empty(), object.as_object_mut()) {
        fields.remove("Patch");
    }
    object
}

fn change_row(change: &Change) -> Value {
    json!({
        "Kind": letter(change.kind),
        "Path": change.path.to_string_lossy(),
        "Patch": change.patch.to_string_lossy(),
    })
}

fn letter(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => "A",
        ChangeKind::Changed => "C",
        ChangeKind::Deleted => "D",
    }
}
