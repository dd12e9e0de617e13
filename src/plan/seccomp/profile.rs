//! Profiles as people write them: Docker's JSON, and Podman's, which has errors by name besides.
//!
//! Source: Docker's seccomp profiles; what they say under a condition is resolved for one machine and one container, and what
//! is left is the runtime specification's form.

use oci_spec::runtime::{
    Arch, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompFilterFlag, LinuxSeccompOperator,
    LinuxSyscall,
};
use serde::Deserialize;
use thiserror::Error;

use super::Abi;
use super::compile::SeccompError;
use super::policy::{Policy, argument};
use crate::plan::capability::{self, CapabilityError, CapabilitySet};

/// The largest profile that is read, in bytes.
pub const LARGEST: usize = 4 << 20;

/// The errors that a profile can name.
const ERRORS: [(&str, u32); 20] = [
    ("EPERM", 1),
    ("ENOENT", 2),
    ("ESRCH", 3),
    ("EINTR", 4),
    ("EIO", 5),
    ("EBADF", 9),
    ("EAGAIN", 11),
    ("ENOMEM", 12),
    ("EACCES", 13),
    ("EFAULT", 14),
    ("EBUSY", 16),
    ("EEXIST", 17),
    ("ENODEV", 19),
    ("EINVAL", 22),
    ("ENOTTY", 25),
    ("ENOSPC", 28),
    ("EROFS", 30),
    ("ENOSYS", 38),
    ("EOPNOTSUPP", 95),
    ("EAFNOSUPPORT", 97),
];

/// Why a text is no profile.
#[derive(Debug, Error)]
pub enum ProfileError {
    /// Not JSON, a field that there is not, a value of the wrong kind.
    #[error("it is no seccomp profile")]
    Json(#[from] serde_json::Error),
    /// JSON, but not `{…}`.
    #[error("it is no seccomp profile, which is a JSON object with `defaultAction` and `syscalls`")]
    NoObject,
    /// It is too large.
    #[error("it has {0} bytes, and a profile has at most {LARGEST}")]
    TooLarge(usize),
    /// Two ways to say which ABIs it is about.
    #[error("`architectures` and `archMap` are two ways to say the same; take one")]
    Architectures,
    /// Two ways to say which calls a rule is about, or none.
    #[error("`syscalls[{0}]` needs either `name` or `names`")]
    Names(usize),
    /// A kernel's version that is none.
    #[error("`syscalls[{index}]`: `minKernel` {text:?} is no version, as 4.8 is one")]
    MinKernel {
        /// Which rule.
        index: usize,
        /// What it says.
        text: String,
    },
    /// A right that there is not.
    #[error("`syscalls[{index}]`")]
    Capability {
        /// Which rule.
        index: usize,
        /// What is wrong.
        source: CapabilityError,
    },
    /// An error that this program does not know by its name.
    #[error("`{0}` is no error that is known by name; say its number by `errnoRet` or `defaultErrnoRet`")]
    Errno(String),
    /// What cannot be done.
    #[error(transparent)]
    Seccomp(#[from] SeccompError),
}

/// What a profile is resolved for.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// Its own ABI.
    pub native: Abi,
    /// The kernel's version: its first two numbers.
    pub kernel: (u32, u32),
}

/// A profile, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile(Document);

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    default_action: LinuxSeccompAction,
    default_errno_ret: Option<u32>,
    default_errno: Option<String>,
    architectures: Option<Vec<Arch>>,
    arch_map: Option<Vec<Family>>,
    flags: Option<Vec<LinuxSeccompFilterFlag>>,
    listener_path: Option<String>,
    listener_metadata: Option<String>,
    syscalls: Option<Vec<Call>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Family {
    architecture: Arch,
    sub_architectures: Option<Vec<Arch>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Call {
    name: Option<String>,
    names: Option<Vec<String>>,
    action: LinuxSeccompAction,
    errno_ret: Option<u32>,
    errno: Option<String>,
    args: Option<Vec<Arg>>,
    comment: Option<String>,
    includes: Option<Circumstances>,
    excludes: Option<Circumstances>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Arg {
    index: usize,
    value: u64,
    value_two: Option<u64>,
    op: LinuxSeccompOperator,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Circumstances {
    caps: Option<Vec<String>>,
    arches: Option<Vec<String>>,
    min_kernel: Option<String>,
}

impl Profile {
    /// Reads a profile and checks all of it, also what is not for this machine.
    ///
    /// # Errors
    /// It is no profile, or asks for what there is not.
    pub fn parse(json: &[u8]) -> Result<Self, ProfileError> {
        if json.len() > LARGEST {
            return Err(ProfileError::TooLarge(json.len()));
        }
        if !json.trim_ascii_start().starts_with(b"{") {
            return Err(ProfileError::NoObject);
        }
        let document: Document = serde_json::from_slice(json)?;
        let is_said = |list: Option<usize>| list.is_some_and(|length| length > 0);
        if is_said(document.architectures.as_ref().map(Vec::len))
            && is_said(document.arch_map.as_ref().map(Vec::len))
        {
            return Err(ProfileError::Architectures);
        }
        error_number(document.default_errno.as_ref(), document.default_errno_ret)?;
        let calls = document.syscalls.as_deref().unwrap_or_default();
        for (index, call) in calls.iter().enumerate() {
            call.check(index)?;
        }
        let profile = Self(document);
        // Its own words are as wrong for one machine as for another.
        Policy::read(&profile.specification(calls_of(&profile.0)), Abi::NATIVE)?;
        Ok(profile)
    }

    /// What the profile says for one machine and a container with these rights.
    #[must_use]
    pub fn resolve(&self, machine: &Machine, capabilities: CapabilitySet) -> LinuxSeccomp {
        let applies = |call: &&Call| call.applies(machine, capabilities);
        let mut profile = self.specification(calls_of(&self.0).filter(applies));
        profile.set_architectures(self.architectures(machine.native));
        profile
    }

    fn specification<'a>(&self, calls: impl Iterator<Item = &'a Call>) -> LinuxSeccomp {
        let document = &self.0;
        let mut profile = LinuxSeccomp::default();
        let errno = error_number(document.default_errno.as_ref(), document.default_errno_ret);
        profile.set_default_action(document.default_action).set_default_errno_ret(errno.unwrap_or_default());
        profile.set_flags(document.flags.clone());
        profile.set_listener_path(
            document.listener_path.as_ref().filter(|path| !path.is_empty()).map(Into::into),
        );
        profile.set_listener_metadata(document.listener_metadata.clone().filter(|text| !text.is_empty()));
        profile.set_syscalls(Some(calls.map(Call::specification).collect()));
        profile
    }

    fn architectures(&self, native: Abi) -> Option<Vec<Arch>> {
        let own = match native {
            Abi::X86_64 | Abi::X32 => Arch::ScmpArchX86_64,
            Abi::X86 => Arch::ScmpArchX86,
            Abi::Aarch64 => Arch::ScmpArchAarch64,
        };
        let listed = self.0.architectures.clone().filter(|list| !list.is_empty());
        let family = || self.0.arch_map.iter().flatten().find(|family| family.architecture == own);
        listed.or_else(|| {
            let related = family()?.sub_architectures.clone().unwrap_or_default();
            Some([own].into_iter().chain(related).collect())
        })
    }
}

fn calls_of(document: &Document) -> impl Iterator<Item = &Call> {
    document.syscalls.iter().flatten()
}

impl Call {
    fn check(&self, index: usize) -> Result<(), ProfileError> {
        if self.name.as_ref().is_some_and(|name| !name.is_empty())
            == self.names.as_ref().is_some_and(|names| !names.is_empty())
        {
            return Err(ProfileError::Names(index));
        }
        error_number(self.errno.as_ref(), self.errno_ret)?;
        for circumstances in [&self.includes, &self.excludes].into_iter().flatten() {
            if let Some(text) =
                circumstances.min_kernel.as_ref().filter(|text| version(text).is_none() && !text.is_empty())
            {
                return Err(ProfileError::MinKernel { index, text: text.clone() });
            }
            for name in circumstances.caps.iter().flatten() {
                capability::parse(name).map_err(|source| ProfileError::Capability { index, source })?;
            }
        }
        Ok(())
    }

    /// Docker's rule: of what is included everything must be so, of what is excluded nothing may.
    fn applies(&self, machine: &Machine, capabilities: CapabilitySet) -> bool {
        let facts = Facts { machine, capabilities };
        self.includes.as_ref().is_none_or(|included| facts.meet(included))
            && !self.excludes.as_ref().is_some_and(|excluded| facts.touch(excluded))
    }

    fn specification(&self) -> LinuxSyscall {
        let mut call = LinuxSyscall::default();
        let names = self.names.clone().filter(|names| !names.is_empty());
        call.set_names(names.unwrap_or_else(|| self.name.iter().cloned().collect()));
        call.set_action(self.action);
        call.set_errno_ret(error_number(self.errno.as_ref(), self.errno_ret).unwrap_or_default());
        let args: Vec<_> = self.args.iter().flatten().map(|arg| arg.specification()).collect();
        call.set_args((!args.is_empty()).then_some(args));
        call
    }
}

impl Arg {
    fn specification(self) -> LinuxSeccompArg {
        argument(self.index, self.op, (self.value, self.value_two))
    }
}

struct Facts<'a> {
    machine: &'a Machine,
    capabilities: CapabilitySet,
}

impl Facts<'_> {
    /// Whether all of it is so; what is not said is.
    fn meet(&self, said: &Circumstances) -> bool {
        let arches = said.arches.as_deref().unwrap_or_default();
        said.caps.iter().flatten().all(|name| self.has(name))
            && (arches.is_empty() || arches.iter().any(|arch| arch == self.machine.native.machine()))
            && said.min_kernel.as_deref().and_then(version).is_none_or(|least| self.machine.kernel >= least)
    }

    /// Whether any of it is so.
    fn touch(&self, said: &Circumstances) -> bool {
        said.caps.iter().flatten().any(|name| self.has(name))
            || said.arches.iter().flatten().any(|arch| arch == self.machine.native.machine())
            || said.min_kernel.as_deref().and_then(version).is_some_and(|least| self.machine.kernel >= least)
    }

    fn has(&self, name: &str) -> bool {
        capability::parse(name).is_ok_and(|right| self.capabilities.bits() & right.bitmask() != 0)
    }
}

/// The number of an error that is given by its number, or by its name.
fn error_number(name: Option<&String>, number: Option<u32>) -> Result<Option<u32>, ProfileError> {
    match (number, name.filter(|name| !name.is_empty())) {
        (Some(number), _) => Ok(Some(number)),
        (None, None) => Ok(None),
        (None, Some(name)) => match ERRORS.iter().find(|(known, _)| known == name) {
            Some((_, number)) => Ok(Some(*number)),
            None => Err(ProfileError::Errno(name.clone())),
        },
    }
}

/// The first two numbers of a kernel's version; other numbers and words may follow.
#[must_use]
pub fn version(text: &str) -> Option<(u32, u32)> {
    let (first, rest) = text.split_once('.')?;
    let second = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
    Some((first.parse().ok()?, second.parse().ok()?))
}
