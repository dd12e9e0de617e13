//! `layer`: a command makes an image once, and again only when something that it sees has changed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{Call, IMAGE, Scratch, eventually};

/// A command that says in the volume `count` that it runs.
const COUNT: &str = "echo x >>/count/runs; ";

fn layer(scratch: &Scratch, flags: &[&str], script: &str) -> Call {
    let script = format!("{COUNT}{script}");
    scratch.minirun(["layer", IMAGE, "--cache", "count:/count"]).args(flags).args(["--", "sh", "-c", &script])
}

fn runs(scratch: &Scratch) -> usize {
    let count = scratch.minirun(["run", "--rm", "-v", "count:/count", IMAGE, "cat", "/count/runs"]).run();
    count.stdout().lines().count()
}

fn images(scratch: &Scratch) -> usize {
    scratch.minirun(["images", "-q"]).run().success().lines().count()
}

fn inspected(scratch: &Scratch, name: &str) -> Value {
    serde_json::from_str(&scratch.minirun(["image", "inspect", name]).run().success()).unwrap()
}

#[test]
fn the_same_step_runs_once() {
    let scratch = Scratch::with_image();
    let script = "echo made >/made; echo out; echo err >&2";
    let first = layer(&scratch, &[], script).run();
    let id = first.success();
    assert!(id.starts_with("sha256:") && first.stderr().contains("out\n"), "{first}");
    let second = layer(&scratch, &["-t", "made:1"], script).run();
    assert_eq!((second.success().as_str(), second.stderr()), (id.as_str(), ""));
    assert_eq!(runs(&scratch), 1);
    assert_eq!(scratch.minirun(["run", "--rm", "made:1", "cat", "/made"]).run().success(), "made");
    let (base, made) = (inspected(&scratch, IMAGE), inspected(&scratch, "made:1"));
    assert_eq!(made[0]["Id"], id.as_str());
    assert_eq!(made[0]["Config"], base[0]["Config"]);
    let history = scratch.minirun(["history", "--no-trunc", "made:1"]).run().success();
    assert!(history.contains("echo made >/made"), "{history}");
    assert_eq!(scratch.minirun(["ps", "-aq"]).run().success(), "");
    let other = layer(&scratch, &["--no-cache"], script).run().success();
    assert_eq!(runs(&scratch), 2);
    assert_eq!(layer(&scratch, &[], script).run().success(), other);
    assert_eq!(runs(&scratch), 2);
}

#[test]
fn whatever_the_command_sees_counts() {
    let scratch = Scratch::with_image();
    let src = scratch.directory("src/deep");
    let src = src.parent().unwrap();
    scratch.file("src/deep/file", "one");
    let bind = format!("{}:/src", src.display());
    let step = |flags: &[&str]| {
        layer(&scratch, &[&["-v", &bind], flags].concat(), "cp -r /src /made").run().success()
    };
    let first = step(&[]);
    let mut known = vec![first.clone()];
    let mut new = |what: &str, id: String| {
        assert!(!known.contains(&id), "{what}");
        known.push(id);
    };
    for flags in [
        &["-e", "A=b"][..],
        &["-e", "A=c"],
        &["-w", "/src"],
        &["-u", "0:0"],
        &["--umask", "077"],
        &["--cap-drop", "CHOWN"],
        &["--change", "ENV A=b"],
        &["--tmpfs", "/x"],
        &["--mount", &format!("type=image,src={IMAGE},dst=/x")],
        &["-h", "name"],
    ] {
        new(flags[0], step(flags));
    }
    assert_eq!(step(&["-m", "100m", "--limits", "best-effort"]), first);
    scratch.file("src/deep/file", "two");
    new("content", step(&[]));
    fs::set_permissions(src.join("deep/file"), fs::Permissions::from_mode(0o755)).unwrap();
    new("mode", step(&[]));
    fs::rename(src.join("deep/file"), src.join("deep/other")).unwrap();
    new("name", step(&[]));
    std::os::unix::fs::symlink("deep", src.join("link")).unwrap();
    new("link", step(&[]));
    let all = runs(&scratch);
    // Another place with the same files is the same.
    fs::rename(src, scratch.path("elsewhere")).unwrap();
    let elsewhere = format!("{}:/src", scratch.path("elsewhere").display());
    let again = layer(&scratch, &["-v", &elsewhere], "cp -r /src /made").run().success();
    assert_eq!((&again, runs(&scratch)), (known.last().unwrap(), all));
    // A file counts like a directory.
    let file = scratch.file("file", "one");
    let file = format!("{}:/file:ro", file.display());
    let one = layer(&scratch, &["-v", &file], "cp /file /made").run().success();
    assert_eq!(layer(&scratch, &["-v", &file], "cp /file /made").run().success(), one);
    scratch.file("file", "two");
    assert_ne!(layer(&scratch, &["-v", &file], "cp /file /made").run().success(), one);
}

#[test]
fn a_command_that_fails_makes_nothing() {
    let scratch = Scratch::with_image();
    let before = images(&scratch);
    layer(&scratch, &["-t", "made:1"], "exit 7").run().exits(7);
    layer(&scratch, &[], "sh -c 'kill -9 $$'; exit $?").run().exits(137);
    scratch.minirun(["layer", IMAGE, "--", "/none"]).run().fails(127);
    scratch.minirun(["layer", "none:1", "--", "true"]).run().fails(125);
    scratch.minirun(["layer", "host", "--", "true"]).run().fails(125);
    scratch.minirun(["layer", IMAGE, "true"]).run().refused();
    scratch.minirun(["layer", IMAGE]).run().refused();
    assert_eq!((images(&scratch), runs(&scratch)), (before, 2));
    assert!(!scratch.store().join("steps").exists());
    assert_eq!(scratch.minirun(["ps", "-aq"]).run().success(), "");
    scratch.minirun(["system", "check"]).run().success();
}

#[test]
fn what_would_be_missing_the_next_time_is_refused() {
    let scratch = Scratch::with_image();
    let directory = scratch.directory("src");
    let bind = |options: &str| format!("{}:/src{options}", directory.display());
    for (flags, said) in [
        (["-v", "data:/data"], "--cache data:/data"),
        (["-v", &bind(":cow")], "`O` lets the command write"),
        (["-v", &bind(":U")], "chown in the container"),
        (["-v", &format!("{}:/x", scratch.path("none").display())], "none"),
        (["--cache", "/x"], "--cache"),
    ] {
        let refused = layer(&scratch, &flags, "true").run();
        if flags == ["--cache", "/x"] {
            // A volume without a name is nothing to come back to, and does no harm.
            continue;
        }
        assert!(refused.fails(125).contains(said), "{refused}");
    }
    let _listener = UnixListener::bind(scratch.path("socket")).unwrap();
    let socket = format!("{}:/socket", scratch.path("socket").display());
    assert!(layer(&scratch, &["-v", &socket], "true").run().fails(125).contains("neither a file nor"));
    layer(&scratch, &["--cache", &socket], "test -S /socket").run().success();
    layer(&scratch, &["-v", &bind("")], "! touch /src/file").run().success();
    layer(&scratch, &["-v", &bind(":O")], "touch /src/file").run().success();
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    layer(&scratch, &["--cache", &bind("")], "touch /src/file").run().success();
    assert!(directory.join("file").exists());
}

#[test]
fn an_image_takes_its_steps_along() {
    let scratch = Scratch::with_image();
    let steps = || fs::read_dir(scratch.store().join("steps")).map_or(0, Iterator::count);
    let id = layer(&scratch, &[], "echo a >/a").run().success();
    layer(&scratch, &["-t", "kept:1"], "echo b >/b").run().success();
    assert_eq!(steps(), 2);
    scratch.minirun(["rmi", &id]).run().success();
    assert_eq!(steps(), 1);
    layer(&scratch, &[], "echo a >/a").run().success();
    assert_eq!((steps(), runs(&scratch)), (2, 3));
    scratch.minirun(["image", "prune", "-f"]).run().success();
    assert_eq!(steps(), 1);
    // A record without its image is none, and is found.
    let record = fs::read_dir(scratch.store().join("steps")).unwrap().next().unwrap().unwrap().path();
    fs::write(&record, "{}").unwrap();
    assert!(scratch.minirun(["system", "check"]).run().stdout().contains("steps/"));
    layer(&scratch, &[], "echo b >/b").run().success();
    assert_eq!(runs(&scratch), 4);
    scratch.minirun(["system", "check"]).run().success();
    fs::write(&record, "no JSON").unwrap();
    scratch.minirun(["system", "check", "--repair"]).run();
    assert_eq!(steps(), 0);
}

#[test]
fn equal_steps_at_once_run_once() {
    let scratch = Scratch::with_image();
    scratch.minirun(["volume", "create", "count"]).run().success();
    let all: Vec<_> = (0..6).map(|_| layer(&scratch, &[], "sleep 0.3; echo a >/a").start()).collect();
    let mut ids: Vec<String> = all.into_iter().map(|one| one.wait().success()).collect();
    ids.dedup();
    assert_eq!((ids.len(), runs(&scratch)), (1, 1));
}

#[test]
fn a_step_that_is_killed_leaves_nothing_and_is_done_again() {
    let scratch = Scratch::with_image();
    let script = "test -e /count/second || { touch /count/second; exec sleep 1000; }; echo a >/a";
    let running = layer(&scratch, &[], script).start();
    let mark = || {
        let seen =
            scratch.minirun(["run", "--rm", "-v", "count:/count", IMAGE, "test", "-e", "/count/second"]);
        seen.run().code == Some(0)
    };
    eventually("it runs", mark);
    let waiting = layer(&scratch, &[], script).start();
    running.signal(Signal::SIGKILL);
    running.wait();
    let id = waiting.wait().success();
    assert_eq!(layer(&scratch, &[], script).run().success(), id);
    assert_eq!((runs(&scratch), images(&scratch)), (2, 2));
    scratch.minirun(["system", "check"]).run().success();
    scratch.assert_nothing_left_running();
}

#[test]
fn an_input_that_changes_meanwhile_is_read_again() {
    let scratch = Scratch::with_image();
    let src = scratch.directory("src");
    let (bind, back) = (format!("{}:/src", src.display()), format!("{}:/back", src.display()));
    let flags = ["-v", &bind, "--cache", &back];
    let first = layer(&scratch, &flags, "echo more >>/back/file").run();
    first.success();
    assert!(first.stderr().contains("an input changed"), "{first}");
    layer(&scratch, &flags, "echo more >>/back/file").run().success();
    assert_eq!(runs(&scratch), 2);
}

/// The blocks of a language in a page of the documentation.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
    let text = fs::read_to_string(path).unwrap();
    let mut parts = text.split("```");
    let mut found = Vec::new();
    while let (Some(_), Some(block)) = (parts.next(), parts.next()) {
        found.extend(
            block.strip_prefix(language).and_then(|block| block.strip_prefix('\n')).map(str::to_owned),
        );
    }
    found
}

#[test]
fn the_documented_job_of_a_build_service_works() {
    let scratch = Scratch::with_image();
    let job = blocks("build.md", "sh").into_iter().find(|block| block.starts_with("#!/bin/sh")).unwrap();
    let project = scratch.directory("project/src");
    scratch.file("project/src/greeting", "hello");
    scratch.file("project/packages", "one two");
    let job = scratch.file("project/job", job.replace("alpine:3.20", IMAGE));
    fs::set_permissions(&job, fs::Permissions::from_mode(0o755)).unwrap();
    let own = scratch.program();
    let path = format!("{}:{}", own.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let run = || {
        let call =
            scratch.host_script("exec ./job").env("PATH", &path).current_dir(project.parent().unwrap());
        call.env("MINIRUN_NETWORK", "none").env("MINIRUN_PULL", "never").run()
    };
    let first = run();
    first.success();
    let ids = |outcome: &str| {
        outcome.lines().filter(|line| line.starts_with("sha256:")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(first.stdout().contains("hello") && first.stderr().contains("installing"), "{first}");
    let second = run();
    assert_eq!(ids(&second.success()), ids(&first.stdout()));
    assert!(!second.stderr().contains("installing"), "{second}");
    scratch.file("project/src/greeting", "changed");
    let third = run();
    assert!(third.success().contains("changed") && !third.stderr().contains("installing"), "{third}");
}
