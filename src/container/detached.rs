//! Containers that live on: each has a supervisor of its own, a copy of the process that started it, which holds the
//! container's lock, keeps its log, lets guests in and starts it again if that was asked for.

use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::charge::{Charge, News, Run};
use super::limits;
use super::run::describe;
use super::{Error, Event, Events};
use crate::launch::{Client, Ended, FailedStep, Feeding, Guests, LaunchError, Sequel};
use crate::store::container::StartRecord;
use crate::sys::clone::ExitStatus;
use crate::sys::detach::{Answer, detach};
use crate::sys::process;
use crate::sys::socket::Connection;

/// The wait before the first restart; each further one is twice as long.
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// The longest wait before a restart.
const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// A container that has run so long has not failed in a row.
const SOUND: Duration = Duration::from_secs(10);

/// What the supervisor says to who started it.
#[derive(Debug, Serialize, Deserialize)]
struct Start {
    notices: Vec<String>,
    failed: Option<FailedStep>,
}

/// Who is there before a container starts.
#[derive(Default)]
struct Early<'a> {
    /// Where guests come in.
    guests: Guests,
    /// The connection of this process, if it is a guest itself.
    connection: Option<&'a Connection>,
}

impl Charge<'_> {
    /// Starts a container that lives on; returns when its command runs.
    pub(super) fn run_detached(&self, before: Option<StartRecord>, events: Events<'_>) -> Result<(), Error> {
        let guests = Guests::listen(self.bundle.directory().as_fd()).map_err(|cause| self.error(cause))?;
        self.detach(before, Early { guests, connection: None }, events)
    }

    /// The same with this process as its first guest, who misses nothing.
    pub(super) fn run_with_guest(
        &self,
        before: Option<StartRecord>,
        feeding: Feeding,
        events: Events<'_>,
    ) -> Result<Client, Error> {
        let directory = self.bundle.directory().as_fd();
        let guests = Guests::listen(directory).map_err(|cause| self.error(cause))?;
        let client = Client::connect(directory).map_err(|cause| self.error(cause))?;
        let client = client.ok_or_else(|| self.error(LaunchError::Lost(ExitStatus::Exited(125))))?;
        client.introduce(feeding).map_err(|cause| self.error(cause))?;
        self.detach(before, Early { guests, connection: Some(client.connection()) }, events)?;
        Ok(client)
    }

    pub(super) fn error(&self, cause: LaunchError) -> Error {
        Error::Launch { name: describe(self.record), cause }
    }

    /// Starts it with guests who are there already.
    fn detach(
        &self,
        before: Option<StartRecord>,
        mut early: Early<'_>,
        events: Events<'_>,
    ) -> Result<(), Error> {
        // Looked for here as well, where whoever asks is told in full.
        self.engine.network_donor(self.record)?;
        // From here on there is a second process, which would be in the way of the controllers.
        limits::ready(self.record)?;
        let answer = detach::<Start>(|answer| {
            if let Some(connection) = early.connection {
                // Else the end of the guest would never be noticed.
                process::close_in_copy(connection.as_fd());
            }
            let guests = &mut early.guests;
            guests.greet();
            let beginning = Beginning { answer, notices: Vec::new(), is_told: false };
            Supervisor { charge: self, guests, beginning }.live(Run::detached(self.record, before))
        });
        let start = answer.map_err(|cause| self.error(LaunchError::Spawn(cause)))?;
        let lost = || self.error(LaunchError::Lost(ExitStatus::Exited(125)));
        let Start { notices, failed } = start.ok_or_else(lost)?;
        for notice in notices {
            events(Event::Notice(notice));
        }
        failed.map_or(Ok(()), |failed| Err(self.error(failed.into())))
    }
}

struct Supervisor<'a> {
    charge: &'a Charge<'a>,
    guests: &'a mut Guests,
    beginning: Beginning,
}

/// How it began, for who waits to hear that.
struct Beginning {
    answer: Answer,
    notices: Vec<String>,
    is_told: bool,
}

impl Beginning {
    /// Says that there is a container, or why there is none; only the first word counts.
    fn tell(&mut self, failed: Option<FailedStep>) {
        self.is_told = true;
        self.answer.give(&Start { notices: std::mem::take(&mut self.notices), failed });
    }
}

impl Supervisor<'_> {
    fn live(&mut self, first: Run) -> u8 {
        let (mut run, mut delay) = (first, FIRST_DELAY);
        loop {
            let begun = Instant::now();
            let result = self.run(run);
            match &result {
                Err(error) if !self.beginning.is_told => return self.give_up(error),
                Err(_) => {}
                // Its end was ordered, or its time was over, before its command ran.
                Ok(_) => self.beginning.tell(None),
            }
            let again = self.wants_again(run, &result);
            // Without room for this file the container will be taken for one that was killed.
            let _ = match &result {
                Ok(ended) => self.charge.note_end(run, *ended),
                Err(error) => self.charge.note_failure(run, error),
            };
            if begun.elapsed() >= SOUND {
                (run.start.restarts, delay) = (0, FIRST_DELAY);
            }
            if !again || !self.wait_for_next(&result, delay) {
                return self.end(&result);
            }
            run = run.again(run.start.restarts + 1);
            delay = (delay * 2).min(LONGEST_DELAY);
        }
    }

    fn run(&mut self, run: Run) -> Result<Ended, Error> {
        let Self { charge, guests, beginning } = self;
        charge.run(run, guests, &mut |news| match news {
            News::Notice(text) => beginning.notices.push(text.to_owned()),
            News::Started => beginning.tell(None),
        })
    }

    /// Says why there will be no container; who asked puts away what there is of it.
    fn give_up(&mut self, error: &Error) -> u8 {
        // The lock is to be free when it has done so, and this process may end later.
        process::close_in_copy(self.charge.bundle.lock());
        self.beginning.tell(Some(error.to_failed_step()));
        125
    }

    fn wants_again(&self, run: Run, result: &Result<Ended, Error>) -> bool {
        let policy = self.charge.record.supervision.restart;
        match result {
            Ok(ended) => !ended.by_order && policy.wants(ended.status.code(), run.start.restarts),
            Err(error) => policy.wants(error.exit_code(), run.start.restarts),
        }
    }

    /// Waits until it is time to begin again; false if somebody does not want that any more.
    fn wait_for_next(&mut self, result: &Result<Ended, Error>, delay: Duration) -> bool {
        self.guests.dismiss(status(result), Sequel::Again);
        self.guests.await_end_order(delay).is_ok_and(|is_wanted| !is_wanted)
    }

    fn end(&mut self, result: &Result<Ended, Error>) -> u8 {
        if self.charge.record.removed_at_end {
            // The next command sweeps what cannot be removed now.
            let _ = self.charge.engine.discard(self.charge.record, self.charge.bundle);
        }
        self.guests.dismiss(status(result), Sequel::Final);
        0
    }
}

fn status(result: &Result<Ended, Error>) -> ExitStatus {
    match result {
        Ok(ended) => ended.status,
        Err(error) => ExitStatus::Exited(error.exit_code()),
    }
}
