//! `minirun events`: what has happened, told by whoever did it.

use std::io::Write as _;

use serde_json::Value;

use crate::support::{Call, IMAGE, Image, Running, Scratch, eventually};

/// `minirun events flags…` of all that has happened so far.
fn past(scratch: &Scratch, flags: &[&str]) -> Call {
    scratch.minirun(["events", "--since", "1", "--until", "0s"]).args(flags)
}

#[track_caller]
fn lines(scratch: &Scratch, flags: &[&str]) -> Vec<Value> {
    let output = past(scratch, flags).run().success();
    output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// `TYPE ACTION` of each.
#[track_caller]
fn words(scratch: &Scratch, flags: &[&str]) -> Vec<String> {
    let word =
        |line: &Value| format!("{} {}", line["Type"].as_str().unwrap(), line["Action"].as_str().unwrap());
    lines(scratch, flags).iter().map(word).collect()
}

#[test]
fn the_life_of_a_container() {
    let scratch = Scratch::with_image();
    let flags = ["--name", "web", "-v", "data:/data", "--label", "tier=back"];
    scratch.shell(&flags, "exit 3").run().exits(3);
    let all = lines(&scratch, &[]);
    let words = words(&scratch, &[]);
    let expected = [
        "image load",
        "container create",
        "container attach",
        "volume create",
        "volume mount",
        "container start",
        "container die",
        "volume unmount",
        "container destroy",
    ];
    assert_eq!(words, expected);
    let (start, die, mount) = (&all[5], &all[6], &all[4]);
    assert_eq!(
        (&start["status"], &start["from"], &start["scope"]),
        (&"start".into(), &IMAGE.into(), &"local".into())
    );
    assert_eq!(start["id"], start["Actor"]["ID"]);
    assert_eq!(start["Actor"]["Attributes"]["name"], "web");
    assert_eq!(start["Actor"]["Attributes"]["tier"], "back");
    assert_eq!(start["timeNano"].as_i64().unwrap() / 1_000_000_000, start["time"].as_i64().unwrap());
    assert_eq!(die["Actor"]["Attributes"]["exitCode"], "3");
    assert_eq!((&mount["Actor"]["ID"], &mount["status"]), (&"data".into(), &Value::Null));
    assert_eq!(mount["Actor"]["Attributes"]["container"], start["id"]);
    assert_eq!(mount["Actor"]["Attributes"]["destination"], "/data");
    assert!(all.is_sorted_by_key(|line| line["timeNano"].as_i64().unwrap()));
}

#[test]
fn what_is_done_to_a_container_that_lives_on() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "web", "--stop-timeout", "0"], "sleep 1000");
    scratch.minirun(["exec", "web", "sh", "-c", "exit 5"]).run().exits(5);
    scratch.minirun(["exec", "-d", "web", "/no/such"]).run().fails(127);
    scratch.minirun(["rename", "web", "net"]).run().success();
    scratch.minirun(["stop", "net"]).run().success();
    scratch.minirun(["start", "net"]).run().success();
    scratch.minirun(["kill", "net"]).run().success();
    scratch.minirun(["commit", "net", "new:1"]).run().success();
    scratch.minirun(["rm", "-f", "net"]).run().success();
    let actions = past(&scratch, &["-f", "type=container", "--format", "{{.Action}}"]).run().success();
    let expected = [
        "create",
        "start",
        "exec_create: sh -c exit 5",
        "exec_start: sh -c exit 5",
        "exec_die",
        "exec_create: /no/such",
        "exec_start: /no/such",
        "exec_die",
        "rename",
        "kill",
        "kill",
        "die",
        "stop",
        "start",
        "kill",
        "die",
        "commit",
        "destroy",
    ];
    assert_eq!(actions.lines().collect::<Vec<_>>(), expected);
    let of = |action: &str| lines(&scratch, &["-f", &format!("event={action}")]);
    let codes: Vec<_> =
        of("exec_die").iter().map(|line| line["Actor"]["Attributes"]["exitCode"].clone()).collect();
    assert_eq!(codes, ["5", "127"]);
    assert_eq!(
        of("exec_create")[0]["Actor"]["Attributes"]["execID"],
        of("exec_die")[0]["Actor"]["Attributes"]["execID"]
    );
    assert_eq!(of("rename")[0]["Actor"]["Attributes"]["oldName"], "/web");
    assert_eq!(of("rename")[0]["Actor"]["Attributes"]["name"], "net");
    let signals: Vec<_> =
        of("kill").iter().map(|line| line["Actor"]["Attributes"]["signal"].clone()).collect();
    assert_eq!(signals, ["15", "9", "9"]);
}

#[test]
fn images_and_volumes() {
    let scratch = Scratch::with_image();
    scratch.minirun(["tag", IMAGE, "other:1"]).run().success();
    scratch.minirun(["rmi", "other:1"]).run().success();
    scratch.minirun(["rmi", IMAGE]).run().success();
    let tar = scratch.file("root.tar", Image::base_layer());
    scratch.minirun(["import", tar.to_str().unwrap(), "made:1"]).run().success();
    scratch.minirun(["volume", "create", "data"]).run().success();
    scratch.minirun(["volume", "create", "data"]).run().success();
    scratch.minirun(["volume", "rm", "data"]).run().success();
    scratch.minirun(["volume", "prune", "-f", "-a"]).run();
    let expected = [
        "image load",
        "image tag",
        "image untag",
        "image untag",
        "image delete",
        "image import",
        "volume create",
        "volume destroy",
        "volume prune",
    ];
    assert_eq!(words(&scratch, &[]), expected);
    let names =
        past(&scratch, &["-f", "type=image", "--format", "{{.Actor.Attributes.name}}"]).run().success();
    assert!(names.starts_with(&format!("{IMAGE}\nother:1\nother:1\n{IMAGE}\nsha256:")), "{names}");
    assert_eq!(words(&scratch, &["-f", "volume=data"]), ["volume create", "volume destroy"]);
}

#[test]
fn they_are_followed_until_their_end() {
    let scratch = Scratch::with_image();
    scratch.shell(&["--name", "early"], "true").run().success();
    let soon = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() + 4;
    let follow =
        |flags: &[&str]| scratch.minirun(["events", "--until", &soon.to_string()]).args(flags).start();
    let one = follow(&["-f", "container=late", "--format", "{{.Action}}"]);
    let all = follow(&["-f", "event=destroy", "--since", "1"]);
    let waiting =
        scratch.minirun(["events", "-f", "event=destroy", "--format", "{{.Actor.Attributes.name}}"]).start();
    scratch.shell(&["--name", "late"], "true").run().success();
    assert_eq!(one.wait().success(), "create\nattach\nstart\ndie\ndestroy");
    assert_eq!(all.wait().success().lines().count(), 2);
    // It goes on, and has said so already what came meanwhile.
    waiting.signal(nix::sys::signal::Signal::SIGTERM);
    let outcome = waiting.wait();
    assert_eq!((outcome.signal, outcome.stdout().as_str()), (Some(15), "late\n"));
}

#[test]
fn what_a_killed_launcher_left_is_told_by_who_finds_it() {
    let scratch = Scratch::with_image();
    let running = scratch.shell(&["--name", "gone"], "sleep 1000").start();
    eventually("it runs", || words(&scratch, &["-f", "event=start"]).len() == 1);
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.wait();
    scratch.shell(&[], "true").run().success();
    assert_eq!(words(&scratch, &["-f", "container=gone"]).last().unwrap(), "container destroy");
}

#[test]
fn many_write_at_once_and_a_broken_line_spoils_nothing() {
    let scratch = Scratch::with_image();
    let running: Vec<Running> = (0..12).map(|_| scratch.shell(&[], "true").start()).collect();
    for call in running {
        call.wait().success();
    }
    for action in ["create", "attach", "start", "die", "destroy"] {
        assert_eq!(words(&scratch, &["-f", &format!("event={action}")]).len(), 12, "{action}");
    }
    let mut file = std::fs::File::options().append(true).open(scratch.store().join("events")).unwrap();
    file.write_all(b"\n{\"subject\":\"contai").unwrap();
    scratch.minirun(["volume", "create", "whole"]).run().success();
    assert_eq!(words(&scratch, &["-f", "volume=whole"]), ["volume create"]);
}

#[test]
fn what_is_no_filter_and_no_time() {
    let scratch = Scratch::new();
    assert_eq!(past(&scratch, &[]).run().success(), "");
    assert!(!scratch.store().exists());
    assert!(past(&scratch, &["-f", "colour=red"]).run().fails(1).contains("type, event, container"));
    assert!(past(&scratch, &["-f", "type=network"]).run().fails(1).contains("container, image or volume"));
    past(&scratch, &["--format", "{{"]).run().fails(64);
    scratch.minirun(["events", "--until", "soon"]).run().fails(1);
}
