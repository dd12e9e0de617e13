//! Snapshots of volumes: kept, compared, restored, removed.

use std::fs;

use nix::sys::signal::Signal;

use crate::support::{Caller, Outcome, Scratch, eventually, unique_seconds};

fn volume(scratch: &Scratch, args: &[&str]) -> Outcome {
    scratch.minirun([&["volume"], args].concat()).run()
}

fn shell(scratch: &Scratch, script: &str) -> String {
    scratch.shell(&["-v", "data:/v"], &format!("cd /v; {script}")).run().success()
}

#[test]
fn what_a_volume_had_comes_back() {
    let scratch = Scratch::with_image();
    let owner = if Caller::detect().has_many_ids() { "12:34" } else { "0:0" };
    shell(&scratch, &format!("mkdir d; echo one >d/file; ln d/file same; chown {owner} d; chmod 700 d"));
    assert_eq!(volume(&scratch, &["snapshot", "data", "first"]).success(), "data@first");
    shell(&scratch, "echo two >d/file; rm same; echo new >new");
    assert_eq!(volume(&scratch, &["diff", "data"]).success(), "C /d/file\nA /new\nD /same");
    let restored = volume(&scratch, &["restore", "data@first"]);
    assert_eq!(restored.success(), "data");
    assert!(restored.stderr().contains("note: what the volume had before is `data@2"), "{restored}");
    assert_eq!(volume(&scratch, &["diff", "--times", "data@first", "data"]).success(), "");
    assert_eq!(
        shell(&scratch, "cat d/file; stat -c %h same; stat -c '%u:%g %a' d"),
        format!("one\n2\n{owner} 700")
    );
    // And back again, from what was kept.
    let list = volume(&scratch, &["snapshots", "data", "--format", "{{.Name}} {{.Automatic}}"]).success();
    let automatic = list.lines().next().unwrap().strip_suffix(" true").unwrap().to_owned();
    volume(&scratch, &["restore", "--purge", &format!("data@{automatic}")]).success();
    assert_eq!(shell(&scratch, "cat d/file; ls -A | tr '\\n' ' '"), "two\nd new ");
    assert_eq!(volume(&scratch, &["snapshot", "ls", "-q", "data"]).success().lines().count(), 2);
}

#[test]
fn snapshots_are_listed_and_removed() {
    let scratch = Scratch::with_image();
    shell(&scratch, "dd if=/dev/zero of=file bs=1024 count=64 2>/dev/null");
    let first = volume(&scratch, &["snapshot", "data"]).success();
    let second = volume(&scratch, &["snapshot", "data"]).success();
    assert_ne!(first, second);
    let name = first.strip_prefix("data@").unwrap();
    assert!(name.len() == 15 && name.as_bytes()[8] == b'-', "{name}");
    volume(&scratch, &["snapshot", "create", "data", "x"]).success();
    assert!(volume(&scratch, &["snapshot", "data", "x"]).fails(1).contains("has a snapshot `x` already"));
    assert_eq!(
        volume(&scratch, &["snapshots", "-q", "data"]).success(),
        format!("{first}\n{second}\ndata@x")
    );
    let table = volume(&scratch, &["snapshot", "ls", "data"]).success();
    let titles: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(titles, ["SNAPSHOT", "CREATED", "SIZE", "AUTOMATIC"]);
    assert!(table.lines().nth(1).unwrap().starts_with("x ") && table.contains("65.5kB"), "{table}");
    assert_eq!(volume(&scratch, &["snapshot", "rm", &first, "data@x"]).success(), format!("{first}\ndata@x"));
    assert_eq!(volume(&scratch, &["snapshot", "ls", "-q", "data"]).success(), second);
    let outcome = volume(&scratch, &["snapshot", "rm", "data@x", &second]);
    assert_eq!(outcome.exits(1), second);
    assert!(outcome.stderr().contains("there is no snapshot `x` of volume `data`"), "{outcome}");
    assert!(volume(&scratch, &["snapshot", "rm", "data"]).fails(1).contains("names no snapshot"));
    assert!(volume(&scratch, &["diff", "data"]).fails(1).contains("volume `data` has no snapshot"));
    assert!(volume(&scratch, &["restore", "data@x"]).fails(1).contains("volume snapshot ls data"));
    assert!(volume(&scratch, &["snapshot", "none"]).fails(1).contains("there is no volume `none`"));
}

#[test]
fn snapshots_go_with_their_volume_and_come_back_with_it() {
    let scratch = Scratch::with_image();
    shell(&scratch, "echo one >file");
    volume(&scratch, &["snapshot", "data", "s"]).success();
    assert_eq!(volume(&scratch, &["clone", "data@s", "copy"]).success(), "copy");
    volume(&scratch, &["export", "data@s", "-o", &scratch.text("s.tar")]).success();
    // Under another name nothing is replaced.
    shell(&scratch, "echo two >file");
    assert_eq!(volume(&scratch, &["restore", "data@s", "--as", "third"]).success(), "third");
    assert_eq!(volume(&scratch, &["diff", "data@s", "third"]).success(), "");
    assert_eq!(volume(&scratch, &["diff", "data@s", "data"]).success(), "C /file");
    volume(&scratch, &["rm", "data"]).success();
    assert!(volume(&scratch, &["diff", "data@s", "copy"]).fails(1).contains("there is no volume `data`"));
    volume(&scratch, &["restore", "data", "--as", "back"]).success();
    assert_eq!(volume(&scratch, &["diff", "--times", "back@s", "copy"]).success(), "");
    // A clone begins without snapshots.
    assert_eq!(volume(&scratch, &["snapshots", "-q", "copy"]).success(), "");
    volume(&scratch, &["rm", "--purge", "back"]).success();
    assert!(fs::read_dir(scratch.store().join("tmp")).unwrap().next().is_none());
}

#[test]
fn a_volume_in_use_is_not_restored() {
    let scratch = Scratch::with_image();
    shell(&scratch, "echo one >file");
    volume(&scratch, &["snapshot", "data", "s"]).success();
    let seconds = unique_seconds();
    let script = format!("echo two >/v/file; touch /v/ready; exec sleep {seconds}");
    let running = scratch.shell(&["--name", "user", "-v", "data:/v"], &script).start();
    let data = scratch.store().join("volumes/data/_data");
    eventually("the container has begun", || data.join("ready").exists());
    let outcome = volume(&scratch, &["restore", "data@s"]);
    assert!(outcome.fails(1).contains("volume `data` is in use by `user`"), "{outcome}");
    let snapshot = volume(&scratch, &["snapshot", "data", "meanwhile"]);
    assert!(snapshot.stderr().contains("container `user` is running and may write"), "{snapshot}");
    let forced = volume(&scratch, &["restore", "-f", "data@s"]);
    assert_eq!(forced.success(), "data");
    assert!(forced.stderr().contains("go on with the files that the volume had"), "{forced}");
    assert_eq!(fs::read(data.join("file")).unwrap(), b"one\n");
    running.signal(Signal::SIGKILL);
    running.wait();
}

#[test]
fn a_killed_restore_is_done_or_not() {
    let scratch = Scratch::with_image();
    shell(
        &scratch,
        "for i in 0 1 2 3 4 5 6 7 8 9; do mkdir $i; for j in 0 1 2 3 4 5 6 7 8 9; do echo one >$i/$j; done; done",
    );
    volume(&scratch, &["snapshot", "data", "one"]).success();
    shell(&scratch, "for file in */*; do echo two >$file; done");
    volume(&scratch, &["snapshot", "data", "two"]).success();
    for (round, delay) in [2, 5, 8, 11, 14, 17, 20, 30].into_iter().enumerate() {
        let name = ["data@one", "data@two"][round % 2];
        let running = scratch.minirun(["volume", "restore", name]).start();
        std::thread::sleep(std::time::Duration::from_millis(delay));
        running.signal(Signal::SIGKILL);
        running.wait();
        let same = |other: &str| volume(&scratch, &["diff", "data", other]).success().is_empty();
        assert!(same("data@one") || same("data@two"), "after {delay} ms");
        // What was kept is whole, too.
        for snapshot in volume(&scratch, &["snapshots", "-q", "data"]).success().lines() {
            let like = |other: &str| volume(&scratch, &["diff", snapshot, other]).success().is_empty();
            assert!(like("data@one") || like("data@two"), "{snapshot} after {delay} ms");
        }
    }
    volume(&scratch, &["snapshot", "data", "end"]).success();
    let kept = volume(&scratch, &["snapshots", "-q", "data"]).success().lines().count();
    let there = fs::read_dir(scratch.store().join("volumes/data/snapshots")).unwrap().count();
    assert_eq!(kept, there, "no half-made snapshot is left");
}

#[test]
fn differences() {
    let scratch = Scratch::with_image();
    shell(
        &scratch,
        "mkdir -p same/deep gone/deep; echo x >gone/deep/file; printf 'a\\nb\\nc\\n' >text; echo x >mode; ln -s a link
        echo x >kind; echo x >touched; printf 'a\\0b' >binary",
    );
    volume(&scratch, &["snapshot", "data", "s"]).success();
    shell(
        &scratch,
        "rm -r gone; printf 'a\\nB\\nc\\n' >text; chmod 600 mode; ln -sf b link; rm kind; mkdir kind; mkdir -p new/sub
        echo x >new/sub/file; touch -d '2001-02-03 04:05:06' touched; printf 'a\\0c' >binary",
    );
    let expected =
        "C /binary\nD /gone\nC /kind\nC /link\nC /mode\nA /new\nA /new/sub\nA /new/sub/file\nC /text";
    assert_eq!(volume(&scratch, &["diff", "data"]).success(), expected);
    assert_eq!(volume(&scratch, &["diff", "data@s", "data"]).success(), expected);
    let reverse = volume(&scratch, &["diff", "data", "data@s"]).success();
    assert!(reverse.contains("A /gone/deep/file") && reverse.contains("D /new\nC /text"), "{reverse}");
    let times = volume(&scratch, &["diff", "--times", "data"]).success();
    assert!(times.contains("C /touched"), "{times}");
    let patch = volume(&scratch, &["diff", "-p", "data"]).success();
    assert!(patch.contains("C /text\n--- a/text\n+++ b/text\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c"), "{patch}");
    assert!(
        patch.contains("--- a/gone/deep/file\n+++ /dev/null") && patch.contains("# `binary` is no text"),
        "{patch}"
    );
    let json = volume(&scratch, &["diff", "--format", "json", "data"]).success();
    let list: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(list[1], serde_json::json!({ "Kind": "D", "Path": "/gone" }));
    assert_eq!(list.as_array().unwrap().len(), 9);
    volume(&scratch, &["diff", "--exit-code", "data"]).exits(1);
    volume(&scratch, &["diff", "--exit-code", "data@s", "data@s"]).exits(0);
    assert_eq!(volume(&scratch, &["diff", "data", "data"]).success(), "");
}
