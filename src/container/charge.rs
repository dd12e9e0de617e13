//! A container in the charge of this process: started, watched over, and written down what becomes of it.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use super::occurrence::{nanoseconds, of_container, of_its_volumes};
use super::result::Witness;
use super::run::{chain, not_put_away};
use super::{Engine, Error, Event, Events, copying, now, pid_file};
use crate::launch::{
    self, Copies, End, Ended, Ends, Guests, LaunchError, Legacy, Review, Sequel, Sign, Stream, Surroundings,
    Watch,
};
use crate::plan::Plan;
use crate::plan::occurrence::Action;
use crate::plan::process::Streams;
use crate::plan::request::{Attached, Wanted};
use crate::plan::signal::SignalNumber;
use crate::plan::supervision::LogPolicy;
use crate::store::container::{Bundle, ContainerRecord, Departure, EndRecord, StartRecord};
use crate::store::layout;
use crate::store::log::{LogStream, LogWriter};
use crate::sys::cgroup::Cgroup;
use crate::sys::clone::ExitStatus;
use crate::sys::owner::Claim;
use crate::sys::running::Processes;

/// The signal that asks a container to stop if nobody says another.
const TERM: i32 = 15;

/// What happens while a container is in charge.
pub(super) enum News<'a> {
    /// Its command runs.
    Started,
    /// Something was done differently.
    Notice(&'a str),
}

/// A container that this process runs.
pub(super) struct Charge<'a> {
    pub(super) engine: &'a Engine,
    pub(super) plan: &'a Plan,
    pub(super) record: &'a ContainerRecord,
    pub(super) bundle: &'a Bundle,
}

/// What there is to say about one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) ends: Ends,
    pub(super) start: StartRecord,
    pub(super) parting: Parting,
}

/// What a container's launcher does about its files at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parting {
    /// It sees to them itself.
    Stays,
    /// It leaves before they are removed, if nobody else has to wait for something.
    Leaves,
}

impl Run {
    /// Of a container with the caller at its streams.
    pub(super) fn attached(record: &ContainerRecord, attached: Attached) -> Self {
        let end = |wanted| match wanted {
            Wanted::Yes => End::Caller,
            Wanted::No => End::Nobody,
        };
        let is_logged = !record.removed_at_end && record.supervision.log != LogPolicy::Nothing;
        let ends = Ends {
            input: End::Caller,
            output: end(attached.output),
            error: end(attached.error),
            copies: if is_logged { Copies::All } else { Copies::None },
            input_end: record.supervision.input_end,
        };
        Self { ends, start: StartRecord { run: 1, ..StartRecord::default() }, parting: Parting::Stays }
    }

    /// Of a container that stands alone.
    pub(super) fn detached(record: &ContainerRecord, before: Option<StartRecord>) -> Self {
        let ends = Ends {
            input: End::Nobody,
            output: End::Nobody,
            error: End::Nobody,
            copies: Copies::All,
            input_end: record.supervision.input_end,
        };
        let run = before.map_or(0, |before| before.run) + 1;
        Self { ends, start: StartRecord { run, ..StartRecord::default() }, parting: Parting::Stays }
    }

    /// The next one, without anybody having asked for it; `restarts` in a row with it.
    pub(super) fn again(self, restarts: u32) -> Self {
        let start = StartRecord { run: self.start.run + 1, restarts, ..self.start };
        Self { start, ..self }
    }
}

/// What there is for one run besides the container itself.
#[derive(Clone, Copy)]
struct Beside<'a> {
    /// The container whose network it shares.
    donor: Option<&'a Processes>,
    /// The cgroup that it is born into.
    cgroup: Option<&'a Cgroup>,
}

/// The signal that asks a container to stop.
pub(super) fn stop_signal(record: &ContainerRecord) -> i32 {
    let named = record.stop_signal.as_ref().and_then(|text| text.parse::<SignalNumber>().ok());
    named.map_or(TERM, |signal| signal.get().into())
}

impl Charge<'_> {
    /// Runs the container to its end.
    pub(super) fn run(
        &self,
        run: Run,
        guests: &mut Guests,
        news: &mut dyn FnMut(News<'_>),
    ) -> Result<Ended, Error> {
        // Looked for at each start, as it may have been started again meanwhile.
        let donor = self.engine.network_donor(self.record)?;
        let cgroup = self.engine.make_cgroup(self.record)?;
        let beside = Beside { donor: donor.as_ref(), cgroup: cgroup.as_ref() };
        let mut seen = Witness::default();
        let result = self.run_beside(beside, (run, guests, &mut seen), news);
        if let Err(error) = self.note_result((run, &seen), &result, cgroup.as_ref()) {
            news(News::Notice(&chain(&error)));
        }
        if cgroup.is_some()
            && let Err(error) = self.engine.remove_cgroup(&self.record.id)
        {
            news(News::Notice(&chain(&error)));
        }
        result.map_err(|cause| self.error(cause))
    }

    fn run_beside(
        &self,
        beside: Beside<'_>,
        (run, guests, seen): (Run, &mut Guests, &mut Witness),
        news: &mut dyn FnMut(News<'_>),
    ) -> Result<Ended, LaunchError> {
        let supervision = &self.record.supervision;
        let mut log = match run.ends.copies {
            Copies::None => None,
            Copies::All => {
                LogWriter::open(self.bundle.directory(), supervision.log).map_err(LaunchError::Streams)?
            }
        };
        // One of its own for each run: it tells which process is this one's init.
        let claim =
            Claim::take(self.bundle.directory().as_fd(), layout::OWNER).map_err(LaunchError::Supervise)?;
        let departure = self.departure(run.parting, beside);
        let settle = |lock: Option<OwnedFd>| {
            if let Some(departure) = &departure {
                departure.finish(lock.as_ref());
            }
        };
        let legacy =
            departure.as_ref().map(|departure| Legacy { directory: departure.directory(), settle: &settle });
        let surroundings = Surroundings {
            legacy,
            ends: run.ends,
            donor: beside.donor.map(Processes::monitor),
            cgroup: beside.cgroup.map(|cgroup| cgroup.directory.as_fd()),
            review: if self.is_accounted() { Review::Wanted } else { Review::Unwanted },
        };
        let running = copying::with(|copying| launch::start(self.plan, copying, surroundings))?;
        let watch = Watch {
            guests,
            limit: supervision.limit,
            stop_signal: stop_signal(self.record),
            grace: supervision.grace.unwrap_or_default().duration(),
        };
        running.supervise(watch, &mut |sign| match sign {
            Sign::Notice(text) => news(News::Notice(text)),
            Sign::Rooted(init) => {
                if let Err(error) = claim.announce(init) {
                    news(News::Notice(&format!("nobody will find the container's processes ({error})")));
                }
            }
            Sign::Ready(init) => seen.look(init),
            Sign::Started(init) => {
                let nanoseconds = nanoseconds();
                seen.begin(nanoseconds);
                if let Err(error) = self.note_start(StartRecord { nanoseconds, ..run.start }, init) {
                    news(News::Notice(&chain(&error)));
                }
                news(News::Started);
            }
            Sign::Wrote(stream, bytes) => {
                if let Some(log) = &mut log {
                    log.write(log_stream(stream), bytes);
                }
            }
        })
    }

    /// How the container's files are removed when its launcher has left; none where that waits for the container's processes
    /// anyway.
    fn departure(&self, parting: Parting, beside: Beside<'_>) -> Option<Departure<'_>> {
        let is_awaited = self.is_accounted()
            || beside.cgroup.is_some()
            || self.plan.connection.is_some()
            || self.plan.process.streams == Streams::Terminal;
        if parting == Parting::Stays || is_awaited {
            return None;
        }
        // A store that cannot be read now is told of when the container is to be removed.
        self.engine.store.departure(self.record).ok().flatten()
    }

    /// Writes down that the command runs, where somebody could want to know.
    fn note_start(&self, start: StartRecord, init: BorrowedFd<'_>) -> Result<(), Error> {
        if let Some(path) = &self.record.supervision.pid_file {
            pid_file::write(path, init)?;
        }
        self.engine.store.note_start(self.bundle, start)?;
        let mut occurrences = of_its_volumes(self.record, &Action::Mount);
        occurrences.push(of_container(self.record, &Action::Start, &[]));
        self.engine.note(&occurrences);
        Ok(())
    }

    /// Writes down that the container has ended with this code.
    pub(super) fn note_death(&self, code: u8) {
        let mut occurrences =
            vec![of_container(self.record, &Action::Die, &[("exitCode", code.to_string())])];
        occurrences.extend(of_its_volumes(self.record, &Action::Unmount));
        self.engine.note(&occurrences);
    }

    /// Runs the container to its end, with the caller at its streams, and puts it away.
    pub(super) fn run_attached(&self, run: Run, events: Events<'_>) -> Result<ExitStatus, Error> {
        let run = Run { parting: Parting::Leaves, ..run };
        let (ended, mut guests) = self.run_to_end(run, &mut *events)?;
        let put_away = if self.record.removed_at_end {
            let has_heir =
                guests.leave_an_heir() && self.engine.store.depart(self.record, self.bundle).is_ok();
            if has_heir {
                guests.bequeath(self.bundle.lock());
                self.engine.note_removed(self.record)
            } else {
                self.engine.discard(self.record, self.bundle)
            }
        } else {
            self.write_end(run, ended)
        };
        // How the container ended says more than what could not be tidied up; the next command sweeps.
        put_away.unwrap_or_else(|error| events(Event::Notice(not_put_away(self.record, &error))));
        guests.dismiss(ended.status, Sequel::Final);
        Ok(ended.status)
    }

    /// Runs the container to its end, with the caller at its streams; who still wants to know.
    pub(super) fn run_to_end(&self, run: Run, events: Events<'_>) -> Result<(Ended, Guests), Error> {
        let directory = self.bundle.directory().as_fd();
        let mut guests = Guests::listen(directory).unwrap_or_else(|error| {
            events(Event::Notice(format!("nobody can reach this container: {}", chain(&error))));
            Guests::default()
        });
        let ended = self.run(run, &mut guests, &mut |news| match news {
            News::Notice(text) => events(Event::Notice(text.to_owned())),
            News::Started => {}
        })?;
        self.note_death(ended.status.code());
        Ok((ended, guests))
    }

    /// Writes down how the container ended, and tells of it.
    pub(super) fn note_end(&self, run: Run, ended: Ended) -> Result<(), Error> {
        self.note_death(ended.status.code());
        self.write_end(run, ended)
    }

    fn write_end(&self, run: Run, ended: Ended) -> Result<(), Error> {
        let Ended { status, timed_out, .. } = ended;
        let end = EndRecord { status, finished: now(), run: run.start.run, timed_out, error: None };
        Ok(self.engine.store.end_container(self.bundle, &end)?)
    }

    /// Writes down why the container's command did not run.
    pub(super) fn note_failure(&self, run: Run, error: &Error) -> Result<(), Error> {
        self.note_death(error.exit_code());
        let status = ExitStatus::Exited(error.exit_code());
        let (run, error) = (run.start.run, Some(chain(error)));
        let end = EndRecord { status, finished: now(), run, timed_out: false, error };
        Ok(self.engine.store.end_container(self.bundle, &end)?)
    }
}

fn log_stream(stream: Stream) -> LogStream {
    match stream {
        Stream::Output => LogStream::Output,
        Stream::Error => LogStream::Error,
    }
}
