//! The verbs about the files of volumes: export, import, clone, snapshot, restore of a snapshot, diff.

mod diff;

use std::io::{IsTerminal as _, stdin, stdout};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use minirun::container::{
    CloneArguments, Engine, ExportTo, Keeping, LoadFrom, MissingVolume, RestoreArguments, RunningContainer,
};
use minirun::plan::name::{Label, NameError, VolumeName};
use minirun::plan::snapshot::{SnapshotName, VolumeRef};
use minirun::store::compress::Compression;
use minirun::store::copy::{Amount, Sharing};
use minirun::store::volume::SnapshotRecord;
use serde_json::{Value, json};

use crate::arguments::volume::RestoreVolume;
use crate::arguments::volume_data::{
    CloneVolume, Compress, CopyFlags, ExportVolume, ImportVolume, ListSnapshots, MakeSnapshot, Reflink,
    RemoveSnapshots, SnapshotVerb, SnapshotVolume,
};
use crate::failure::{Failure, SOME_FAILED};
use crate::listing::{self, Column, Style};
use crate::output::{Output, note};
use crate::progress::{Loudness, Progress};
use crate::volume::last_of_each;
use crate::{size, time};

pub(crate) use diff::diff;

/// Everything that a list can show of a snapshot.
const COLUMNS: &[Column] = &[
    Column { title: "SNAPSHOT", field: "Name" },
    Column { title: "VOLUME", field: "Volume" },
    Column { title: "CREATED", field: "CreatedSince" },
    Column { title: "CREATED AT", field: "CreatedAt" },
    Column { title: "SIZE", field: "Size" },
    Column { title: "AUTOMATIC", field: "Automatic" },
];

/// `minirun volume export`.
pub(crate) fn export(engine: &Engine, arguments: &ExportVolume, output: &mut Output) -> Result<u8, Failure> {
    let of: VolumeRef = arguments.name.parse()?;
    let to = match arguments.output.as_deref() {
        None => ExportTo::Stdout,
        Some(path) if path == Path::new("-") => ExportTo::Stdout,
        Some(path) => ExportTo::File(path.to_owned()),
    };
    if to == ExportTo::Stdout && stdout().is_terminal() {
        return Err(Failure::TerminalOutput);
    }
    let compression = match (arguments.compress, &to) {
        (Some(Compress::None), _) | (None, ExportTo::Stdout) => Compression::None,
        (Some(Compress::Gzip), _) => Compression::Gzip,
        (Some(Compress::Zstd), _) => Compression::Zstd,
        (Some(Compress::Xz), _) => Compression::Xz,
        (Some(Compress::Bzip2), _) => Compression::Bzip2,
        (None, ExportTo::File(path)) => {
            let ending = || Failure::Ending(path.display().to_string());
            Compression::of_name(path.as_os_str().as_bytes()).ok_or_else(ending)?
        }
    };
    output.flush()?;
    watched(Loudness::of(arguments.quiet), |progress| {
        engine.export_volume(&of, &to, compression, &mut |event| progress.show(event))
    })?;
    Ok(0)
}

/// `minirun volume import`.
pub(crate) fn import(engine: &Engine, arguments: &ImportVolume) -> Result<u8, Failure> {
    let name: VolumeName = arguments.name.parse()?;
    let from = if arguments.file == Path::new("-") {
        if stdin().is_terminal() {
            return Err(Failure::TerminalInput);
        }
        LoadFrom::Stdin
    } else {
        LoadFrom::Path(arguments.file.clone())
    };
    let missing = if arguments.create { MissingVolume::Create } else { MissingVolume::Refuse };
    watched(Loudness::of(arguments.quiet), |progress| {
        engine.import_volume(&name, &from, missing, &mut |event| progress.show(event))
    })?;
    Ok(0)
}

/// `minirun volume clone`.
pub(crate) fn clone(engine: &Engine, arguments: &CloneVolume, output: &mut Output) -> Result<u8, Failure> {
    let labels: Result<Vec<Label>, NameError> = arguments.labels.iter().map(|text| text.parse()).collect();
    let labels = last_of_each(labels?);
    let request = CloneArguments {
        source: arguments.source.parse()?,
        name: arguments.name.parse()?,
        labels: Some(labels).filter(|labels| !labels.is_empty()),
        sharing: sharing(arguments.copying.reflink),
    };
    let amount = watched(Loudness::of(arguments.copying.quiet), |progress| {
        engine.clone_volume(&request, &mut |event| progress.show(event))
    })?;
    report(&arguments.copying, amount);
    output.line(request.name.as_str())?;
    Ok(0)
}

/// `minirun volume snapshot`.
pub(crate) fn snapshot(
    engine: &Engine,
    arguments: &SnapshotVolume,
    output: &mut Output,
) -> Result<u8, Failure> {
    match &arguments.verb {
        None => make_snapshot(engine, &arguments.make, output),
        Some(SnapshotVerb::Create(make)) => make_snapshot(engine, make, output),
        Some(SnapshotVerb::Ls(list)) => list_snapshots(engine, list, output),
        Some(SnapshotVerb::Rm(remove)) => Ok(remove_snapshots(engine, remove, output)),
    }
}

fn make_snapshot(engine: &Engine, arguments: &MakeSnapshot, output: &mut Output) -> Result<u8, Failure> {
    let volume: VolumeName = arguments.volume.as_deref().unwrap_or_default().parse()?;
    let name = arguments.name.as_deref().map(str::parse::<SnapshotName>).transpose()?;
    let sharing = sharing(arguments.copying.reflink);
    let (name, amount) = watched(Loudness::of(arguments.copying.quiet), |progress| {
        engine.snapshot_volume(&volume, name.as_ref(), sharing, &mut |event| progress.show(event))
    })?;
    report(&arguments.copying, amount);
    output.line(format!("{volume}@{name}"))?;
    Ok(0)
}

/// `minirun volume snapshot ls`.
pub(crate) fn list_snapshots(
    engine: &Engine,
    arguments: &ListSnapshots,
    output: &mut Output,
) -> Result<u8, Failure> {
    let volume: VolumeName = arguments.volume.parse()?;
    let snapshots = engine.snapshots(&volume)?;
    if arguments.quiet {
        snapshots.iter().try_for_each(|snapshot| output.line(format!("{volume}@{}", snapshot.name)))?;
        return Ok(0);
    }
    let rows: Vec<Value> = snapshots.iter().rev().map(|snapshot| row(&volume, snapshot)).collect();
    let style = Style {
        usual: &["Name", "CreatedSince", "Size", "Automatic"],
        columns: COLUMNS,
        format: arguments.format.as_deref(),
    };
    listing::print(&rows, &style, output)?;
    Ok(0)
}

fn row(volume: &VolumeName, snapshot: &SnapshotRecord) -> Value {
    json!({
        "Name": snapshot.name.as_str(),
        "Volume": volume.as_str(),
        "CreatedSince": time::ago(snapshot.created.0),
        "CreatedAt": time::date(snapshot.created.0),
        "Size": size::show(snapshot.size),
        "Automatic": snapshot.automatic.to_string(),
    })
}

fn remove_snapshots(engine: &Engine, arguments: &RemoveSnapshots, output: &mut Output) -> u8 {
    let mut code = 0;
    for text in &arguments.snapshots {
        let removed = remove_snapshot(engine, text).and_then(|()| output.line(text));
        if let Err(failure) = removed {
            output.fail(&failure);
            code = SOME_FAILED;
        }
    }
    code
}

fn remove_snapshot(engine: &Engine, text: &str) -> Result<(), Failure> {
    let of: VolumeRef = text.parse()?;
    Ok(engine.remove_snapshot(&of.volume, of.snapshot()?)?)
}

/// `minirun volume restore VOLUME@SNAPSHOT`.
pub(crate) fn restore(
    engine: &Engine,
    arguments: &RestoreVolume,
    output: &mut Output,
) -> Result<u8, Failure> {
    let of: VolumeRef = arguments.name.parse()?;
    of.snapshot()?;
    let flags = &arguments.snapshot;
    if let Some(name) = &arguments.new_name {
        let (source, name) = (of, name.parse()?);
        let request = CloneArguments { source, name, labels: None, sharing: sharing(flags.reflink) };
        watched(Loudness::of(flags.quiet), |progress| {
            engine.clone_volume(&request, &mut |event| progress.show(event))
        })?;
        return output.line(request.name.as_str()).map(|()| 0);
    }
    let request = RestoreArguments {
        running: if flags.force { RunningContainer::Kill } else { RunningContainer::Refuse },
        keeps_replaced: if flags.purge { Keeping::Nothing } else { Keeping::Snapshot },
        sharing: sharing(flags.reflink),
    };
    let before = watched(Loudness::of(flags.quiet), |progress| {
        engine.restore_snapshot(&of, request, &mut |event| progress.show(event))
    })?;
    if let (Some(before), false) = (before, flags.quiet) {
        note(&format!("note: what the volume had before is `{}@{before}`\n", of.volume));
    }
    output.line(of.volume.as_str())?;
    Ok(0)
}

fn sharing(reflink: Reflink) -> Sharing {
    match reflink {
        Reflink::Auto => Sharing::Auto,
        Reflink::Always => Sharing::Always,
        Reflink::Never => Sharing::Never,
    }
}

/// Says how much was copied, to those who want to know.
fn report(flags: &CopyFlags, amount: Amount) {
    if !flags.verbose {
        return;
    }
    let (shared, copied) = (size::show(amount.shared), size::show(amount.copied));
    note(&match (amount.shared, amount.copied) {
        (0, _) => format!("note: copied {copied}, shared nothing\n"),
        (_, 0) => format!("note: shared {shared}, copied nothing\n"),
        (_, _) => format!("note: shared {shared}, copied {copied}\n"),
    });
}

/// Does work whose progress is shown.
fn watched<T>(
    loudness: Loudness,
    work: impl FnOnce(&mut Progress) -> Result<T, minirun::container::Error>,
) -> Result<T, Failure> {
    let mut progress = Progress::new(loudness);
    let done = work(&mut progress);
    progress.clear();
    Ok(done?)
}
