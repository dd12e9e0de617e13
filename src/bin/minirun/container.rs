//! The verbs about containers that exist.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use minirun::container::{
    AnonymousVolumes, ContainerSummary, Engine, RemoveContainer, RunningContainer, State,
};
use serde_json::{Value, json};

use crate::arguments::container::{ListContainers, RemoveContainers};
use crate::failure::{Failure, SOME_FAILED};
use crate::listing::{self, Column, Style};
use crate::output::Output;
use crate::time;

const USUAL: [&str; 7] = ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"];
const COLUMNS: [Column; 9] = [
    Column { title: "CONTAINER ID", field: "ID" },
    Column { title: "IMAGE", field: "Image" },
    Column { title: "COMMAND", field: "Command" },
    Column { title: "CREATED", field: "RunningFor" },
    Column { title: "CREATED AT", field: "CreatedAt" },
    Column { title: "STATUS", field: "Status" },
    Column { title: "STATE", field: "State" },
    Column { title: "PORTS", field: "Ports" },
    Column { title: "NAMES", field: "Names" },
];
const FILTERS: &str = "name=PART, id=BEGINNING, label=KEY[=VALUE], volume=NAME|PATH, status=running, status=exited and status=dead";
/// The characters of a command that a table shows.
const COMMAND_MAX: usize = 20;

/// One `--filter`.
enum Filter {
    Name(String),
    Id(String),
    Label(String, Option<String>),
    Status(&'static str),
    /// A volume, a path on the host or one in the container.
    Volume(OsString),
}

impl Filter {
    fn parse(text: &OsStr) -> Result<Self, Failure> {
        let error = || Failure::Filter { text: text.to_string_lossy().into_owned(), legal: FILTERS };
        if let Some(place) = text.as_bytes().strip_prefix(b"volume=") {
            return Ok(Self::Volume(OsStr::from_bytes(clean(place)).to_owned()));
        }
        match text.to_str().ok_or_else(error)?.split_once('=').ok_or_else(error)? {
            ("name", name) => Ok(Self::Name(name.to_owned())),
            ("id", id) => Ok(Self::Id(id.to_owned())),
            ("label", label) => Ok(match label.split_once('=') {
                Some((key, value)) => Self::Label(key.to_owned(), Some(value.to_owned())),
                None => Self::Label(label.to_owned(), None),
            }),
            ("status", "running") => Ok(Self::Status("running")),
            ("status", "exited") => Ok(Self::Status("exited")),
            ("status", "dead") => Ok(Self::Status("dead")),
            _ => Err(error()),
        }
    }

    fn fits(&self, container: &ContainerSummary) -> bool {
        match self {
            Self::Name(part) => container.name.as_str().contains(part.trim_start_matches('/')),
            Self::Id(beginning) => container.id.as_str().starts_with(beginning),
            Self::Label(key, value) => container
                .labels
                .iter()
                .any(|label| label.key == *key && value.as_ref().is_none_or(|value| label.value == *value)),
            Self::Volume(place) => container.mounts.contains(place),
            Self::Status(word) => state(&container.state) == *word,
        }
    }
}

/// A path without slashes at its end.
fn clean(place: &[u8]) -> &[u8] {
    let end = place.iter().rposition(|&byte| byte != b'/').map_or(place.len(), |last| last + 1);
    &place[..end]
}

/// Whether any of the filters of one kind fits; different kinds must all fit, and every label, as with Docker.
fn fit(filters: &[Filter], container: &ContainerSummary) -> bool {
    let kinds = filters.iter().map(std::mem::discriminant);
    let of_kind = |kind| filters.iter().filter(move |filter| std::mem::discriminant(*filter) == kind);
    let labels = filters.iter().filter(|filter| matches!(filter, Filter::Label(..)));
    let mut labels = labels.map(|filter| filter.fits(container));
    kinds.into_iter().all(|kind| of_kind(kind).any(|filter| filter.fits(container)))
        && labels.all(|fits| fits)
}

/// `minirun ps`.
pub(crate) fn list(engine: &Engine, arguments: &ListContainers, output: &mut Output) -> Result<u8, Failure> {
    let filters: Vec<Filter> =
        arguments.filters.iter().map(|text| Filter::parse(text)).collect::<Result<_, _>>()?;
    let asks_status = filters.iter().any(|filter| matches!(filter, Filter::Status(_)));
    let mut containers = match engine.containers() {
        Ok(containers) => containers,
        Err(error) => {
            output.fail(&error.into());
            return Ok(SOME_FAILED);
        }
    };
    containers.retain(|container| arguments.all || asks_status || container.state == State::Running);
    containers.retain(|container| fit(&filters, container));
    // The newest comes first.
    containers.sort_by_key(|container| std::cmp::Reverse(container.created));
    if arguments.quiet && arguments.format.is_none() {
        containers.iter().try_for_each(|container| output.line(id(container, arguments.no_trunc)))?;
        return Ok(0);
    }
    let width = if arguments.no_trunc { Width::Full } else { Width::Short };
    let rows: Vec<Value> = containers.iter().map(|container| row(container, width)).collect();
    let style = Style { usual: &USUAL, columns: &COLUMNS, format: arguments.format.as_deref() };
    listing::print(&rows, &style, output)?;
    Ok(0)
}

/// How much of a long text a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    Short,
    Full,
}

pub(crate) fn row(container: &ContainerSummary, width: Width) -> Value {
    let full = width == Width::Full;
    json!({
        "ID": id(container, full),
        "Image": container.image,
        "Command": command(&container.command, full),
        "RunningFor": time::ago(container.created),
        "CreatedAt": time::date(container.created),
        "Status": status(container),
        "State": state(&container.state),
        "Ports": "",
        "Names": container.name.as_str(),
    })
}

fn id(container: &ContainerSummary, full: bool) -> &str {
    if full { container.id.as_str() } else { container.id.short() }
}

fn state(state: &State) -> &'static str {
    match state {
        State::Running => "running",
        State::Exited(_) => "exited",
        State::Dead => "dead",
    }
}

fn status(container: &ContainerSummary) -> String {
    match &container.state {
        State::Running => format!("Up {}", time::show(time::now() - container.created)),
        State::Exited(end) => format!("Exited ({}) {}", end.status.code(), time::ago(end.finished)),
        State::Dead => "Dead".to_owned(),
    }
}

/// A command in quotes, on one line.
fn command(words: &[String], full: bool) -> String {
    let mut text = words.join(" ");
    if !full && text.chars().count() > COMMAND_MAX {
        text = text.chars().take(COMMAND_MAX - 1).chain(['…']).collect();
    }
    format!("{text:?}")
}

/// `minirun rm`: goes on with the others when one cannot be removed.
pub(crate) fn remove(
    engine: &Engine,
    arguments: &RemoveContainers,
    output: &mut Output,
) -> Result<u8, Failure> {
    let options = RemoveContainer {
        running: if arguments.force { RunningContainer::Kill } else { RunningContainer::Refuse },
        anonymous_volumes: if arguments.volumes { AnonymousVolumes::Remove } else { AnonymousVolumes::Keep },
    };
    let mut code = 0;
    for name in &arguments.containers {
        match engine.remove_container(name, options) {
            Ok(()) => output.line(name)?,
            Err(error) => {
                output.fail(&error.into());
                code = SOME_FAILED;
            }
        }
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_short_and_on_one_line() {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        assert_eq!(command(&words(&["sh"]), false), "\"sh\"");
        assert_eq!(command(&words(&["sh", "-c", "echo a\nb"]), true), "\"sh -c echo a\\nb\"");
        assert_eq!(command(&words(&["sh", "-c", "0123456789abcdef"]), false), "\"sh -c 0123456789abc…\"");
    }

    #[test]
    fn filters_are_read() {
        for good in ["name=x", "id=0a", "status=dead", "label=a", "label=a=b=c"] {
            assert!(Filter::parse(good.as_ref()).is_ok(), "{good}");
        }
        for bad in ["", "name", "status=happy", "volumes=x"] {
            assert!(Filter::parse(bad.as_ref()).is_err(), "{bad}");
        }
    }
}
