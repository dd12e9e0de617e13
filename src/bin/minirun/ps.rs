//! `minirun ps`: which containers there are, and what they are doing.

mod filter;

use std::collections::BTreeMap;

use minirun::container::{ContainerSize, ContainerSummary, Engine, State};
use serde_json::{Map, Value, json};

use self::filter::Filters;
use crate::arguments::container::ListContainers;
use crate::failure::Failure;
use crate::listing::{self, Column, Style};
use crate::output::Output;
use crate::template::LABEL_METHOD;
use crate::{port, size, time};

const USUAL: [&str; 7] = ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"];
const WITH_SIZE: [&str; 8] = ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names", "Size"];
const COLUMNS: [Column; 14] = [
    Column { title: "CONTAINER ID", field: "ID" },
    Column { title: "IMAGE", field: "Image" },
    Column { title: "COMMAND", field: "Command" },
    Column { title: "CREATED", field: "RunningFor" },
    Column { title: "CREATED AT", field: "CreatedAt" },
    Column { title: "STATUS", field: "Status" },
    Column { title: "STATE", field: "State" },
    Column { title: "PORTS", field: "Ports" },
    Column { title: "NAMES", field: "Names" },
    Column { title: "LABELS", field: "Labels" },
    Column { title: "MOUNTS", field: "Mounts" },
    Column { title: "LOCAL VOLUMES", field: "LocalVolumes" },
    Column { title: "NETWORKS", field: "Networks" },
    Column { title: "SIZE", field: "Size" },
];
/// The characters of a command that a table shows.
const COMMAND_MAX: usize = 20;
/// Those of a volume's name or a path.
const MOUNT_MAX: usize = 15;

/// `minirun ps`.
pub(crate) fn list(engine: &Engine, arguments: &ListContainers, output: &mut Output) -> Result<u8, Failure> {
    let all = engine.containers()?;
    let filters = Filters::parse(&arguments.filters, (engine, &all))?;
    let last = if arguments.latest { Some(1) } else { arguments.last.filter(|last| *last > 0) };
    let last = last.and_then(|last| usize::try_from(last).ok());
    let shows_all = arguments.all || last.is_some() || filters.are_about_all();
    let is_shown = |at: &usize| (shows_all || all[*at].state.is_alive()) && filters.fit(*at, &all);
    let containers: Vec<&ContainerSummary> =
        (0..all.len()).filter(is_shown).take(last.unwrap_or(usize::MAX)).map(|at| &all[at]).collect();
    if arguments.quiet && arguments.format.is_none() {
        containers.iter().try_for_each(|container| output.line(id(container, arguments.no_trunc)))?;
        return Ok(0);
    }
    let width = if arguments.no_trunc { Width::Full } else { Width::Short };
    let sizes = if arguments.size || asks_for_size(arguments.format.as_deref()) {
        engine
            .container_sizes(&containers.iter().map(|container| container.id.clone()).collect::<Vec<_>>())?
    } else {
        BTreeMap::new()
    };
    let shown = |container: &&ContainerSummary| {
        let mut row = row(container, width);
        row["Size"] = sizes.get(&container.id).map(show_size).unwrap_or_default().into();
        row
    };
    let rows: Vec<Value> = containers.iter().map(shown).collect();
    let usual: &[&str] = if arguments.size { &WITH_SIZE } else { &USUAL };
    let style = Style { usual, columns: &COLUMNS, format: arguments.format.as_deref() };
    listing::print(&rows, &style, output)?;
    Ok(0)
}

/// Whether a template has the column for which files must be looked at.
fn asks_for_size(format: Option<&str>) -> bool {
    format.is_some_and(|format| format.contains(".Size"))
}

/// How much of a long text a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    Short,
    Full,
}

pub(crate) fn row(container: &ContainerSummary, width: Width) -> Value {
    let full = width == Width::Full;
    let labels: Map<String, Value> =
        container.labels.iter().map(|label| (label.key.clone(), label.value.as_str().into())).collect();
    json!({
        "ID": id(container, full),
        "Image": container.image,
        "Command": command(&container.command, full),
        "RunningFor": time::ago(container.created),
        "CreatedAt": time::date(container.created),
        "Status": status(container),
        "State": container.state.word(),
        "Ports": port::summary(&container.ports),
        "Names": container.name.as_str(),
        "Labels": container.labels.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        "Mounts": mounts(&container.sources, full),
        "LocalVolumes": container.volumes.to_string(),
        "Networks": container.network,
        "Size": "",
        LABEL_METHOD: labels,
    })
}

fn id(container: &ContainerSummary, full: bool) -> &str {
    if full { container.id.as_str() } else { container.id.short() }
}

fn status(container: &ContainerSummary) -> String {
    match &container.state {
        State::Created => "Created".to_owned(),
        State::Running => up(container),
        State::Paused => format!("{} (Paused)", up(container)),
        State::Restarting(end) => format!("Restarting ({}) {}", end.status.code(), time::ago(end.finished)),
        State::Exited(end) => format!("Exited ({}) {}", end.status.code(), time::ago(end.finished)),
        State::Dead => "Dead".to_owned(),
    }
}

fn up(container: &ContainerSummary) -> String {
    format!("Up {}", time::show(time::now() - container.started.unwrap_or(container.created)))
}

/// What a container has written, and with its image's files.
fn show_size(size: &ContainerSize) -> String {
    format!("{} (virtual {})", size::show(size.own), size::show(size.whole))
}

/// The volumes and paths, of which a table shows the beginning.
fn mounts(sources: &[String], full: bool) -> String {
    let shown = |source: &String| if full { source.clone() } else { shortened(source, MOUNT_MAX) };
    sources.iter().map(shown).collect::<Vec<_>>().join(",")
}

/// A command in quotes, on one line; a word with blanks in it has quotes of its own.
fn command(words: &[String], full: bool) -> String {
    let mut words = words.iter();
    let program = words.next().cloned().into_iter();
    let quoted = words.map(|word| if word.contains(' ') { format!("'{word}'") } else { word.clone() });
    let text = program.chain(quoted).collect::<Vec<_>>().join(" ");
    format!("{:?}", if full { text } else { shortened(&text, COMMAND_MAX) })
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_short_and_on_one_line() {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        assert_eq!(command(&words(&["sh"]), false), "\"sh\"");
        assert_eq!(command(&words(&["sh", "-c", "echo a\nb"]), true), "\"sh -c 'echo a\\nb'\"");
        assert_eq!(command(&words(&["sh", "-c", "0123456789abcdef"]), false), "\"sh -c 0123456789abc…\"");
        assert_eq!(command(&[], false), "\"\"");
        assert_eq!(mounts(&words(&["data", "/a/long/path/of/the/host"]), false), "data,/a/long/path/o…");
    }

    #[test]
    fn sizes_are_two() {
        let size = ContainerSize { own: 5, whole: 7_800_005 };
        assert_eq!(show_size(&size), "5B (virtual 7.8MB)");
        assert!(asks_for_size(Some("table {{.ID}}\t{{.Size}}")) && !asks_for_size(Some("json")));
    }
}
