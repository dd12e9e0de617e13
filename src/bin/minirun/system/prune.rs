//! `minirun system prune` and `minirun image prune`.

mod choice;
pub(crate) mod filter;

use std::collections::BTreeMap;

use minirun::container::{
    AnonymousVolumes, ContainerUsage, DiskUsage, Engine, ImageUsage, RemoveContainer, RunningContainer,
};
use minirun::store::discard::{Removal, Removed};

use self::choice::{Choice, Images, Scope};
use self::filter::Filters;
use crate::arguments::image::PruneImages;
use crate::arguments::system::PruneSystem;
use crate::confirm::{Answer, confirm};
use crate::failure::{Failure, SOME_FAILED};
use crate::output::Output;
use crate::{size, volume};

impl Images {
    fn asked(all: bool) -> Self {
        if all { Self::Unused } else { Self::Dangling }
    }

    /// What goes, in the words of the warning.
    fn words(self) -> &'static str {
        match self {
            Self::Dangling => "all dangling images",
            Self::Unused => "all images without at least one container associated to them",
        }
    }
}

/// Removes containers that have ended, then images that nobody needs, and volumes if asked to.
pub(crate) fn prune(engine: &Engine, arguments: &PruneSystem, output: &mut Output) -> Result<u8, Failure> {
    let filters = Filters::parse(&arguments.filters)?;
    if arguments.volumes && filters.has_until() {
        return Err(Failure::UntilWithVolumes);
    }
    let keep = volume::keep()?;
    let scope = Scope { images: Images::asked(arguments.all), filters: &filters };
    engine.tidy()?;
    if !arguments.force && !arguments.dry_run {
        warning(arguments).iter().try_for_each(|line| output.line(line))?;
        if confirm(output)? == Answer::No {
            return Ok(0);
        }
    }
    let before = engine.disk_usage()?;
    volume::note_damaged(&before.damaged);
    let over = scope.containers(&before);
    if arguments.dry_run {
        let volumes = if arguments.volumes { scope.volumes(&before, &over) } else { BTreeMap::new() };
        let images = scope.images(&before, &over);
        Choice { containers: over, volumes, images }.preview(output)?;
        return Ok(0);
    }
    let mut code = remove_containers(engine, &over, output)?;
    // What a container had to itself is free now.
    let volumes = if arguments.volumes { scope.volumes(&engine.disk_usage()?, &[]) } else { BTreeMap::new() };
    code |= volume::prune::remove_all(engine, &volumes, (keep, output))?.code;
    code |= remove_images(engine, &scope.images(&engine.disk_usage()?, &[]), output)?;
    report(engine, &before, output)?;
    if !volumes.is_empty() {
        output.flush()?;
        volume::prune::note_trash(volumes.values().sum(), keep);
    }
    Ok(code)
}

/// Removes images that nobody needs.
pub(crate) fn images(engine: &Engine, arguments: &PruneImages, output: &mut Output) -> Result<u8, Failure> {
    let filters = Filters::parse(&arguments.filters)?;
    let scope = Scope { images: Images::asked(arguments.all), filters: &filters };
    engine.tidy()?;
    if !arguments.force && !arguments.dry_run {
        output.line(format!("WARNING! This will remove {}.", scope.images.words()))?;
        if confirm(output)? == Answer::No {
            return Ok(0);
        }
    }
    let before = engine.disk_usage()?;
    let images = scope.images(&before, &[]);
    if arguments.dry_run {
        Choice { images, ..Choice::default() }.preview(output)?;
        return Ok(0);
    }
    let code = remove_images(engine, &images, output)?;
    report(engine, &before, output)?;
    Ok(code)
}

fn warning(arguments: &PruneSystem) -> Vec<String> {
    let mut lines = vec!["WARNING! This will remove:".to_owned(), "  - all stopped containers".to_owned()];
    if arguments.volumes {
        lines.push("  - all anonymous volumes not used by at least one container".to_owned());
    }
    lines.push(format!("  - {}", Images::asked(arguments.all).words()));
    if !arguments.filters.is_empty() {
        lines.push(format!(
            "\n  Items to be pruned will be filtered with:\n  - {}",
            arguments.filters.join("\n  - ")
        ));
    }
    lines.push(String::new());
    lines
}

/// Says what is free that was not.
fn report(engine: &Engine, before: &DiskUsage, output: &mut Output) -> Result<(), Failure> {
    let freed = taken(before).saturating_sub(taken(&engine.disk_usage()?));
    output.line(format!("Total reclaimed space: {}", size::show(freed)))
}

/// What everything takes together.
fn taken(usage: &DiskUsage) -> u64 {
    let containers = usage.containers.iter().map(|one| one.size);
    let volumes = usage.volumes.iter().map(|one| one.size);
    usage.layers + containers.chain(volumes).sum::<u64>()
}

fn remove_containers(
    engine: &Engine,
    containers: &[&ContainerUsage],
    output: &mut Output,
) -> Result<u8, Failure> {
    let options =
        RemoveContainer { running: RunningContainer::Refuse, anonymous_volumes: AnonymousVolumes::Keep };
    let (mut code, mut title) = (0, "Deleted Containers:\n");
    for container in containers {
        match engine.remove_container(container.summary.id.as_str(), options) {
            Ok(()) => {
                output.line(format!("{title}{}", container.summary.id))?;
                title = "";
            }
            Err(error) => {
                output.fail(&error.into());
                code = SOME_FAILED;
            }
        }
    }
    if title.is_empty() {
        output.line("")?;
    }
    Ok(code)
}

fn remove_images(engine: &Engine, images: &[&ImageUsage], output: &mut Output) -> Result<u8, Failure> {
    let (mut code, mut title) = (0, "Deleted Images:\n");
    for image in images {
        match engine.remove_image(&image.summary.id.to_string(), Removal::Forced) {
            Ok(removed) => {
                for what in removed {
                    let line = match what {
                        Removed::Untagged(reference) => format!("untagged: {}", reference.familiar()),
                        Removed::Deleted(id) => format!("deleted: {id}"),
                    };
                    output.line(format!("{title}{line}"))?;
                    title = "";
                }
            }
            Err(error) => {
                output.fail(&error.into());
                code = SOME_FAILED;
            }
        }
    }
    if title.is_empty() {
        output.line("")?;
    }
    Ok(code)
}
