//! What the kernel says before a test and after it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long what is ending may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Watches over one scratch directory, if `MINIRUN_TEST_WITNESS=1`.
pub(super) struct Witness {
    canary: PathBuf,
    seen: Facts,
}

/// What no test changes.
#[derive(Debug, PartialEq, Eq)]
struct Facts {
    namespaces: Vec<PathBuf>,
    canary: (u64, u64, i64, i64, u32, Vec<u8>),
}

impl Facts {
    fn of(canary: &Path) -> Self {
        let names = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
        let metadata = fs::symlink_metadata(canary).unwrap();
        Self {
            namespaces: names.map(|name| fs::read_link(format!("/proc/self/ns/{name}")).unwrap()).into(),
            canary: (
                metadata.dev(),
                metadata.ino(),
                metadata.ctime(),
                metadata.ctime_nsec(),
                metadata.mode(),
                fs::read(canary).unwrap(),
            ),
        }
    }
}

impl Witness {
    pub(super) fn of(directory: &Path) -> Option<Self> {
        if std::env::var_os("MINIRUN_TEST_WITNESS").is_none_or(|value| value != "1") {
            return None;
        }
        // Beside what the test has, where no test has any business.
        let canary = directory.with_extension("canary");
        fs::write(&canary, "nobody comes here").unwrap();
        Some(Self { seen: Facts::of(&canary), canary })
    }

    /// Fails if something is otherwise than before, or somebody still uses the directory.
    pub(super) fn testify(self, directory: &Path) {
        let seen = Facts::of(&self.canary);
        fs::remove_file(&self.canary).unwrap();
        assert_eq!(seen, self.seen);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = uses(directory);
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "left over: {left:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Mounts of a directory, and open files in it, of whatever process may be looked at.
fn uses(directory: &Path) -> Vec<String> {
    let here = directory.to_str().unwrap();
    let is_here = |path: &Path| path.starts_with(directory);
    let mut uses = Vec::new();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    uses.extend(mounts.lines().filter(|line| line.contains(here)).map(str::to_owned));
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let links = ["cwd", "root", "exe"].map(|name| process.path().join(name));
        let files = fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten();
        for link in links.into_iter().chain(files.map(|file| file.path())) {
            if fs::read_link(&link).is_ok_and(|path| is_here(&path)) {
                uses.push(format!("{}: {:?}", link.display(), fs::read_link(&link)));
            }
        }
    }
    uses
}
