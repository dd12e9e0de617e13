//! A further process in a container that runs: what `exec` asks for, and what becomes of it.

use super::account::{self, AccountError, UserSpec};
use super::capability::CapabilitySet;
use super::environment::Setting;
use super::from_spec::SpecError;
use super::from_spec::process::Ids;
use super::host::SetGroups;
use super::idmap::{IdMap, to_host};
use super::limit::Ulimit;
use super::namespace::Network;
use super::path::ContainerPath;
use super::process::{Capabilities, FirstProcess, NewPrivileges, Process, Streams};
use super::seccomp::Filter;

use thiserror::Error;

/// Why nobody can be found to run as.
#[derive(Debug, Error)]
pub enum ExecUserError {
    /// The container's accounts.
    #[error("cannot find out whom to run as")]
    Account(#[from] AccountError),
    /// The container's IDs.
    #[error(transparent)]
    Ids(#[from] SpecError),
}

/// Which rights the process gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privileges {
    /// The container's.
    Container,
    /// Every right inside (`--privileged`).
    All,
}

/// What becomes of the process when whoever started it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is killed, with all of its session.
    Attached,
    /// It goes on, without streams (`--detach`).
    Detached,
}

/// What was asked for; nothing has been looked up yet.
#[derive(Debug, Clone)]
pub struct ExecRequest {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// `--env-file`.
    pub environment_files: Vec<Setting>,
    /// `--env`.
    pub environment: Vec<Setting>,
    /// `--user`.
    pub user: Option<UserSpec>,
    /// `--workdir`.
    pub working_directory: Option<ContainerPath>,
    /// Its streams.
    pub streams: Streams,
    /// Its rights.
    pub privileges: Privileges,
    /// Whether it outlives its caller.
    pub presence: Presence,
}

/// A process to be started in a container; whom it runs as is looked up in the container's own files.
#[derive(Debug, Clone)]
pub struct ExecPlan {
    /// The program and its arguments.
    pub arguments: Vec<String>,
    /// `NAME=VALUE`; without `HOME` where that follows from the user.
    pub environment: Vec<String>,
    /// Where it starts.
    pub working_directory: ContainerPath,
    /// Whom it runs as.
    pub user: UserSpec,
    /// Further groups, by name or number.
    pub extra_groups: Vec<String>,
    /// The container's IDs; none where it shares the caller's.
    pub map: Option<IdMap>,
    /// The IDs of the caller's own user namespace.
    pub own_map: IdMap,
    /// Whether it can be given groups.
    pub set_groups: SetGroups,
    /// What it can ever do.
    pub granted: CapabilitySet,
    /// Whether it can gain rights.
    pub new_privileges: NewPrivileges,
    /// Which system calls it may make; none is every one.
    pub filter: Option<Filter>,
    /// Its limits.
    pub limits: Vec<Ulimit>,
    /// How readily the kernel kills it for want of memory.
    pub oom_score_adjustment: Option<i32>,
    /// Its streams.
    pub streams: Streams,
    /// Which network the container has.
    pub network: Network,
    /// Whether it outlives its caller.
    pub presence: Presence,
}

impl ExecPlan {
    /// Decides whom the process runs as, by the contents of the container's `/etc/passwd` and `/etc/group`, and with that
    /// all the rest.
    ///
    /// # Errors
    /// There is no such user, or the container lacks its IDs.
    pub fn process(&self, passwd: &[u8], group: &[u8]) -> Result<Process, ExecUserError> {
        let account = account::resolve(&self.user, passwd, group, &self.extra_groups)?;
        let map = self.map.as_ref().unwrap_or(&self.own_map);
        let ids = Ids { users: &map.users, groups: &map.groups, set_groups: self.set_groups };
        let exists =
            |group: &u32| self.set_groups == SetGroups::Allowed && to_host(&map.groups, *group).is_some();
        let memberships = account.memberships.into_iter().filter(exists);
        let groups = account.groups.into_iter().chain(memberships).collect();
        let mut environment = self.environment.clone();
        if !environment.iter().any(|variable| variable.starts_with("HOME=")) {
            environment.push(format!("HOME={}", account.home));
        }
        // A user other than root starts with none in force, and can gain them only through file capabilities.
        let in_force = if account.uid == 0 { self.granted } else { CapabilitySet::default() };
        Ok(Process {
            arguments: self.arguments.clone(),
            environment,
            working_directory: self.working_directory.clone(),
            user: ids.user((account.uid, account.gid), groups, 0o022)?,
            capabilities: Capabilities {
                bounding: self.granted,
                effective: in_force,
                permitted: in_force,
                ..Capabilities::default()
            },
            new_privileges: self.new_privileges,
            filter: self.filter.clone(),
            limits: self.limits.clone(),
            oom_score_adjustment: self.oom_score_adjustment,
            streams: self.streams,
            first: FirstProcess::Command,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::idmap::IdRange;
    use crate::plan::process::{Groups, Input};

    const PASSWD: &[u8] =
        b"root:x:0:0::/root:/bin/sh\napp:x:7:8::/home/app:/bin/sh\nfar:x:99:0::/far:/bin/sh\n";
    const GROUP: &[u8] = b"near:x:9:app\nfar:x:99:app\n";

    fn plan(user: &str, environment: &[&str]) -> ExecPlan {
        let range = vec![IdRange { container: 0, host: 1000, size: 10 }];
        let map = IdMap { users: range.clone(), groups: range };
        ExecPlan {
            arguments: vec!["true".to_owned()],
            environment: environment.iter().map(|&text| text.to_owned()).collect(),
            working_directory: ContainerPath::root(),
            user: user.parse().unwrap(),
            extra_groups: Vec::new(),
            own_map: map.clone(),
            map: Some(map),
            set_groups: SetGroups::Allowed,
            granted: CapabilitySet::all(),
            new_privileges: NewPrivileges::Denied,
            filter: None,
            oom_score_adjustment: None,
            limits: Vec::new(),
            streams: Streams::Launcher { input: Input::Empty },
            network: Network::None,
            presence: Presence::Attached,
        }
    }

    #[test]
    fn home_follows_the_user_unless_it_is_given() {
        for (user, environment, home) in [
            ("0", &[][..], "HOME=/root"),
            ("app", &["A=b"], "HOME=/home/app"),
            ("5", &[], "HOME=/"),
            ("app", &["HOME=/else"], "HOME=/else"),
        ] {
            let process = plan(user, environment).process(PASSWD, GROUP).unwrap();
            assert_eq!(process.environment.last().map(String::as_str), Some(home));
        }
    }

    #[test]
    fn only_root_starts_with_rights_and_groups_must_exist() {
        let process = plan("app", &[]).process(PASSWD, GROUP).unwrap();
        assert_eq!(process.user.groups, Groups::Set(vec![8, 9]));
        assert_eq!(process.capabilities.effective, CapabilitySet::default());
        assert_eq!(process.capabilities.bounding, CapabilitySet::all());
        let process = plan("0:5", &[]).process(PASSWD, GROUP).unwrap();
        assert_eq!((process.user.uid, process.user.gid), (0, 5));
        assert_eq!(process.capabilities.permitted, CapabilitySet::all());
        assert!(matches!(plan("far", &[]).process(PASSWD, GROUP), Err(ExecUserError::Ids(_))));
        assert!(matches!(plan("nobody", &[]).process(b"nonsense", b""), Err(ExecUserError::Account(_))));
    }
}
