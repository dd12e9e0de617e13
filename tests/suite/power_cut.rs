//! What is left when minirun is killed while it loads an image and the machine loses its power at once: data that were not
//! brought to the disk are gone, whatever has its final name already.
//!
//! The kernel says which files have such data (`cachestat(2)`, 6.5); they are emptied, as after a crash many file systems
//! show them.
//!
//! - `MINIRUN_TEST_TORTURE=N`: N times as many kills.

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{Image, Layer, Scratch, require, torture};

const NAME: &str = "example.test/power:1";
/// How many files the image has that are looked at.
const FILES: usize = 200;

/// How many pages of a file are not on the disk; none if the kernel does not tell.
#[expect(unsafe_code, reason = "libc has no wrapper for it")]
fn unwritten(file: &File) -> Option<u64> {
    const CACHESTAT: libc::c_long = 451;
    let whole = [0_u64; 2];
    // Cached, dirty, under writeback, evicted, recently evicted.
    let mut pages = [0_u64; 5];
    // SAFETY: the kernel reads two and writes five numbers of 64 bits.
    let result = unsafe { libc::syscall(CACHESTAT, file.as_raw_fd(), whole.as_ptr(), pages.as_mut_ptr(), 0) };
    (result == 0).then(|| pages[1] + pages[2])
}

/// Empties what is not on the disk; how many files that were.
fn cut(directory: &Path) -> usize {
    let mut lost = 0;
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            lost += cut(&entry.path());
        } else if kind.is_file()
            && let Ok(file) = File::options().read(true).write(true).open(entry.path())
            && unwritten(&file).is_some_and(|pages| pages > 0)
        {
            file.set_len(0).unwrap();
            lost += 1;
        }
    }
    lost
}

fn tells(scratch: &Scratch) -> bool {
    let path = scratch.file("probe", "not on the disk");
    let file = File::open(path).unwrap();
    let before = unwritten(&file);
    file.sync_all().unwrap();
    before.is_some_and(|pages| pages > 0) && unwritten(&file) == Some(0)
}

#[test]
fn an_image_is_whole_or_not_there() {
    let scratch = Scratch::with_image();
    require!(tells(&scratch), "the kernel does not say which files are on the disk");
    let layers = (0..3).map(|number| {
        let file = |layer: Layer, at: usize| {
            layer.file(format!("of{number}/{at}"), 0o644, format!("{number} {at}\n"))
        };
        (0..FILES).fold(Layer::new().directory(format!("of{number}"), 0o755), file)
    });
    let image = layers.fold(Image::base(), Image::layer);
    let layout = scratch.path("layout");
    image.write_layout(&layout, NAME);
    let load = || scratch.minirun(["load", "-q", "-i"]).args([&layout]);
    let script = "for n in 0 1 2; do cat /of$n/*; done | sort | uniq | wc -l";
    let mut cuts = 0;
    for round in 0..torture(6) as u64 {
        let running = load().start();
        // A load takes some tens of milliseconds, more where much runs beside it.
        std::thread::sleep(Duration::from_millis(5 + round * 7919 % 120));
        running.signal(Signal::SIGKILL);
        let killed = running.wait().code != Some(0);
        cuts += cut(&scratch.store());
        if killed {
            load().run().success();
        }
        let read = scratch.minirun(["run", "--rm", NAME, "sh", "-c", script]).run();
        assert_eq!(read.success().trim(), (3 * FILES).to_string(), "round {round}: {read}");
        scratch.minirun(["system", "check"]).run().success();
        scratch.minirun(["rmi", NAME]).run().success();
    }
    assert!(cuts > 0, "nothing was ever lost");
}
