//! `minirun logs`.

use std::time::Duration;

use crate::support::{IMAGE, Scratch, eventually};

#[test]
fn both_streams_partial_lines_and_any_bytes() {
    let scratch = Scratch::with_image();
    let script = r"printf 'a\000\377b\n'; printf 'err\n' >&2; printf 'no end'";
    scratch.detach(&["--name", "bytes"], script);
    scratch.minirun(["wait", "bytes"]).run().success();
    let output = scratch.minirun(["logs", "bytes"]).into_command().output().unwrap();
    assert_eq!(output.stdout, b"a\0\xffb\nno end");
    assert_eq!(output.stderr, b"err\n");
}

#[test]
fn the_last_lines() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "lines"], "for i in 1 2 3 4 5; do echo $i; done");
    scratch.minirun(["wait", "lines"]).run().success();
    for (flag, wanted) in [
        ("0", ""),
        ("1", "5"),
        ("2", "4\n5"),
        ("99", "1\n2\n3\n4\n5"),
        ("all", "1\n2\n3\n4\n5"),
        ("-1", "1\n2\n3\n4\n5"),
    ] {
        assert_eq!(scratch.minirun(["logs", "--tail", flag, "lines"]).run().success(), wanted, "{flag}");
        assert_eq!(
            scratch.minirun(["logs", &format!("-n{flag}"), "lines"]).run().success(),
            wanted,
            "{flag}"
        );
    }
    scratch.minirun(["logs", "-n", "x", "lines"]).run().fails(1);
    scratch.minirun(["logs", "nobody"]).run().fails(1);
}

#[test]
fn moments_choose() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "times"], "echo early; sleep 1.2; echo late");
    scratch.minirun(["wait", "times"]).run().success();
    let stamped = scratch.minirun(["logs", "-t", "times"]).run().success();
    let times: Vec<&str> = stamped.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert!(times.iter().all(|time| time.len() == 30 && time.ends_with('Z')), "{stamped}");
    let logs = |flags: &[&str]| scratch.minirun(["logs"]).args(flags).args(["times"]).run().success();
    assert_eq!(logs(&["--since", times[1]]), "late");
    assert_eq!(logs(&["--until", times[1]]), "early");
    assert_eq!(logs(&["--since", "1h"]), "early\nlate");
    assert_eq!(logs(&["--until", "1h"]), "");
    assert_eq!(logs(&["--since", "2100-01-01"]), "");
    scratch.minirun(["logs", "--since", "whenever", "times"]).run().fails(1);
}

#[test]
fn following_ends_with_the_container() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "goes-on"], "for i in 1 2 3; do echo $i; sleep 0.2; done; echo end");
    let all = scratch.minirun(["logs", "-f", "goes-on"]).start();
    let some = scratch.minirun(["logs", "-f", "-n", "0", "goes-on"]).start();
    assert_eq!(all.wait().success(), "1\n2\n3\nend");
    assert!(some.wait().success().ends_with("end"));
    assert_eq!(scratch.minirun(["logs", "-f", "goes-on"]).run().success(), "1\n2\n3\nend");
}

#[test]
fn a_chatty_container_does_not_fill_the_disk_and_followers_miss_nothing() {
    let scratch = Scratch::with_image();
    let flags = ["--name", "chatty", "--log-opt", "max-size=64k", "--log-opt", "max-file=3"];
    let script =
        "sleep 0.5; i=0; while [ $i -lt 6000 ]; do echo line $i with some more words to it; i=$((i+1)); done";
    scratch.detach(&flags, script);
    let followed = scratch.minirun(["logs", "-f", "chatty"]).run().success();
    let wanted: Vec<String> = (0..6000).map(|i| format!("line {i} with some more words to it")).collect();
    let lines: Vec<&str> = followed.lines().collect();
    // Whoever is slower than three files loses their beginning, and nothing in between.
    assert_eq!(lines.last().copied(), wanted.last().map(String::as_str));
    assert!(lines.len() > 1000, "{}", lines.len());
    let kept = scratch.minirun(["logs", "chatty"]).run().success();
    assert!(kept.len() <= 3 * 64 * 1024 && kept.len() > 64 * 1024, "{}", kept.len());
    assert!(followed.ends_with(&kept));
    let files: u64 = ["log", "log.1", "log.2"]
        .into_iter()
        .map(|name| std::fs::metadata(scratch.find_in_store(name)).unwrap().len())
        .sum();
    assert!(files <= 3 * 64 * 1024, "{files}");
}

#[test]
fn there_may_be_no_log() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "silent", "--log-driver", "none"], "echo x");
    scratch.minirun(["logs", "silent"]).run().fails(1);
    scratch.minirun(["run", "-d", "--log-driver", "syslog", IMAGE, "true"]).run().refused();
}

#[test]
fn a_removed_container_can_be_followed_to_its_end() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--rm", "--name", "brief"], "echo one; sleep 0.7; echo two");
    let following = scratch.minirun(["logs", "-f", "brief"]).start();
    assert!(following.wait().success().starts_with("one"));
    eventually("it is gone", || scratch.minirun(["inspect", "brief"]).run().code == Some(1));
}

#[test]
fn a_lot_of_output_arrives_whole() {
    let scratch = Scratch::with_image();
    let script = "head -c 3000000 /dev/zero | tr '\\0' x; echo; sleep 0.1";
    scratch.detach(&["--name", "much"], script);
    std::thread::sleep(Duration::from_millis(50));
    let output = scratch.minirun(["logs", "-f", "much"]).run().success();
    assert_eq!(output.len(), 3_000_000);
    let output = scratch.minirun(["start", "-a", "much"]).run().success();
    assert_eq!(output.len(), 3_000_000);
}
