//! Removing containers.

use minirun::container::{
    AnonymousVolumes, ContainerSummary, Engine, Error, RemoveContainer, RunningContainer,
};
use minirun::store::container::ContainerError;

use crate::arguments::container::{PruneContainers, RemoveContainers};
use crate::confirm::{Answer, confirm};
use crate::failure::{Failure, SOME_FAILED};
use crate::output::Output;
use crate::size;
use crate::system::prune::filter::Filters;

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
    let filters = Filters::parse(&arguments.filters)?;
    if !arguments.force {
        output.line("WARNING! This will remove all stopped containers.")?;
        if confirm(output)? == Answer::No {
            return Ok(0);
        }
    }
    let keep = |container: &ContainerSummary| filters.fit(container.created, &container.labels);
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
