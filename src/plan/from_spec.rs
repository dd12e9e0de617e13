//! The only door to the executor: a `Spec` becomes a [`Plan`], with every default decided and every flag typed.
//!
//! What cannot be honoured is refused by its JSON path, never ignored.

pub(crate) mod mounts;
pub(in crate::plan) mod process;

use std::collections::BTreeMap;

use oci_spec::runtime::{Linux, LinuxIdMapping, LinuxNamespaceType, Spec};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Plan;
use super::attachment::{Attachment, Source};
use super::host::Host;
use super::idmap::{IdMap, IdRange, to_host};
use super::mount::{Origin, Ownership};
use super::name::ContainerId;
use super::namespace::{Namespaces, Network};
use super::network::Connection;
use super::path::{ContainerPath, PathError};
use super::process::{FirstProcess, Process};
use super::request::RootAccess;
use super::rootfs::{Fill, Rootfs};
use super::seccomp::{self, Abi, Filter, SeccompError};
use super::userns::{UserNamespace, UsernsError, set_groups};

/// Why a specification cannot be carried out.
#[derive(Debug, Error)]
pub enum SpecError {
    /// Something that must be there is not.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// Something that minirun does not do.
    #[error("`{path}` asks for what minirun does not do: {what}")]
    Unsupported {
        /// Where in the document.
        path: String,
        /// What it asks for.
        what: String,
    },
    /// A path inside the container is not usable.
    #[error("`{path}` is not usable")]
    Path {
        /// Where in the document.
        path: String,
        /// Why.
        #[source]
        source: PathError,
    },
    /// An ID that the container cannot have.
    #[error("the ID map of the container has no {kind} {id}")]
    Unmapped {
        /// `user` or `group`.
        kind: &'static str,
        /// The container ID.
        id: u32,
    },
    /// A supplementary group where the kernel lets nobody change groups.
    #[error(
        "the process cannot be in group {0}: the kernel lets nobody change groups in this user namespace"
    )]
    FixedGroups(u32),
    /// The filter of system calls.
    #[error("cannot filter system calls as `/linux/seccomp` says")]
    Seccomp(#[from] SeccompError),
    /// The user namespace cannot be had.
    #[error(transparent)]
    Userns(#[from] UsernsError),
}

impl SpecError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unmapped { .. } | Self::FixedGroups(_) => Some(
                "the IDs of a container come from your lines in /etc/subuid and /etc/subgid; --dry-run with -u 0 shows \
                 the map"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    fn unsupported(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Unsupported { path: path.into(), what: what.into() }
    }
}

/// What travels beside a specification, because the specification has no word for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Supplement {
    /// The container's ID.
    pub id: ContainerId,
    /// What `/` is made of.
    pub rootfs: Rootfs,
    /// Volumes to be filled from the image.
    pub fills: Vec<Fill>,
    /// What is meant by some of the mounts, by destination.
    pub additions: BTreeMap<ContainerPath, Addition>,
    /// What process 1 is.
    pub first: FirstProcess,
    /// Whether the launcher's standard input is passed on.
    pub input: super::process::Input,
    /// What the network namespace is, where there is one.
    pub network: Network,
    /// What connects it with the outside.
    pub connection: Option<Connection>,
}

/// What the specification does not say about a mount.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Addition {
    /// What is mounted, where the specification's words only come near it.
    pub source: Option<Source>,
    /// Whose the source becomes.
    pub ownership: Ownership,
    /// Who asked for it.
    pub asked: Origin,
}

impl Plan {
    /// Decides everything.
    ///
    /// # Errors
    /// The specification is incomplete, contradicts itself or asks for what minirun does not do.
    pub fn from_spec(spec: &Spec, supplement: Supplement, host: &Host) -> Result<Self, SpecError> {
        let linux = spec.linux().as_ref().ok_or(SpecError::Missing("/linux"))?;
        refuse(spec, linux)?;
        let root = spec.root().as_ref().ok_or(SpecError::Missing("/root"))?;
        let process = spec.process().as_ref().ok_or(SpecError::Missing("/process"))?;
        let read_only = root.readonly().unwrap_or(false);
        let Supplement { id, rootfs, fills, additions, first, input, network, connection } = supplement;
        let namespaces = namespaces(linux, network, host)?;
        let user = namespaces.user.clone();
        let ids = process::Ids {
            users: user.as_ref().map_or(&host.own_users, |user| &user.map.users),
            groups: user.as_ref().map_or(&host.own_groups, |user| &user.map.groups),
            set_groups: set_groups(user.as_ref(), host),
        };
        Ok(Self {
            id,
            hostname: spec.hostname().clone().unwrap_or_default(),
            namespaces,
            connection,
            rootfs,
            root_access: if read_only { RootAccess::ReadOnly } else { RootAccess::ReadWrite },
            fills,
            mounts: with_known_owners(attachments(spec, &additions)?, &ids)?,
            masked: paths(linux.masked_paths().as_ref(), "/linux/maskedPaths")?,
            read_only: paths(linux.readonly_paths().as_ref(), "/linux/readonlyPaths")?,
            sysctls: sysctls(linux),
            process: Process { filter: filter(spec)?, ..process::process(process, first, input, &ids)? },
        })
    }
}

/// The filter of system calls that a specification asks for; none if it asks for none.
///
/// # Errors
/// It asks for what there is not.
pub fn filter(spec: &Spec) -> Result<Option<Filter>, SeccompError> {
    let profile = spec.linux().as_ref().and_then(|linux| linux.seccomp().as_ref());
    profile.map(|profile| seccomp::compile(profile, Abi::NATIVE)).transpose()
}

/// Refuses new file systems whose root would belong to IDs that the container has not.
fn with_known_owners(mounts: Vec<Attachment>, ids: &process::Ids<'_>) -> Result<Vec<Attachment>, SpecError> {
    for mount in &mounts {
        let Source::New { options, .. } = &mount.source else { continue };
        for (name, kind, map) in [("uid", "user", ids.users), ("gid", "group", ids.groups)] {
            let named = options.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_deref());
            let Some(id) = named.and_then(|text| text.parse().ok()) else { continue };
            if to_host(map, id).is_none() {
                return Err(SpecError::Unmapped { kind, id });
            }
        }
    }
    Ok(mounts)
}

fn refuse(spec: &Spec, linux: &Linux) -> Result<(), SpecError> {
    let present = [
        (spec.hooks().is_some(), "/hooks"),
        (spec.domainname().is_some(), "/domainname"),
        (spec.uid_mappings().is_some(), "/uidMappings"),
        (spec.gid_mappings().is_some(), "/gidMappings"),
        (spec.solaris().is_some(), "/solaris"),
        (spec.windows().is_some(), "/windows"),
        (spec.vm().is_some(), "/vm"),
        (spec.zos().is_some(), "/zos"),
        (linux.net_devices().is_some(), "/linux/netDevices"),
        (linux.resources().is_some(), "/linux/resources"),
        (linux.cgroups_path().is_some(), "/linux/cgroupsPath"),
        (linux.devices().is_some(), "/linux/devices"),
        (linux.rootfs_propagation().is_some(), "/linux/rootfsPropagation"),
        (linux.mount_label().is_some(), "/linux/mountLabel"),
        (linux.intel_rdt().is_some(), "/linux/intelRdt"),
        (linux.memory_policy().is_some(), "/linux/memoryPolicy"),
        (linux.personality().is_some(), "/linux/personality"),
        (linux.time_offsets().is_some(), "/linux/timeOffsets"),
    ];
    match present.into_iter().find(|(is_there, _)| *is_there) {
        Some((_, path)) => Err(SpecError::unsupported(path, "anything there")),
        None => Ok(()),
    }
}

fn namespaces(linux: &Linux, network: Network, host: &Host) -> Result<Namespaces, SpecError> {
    use LinuxNamespaceType as Type;
    let listed = linux.namespaces().as_deref().unwrap_or_default();
    for (index, namespace) in listed.iter().enumerate() {
        let path = format!("/linux/namespaces/{index}");
        if namespace.path().is_some() {
            return Err(SpecError::unsupported(path, "joining a namespace that exists"));
        }
        if namespace.typ() == Type::Time {
            return Err(SpecError::unsupported(path, "a time namespace"));
        }
    }
    let has = |typ| listed.iter().any(|namespace| namespace.typ() == typ);
    for typ in [Type::Mount, Type::Pid, Type::Ipc, Type::Uts, Type::Cgroup] {
        if !has(typ) {
            return Err(SpecError::unsupported("/linux/namespaces", format!("sharing the {typ} namespace")));
        }
    }
    let user = if has(Type::User) {
        let map = IdMap {
            users: ranges(linux.uid_mappings().as_ref()),
            groups: ranges(linux.gid_mappings().as_ref()),
        };
        Some(UserNamespace::new(map, host)?)
    } else {
        None
    };
    let network = if has(Type::Network) { network } else { Network::Host };
    Ok(Namespaces { user, network })
}

fn ranges(mappings: Option<&Vec<LinuxIdMapping>>) -> Vec<IdRange> {
    let range = |mapping: &LinuxIdMapping| IdRange {
        container: mapping.container_id(),
        host: mapping.host_id(),
        size: mapping.size(),
    };
    mappings.into_iter().flatten().map(range).collect()
}

fn attachments(
    spec: &Spec,
    additions: &BTreeMap<ContainerPath, Addition>,
) -> Result<Vec<Attachment>, SpecError> {
    let mounts = spec.mounts().as_deref().unwrap_or_default();
    mounts.iter().enumerate().map(|(index, mount)| mounts::attachment(index, mount, additions)).collect()
}

fn paths(texts: Option<&Vec<String>>, path: &str) -> Result<Vec<ContainerPath>, SpecError> {
    let texts = texts.into_iter().flatten().enumerate();
    texts
        .map(|(index, text)| {
            ContainerPath::parse(text)
                .map_err(|source| SpecError::Path { path: format!("{path}/{index}"), source })
        })
        .collect()
}

fn sysctls(linux: &Linux) -> Vec<(String, String)> {
    let mut sysctls: Vec<_> = linux.sysctl().clone().unwrap_or_default().into_iter().collect();
    sysctls.sort();
    sysctls
}
