//! Composing the OCI runtime `Spec` of a container from what was asked and what the image says.
//!
//! The result is a bundle's `config.json`: another runtime given the same one answers alike.
//! Source: OCI runtime specification, config.md and config-linux.md.

mod defaults;
mod mounts;

use std::collections::HashMap;
use std::path::PathBuf;

use oci_spec::OciSpecError;
use oci_spec::image::Config;
use oci_spec::runtime::{
    Linux, LinuxBuilder, LinuxCapabilitiesBuilder, LinuxIdMapping, LinuxIdMappingBuilder, LinuxNamespace,
    LinuxNamespaceBuilder, LinuxNamespaceType, LinuxSeccomp, PosixRlimit, PosixRlimitBuilder,
    PosixRlimitType, Process, ProcessBuilder, Root, RootBuilder, Spec, SpecBuilder, UserBuilder,
};
use thiserror::Error;

use super::account::Account;
use super::attachment::Source;
use super::capability::CapabilitySet;
use super::host::{Host, SetGroups};
use super::idmap::{IdMap, IdRange, to_host};
use super::limit::Ulimit;
use super::mount::{Attributes, MountRequest};
use super::namespace::Network;
use super::path::{ContainerPath, PathError};
use super::process::{NewPrivileges, Streams};
use super::request::{RootAccess, RunRequest};
use super::seccomp::{self, Abi, Choice, SeccompRequest, Situation};
use super::sysctl::{self, OwnNetwork, SysctlError};
use super::userns::{UserNamespace, UsernsError, set_groups};

pub use defaults::{MASKED_PATHS, READ_ONLY_PATHS};
pub use mounts::additions;

/// Why no specification could be composed.
#[derive(Debug, Error)]
pub enum ComposeError {
    /// Neither the user nor the image says what to run.
    #[error("no command: the image names none, and none was given")]
    NoCommand,
    /// The image's working directory is no absolute path.
    #[error("the image's working directory is not usable")]
    WorkingDirectory(#[source] PathError),
    /// The user namespace cannot be had.
    #[error(transparent)]
    Userns(#[from] UsernsError),
    /// A kernel setting.
    #[error(transparent)]
    Sysctl(#[from] SysctlError),
    /// A text is not what the specification's types accept.
    #[error("the runtime specification cannot hold this container")]
    Spec(#[from] OciSpecError),
}

/// The files that minirun writes for a container and binds into it.
#[derive(Debug, Clone)]
pub struct GeneratedFiles {
    /// The directory that holds `hosts`, `hostname` and `resolv.conf`.
    pub directory: PathBuf,
    /// Which of them exist.
    pub names: Vec<&'static str>,
}

/// A mount whose source on the host is known.
#[derive(Debug, Clone)]
pub struct PlacedMount {
    /// What was asked.
    pub request: MountRequest,
    /// What is mounted.
    pub source: Source,
    /// Permissions: those asked for, and those that a volume's driver options say.
    pub attributes: Attributes,
}

/// Everything a specification is composed from.
#[derive(Debug)]
pub struct Composition<'a> {
    /// What the user asked for.
    pub request: &'a RunRequest,
    /// What the image says.
    pub image: &'a Config,
    /// The resolved user.
    pub account: &'a Account,
    /// The environment, complete.
    pub environment: Vec<String>,
    /// User mounts, volumes placed, in the order in which they are attached.
    pub mounts: &'a [PlacedMount],
    /// Generated files.
    pub files: &'a GeneratedFiles,
    /// The container's host name.
    pub hostname: String,
    /// The ID map, if there is a user namespace.
    pub map: Option<&'a IdMap>,
    /// The directory that the root filesystem is mounted on.
    pub root: PathBuf,
    /// Where the network comes from.
    pub network: Network,
    /// The limits of each process.
    pub limits: &'a [Ulimit],
}

/// Composes the specification.
///
/// # Errors
/// The image and the request together do not describe a process.
pub fn compose(parts: &Composition<'_>, host: &Host) -> Result<Spec, ComposeError> {
    let request = parts.request;
    sysctl::check(&request.sysctls, if parts.network.is_own() { OwnNetwork::Yes } else { OwnNetwork::No })?;
    Ok(SpecBuilder::default()
        .version("1.2.0")
        .root(root(parts, request.root_access)?)
        .hostname(parts.hostname.clone())
        .process(process(parts, host)?)
        .mounts(mounts::compose(parts, host)?)
        .linux(linux(parts, host)?)
        .annotations(HashMap::new())
        .build()?)
}

fn root(parts: &Composition<'_>, access: RootAccess) -> Result<Root, OciSpecError> {
    RootBuilder::default().path(parts.root.clone()).readonly(access == RootAccess::ReadOnly).build()
}

fn process(parts: &Composition<'_>, host: &Host) -> Result<Process, ComposeError> {
    let request = parts.request;
    let user = UserBuilder::default()
        .uid(parts.account.uid)
        .gid(parts.account.gid)
        .umask(0o022_u32)
        .additional_gids(groups(parts, host)?)
        .build()?;
    let capabilities = capabilities(parts, host)?;
    let mut process = ProcessBuilder::default()
        .terminal(request.streams == Streams::Terminal)
        .user(user)
        .args(arguments(request, parts.image)?)
        .env(parts.environment.clone())
        .cwd(working_directory(request, parts.image)?.as_os_str())
        .capabilities(capabilities)
        .rlimits(limits(parts.limits)?)
        .no_new_privileges(request.new_privileges == NewPrivileges::Denied)
        .build()?;
    process.set_oom_score_adj(request.oom_score_adjustment);
    Ok(process)
}

/// The groups that were asked for, and of those that the image adds the ones that there are in the container.
fn groups(parts: &Composition<'_>, host: &Host) -> Result<Vec<u32>, ComposeError> {
    let namespace = parts.map.map(|map| UserNamespace::new(map.clone(), host)).transpose()?;
    let ranges = parts.map.map_or(&host.own_groups, |map| &map.groups);
    let can_be_set = set_groups(namespace.as_ref(), host) == SetGroups::Allowed;
    let exists = |group: &&u32| can_be_set && to_host(ranges, **group).is_some();
    let memberships = parts.account.memberships.iter().filter(exists);
    Ok(parts.account.groups.iter().chain(memberships).copied().collect())
}

/// A new user namespace begins with all capabilities; without one nobody gets more than the caller could.
fn granted(parts: &Composition<'_>, host: &Host) -> CapabilitySet {
    let asked = parts.request.capabilities;
    if parts.map.is_some() { asked } else { asked.common(host.bounding) }
}

/// What `--security-opt seccomp` says, for this machine and this container.
fn seccomp(parts: &Composition<'_>, host: &Host) -> Option<LinuxSeccomp> {
    let SeccompRequest { choice, abis, nesting } = &parts.request.seccomp;
    let capabilities = granted(parts, host);
    match choice {
        Choice::Unconfined => None,
        Choice::Profile(profile) => {
            let machine = seccomp::Machine { native: Abi::NATIVE, kernel: host.kernel };
            Some(profile.resolve(&machine, capabilities))
        }
        Choice::Builtin => {
            let streams = parts.request.streams;
            let situation = Situation { capabilities, abis: *abis, nesting: *nesting, streams };
            Some(seccomp::builtin(&situation, Abi::NATIVE))
        }
    }
}

fn capabilities(
    parts: &Composition<'_>,
    host: &Host,
) -> Result<oci_spec::runtime::LinuxCapabilities, OciSpecError> {
    let granted = granted(parts, host);
    let set = || {
        let members = granted.members();
        let names = members.iter().map(|one| one.to_string().trim_start_matches("CAP_").parse());
        names
            .collect::<Result<oci_spec::runtime::Capabilities, _>>()
            .map_err(|error| OciSpecError::Other(format!("{error}")))
    };
    let none = oci_spec::runtime::Capabilities::new;
    // A user other than root starts with none in force, and can gain them only through file capabilities.
    let effective = if parts.account.uid == 0 { set()? } else { none() };
    LinuxCapabilitiesBuilder::default()
        .bounding(set()?)
        .permitted(effective.clone())
        .effective(effective)
        .inheritable(none())
        .ambient(none())
        .build()
}

/// Docker's rule: `--entrypoint` replaces the image's and drops its command; otherwise a given command replaces
/// the image's.
fn arguments(request: &RunRequest, image: &Config) -> Result<Vec<String>, ComposeError> {
    let of_image = |words: &Option<Vec<String>>| words.clone().unwrap_or_default();
    let (mut arguments, default) = match &request.entrypoint {
        Some(word) if word.is_empty() => (Vec::new(), Vec::new()),
        Some(word) => (vec![word.clone()], Vec::new()),
        None => (of_image(image.entrypoint()), of_image(image.cmd())),
    };
    arguments.extend(if request.command.is_empty() { default } else { request.command.clone() });
    if arguments.is_empty() { Err(ComposeError::NoCommand) } else { Ok(arguments) }
}

fn working_directory(request: &RunRequest, image: &Config) -> Result<ContainerPath, ComposeError> {
    let of_image = image.working_dir().as_deref().filter(|text| !text.is_empty());
    match (&request.working_directory, of_image) {
        (Some(given), _) => Ok(given.clone()),
        // Docker joins a relative one to the root.
        (None, Some(text)) => {
            if text.contains('\0') {
                return Err(ComposeError::WorkingDirectory(PathError::Nul(text.to_owned())));
            }
            Ok(ContainerPath::root().join(text))
        }
        (None, None) => Ok(ContainerPath::root()),
    }
}

fn limits(limits: &[Ulimit]) -> Result<Vec<PosixRlimit>, ComposeError> {
    let one = |limit: &Ulimit| {
        let typ = format!("RLIMIT_{}", limit.resource.name().to_uppercase());
        let typ: PosixRlimitType = serde_json::from_value(serde_json::Value::String(typ))
            .map_err(|error| OciSpecError::Other(error.to_string()))?;
        let number = |value: Option<u64>| value.unwrap_or(u64::MAX);
        PosixRlimitBuilder::default().typ(typ).hard(number(limit.hard)).soft(number(limit.soft)).build()
    };
    Ok(limits.iter().map(one).collect::<Result<_, OciSpecError>>()?)
}

fn linux(parts: &Composition<'_>, host: &Host) -> Result<Linux, OciSpecError> {
    let paths = &parts.request.system_paths;
    let hidden = MASKED_PATHS.iter().map(|&path| path.to_owned()).chain(host.throttles.iter().cloned());
    let masked = paths.masked(&hidden.collect::<Vec<_>>());
    let builder = LinuxBuilder::default()
        .namespaces(namespaces(parts)?)
        .masked_paths(masked)
        .readonly_paths(paths.protected(&READ_ONLY_PATHS.map(str::to_owned)));
    let builder = match parts.map {
        None => builder,
        Some(map) => builder.uid_mappings(mappings(&map.users)?).gid_mappings(mappings(&map.groups)?),
    };
    let mut linux = builder.build()?;
    // The crate's default carries a device cgroup rule, which this program neither needs nor can set.
    linux.set_resources(None);
    linux.set_seccomp(seccomp(parts, host));
    if parts.network.is_own() {
        let has_root = parts.map.is_none_or(|map| to_host(&map.groups, 0).is_some());
        let group = if has_root { 0 } else { parts.account.gid };
        linux.set_sysctl(Some(defaults::own_network_sysctls(group)));
    }
    if !parts.request.sysctls.is_empty() {
        let mut sysctls = linux.sysctl().clone().unwrap_or_default();
        let asked = parts.request.sysctls.iter().map(|one| (one.name.clone(), one.value.clone()));
        sysctls.extend(asked);
        linux.set_sysctl(Some(sysctls));
    }
    Ok(linux)
}

fn namespaces(parts: &Composition<'_>) -> Result<Vec<LinuxNamespace>, OciSpecError> {
    use LinuxNamespaceType as Type;
    let mut types = vec![Type::Mount, Type::Pid, Type::Ipc, Type::Uts, Type::Cgroup];
    if parts.map.is_some() {
        types.push(Type::User);
    }
    // The one of another container is a fact of the moment, which travels beside the specification.
    if parts.network != Network::Host {
        types.push(Type::Network);
    }
    types.into_iter().map(|typ| LinuxNamespaceBuilder::default().typ(typ).build()).collect()
}

fn mappings(ranges: &[IdRange]) -> Result<Vec<LinuxIdMapping>, OciSpecError> {
    let one = |range: &IdRange| {
        LinuxIdMappingBuilder::default()
            .container_id(range.container)
            .host_id(range.host)
            .size(range.size)
            .build()
    };
    ranges.iter().map(one).collect()
}
