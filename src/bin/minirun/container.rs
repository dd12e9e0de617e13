//! Removing containers.

use minirun::container::{
    AnonymousVolumes, ContainerSummary, Engine, Error, RemoveContainer, RunningContainer,
};
use minirun::store::container::ContainerError;

use crate::arguments::container::{PruneContainers, RemoveContainers};
use crate::confirm::{Answer, confirm};
use crate::failure::{Failure, SOME_FAILED};
use crate::logs;
use crate::output::Output;
use crate::size;

/// What `container prune` may be asked for.
const PRUNE_FILTERS: &str = "label=KEY[=VALUE], label!=KEY[=VALUE], until=TIME";

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
            // What is not there needs no force to be gone: that is said, and is no failure, as with Docker.
            Err(error @ Error::Container(ContainerError::Unknown(_))) if arguments.force => {
                output.fail(&error.into());
            }
            Err(error) => {
                output.fail(&error.into());
                code = SOME_FAILED;
            }
        }
    }
    Ok(code)
}

/// `minirun container prune`.
pub(crate) fn prune(
    engine: &Engine,
    arguments: &PruneContainers,
    output: &mut Output,
) -> Result<u8, Failure> {
    let filters: Vec<PruneFilter> =
        arguments.filters.iter().map(|text| parse_filter(text)).collect::<Result<_, _>>()?;
    if !arguments.force {
        output.line("WARNING! This will remove all stopped containers.")?;
        if confirm(output)? == Answer::No {
            return Ok(0);
        }
    }
    let keep = |container: &ContainerSummary| filters.iter().all(|filter| filter.fits(container));
    let (removed, failures) = engine.prune_containers(&keep)?;
    if !removed.is_empty() {
        output.line("Deleted Containers:")?;
        removed.iter().try_for_each(|one| output.line(one.id.as_str()))?;
        output.line("")?;
    }
    let bytes = removed.iter().map(|one| one.bytes).sum();
    output.line(format!("Total reclaimed space: {}", size::show(bytes)))?;
    let code = if failures.is_empty() { 0 } else { SOME_FAILED };
    for failure in failures {
        output.fail(&failure.into());
    }
    Ok(code)
}

/// Which containers go.
enum PruneFilter {
    Label(String, Option<String>),
    NoLabel(String, Option<String>),
    /// Made before this moment, seconds since 1970.
    Until(i64),
}

impl PruneFilter {
    fn fits(&self, container: &ContainerSummary) -> bool {
        let has = |key: &String, value: &Option<String>| {
            let mut labels = container.labels.iter();
            labels.any(|one| one.key == *key && value.as_ref().is_none_or(|value| one.value == *value))
        };
        match self {
            Self::Label(key, value) => has(key, value),
            Self::NoLabel(key, value) => !has(key, value),
            Self::Until(moment) => container.created < *moment,
        }
    }
}

fn parse_filter(text: &str) -> Result<PruneFilter, Failure> {
    let error = || Failure::Filter { text: text.to_owned(), legal: PRUNE_FILTERS };
    let (key, value) = text.split_once('=').ok_or_else(error)?;
    let label = || match value.split_once('=') {
        Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
        None => (value.to_owned(), None),
    };
    match key {
        "label" => Ok(PruneFilter::Label(label().0, label().1)),
        "label!" => Ok(PruneFilter::NoLabel(label().0, label().1)),
        "until" => Ok(PruneFilter::Until(logs::moment(value)?.div_euclid(1_000_000_000))),
        _ => Err(error()),
    }
}
