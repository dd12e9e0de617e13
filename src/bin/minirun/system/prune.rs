//! `minirun system prune`.

use std::collections::BTreeMap;

use minirun::container::{
    AnonymousVolumes, ContainerUsage, DiskUsage, Engine, Keep, RemoveContainer, RunningContainer, State,
};
use minirun::plan::name::VolumeName;
use minirun::store::discard::{Removal, Removed};

use crate::arguments::system::PruneSystem;
use crate::confirm::{Answer, confirm};
use crate::failure::{Failure, SOME_FAILED};
use crate::output::Output;
use crate::{size, time, volume};

const LEGAL: &str = "until=TIME";
const MOMENTS: &str = "a time such as 24h, 2024-01-31, 2024-01-31T12:00:00Z, or seconds since 1970";

/// Removes containers that have ended, then images that nobody needs, and volumes if asked to.
pub(crate) fn prune(engine: &Engine, arguments: &PruneSystem, output: &mut Output) -> Result<u8, Failure> {
    let until = until(&arguments.filters)?;
    if arguments.volumes && until.is_some() {
        return Err(Failure::UntilWithVolumes);
    }
    let keep = volume::keep()?;
    engine.tidy()?;
    if !arguments.force {
        warning(arguments).iter().try_for_each(|line| output.line(line))?;
        if confirm(output)? == Answer::No {
            return Ok(0);
        }
    }
    let before = engine.disk_usage()?;
    let mut code = containers(engine, &before.containers, (until, output))?;
    // What a container had to itself is free now.
    let volumes = if arguments.volumes { anonymous_volumes(&engine.disk_usage()?) } else { BTreeMap::new() };
    code |= self::volumes(engine, &volumes, (keep, output))?;
    code |= images(engine, (arguments, until), output)?;
    let after = engine.disk_usage()?;
    let freed = taken(&before).saturating_sub(taken(&after));
    output.line(format!("Total reclaimed space: {}", size::show(freed)))?;
    if !volumes.is_empty() {
        output.flush()?;
        volume::prune::note_trash(volumes.values().sum(), keep);
    }
    Ok(code)
}

fn warning(arguments: &PruneSystem) -> Vec<&'static str> {
    let mut lines = vec!["WARNING! This will remove:", "  - all stopped containers"];
    if arguments.volumes {
        lines.push("  - all anonymous volumes not used by at least one container");
    }
    lines.push(if arguments.all {
        "  - all images without at least one container associated to them"
    } else {
        "  - all dangling images"
    });
    lines.push("");
    lines
}

fn until(filters: &[String]) -> Result<Option<i64>, Failure> {
    let mut until = None;
    for text in filters {
        let value = match text.split_once('=') {
            Some((key, value)) if key.trim().eq_ignore_ascii_case("until") => value.trim(),
            _ => return Err(Failure::Filter { text: text.clone(), legal: LEGAL }),
        };
        let bad = || Failure::FilterValue { text: text.clone(), legal: MOMENTS };
        until = Some(time::moment(value).ok_or_else(bad)?);
    }
    Ok(until)
}

/// What everything takes together.
fn taken(usage: &DiskUsage) -> u64 {
    let containers = usage.containers.iter().map(|one| one.size);
    let volumes = usage.volumes.iter().map(|one| one.size);
    usage.layers + containers.chain(volumes).sum::<u64>()
}

fn containers(
    engine: &Engine,
    containers: &[ContainerUsage],
    (until, output): (Option<i64>, &mut Output),
) -> Result<u8, Failure> {
    let options =
        RemoveContainer { running: RunningContainer::Refuse, anonymous_volumes: AnonymousVolumes::Keep };
    let is_over = |one: &&ContainerUsage| {
        one.summary.state != State::Running && until.is_none_or(|until| one.summary.created < until)
    };
    let (mut code, mut title) = (0, "Deleted Containers:\n");
    for container in containers.iter().filter(is_over) {
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

fn anonymous_volumes(usage: &DiskUsage) -> BTreeMap<VolumeName, u64> {
    let unused =
        usage.volumes.iter().filter(|one| one.summary.record.anonymous && one.summary.users.is_empty());
    unused.map(|one| (one.summary.record.name.clone(), one.size)).collect()
}

fn volumes(
    engine: &Engine,
    volumes: &BTreeMap<VolumeName, u64>,
    (keep, output): (Keep, &mut Output),
) -> Result<u8, Failure> {
    let removed = volume::prune::remove_all(engine, volumes, (keep, output))?;
    Ok(removed.code)
}

fn images(
    engine: &Engine,
    (arguments, until): (&PruneSystem, Option<i64>),
    output: &mut Output,
) -> Result<u8, Failure> {
    let (mut code, mut title) = (0, "Deleted Images:\n");
    for image in engine.disk_usage()?.images {
        let summary = &image.summary;
        let created = summary.created.as_deref().and_then(time::parse).unwrap_or_default();
        let is_wanted = arguments.all || summary.references.is_empty();
        if image.containers > 0 || !is_wanted || until.is_some_and(|until| created >= until) {
            continue;
        }
        match engine.remove_image(&summary.id.to_string(), Removal::Forced) {
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
