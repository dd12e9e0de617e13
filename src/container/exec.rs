//! Further processes in a container that runs.

use std::os::fd::AsFd as _;

use super::attach::{Attachment, DetachKeys};
use super::occurrence::{command_line, of_container};
use super::{Engine, Error, Event, Events, random};
use crate::error::running::RunningError;
use crate::launch::{self, Guests, Place, Sign, Watch};
use crate::plan::capability::CapabilitySet;
use crate::plan::environment::{Layers, merge};
use crate::plan::exec::{ExecPlan, ExecRequest, Presence, Privileges};
use crate::plan::from_spec::SpecError;
use crate::plan::idmap::IdMap;
use crate::plan::name::ContainerId;
use crate::plan::occurrence::Action;
use crate::plan::path::ContainerPath;
use crate::plan::process::{Input, Streams};
use crate::plan::seccomp::Filter;
use crate::plan::userns::set_groups;
use crate::store::container::{Container, ContainerRecord, State};
use crate::sys::clone::ExitStatus;
use crate::sys::{probe, sealed};

/// What a terminal is called in a container.
const TERM: &str = "TERM=xterm";
/// The right to look at processes of others.
const TRACE: &str = "SYS_PTRACE";

impl Engine {
    /// To be called before [`Self::exec`], and before anything is read that can be read but once: where the container's
    /// processes may look at every process they see, as those of root may that have kept `SYS_PTRACE` of the machine, this
    /// program is started anew from a copy in memory. A process that enters is seen by them, and its program would be
    /// in their hands for as long as they like.
    ///
    /// # Errors
    /// There is no such container, it does not run, or there can be no copy.
    pub fn protect_program(&self, text: &str) -> Result<(), Error> {
        // For users there is always a namespace in between.
        if self.host.uid != 0 {
            return Ok(());
        }
        let record = self.running(text)?.record;
        if record.rights.map.is_some() || !record.rights.capabilities.has(TRACE) {
            return Ok(());
        }
        let container = record.name.to_string();
        Ok(sealed::become_copy().map_err(|cause| RunningError::Copy { container, cause })?)
    }

    /// Runs a command in a container that runs, to its end or until `keys` are typed at its terminal; a detached one only
    /// until it has started.
    ///
    /// # Errors
    /// There is no such container, it does not run, or the command cannot be started.
    pub fn exec(
        &self,
        text: &str,
        (request, keys): (&ExecRequest, &DetachKeys),
        events: Events<'_>,
    ) -> Result<Attachment, Error> {
        let container = self.running(text)?;
        if container.state == State::Paused {
            return Err(Error::Paused(container.record.name.to_string()));
        }
        let plan = self.exec_plan(&container, request)?;
        let processes = self.processes(&container)?;
        let launch_error = |cause| Error::Launch {
            name: format!(
                "`{}` in container `{}`",
                request.command.first().map(String::as_str).unwrap_or_default(),
                container.record.name
            ),
            cause,
        };
        let cgroup = self.joined_cgroup(&container)?;
        let place =
            Place { processes: &processes, cgroup: cgroup.as_ref().map(|cgroup| cgroup.directory.as_fd()) };
        let telling = Telling { engine: self, container: &container, id: random()? };
        let mut running = launch::exec(&plan, place).map_err(launch_error)?;
        running.look_for(keys.bytes().to_vec());
        telling.begun(&request.command);
        let mut notice = |sign: Sign<'_>| match sign {
            Sign::Notice(text) => events(Event::Notice(text.to_owned())),
            Sign::Rooted(_) | Sign::Ready(_) | Sign::Started(_) | Sign::Wrote(..) => {}
        };
        let result = match request.presence {
            Presence::Attached => {
                let mut guests = Guests::default();
                let ended = running.supervise(Watch::of_one_process(&mut guests), &mut notice);
                ended.map(
                    |ended| {
                        if ended.left { Attachment::Detached } else { Attachment::Ended(ended.status) }
                    },
                )
            }
            Presence::Detached => running.leave().map(Attachment::Ended),
        };
        let result = result.map_err(launch_error);
        match (&result, request.presence) {
            (Ok(Attachment::Ended(status)), Presence::Attached)
            | (Ok(Attachment::Ended(status @ ExitStatus::Signaled(_))), Presence::Detached) => {
                telling.ended(*status);
            }
            // It goes on, and who reaps it does not know the store.
            (Ok(_), _) => {}
            (Err(error), _) => telling.ended(ExitStatus::Exited(error.exit_code())),
        }
        result
    }

    fn exec_plan(&self, container: &Container, request: &ExecRequest) -> Result<ExecPlan, Error> {
        let record = &container.record;
        let namespace = self.namespace_of(container)?;
        let granted = match request.privileges {
            Privileges::Container => record.rights.capabilities,
            Privileges::All => CapabilitySet::all(),
        };
        let user = record.config.user().as_deref().unwrap_or_default();
        Ok(ExecPlan {
            arguments: request.command.clone(),
            environment: environment(container, request),
            working_directory: match &request.working_directory {
                Some(path) => path.clone(),
                None => ContainerPath::root().join(&record.working_directory),
            },
            user: request.user.clone().map_or_else(|| user.parse(), Ok)?,
            extra_groups: record.rights.extra_groups.clone(),
            own_map: IdMap { users: self.host.own_users.clone(), groups: self.host.own_groups.clone() },
            map: record.rights.map.clone(),
            set_groups: set_groups(namespace.as_ref(), &self.host),
            // A user namespace begins with all of them; without one nobody gets more than the caller could.
            granted: if namespace.is_some() { granted } else { granted.common(self.host.bounding) },
            new_privileges: record.rights.new_privileges,
            filter: match request.privileges {
                Privileges::Container => filter(record)?,
                Privileges::All => None,
            },
            limits: record.rights.limits.clone(),
            oom_score_adjustment: record.rights.oom_score_adjustment,
            landlock: record.rights.landlock.clone(),
            umask: record.rights.umask,
            caller_groups: record.rights.caller_groups,
            streams: request.streams,
            network: record.rights.network,
            presence: request.presence,
        })
    }
}

/// Which system calls the container's processes may make, as it was decided when it was made.
pub(super) fn filter(record: &ContainerRecord) -> Result<Option<Filter>, Error> {
    let streams = if record.terminal { Streams::Terminal } else { Streams::Launcher { input: Input::Empty } };
    let filter = record.rights.seccomp.filter(record.rights.capabilities, streams);
    Ok(filter.map_err(SpecError::from)?)
}

/// What there is to tell about one command.
struct Telling<'a> {
    engine: &'a Engine,
    container: &'a Container,
    /// What tells it from others.
    id: [u8; 32],
}

impl Telling<'_> {
    fn begun(&self, words: &[String]) {
        let line = command_line(words);
        let actions = [Action::ExecCreate(line.clone()), Action::ExecStart(line)];
        let more = [("execID", self.id())];
        self.engine.note(&actions.map(|action| of_container(&self.container.record, &action, &more)));
    }

    fn ended(&self, status: ExitStatus) {
        let more = [("execID", self.id()), ("exitCode", status.code().to_string())];
        self.engine.note_container(&self.container.record, &Action::ExecDie, &more);
    }

    fn id(&self) -> String {
        ContainerId::from_bytes(self.id).to_string()
    }
}

/// The container's, without what follows from its user and its terminal, then what was asked for.
fn environment(container: &Container, request: &ExecRequest) -> Vec<String> {
    let record = &container.record;
    let home = format!("HOME={}", record.rights.home);
    let is_default = |variable: &String| *variable == home || (record.terminal && variable == TERM);
    let kept: Vec<String> = record.environment.iter().filter(|one| !is_default(one)).cloned().collect();
    let terminal = [("TERM", "xterm")];
    let defaults = if request.streams == Streams::Terminal { &terminal[..] } else { &[] };
    let layers =
        Layers { defaults, image: &kept, files: &request.environment_files, flags: &request.environment };
    merge(&layers, probe::text_variable)
}
