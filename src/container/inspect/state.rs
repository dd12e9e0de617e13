//! `State`: what a container is doing.

use serde_json::{Value, json};

use super::started;
use crate::container::{Engine, Error, rfc3339, rfc3339_nanoseconds};
use crate::store::container::{Container, State};

/// The time that Docker has for what did not happen yet.
const NEVER: &str = "0001-01-01T00:00:00Z";

impl Engine {
    pub(super) fn state(&self, container: &Container) -> Result<Value, Error> {
        let (code, end) = match &container.state {
            State::Running | State::Paused | State::Created => (0, None),
            State::Exited(end) | State::Restarting(end) => (end.status.code(), Some(end)),
            State::Dead => (137, None),
        };
        let processes = match container.state {
            State::Running | State::Paused => self.visible_processes(container)?,
            State::Created | State::Restarting(_) | State::Exited(_) | State::Dead => None,
        };
        Ok(json!({
            "Status": container.state.word(),
            "Running": container.state.is_alive(),
            "Paused": container.state == State::Paused,
            "Restarting": matches!(container.state, State::Restarting(_)),
            "OOMKilled": self.was_out_of_memory(container)?,
            "Dead": container.state == State::Dead,
            // Docker's word for none.
            "Pid": processes.map_or(0, |processes| processes.init().as_raw_pid()),
            "ExitCode": code,
            "Error": end.and_then(|end| end.error.as_deref()).unwrap_or_default(),
            "TimedOut": end.is_some_and(|end| end.timed_out),
            "StartedAt": started(container).map_or_else(|| NEVER.to_owned(), rfc3339_nanoseconds),
            "FinishedAt": end.map_or_else(|| NEVER.to_owned(), |end| rfc3339(end.finished)),
        }))
    }

    /// Whether something of the last run was killed for want of memory; false where nobody knows.
    fn was_out_of_memory(&self, container: &Container) -> Result<bool, Error> {
        let result = if matches!(container.state, State::Exited(_) | State::Restarting(_)) {
            self.store.container_result(container)?
        } else {
            None
        };
        Ok(result.is_some_and(|result| result["command"]["outOfMemory"] == true))
    }
}
