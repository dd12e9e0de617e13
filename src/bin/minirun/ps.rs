//! `minirun ps`: which containers there are, and what they are doing.

use minirun::container::{ContainerSummary, Engine, State};
use serde_json::{Value, json};

use crate::arguments::container::ListContainers;
use crate::failure::{Failure, SOME_FAILED};
use crate::listing::{self, Column, Style};
use crate::output::Output;
use crate::{port, time};

const USUAL: [&str; 7] = ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"];
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
const FILTERS: &str = "name=PART, id=BEGINNING, label=KEY[=VALUE], status=STATE, exited=CODE, ancestor=IMAGE, \
                       volume=NAME|PATH, before=CONTAINER, since=CONTAINER";
const STATES: [&str; 6] = ["created", "running", "restarting", "exited", "paused", "dead"];
/// The characters of a command that a table shows.
const COMMAND_MAX: usize = 20;

/// One `--filter`.
enum Filter {
    Name(String),
    Id(String),
    Label(String, Option<String>),
    Status(&'static str),
    ExitCode(u8),
    Image(String),
    Volume(String),
    Before(String),
    Since(String),
}

impl Filter {
    fn parse(text: &str) -> Result<Self, Failure> {
        let error = || Failure::Filter { text: text.to_owned(), legal: FILTERS };
        let (key, value) = text.split_once('=').ok_or_else(error)?;
        let owned = || value.to_owned();
        match key {
            "name" => Ok(Self::Name(owned())),
            "id" => Ok(Self::Id(owned())),
            "label" => Ok(match value.split_once('=') {
                Some((key, value)) => Self::Label(key.to_owned(), Some(value.to_owned())),
                None => Self::Label(owned(), None),
            }),
            "status" => STATES
                .iter()
                .find(|state| **state == value)
                .map(|state| Self::Status(state))
                .ok_or_else(error),
            "exited" => value.parse().map(Self::ExitCode).map_err(|_| error()),
            "ancestor" => Ok(Self::Image(owned())),
            "volume" => Ok(Self::Volume(clean(value).to_owned())),
            "before" => Ok(Self::Before(owned())),
            "since" => Ok(Self::Since(owned())),
            _ => Err(error()),
        }
    }

    /// Whether the filter asks about more than what runs.
    fn is_about_all(&self) -> bool {
        matches!(self, Self::Status(_) | Self::ExitCode(_))
    }

    /// Whether `container` at place `at` of `all`, the newest first, is one of those.
    fn fits(&self, at: usize, all: &[ContainerSummary]) -> bool {
        let container = &all[at];
        let place = |name: &String| {
            all.iter().position(|one| one.name.as_str() == name || one.id.as_str().starts_with(name.as_str()))
        };
        match self {
            Self::Name(part) => container.name.as_str().contains(part.trim_start_matches('/')),
            Self::Id(beginning) => container.id.as_str().starts_with(beginning),
            Self::Label(key, value) => container
                .labels
                .iter()
                .any(|label| label.key == *key && value.as_ref().is_none_or(|value| label.value == *value)),
            Self::Status(word) => container.state.word() == *word,
            Self::ExitCode(code) => match &container.state {
                State::Exited(end) => end.status.code() == *code,
                State::Created | State::Running | State::Paused | State::Restarting(_) | State::Dead => false,
            },
            Self::Image(image) => is_image(&container.image, image),
            Self::Volume(name) => container.mounts.contains(name),
            Self::Before(name) => place(name).is_some_and(|place| at > place),
            Self::Since(name) => place(name).is_some_and(|place| at < place),
        }
    }
}

/// A path without slashes at its end.
fn clean(place: &str) -> &str {
    match place.trim_end_matches('/') {
        "" => place,
        clean => clean,
    }
}

/// Whether `asked` is another way to write `image`: a tag `latest` may be left out.
fn is_image(image: &str, asked: &str) -> bool {
    let plain = |text: &str| text.strip_suffix(":latest").unwrap_or(text).to_owned();
    let name = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(image, |(name, _)| name);
    plain(image) == plain(asked) || name == asked
}

/// Whether any of the filters of one kind fits; different kinds must all fit, and every label, as with Docker.
fn fit(filters: &[Filter], at: usize, all: &[ContainerSummary]) -> bool {
    let of_kind = |kind| filters.iter().filter(move |filter| std::mem::discriminant(*filter) == kind);
    let mut labels = filters.iter().filter(|filter| matches!(filter, Filter::Label(..)));
    let mut kinds = filters.iter().map(std::mem::discriminant);
    kinds.all(|kind| of_kind(kind).any(|filter| filter.fits(at, all)))
        && labels.all(|label| label.fits(at, all))
}

/// `minirun ps`.
pub(crate) fn list(engine: &Engine, arguments: &ListContainers, output: &mut Output) -> Result<u8, Failure> {
    let filters: Vec<Filter> =
        arguments.filters.iter().map(|text| Filter::parse(text)).collect::<Result<_, _>>()?;
    let last =
        if arguments.latest { Some(1) } else { arguments.last.and_then(|last| usize::try_from(last).ok()) };
    let shows_all = arguments.all || last.is_some() || filters.iter().any(Filter::is_about_all);
    let all = match engine.containers() {
        Ok(containers) => containers,
        Err(error) => {
            output.fail(&error.into());
            return Ok(SOME_FAILED);
        }
    };
    let is_shown = |at: &usize| (shows_all || all[*at].state.is_alive()) && fit(&filters, *at, &all);
    let containers: Vec<&ContainerSummary> =
        (0..all.len()).filter(is_shown).take(last.unwrap_or(usize::MAX)).map(|at| &all[at]).collect();
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
        "State": container.state.word(),
        "Ports": port::summary(&container.ports),
        "Names": container.name.as_str(),
        "Labels": container.labels.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        "Mounts": container.sources.join(","),
        "LocalVolumes": container.volumes.to_string(),
        "Networks": container.network,
        "Size": "",
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

/// A command in quotes, on one line.
fn command(words: &[String], full: bool) -> String {
    let mut text = words.join(" ");
    if !full && text.chars().count() > COMMAND_MAX {
        text = text.chars().take(COMMAND_MAX - 1).chain(['…']).collect();
    }
    format!("{text:?}")
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
    fn images_have_several_names() {
        for asked in ["a/b", "a/b:latest"] {
            assert!(is_image("a/b", asked) && is_image("a/b:latest", asked), "{asked}");
        }
        assert!(is_image("localhost:5000/x:1", "localhost:5000/x"));
        assert!(!is_image("localhost:5000/x", "localhost") && !is_image("x:1", "x:2"));
    }

    #[test]
    fn filters_are_read() {
        for good in [
            "name=x",
            "id=0a",
            "status=dead",
            "label=a",
            "label=a=b=c",
            "volume=x",
            "exited=3",
            "status=created",
        ] {
            assert!(Filter::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "name", "status=happy", "exited=x", "colour=red"] {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
    }
}
