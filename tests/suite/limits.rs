//! Limits of whole containers.

use std::path::Path;

use serde_json::Value;

use crate::support::{Caller, IMAGE, Scratch};

/// Whether this machine has what a limit needs; whether the caller has it, too, is another matter.
fn is_unified() -> bool {
    Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

#[test]
fn values_that_limit_nothing() {
    let scratch = Scratch::new();
    for (flag, value) in [
        ("--memory", "5m"),
        ("-m", "much"),
        ("--memory-swap", "1g"),
        ("--cpus", "0"),
        ("--cpus", "1,5"),
        ("-c", "1"),
        ("--cpuset-cpus", "3-1"),
        ("--pids-limit", "-2"),
        ("--blkio-weight", "5"),
        ("--limits", "loose"),
    ] {
        scratch.minirun(["run", "--rm", flag, value, "host", "true"]).run().refused();
    }
}

#[test]
fn values_that_mean_no_limit() {
    let scratch = Scratch::with_image();
    for (flag, value) in [("--pids-limit", "-1"), ("-m", "0"), ("-c", "0"), ("--blkio-weight", "0")] {
        scratch.shell(&[flag, value], "true").run().success();
    }
}

#[test]
fn a_limit_is_enforced_or_refused() {
    let scratch = Scratch::with_image();
    for flags in [&["-m", "64m"][..], &["--pids-limit", "20"], &["--cpus", "0.5"], &["-c", "512"]] {
        let outcome = scratch.shell(flags, "cat /sys/fs/cgroup/memory.max; true").run();
        if outcome.code == Some(0) {
            continue;
        }
        let said = outcome.refused();
        assert!(said.contains("cannot enforce `--") && said.contains("--limits best-effort"), "{outcome}");
        if !is_unified() {
            assert!(said.contains("no cgroups of version 2"), "{outcome}");
        }
    }
}

#[test]
fn best_effort_limits_processes_and_says_so() {
    if is_unified() {
        return;
    }
    let scratch = Scratch::with_image();
    let flags = ["--limits", "best-effort", "-m", "64m", "--cpus", "0.5", "--pids-limit", "40"];
    let outcome = scratch.shell(&flags, "ulimit -d; ulimit -Hd").run();
    assert_eq!(outcome.success(), "65536\n65536");
    let said = outcome.stderr();
    assert!(said.contains("--memory 64m: RLIMIT_DATA=67108864 (for each process"), "{outcome}");
    assert!(said.contains("--cpus 0.5: not limited"), "{outcome}");
    let bounds = said.contains("--pids-limit 40: RLIMIT_NPROC=40");
    assert_eq!(bounds, Caller::detect() != Caller::Root, "{outcome}");
    // What the user says of a process is left alone.
    let outcome = scratch.shell(&[&flags[..], &["--ulimit", "data=33554432"]].concat(), "ulimit -d").run();
    assert_eq!(outcome.success(), "32768");
    assert!(outcome.stderr().contains("--ulimit data says otherwise"), "{outcome}");
}

#[test]
fn a_bomb_is_defused_by_best_effort() {
    if is_unified() || Caller::detect() == Caller::Root {
        return;
    }
    let scratch = Scratch::with_image();
    let flags = ["--limits", "best-effort", "--pids-limit", "12"];
    let script = "i=0; while [ $i -lt 30 ]; do sleep 3 & i=$((i+1)); done 2>/dev/null; wait; echo all";
    let outcome = scratch.shell(&flags, script).run();
    assert_ne!(outcome.code, Some(0), "{outcome}");
    // Others of the same user outside do not count.
    assert_eq!(scratch.shell(&flags, "sleep 0 & sleep 0 & wait; echo few").run().success(), "few");
}

#[test]
fn what_became_of_a_limit_is_shown() {
    if is_unified() {
        return;
    }
    let scratch = Scratch::with_image();
    let call =
        scratch.minirun(["run", "--name", "one", "--limits", "best-effort", "-m", "64m", "--cpus", "1"]);
    call.args([IMAGE, "true"]).run().success();
    let document: Value = serde_json::from_str(&scratch.minirun(["inspect", "one"]).run().success()).unwrap();
    let limits = &document[0]["Limits"];
    assert_eq!(limits[0]["asked"], "--memory 64m", "{document}");
    assert_eq!(limits[0]["enforced"], "RLIMIT_DATA=67108864", "{document}");
    assert_eq!(limits[1]["enforced"], Value::Null, "{document}");
}

#[test]
fn kernel_settings_of_its_own() {
    let scratch = Scratch::with_image();
    let flags =
        ["--network", "none", "--sysctl", "net.ipv4.ip_default_ttl=77", "--sysctl", "kernel.msgmax=1000"];
    let script = "cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/msgmax";
    assert_eq!(scratch.shell(&flags, script).run().success(), "77\n1000");
    for (flags, said) in [
        (&["--sysctl", "vm.swappiness=1"][..], "whole machine's"),
        (&["--sysctl", "kernel.hostname=x"], "--hostname"),
        (&["--sysctl", "net.core.somaxconn"], "NAME=VALUE"),
        (&["--sysctl", "net.core.somaxconn=1\nkernel.core_pattern=x"], "NAME=VALUE"),
        (&["--network", "host", "--sysctl", "net.core.somaxconn=9"], "no network of its own"),
        (&["--network", "none", "--sysctl", "net.no.such=1"], "sysctl net.no.such=1"),
    ] {
        let outcome = scratch.shell(flags, "true").run();
        assert!(outcome.refused().contains(said), "{outcome}");
    }
}

#[test]
fn who_is_killed_first_for_want_of_memory() {
    let scratch = Scratch::with_image();
    let script = "cat /proc/self/oom_score_adj";
    assert_eq!(scratch.shell(&["--oom-score-adj", "500"], script).run().success(), "500");
    scratch.detach(&["--name", "one", "--oom-score-adj", "600"], "sleep 100");
    assert_eq!(scratch.minirun(["exec", "one", "cat", "/proc/1/oom_score_adj"]).run().success(), "600");
    assert_eq!(scratch.minirun(["exec", "one", "cat", "/proc/self/oom_score_adj"]).run().success(), "600");
    assert_eq!(scratch.field("one", ".HostConfig.OomScoreAdj"), "600");
    scratch.minirun(["rm", "-f", "one"]).run().success();
    scratch.shell(&["--oom-score-adj", "2000"], "true").run().refused();
    if Caller::detect() != Caller::Root {
        let outcome = scratch.shell(&["--oom-score-adj=-900"], "true").run();
        assert!(outcome.refused().contains("OOM score adjustment -900"), "{outcome}");
    }
}

#[test]
fn limits_are_shown_in_dockers_numbers() {
    if is_unified() {
        return;
    }
    let scratch = Scratch::with_image();
    let flags = ["--limits", "best-effort", "-m", "64m", "--cpus", "1.5", "--pids-limit", "90", "-c", "512"];
    let call = scratch.minirun(["create", "--name", "one"]).args(flags).args([IMAGE, "true"]);
    call.run().success();
    for (field, value) in [
        ("Memory", "67108864"),
        ("MemorySwap", "134217728"),
        ("NanoCpus", "1500000000"),
        ("PidsLimit", "90"),
        ("CpuShares", "512"),
    ] {
        assert_eq!(scratch.field("one", &format!(".HostConfig.{field}")), value, "{field}");
    }
}
