//! The result of a run: put together from what was planned, what the kernel said and what was counted.

mod taken;

use std::io::Write as _;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::time::Instant;

use rustix::process::Pid;

use self::taken::{explain, taken};
use super::charge::{Charge, Run};
use super::mounts::effective;
use super::occurrence::nanoseconds;
use super::{Engine, Error, rfc3339_nanoseconds};
use crate::launch::{Ended, LaunchError};
use crate::plan::evidence::Evidence;
use crate::plan::finding;
use crate::plan::result_record::{
    CommandOutcome, ContainerOutcome, Outcome, OwnOutcome, ResultRecord, Usage, VERSION,
};
use crate::plan::supervision::ResultTarget;
use crate::store::layout;
use crate::sys::cgroup::{Cgroup, CgroupUsage, usage};
use crate::sys::clone::ExitStatus;
use crate::sys::whole_file::WholeFile;
use crate::sys::{Call, SysError, evidence, handover};

/// What was seen of one run.
#[derive(Debug, Default)]
pub(super) struct Witness {
    evidence: Evidence,
    /// When its command began, nanoseconds since 1970.
    pub(super) started: Option<i64>,
    clock: Option<Instant>,
}

impl Witness {
    /// Looks at init just before it becomes the command.
    pub(super) fn look(&mut self, init: BorrowedFd<'_>) {
        if let Ok(Some(init)) = process_id(init) {
            self.evidence = evidence::of(init);
        }
    }

    /// Notices that the command has begun.
    pub(super) fn begin(&mut self, nanoseconds: i64) {
        (self.started, self.clock) = (Some(nanoseconds), Some(Instant::now()));
    }
}

/// The process that a pidfd names, as this one sees it.
pub(super) fn process_id(process: BorrowedFd<'_>) -> Result<Option<Pid>, SysError> {
    let about = format!("/proc/self/fdinfo/{}", process.as_raw_fd());
    let text = std::fs::read_to_string(&about).call(|| format!("read({about:?})"))?;
    Ok(pid_of(&text))
}

/// What `/proc/self/fdinfo` says of a pidfd: 0 for a process that cannot be seen from here, -1 for one that has ended.
fn pid_of(about: &str) -> Option<Pid> {
    let number = about.lines().find_map(|line| line.strip_prefix("Pid:"))?;
    number.trim().parse().ok().filter(|number| *number > 0).and_then(Pid::from_raw)
}

impl Charge<'_> {
    /// Whether anybody will ever read how this container did.
    pub(super) fn is_accounted(&self) -> bool {
        !self.record.removed_at_end || self.record.supervision.result.is_some()
    }

    /// Writes down how a run went, if its command ran.
    pub(super) fn note_result(
        &self,
        (run, seen): (Run, &Witness),
        result: &Result<Ended, LaunchError>,
        cgroup: Option<&Cgroup>,
    ) -> Result<(), Error> {
        // Who asked for what did not begin tells that.
        let is_told_elsewhere = match result {
            Ok(_) | Err(LaunchError::Supervise(_) | LaunchError::Lost(_)) => false,
            Err(_) => seen.started.is_none() && run.start.run <= 1,
        };
        if !self.is_accounted() || is_told_elsewhere {
            return Ok(());
        }
        let counted = cgroup.map(|cgroup| usage(&cgroup.path));
        let record = self.result_record((run, seen), result, counted.as_ref());
        if !self.record.removed_at_end {
            // Texts, numbers and truths under text keys: all of that can become JSON.
            let json = serde_json::to_vec(&record).unwrap_or_default();
            let written = self.bundle.directory().replace(layout::RESULT, &json);
            written.map_err(|cause| Error::Store(self.engine.store.write_error(cause)))?;
        }
        self.record.supervision.result.as_ref().map_or(Ok(()), |target| write(target, &record))
    }

    fn result_record(
        &self,
        (run, seen): (Run, &Witness),
        result: &Result<Ended, LaunchError>,
        counted: Option<&CgroupUsage>,
    ) -> ResultRecord {
        let ended = result.as_ref().ok();
        let evidence = &seen.evidence;
        let own = &self.engine.host;
        let record = self.record;
        let mut limits = record.limits.clone();
        limits.extend(finding::limits(&self.plan.process.limits, evidence));
        ResultRecord {
            version: VERSION,
            minirun: own_outcome(result, seen, |error| self.error_text(error)),
            container: Some(ContainerOutcome {
                id: record.id.to_string(),
                name: record.name.to_string(),
                image: record.image.clone(),
                image_id: record.image_id.as_ref().map(ToString::to_string),
                run: run.start.run,
            }),
            command: command(record.command.clone(), (seen, ended), counted),
            usage: taken(seen, ended, counted),
            mounts: effective(record, self.bundle.directory().path(), evidence),
            ids: Some(finding::ids(self.plan, (&own.own_users, &own.own_groups), evidence)),
            limits,
            security: Some(finding::security(self.plan, evidence)),
        }
    }

    fn error_text(&self, cause: &LaunchError) -> Vec<String> {
        let top = format!("cannot run container `{}`", self.record.name);
        std::iter::once(top).chain(texts(cause)).collect()
    }
}

fn own_outcome(
    result: &Result<Ended, LaunchError>,
    seen: &Witness,
    describe: impl Fn(&LaunchError) -> Vec<String>,
) -> OwnOutcome {
    let (outcome, exit_code, errors) = match result {
        Ok(ended) => (Outcome::Ran, ended.status.code(), Vec::new()),
        Err(LaunchError::Init(step)) => {
            (Outcome::NotStarted, step.code(), describe(&LaunchError::Init(step.clone())))
        }
        Err(error) if seen.started.is_some() => (Outcome::Lost, 125, describe(error)),
        Err(error) => (Outcome::NotStarted, 125, describe(error)),
    };
    OwnOutcome { version: env!("CARGO_PKG_VERSION").to_owned(), outcome, exit_code, errors, hint: None }
}

fn command(
    arguments: Vec<String>,
    (seen, ended): (&Witness, Option<&Ended>),
    counted: Option<&CgroupUsage>,
) -> CommandOutcome {
    let (exit_code, signal) = match ended.map(|ended| ended.own) {
        Some(ExitStatus::Exited(code)) => (Some(code), None),
        Some(ExitStatus::Signaled(signal)) => (None, Some(signal)),
        None => (None, None),
    };
    CommandOutcome {
        arguments,
        started: seen.started.map(rfc3339_nanoseconds),
        finished: Some(rfc3339_nanoseconds(nanoseconds())),
        exit_code,
        signal,
        timed_out: ended.is_some_and(|ended| ended.timed_out),
        out_of_memory: counted.and_then(|counted| counted.oom_kills).map(|kills| kills > 0),
    }
}

fn texts(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(Some(error), |cause| cause.source()).map(ToString::to_string).collect()
}

/// What there is to tell of a container that never was, or never ran.
#[derive(Debug)]
pub struct Failed<'a> {
    /// The command as far as it was asked for.
    pub arguments: Vec<String>,
    /// Why.
    pub error: &'a dyn std::error::Error,
    /// What can be done about it.
    pub hint: Option<String>,
    /// The exit code of this program.
    pub code: u8,
}

/// Writes the result of a container that did not run.
///
/// # Errors
/// It cannot be written.
pub fn write_failure(target: &ResultTarget, failed: Failed<'_>) -> Result<(), Error> {
    let mut usage = Usage::default();
    explain(&mut usage, None);
    for why in usage.unknown.values_mut() {
        "the command did not run".clone_into(why);
    }
    let record = ResultRecord {
        version: VERSION,
        minirun: OwnOutcome {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            outcome: Outcome::NotStarted,
            exit_code: failed.code,
            errors: texts(failed.error),
            hint: failed.hint,
        },
        container: None,
        command: CommandOutcome { arguments: failed.arguments, ..CommandOutcome::default() },
        usage,
        mounts: Vec::new(),
        ids: None,
        limits: Vec::new(),
        security: None,
    };
    write(target, &record)
}

/// Makes sure, before anything is done, that the result can be written.
///
/// # Errors
/// It cannot.
pub fn check(target: &ResultTarget) -> Result<(), Error> {
    let tried = match target {
        ResultTarget::File(path) => WholeFile::create(path).map(drop),
        ResultTarget::Descriptor(number) => handover::file(*number).map(drop),
    };
    tried.map_err(|cause| Error::Result { target: target.clone(), cause })
}

fn write(target: &ResultTarget, record: &ResultRecord) -> Result<(), Error> {
    let mut json = serde_json::to_vec_pretty(record).unwrap_or_default();
    json.push(b'\n');
    let written = match target {
        ResultTarget::File(path) => WholeFile::create(path).and_then(|whole| {
            whole.file().write_all(&json).call(|| format!("write({path:?})"))?;
            whole.finish()
        }),
        ResultTarget::Descriptor(number) => handover::file(*number)
            .and_then(|mut file| file.write_all(&json).call(|| format!("write({number})"))),
    };
    written.map_err(|cause| Error::Result { target: target.clone(), cause })
}

impl Engine {
    /// The result of the last run of a container; none if it has not ended yet, or is not kept.
    ///
    /// # Errors
    /// There is no such container, or the store cannot be read.
    pub fn result(&self, text: &str) -> Result<Option<serde_json::Value>, Error> {
        let container = self.store.find_container(text)?;
        Ok(self.store.container_result(&container)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_has_ended_has_no_id() {
        assert_eq!(pid_of("pos:\t0\nflags:\t02000002\nPid:\t7\nNSpid:\t7\n"), Pid::from_raw(7));
        for about in ["Pid:\t-1\nNSpid:\t-1\n", "Pid:\t0\n", "Pid:\tx\n", "pos:\t0\n", ""] {
            assert_eq!(pid_of(about), None, "{about:?}");
        }
    }
}
