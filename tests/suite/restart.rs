//! `--restart`: what a supervisor starts again.

use std::time::{Duration, Instant};

use crate::support::{IMAGE, Scratch, eventually};

#[test]
fn on_failure_is_counted() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "fails", "--restart", "on-failure:2"], "echo x; exit 3");
    eventually("it has given up", || scratch.field("fails", ".State.Status") == "exited");
    assert_eq!(scratch.minirun(["logs", "fails"]).run().success(), "x\nx\nx");
    assert_eq!(scratch.field("fails", ".RestartCount"), "2");
    assert_eq!(scratch.field("fails", ".State.ExitCode"), "3");
    assert_eq!(scratch.field("fails", ".HostConfig.RestartPolicy.Name"), "on-failure");
    scratch.detach(&["--name", "succeeds", "--restart", "on-failure"], "echo x");
    eventually("it has ended", || scratch.field("succeeds", ".State.Status") == "exited");
    assert_eq!(scratch.minirun(["logs", "succeeds"]).run().success(), "x");
}

#[test]
fn always_goes_on_until_it_is_stopped() {
    let scratch = Scratch::with_image();
    for policy in ["always", "unless-stopped"] {
        scratch.detach(&["--name", policy, "--restart", policy], "echo x; exit 0");
        let lines = || scratch.minirun(["logs", policy]).run().success().lines().count();
        eventually("it has run three times", || lines() >= 3);
        let begun = Instant::now();
        scratch.minirun(["stop", policy]).run().success();
        assert!(begun.elapsed() < Duration::from_secs(20));
        let before = lines();
        assert_eq!(scratch.field(policy, ".State.Status"), "exited");
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(lines(), before);
    }
}

#[test]
fn a_killed_one_stays_killed_and_one_that_crashes_does_not() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "kept", "--restart", "always"], "echo x; sleep 1000");
    let lines = || scratch.minirun(["logs", "kept"]).run().success().lines().count();
    eventually("it ran", || lines() == 1);
    scratch.minirun(["kill", "kept"]).run().success();
    assert_eq!(scratch.field("kept", ".State.Status"), "exited");
    scratch.minirun(["start", "kept"]).run().success();
    eventually("it runs", || lines() == 2);
    // A signal that is not its stop signal is no order.
    scratch.detach(
        &["--name", "hup", "--restart", "always"],
        "echo x; trap 'exit 1' HUP; while :; do sleep 0.05; done",
    );
    eventually("it runs", || scratch.minirun(["logs", "hup"]).run().success() == "x");
    std::thread::sleep(Duration::from_millis(200));
    scratch.minirun(["kill", "-s", "HUP", "hup"]).run().success();
    eventually("it runs again", || scratch.minirun(["logs", "hup"]).run().success() == "x\nx");
    scratch.minirun(["rm", "-f", "hup", "kept"]).run().success();
}

#[test]
fn restart_is_a_stop_and_a_start() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "one"], "echo x; sleep 1000");
    let begun = scratch.field("one", ".State.StartedAt");
    assert_eq!(scratch.minirun(["restart", "-t", "0", "one"]).run().success(), "one");
    assert_ne!(scratch.field("one", ".State.StartedAt"), begun);
    assert_eq!(scratch.field("one", ".State.Running"), "true");
    eventually("it runs again", || scratch.minirun(["logs", "one"]).run().success() == "x\nx");
    scratch.detach(&["--rm", "--name", "two"], "sleep 1000");
    scratch.minirun(["restart", "-t", "0", "two"]).run().fails(1);
}

#[test]
fn the_foreground_shows_the_first_run() {
    let scratch = Scratch::with_image();
    let run = ["run", "--name", "fore", "--restart", "on-failure:1", IMAGE, "sh", "-c", "echo x; exit 3"];
    assert_eq!(scratch.minirun(run).run().exits(3), "x");
    eventually("it has run twice", || scratch.minirun(["logs", "fore"]).run().success() == "x\nx");
}
