//! Which containers `minirun ps --filter` chooses.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use minirun::container::{ContainerSummary, Engine, State};
use minirun::plan::digest::Digest;
use minirun::plan::port::{Port, parse_exposed};
use regex::Regex;

use crate::failure::Failure;
use crate::volume::filter::Pair;

const LEGAL: &str = "name=REGEX, id=BEGINNING, label=KEY[=VALUE], status=STATE, exited=CODE, ancestor=IMAGE, \
                     volume=NAME|PATH, network=MODE, publish=PORT, expose=PORT, health=none, before=CONTAINER, \
                     since=CONTAINER";
const STATES: [&str; 7] = ["created", "running", "restarting", "removing", "exited", "paused", "dead"];
const HEALTH: [&str; 4] = ["starting", "healthy", "unhealthy", "none"];

/// One `--filter`.
enum Filter {
    Name(Regex),
    Id(String),
    Label(Pair),
    Status(&'static str),
    ExitCode(u8),
    /// As typed, and the images that have it in them.
    Image(String, BTreeSet<Digest>),
    /// A volume, a path on the host or one in the container.
    Volume(OsString),
    Network(String),
    Published(Vec<Port>),
    Exposed(Vec<Port>),
    /// Nobody checks a container's health: all have none.
    Health(&'static str),
    /// Older than the one at this place of the list, the newest first.
    Before(usize),
    Since(usize),
}

/// All filters of a command line.
pub(super) struct Filters(Vec<Filter>);

impl Filters {
    /// Reads them; `all` are the containers there are, the newest first.
    pub(super) fn parse(
        texts: &[OsString],
        (engine, all): (&Engine, &[ContainerSummary]),
    ) -> Result<Self, Failure> {
        let parse = |text: &OsString| {
            if let Some(place) = text.as_bytes().strip_prefix(b"volume=") {
                return Ok(Filter::Volume(OsStr::from_bytes(clean(place)).to_owned()));
            }
            let shown = text.to_string_lossy();
            let text = text.to_str().ok_or_else(|| unknown(&shown))?;
            let (key, value) = text.split_once('=').ok_or_else(|| unknown(text))?;
            match key {
                "ancestor" => Ok(Filter::Image(value.to_owned(), engine.images_upon(value)?)),
                "before" => Ok(Filter::Before(place(engine, value, all)?)),
                "since" => Ok(Filter::Since(place(engine, value, all)?)),
                _ => parse_plain(text, (key, value)),
            }
        };
        Ok(Self(texts.iter().map(parse).collect::<Result<_, _>>()?))
    }

    /// Whether one of them asks about more than what runs.
    pub(super) fn are_about_all(&self) -> bool {
        self.0.iter().any(|filter| matches!(filter, Filter::Status(_) | Filter::ExitCode(_)))
    }

    /// Whether any of the filters of each kind fits the container at place `at`; and every label, as with Docker.
    pub(super) fn fit(&self, at: usize, all: &[ContainerSummary]) -> bool {
        let of_kind = |kind| self.0.iter().filter(move |filter| std::mem::discriminant(*filter) == kind);
        let mut labels = self.0.iter().filter(|filter| matches!(filter, Filter::Label(..)));
        let mut kinds = self.0.iter().map(std::mem::discriminant);
        kinds.all(|kind| of_kind(kind).any(|filter| filter.fits(at, &all[at])))
            && labels.all(|label| label.fits(at, &all[at]))
    }
}

fn unknown(text: &str) -> Failure {
    Failure::Filter { text: text.to_owned(), legal: LEGAL }
}

/// The place of the container that `text` names.
fn place(engine: &Engine, text: &str, all: &[ContainerSummary]) -> Result<usize, Failure> {
    let id = engine.container_id(text)?;
    // One that was made a moment ago is the newest of all.
    Ok(all.iter().position(|container| container.id == id).unwrap_or_default())
}

/// A filter that needs to know nothing else.
fn parse_plain(text: &str, (key, value): (&str, &str)) -> Result<Filter, Failure> {
    let error = || unknown(text);
    let wrong = |legal| Failure::FilterValue { text: text.to_owned(), legal };
    let owned = || value.to_owned();
    match key {
        "name" => Regex::new(value).map(Filter::Name).map_err(|_| wrong("a name or a regular expression")),
        "id" => Ok(Filter::Id(owned())),
        "label" => Ok(Filter::Label(Pair::parse(value))),
        "status" => one_of(&STATES, value)
            .map(Filter::Status)
            .ok_or_else(|| wrong("created, running, restarting, removing, exited, paused, or dead")),
        "exited" => value.parse().map(Filter::ExitCode).map_err(|_| wrong("a number from 0 to 255")),
        "network" => Ok(Filter::Network(owned())),
        "publish" => Ok(Filter::Published(parse_exposed(value)?)),
        "expose" => Ok(Filter::Exposed(parse_exposed(value)?)),
        "health" => one_of(&HEALTH, value)
            .map(Filter::Health)
            .ok_or_else(|| wrong("starting, healthy, unhealthy, or none")),
        _ => Err(error()),
    }
}

fn one_of(words: &[&'static str], value: &str) -> Option<&'static str> {
    words.iter().find(|word| **word == value).copied()
}

impl Filter {
    /// Whether the container at place `at` is one of those.
    fn fits(&self, at: usize, container: &ContainerSummary) -> bool {
        match self {
            Self::Name(pattern) => {
                // Docker's names begin with a slash, which a pattern may have.
                let name = container.name.as_str();
                pattern.is_match(name) || pattern.is_match(&format!("/{name}"))
            }
            Self::Id(beginning) => container.id.as_str().starts_with(beginning),
            Self::Label(pair) => pair.is_among(&container.labels),
            Self::Status(word) => container.state.word() == *word,
            Self::ExitCode(code) => match &container.state {
                State::Exited(end) => end.status.code() == *code,
                State::Created | State::Running | State::Paused | State::Restarting(_) | State::Dead => false,
            },
            Self::Image(asked, upon) => {
                container.image_id.as_ref().is_some_and(|id| upon.contains(id))
                    || is_image(&container.image, asked)
            }
            Self::Volume(name) => container.mounts.contains(name),
            Self::Network(mode) => container.network == *mode,
            Self::Published(ports) => container.ports.iter().any(|port| ports.contains(&port.container)),
            Self::Exposed(ports) => container.exposed.iter().any(|port| ports.contains(port)),
            Self::Health(word) => *word == "none",
            Self::Before(place) => at > *place,
            Self::Since(place) => at < *place,
        }
    }
}

/// A path without slashes at its end.
fn clean(place: &[u8]) -> &[u8] {
    let end = place.iter().rposition(|&byte| byte != b'/').map_or(place.len(), |last| last + 1);
    &place[..end]
}

/// Whether `asked` is another way to write `image`: a tag `latest` may be left out.
fn is_image(image: &str, asked: &str) -> bool {
    let plain = |text: &str| text.strip_suffix(":latest").unwrap_or(text).to_owned();
    let name = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(image, |(name, _)| name);
    plain(image) == plain(asked) || name == asked
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let parse = |text: &str| parse_plain(text, text.split_once('=').unwrap_or((text, "")));
        for good in [
            "name=x",
            "name=^/web$",
            "id=0a",
            "status=dead",
            "status=removing",
            "label=a",
            "label=a=b=c",
            "exited=3",
            "network=none",
            "publish=80",
            "publish=80-90/udp",
            "expose=53/udp",
            "health=none",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in
            ["", "status=happy", "exited=x", "colour=red", "name=(", "publish=x", "expose=1/ip", "health=ill"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
