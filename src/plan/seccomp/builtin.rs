//! minirun's own profile.
//!
//! A call that is not named is answered with `ENOSYS`, as by a kernel that is too old for it: programs know what to do then,
//! with `clone3` as with what will be there in years. What is known and closed is answered with `EPERM`. Rules of one call
//! exclude each other, so that every runtime reads them alike.

mod lists;

use std::collections::BTreeSet;

use oci_spec::runtime::{Arch, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompOperator, LinuxSyscall};

use super::policy::argument;
use super::{Abi, Abis, Nesting};
use crate::plan::capability::{Capability, CapabilitySet};
use crate::plan::process::Streams;
use lists::{ADMINISTRATION, ALLOWED, GATES, MOUNTS, NAMESPACES, REFUSED};

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;

/// The flags of `clone` that make namespaces: mount, cgroup, UTS, IPC, user, PID and network. A time namespace cannot be
/// made by it.
const NEW_NAMESPACES: u64 = 0x7e02_0000;
/// Personalities that change nothing about how safe a process is: Linux, Linux 32, both with the old `uname`, and the
/// question which one it is.
const PERSONALITIES: [u64; 5] = [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff];
/// Other systems and workarounds for their programs, a bit each: no random addresses, executable data, a mapped page zero.
const UNSAFE_PERSONALITIES: [u64; 17] = [
    1,
    2,
    4,
    0x10,
    0x20,
    0x40,
    0x80,
    1 << 18,
    1 << 19,
    1 << 20,
    1 << 21,
    1 << 22,
    1 << 23,
    1 << 24,
    1 << 25,
    1 << 26,
    1 << 27,
];
/// Marks the question.
const QUESTION: u64 = 1 << 31;
/// The kernel looks at no more of a socket's family and of an `ioctl`'s command.
const INTEGER: u64 = 0xffff_ffff;
/// `AF_ALG`, the kernel's ciphers, and `AF_VSOCK`, the way to the host of a virtual machine.
const REFUSED_FAMILIES: [u64; 2] = [38, 40];
/// All other families up to 47, by mask and value: 0 to 31, 32 to 35, 36 and 37, 39, 41, 42 and 43, 44 to 47.
const FAMILIES: [(u64, u64); 7] = [
    (0xffff_ffe0, 0),
    (0xffff_fffc, 32),
    (0xffff_fffe, 36),
    (INTEGER, 39),
    (INTEGER, 41),
    (0xffff_fffe, 42),
    (0xffff_fffc, 44),
];
/// `TIOCSTI` and `TIOCLINUX`, by which a process types in its terminal.
const TYPING: [u64; 2] = [0x5412, 0x541c];

/// What the profile depends on.
#[derive(Debug, Clone, Copy)]
pub struct Situation {
    /// The rights that there are at most.
    pub capabilities: CapabilitySet,
    /// Which ABIs it opens.
    pub abis: Abis,
    /// Whether containers can be made inside.
    pub nesting: Nesting,
    /// Whether there is a terminal of the container's own.
    pub streams: Streams,
}

/// Composes the profile for a machine whose own ABI is `native`.
#[must_use]
pub fn builtin(situation: &Situation, native: Abi) -> LinuxSeccomp {
    let mut profile = LinuxSeccomp::default();
    profile.set_default_action(LinuxSeccompAction::ScmpActErrno).set_default_errno_ret(Some(ENOSYS));
    profile.set_architectures(Some(architectures(situation.abis, native)));
    let (opened, closed) = gates(situation);
    let mut calls = vec![allow(ALLOWED), refuse(REFUSED)];
    calls.extend([allow(&opened), refuse(&closed)].into_iter().filter(|call| !call.names().is_empty()));
    calls.extend(clone(opened.contains(&"unshare")));
    calls.extend(personality());
    calls.extend(socket());
    calls.extend(ioctl(situation.streams));
    profile.set_syscalls(Some(calls));
    profile
}

fn architectures(abis: Abis, native: Abi) -> Vec<Arch> {
    match (native, abis) {
        (Abi::X86_64 | Abi::X86 | Abi::X32, Abis::Native) => vec![Arch::ScmpArchX86_64],
        (Abi::X86_64 | Abi::X86 | Abi::X32, Abis::With32Bit) => vec![Arch::ScmpArchX86_64, Arch::ScmpArchX86],
        (Abi::Aarch64, Abis::Native | Abis::With32Bit) => vec![Arch::ScmpArchAarch64],
    }
}

/// What the rights open, and what stays closed for want of them.
fn gates(situation: &Situation) -> (Vec<&'static str>, Vec<&'static str>) {
    let bits = situation.capabilities.bits();
    let has = |right: Capability| bits & right.bitmask() != 0;
    let is_nested = situation.nesting == Nesting::Open;
    let is_administrator = has(Capability::CAP_SYS_ADMIN);
    let groups = [
        (is_nested || is_administrator, NAMESPACES),
        (is_nested || is_administrator, MOUNTS),
        (is_administrator, ADMINISTRATION),
    ];
    let single = GATES.iter().map(|(right, calls)| (has(*right), *calls));
    let gates: Vec<(bool, &[&str])> = groups.into_iter().chain(single).collect();
    let names = |open: bool| {
        let calls = gates.iter().filter(move |(is_open, _)| *is_open == open);
        calls.flat_map(|(_, calls)| calls.iter().copied()).collect::<BTreeSet<_>>()
    };
    let opened = names(true);
    let closed = names(false).difference(&opened).copied().collect();
    (opened.into_iter().collect(), closed)
}

fn call(names: &[&str], action: LinuxSeccompAction) -> LinuxSyscall {
    let mut call = LinuxSyscall::default();
    call.set_names(names.iter().map(|&name| name.to_owned()).collect()).set_action(action);
    call
}

fn allow(names: &[&str]) -> LinuxSyscall {
    call(names, LinuxSeccompAction::ScmpActAllow)
}

fn refuse(names: &[&str]) -> LinuxSyscall {
    let mut call = call(names, LinuxSeccompAction::ScmpActErrno);
    call.set_errno_ret(Some(EPERM));
    call
}

/// The same for calls whose argument `index` has the bits of `value` among those of `mask`.
fn masked(mut call: LinuxSyscall, index: usize, (mask, value): (u64, u64)) -> LinuxSyscall {
    let operator = LinuxSeccompOperator::ScmpCmpMaskedEq;
    call.set_args(Some(vec![argument(index, operator, (mask, Some(value)))]));
    call
}

/// Without namespaces no flag that makes one, and no `clone3`, whose flags a filter cannot see; else both.
fn clone(are_namespaces_open: bool) -> Vec<LinuxSyscall> {
    if are_namespaces_open {
        return vec![allow(&["clone", "clone3"])];
    }
    let flags = (0..64).map(|bit| 1 << bit).filter(|bit| NEW_NAMESPACES & bit != 0);
    let refused = flags.map(|flag| masked(refuse(&["clone"]), 0, (flag, flag)));
    std::iter::once(masked(allow(&["clone"]), 0, (NEW_NAMESPACES, 0))).chain(refused).collect()
}

fn personality() -> Vec<LinuxSyscall> {
    let allowed = PERSONALITIES.map(|value| {
        let mut call = allow(&["personality"]);
        call.set_args(Some(vec![argument(0, LinuxSeccompOperator::ScmpCmpEq, (value, None))]));
        call
    });
    let refused = UNSAFE_PERSONALITIES.map(|bit| masked(refuse(&["personality"]), 0, (bit | QUESTION, bit)));
    allowed.into_iter().chain(refused).collect()
}

fn socket() -> Vec<LinuxSyscall> {
    let allowed = FAMILIES.map(|family| masked(allow(&["socket"]), 0, family));
    let refused = REFUSED_FAMILIES.map(|family| masked(refuse(&["socket"]), 0, (INTEGER, family)));
    allowed.into_iter().chain(refused).collect()
}

/// On a terminal that is not the container's own nobody types for the user.
fn ioctl(streams: Streams) -> Vec<LinuxSyscall> {
    match streams {
        Streams::Terminal => vec![allow(&["ioctl"])],
        Streams::Launcher { .. } => {
            let allowed = neither(TYPING).into_iter().map(|other| masked(allow(&["ioctl"]), 1, other));
            let refused = TYPING.map(|command| masked(refuse(&["ioctl"]), 1, (INTEGER, command)));
            allowed.chain(refused).collect()
        }
    }
}

/// Masks and values that match every integer but these two: it differs from both in a bit in which they are alike, or in
/// two neighbouring ones of the others it is like the one in the first and like the other in the second.
fn neither([one, other]: [u64; 2]) -> Vec<(u64, u64)> {
    let bits = (0..32).map(|bit| 1_u64 << bit);
    let (differing, alike): (Vec<u64>, Vec<u64>) = bits.partition(|bit| (one ^ other) & bit != 0);
    let neighbours = differing.iter().zip(differing.iter().cycle().skip(1));
    let mixed = neighbours.map(|(&bit, &next)| (bit | next, (one & bit) | (other & next)));
    alike.into_iter().map(|bit| (bit, !one & bit)).chain(mixed).collect()
}
