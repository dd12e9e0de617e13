//! What stays of a container, and how it goes.

use serde_json::Value;

use crate::support::{IMAGE, Scratch};

#[test]
fn a_container_stays_until_it_is_removed() {
    let scratch = Scratch::with_image();
    scratch.shell(&[], "true").run().success();
    let before = scratch.listing();
    scratch.minirun(["run", "--name", "kept", IMAGE, "sh", "-c", "echo x >/new; exit 3"]).run().exits(3);
    let output = scratch.minirun(["ps", "-a"]).run().success();
    let mut lines = output.lines();
    let header = lines.next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(header, "CONTAINER ID IMAGE COMMAND CREATED STATUS PORTS NAMES");
    let line = lines.next().unwrap();
    for part in [IMAGE, "Exited (3)", "kept"] {
        assert!(line.contains(part), "{part}: {output}");
    }
    assert_eq!(scratch.minirun(["ps"]).run().success().lines().count(), 1);
    let new = scratch.find_in_store("new");
    assert_eq!(std::fs::read_to_string(new).unwrap(), "x\n");

    scratch.minirun(["rm", "kept"]).run().success();
    assert_eq!(scratch.listing(), before);
}

#[test]
fn rm_leaves_nothing() {
    let scratch = Scratch::with_image();
    scratch.shell(&[], "true").run().success();
    let before = scratch.listing();
    for script in ["exit 3", "mkdir -p /a/b; touch /a/b/c; rm -r /seed", "kill -9 $$"] {
        scratch.shell(&[], script).run();
        assert_eq!(scratch.listing(), before, "{script}");
    }
    scratch.minirun(["run", "--rm", IMAGE, "no-such-command"]).run().fails(127);
    assert_eq!(scratch.listing(), before);
    assert_eq!(scratch.minirun(["ps", "-a", "-q"]).run().success(), "");
}

#[test]
fn names_and_ids_find_a_container() {
    let scratch = Scratch::with_image();
    scratch.minirun(["run", "--name", "one", IMAGE, "true"]).run().success();
    scratch.minirun(["run", IMAGE, "true"]).run().success();
    let ids = scratch.minirun(["ps", "-a", "-q"]).run().success();
    assert_eq!(ids.lines().count(), 2, "{ids}");
    let inspected = |name: &str| -> Value {
        serde_json::from_str(&scratch.minirun(["inspect", name]).run().success()).unwrap()
    };
    let document = inspected("one");
    let id = document[0]["Id"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 64);
    assert!(ids.contains(&id[..12]));
    for name in [id.as_str(), &id[..12], &id[..10]] {
        assert_eq!(inspected(name)[0]["Id"], id.as_str(), "{name}");
    }
    for id in ids.lines() {
        scratch.minirun(["rm", id]).run().success();
    }
    assert_eq!(scratch.minirun(["ps", "-a", "-q"]).run().success(), "");
    scratch.minirun(["rm", "one"]).run();
    assert_ne!(scratch.minirun(["inspect", "one"]).run().code, Some(0));
}

#[test]
fn a_name_is_taken_once() {
    let scratch = Scratch::with_image();
    scratch.minirun(["run", "--name", "taken", IMAGE, "true"]).run().success();
    let outcome = scratch.minirun(["run", "--name", "taken", IMAGE, "true"]).run();
    assert!(outcome.refused().contains("taken"), "{outcome}");
    scratch.minirun(["rm", "taken"]).run().success();
    scratch.minirun(["run", "--rm", "--name", "taken", IMAGE, "true"]).run().success();
    scratch.minirun(["run", "--rm", "--name", "taken", IMAGE, "true"]).run().success();
    for bad in ["", "x", "-x", "a b", "a/b", "../x"] {
        let flag = format!("--name={bad}");
        scratch.minirun(["run", "--rm", &flag, IMAGE, "true"]).run().refused();
    }
}

#[test]
fn a_running_container_is_listed_and_kept() {
    let scratch = Scratch::with_image();
    let ready = scratch.directory("ready");
    let flag = format!("{}:/ready", ready.display());
    let script = "touch /ready/go; while [ -e /ready/go ]; do sleep 0.05; done";
    let running = scratch.shell(&["--name", "busy", "-v", &flag], script).start();
    crate::support::eventually("the container runs", || ready.join("go").exists());
    let output = scratch.minirun(["ps"]).run().success();
    assert!(output.contains("busy") && output.contains("Up "), "{output}");
    assert_ne!(scratch.minirun(["rm", "busy"]).run().code, Some(0));
    std::fs::remove_file(ready.join("go")).unwrap();
    running.wait().success();
    assert_eq!(scratch.minirun(["ps", "-a", "-q"]).run().success(), "");
}

#[test]
fn what_a_killed_minirun_leaves_is_cleared_by_the_next() {
    let scratch = Scratch::with_image();
    scratch.shell(&[], "true").run().success();
    let before = scratch.listing();
    let ready = scratch.directory("ready");
    let flag = format!("{}:/ready", ready.display());
    let running = scratch.shell(&["--name", "killed", "-v", &flag], "touch /ready/go; sleep 1000").start();
    crate::support::eventually("the container runs", || ready.join("go").exists());
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.wait();
    crate::support::eventually("the next commands clear it", || {
        scratch.minirun(["run", "--rm", "--name", "killed", IMAGE, "true"]).run().code == Some(0)
            && scratch.listing() == before
    });
}
