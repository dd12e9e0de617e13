//! Containers that live on: `run -d`, `create`, `start`, `stop`, `kill`, `wait`, `rename`, and what a killed supervisor
//! leaves.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{IMAGE, Scratch, eventually, processes_with, unique_seconds};

/// The process that runs a container: the parent of the parent of its first process.
fn supervisor(pid_file: &std::path::Path) -> Pid {
    let parent = |pid: String| -> String {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
        line.trim().to_owned()
    };
    let init = std::fs::read_to_string(pid_file).unwrap().trim().to_owned();
    Pid::from_raw(parent(parent(init)).parse().unwrap())
}

#[test]
fn it_lives_on_and_keeps_nothing_of_its_caller() {
    let scratch = Scratch::with_image();
    let seconds = unique_seconds();
    let pid_file = scratch.path("pid");
    let flags = ["--name", "lives", "--pidfile", pid_file.to_str().unwrap()];
    let id = scratch.detach(&flags, &format!("sleep {seconds}"));
    assert_eq!(scratch.minirun(["ps", "-q", "--no-trunc"]).run().success(), id);
    assert_eq!(scratch.field("lives", ".State.Status"), "running");
    let supervisor = supervisor(&pid_file);
    let of_supervisor = |name: &str| std::fs::read_link(format!("/proc/{supervisor}/{name}")).unwrap();
    assert_eq!(of_supervisor("cwd"), std::path::Path::new("/"));
    for stream in ["fd/0", "fd/1", "fd/2"] {
        assert_eq!(of_supervisor(stream), std::path::Path::new("/dev/null"));
    }
    assert_ne!(nix::unistd::getsid(Some(supervisor)).unwrap(), nix::unistd::getsid(None).unwrap());
    scratch.minirun(["stop", "-t", "0", "lives"]).run().success();
    assert_eq!(processes_with(&seconds), 0);
    assert_eq!(scratch.field("lives", ".State.ExitCode"), "137");
}

#[test]
fn descriptors_of_the_caller_are_closed() {
    let scratch = Scratch::with_image();
    // The pipe ends only when nobody has descriptor 7 any more.
    let script = format!("\"$MINIRUN\" run -d {IMAGE} sleep 1000 7>&1 | cat >/dev/null; echo over");
    assert_eq!(scratch.host_script(&script).run().success(), "over");
}

#[test]
fn a_command_that_cannot_start_says_so_in_the_foreground() {
    let scratch = Scratch::with_image();
    scratch.minirun(["run", "-d", IMAGE, "no-such-command"]).run().fails(127);
    scratch.minirun(["run", "-d", IMAGE, "/"]).run().fails(126);
    scratch.minirun(["run", "-d", "--rm", IMAGE, "no-such-command"]).run().fails(127);
    scratch.minirun(["run", "-d", "-v", "/no-such:/x:nocreate", IMAGE, "true"]).run().refused();
    scratch.minirun(["run", "-d", "-a", "stdout", IMAGE, "true"]).run().refused();
    scratch.minirun(["run", "-d", "--rm", "--restart", "always", IMAGE, "true"]).run().refused();
    let states = scratch.minirun(["ps", "-a", "--format", "{{.Status}}"]).run().success();
    assert_eq!(states.lines().count(), 2, "{states}");
    assert!(states.contains("Exited (127)") && states.contains("Exited (126)"), "{states}");
}

#[test]
fn a_stop_is_asked_first_and_then_forced() {
    let scratch = Scratch::with_image();
    let willing = "trap 'exit 7' TERM; while :; do sleep 0.05; done";
    scratch.detach(&["--name", "willing"], willing);
    scratch.detach(&["--name", "deaf"], "trap '' TERM; while :; do sleep 0.05; done");
    scratch.detach(&["--name", "other", "--stop-signal", "USR1"], &willing.replace("TERM", "USR1"));
    scratch.detach(&["--name", "hasty", "--stop-timeout", "0"], "sleep 1000");
    std::thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    let names = scratch.minirun(["stop", "-t", "2", "willing", "deaf", "other"]).run().success();
    assert_eq!(names, "willing\ndeaf\nother");
    assert!(begun.elapsed() < Duration::from_secs(60));
    scratch.minirun(["stop", "hasty"]).run().success();
    for (name, code) in [("willing", "7"), ("deaf", "137"), ("other", "7"), ("hasty", "137")] {
        assert_eq!(scratch.field(name, ".State.ExitCode"), code, "{name}");
        assert_eq!(scratch.minirun(["wait", name]).run().success(), code, "{name}");
    }
    assert_eq!(scratch.minirun(["stop", "willing"]).run().success(), "willing");
    scratch.minirun(["stop", "nobody"]).run().fails(1);
}

#[test]
fn signals_reach_it() {
    let scratch = Scratch::with_image();
    let script = "trap 'echo usr1' USR1; trap 'echo real' 37; trap 'exit 9' INT; echo ready; \
                  while :; do sleep 0.05; done";
    scratch.detach(&["--name", "heard"], script);
    let has = |text: &str| scratch.minirun(["logs", "heard"]).run().success().contains(text);
    eventually("it is ready", || has("ready"));
    assert_eq!(scratch.minirun(["kill", "-s", "USR1", "heard"]).run().success(), "heard");
    eventually("the signal arrived", || has("usr1"));
    scratch.minirun(["kill", "-s", "RTMIN+3", "heard"]).run().success();
    eventually("the real-time signal arrived", || has("real"));
    scratch.minirun(["kill", "--signal", "SIGINT", "heard"]).run().success();
    assert_eq!(scratch.minirun(["wait", "heard"]).run().success(), "9");
    scratch.minirun(["kill", "heard"]).run().fails(1);
    scratch.minirun(["kill", "-s", "NOPE", "heard"]).run().fails(1);
    scratch.detach(&["--name", "killed"], "sleep 1000");
    scratch.minirun(["kill", "killed"]).run().success();
    assert_eq!(scratch.field("killed", ".State.ExitCode"), "137");
}

#[test]
fn one_that_goes_with_its_end_can_be_waited_for() {
    let scratch = Scratch::with_image();
    scratch.shell(&[], "true").run().success();
    let before = scratch.listing();
    let ready = scratch.directory("ready");
    let flag = format!("{}:/ready", ready.display());
    scratch.detach(
        &["--rm", "--name", "brief", "-v", &flag],
        "while [ ! -e /ready/go ]; do sleep 0.05; done; exit 5",
    );
    let waiting = scratch.minirun(["wait", "brief"]).start();
    std::thread::sleep(Duration::from_millis(200));
    scratch.file("ready/go", "");
    assert_eq!(waiting.wait().success(), "5");
    assert_eq!(scratch.listing(), before);
}

#[test]
fn it_is_started_again_on_its_own_files() {
    let scratch = Scratch::with_image();
    let script = "echo $((0$(cat /count /data/count 2>/dev/null | head -n1) + 1)) >/count; cp /count /data/; \
                  cat /count; hostname; exit 4";
    let flags = ["--name", "again", "-v", "/data", "-e", "A=1", "-h", "box", "-w", "/tmp"];
    scratch.detach(&flags, script);
    assert_eq!(scratch.minirun(["wait", "again"]).run().success(), "4");
    assert_eq!(scratch.minirun(["start", "again"]).run().success(), "again");
    scratch.minirun(["wait", "again"]).run().success();
    assert_eq!(scratch.minirun(["start", "-a", "again"]).run().exits(4), "3\nbox");
    assert_eq!(scratch.minirun(["logs", "again"]).run().success(), "1\nbox\n2\nbox\n3\nbox");
    assert_eq!(scratch.field("again", ".RestartCount"), "0");
    scratch.minirun(["restart", "again"]).run().success();
    assert_eq!(scratch.minirun(["wait", "again"]).run().success(), "4");
}

#[test]
fn what_ran_in_the_foreground_can_be_started() {
    let scratch = Scratch::with_image();
    let outcome =
        scratch.minirun(["run", "--name", "fore", IMAGE, "sh", "-c", "echo out; echo err >&2; exit 2"]).run();
    assert_eq!(outcome.exits(2), "out");
    assert_eq!(outcome.stderr(), "err\n");
    let logs = scratch.minirun(["logs", "fore"]).run();
    assert_eq!((logs.success(), logs.stderr()), ("out".to_owned(), "err\n"));
    assert_eq!(scratch.minirun(["start", "-a", "fore"]).run().exits(2), "out");
}

#[test]
fn one_is_made_and_started_later() {
    let scratch = Scratch::with_image();
    let create = ["create", "--name", "later", IMAGE, "sh", "-c", "echo x; exit 3"];
    let id = scratch.minirun(create).run().success();
    assert_eq!(id.len(), 64);
    assert_eq!(
        scratch.minirun(["ps", "-a", "--format", "{{.Status}} {{.State}}"]).run().success(),
        "Created created"
    );
    assert_eq!(scratch.minirun(["ps", "-q"]).run().success(), "");
    scratch.minirun(["kill", "later"]).run().fails(1);
    assert_eq!(scratch.minirun(["start", "--attach", "later"]).run().exits(3), "x");

    // One that goes with its end is not swept before it has begun.
    scratch.minirun(["create", "--rm", "--name", "once", IMAGE, "true"]).run().success();
    scratch.shell(&[], "true").run().success();
    assert_eq!(scratch.field("once", ".State.Status"), "created");
    scratch.minirun(["start", "-a", "once"]).run().success();
    assert_eq!(scratch.minirun(["inspect", "once"]).run().code, Some(1));
}

#[test]
fn the_foreground_can_be_reached_too() {
    let scratch = Scratch::with_image();
    for flags in [&["--name", "fore"][..], &["--rm", "--name", "gone"]] {
        let ready = scratch.directory("ready");
        let mount = format!("{}:/ready", ready.display());
        let script = "trap 'exit 6' TERM; touch /ready/go; while :; do sleep 0.05; done";
        let running =
            scratch.minirun(["run", "-v", &mount]).args(flags).args([IMAGE, "sh", "-c", script]).start();
        eventually("the container runs", || ready.join("go").exists());
        scratch.minirun(["stop", flags[flags.len() - 1]]).run().success();
        running.wait().exits(6);
        std::fs::remove_dir_all(ready).unwrap();
    }
    let running = scratch.minirun(["run", "--name", "killed", IMAGE, "sleep", "1000"]).start();
    eventually("the container runs", || scratch.minirun(["kill", "killed"]).run().code == Some(0));
    running.wait().exits(137);
    assert_eq!(scratch.field("killed", ".State.ExitCode"), "137");
}

#[test]
fn names_change() {
    let scratch = Scratch::with_image();
    let id = scratch.detach(&["--rm", "--name", "old"], "sleep 1000");
    scratch.detach(&["--name", "taken"], "true");
    scratch.minirun(["rename", "old", "taken"]).run().fails(1);
    scratch.minirun(["rename", "old", "-bad"]).run().fails(1);
    scratch.minirun(["rename", "old", "new"]).run().success();
    assert_eq!(scratch.field("new", ".Id"), id);
    assert_eq!(scratch.minirun(["inspect", "old"]).run().code, Some(1));
    scratch.minirun(["run", "--rm", "--name", "old", IMAGE, "true"]).run().success();
    scratch.minirun(["stop", "-t", "0", "new"]).run().success();
    // The name went with the container.
    scratch.minirun(["run", "--rm", "--name", "new", IMAGE, "true"]).run().success();
}

#[test]
fn removing_a_running_one_needs_force() {
    let scratch = Scratch::with_image();
    scratch.minirun(["rm", "nobody"]).run().fails(1);
    // What is not there is as good as removed.
    let outcome = scratch.minirun(["rm", "-f", "nobody"]).run();
    assert!(outcome.success().is_empty() && outcome.stderr().contains("nobody"), "{outcome}");
    scratch.minirun(["rm", "--link", "nobody"]).run().refused();
    scratch.shell(&[], "true").run().success();
    let before = scratch.listing();
    scratch.detach(&["--name", "busy"], "sleep 1000");
    scratch.detach(&["--rm", "--name", "busy2"], "sleep 1000");
    scratch.minirun(["rm", "busy"]).run().fails(1);
    assert_eq!(scratch.minirun(["rm", "-f", "busy", "busy2"]).run().success(), "busy\nbusy2");
    assert_eq!(scratch.listing(), before);
    assert_eq!(scratch.minirun(["ps", "-aq"]).run().success(), "");
}

#[test]
fn prune_removes_what_does_not_run() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "runs"], "sleep 1000");
    let over = scratch.detach(&["--name", "over", "-l", "a=b"], "true");
    scratch.minirun(["wait", "over"]).run().success();
    scratch.minirun(["create", "--name", "waits", IMAGE, "true"]).run().success();
    assert!(!scratch.minirun(["container", "prune"]).input("n\n").run().success().contains(&over));
    let output = scratch.minirun(["container", "prune", "-f", "--filter", "label=a"]).run().success();
    assert!(
        output.starts_with(&format!("Deleted Containers:\n{over}\n\nTotal reclaimed space: ")),
        "{output}"
    );
    scratch.minirun(["container", "prune", "--force"]).run().success();
    assert_eq!(scratch.minirun(["ps", "-a", "--format", "{{.Names}}"]).run().success(), "runs");
}

#[test]
fn a_time_limit_ends_it() {
    let scratch = Scratch::with_image();
    let begun = Instant::now();
    let flags = ["--timeout", "300ms", "--stop-timeout", "1"];
    scratch.shell(&flags, "trap '' TERM; while :; do sleep 0.05; done").run().exits(124);
    assert!(begun.elapsed() >= Duration::from_millis(1300));
    scratch.detach(
        &["--name", "limited", "--timeout", "1.5"],
        "trap 'exit 0' TERM; while :; do sleep 0.05; done",
    );
    assert_eq!(scratch.minirun(["wait", "limited"]).run().success(), "124");
    assert_eq!(scratch.field("limited", ".State.TimedOut"), "true");
    // Over before it has begun.
    scratch.shell(&["--timeout", "1ms"], "sleep 1000").run().exits(124);
    scratch.detach(&["--name", "early", "--timeout", "1ms"], "sleep 1000");
    assert_eq!(scratch.minirun(["wait", "early"]).run().success(), "124");
    scratch.shell(&["--timeout", "100"], "exit 3").run().exits(3);
    scratch.shell(&["--timeout", "soon"], "true").run().refused();
}

#[test]
fn a_killed_supervisor_leaves_the_truth() {
    let scratch = Scratch::with_image();
    let seconds = unique_seconds();
    let pid_file = scratch.path("pid");
    let flags = ["--name", "killed", "--pidfile", pid_file.to_str().unwrap()];
    scratch.detach(&flags, &format!("echo before; sleep {seconds}"));
    eventually("it has written", || scratch.minirun(["logs", "killed"]).run().success() == "before");
    kill(supervisor(&pid_file), Signal::SIGKILL).unwrap();
    eventually("all its processes are gone", || processes_with(&seconds) == 0);
    eventually("it is seen", || scratch.field("killed", ".State.Status") == "dead");
    assert_eq!(scratch.minirun(["logs", "killed"]).run().success(), "before");
    assert_eq!(scratch.minirun(["wait", "killed"]).run().success(), "137");
    scratch.minirun(["start", "killed"]).run().success();
    assert_eq!(scratch.field("killed", ".State.Status"), "running");
    scratch.minirun(["rm", "-f", "killed"]).run().success();
    assert_eq!(processes_with(&seconds), 0);
}

#[test]
fn supervisors_killed_at_random_moments_leave_the_truth() {
    let scratch = Scratch::with_image();
    let seconds = unique_seconds();
    let pid_file = scratch.path("pid");
    let file = pid_file.to_str().unwrap();
    for round in 0..8_u64 {
        let _ = std::fs::remove_file(&pid_file);
        let name = format!("round{round}");
        let removed = round % 2 == 1;
        let mut call = scratch.minirun(["run", "-d", "--name", &name, "--pidfile", file, "--restart", "no"]);
        if removed {
            call = call.args(["--rm"]);
        }
        let script = format!("echo x; sleep 0.{round}; exec sleep {seconds}");
        call.args([IMAGE, "sh", "-c", &script]).run().success();
        std::thread::sleep(Duration::from_millis(round * 7));
        kill(supervisor(&pid_file), Signal::SIGKILL).unwrap();
        eventually("all its processes are gone", || processes_with(&seconds) == 0);
        if removed {
            eventually("it is swept", || {
                scratch.shell(&[], "true").run().success();
                scratch.minirun(["inspect", &name]).run().code == Some(1)
            });
        } else {
            eventually("it is dead", || scratch.field(&name, ".State.Status") == "dead");
            scratch.minirun(["rm", &name]).run().success();
        }
    }
    scratch.assert_nothing_left_running();
}

#[test]
fn a_killed_foreground_leaves_nothing_running() {
    let scratch = Scratch::with_image();
    let seconds = unique_seconds();
    for delay in [1, 3, 6, 10, 15, 20, 30, 50] {
        let running = scratch.minirun(["run", "-d", IMAGE, "sleep", &seconds]).start();
        std::thread::sleep(Duration::from_millis(delay));
        running.signal(Signal::SIGKILL);
        running.wait();
    }
    // Each is in one of the states there are, can be removed, and is gone then.
    std::thread::sleep(Duration::from_millis(500));
    let ids = scratch.minirun(["ps", "-aq"]).run().success();
    for id in ids.lines() {
        let state = scratch.field(id, ".State.Status");
        assert!(["created", "running", "dead"].contains(&state.as_str()), "{state}");
        scratch.minirun(["rm", "-f", id]).run().success();
    }
    eventually("no process is left", || processes_with(&seconds) == 0);
}

#[test]
fn a_supervisor_is_small() {
    let scratch = Scratch::with_image();
    let pid_file = scratch.path("pid");
    scratch.detach(&["--pidfile", pid_file.to_str().unwrap()], "sleep 1000");
    let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", supervisor(&pid_file))).unwrap();
    let dirty = rollup.lines().find_map(|line| line.strip_prefix("Private_Dirty:")).unwrap();
    let kilobytes: u64 = dirty.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes < 1024, "{rollup}");
}
