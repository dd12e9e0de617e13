//! Copying from and to places where somebody swaps things at the same time: nothing of the host is read or written that
//! was not asked for, and nothing waits.
//!
//! - `MINIRUN_TEST_TORTURE=N`: N times as many rounds.

use std::fs;
use std::os::unix::fs::symlink;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::stat::Mode;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::support::{IMAGE, Scratch, torture};

/// What must never be read, and never be changed.
pub(crate) const CANARY: &str = "what nobody may copy";

/// A tree where nothing stays what it is, and a directory of the host that it leads to.
pub(crate) struct Restless {
    tree: PathBuf,
    outside: PathBuf,
}

impl Restless {
    pub(crate) fn new(scratch: &Scratch, tree: PathBuf) -> Self {
        let outside = scratch.directory("outside");
        fs::write(outside.join("file"), CANARY).unwrap();
        fs::write(outside.join("grows"), CANARY).unwrap();
        fs::create_dir_all(tree.join("part/deep")).unwrap();
        fs::create_dir_all(tree.join(".aside")).unwrap();
        for name in ["part/file", "part/deep/file", "file", "grows", "still"] {
            fs::write(tree.join(name), "mine").unwrap();
        }
        let aside = |name: &str| tree.join(".aside").join(name);
        symlink(&outside, aside("part")).unwrap();
        symlink(outside.join("file"), aside("file")).unwrap();
        nix::unistd::mkfifo(&aside("still"), Mode::S_IRWXU).unwrap();
        Self { tree, outside }
    }

    /// Calls `copies` while directory and symlink, file and symlink, file and pipe change places, and a file its size.
    pub(crate) fn during(&self, copies: impl FnOnce()) {
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    for name in ["part", "file", "still"] {
                        let aside = self.tree.join(".aside").join(name);
                        // Who writes here, too, can have put something else into the way.
                        let _ = renameat_with(CWD, self.tree.join(name), CWD, aside, RenameFlags::EXCHANGE);
                    }
                    for size in [1 << 20, 0, 4] {
                        let grows = fs::OpenOptions::new().write(true).open(self.tree.join("grows"));
                        let _ = grows.and_then(|file| file.set_len(size));
                    }
                    // Others want the processor, too.
                    std::thread::sleep(std::time::Duration::from_micros(50));
                }
            });
            let result = catch_unwind(AssertUnwindSafe(copies));
            is_over.store(true, Ordering::Relaxed);
            result.unwrap_or_else(|cause| resume_unwind(cause));
        });
        assert_eq!(fs::read(self.outside.join("file")).unwrap(), CANARY.as_bytes());
        assert_eq!(fs::read(self.outside.join("grows")).unwrap(), CANARY.as_bytes());
        assert_eq!(fs::read_dir(&self.outside).unwrap().count(), 2, "something was written outside");
    }
}

/// Looks for the canary in files, symlinks not followed; and removes it all.
pub(crate) fn has_no_canary(path: &Path) {
    let Ok(metadata) = fs::symlink_metadata(path) else { return };
    if metadata.is_dir() {
        for entry in fs::read_dir(path).unwrap().flatten() {
            has_no_canary(&entry.path());
        }
        fs::remove_dir_all(path).unwrap();
        return;
    }
    if metadata.is_file() {
        let content = fs::read(path).unwrap();
        assert!(!content.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()), "{}", path.display());
    }
    fs::remove_file(path).unwrap();
}

/// A container called `one` that has `directory` at `/shared`.
fn container(scratch: &Scratch, directory: &str) {
    scratch
        .minirun([
            "run",
            "-d",
            "--name",
            "one",
            "-v",
            &format!("{directory}:/shared"),
            IMAGE,
            "sleep",
            "1000",
        ])
        .run()
        .success();
}

#[test]
fn cp_out_of_a_container() {
    let scratch = Scratch::with_image();
    let restless = Restless::new(&scratch, scratch.path("shared/tree"));
    container(&scratch, &scratch.text("shared"));
    let copy = scratch.text("copy");
    restless.during(|| {
        for round in 0..torture(15) {
            let what = [
                "one:/shared/tree",
                "one:/shared/tree/part",
                "one:/shared/tree/file",
                "one:/shared/tree/part/.",
            ];
            let flags: &[&str] = if round % 3 == 0 { &["-L"] } else { &[] };
            let done = scratch.minirun(["cp"]).args(flags).args([what[round % 4], &copy]).run();
            assert!(matches!(done.code, Some(0 | 1)), "{done}");
            has_no_canary(copy.as_ref());
        }
        for _ in 0..torture(5) {
            let archive = scratch.minirun(["cp", "one:/shared/tree", "-"]).run();
            assert!(!archive.stdout().contains(CANARY) && matches!(archive.code, Some(0 | 1)));
        }
    });
}

#[test]
fn cp_into_a_container() {
    let scratch = Scratch::with_image();
    let restless = Restless::new(&scratch, scratch.path("shared/tree"));
    container(&scratch, &scratch.text("shared"));
    scratch.directory("new/part");
    scratch.file("new/part/made", "new");
    scratch.file("new/file", "new");
    let (new, file) = (scratch.text("new/."), scratch.text("new/file"));
    let destinations = ["/shared/tree", "/shared/tree/part", "/shared/tree/file", "/shared/tree/part/made"];
    restless.during(|| {
        for round in 0..torture(20) {
            let source = if round % 2 == 0 { &new } else { &file };
            let destination = format!("one:{}", destinations[round / 2 % 4]);
            let done = scratch.minirun(["cp", source, &destination]).run();
            assert!(matches!(done.code, Some(0 | 1)), "{done}");
        }
    });
}

#[test]
fn volumes_that_are_written_meanwhile() {
    let scratch = Scratch::with_image();
    scratch.minirun(["volume", "create", "data"]).run().success();
    let data = scratch.minirun(["volume", "inspect", "-f", "{{.Mountpoint}}", "data"]).run().success();
    let restless = Restless::new(&scratch, Path::new(&data).join("tree"));
    container(&scratch, "data");
    let archive = scratch.text("archive.tar");
    restless.during(|| {
        for round in 0..torture(6) {
            let done = scratch.minirun(["volume", "export", "-o", &archive, "data"]).run();
            assert!(matches!(done.code, Some(0 | 1)), "{done}");
            has_no_canary(archive.as_ref());
            let copy = format!("copy{round}");
            let cloned = scratch.minirun(["volume", "clone", "data", &copy]).run();
            assert!(matches!(cloned.code, Some(0 | 1)), "{cloned}");
            let kept = format!("kept{round}");
            let snapshot = scratch.minirun(["volume", "snapshot", "data", &kept]).run();
            assert!(matches!(snapshot.code, Some(0 | 1)), "{snapshot}");
            if cloned.code == Some(0) {
                let found =
                    ["run", "--rm", "-v", &format!("{copy}:/v"), IMAGE, "find", "/v", "-type", "f", "-exec"];
                let text = scratch.minirun(found).args(["cat", "{}", ";"]).run().success();
                assert!(!text.contains(CANARY), "{text}");
            }
        }
    });
}

#[test]
fn layers_that_are_written_meanwhile() {
    let scratch = Scratch::with_image();
    let outside = scratch.directory("outside");
    fs::write(outside.join("file"), CANARY).unwrap();
    let script = format!(
        "mkdir /aside; cd /aside; while :; do mkdir part; echo mine >part/file; mkfifo still; rm -r part still
            ln -s {} part; echo mine >still; rm part still; sleep 0.002; done",
        outside.display()
    );
    scratch.detach(&["--name", "one"], &script);
    let archive = scratch.text("archive.tar");
    for _ in 0..torture(6) {
        scratch.minirun(["export", "-o", &archive, "one"]).run().success();
        has_no_canary(archive.as_ref());
        scratch.minirun(["diff", "one"]).run().success();
        scratch.minirun(["commit", "one", "example.test/made:1"]).run().success();
        let found =
            ["run", "--rm", "example.test/made:1", "find", "/aside", "-type", "f", "-exec", "cat", "{}", ";"];
        assert!(!scratch.minirun(found).run().success().contains(CANARY));
    }
    assert_eq!(fs::read(outside.join("file")).unwrap(), CANARY.as_bytes());
}
