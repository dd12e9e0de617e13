//! What has happened: written down by whoever did it, and read by whoever wants to know.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use super::{Engine, Error};
use crate::plan::digest::Digest;
use crate::plan::mount::Access;
use crate::plan::name::VolumeName;
use crate::plan::occurrence::{Action, Occurrence, Subject};
use crate::store::container::{ContainerRecord, MountRecord};
use crate::sys::clock;

/// How often the journal is looked at.
const INTERVAL: Duration = Duration::from_millis(25);
/// The bytes of a command that are written down with it.
const COMMAND_MAX: usize = 4096;

/// Which part of what has happened is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OccurrenceRequest {
    /// From this moment on, nanoseconds since 1970; from now on if neither this nor an end is said.
    pub since: Option<i64>,
    /// To this moment, nanoseconds since 1970; for ever if not said.
    pub until: Option<i64>,
}

/// Who is told what has happened; none means that there is nothing more for now. It may have enough.
pub type OccurrenceSink<'a> = &'a mut dyn FnMut(Option<&Occurrence>) -> ControlFlow<()>;

type Attributes = BTreeMap<String, String>;

impl Engine {
    /// Tells `sink` what has happened, and then what happens, until the end of what is wanted.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn occurrences(&self, request: &OccurrenceRequest, sink: OccurrenceSink<'_>) -> Result<(), Error> {
        let start = nanoseconds();
        let since = request.since.unwrap_or(if request.until.is_some() { i64::MIN } else { start });
        let mut journal = None;
        loop {
            // Asked first: what is written before the end is read after this.
            let is_over = request.until.is_some_and(|until| nanoseconds() > until);
            if journal.is_none() {
                journal = self.store.journal()?;
            }
            while let Some(journal) = &mut journal
                && let Some(one) = journal.advance().map_err(|cause| self.store.read_error(cause))?
            {
                let is_wanted =
                    one.nanoseconds >= since && request.until.is_none_or(|until| one.nanoseconds <= until);
                if is_wanted && sink(Some(&one)).is_break() {
                    return Ok(());
                }
            }
            if sink(None).is_break() || is_over {
                return Ok(());
            }
            std::thread::sleep(INTERVAL);
        }
    }

    /// Writes down that all unused things of a kind have been removed, and how many bytes that gave.
    pub fn note_pruned(&self, subject: Subject, bytes: u64) {
        let attributes = Attributes::from([("reclaimed".to_owned(), bytes.to_string())]);
        self.note(&[occurrence(subject, &Action::Prune, (String::new(), attributes))]);
    }

    /// Writes down what has happened. Nothing that anybody asked for depends on that.
    pub(super) fn note(&self, occurrences: &[Occurrence]) {
        let _ = self.store.write_journal(occurrences);
    }

    /// Writes down what has happened to a container; what else there is to say of it as text.
    pub(super) fn note_container(&self, record: &ContainerRecord, action: &Action, more: &[(&str, String)]) {
        self.note(&[of_container(record, action, more)]);
    }

    /// Writes down what has happened to an image.
    pub(super) fn note_image(&self, id: &Digest, action: &Action, name: String) {
        let attributes = Attributes::from([("name".to_owned(), name)]);
        self.note(&[occurrence(Subject::Image, action, (id.to_string(), attributes))]);
    }

    /// Writes down what has happened to a volume.
    pub(super) fn note_volume(&self, name: &VolumeName, action: &Action) {
        self.note(&[occurrence(Subject::Volume, action, (name.to_string(), local()))]);
    }
}

/// What has happened to a container now.
pub(super) fn of_container(record: &ContainerRecord, action: &Action, more: &[(&str, String)]) -> Occurrence {
    let labels = record.labels.iter().map(|label| (label.key.clone(), label.value.clone()));
    let mut attributes: Attributes = labels.collect();
    attributes.insert("image".to_owned(), record.image.clone());
    attributes.insert("name".to_owned(), record.name.to_string());
    attributes.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    occurrence(Subject::Container, action, (record.id.to_string(), attributes))
}

/// What has happened to the volumes that a container was made with.
pub(super) fn of_its_volumes(record: &ContainerRecord, action: &Action) -> Vec<Occurrence> {
    let of_mount = |mount: &MountRecord| {
        let mut attributes = local();
        attributes.insert("container".to_owned(), record.id.to_string());
        if *action == Action::Mount {
            let writes = mount.request.attributes().access == Access::ReadWrite;
            attributes.insert("destination".to_owned(), mount.request.destination.to_string());
            attributes.insert("propagation".to_owned(), String::new());
            attributes.insert("read/write".to_owned(), writes.to_string());
        }
        let name = mount.volume.as_ref()?.to_string();
        Some(occurrence(Subject::Volume, action, (name, attributes)))
    };
    record.mounts.iter().filter_map(of_mount).collect()
}

/// A command on one line, not longer than anybody wants to read.
pub(super) fn command_line(words: &[String]) -> String {
    let mut text = words.join(" ");
    let end = (0..=COMMAND_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    text.truncate(end.min(text.len()));
    text
}

fn local() -> Attributes {
    Attributes::from([("driver".to_owned(), "local".to_owned())])
}

fn occurrence(subject: Subject, action: &Action, (id, attributes): (String, Attributes)) -> Occurrence {
    Occurrence { subject, action: action.to_string(), id, attributes, nanoseconds: nanoseconds() }
}

/// Nanoseconds since 1970.
pub(super) fn nanoseconds() -> i64 {
    let (seconds, nanoseconds) = clock::now();
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_commands_are_cut_between_characters() {
        assert_eq!(command_line(&["sh".to_owned(), "-c".to_owned()]), "sh -c");
        assert_eq!(command_line(&["ä".repeat(COMMAND_MAX), "x".to_owned()]).len(), COMMAND_MAX);
        assert_eq!(command_line(&["x".to_owned() + &"ä".repeat(COMMAND_MAX)]).len(), COMMAND_MAX - 1);
    }
}
