//! Somebody inside a container swaps directories and symlinks on a volume while other containers start over it.
//!
//! `MINIRUN_TEST_TORTURE=10000` says how many starts in all; without it few, so that the tests are no burden.

use std::fs;
use std::os::unix::fs::symlink;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::support::{Outcome, Scratch, torture};

/// Starts of all kinds together in an ordinary run.
const STARTS: usize = 120;

/// How many kinds there are.
const KINDS: usize = 10;

/// How many starts of each kind.
fn starts() -> usize {
    torture(STARTS).div_ceil(KINDS)
}

/// A volume with a directory that is now itself and now a symlink to somewhere else.
struct Arena {
    scratch: Scratch,
    /// Where the volume `shared` lies.
    data: PathBuf,
    canary: PathBuf,
}

impl Arena {
    fn new() -> Self {
        let scratch = Scratch::with_image();
        let canary = scratch.directory("canary");
        fs::create_dir(canary.join("directory")).unwrap();
        fs::write(canary.join("file"), "canary").unwrap();
        scratch
            .shell(&["-v", "shared:/x"], "mkdir -p /x/a/directory; echo inside >/x/a/file")
            .run()
            .success();
        let data = scratch.minirun(["volume", "inspect", "-f", "{{.Mountpoint}}", "shared"]).run().success();
        let data = PathBuf::from(data);
        Self { scratch, data, canary }
    }

    /// The three places that the symlink can lead to.
    fn aims(&self) -> [PathBuf; 3] {
        [self.canary.clone(), PathBuf::from("/"), PathBuf::from("/proc")]
    }

    /// Calls `starts` while `a` is swapped all the time.
    fn while_swapped(&self, aim: &Path, starts: impl FnOnce()) {
        let (directory, aside) = (self.data.join("a"), self.data.join("b"));
        let _ = fs::remove_file(&aside);
        symlink(aim, &aside).unwrap();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let swapper = scope.spawn(|| {
                let mut turns = 0_u32;
                while !is_over.load(Ordering::Relaxed) || turns % 2 == 1 {
                    renameat_with(CWD, &directory, CWD, &aside, RenameFlags::EXCHANGE).unwrap();
                    turns += 1;
                    std::thread::yield_now();
                }
            });
            let result = catch_unwind(AssertUnwindSafe(starts));
            is_over.store(true, Ordering::Relaxed);
            swapper.join().unwrap();
            result.unwrap();
        });
    }

    /// Starts containers with `flags`, of which `{}` is another number each time.
    fn torture(&self, flags: &[&str]) {
        for aim in self.aims() {
            self.while_swapped(&aim, || {
                for start in 0..starts().div_ceil(3) {
                    let flags: Vec<String> =
                        flags.iter().map(|flag| flag.replace("{}", &start.to_string())).collect();
                    let words: Vec<&str> = flags.iter().map(String::as_str).collect();
                    let shared = [&["-v", "shared:/x"], words.as_slice()].concat();
                    let outcome = self.scratch.shell(&shared, "cat /proc/self/mountinfo").run();
                    self.check(&outcome);
                }
            });
        }
        let seen = self.scratch.shell(&["-v", "shared:/x"], "cat /x/a/file").run().success();
        assert_eq!(seen, "inside");
    }

    /// Either it was refused or all that is mounted comes from the store.
    #[track_caller]
    fn check(&self, outcome: &Outcome) {
        assert!(matches!(outcome.code, Some(0 | 125 | 126)), "{outcome}");
        let mounts = outcome.stdout();
        let canary = self.canary.file_name().unwrap().to_str().unwrap();
        for line in mounts.lines() {
            let fields: Vec<&str> = line.split(' ').collect();
            let (root, point) = (fields[3], fields[4]);
            assert!(!root.ends_with(canary) && !root.contains("/canary/"), "{line}\n{outcome}");
            let kind = line.split(" - ").nth(1).unwrap_or_default();
            let is_kernels = kind.starts_with("proc ") || kind.starts_with("sysfs ");
            assert!(
                !is_kernels || point.starts_with("/proc") || point.starts_with("/sys"),
                "{line}\n{outcome}"
            );
            // Nothing but the store is mounted where the test asked for something.
            let is_asked = point.starts_with("/x") || point.starts_with("/y");
            assert!(!is_asked || root != "/" || kind.starts_with("tmpfs "), "{line}\n{outcome}");
        }
        let mut names: Vec<_> =
            fs::read_dir(&self.canary).unwrap().map(|one| one.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["directory", "file"], "{outcome}");
        assert_eq!(fs::read_dir(self.canary.join("directory")).unwrap().count(), 0, "{outcome}");
        assert_eq!(fs::read_to_string(self.canary.join("file")).unwrap(), "canary");
    }
}

#[test]
fn mount_points_on_a_volume() {
    let arena = Arena::new();
    arena.torture(&["-v", "other:/x/a/point{}"]);
    arena.torture(&["--tmpfs", "/x/a/deep/er{}"]);
    arena.torture(&["-v", "/etc/hostname:/x/a/file"]);
}

#[test]
fn working_directories_on_a_volume() {
    let arena = Arena::new();
    arena.torture(&["-w", "/x/a/work{}/deep"]);
    arena.torture(&["-w", "/x/a/directory"]);
}

#[test]
fn sources_on_a_volume() {
    let arena = Arena::new();
    arena.torture(&["--mount", "type=volume,src=shared,dst=/y,volume-subpath=a/directory"]);
    arena.torture(&["--mount", "type=volume,src=shared,dst=/y,volume-subpath=a/file,ro"]);
    let source = arena.data.join("a/directory").display().to_string();
    arena.torture(&["-v", &format!("{source}:/y")]);
    let source = arena.data.join("a").display().to_string();
    arena.torture(&["--mount", &format!("type=bind,src={source},dst=/y,ro")]);
}

#[test]
fn the_working_directory_is_no_descriptor_of_the_launcher() {
    let arena = Arena::new();
    for number in 3..12 {
        let aim = PathBuf::from(format!("/proc/self/fd/{number}"));
        arena.while_swapped(&aim, || {
            for _ in 0..starts().div_ceil(9) {
                let flags = ["-v", "shared:/x", "-w", "/x/a"];
                let outcome =
                    arena.scratch.shell(&flags, "pwd; ls -d canary ../canary 2>/dev/null; true").run();
                let is_right = match outcome.code {
                    // The name that it has just then.
                    Some(0) => ["/x/a\n", "/x/b\n"].contains(&outcome.stdout().as_str()),
                    Some(125 | 126) => true,
                    _ => false,
                };
                assert!(is_right, "{outcome}");
            }
        });
    }
}

#[test]
fn files_of_procfs_in_the_way() {
    // A container with a procfs in which other files are mounted over those that are written when one starts: what it
    // can do in its own mounts reaches nobody else's.
    let scratch = Scratch::with_image();
    let mounts = "for name in sys/net/ipv4/ip_unprivileged_port_start self/attr/exec sysrq-trigger; do
            mount --bind /proc/uptime /proc/$name 2>/dev/null
        done; mount --bind /proc/version /dev/null 2>/dev/null; echo mounted; sleep 1000";
    let id = scratch.minirun(["run", "-d", "--privileged", "-v", "shared:/x", "host", "sh", "-c", mounts]);
    let id = id.run().success();
    for _ in 0..starts() {
        let script = "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /dev/null; cat /proc/keys";
        let output = scratch.shell(&["-v", "shared:/x"], script).run().success();
        assert_eq!(output, "0");
    }
    scratch.minirun(["rm", "-f", &id]).run().success();
}

/// Where the tree of a source begins is decided when the container is thought through.
#[test]
fn a_symlink_of_the_user_is_followed_all_the_same() {
    let scratch = Scratch::with_image();
    let source = scratch.directory("source");
    fs::write(source.join("file"), "linked").unwrap();
    symlink("source", scratch.path("link")).unwrap();
    let bind = format!("{}:/y", scratch.text("link"));
    assert_eq!(scratch.shell(&["-v", &bind], "cat /y/file").run().success(), "linked");
}
