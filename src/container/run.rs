//! Running a container, from the first write to the last.

use super::attach::{AttachOptions, Attachment};
use super::base::Intent;
use super::charge::{Charge, Run};
use super::cid_file::CidFile;
use super::outside::Outside;
use super::prepare::Prepared;
use super::{CommitArguments, Engine, Error, Event, Events, pid_file, rights};
use crate::launch::{Client, Feeding, LaunchError};
use crate::plan::Plan;
use crate::plan::digest::Digest;
use crate::plan::mount::{MountKind, View};
use crate::plan::name::ContainerId;
use crate::plan::request::{Driver, RunRequest};
use crate::store::container::{Along, Bundle, ContainerRecord, MountRecord};
use crate::sys::clone::ExitStatus;

/// What is done with a container when it has been made.
#[derive(Debug, Clone, Copy)]
pub(super) enum Manner<'a> {
    /// It runs to its end, with the caller at its streams.
    Foreground,
    /// It lives on.
    Detached,
    /// It lives on, with the caller as its guest.
    Supervised(Feeding),
    /// It waits to be started.
    Waiting,
    /// It runs to its end, and becomes an image if that was a good one.
    Step(&'a CommitArguments),
}

/// What became of it.
pub(super) enum Outcome {
    Ended(ExitStatus),
    Made(Digest),
    LeftAlone(ContainerId),
    Visited(Client, Box<ContainerRecord>),
}

impl Engine {
    /// Says what would be done; writes nothing.
    ///
    /// # Errors
    /// What was asked cannot be done.
    pub fn plan(&self, request: &RunRequest, events: Events<'_>) -> Result<Plan, Error> {
        Ok(self.prepare(request, (request.driver, Intent::Look), events)?.plan)
    }

    /// Runs a container to its end.
    ///
    /// # Errors
    /// The container could not be made or started; nothing of it is left unless it was to be kept.
    pub fn run(&self, request: &RunRequest, events: Events<'_>) -> Result<ExitStatus, Error> {
        match self.all_or_nothing(|| self.run_once(request, Manner::Foreground, events))? {
            Outcome::Ended(status) => Ok(status),
            Outcome::Made(_) | Outcome::LeftAlone(_) | Outcome::Visited(..) => Ok(ExitStatus::Exited(0)),
        }
    }

    /// Runs a container that has a supervisor of its own, and connects the caller with it.
    ///
    /// # Errors
    /// The container could not be made or started; nothing of it is left unless it was to be kept.
    pub fn run_supervised(
        &self,
        request: &RunRequest,
        options: &AttachOptions,
        events: Events<'_>,
    ) -> Result<Attachment, Error> {
        let manner = Manner::Supervised(options.feeding);
        match self.all_or_nothing(|| self.run_once(request, manner, events))? {
            Outcome::Visited(client, record) => {
                let path = self.store.container_path(&record.id, request.lifetime);
                self.converse(&path, &record, &client, options)
            }
            Outcome::Ended(status) => Ok(Attachment::Ended(status)),
            Outcome::Made(_) | Outcome::LeftAlone(_) => Ok(Attachment::Detached),
        }
    }

    /// Starts a container that lives on when its command runs.
    ///
    /// # Errors
    /// The container could not be made or started; nothing of it is left unless it was to be kept.
    pub fn run_detached(&self, request: &RunRequest, events: Events<'_>) -> Result<ContainerId, Error> {
        self.leave(request, Manner::Detached, events)
    }

    /// Makes a container without starting it.
    ///
    /// # Errors
    /// The container could not be made; nothing of it is left.
    pub fn create(&self, request: &RunRequest, events: Events<'_>) -> Result<ContainerId, Error> {
        self.leave(request, Manner::Waiting, events)
    }

    fn leave(
        &self,
        request: &RunRequest,
        manner: Manner<'_>,
        events: Events<'_>,
    ) -> Result<ContainerId, Error> {
        match self.all_or_nothing(|| self.run_once(request, manner, events))? {
            Outcome::LeftAlone(id) => Ok(id),
            Outcome::Ended(_) | Outcome::Made(_) | Outcome::Visited(..) => {
                Err(Error::Vanished { origin: request.image_text.clone() })
            }
        }
    }

    pub(super) fn run_once(
        &self,
        request: &RunRequest,
        manner: Manner<'_>,
        events: Events<'_>,
    ) -> Result<Outcome, Error> {
        let intent = if let Manner::Waiting = manner { Intent::Create } else { Intent::Run };
        let mut prepared = self.prepare(request, (request.driver, intent), events)?;
        if let Some(notice) = unreviewed(&prepared.record) {
            events(Event::Notice(notice));
        }
        if let Some(remark) = &prepared.link.remark {
            events(Event::Remark(remark.clone()));
        }
        prepared.limits.tell(events);
        rights::tell(&prepared.plan, (request.userns, &self.host), events);
        match self.run_prepared(&mut prepared, (request, manner), events) {
            Err(Error::Launch { cause: LaunchError::Init(step), .. })
                if step.overlay_refused() && request.driver == Driver::Auto =>
            {
                let cause = step.root_cause();
                events(Event::Notice(format!(
                    "copying the image, as there can be no overlay here ({cause})"
                )));
                let mut prepared = self.prepare(request, (Driver::Vfs, intent), events)?;
                self.run_prepared(&mut prepared, (request, manner), events)
            }
            result => result,
        }
    }

    fn run_prepared(
        &self,
        prepared: &mut Prepared,
        (request, manner): (&RunRequest, Manner<'_>),
        events: Events<'_>,
    ) -> Result<Outcome, Error> {
        let mut cid_file =
            request.cid_file.as_deref().map(|path| CidFile::make(path, prepared)).transpose()?;
        prepared.record.supervision.pid_file.as_deref().map_or(Ok(()), pid_file::prepare)?;
        let mut outside = Outside::default();
        let bundle = self.make_bundle(prepared, manner, &mut outside)?;
        let Prepared { plan, record, .. } = prepared;
        let charge = Charge { engine: self, plan, record, bundle: &bundle };
        let run = Run::attached(record, request.attached);
        let result = match manner {
            Manner::Foreground => charge.run_attached(run, events).map(Outcome::Ended),
            Manner::Detached => {
                charge.run_detached(None, events).map(|()| Outcome::LeftAlone(record.id.clone()))
            }
            Manner::Supervised(feeding) => charge
                .run_with_guest(None, feeding, events)
                .map(|client| Outcome::Visited(client, Box::new(record.clone()))),
            Manner::Waiting => Ok(Outcome::LeftAlone(record.id.clone())),
            Manner::Step(commit) => charge.run_step(run, commit, events),
        };
        let started = match &result {
            Ok(_) => true,
            Err(Error::Launch { cause: LaunchError::Init(step), .. }) => step.code() != 125,
            Err(_) => false,
        };
        if let Some(file) = &mut cid_file {
            file.keep = started;
        }
        if let Err(error) = &result {
            // Why it did not start says more than what could not be tidied up; the next command sweeps.
            let put_away = if started {
                self.put_away(&charge, run, error)
            } else {
                self.discard(record, &bundle).and(self.undo(&outside))
            };
            put_away.unwrap_or_else(|error| events(Event::Notice(not_put_away(record, &error))));
        }
        result
    }

    /// Removes or keeps what did not come to its command.
    fn put_away(&self, charge: &Charge<'_>, run: Run, error: &Error) -> Result<(), Error> {
        if charge.record.removed_at_end {
            charge.note_death(error.exit_code());
            return self.discard(charge.record, charge.bundle);
        }
        charge.note_failure(run, error)
    }

    /// Removes what a container that did not start has made besides itself.
    pub(super) fn undo(&self, outside: &Outside) -> Result<(), Error> {
        outside.remove_directories();
        self.removing(|| self.remove_unused_volumes(&outside.volumes))
    }

    /// Removes what was made for a container that is not to stay.
    pub(super) fn discard(&self, record: &ContainerRecord, bundle: &Bundle) -> Result<(), Error> {
        self.removing(|| Ok(self.store.discard_bundle(record, bundle, Along::AnonymousVolumes)?))?;
        self.note_removed(record)
    }
}

/// What is lost when a container to be removed at its end changes directories that are to be reviewed.
fn unreviewed(record: &ContainerRecord) -> Option<String> {
    let is_reviewed = |mount: &&MountRecord| matches!(&mount.request.kind, MountKind::Bind(bind) if bind.view == View::Review);
    let mount = record.mounts.iter().find(is_reviewed).filter(|_| record.removed_at_end)?;
    let destination = &mount.request.destination;
    Some(format!(
        "what changes below `{destination}` is gone with the container: leave out --rm to review it"
    ))
}

/// An error and its causes on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    let texts = causes.map(ToString::to_string);
    std::iter::once(error.to_string()).chain(texts).collect::<Vec<_>>().join(": ")
}

pub(super) fn describe(record: &ContainerRecord) -> String {
    format!("container `{}`", record.name)
}

/// What is said when something could not be removed or written down.
pub(super) fn not_put_away(record: &ContainerRecord, error: &Error) -> String {
    format!("cannot put away {}: {}", describe(record), chain(error))
}
