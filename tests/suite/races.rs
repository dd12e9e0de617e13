//! Two commands that want the same at once: one wins, the other says why it did not.

use crate::support::{IMAGE, Outcome, Scratch};

/// How often each pair meets.
const ROUNDS: usize = 12;

/// Starts two commands at once, the one or the other first.
fn race(scratch: &Scratch, round: usize, commands: [&[&str]; 2]) -> [Outcome; 2] {
    let call = |words: &[&str]| scratch.minirun(words).start();
    if round.is_multiple_of(2) {
        let (one, other) = (call(commands[0]), call(commands[1]));
        [one.wait(), other.wait()]
    } else {
        let (other, one) = (call(commands[1]), call(commands[0]));
        [one.wait(), other.wait()]
    }
}

/// An outcome is success, or a failure with one of these texts.
#[track_caller]
fn worked_or_says(outcome: &Outcome, texts: &[&str]) {
    let says = texts.iter().any(|text| outcome.stderr().contains(text));
    assert!(outcome.code == Some(0) || says, "{outcome}");
}

#[track_caller]
fn in_order(scratch: &Scratch) {
    // What is still to be swept is swept by the next command that writes.
    scratch.shell(&[], "true").run().success();
    scratch.minirun(["system", "check"]).run().success();
}

#[test]
fn rm_and_start() {
    let scratch = Scratch::with_image();
    for round in 0..ROUNDS {
        scratch.minirun(["create", "--name", "cc", IMAGE, "sleep", "1000"]).run().success();
        let [rm, start] = race(&scratch, round, [&["rm", "cc"], &["start", "cc"]]);
        worked_or_says(&rm, &["container `cc` is running"]);
        worked_or_says(&start, &["there is no container `cc`", "container `cc` is being removed"]);
        assert!(rm.code == Some(0) || start.code == Some(0), "{rm}\n{start}");
        assert!(rm.code != Some(0) || start.code != Some(0), "{rm}\n{start}");
        scratch.minirun(["rm", "-f", "cc"]).run();
    }
    in_order(&scratch);
}

#[test]
fn stop_and_rm() {
    let scratch = Scratch::with_image();
    for round in 0..ROUNDS {
        scratch.detach(&["--name", "cc"], "sleep 1000");
        let [stop, rm] = race(&scratch, round, [&["stop", "-t", "0", "cc"], &["rm", "-f", "cc"]]);
        worked_or_says(&stop, &["there is no container `cc`"]);
        rm.success();
    }
    assert_eq!(scratch.minirun(["ps", "-aq"]).run().success(), "");
    in_order(&scratch);
}

#[test]
fn prune_and_run() {
    let scratch = Scratch::with_image();
    for round in 0..ROUNDS {
        let run = ["run", "-v", "named:/v", "-v", "/w", IMAGE, "sh", "-c", "echo x >/v/x; cat /v/x"];
        let [prune, run] = race(&scratch, round, [&["system", "prune", "-f", "--volumes"], &run]);
        prune.success();
        assert_eq!(run.success(), "x");
    }
    in_order(&scratch);
}

#[test]
fn rmi_and_run() {
    let scratch = Scratch::with_image();
    let layout = scratch.path("layout");
    crate::support::Image::base().write_layout(&layout, IMAGE);
    for round in 0..ROUNDS {
        let [rmi, run] = race(&scratch, round, [&["rmi", IMAGE], &["run", "--rm", IMAGE, "echo", "x"]]);
        worked_or_says(&rmi, &["a container uses it", "is used by a container", "in use"]);
        worked_or_says(&run, &["there is no image", "was removed", "lacks the image"]);
        scratch.minirun(["load", "-q", "-i", layout.to_str().unwrap()]).run().success();
    }
    in_order(&scratch);
}

#[test]
fn rename_and_rename() {
    let scratch = Scratch::with_image();
    for round in 0..ROUNDS {
        scratch.minirun(["create", "--name", "aa", IMAGE, "true"]).run().success();
        scratch.minirun(["create", "--name", "bb", IMAGE, "true"]).run().success();
        let outcomes = race(&scratch, round, [&["rename", "aa", "cc"], &["rename", "bb", "cc"]]);
        let won = outcomes.iter().filter(|outcome| outcome.code == Some(0)).count();
        assert_eq!(won, 1, "{}\n{}", outcomes[0], outcomes[1]);
        for outcome in &outcomes {
            worked_or_says(outcome, &["the name `cc` is in use by"]);
        }
        // One container that gets two names has one of them, and the other is free.
        let outcomes = race(&scratch, round, [&["rename", "cc", "dd"], &["rename", "cc", "ee"]]);
        assert!(outcomes.iter().any(|outcome| outcome.code == Some(0)), "{}\n{}", outcomes[0], outcomes[1]);
        let names = scratch.minirun(["ps", "-a", "--format", "{{.Names}}"]).run().success();
        assert_eq!(names.lines().count(), 2, "{names}");
        in_order(&scratch);
        scratch.minirun(["rm"]).args(names.lines()).run().success();
    }
}

#[test]
fn volume_rm_and_run() {
    let scratch = Scratch::with_image();
    for round in 0..ROUNDS {
        scratch.minirun(["volume", "create", "vv"]).run().success();
        let run = ["run", "--rm", "-v", "vv:/v", IMAGE, "sh", "-c", "echo x >/v/x; cat /v/x"];
        let [rm, run] = race(&scratch, round, [&["volume", "rm", "vv"], &run]);
        worked_or_says(&rm, &["volume `vv` is in use by container"]);
        assert_eq!(run.success(), "x");
    }
    in_order(&scratch);
}
