//! Which of the changes are meant, and which of those can be applied.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::{Act, Change, Conflict};

/// What to do with changes that would undo what happened on the host meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// Apply nothing at all.
    Refuse,
    /// The container's side wins, except over a mount point.
    Force,
    /// Apply the others.
    Skip,
}

/// Changes that are meant, by what becomes of them.
#[derive(Debug, Default)]
pub struct Selected {
    /// To be applied.
    pub applied: Vec<Change>,
    /// In conflict themselves, or in a directory that is.
    pub left: Vec<Change>,
}

/// The changes at or below one of `paths`; all of them are below the empty path.
#[must_use]
pub fn named(changes: &[Change], paths: &[PathBuf]) -> Vec<Change> {
    changes.iter().filter(|change| is_named(&change.path, paths)).cloned().collect()
}

fn is_named(path: &Path, paths: &[PathBuf]) -> bool {
    paths.iter().any(|named| path.starts_with(named))
}

/// The same, with the directories that must be there first.
#[must_use]
pub fn needed(changes: &[Change], paths: &[PathBuf]) -> Vec<Change> {
    let comes = |change: &&Change| change.act != Act::Removed;
    let coming = changes.iter().filter(comes).filter(|change| is_named(&change.path, paths));
    let above: HashSet<&Path> = coming.flat_map(|change| change.path.ancestors().skip(1)).collect();
    let is_made = |change: &Change| change.act == Act::Added || change.replaces().is_some();
    let is_needed = |change: &&Change| {
        is_named(&change.path, paths)
            || (comes(change) && is_made(change) && above.contains(change.path.as_path()))
    };
    changes.iter().filter(is_needed).cloned().collect()
}

/// Tells what can be applied from what is in conflict. With [`OnConflict::Refuse`], `left` says what stands in the way.
#[must_use]
pub fn settle(changes: Vec<Change>, on_conflict: OnConflict) -> Selected {
    let mut selected = Selected::default();
    // What is below a path follows it: this is the last one that was left, if it takes what is below along.
    let mut above: Option<PathBuf> = None;
    for change in changes {
        let is_below = above.as_ref().is_some_and(|above| change.path.starts_with(above));
        let stands = match change.conflict {
            None => false,
            Some(Conflict::Mounted) => true,
            Some(Conflict::Changed | Conflict::Removed | Conflict::Inside) => {
                on_conflict != OnConflict::Force
            }
        };
        if !is_below && !stands {
            selected.applied.push(change);
            continue;
        }
        let takes_along = change.act == Act::Added || change.replaces().is_some();
        if !is_below && takes_along {
            above = Some(change.path.clone());
        }
        selected.left.push(change);
    }
    selected
}
