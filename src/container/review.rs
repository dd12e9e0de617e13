//! What containers changed in directories that they see through a layer (`cow`): told, applied, discarded.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Engine, Error, within};
use crate::plan::bytes;
use crate::plan::mount::{MountKind, View};
use crate::plan::path::ContainerPath;
use crate::plan::quote::quoted;
use crate::plan::review::choose;
use crate::store::container::{Container, ContainerError, MountRecord};
pub use crate::store::review::{
    Act, Change, Conflict, Difference, Kind, OnConflict, Reader, Rights, Sink, Standing,
};
use crate::store::review::{ConflictList, Review, ReviewError, Selected, named, needed, settle};

/// Whether something is done or only said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// It is done.
    Really,
    /// It is said what would be done.
    Saying,
}

/// How changes are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Apply {
    /// What to do with conflicts.
    pub on_conflict: OnConflict,
    /// Whether to write.
    pub doing: Doing,
}

/// Changes of one mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountChanges {
    /// Where the container sees it.
    pub destination: ContainerPath,
    /// The directory of the host.
    #[serde(with = "bytes")]
    pub source: PathBuf,
    /// Its changes, sorted by path.
    pub changes: Vec<Change>,
}

/// What an apply did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// What is on the host now, or would be.
    pub applied: Vec<MountChanges>,
    /// What is not, because of conflicts.
    pub left: Vec<MountChanges>,
}

/// One mount and what is meant of it.
struct Part {
    destination: ContainerPath,
    source: PathBuf,
    layer: PathBuf,
    paths: Vec<PathBuf>,
}

impl Engine {
    /// What a container changed: of everything, or of what `words` name.
    ///
    /// # Errors
    /// There is no such container or mount, or something cannot be read.
    pub fn changes(&self, container: &str, words: &[OsString]) -> Result<Vec<MountChanges>, Error> {
        let parts = parts(&self.store.find_container(container)?, words)?;
        self.reviewing(|| {
            let tell = |part: &Part| Ok(part.with(part.named(&part.open()?)?));
            parts.iter().map(tell).collect()
        })
    }

    /// Writes the same as a patch.
    ///
    /// # Errors
    /// As of [`Engine::changes`].
    pub fn patch(&self, container: &str, words: &[OsString], sink: Sink<'_>) -> Result<Reader, Error> {
        let parts = parts(&self.store.find_container(container)?, words)?;
        self.reviewing(|| {
            for part in &parts {
                let review = part.open()?;
                let changes = part.named(&review)?;
                if parts.len() > 1 && !changes.is_empty() {
                    // Who reads patches passes over lines that are none.
                    let heading = format!("# {}\n", quoted(part.destination.as_os_str()));
                    if sink(heading.as_bytes()) == Reader::Gone {
                        return Ok(Reader::Gone);
                    }
                }
                if review.patch(&changes, sink)? == Reader::Gone {
                    return Ok(Reader::Gone);
                }
            }
            Ok(Reader::Reading)
        })
    }

    /// Brings changes to the host. With [`OnConflict::Refuse`] all of them or, before anything is written, none.
    ///
    /// # Errors
    /// There is no such container or mount, there are conflicts, or something cannot be written.
    pub fn apply_changes(
        &self,
        container: &str,
        words: &[OsString],
        options: Apply,
    ) -> Result<Applied, Error> {
        let container = self.store.find_container(container)?;
        let parts = parts(&container, words)?;
        let applied = self.reviewing(|| apply(&parts, options))?;
        let conflicts = conflicts(&applied.left);
        if options.on_conflict == OnConflict::Refuse && !conflicts.is_empty() {
            let name = container.record.name.to_string();
            return Err(ReviewError::Conflicts { name, cause: ConflictList(conflicts) }.into());
        }
        Ok(applied)
    }

    /// Throws changes of a container away that has ended; what they were.
    ///
    /// # Errors
    /// The container runs, there is no such container or mount, or something cannot be removed.
    pub fn discard_changes(
        &self,
        container: &str,
        words: &[OsString],
        doing: Doing,
    ) -> Result<Vec<MountChanges>, Error> {
        let container = self.store.find_container(container)?;
        let parts = parts(&container, words)?;
        if container.state.is_alive() && doing == Doing::Really {
            return Err(ContainerError::Running(container.record.name.to_string()).into());
        }
        self.reviewing(|| {
            let discard = |part: &Part| {
                let review = part.open()?;
                let changes = part.named(&review)?;
                match doing {
                    Doing::Really => review.discard(&part.paths)?,
                    Doing::Saying => {}
                }
                Ok(part.with(changes))
            };
            parts.iter().map(discard).collect()
        })
    }

    /// Does `work` where the files of layers can be read and have their container owners.
    fn reviewing<T>(&self, work: impl FnOnce() -> Result<T, ReviewError>) -> Result<T, Error>
    where
        T: Serialize + serde::de::DeserializeOwned,
    {
        within(self.own_namespace()?.as_ref(), work)
    }
}

impl Part {
    fn open(&self) -> Result<Review, ReviewError> {
        Review::open(&self.layer, &self.source)
    }

    fn with(&self, changes: Vec<Change>) -> MountChanges {
        MountChanges { destination: self.destination.clone(), source: self.source.clone(), changes }
    }

    fn named(&self, review: &Review) -> Result<Vec<Change>, ReviewError> {
        self.check(review)?;
        Ok(named(&review.changes()?, &self.paths))
    }

    /// A path that is nowhere was mistyped.
    fn check(&self, review: &Review) -> Result<(), ReviewError> {
        for path in &self.paths {
            if !review.knows(path)? {
                return Err(ReviewError::Unknown(path.clone()));
            }
        }
        Ok(())
    }
}

/// The mounts of a container that keep changes for review, and what `words` mean of them.
fn parts(container: &Container, words: &[OsString]) -> Result<Vec<Part>, Error> {
    let mounts: Vec<(&MountRecord, &String)> =
        container.record.mounts.iter().filter_map(|mount| Some((mount, reviewed(mount)?))).collect();
    let destinations: Vec<ContainerPath> =
        mounts.iter().map(|(mount, _)| mount.request.destination.clone()).collect();
    let name = || container.record.name.to_string();
    let choices = choose(&destinations, words).map_err(|cause| Error::NoChanges { name: name(), cause })?;
    let part = |choice: crate::plan::review::Choice| {
        let (mount, layer) = mounts.get(choice.mount)?;
        Some(Part {
            destination: mount.request.destination.clone(),
            source: mount.source.clone(),
            layer: container.path.join(layer),
            paths: choice.paths,
        })
    };
    Ok(choices.into_iter().filter_map(part).collect())
}

/// The directory of a mount's layer, if its changes are kept for review.
fn reviewed(mount: &MountRecord) -> Option<&String> {
    match &mount.request.kind {
        MountKind::Bind(bind) if bind.view == View::Review => mount.layer.as_ref(),
        MountKind::Bind(_)
        | MountKind::Volume(_)
        | MountKind::Tmpfs(_)
        | MountKind::Image(_)
        | MountKind::Devpts(_)
        | MountKind::Ramfs(_)
        | MountKind::Glob(_) => None,
    }
}

fn apply(parts: &[Part], options: Apply) -> Result<Applied, ReviewError> {
    let mut opened = Vec::new();
    for part in parts {
        let review = part.open()?;
        part.check(&review)?;
        let selected = settle(needed(&review.changes()?, &part.paths), options.on_conflict);
        opened.push((part, review, selected));
    }
    let has_conflicts = opened.iter().any(|(_, _, selected)| !selected.left.is_empty());
    let refuses = options.on_conflict == OnConflict::Refuse && has_conflicts;
    let mut done = Applied { applied: Vec::new(), left: Vec::new() };
    for (part, mut review, Selected { applied, left }) in opened {
        if !refuses && options.doing == Doing::Really {
            review.apply(&applied)?;
        }
        done.applied.push(part.with(applied));
        done.left.push(part.with(left));
    }
    Ok(done)
}

/// Each conflict on a line.
fn conflicts(left: &[MountChanges]) -> Vec<String> {
    let mut lines = BTreeSet::new();
    for mount in left {
        for change in &mount.changes {
            if let Some(conflict) = change.conflict {
                let path = mount.destination.join(&change.path);
                lines.insert(format!("{}: {conflict}", quoted(path.as_os_str())));
            }
        }
    }
    lines.into_iter().collect()
}
