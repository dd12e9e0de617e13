//! Becoming the container's user, with the container's capabilities and no others.

use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use rustix::thread::{CapabilitySet as KernelSet, CapabilitySets};
use thiserror::Error;

use super::init::InitError;
use crate::plan::limit::{Resource, Ulimit};
use crate::plan::process::{Capabilities, Groups, NewPrivileges, Process, User};
use crate::sys::procfs::Procfs;
use crate::sys::{Call, SysError, seccomp};

/// Why the user could not be assumed.
#[derive(Debug, Error)]
pub(super) enum CredentialError {
    /// A resource limit.
    #[error("cannot set the limit `{name}`")]
    Limit {
        name: &'static str,
        #[source]
        source: SysError,
    },
    /// User and groups.
    #[error("cannot become user {uid} and group {gid}")]
    User {
        uid: u32,
        gid: u32,
        #[source]
        source: SysError,
    },
    /// System calls.
    #[error("cannot filter system calls")]
    Filter(#[source] SysError),
    /// Capabilities and privileges.
    #[error("cannot give up capabilities")]
    Capabilities(#[source] SysError),
}

impl CredentialError {
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::Limit { source, .. } if source.errno() == Errno::PERM => {
                Some("without root a hard limit can only be lowered; see `ulimit -H -a`".to_owned())
            }
            Self::Filter(source) if source.errno() == Errno::ACCESS => Some(
                "without the right to, only a process that cannot gain rights may be filtered: leave out \
                     --security-opt no-new-privileges=false"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// Says how readily the kernel is to kill this process for want of memory, from -1000 to 1000.
pub(super) fn set_oom_score(procfs: &Procfs, adjustment: Option<i32>) -> Result<(), InitError> {
    let Some(adjustment) = adjustment else { return Ok(()) };
    procfs
        .write_own("oom_score_adj", &adjustment.to_string())
        .map_err(|source| InitError::OomScore { adjustment, source })
}

pub(super) fn oom_hint(errno: Errno) -> Option<&'static str> {
    let is_refused = matches!(errno, Errno::ACCESS | Errno::PERM);
    is_refused.then_some(
        "only root of the machine may let the kernel spare a process: choose a number from your own, which is in \
         /proc/self/oom_score_adj, to 1000",
    )
}

/// How many descriptors the steps may need that are left once the limits are set.
const ROOM: u64 = 64;

/// Sets resource limits, while there may still be the right to; [`take_room`] sets the rest of one of them.
pub(super) fn set_limits(limits: &[Ulimit]) -> Result<(), InitError> {
    limits.iter().try_for_each(|limit| set(limit, if is_of_files(limit) { with_room(limit) } else { *limit }))
}

/// Takes back the room for descriptors that was left for the steps in between.
pub(super) fn take_room(limits: &[Ulimit]) -> Result<(), InitError> {
    limits.iter().filter(|limit| is_of_files(limit)).try_for_each(|limit| set(limit, *limit))
}

fn is_of_files(limit: &Ulimit) -> bool {
    limit.resource == Resource::Nofile
}

/// The same, but for a few descriptors more where that needs no right.
fn with_room(limit: &Ulimit) -> Ulimit {
    let now = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    let room = now.map_or(ROOM, |now| now.min(ROOM));
    let widen = |value: Option<u64>| value.map(|value| value.max(room));
    Ulimit { soft: widen(limit.soft), hard: widen(limit.hard), ..*limit }
}

fn set(asked: &Ulimit, limit: Ulimit) -> Result<(), InitError> {
    let value = rustix::process::Rlimit { current: limit.soft, maximum: limit.hard };
    rustix::process::setrlimit(kernel_resource(&limit), value)
        .call(|| format!("setrlimit({asked})"))
        .map_err(|source| CredentialError::Limit { name: asked.resource.name(), source }.into())
}

fn kernel_resource(limit: &Ulimit) -> rustix::process::Resource {
    use Resource as Name;
    use rustix::process::Resource as Kernel;
    match limit.resource {
        Name::As => Kernel::As,
        Name::Core => Kernel::Core,
        Name::Cpu => Kernel::Cpu,
        Name::Data => Kernel::Data,
        Name::Fsize => Kernel::Fsize,
        Name::Locks => Kernel::Locks,
        Name::Memlock => Kernel::Memlock,
        Name::Msgqueue => Kernel::Msgqueue,
        Name::Nice => Kernel::Nice,
        Name::Nofile => Kernel::Nofile,
        Name::Nproc => Kernel::Nproc,
        Name::Rss => Kernel::Rss,
        Name::Rtprio => Kernel::Rtprio,
        Name::Rttime => Kernel::Rttime,
        Name::Sigpending => Kernel::Sigpending,
        Name::Stack => Kernel::Stack,
    }
}

/// Becomes the user. Afterwards only what the plan grants is left, in every set.
pub(super) fn assume(process: &Process) -> Result<(), InitError> {
    let capabilities = |source| CredentialError::Capabilities(source);
    drop_bounding(&process.capabilities).map_err(capabilities)?;
    become_user(&process.user).map_err(|source| CredentialError::User {
        uid: process.user.uid,
        gid: process.user.gid,
        source,
    })?;
    if process.new_privileges == NewPrivileges::Allowed {
        // Later there is no right to; what is still to be done has to be allowed by the filter, too.
        administer().map_err(capabilities)?;
        filter(process)?;
    }
    set_capabilities(&process.capabilities).map_err(capabilities)?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(process.user.umask));
    if process.new_privileges == NewPrivileges::Denied {
        rustix::thread::set_no_new_privs(true)
            .call(|| "prctl(PR_SET_NO_NEW_PRIVS)")
            .map_err(|source| InitError::Credentials(CredentialError::Capabilities(source)))?;
    }
    Ok(())
}

/// Filters the system calls of a process that cannot gain rights; its last step but one, as the filter need not know any
/// other than that one.
pub(super) fn filter_last(process: &Process) -> Result<(), InitError> {
    match process.new_privileges {
        NewPrivileges::Denied => filter(process),
        NewPrivileges::Allowed => Ok(()),
    }
}

fn filter(process: &Process) -> Result<(), InitError> {
    let Some(filter) = &process.filter else { return Ok(()) };
    seccomp::install(filter).map_err(|source| CredentialError::Filter(source).into())
}

/// Puts all rights in force that the change of users has left.
fn administer() -> Result<(), SysError> {
    let sets = rustix::thread::capabilities(None).call(|| "capget()")?;
    let all = CapabilitySets { effective: sets.permitted, ..sets };
    rustix::thread::set_capabilities(None, all).call(|| "capset()")
}

fn drop_bounding(wanted: &Capabilities) -> Result<(), SysError> {
    for number in 0..64 {
        if wanted.bounding.bits() & (1 << number) != 0 {
            continue;
        }
        let capability = KernelSet::from_bits_retain(1 << number);
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            // One past the last capability that this kernel has.
            Err(Errno::INVAL) => break,
            Err(errno) => return Err(SysError::new(format!("prctl(PR_CAPBSET_DROP, {number})"), errno)),
        }
    }
    Ok(())
}

fn become_user(user: &User) -> Result<(), SysError> {
    if let Groups::Set(groups) = &user.groups {
        let kernel: Vec<Gid> = groups.iter().map(|&group| Gid::from_raw(group)).collect();
        rustix::thread::set_thread_groups(&kernel).call(|| format!("setgroups({groups:?})"))?;
    }
    rustix::thread::set_keep_capabilities(true).call(|| "prctl(PR_SET_KEEPCAPS)")?;
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    rustix::thread::set_thread_res_gid(gid, gid, gid).call(|| format!("setresgid({})", user.gid))?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).call(|| format!("setresuid({})", user.uid))?;
    rustix::thread::set_keep_capabilities(false).call(|| "prctl(PR_SET_KEEPCAPS)")
}

fn set_capabilities(wanted: &Capabilities) -> Result<(), SysError> {
    let kernel = |set: crate::plan::capability::CapabilitySet| KernelSet::from_bits_retain(set.bits());
    rustix::thread::clear_ambient_capability_set().call(|| "prctl(PR_CAP_AMBIENT_CLEAR_ALL)")?;
    let sets = CapabilitySets {
        effective: kernel(wanted.effective),
        permitted: kernel(wanted.permitted),
        inheritable: kernel(wanted.inheritable),
    };
    rustix::thread::set_capabilities(None, sets).call(|| "capset()")?;
    for number in (0..64).filter(|number| wanted.ambient.bits() & (1 << number) != 0) {
        rustix::thread::configure_capability_in_ambient_set(KernelSet::from_bits_retain(1 << number), true)
            .call(|| format!("prctl(PR_CAP_AMBIENT_RAISE, {number})"))?;
    }
    Ok(())
}
