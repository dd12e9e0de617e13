//! Which system calls a container can make, tried from inside.

use std::path::Path;
use std::process::Command;

use minirun::plan::seccomp::{Abi, number};

use crate::support::{Call, IMAGE, Image, Layer, Scratch, program_exists, require};

const EPERM: &str = "1";
const ENOSYS: &str = "38";
const BADF: &str = "9";
const FAULT: &str = "14";
/// The signal of a call that a filter does not let through at all.
const SIGSYS: &str = "sig31";

/// A store whose image has the program that tries calls.
fn with_probe() -> Option<Scratch> {
    if !program_exists("gcc") {
        return None;
    }
    let scratch = Scratch::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/support/probe.c");
    let program = scratch.path("probe");
    let built =
        Command::new("gcc").args(["-static", "-O1", "-o"]).args([&program, &source]).status().unwrap();
    assert!(built.success());
    let layer = Layer::new().file("bin/probe", 0o755, std::fs::read(program).unwrap());
    scratch.load(&Image::base().layer(layer), IMAGE);
    Some(scratch)
}

/// `NUMBER[,ARGUMENT…]` of a call by its name.
fn word(name: &str, arguments: &[u64]) -> String {
    let number = number(Abi::NATIVE, name).unwrap();
    let words = [u64::from(number)].into_iter().chain(arguments.iter().copied());
    words.map(|word| word.to_string()).collect::<Vec<_>>().join(",")
}

#[track_caller]
fn expect(call: Call, calls: &[(&str, &[u64], &str)]) {
    let words: Vec<String> = calls.iter().map(|(name, arguments, _)| word(name, arguments)).collect();
    let output = call.args(words).run().success();
    let got: Vec<_> = calls.iter().map(|call| call.0).zip(output.lines()).collect();
    let wanted: Vec<_> = calls.iter().map(|call| (call.0, call.2)).collect();
    assert_eq!(got, wanted);
}

fn run(scratch: &Scratch, flags: &[&str]) -> Call {
    scratch.minirun(["run", "--rm"]).args(flags).args([IMAGE, "probe"])
}

/// What is closed in every container that did not ask for it.
const CLOSED: &[(&str, &[u64], &str)] = &[
    ("socket", &[38, 5, 0], EPERM),
    ("socket", &[40, 1, 0], EPERM),
    ("socket", &[0xffff_0000_0000_0028, 1, 0], EPERM),
    ("keyctl", &[0, 0xffff_fffd, 0], EPERM),
    ("add_key", &[], EPERM),
    ("request_key", &[], EPERM),
    ("io_uring_setup", &[1, 0], EPERM),
    ("userfaultfd", &[0], EPERM),
    ("bpf", &[], EPERM),
    ("perf_event_open", &[], EPERM),
    ("mount", &[], EPERM),
    ("umount2", &[], EPERM),
    ("fsopen", &[], EPERM),
    ("open_tree", &[], EPERM),
    ("unshare", &[0x1000_0000], EPERM),
    ("setns", &[], EPERM),
    ("clone", &[0x1000_0011], EPERM),
    ("clone3", &[0, 0], ENOSYS),
    ("personality", &[0x0040_0000], EPERM),
    ("kexec_load", &[], EPERM),
    ("init_module", &[], EPERM),
    ("swapon", &[], EPERM),
    ("reboot", &[], EPERM),
    ("ioctl", &[0, 0x5412, 0], EPERM),
    ("ioctl", &[0, 0xdead_beef_0000_5412, 0], EPERM),
    ("ioctl", &[0, 0xdead_beef_0000_541c, 0], EPERM),
];

#[test]
fn what_the_builtin_profile_closes() {
    require!(program_exists("gcc"), "no gcc");
    let Some(scratch) = with_probe() else { return };
    for flags in [&[][..], &["--init"], &["--security-opt", "no-new-privileges=false"], &["-u", "1:1"]] {
        // With one ID there is no other user.
        if flags.first() == Some(&"-u") && !crate::support::Caller::detect().has_many_ids() {
            continue;
        }
        expect(run(&scratch, flags), CLOSED);
    }
}

#[test]
fn what_the_builtin_profile_leaves_open() {
    require!(program_exists("gcc"), "no gcc");
    let Some(scratch) = with_probe() else { return };
    expect(
        run(&scratch, &[]),
        &[
            ("getpid", &[], "0"),
            ("personality", &[0xffff_ffff], "0"),
            ("personality", &[0x2_0000], "0"),
            ("socket", &[1, 1, 0], "0"),
            ("socket", &[2, 1, 0], "0"),
            ("socket", &[16, 3, 0], "0"),
            ("ioctl", &[9999, 0x5401, 0], BADF),
            ("ioctl", &[9999, 0x5413, 0], BADF),
            ("ptrace", &[0, 0, 0, 0], "0"),
            ("memfd_create", &[0, 0], FAULT),
            ("pidfd_open", &[1, 0], "0"),
            ("openat2", &[], "22"),
            ("faccessat2", &[9999, 0, 0, 0], FAULT),
            ("close_range", &[1000, 1001, 0], "0"),
            ("landlock_create_ruleset", &[0, 0, 1], "0"),
            ("membarrier", &[0, 0, 0], "0"),
            ("sched_yield", &[], "0"),
            ("io_setup", &[0, 0], FAULT),
            ("seccomp", &[0, 1, 0], "22"),
            ("getrandom", &[0, 0, 0], "0"),
            ("mlockall", &[0], "22"),
        ],
    );
}

#[test]
fn other_abis() {
    require!(program_exists("gcc"), "no gcc");
    require!(cfg!(target_arch = "x86_64"), "no other ABIs are known here");
    let Some(scratch) = with_probe() else { return };
    // getpid by i386 and by x32, and the call that packs socket().
    let words = ["i20", "0x40000027", "i102,1,0"];
    assert_eq!(run(&scratch, &[]).args(words).run().success(), [SIGSYS; 3].join("\n"));
    let output = run(&scratch, &["--abi32"]).args(words).run().success();
    assert_eq!(output, format!("0\n{SIGSYS}\n{EPERM}"));
}

#[test]
fn rights_and_nesting_open_calls() {
    require!(program_exists("gcc"), "no gcc");
    let Some(scratch) = with_probe() else { return };
    let administrator = &["--cap-add", "SYS_ADMIN"];
    expect(
        run(&scratch, administrator),
        &[
            ("mount", &[0, 0, 0, 0, 0], FAULT),
            ("unshare", &[0x0002_0000], "0"),
            ("clone3", &[0, 0], "22"),
            ("keyctl", &[], EPERM),
            ("io_uring_setup", &[], EPERM),
        ],
    );
    expect(
        run(&scratch, &["--security", "nested"]),
        &[
            ("unshare", &[0x1000_0000], "0"),
            ("clone3", &[0, 0], "22"),
            ("bpf", &[], EPERM),
            ("keyctl", &[], EPERM),
        ],
    );
    let unconfined = &["--security-opt", "seccomp=unconfined"];
    for flags in [&unconfined[..], &["--privileged"]] {
        expect(run(&scratch, flags), &[("unshare", &[0x1000_0000], "0"), ("clone3", &[0, 0], "22")]);
        let status = scratch.shell(flags, "grep ^Seccomp: /proc/self/status | cut -f2").run().success();
        assert_eq!(status, "0");
    }
}

#[test]
fn exec_and_a_second_start_are_filtered_alike() {
    require!(program_exists("gcc"), "no gcc");
    let Some(scratch) = with_probe() else { return };
    let own = scratch.file(
        "own.json",
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["getppid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 77}]}"#,
    );
    let own = format!("seccomp={}", own.display());
    for (flags, open, closed) in [
        (&[][..], 0, EPERM),
        (&["--security-opt", &own], 77, "22"),
        (&["--security-opt", "seccomp=unconfined"], 0, "22"),
        (&["--rm"], 0, EPERM),
        (&["--rm", "--security-opt", &own], 77, "22"),
    ] {
        let calls = [
            ("getppid", &[][..], &*open.to_string()),
            ("keyctl", &[0xffff, 0, 0], if closed == "22" { "95" } else { closed }),
        ];
        scratch.detach(&[flags, &["--name", "one"]].concat(), "exec sleep 1000");
        expect(scratch.minirun(["exec", "one", "probe"]), &calls);
        let status = "grep -h ^Seccomp /proc/1/status /proc/self/status | sort -u | wc -l";
        let alike = scratch.minirun(["exec", "one", "sh", "-c", status]).run().success();
        assert_eq!(alike, "2", "{flags:?}");
        let all = scratch.minirun(["exec", "--privileged", "one", "grep", "^Seccomp:", "/proc/self/status"]);
        assert_eq!(all.run().success(), "Seccomp:\t0");
        if flags.first() != Some(&"--rm") {
            scratch.minirun(["restart", "-t", "0", "one"]).run().success();
            expect(scratch.minirun(["exec", "one", "probe"]), &calls);
            let first =
                scratch.minirun(["exec", "one", "grep", "^Seccomp:", "/proc/1/status"]).run().success();
            assert_eq!(
                first,
                if flags.contains(&"seccomp=unconfined") { "Seccomp:\t0" } else { "Seccomp:\t2" }
            );
        }
        scratch.minirun(["rm", "-f", "one"]).run().success();
    }
}

#[test]
fn a_profile_of_ones_own() {
    require!(program_exists("gcc"), "no gcc");
    let Some(scratch) = with_probe() else { return };
    // Nothing but what the program needs: minirun itself needs no more than the last call.
    let profile = |more: &str| {
        format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "syscalls": [{{"names": ["execve", "brk",
                "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64", "readlink", "readlinkat",
                "getrandom", "mprotect", "write", "clone", "wait4", "exit_group", "fstat", "newfstatat", "gettid",
                "getpid", "mmap"], "action": "SCMP_ACT_ALLOW"}} {more}]}}"#
        )
    };
    let file = |text: String| format!("seccomp={}", scratch.file("profile.json", text).display());
    let flags = ["--security-opt", &file(profile(""))];
    expect(run(&scratch, &flags), &[("getpid", &[], "0"), ("getppid", &[], ENOSYS), ("setsid", &[], ENOSYS)]);
    let more = r#", {"names": ["getppid"], "action": "SCMP_ACT_KILL_PROCESS"},
        {"names": ["setsid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13, "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["getpgid"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}],
            "includes": {"minKernel": "5.0"}}"#;
    let flags = ["--security-opt", &file(profile(more))];
    expect(
        run(&scratch, &flags),
        &[
            ("getppid", &[], SIGSYS),
            ("setsid", &[], ENOSYS),
            ("getpgid", &[0], "0"),
            ("getpgid", &[1], ENOSYS),
        ],
    );
    let broken = file("{}".to_owned());
    let output = scratch.shell(&["--security-opt", &broken], "true").run();
    assert!(output.fails(125).contains("defaultAction"), "{output}");
}

#[test]
fn the_specification_has_the_profile() {
    let scratch = Scratch::with_image();
    let create =
        scratch.minirun(["create", "--name", "one", IMAGE, "grep", "^Seccomp:", "/proc/self/status"]);
    let id = create.run().success();
    let path = scratch.store().join("containers").join(id).join("config.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut spec: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(spec["linux"]["seccomp"]["defaultErrnoRet"], 38);
    assert_eq!(scratch.minirun(["start", "-a", "one"]).run().success(), "Seccomp:\t2");
    // What is written there counts, and not what is built in.
    spec["linux"].as_object_mut().unwrap().remove("seccomp");
    std::fs::write(&path, spec.to_string()).unwrap();
    assert_eq!(scratch.minirun(["start", "-a", "one"]).run().success(), "Seccomp:\t0");
}
