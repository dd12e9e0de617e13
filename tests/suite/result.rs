//! `--result`: what became of a run, in one document.

use std::collections::BTreeSet;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{Caller, IMAGE, Scratch, eventually};

fn read(scratch: &Scratch, name: &str) -> Value {
    let text = std::fs::read(scratch.path(name)).unwrap();
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

/// Runs with `--result`, and returns the document.
fn result(scratch: &Scratch, flags: &[&str], script: &str, code: i32) -> Value {
    let path = scratch.path("result.json");
    let _ = std::fs::remove_file(&path);
    let flags = [&["--result", path.to_str().unwrap()], flags].concat();
    scratch.shell(&flags, script).run().exits(code);
    read(scratch, "result.json")
}

/// Every field, arrays as `[]`; findings and what hangs on a name are leaves.
fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    const LEAVES: [&str; 2] = ["usage.unknown", "security.namespaces"];
    let is_finding = value.get("asked").is_some() && !path.ends_with("[]");
    match value {
        Value::Object(object) if !is_finding && !LEAVES.contains(&path) => {
            for (key, value) in object {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                fields(value, &path, found);
            }
        }
        Value::Array(items) if items.first().is_some_and(Value::is_object) => {
            for item in items {
                fields(item, &format!("{path}[]"), found);
            }
        }
        _ => {
            found.insert(path.to_owned());
        }
    }
}

#[test]
fn every_field_is_documented() {
    let scratch = Scratch::with_image();
    let document = result(&scratch, &["--ulimit", "nofile=50:60"], "true", 0);
    let mut real = BTreeSet::new();
    fields(&document, "", &mut real);
    let text = include_str!("../../docs/result.md");
    let field = |line: &str| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name.to_owned());
    let whole = ["container", "ids", "security"].map(str::to_owned);
    let documented: BTreeSet<String> =
        text.lines().filter_map(field).filter(|name| !whole.contains(name)).collect();
    assert_eq!(real, documented);
}

#[test]
fn what_was_asked_is_enforced_and_verified() {
    let scratch = Scratch::with_image();
    let source = scratch.directory("source");
    let bind = format!("{}:/mnt:ro,noexec", source.display());
    let flags = ["-v", &bind, "--ulimit", "nofile=50:60", "--cap-drop", "ALL", "--read-only"];
    let document = result(&scratch, &flags, "true", 0);
    for name in ["capabilities", "effectiveCapabilities", "noNewPrivileges", "seccomp", "readOnlyRoot"] {
        let finding = &document["security"][name];
        assert_eq!(finding["asked"], finding["enforced"], "{name}: {document}");
        assert!(finding["verified"].as_str().unwrap().starts_with("read from /proc/PID/"), "{finding}");
    }
    assert_eq!(document["security"]["capabilities"]["enforced"], serde_json::json!([]));
    assert_eq!(document["security"]["readOnlyRoot"]["enforced"], true);
    for name in ["user", "uidMap", "gidMap"] {
        let finding = &document["ids"][name];
        assert_eq!(finding["asked"], finding["enforced"], "{name}: {document}");
    }
    for (name, finding) in document["security"]["namespaces"].as_object().unwrap() {
        assert_eq!(finding["asked"], finding["enforced"], "{name}: {document}");
    }
    let mounts = document["mounts"].as_array().unwrap();
    let mount = mounts.iter().find(|mount| mount["destination"] == "/mnt").unwrap();
    let enforced: Vec<&str> =
        mount["enforced"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(enforced.contains(&"ro") && enforced.contains(&"noexec"), "{mount}");
    assert_eq!(mount["type"], "bind");
    let limit = &document["limits"][0];
    assert_eq!(
        (&limit["asked"], &limit["enforced"]),
        (&"rlimit nofile=50:60".into(), &"nofile=50:60".into())
    );
}

#[test]
fn the_commands_end_is_apart_from_miniruns() {
    let scratch = Scratch::with_image();
    let document = result(&scratch, &[], "exit 3", 3);
    assert_eq!(
        (&document["minirun"]["outcome"], &document["minirun"]["exitCode"]),
        (&"ran".into(), &3.into())
    );
    assert_eq!(document["command"]["exitCode"], 3);
    assert_eq!(document["command"]["signal"], Value::Null);

    // One that is its own process 1 can be killed only from outside; below an init it kills itself.
    let document = result(&scratch, &["--init"], "kill -9 $$", 137);
    assert_eq!(document["minirun"]["exitCode"], 137, "{document}");

    let document = result(&scratch, &["--timeout", "300ms", "--stop-timeout", "0"], "sleep 9", 124);
    assert_eq!(document["minirun"]["exitCode"], 124, "{document}");
    assert_eq!(document["command"]["timedOut"], true, "{document}");
    assert_eq!(document["command"]["signal"], 9, "{document}");
    assert!(document["usage"]["wallSeconds"].as_f64().unwrap() > 0.05, "{document}");
}

#[test]
fn what_it_took_is_counted_or_said_to_be_unknown() {
    let scratch = Scratch::with_image();
    let document = result(&scratch, &[], "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done", 0);
    let usage = &document["usage"];
    let seconds = usage["userSeconds"].as_f64().unwrap() + usage["systemSeconds"].as_f64().unwrap();
    assert!(seconds > 0.0 && seconds < 60.0, "{usage}");
    assert!(usage["peakMemoryBytes"].as_u64().unwrap() > 100_000, "{usage}");
    if document["command"]["outOfMemory"].is_null() {
        assert!(usage["unknown"]["outOfMemory"].is_string(), "{usage}");
    }
}

#[test]
fn what_never_ran_has_a_result_too() {
    let scratch = Scratch::with_image();
    let path = scratch.path("result.json");
    let flag = format!("--result={}", path.display());
    for (arguments, code) in [
        (vec!["no-such-image", "true"], 125),
        (vec!["--userns", "nonsense", IMAGE, "true"], 125),
        (vec!["-v", "/no/such/place:/x", "--mount", "type=bind,src=/none,dst=/y", IMAGE, "true"], 125),
        (vec![IMAGE, "no-such-command"], 127),
        (vec!["-d", IMAGE, "no-such-command"], 127),
    ] {
        let _ = std::fs::remove_file(&path);
        let call = scratch.minirun(["run", "--rm", &flag]).args(&arguments);
        assert_eq!(call.run().code, Some(code), "{arguments:?}");
        let document = read(&scratch, "result.json");
        assert_eq!(document["minirun"]["outcome"], "not-started", "{document}");
        assert_eq!(document["minirun"]["exitCode"], code, "{document}");
        assert!(!document["minirun"]["errors"].as_array().unwrap().is_empty(), "{document}");
        assert_eq!(document["command"]["exitCode"], Value::Null, "{document}");
    }
}

#[test]
fn a_result_that_cannot_be_written_is_found_before() {
    let scratch = Scratch::with_image();
    let missing = scratch.path("missing/result.json");
    for target in [missing.to_str().unwrap(), "fd:9", "fd:1"] {
        scratch.shell(&["--result", target, "--name", "x"], "echo ran").run().refused();
    }
    scratch.minirun(["run", "-d", "--result", "fd:3", IMAGE, "true"]).run().refused();
    assert_eq!(scratch.minirun(["ps", "-a", "-q"]).run().success(), "");
}

#[test]
fn a_descriptor_takes_it() {
    let scratch = Scratch::with_image();
    let minirun = env!("CARGO_BIN_EXE_minirun");
    let script = format!(
        "cd {}; {minirun} --store {} run --rm --result fd:3 {IMAGE} sh -c 'echo out; ls /proc/self/fd' 3>result",
        scratch.path("").display(),
        scratch.store().display()
    );
    let said = scratch.host_script(&script).run().success();
    // The descriptor is minirun's alone: `ls` itself has 3.
    assert_eq!(said, "out\n0\n1\n2\n3");
    assert_eq!(read(&scratch, "result")["minirun"]["outcome"], "ran");
}

#[test]
fn a_killed_launcher_leaves_nothing_half_written() {
    let scratch = Scratch::with_image();
    let path = scratch.file("result.json", "before");
    let running = scratch.shell(&["--result", path.to_str().unwrap()], "echo go; sleep 30").start();
    eventually("the container runs", || scratch.minirun(["ps", "-q"]).run().success() != "");
    running.signal(Signal::SIGKILL);
    running.wait();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "before");
    let left = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let names: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("part")), "{names:?}");
}

#[test]
fn containers_that_stay_keep_their_result() {
    let scratch = Scratch::with_image();
    let path = scratch.path("result.json");
    let flag = format!("--result={}", path.display());
    scratch.minirun(["run", "-d", "--name", "one", &flag, IMAGE, "sh", "-c", "exit 4"]).run().success();
    let waited: Value =
        serde_json::from_str(&scratch.minirun(["wait", "--format", "json", "one"]).run().success()).unwrap();
    let inspected: Value =
        serde_json::from_str(&scratch.minirun(["inspect", "one"]).run().success()).unwrap();
    let written = read(&scratch, "result.json");
    assert_eq!(written["command"]["exitCode"], 4);
    assert_eq!(waited["Result"], written);
    assert_eq!(inspected[0]["Result"], written);

    scratch.minirun(["create", "--name", "two", &flag, IMAGE, "sh", "-c", "exit 5"]).run().success();
    scratch.minirun(["start", "two"]).run().success();
    scratch.minirun(["wait", "two"]).run().success();
    assert_eq!(read(&scratch, "result.json")["command"]["exitCode"], 5);
    scratch.minirun(["start", "-a", "two"]).run().exits(5);
    assert_eq!(read(&scratch, "result.json")["container"]["run"], 2);
}

#[test]
fn the_user_is_told_as_the_container_counts() {
    let scratch = Scratch::with_image();
    if !Caller::detect().has_many_ids() {
        return;
    }
    let document = result(&scratch, &["-u", "7:8"], "true", 0);
    assert_eq!(document["ids"]["user"]["asked"], "7:8");
    assert_eq!(document["ids"]["user"]["enforced"], "7:8", "{document}");
}
