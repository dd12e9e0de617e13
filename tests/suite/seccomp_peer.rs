//! Our programs beside libseccomp's for the same profiles, and our numbers beside the headers'.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use minirun::plan::capability::{self, Capability};
use minirun::plan::process::{Input, Streams};
use minirun::plan::seccomp::{
    Abi, Abis, Instruction, Machine, Nesting, Profile, Situation, X32_BIT, builtin, compile, number, numbers,
};
use oci_spec::runtime::{Arch, LinuxSeccomp};
use serde_json::{Value, json};

use crate::support::require;
use interpret::{Data, run};

#[path = "../../src/plan/seccomp/interpret.rs"]
mod interpret;

/// Debian's, which its package of libseccomp is for.
const PYTHON: &str = "/usr/bin/python3";
/// The calls by which i386 makes many others; libseccomp adds rules to them that nobody asked for.
const PACKED: [&str; 2] = ["socketcall", "ipc"];

fn has_libseccomp() -> bool {
    let status = Command::new(PYTHON).args(["-c", "import seccomp"]).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// What libseccomp makes of a profile, and the calls that it does not know.
fn peer(profile: &LinuxSeccomp, abi: Abi) -> (Vec<Instruction>, BTreeSet<String>) {
    let mut input = serde_json::to_value(profile).unwrap();
    input["numbers"] = numbers(abi).map(|(name, number)| (name.to_owned(), json!(number))).collect();
    let name = match abi {
        Abi::X86_64 => "x86_64",
        Abi::X86 => "x86",
        Abi::X32 => "x32",
        Abi::Aarch64 => unreachable!("it is not compared"),
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/support/libseccomp.py");
    let mut child = Command::new(PYTHON)
        .args([script.as_os_str(), name.as_ref()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let line = output.stdout.iter().position(|byte| *byte == b'\n').unwrap();
    let unknown = serde_json::from_slice(&output.stdout[..line]).unwrap();
    let one = |bytes: &[u8]| Instruction {
        code: u16::from_ne_bytes([bytes[0], bytes[1]]),
        jt: bytes[2],
        jf: bytes[3],
        k: u32::from_ne_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
    };
    (output.stdout[line + 1..].chunks_exact(8).map(one).collect(), unknown)
}

/// The profile without some calls.
fn without(profile: &LinuxSeccomp, names: &BTreeSet<String>) -> LinuxSeccomp {
    let mut profile = profile.clone();
    let mut calls = profile.syscalls().clone().unwrap_or_default();
    for call in &mut calls {
        let kept = call.names().iter().filter(|name| !names.contains(*name)).cloned().collect();
        call.set_names(kept);
    }
    profile.set_syscalls(Some(calls));
    profile
}

/// Values that a profile's conditions tell apart.
fn values(profile: &LinuxSeccomp) -> Vec<u64> {
    const GARBAGE: u64 = 0xdead_beef_0000_0000;
    let args = profile.syscalls().iter().flatten().flat_map(|call| call.args().iter().flatten());
    let named = args.flat_map(|arg| [arg.value(), arg.value_two().unwrap_or_default()]);
    let near = named
        .flat_map(|value| [value, value.wrapping_sub(1), value.wrapping_add(1), !value, value ^ GARBAGE]);
    near.chain([0, 1, u64::MAX, u64::MAX >> 1, 0xffff_ffff, 1 << 32])
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

fn conditional(profile: &LinuxSeccomp, abi: Abi) -> BTreeSet<u32> {
    let calls = profile.syscalls().iter().flatten().filter(|call| call.args().is_some());
    calls.flat_map(|call| call.names().iter().filter_map(|name| number(abi, name))).collect()
}

/// Our program; other ABIs are in it beside the machine's own.
fn ours(profile: &LinuxSeccomp, abi: Abi) -> Vec<Instruction> {
    let mut profile = profile.clone();
    profile.set_architectures(Some(match abi {
        Abi::X86_64 | Abi::Aarch64 => vec![Arch::ScmpArchX86_64],
        Abi::X86 | Abi::X32 => vec![Arch::ScmpArchX86, Arch::ScmpArchX32],
    }));
    compile(&profile, Abi::X86_64).unwrap().instructions
}

/// The numbers of an ABI, also those that no call has.
fn every_number(abi: Abi) -> Vec<u32> {
    let packed: Vec<u32> = PACKED.iter().filter_map(|name| number(Abi::X86, name)).collect();
    let mark = if abi == Abi::X32 { X32_BIT } else { 0 };
    let odd = [X32_BIT - 1, u32::MAX - 1, u32::MAX].into_iter().filter(|number| number & mark == mark);
    let all = (0..1024).map(|number| number | mark).chain(odd);
    all.filter(|number| abi != Abi::X86 || !packed.contains(number)).collect()
}

/// Every number, every other ABI, and for calls with conditions every value that matters in every argument that does.
#[track_caller]
fn compare(name: &str, profile: &LinuxSeccomp, abi: Abi) {
    let (theirs, unknown) = peer(profile, abi);
    let profile = without(profile, &unknown);
    let ours = ours(&profile, abi);
    let agree = |data: &Data| {
        let (ours, theirs) = (run(&ours, data).0, run(&theirs, data).0);
        assert_eq!(ours, theirs, "{name} {abi:?} {data:x?}: {ours:#x}, and libseccomp's {theirs:#x}");
    };
    let (values, conditional) = (values(&profile), conditional(&profile, abi));
    let narrow = if abi == Abi::X86 { 0xffff_ffff } else { u64::MAX };
    for number in every_number(abi) {
        let data = |arguments| Data { number, architecture: abi.audit(), arguments };
        agree(&data([0; 6]));
        agree(&data([narrow; 6]));
        let places = if conditional.contains(&number) { 0..6 } else { 0..0 };
        for (index, value) in places.flat_map(|index| values.iter().map(move |value| (index, value))) {
            for rest in [0, 1, 2, 3] {
                let mut arguments = [rest; 6];
                arguments[index] = value & narrow;
                agree(&data(arguments));
            }
        }
    }
    let others: &[Abi] =
        if abi == Abi::X86_64 { &[Abi::X86, Abi::X32, Abi::Aarch64] } else { &[Abi::Aarch64] };
    for (other, number) in others.iter().flat_map(|other| (0..600).map(move |number| (*other, number))) {
        let mark = if other == Abi::X32 { X32_BIT } else { 0 };
        agree(&Data { number: number | mark, architecture: other.audit(), arguments: [0; 6] });
    }
}

fn situation() -> Situation {
    Situation {
        capabilities: capability::DEFAULT.into_iter().collect(),
        abis: Abis::Native,
        nesting: Nesting::Closed,
        streams: Streams::Launcher { input: Input::Empty },
    }
}

#[test]
fn the_builtin_profile_is_libseccomps_too() {
    require!(has_libseccomp(), "no python3-seccomp");
    let administrator = [Capability::CAP_SYS_ADMIN].into_iter().chain(capability::DEFAULT).collect();
    for (name, situation) in [
        ("default", situation()),
        ("administrator", Situation { capabilities: administrator, ..situation() }),
        ("nested", Situation { nesting: Nesting::Open, ..situation() }),
        ("terminal", Situation { streams: Streams::Terminal, ..situation() }),
    ] {
        let profile = builtin(&situation, Abi::X86_64);
        for abi in [Abi::X86_64, Abi::X86, Abi::X32] {
            compare(name, &profile, abi);
        }
    }
}

fn resolved(text: &str) -> LinuxSeccomp {
    let machine = Machine { native: Abi::X86_64, kernel: (6, 1) };
    Profile::parse(text.as_bytes()).unwrap().resolve(&machine, situation().capabilities)
}

#[test]
fn profiles_of_others_are_read_as_libseccomp_reads_them() {
    require!(has_libseccomp(), "no python3-seccomp");
    for (name, text) in [
        ("operators", include_str!("support/seccomp_operators.json").to_owned()),
        // Podman's own, where it is installed.
        ("podman", std::fs::read_to_string("/usr/share/containers/seccomp.json").unwrap_or_default()),
    ] {
        if text.is_empty() {
            continue;
        }
        for abi in [Abi::X86_64, Abi::X86, Abi::X32] {
            compare(name, &resolved(&text), abi);
        }
    }
}

/// A number from a seed: the same at every run.
fn draw(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

#[test]
fn drawn_profiles_are_read_as_libseccomp_reads_them() {
    require!(has_libseccomp(), "no python3-seccomp");
    let names: Vec<&str> = numbers(Abi::X86_64).map(|(name, _)| name).collect();
    let operators = ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"];
    for seed in 1..=6_u64 {
        let mut seed = seed;
        let value = |seed: &mut u64| match draw(seed, 4) {
            0 => draw(seed, 4),
            1 => draw(seed, 1 << 31),
            2 => draw(seed, 1 << 31) << 32 | draw(seed, 4),
            _ => draw(seed, 1 << 31) << 32,
        };
        let mut rule = |_| {
            let mut count = draw(&mut seed, 120);
            let first = draw(&mut seed, names.len() as u64);
            let arg = draw(&mut seed, 6);
            let mut args = Vec::new();
            if draw(&mut seed, 2) == 0 {
                count = 1;
                let operator = operators[usize::try_from(draw(&mut seed, 7)).unwrap()];
                let (value, second) = (value(&mut seed), value(&mut seed));
                let second = if operator == "MASKED_EQ" { second & value } else { second };
                args.push(json!({"index": arg, "value": value, "valueTwo": second, "op": format!("SCMP_CMP_{operator}")}));
            }
            let names: Vec<_> = (first..=first + count)
                .map(|index| names[usize::try_from(index).unwrap() % names.len()])
                .collect();
            let action =
                if args.is_empty() && draw(&mut seed, 3) == 0 { "SCMP_ACT_LOG" } else { "SCMP_ACT_ALLOW" };
            json!({"names": names, "action": action, "args": args})
        };
        let calls: Vec<Value> = (0..60).map(&mut rule).collect();
        let text = json!({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": calls}).to_string();
        compare(&text, &resolved(&text), Abi::X86_64);
    }
}

#[test]
fn the_numbers_are_those_of_the_headers() {
    let headers = [
        (Abi::X86_64, "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        (Abi::X86, "/usr/include/x86_64-linux-gnu/asm/unistd_32.h"),
        (Abi::X32, "/usr/include/x86_64-linux-gnu/asm/unistd_x32.h"),
        (Abi::Aarch64, "/usr/include/aarch64-linux-gnu/asm/unistd_64.h"),
    ];
    let present: Vec<_> = headers.into_iter().filter(|(_, path)| Path::new(path).exists()).collect();
    require!(!present.is_empty(), "no headers of the kernel");
    for (abi, path) in present {
        let text = std::fs::read_to_string(path).unwrap();
        let lines =
            text.lines().filter_map(|line| line.strip_prefix("#define __NR_")?.split_once([' ', '\t']));
        let mut count = 0;
        for (name, value) in lines {
            let value = value.trim().trim_start_matches("(__X32_SYSCALL_BIT + ").trim_end_matches(')');
            let Ok(plain) = value.parse::<u32>() else { continue };
            let mark = if abi == Abi::X32 { X32_BIT } else { 0 };
            assert_eq!(number(abi, name), Some(plain | mark), "{path}: {name}");
            count += 1;
        }
        assert!(count > 300, "{path}");
    }
}
