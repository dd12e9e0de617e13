//! Verbs that write to places, or mount over them, where somebody swaps things at the same time: nothing of the host is
//! read, written or covered that was not asked for.
//!
//! - `MINIRUN_TEST_TORTURE=N`: N rounds.

use std::fs;
use std::path::{Path, PathBuf};

use crate::copying_races::{CANARY, Restless, has_no_canary};
use crate::support::{IMAGE, Outcome, Scratch, torture};

/// Whether it was done or refused; a crash is neither.
fn ended(done: &Outcome) {
    assert!(matches!(done.code, Some(0 | 1 | 125)), "{done}");
}

/// Where a volume called `data` has its files; a container has it at `/shared` and runs.
fn volume(scratch: &Scratch) -> PathBuf {
    scratch.minirun(["volume", "create", "data"]).run().success();
    scratch.detach(&["--name", "one", "-v", "data:/shared"], "sleep 1000");
    scratch.minirun(["volume", "inspect", "-f", "{{.Mountpoint}}", "data"]).run().success().into()
}

/// An archive of a tree that has something at each of the names that are swapped.
fn archive(scratch: &Scratch) -> String {
    scratch
        .host_script(
            "cd \"$SCRATCH\"; mkdir -p new/tree/part/deep; cd new/tree; for name in part/file part/deep/file \
             part/new file still grows; do echo new >$name; done; cd ..; tar cf ../new.tar tree",
        )
        .run()
        .success();
    scratch.text("new.tar")
}

#[test]
fn changes_are_applied_to_what_somebody_swaps() {
    let scratch = Scratch::with_image();
    let restless = Restless::new(&scratch, scratch.path("src/tree"));
    let bind = format!("{}:/src:cow", scratch.text("src"));
    let script = "cd /src/tree; echo new >>file; echo new >>part/file; echo new >part/new; rm -rf part/deep still; \
                  mkdir -p part/made; echo new >part/made/file; true";
    for round in 0..torture(4) {
        let name = format!("work{round}");
        scratch.minirun(["run", "--name", &name, "-v", &bind, IMAGE, "sh", "-c", script]).run();
        restless.during(|| {
            for _ in 0..3 {
                for verb in [&["changes"][..], &["changes", "-p"], &["apply", "-n"], &["apply", "--force"]] {
                    let done = scratch.minirun(verb).args([&name]).run();
                    ended(&done);
                    assert!(!done.stdout().contains(CANARY), "{done}");
                }
            }
        });
    }
    has_no_canary(&scratch.path("src"));
}

#[test]
fn a_layer_is_told_while_its_container_swaps() {
    let scratch = Scratch::with_image();
    let source = scratch.directory("src");
    fs::create_dir(source.join("part")).unwrap();
    fs::write(source.join("part/file"), "old").unwrap();
    let outside = scratch.directory("outside");
    fs::write(outside.join("file"), CANARY).unwrap();
    let swapping = format!(
        "cd /src; while :; do rm -rf part; ln -s {} part; rm -f file; ln -s {0}/file file; rm part file; mkdir part; \
         echo mine >part/file; echo mine >file; sleep 0.002; done",
        outside.display()
    );
    scratch.detach(&["--name", "work", "-v", &format!("{}:/src:cow", source.display())], &swapping);
    for _ in 0..torture(10) {
        for verb in [&["changes", "-p"][..], &["apply", "--force"]] {
            let done = scratch.minirun(verb).args(["work"]).run();
            ended(&done);
            assert!(!done.stdout().contains(CANARY), "{done}");
        }
    }
    scratch.minirun(["rm", "-f", "work"]).run().success();
    assert_eq!(fs::read(outside.join("file")).unwrap(), CANARY.as_bytes());
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1, "something was written outside");
    has_no_canary(&source);
}

#[test]
fn volumes_are_filled_while_somebody_swaps() {
    let scratch = Scratch::with_image();
    let data = volume(&scratch);
    let restless = Restless::new(&scratch, data.join("tree"));
    let archive = archive(&scratch);
    scratch.minirun(["volume", "snapshot", "data", "kept"]).run().success();
    restless.during(|| {
        for _ in 0..torture(6) {
            ended(&scratch.minirun(["volume", "import", "data", &archive]).run());
        }
    });
    restless.during(|| {
        for _ in 0..torture(4) {
            ended(&scratch.minirun(["volume", "restore", "--force", "--purge", "data@kept"]).run());
            ended(&scratch.minirun(["volume", "import", "data", &archive]).run());
        }
    });
}

#[test]
fn mounts_come_into_a_place_that_somebody_swaps() {
    let scratch = Scratch::with_image();
    let restless = Restless::new(&scratch, volume(&scratch).join("tree"));
    let source = scratch.directory("source");
    fs::write(source.join("mounted"), "").unwrap();
    let places = ["part", "part/deep", "part/new", "file", "still"];
    let mounts = || fs::read_to_string("/proc/self/mountinfo").unwrap().lines().count();
    let before = mounts();
    restless.during(|| {
        for round in 0..torture(15) {
            let place = format!("/shared/tree/{}", places[round % places.len()]);
            let what =
                if place.ends_with("file") || place.ends_with("still") { "source/mounted" } else { "source" };
            let done = scratch.minirun(["mount", "one", &format!("{}:{place}:ro", scratch.text(what))]).run();
            ended(&done);
            ended(&scratch.minirun(["umount", "one", &place]).run());
        }
    });
    assert_eq!(mounts(), before, "something was mounted on the host");
    assert_eq!(fs::read_dir(&source).unwrap().count(), 1);
    scratch.minirun(["exec", "one", "true"]).run().success();
}

#[test]
fn new_volumes_are_filled_from_what_somebody_swaps() {
    let scratch = Scratch::with_image();
    let created = scratch.minirun(["create", IMAGE, "true"]).run().success();
    let root = scratch.directory("root");
    let tar = scratch.text("root.tar");
    scratch.minirun(["export", "-o", &tar, &created]).run().success();
    scratch.host_script("tar xf \"$SCRATCH/root.tar\" -C \"$SCRATCH/root\" 2>/dev/null; true").run();
    let restless = Restless::new(&scratch, root.join("tree"));
    let from = format!("rootfs:{}", root.display());
    restless.during(|| {
        for round in 0..torture(12) {
            let (name, place) = (format!("new{round}"), ["part", "part/deep", "."][round % 3]);
            let volume = format!("{name}:/tree/{place}");
            let find = ["find", &format!("/tree/{place}"), "-type", "f", "-exec", "cat", "{}", ";"];
            let done = scratch.minirun(["run", "--rm", "-v", &volume, &from]).args(find).run();
            assert!(!done.stdout().contains(CANARY), "{done}");
            if scratch.minirun(["volume", "export", "-o", &tar, &name]).run().code == Some(0) {
                has_no_canary(Path::new(&tar));
            }
        }
    });
}
