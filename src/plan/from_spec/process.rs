//! `/process`.

use oci_spec::runtime::{LinuxCapabilities, PosixRlimit, Process as OciProcess, User as OciUser};

use super::SpecError;
use crate::plan::capability::{self, CapabilitySet};
use crate::plan::host::SetGroups;
use crate::plan::idmap::{IdRange, to_host};
use crate::plan::limit::{Resource, Ulimit};
use crate::plan::path::ContainerPath;
use crate::plan::process::{
    Capabilities, FirstProcess, Groups, Input, NewPrivileges, Process, Streams, User,
};

/// The IDs that a container can have.
pub(in crate::plan) struct Ids<'a> {
    pub(in crate::plan) users: &'a [IdRange],
    pub(in crate::plan) groups: &'a [IdRange],
    pub(in crate::plan) set_groups: SetGroups,
}

pub(super) fn process(
    process: &OciProcess,
    first: FirstProcess,
    input: Input,
    ids: &Ids<'_>,
) -> Result<Process, SpecError> {
    refuse(process)?;
    let terminal = process.terminal().unwrap_or(false);
    let arguments = process.args().clone().filter(|arguments| !arguments.is_empty());
    Ok(Process {
        arguments: arguments.ok_or(SpecError::Missing("/process/args"))?,
        environment: process.env().clone().unwrap_or_default(),
        working_directory: ContainerPath::parse(process.cwd())
            .map_err(|source| SpecError::Path { path: "/process/cwd".to_owned(), source })?,
        user: user(process.user(), ids)?,
        capabilities: process.capabilities().as_ref().map(capabilities).transpose()?.unwrap_or_default(),
        new_privileges: if process.no_new_privileges().unwrap_or(false) {
            NewPrivileges::Denied
        } else {
            NewPrivileges::Allowed
        },
        filter: None,
        limits: limits(process.rlimits().as_deref().unwrap_or_default())?,
        oom_score_adjustment: process.oom_score_adj(),
        streams: if terminal { Streams::Terminal } else { Streams::Launcher { input } },
        first,
    })
}

fn refuse(process: &OciProcess) -> Result<(), SpecError> {
    let present = [
        (process.command_line().is_some(), "/process/commandLine"),
        (process.apparmor_profile().is_some(), "/process/apparmorProfile"),
        (process.selinux_label().is_some(), "/process/selinuxLabel"),
        (process.io_priority().is_some(), "/process/ioPriority"),
        (process.scheduler().is_some(), "/process/scheduler"),
        (process.exec_cpu_affinity().is_some(), "/process/execCPUAffinity"),
        (process.user().username().is_some(), "/process/user/username"),
    ];
    match present.into_iter().find(|(is_there, _)| *is_there) {
        Some((_, path)) => Err(SpecError::unsupported(path, "anything there")),
        None => Ok(()),
    }
}

fn user(user: &OciUser, ids: &Ids<'_>) -> Result<User, SpecError> {
    let groups = user.additional_gids().clone().unwrap_or_default();
    ids.user((user.uid(), user.gid()), groups, user.umask().unwrap_or(0o022))
}

impl Ids<'_> {
    /// The user, if the container has it.
    pub(in crate::plan) fn user(
        &self,
        (uid, gid): (u32, u32),
        wanted: Vec<u32>,
        umask: u32,
    ) -> Result<User, SpecError> {
        let is_mapped = |ranges: &[IdRange], id: u32| to_host(ranges, id).is_some();
        if !is_mapped(self.users, uid) {
            return Err(SpecError::Unmapped { kind: "user", id: uid });
        }
        if let Some(&id) = [gid].iter().chain(&wanted).find(|id| !is_mapped(self.groups, **id)) {
            return Err(SpecError::Unmapped { kind: "group", id });
        }
        let groups = match self.set_groups {
            SetGroups::Allowed => Groups::Set(wanted),
            SetGroups::Denied => match wanted.into_iter().find(|id| *id != gid) {
                Some(id) => return Err(SpecError::FixedGroups(id)),
                None => Groups::Kept,
            },
        };
        Ok(User { uid, gid, groups, umask })
    }
}

fn capabilities(sets: &LinuxCapabilities) -> Result<Capabilities, SpecError> {
    let set = |names: &Option<oci_spec::runtime::Capabilities>, which: &str| {
        let unsupported = |name: &oci_spec::runtime::Capability| {
            SpecError::unsupported(format!("/process/capabilities/{which}"), name.to_string())
        };
        let names = names.iter().flatten();
        names
            .map(|name| capability::parse(&name.to_string()).map_err(|_| unsupported(name)))
            .collect::<Result<CapabilitySet, _>>()
    };
    Ok(Capabilities {
        bounding: set(sets.bounding(), "bounding")?,
        effective: set(sets.effective(), "effective")?,
        permitted: set(sets.permitted(), "permitted")?,
        inheritable: set(sets.inheritable(), "inheritable")?,
        ambient: set(sets.ambient(), "ambient")?,
    })
}

fn limits(rlimits: &[PosixRlimit]) -> Result<Vec<Ulimit>, SpecError> {
    let one = |(index, rlimit): (usize, &PosixRlimit)| {
        let name = rlimit.typ().to_string();
        let name = name.trim_start_matches("RLIMIT_").to_lowercase();
        let resource = Resource::ALL.into_iter().find(|resource| resource.name() == name);
        let unknown = || SpecError::unsupported(format!("/process/rlimits/{index}"), name.clone());
        let number = |value: u64| (value != u64::MAX).then_some(value);
        Ok(Ulimit {
            resource: resource.ok_or_else(unknown)?,
            soft: number(rlimit.soft()),
            hard: number(rlimit.hard()),
        })
    };
    rlimits.iter().enumerate().map(one).collect()
}
