//! `minirun system df`.

use minirun::container::{ContainerUsage, DiskUsage, Engine, ImageUsage, VolumeUsage};
use minirun::plan::reference::Reference;
use minirun::store::ledger::LayerBytes;
use serde_json::{Value, json};

use crate::arguments::system::DiskUsageArgs;
use crate::failure::Failure;
use crate::listing::{self, Column, Style};
use crate::output::Output;
use crate::{ps, size, time, volume};

const USUAL: [&str; 5] = ["Type", "TotalCount", "Active", "Size", "Reclaimable"];
const COLUMNS: [Column; 5] = [
    Column { title: "TYPE", field: "Type" },
    Column { title: "TOTAL", field: "TotalCount" },
    Column { title: "ACTIVE", field: "Active" },
    Column { title: "SIZE", field: "Size" },
    Column { title: "RECLAIMABLE", field: "Reclaimable" },
];
const IMAGES: [Column; 8] = [
    Column { title: "REPOSITORY", field: "Repository" },
    Column { title: "TAG", field: "Tag" },
    Column { title: "IMAGE ID", field: "ID" },
    Column { title: "CREATED", field: "CreatedSince" },
    Column { title: "SIZE", field: "Size" },
    Column { title: "SHARED SIZE", field: "SharedSize" },
    Column { title: "UNIQUE SIZE", field: "UniqueSize" },
    Column { title: "CONTAINERS", field: "Containers" },
];
const CONTAINERS: [Column; 8] = [
    Column { title: "CONTAINER ID", field: "ID" },
    Column { title: "IMAGE", field: "Image" },
    Column { title: "COMMAND", field: "Command" },
    Column { title: "LOCAL VOLUMES", field: "LocalVolumes" },
    Column { title: "SIZE", field: "Size" },
    Column { title: "CREATED", field: "RunningFor" },
    Column { title: "STATUS", field: "Status" },
    Column { title: "NAMES", field: "Names" },
];
const VOLUMES: [Column; 3] = [
    Column { title: "VOLUME NAME", field: "Name" },
    Column { title: "LINKS", field: "Links" },
    Column { title: "SIZE", field: "Size" },
];

const LAYERS: [Column; 6] = [
    Column { title: "OWNERS", field: "Owners" },
    Column { title: "CHAIN ID", field: "ID" },
    Column { title: "IMAGES", field: "Images" },
    Column { title: "ON DISK", field: "Size" },
    Column { title: "OUTLINE", field: "Outline" },
    Column { title: "BLOBS", field: "Blobs" },
];
const PARTS: [Column; 3] = [
    Column { title: "PART", field: "Part" },
    Column { title: "ON DISK", field: "Size" },
    Column { title: "BYTES", field: "Bytes" },
];

/// Shows what everything takes.
pub(crate) fn df(engine: &Engine, arguments: &DiskUsageArgs, output: &mut Output) -> Result<u8, Failure> {
    let usage = engine.disk_usage()?;
    volume::note_damaged(&usage.damaged);
    if arguments.verbose {
        table(("Images", &IMAGES), usage.images.iter().map(image), output)?;
        table(("\nContainers", &CONTAINERS), usage.containers.iter().map(container_row), output)?;
        table(("\nLocal Volumes", &VOLUMES), usage.volumes.iter().map(volume_row), output)?;
        if usage.trash.0 > 0 {
            let (count, bytes) = usage.trash;
            output.line(format!(
                "\nRemoved volumes that can be brought back: {count}, {}",
                size::show(bytes)
            ))?;
        }
        let ledger = engine.ledger()?;
        table(("\nLayers", &LAYERS), ledger.layers.iter().map(layer_row), output)?;
        let parts = ledger.parts.iter().map(|(part, bytes)| part_row(part.name(), *bytes));
        let total = std::iter::once(part_row("total", ledger.total()));
        table(("\nStore", &PARTS), parts.chain(total), output)?;
        return Ok(0);
    }
    let style = Style { usual: &USUAL, columns: &COLUMNS, format: arguments.format.as_deref() };
    listing::print(&rows(&usage), &style, output)?;
    Ok(0)
}

/// One row for each kind of thing.
fn rows(usage: &DiskUsage) -> Vec<Value> {
    let sum = |sizes: &mut dyn Iterator<Item = u64>| sizes.sum::<u64>();
    let containers = sum(&mut usage.containers.iter().map(|one| one.size));
    let ended = usage.containers.iter().filter(|one| !one.summary.state.is_alive());
    let unused = usage.volumes.iter().filter(|one| one.summary.users.is_empty());
    let mut rows = vec![
        row(
            "Images",
            (usage.images.len(), usage.images.iter().filter(|one| one.containers > 0).count()),
            (usage.layers, usage.layers - usage.active_layers),
        ),
        row(
            "Containers",
            (usage.containers.len(), usage.containers.len() - ended.clone().count()),
            (containers, sum(&mut ended.map(|one| one.size))),
        ),
        row(
            "Local Volumes",
            (usage.volumes.len(), usage.volumes.len() - unused.clone().count()),
            (sum(&mut usage.volumes.iter().map(|one| one.size)), sum(&mut unused.map(|one| one.size))),
        ),
    ];
    if usage.trash.0 > 0 {
        rows.push(row("Volume Trash", (usage.trash.0, 0), (usage.trash.1, usage.trash.1)));
    }
    rows
}

fn row(kind: &str, (total, active): (usize, usize), (bytes, reclaimable): (u64, u64)) -> Value {
    let reclaimable = match (u128::from(reclaimable) * 100).checked_div(u128::from(bytes)) {
        Some(percent) => format!("{} ({percent}%)", size::show(reclaimable)),
        None => size::show(reclaimable),
    };
    json!({
        "Type": kind,
        "TotalCount": total.to_string(),
        "Active": active.to_string(),
        "Size": size::show(bytes),
        "Reclaimable": reclaimable,
    })
}

fn table(
    (title, columns): (&str, &[Column]),
    rows: impl Iterator<Item = Value>,
    output: &mut Output,
) -> Result<(), Failure> {
    output.line(format!("{title} space usage:\n"))?;
    let usual: Vec<&'static str> = columns.iter().map(|column| column.field).collect();
    let style = Style { usual: &usual, columns, format: None };
    listing::print(&rows.collect::<Vec<_>>(), &style, output)
}

fn image(usage: &ImageUsage) -> Value {
    let summary = &usage.summary;
    let name = summary.references.first();
    let part = |part: Option<String>| part.unwrap_or_else(|| "<none>".to_owned());
    let created = summary.created.as_deref().and_then(time::parse);
    json!({
        "Repository": part(name.map(Reference::familiar_name)),
        "Tag": part(name.and_then(Reference::tag).map(str::to_owned)),
        "ID": summary.id.hex().chars().take(12).collect::<String>(),
        "CreatedSince": created.map_or_else(|| "N/A".to_owned(), time::ago),
        "Size": size::show(summary.size),
        "SharedSize": size::show(usage.shared),
        "UniqueSize": size::show(summary.size.saturating_sub(usage.shared)),
        "Containers": usage.containers.to_string(),
    })
}

fn container_row(usage: &ContainerUsage) -> Value {
    let mut row = ps::row(&usage.summary, ps::Width::Short);
    if let Some(row) = row.as_object_mut() {
        row.insert("LocalVolumes".to_owned(), usage.volumes.to_string().into());
        row.insert("Size".to_owned(), size::show(usage.size).into());
    }
    row
}

fn layer_row((name, layer): (&String, &LayerBytes)) -> Value {
    let (owners, hex) = name.split_once('/').unwrap_or((name, ""));
    json!({
        "Owners": owners.chars().take(12).collect::<String>(),
        "ID": hex.chars().take(12).collect::<String>(),
        "Images": layer.images.to_string(),
        "Size": size::show(layer.files),
        "Outline": size::show(layer.outline),
        "Blobs": size::show(layer.blobs),
    })
}

fn part_row(name: &str, bytes: u64) -> Value {
    json!({ "Part": name, "Size": size::show(bytes), "Bytes": bytes.to_string() })
}

fn volume_row(usage: &VolumeUsage) -> Value {
    json!({
        "Name": usage.summary.record.name.as_str(),
        "Links": usage.summary.users.len().to_string(),
        "Size": size::show(usage.size),
    })
}
