//! `minirun volume prune`.

use std::collections::BTreeMap;

use minirun::container::{Engine, Error, Keep, VolumeList, VolumeSummary};
use minirun::plan::name::VolumeName;
use minirun::plan::occurrence::Subject;
use minirun::store::volume::{Trashed, VolumeError};

use super::filter::{Filters, Verb};
use super::{keep, note_damaged};
use crate::arguments::volume::PruneVolumes;
use crate::confirm::{Answer, confirm};
use crate::failure::{Failure, SOME_FAILED};
use crate::output::{Output, note};
use crate::{size, time};

/// What is about to go, with its size in bytes.
type Candidates = BTreeMap<VolumeName, u64>;

/// Which volumes may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Those without a name.
    Anonymous,
    /// All.
    All,
}

impl Scope {
    fn has(self, volume: &VolumeSummary) -> bool {
        // What a driver option leads to is not minirun's to remove.
        let is_plain = volume.users.is_empty() && volume.record.options.is_empty();
        is_plain && (self == Self::All || volume.record.anonymous)
    }

    fn warning(self) -> &'static str {
        match self {
            Self::Anonymous => {
                "WARNING! This will remove anonymous local volumes not used by at least one container."
            }
            Self::All => "WARNING! This will remove all local volumes not used by at least one container.",
        }
    }
}

/// Removes the volumes that no container refers to.
pub(crate) fn prune(engine: &Engine, arguments: &PruneVolumes, output: &mut Output) -> Result<u8, Failure> {
    let keep = if arguments.purge { Keep::Nothing } else { keep()? };
    engine.tidy()?;
    let VolumeList { volumes, damaged } = engine.volumes()?;
    note_damaged(&damaged);
    let filters = Filters::parse(&arguments.filters, Verb::Prune, &volumes)?;
    let scope = match (arguments.all, filters.all()) {
        (true, Some(_)) => return Err(Failure::AllTwice),
        (true, None) | (false, Some(true)) => Scope::All,
        (false, None | Some(false)) => Scope::Anonymous,
    };
    let unused = volumes.iter().filter(|volume| scope.has(volume) && filters.fit(volume));
    let names: Vec<VolumeName> = unused.map(|volume| volume.record.name.clone()).collect();
    let candidates = engine.volume_sizes(&names)?;
    if arguments.dry_run {
        preview(&candidates, output)?;
        return Ok(0);
    }
    if !arguments.force {
        output.line(scope.warning())?;
        preview(&candidates, output)?;
        if confirm(output)? == Answer::No {
            return Ok(0);
        }
    }
    remove(engine, &candidates, (keep, output))
}

fn preview(candidates: &Candidates, output: &mut Output) -> Result<(), Failure> {
    if !candidates.is_empty() {
        output.line("Volumes to delete:")?;
    }
    for (name, bytes) in candidates {
        output.line(format!("{name}  {}", size::show(*bytes)))?;
    }
    output.line(format!("Space to reclaim: {}", size::show(candidates.values().sum())))
}

/// How removing volumes went.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Removed {
    /// The exit code.
    pub(crate) code: u8,
    /// How many are gone.
    count: usize,
    /// What their files took.
    bytes: u64,
}

fn remove(
    engine: &Engine,
    candidates: &Candidates,
    (keep, output): (Keep, &mut Output),
) -> Result<u8, Failure> {
    let removed = remove_all(engine, candidates, (keep, output))?;
    output.line(format!("Total reclaimed space: {}", size::show(removed.bytes)))?;
    if removed.count > 0 {
        output.flush()?;
        note_trash(removed.bytes, keep);
    }
    Ok(removed.code)
}

/// Removes what was shown, and nothing that came since; what a container refers to by now stays.
pub(crate) fn remove_all(
    engine: &Engine,
    candidates: &Candidates,
    (keep, output): (Keep, &mut Output),
) -> Result<Removed, Failure> {
    let mut removed = Removed::default();
    for (name, size) in candidates {
        match engine.remove_volume(name.as_str(), keep) {
            Ok(()) => {
                if removed.count == 0 {
                    output.line("Deleted Volumes:")?;
                }
                output.line(name.as_str())?;
                removed.count += 1;
                removed.bytes += size;
            }
            Err(Error::Volume(VolumeError::InUse { .. } | VolumeError::Unknown(_))) => {}
            Err(error) => {
                output.fail(&error.into());
                removed.code = SOME_FAILED;
            }
        }
    }
    if removed.count > 0 {
        output.line("")?;
    }
    engine.note_pruned(Subject::Volume, removed.bytes);
    Ok(removed)
}

/// Says when what has just been removed is free, unless it is by now.
pub(crate) fn note_trash(bytes: u64, keep: Keep) {
    if let Keep::For(duration) = keep {
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        note(&trash_note(bytes, time::now().saturating_add(seconds)));
    }
}

/// What of the reclaimed space is free by now.
fn trash_note(bytes: u64, expires: i64) -> String {
    format!(
        "note: {} of it will be free from {} on: until then `minirun volume restore NAME` brings a volume back\n\
         note: `minirun volume prune --trash` frees it now\n",
        size::show(bytes),
        time::date(expires)
    )
}

/// Empties the trash.
pub(crate) fn empty_trash(
    engine: &Engine,
    arguments: &PruneVolumes,
    output: &mut Output,
) -> Result<u8, Failure> {
    engine.tidy()?;
    let trash = engine.trash()?;
    let bytes = engine.trash_size()?;
    if arguments.dry_run || !arguments.force {
        output.line("WARNING! This will remove for good what `minirun volume restore` could bring back.")?;
        trash.iter().try_for_each(|trashed| output.line(shown(trashed)))?;
        output.line(format!("Space to reclaim: {}", size::show(bytes)))?;
    }
    if arguments.dry_run || (!arguments.force && confirm(output)? == Answer::No) {
        return Ok(0);
    }
    engine.purge_trash(&trash)?;
    if !trash.is_empty() {
        output.line("Deleted Volumes:")?;
        trash.iter().try_for_each(|trashed| output.line(trashed.record.name.as_str()))?;
        output.line("")?;
    }
    output.line(format!("Total reclaimed space: {}", size::show(bytes)))?;
    Ok(0)
}

fn shown(trashed: &Trashed) -> String {
    format!("{}  removed {}", trashed.record.name, time::ago(trashed.removed))
}
