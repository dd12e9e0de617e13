//! What filters answer, by running them.

use oci_spec::runtime::LinuxSeccomp;

use super::interpret::{Data, run};
use super::*;
use crate::plan::capability::{self, Capability};
use crate::plan::process::Input;

const ALLOW: u32 = 0x7fff_0000;
const KILL: u32 = 0x8000_0000;
const EPERM: u32 = 0x0005_0001;
const ENOSYS: u32 = 0x0005_0026;
const PIPES: Streams = Streams::Launcher { input: Input::Empty };
/// Garbage where the kernel does not look.
const GARBAGE: u64 = 0xdead_beef_0000_0000;

fn situation() -> Situation {
    Situation {
        capabilities: capability::DEFAULT.into_iter().collect(),
        abis: Abis::Native,
        nesting: Nesting::Closed,
        streams: PIPES,
    }
}

fn with(more: &[Capability]) -> Situation {
    let capabilities = capability::DEFAULT.into_iter().chain(more.iter().copied()).collect();
    Situation { capabilities, ..situation() }
}

fn filter(situation: &Situation, abi: Abi) -> Filter {
    compile(&builtin(situation, abi), abi).unwrap()
}

fn answer(filter: &Filter, abi: Abi, name: &str, arguments: &[u64]) -> u32 {
    let mut all = [0; 6];
    all[..arguments.len()].copy_from_slice(arguments);
    let number = number(abi, name).unwrap_or_else(|| panic!("{abi:?} has no call {name}"));
    run(&filter.instructions, &Data { number, architecture: abi.audit(), arguments: all }).0
}

#[track_caller]
fn expect(filter: &Filter, expected: u32, calls: &[(&str, &[u64])]) {
    for (name, arguments) in calls {
        let value = answer(filter, Abi::X86_64, name, arguments);
        assert_eq!(value, expected, "{name} {arguments:x?}: {value:#x}");
    }
}

#[test]
fn the_builtin_profile_lets_programs_work() {
    let filter = filter(&situation(), Abi::X86_64);
    expect(
        &filter,
        ALLOW,
        &[
            ("read", &[]),
            ("execve", &[]),
            ("clone", &[0x0100_0011]),
            ("clone", &[0x003d_0f00]),
            ("vfork", &[]),
            ("ptrace", &[]),
            ("process_vm_readv", &[]),
            ("personality", &[0]),
            ("personality", &[0x2_0008]),
            ("personality", &[0xffff_ffff]),
            ("socket", &[1, 1]),
            ("socket", &[2, 3]),
            ("socket", &[16]),
            ("socket", &[39]),
            ("socket", &[44]),
            ("ioctl", &[0, 0x5401]),
            ("ioctl", &[0, 0x5413]),
            ("ioctl", &[0, GARBAGE | 0x541d]),
            ("ioctl", &[0, 0]),
            ("ioctl", &[0, u64::MAX]),
            ("chroot", &[]),
            ("seccomp", &[]),
            ("landlock_restrict_self", &[]),
        ],
    );
}

#[test]
fn the_builtin_profile_refuses_what_is_dangerous() {
    let filter = filter(&situation(), Abi::X86_64);
    expect(
        &filter,
        EPERM,
        &[
            ("mount", &[]),
            ("fsopen", &[]),
            ("pivot_root", &[]),
            ("unshare", &[0]),
            ("setns", &[]),
            ("clone", &[0x1000_0011]),
            ("clone", &[GARBAGE | 0x0002_0000]),
            ("keyctl", &[]),
            ("add_key", &[]),
            ("request_key", &[]),
            ("bpf", &[]),
            ("perf_event_open", &[]),
            ("io_uring_setup", &[]),
            ("userfaultfd", &[]),
            ("kexec_load", &[]),
            ("init_module", &[]),
            ("open_by_handle_at", &[]),
            ("socket", &[38]),
            ("socket", &[GARBAGE | 0x26]),
            ("socket", &[40, 1]),
            ("socket", &[GARBAGE | 0x28, 1]),
            ("ioctl", &[0, 0x5412]),
            ("ioctl", &[0, GARBAGE | 0x5412]),
            ("ioctl", &[0, GARBAGE | 0x541c]),
            ("personality", &[1 << 18]),
            ("personality", &[1 << 22]),
            ("personality", &[GARBAGE | 1 << 22 | 8]),
            ("settimeofday", &[]),
            ("reboot", &[]),
            ("swapon", &[]),
        ],
    );
    expect(&filter, ENOSYS, &[("clone3", &[]), ("listns", &[]), ("afs_syscall", &[])]);
    let data = Data { number: 0x2fff, architecture: Abi::X86_64.audit(), arguments: [0; 6] };
    assert_eq!(run(&filter.instructions, &data).0, ENOSYS);
}

#[test]
fn rights_open_calls() {
    for (right, calls) in [
        (
            Capability::CAP_SYS_ADMIN,
            &["mount", "unshare", "setns", "clone3", "bpf", "perf_event_open", "quotactl"][..],
        ),
        (Capability::CAP_SYS_TIME, &["settimeofday", "clock_settime"]),
        (Capability::CAP_SYS_PTRACE, &["kcmp", "pidfd_getfd", "process_madvise"]),
        (Capability::CAP_SYS_MODULE, &["init_module", "finit_module", "delete_module"]),
        (Capability::CAP_SYS_BOOT, &["reboot"]),
        (Capability::CAP_BPF, &["bpf"]),
        (Capability::CAP_SYSLOG, &["syslog"]),
        (Capability::CAP_SYS_NICE, &["mbind", "set_mempolicy"]),
        (Capability::CAP_DAC_READ_SEARCH, &["open_by_handle_at"]),
    ] {
        let (without, open) = (filter(&situation(), Abi::X86_64), filter(&with(&[right]), Abi::X86_64));
        for name in calls {
            assert_ne!(answer(&without, Abi::X86_64, name, &[]), ALLOW, "{name} without {right}");
            assert_eq!(answer(&open, Abi::X86_64, name, &[]), ALLOW, "{name} with {right}");
        }
    }
    let administrator = filter(&with(&[Capability::CAP_SYS_ADMIN]), Abi::X86_64);
    expect(&administrator, ALLOW, &[("clone", &[0x1000_0011])]);
    expect(&administrator, EPERM, &[("io_uring_setup", &[]), ("keyctl", &[]), ("socket", &[38])]);
    let fewer = Situation { capabilities: CapabilitySet::default(), ..situation() };
    expect(&filter(&fewer, Abi::X86_64), EPERM, &[("chroot", &[])]);
}

#[test]
fn nesting_opens_namespaces_and_mounts_only() {
    let nested = filter(&Situation { nesting: Nesting::Open, ..situation() }, Abi::X86_64);
    expect(
        &nested,
        ALLOW,
        &[
            ("mount", &[]),
            ("pivot_root", &[]),
            ("unshare", &[0x1000_0000]),
            ("clone", &[0x1000_0011]),
            ("clone3", &[]),
            ("sethostname", &[]),
        ],
    );
    expect(&nested, EPERM, &[("bpf", &[]), ("keyctl", &[]), ("quotactl", &[]), ("io_uring_setup", &[])]);
}

#[test]
fn a_terminal_of_its_own_can_be_typed_in() {
    let filter = filter(&Situation { streams: Streams::Terminal, ..situation() }, Abi::X86_64);
    expect(&filter, ALLOW, &[("ioctl", &[0, 0x5412]), ("ioctl", &[0, 0x541c])]);
}

#[test]
fn other_abis_are_closed_unless_they_are_opened() {
    let native = filter(&situation(), Abi::X86_64);
    for abi in [Abi::X86, Abi::X32, Abi::Aarch64] {
        for (name, number) in numbers(abi) {
            let data = Data { number, architecture: abi.audit(), arguments: [0; 6] };
            assert_eq!(run(&native.instructions, &data).0, KILL, "{abi:?} {name}");
        }
    }
    let both = filter(&Situation { abis: Abis::With32Bit, ..situation() }, Abi::X86_64);
    for (name, expected) in [
        ("open", ALLOW),
        ("mmap2", ALLOW),
        ("socketcall", EPERM),
        ("mount", EPERM),
        ("clone3", ENOSYS),
        ("io_uring_setup", EPERM),
    ] {
        assert_eq!(answer(&both, Abi::X86, name, &[]), expected, "{name}");
    }
    assert_eq!(answer(&both, Abi::X32, "read", &[]), KILL);
    expect(&both, ALLOW, &[("read", &[])]);
}

#[test]
fn a_call_that_a_tracer_took_back_is_no_call_of_x32() {
    let filter = filter(&situation(), Abi::X86_64);
    let data = |number| Data { number, architecture: Abi::X86_64.audit(), arguments: [0; 6] };
    assert_eq!(run(&filter.instructions, &data(u32::MAX)).0, ENOSYS);
    assert_eq!(run(&filter.instructions, &data(u32::MAX - 1)).0, KILL);
}

#[test]
fn every_number_is_found_in_a_few_steps() {
    for abi in [Abi::X86_64, Abi::Aarch64] {
        let filter = filter(&Situation { streams: Streams::Terminal, ..situation() }, abi);
        assert!(filter.instructions.len() < 600, "{}", filter.instructions.len());
        let numbers = (0..1024).chain([0x3fff_ffff, X32_BIT, u32::MAX]);
        let conditional = ["clone", "personality", "socket"].map(|name| number(abi, name).unwrap());
        for number in numbers.filter(|number| !conditional.contains(number)) {
            let data = Data { number, architecture: abi.audit(), arguments: [0; 6] };
            let (_, steps) = run(&filter.instructions, &data);
            // Two loads, architecture and mark of x32, a tree over some hundred ranges, the answer.
            assert!(steps <= 14, "{abi:?} {number} takes {steps} steps");
        }
    }
}

fn profile(json: &str) -> LinuxSeccomp {
    let machine = Machine { native: Abi::X86_64, kernel: (6, 1) };
    Profile::parse(json.as_bytes()).unwrap().resolve(&machine, situation().capabilities)
}

fn compiled(json: &str) -> Filter {
    compile(&profile(json), Abi::X86_64).unwrap()
}

/// An operator, and what it is to say of a value.
type Operator = (&'static str, fn(u64) -> bool);

#[test]
fn every_operator_compares_64_bits() {
    const BIG: u64 = 0x1_0000_0005;
    let operators: [Operator; 8] = [
        ("NE", |value| value != BIG),
        ("LT", |value| value < BIG),
        ("LE", |value| value <= BIG),
        ("EQ", |value| value == BIG),
        ("GE", |value| value >= BIG),
        ("GT", |value| value > BIG),
        ("MASKED_EQ", |value| value & BIG == 0),
        ("MASKED_EQ", |value| value & BIG == 0x1_0000_0004),
    ];
    for (index, (operator, holds)) in operators.into_iter().enumerate() {
        let second = if index == 7 { 0x1_0000_0004_u64 } else { 0 };
        let filter = compiled(&format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{{"names": ["write"], "action": "SCMP_ACT_ALLOW",
                "args": [{{"index": 5, "value": {BIG}, "valueTwo": {second}, "op": "SCMP_CMP_{operator}"}}]}}]}}"#
        ));
        let near = [BIG - 1, BIG, BIG + 1];
        for value in [0, 2, 5, 6, 0xffff_ffff, 0x2_0000_0000, 0x2_0000_0005, u64::MAX].into_iter().chain(near)
        {
            let expected = if holds(value) { ALLOW } else { EPERM };
            expect(&filter, expected, &[("write", &[0, 0, 0, 0, 0, value])]);
        }
    }
}

#[test]
fn rules_of_one_call_are_read_as_other_runtimes_read_them() {
    let filter = compiled(
        r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "syscalls": [
            {"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
            {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 3, "op": "SCMP_CMP_EQ"}]},
            {"names": ["write"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
            {"names": ["write"], "action": "SCMP_ACT_ALLOW"},
            {"names": ["dup"], "action": "SCMP_ACT_ALLOW", "args": [
                {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]},
            {"names": ["dup2"], "action": "SCMP_ACT_ALLOW", "args": [
                {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 2, "op": "SCMP_CMP_EQ"}]},
            {"names": ["no_such_call_yet"], "action": "SCMP_ACT_ALLOW"}]}"#,
    );
    expect(&filter, ALLOW, &[("read", &[3]), ("write", &[1]), ("write", &[2]), ("dup", &[1]), ("dup", &[2])]);
    expect(&filter, ALLOW, &[("dup2", &[1, 2])]);
    expect(
        &filter,
        ENOSYS,
        &[("read", &[4]), ("dup", &[3]), ("dup2", &[1, 1]), ("dup2", &[2, 2]), ("close", &[])],
    );
}

#[test]
fn every_action_has_its_value() {
    for (action, value) in [
        ("KILL", 0),
        ("KILL_THREAD", 0),
        ("KILL_PROCESS", KILL),
        ("TRAP", 0x0003_0000),
        ("ERRNO", 0x0005_0001),
        ("TRACE", 0x7ff0_0001),
        ("LOG", 0x7ffc_0000),
        ("ALLOW", ALLOW),
    ] {
        let filter = compiled(&format!(r#"{{"defaultAction": "SCMP_ACT_{action}"}}"#));
        expect(&filter, value, &[("read", &[])]);
    }
    let filter = compiled(
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG"], "syscalls": [
        {"name": "read", "action": "SCMP_ACT_ERRNO", "errnoRet": 4095},
        {"name": "write", "action": "SCMP_ACT_TRACE", "errnoRet": 65535}]}"#,
    );
    expect(&filter, 0x0005_0fff, &[("read", &[])]);
    expect(&filter, 0x7ff0_ffff, &[("write", &[])]);
    assert_eq!(filter.flags, 2);
}

#[test]
fn circumstances_are_resolved() {
    let rule = |circumstances: &str| {
        let filter = compiled(&format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {{"names": ["read"], "action": "SCMP_ACT_ALLOW", "comment": "", "args": [], {circumstances}}}]}}"#
        ));
        answer(&filter, Abi::X86_64, "read", &[]) == ALLOW
    };
    for (circumstances, applies) in [
        (r#""includes": {}, "excludes": {}"#, true),
        (r#""includes": {"caps": ["CAP_CHOWN"]}"#, true),
        (r#""includes": {"caps": ["CAP_CHOWN", "CAP_SYS_ADMIN"]}"#, false),
        (r#""excludes": {"caps": ["CAP_SYS_ADMIN"]}"#, true),
        (r#""excludes": {"caps": ["CAP_SYS_ADMIN", "CAP_CHOWN"]}"#, false),
        (r#""includes": {"arches": ["amd64", "arm64"]}"#, true),
        (r#""includes": {"arches": ["s390x"]}"#, false),
        (r#""excludes": {"arches": ["amd64"]}"#, false),
        (r#""includes": {"minKernel": "4.8"}"#, true),
        (r#""includes": {"minKernel": "6.1"}"#, true),
        (r#""includes": {"minKernel": "6.2"}"#, false),
        (r#""includes": {"minKernel": "10.0"}"#, false),
        (r#""excludes": {"minKernel": "4.8"}"#, false),
    ] {
        assert_eq!(rule(circumstances), applies, "{circumstances}");
    }
}

#[test]
fn architectures_are_resolved() {
    let base = r#""defaultAction": "SCMP_ACT_ALLOW""#;
    for (words, narrow, x32) in [
        ("", KILL, KILL),
        (r#", "architectures": ["SCMP_ARCH_X86_64"]"#, KILL, KILL),
        (r#", "architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_ARM"]"#, ALLOW, KILL),
        (
            r#", "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
            {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}]"#,
            ALLOW,
            ALLOW,
        ),
        (r#", "archMap": [{"architecture": "SCMP_ARCH_S390X", "subArchitectures": null}]"#, KILL, KILL),
    ] {
        let filter = compiled(&format!("{{{base}{words}}}"));
        expect(&filter, ALLOW, &[("read", &[])]);
        assert_eq!(answer(&filter, Abi::X86, "read", &[]), narrow, "{words}");
        assert_eq!(answer(&filter, Abi::X32, "read", &[]), x32, "{words}");
    }
}

#[test]
fn what_is_no_profile_is_refused() {
    let action = r#""defaultAction": "SCMP_ACT_ALLOW""#;
    let rule = |words: &str| format!(r#"{{{action}, "syscalls": [{{{words}}}]}}"#);
    let long =
        rule(&format!(r#""name": "read", "action": "SCMP_ACT_KILL", "comment": "{}""#, "x".repeat(LARGEST)));
    for (json, hint) in [
        ("", "a JSON object"),
        ("[]", "a JSON object"),
        ("{", "EOF"),
        ("{}", "defaultAction"),
        (r#"{"defaultAction": "SCMP_ACT_MAYBE"}"#, "SCMP_ACT_MAYBE"),
        (r#"{"defaultAction": "SCMP_ACT_NOTIFY"}"#, "SCMP_ACT_NOTIFY"),
        (&format!("{{{action}, {action}}}"), "duplicate"),
        (&format!(r#"{{{action}, "default": 1}}"#), "unknown field"),
        (&format!("{{{action}}} x"), "trailing"),
        (&format!(r#"{{{action}, "flags": ["SECCOMP_FILTER_FLAG_NEW"]}}"#), "SECCOMP_FILTER_FLAG_NEW"),
        (&format!(r#"{{{action}, "architectures": ["SCMP_ARCH_VAX"]}}"#), "SCMP_ARCH_VAX"),
        (&format!(r#"{{{action}, "listenerPath": "/run/agent"}}"#), "listener"),
        (
            &format!(
                r#"{{{action}, "architectures": ["SCMP_ARCH_X86"], "archMap": [{{"architecture": "SCMP_ARCH_X86_64"}}]}}"#
            ),
            "archMap",
        ),
        (&rule(r#""action": "SCMP_ACT_KILL""#), "either `name` or `names`"),
        (
            &rule(r#""name": "read", "names": ["read"], "action": "SCMP_ACT_KILL""#),
            "either `name` or `names`",
        ),
        (&rule(r#""name": "read""#), "action"),
        (&rule(r#""name": "read", "action": "SCMP_ACT_ERRNO", "errnoRet": 4096"#), "4096"),
        (&rule(r#""name": "read", "action": "SCMP_ACT_ERRNO", "errnoRet": -1"#), "-1"),
        (&rule(r#""name": "read", "action": "SCMP_ACT_ERRNO", "errno": "EMAYBE""#), "EMAYBE"),
        (
            &rule(
                r#""name": "read", "action": "SCMP_ACT_KILL", "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]"#,
            ),
            "index 6",
        ),
        (
            &rule(
                r#""name": "read", "action": "SCMP_ACT_KILL", "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_IS"}]"#,
            ),
            "SCMP_CMP_IS",
        ),
        (
            &rule(
                r#""name": "read", "action": "SCMP_ACT_KILL", "args": [{"index": 0, "value": 18446744073709551616, "op": "SCMP_CMP_EQ"}]"#,
            ),
            "expected u64",
        ),
        (
            &rule(r#""name": "read", "action": "SCMP_ACT_KILL", "includes": {"minKernel": "new"}"#),
            "minKernel",
        ),
        (
            &rule(r#""name": "read", "action": "SCMP_ACT_KILL", "includes": {"caps": ["CAP_FLY"]}"#),
            "syscalls[0]",
        ),
        (&rule(r#""name": "read", "action": "SCMP_ACT_KILL", "includes": {"users": []}"#), "users"),
        (&long, "at most"),
    ] {
        let error = Profile::parse(json.as_bytes()).map(drop).unwrap_err();
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        assert!(format!("{error}: {cause}").contains(hint), "{error}: {cause}");
    }
}

#[test]
fn a_long_profile_works_up_to_the_kernels_limit() {
    let rules = |count: u64| {
        let one = |value: u64| {
            // Two words to compare, and neither is shared with the neighbour's.
            let value = value << 32 | value;
            format!(
                r#"{{"names": ["ioctl"], "action": "SCMP_ACT_ALLOW", "args": [
                    {{"index": 1, "value": {value}, "op": "SCMP_CMP_EQ"}}]}}"#
            )
        };
        let rules = (1..=count).map(one).collect::<Vec<_>>().join(",");
        format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
            {rules}, {{"names": ["read", "write", "openat2"], "action": "SCMP_ACT_LOG"}}]}}"#
        )
    };
    let filter = compiled(&rules(900));
    assert!(filter.instructions.len() > 3000);
    for value in [1, 2, 255, 256, 257, 899, 900] {
        expect(&filter, ALLOW, &[("ioctl", &[0, value << 32 | value])]);
        expect(&filter, EPERM, &[("ioctl", &[0, value << 32 | (value + 1)])]);
    }
    expect(&filter, EPERM, &[("ioctl", &[0, 901 * 0x1_0000_0001]), ("close", &[])]);
    expect(&filter, 0x7ffc_0000, &[("read", &[]), ("write", &[]), ("openat2", &[])]);
    let error = compile(&profile(&rules(1500)), Abi::X86_64).unwrap_err();
    assert!(matches!(error, SeccompError::TooLong(length) if length > 4096), "{error}");
}

#[test]
fn the_digest_is_that_of_the_bytes() {
    let instructions = vec![Instruction { code: 6, jt: 0, jf: 0, k: 0x7fff_0000 }];
    let digest = Filter { instructions, flags: 0 }.digest();
    // printf '\6\0\0\0\0\0\377\177' | sha256sum
    assert_eq!(digest.to_string(), "sha256:40b2a31e1a78576bb4afdf1433867d0cc67b769635ef549fba81c7d37570520f");
    let one = filter(&situation(), Abi::X86_64);
    assert_eq!(one.digest(), filter(&situation(), Abi::X86_64).digest());
    assert_ne!(one.digest(), filter(&with(&[Capability::CAP_SYS_ADMIN]), Abi::X86_64).digest());
}

#[test]
fn names_are_found_in_any_order() {
    for abi in Abi::ALL {
        let all: Vec<_> = numbers(abi).collect();
        assert!(all.len() > 300);
        for (name, wanted) in &all {
            assert_eq!(number(abi, name), Some(*wanted));
        }
    }
    assert!(numbers(Abi::X86_64).zip(numbers(Abi::X86_64).skip(1)).all(|(one, next)| one.0 < next.0));
    let mut lookup = lookup::Lookup::default();
    for name in ["write", "accept", "read", "read", "zzz", "_llseek"] {
        let found = lookup.numbers(name).and_then(|numbers| numbers.of(Abi::X86));
        assert_eq!(found, number(Abi::X86, name), "{name}");
    }
    assert_eq!(number(Abi::X86_64, "no_such_call"), None);
    assert_eq!(number(Abi::X32, "read"), Some(X32_BIT));
}
