//! Somebody swaps a directory for a symlink that leads outside while containers start.

use std::fs;
use std::os::unix::fs::symlink;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::support::Scratch;

const STARTS: usize = 15;

/// Calls `starts` while `directory`, which exists, is now a directory and now a symlink to `outside`.
fn while_swapped(directory: &Path, outside: &Path, starts: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    let aside = directory.with_extension("aside");
    symlink(outside, &aside).unwrap();
    std::thread::scope(|scope| {
        let swapper = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                renameat_with(CWD, directory, CWD, &aside, RenameFlags::EXCHANGE).unwrap();
                std::thread::yield_now();
            }
        });
        let result = catch_unwind(AssertUnwindSafe(starts));
        is_over.store(true, Ordering::Relaxed);
        swapper.join().unwrap();
        result.unwrap();
    });
}

#[test]
fn a_part_of_a_volume_is_never_one_of_the_host() {
    let scratch = Scratch::with_image();
    let outside = scratch.directory("outside");
    fs::write(outside.join("file"), "outside").unwrap();
    scratch.shell(&["-v", "data:/x"], "mkdir /x/part; echo inside >/x/part/file").run().success();
    let data = scratch.minirun(["volume", "inspect", "-f", "{{.Mountpoint}}", "data"]).run().success();
    while_swapped(&Path::new(data.trim()).join("part"), &outside, || {
        for _ in 0..STARTS {
            let mount = "src=data,dst=/x,volume-subpath=part";
            let output = scratch.shell(&["--mount", mount], "cat /x/file").run();
            let is_right =
                if output.code == Some(0) { output.stdout() == "inside\n" } else { output.code == Some(125) };
            assert!(is_right, "{output}");
        }
    });
}

#[test]
fn a_mount_point_is_never_made_on_the_host() {
    let scratch = Scratch::with_image();
    let (outside, source) = (scratch.directory("outside"), scratch.directory("source"));
    let inner = source.join("inner");
    fs::create_dir(&inner).unwrap();
    let bind = format!("{}:/x", source.display());
    while_swapped(&inner, &outside, || {
        for start in 0..STARTS {
            let volume = format!("data:/x/inner/point{start}");
            scratch.shell(&["-v", &bind, "-v", &volume], "true").run();
            assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "start {start}");
        }
    });
}
