//! A profile with its words read: what is to become of which call.

use oci_spec::runtime::{
    Arch, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompArgBuilder, LinuxSeccompFilterFlag,
    LinuxSeccompOperator,
};

use super::Abi;
use super::compile::SeccompError;
use super::lookup::{Lookup, Numbers};

/// The largest error number that the kernel passes on.
const MAX_ERRNO: u32 = 4095;
/// What refuses without saying how: `EPERM`.
const EPERM: u32 = 1;
/// How many arguments a call has.
const ARGUMENTS: usize = 6;

/// A comparison of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    NotEqual(u64),
    Less(u64),
    LessOrEqual(u64),
    Equal(u64),
    GreaterOrEqual(u64),
    Greater(u64),
    /// The bits of the mask are those of the value.
    Masked {
        mask: u64,
        value: u64,
    },
}

/// What must hold of one argument, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) argument: u32,
    pub(super) comparison: Comparison,
}

/// What becomes of some calls; `value` is what the program returns to the kernel.
pub(super) struct Rule {
    pub(super) calls: Vec<Numbers>,
    pub(super) value: u32,
    /// All of which must hold.
    pub(super) conditions: Vec<Condition>,
}

/// A profile.
pub(super) struct Policy {
    pub(super) default: u32,
    /// The ABIs that there are on the machine and that the profile is about.
    pub(super) abis: Vec<Abi>,
    pub(super) rules: Vec<Rule>,
    pub(super) flags: u32,
}

impl Policy {
    /// Reads a profile for a machine whose own ABI is `native`.
    pub(super) fn read(profile: &LinuxSeccomp, native: Abi) -> Result<Self, SeccompError> {
        if profile.listener_path().is_some() || profile.listener_metadata().is_some() {
            return Err(SeccompError::Notify);
        }
        let default = value(profile.default_action(), profile.default_errno_ret())?;
        let mut rules = Vec::new();
        let mut lookup = Lookup::default();
        for call in profile.syscalls().iter().flatten() {
            let value = value(call.action(), call.errno_ret())?;
            let args = call.args().as_deref().unwrap_or_default();
            let conditions = args.iter().map(condition).collect::<Result<Vec<_>, _>>()?;
            // What says the same as the default says nothing, as with every runtime.
            if value == default {
                continue;
            }
            // What no kernel has cannot be called.
            let calls: Vec<Numbers> = call.names().iter().filter_map(|name| lookup.numbers(name)).collect();
            // Conditions on one and the same argument are alternatives, as with every runtime.
            if is_repeated(&conditions) {
                let one = |condition| Rule { calls: calls.clone(), value, conditions: vec![condition] };
                rules.extend(conditions.into_iter().map(one));
            } else {
                rules.push(Rule { calls, value, conditions });
            }
        }
        let flags = profile.flags().iter().flatten().fold(0, |flags, &one| flags | flag(one));
        Ok(Self { default, abis: abis(profile, native), rules, flags })
    }
}

fn is_repeated(conditions: &[Condition]) -> bool {
    let same = |index: usize, one: &Condition| {
        conditions.iter().skip(index + 1).any(|other| other.argument == one.argument)
    };
    conditions.iter().enumerate().any(|(index, one)| same(index, one))
}

/// The native ABI always, and those of the others that this kernel can be called by.
fn abis(profile: &LinuxSeccomp, native: Abi) -> Vec<Abi> {
    let named = |abi: Abi| {
        let arch = match abi {
            Abi::X86_64 => Arch::ScmpArchX86_64,
            Abi::X86 => Arch::ScmpArchX86,
            Abi::X32 => Arch::ScmpArchX32,
            Abi::Aarch64 => Arch::ScmpArchAarch64,
        };
        profile.architectures().iter().flatten().any(|one| *one == arch)
    };
    let possible: &[Abi] = match native {
        Abi::X86_64 => &[Abi::X86, Abi::X32],
        Abi::X86 | Abi::X32 | Abi::Aarch64 => &[],
    };
    [native].into_iter().chain(possible.iter().copied().filter(|abi| named(*abi))).collect()
}

/// `SECCOMP_RET_*` of `linux/seccomp.h`.
fn value(action: LinuxSeccompAction, errno: Option<u32>) -> Result<u32, SeccompError> {
    use LinuxSeccompAction as Action;
    let number = errno.unwrap_or(EPERM);
    let data = |base: u32, max: u32| match number {
        number if number <= max => Ok(base | number),
        number => Err(SeccompError::Errno(number)),
    };
    match action {
        Action::ScmpActKill | Action::ScmpActKillThread => Ok(0),
        Action::ScmpActKillProcess => Ok(0x8000_0000),
        Action::ScmpActTrap => Ok(0x0003_0000),
        Action::ScmpActErrno => data(0x0005_0000, MAX_ERRNO),
        Action::ScmpActTrace => data(0x7ff0_0000, u32::from(u16::MAX)),
        Action::ScmpActLog => Ok(0x7ffc_0000),
        Action::ScmpActAllow => Ok(0x7fff_0000),
        Action::ScmpActNotify => Err(SeccompError::Notify),
    }
}

/// A comparison in the specification's words.
pub(super) fn argument(
    index: usize,
    operator: LinuxSeccompOperator,
    (value, second): (u64, Option<u64>),
) -> LinuxSeccompArg {
    let builder = LinuxSeccompArgBuilder::default().index(index).value(value).op(operator);
    let builder = match second {
        Some(second) => builder.value_two(second),
        None => builder,
    };
    // Nothing in it has to be set, so that it cannot be wrong.
    builder.build().unwrap_or_default()
}

fn condition(arg: &LinuxSeccompArg) -> Result<Condition, SeccompError> {
    use LinuxSeccompOperator as Operator;
    let argument = u32::try_from(arg.index()).ok().filter(|_| arg.index() < ARGUMENTS);
    let first = arg.value();
    let comparison = match arg.op() {
        Operator::ScmpCmpNe => Comparison::NotEqual(first),
        Operator::ScmpCmpLt => Comparison::Less(first),
        Operator::ScmpCmpLe => Comparison::LessOrEqual(first),
        Operator::ScmpCmpEq => Comparison::Equal(first),
        Operator::ScmpCmpGe => Comparison::GreaterOrEqual(first),
        Operator::ScmpCmpGt => Comparison::Greater(first),
        Operator::ScmpCmpMaskedEq => {
            Comparison::Masked { mask: first, value: arg.value_two().unwrap_or_default() }
        }
    };
    Ok(Condition { argument: argument.ok_or(SeccompError::Argument(arg.index()))?, comparison })
}

/// `SECCOMP_FILTER_FLAG_*` of `linux/seccomp.h`.
fn flag(flag: LinuxSeccompFilterFlag) -> u32 {
    match flag {
        LinuxSeccompFilterFlag::SeccompFilterFlagTsync => 1,
        LinuxSeccompFilterFlag::SeccompFilterFlagLog => 2,
        LinuxSeccompFilterFlag::SeccompFilterFlagSpecAllow => 4,
        LinuxSeccompFilterFlag::SeccompFilterFlagWaitKillableRecv => 32,
    }
}
