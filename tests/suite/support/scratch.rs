//! A directory with a store of its own, gone when the test is over.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use super::outcome::{Call, Outcome, eventually};
use super::witness::Witness;
use super::{Image, caller};

/// The image that [`Scratch::with_image`] loads.
pub(crate) const IMAGE: &str = "example.test/base:1";

const MINIRUN: &str = env!("CARGO_BIN_EXE_minirun");

/// A scratch directory; `store` below it is where minirun keeps its things.
pub(crate) struct Scratch {
    directory: PathBuf,
    witness: Option<Witness>,
}

impl Scratch {
    /// An empty one.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("minirun-test-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        // A leftover of a process that had our ID long ago.
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        Self { witness: Witness::of(&directory), directory }
    }

    /// One whose store holds [`IMAGE`], the small system of [`Image::base`].
    pub(crate) fn with_image() -> Self {
        Self::with(&Image::base())
    }

    /// One whose store holds `image` as [`IMAGE`].
    pub(crate) fn with(image: &Image) -> Self {
        let scratch = Self::new();
        scratch.load(image, IMAGE);
        scratch
    }

    /// Loads `image` under the name `reference`, plainly, from an image layout.
    pub(crate) fn load(&self, image: &Image, reference: &str) {
        let layout = self.path("layout-to-load");
        image.write_layout(&layout, reference);
        self.minirun(["load", "-q", "-i", layout.to_str().unwrap()]).run().success();
        fs::remove_dir_all(layout).unwrap();
    }

    /// A path in the scratch directory.
    pub(crate) fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.directory.join(name.as_ref())
    }

    /// The same as text for an argument.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).into_os_string().into_string().unwrap()
    }

    /// Makes a directory in the scratch directory.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Makes a file in the scratch directory.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Where the store is.
    pub(crate) fn store(&self) -> PathBuf {
        self.directory.join("store")
    }

    /// The program that is tested.
    pub(crate) fn program(&self) -> PathBuf {
        let own = self.path("bin/minirun");
        if own.exists() { own } else { PathBuf::from(MINIRUN) }
    }

    /// Gives this directory a copy of the program that belongs to the caller, and has it used from here on.
    pub(crate) fn own_program(&self) {
        self.directory("bin");
        // By a process of its own: no child of another test may hold it open for writing when it is executed.
        Command::new("cp").arg(MINIRUN).arg(self.path("bin/minirun")).status().unwrap();
    }

    /// `minirun args…` on this store.
    pub(crate) fn minirun(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Call {
        // Pasta, where it works, costs more than all the rest; the tests about it ask for it.
        let call = Call::new(self.program()).env("MINIRUN_STORE", self.store());
        // What is not there is missing, and not asked of a registry of the world.
        call.env("MINIRUN_NETWORK", "none").env("MINIRUN_PULL", "never").args(args)
    }

    /// `minirun run --rm flags… IMAGE sh -c script`.
    pub(crate) fn shell(&self, flags: &[&str], script: &str) -> Call {
        self.minirun(["run", "--rm"]).args(flags).args([IMAGE, "sh", "-c", script])
    }

    /// `minirun run -d flags… IMAGE sh -c script`; the ID.
    #[track_caller]
    pub(crate) fn detach(&self, flags: &[&str], script: &str) -> String {
        let call = self.minirun(["run", "-d"]).args(flags).args([IMAGE, "sh", "-c", script]);
        let id = call.run().success();
        assert!(id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        id
    }

    /// One field of `inspect`.
    #[track_caller]
    pub(crate) fn field(&self, container: &str, field: &str) -> String {
        let template = format!("{{{{{field}}}}}");
        self.minirun(["inspect", "--format", &template, container]).run().success()
    }

    /// Runs a shell script where `$MINIRUN` is the program and `$SCRATCH` this directory.
    pub(crate) fn host_script(&self, script: &str) -> Call {
        self.scripted("sh", &["-c"], script)
    }

    /// The same, as root of a mount namespace of its own, where the script may mount file systems.
    pub(crate) fn mounting_script(&self, script: &str) -> Call {
        let root = rustix::process::geteuid().is_root();
        let flags: &[&str] = if root { &["-m", "sh", "-c"] } else { &["-r", "-m", "sh", "-c"] };
        self.scripted("unshare", flags, script)
    }

    fn scripted(&self, program: &str, args: &[&str], script: &str) -> Call {
        Call::new(program)
            .args(args)
            .args([script])
            .env("MINIRUN", MINIRUN)
            .env("MINIRUN_STORE", self.store())
            .env("SCRATCH", &self.directory)
    }

    /// Waits until containers that have ended are gone, with nobody doing anything about it.
    #[track_caller]
    pub(crate) fn await_ended(&self) {
        let ended = self.store().join("ended");
        eventually("what has ended is gone", || {
            fs::read_dir(&ended).map_or(true, |mut entries| entries.next().is_none())
        });
    }

    /// Everything in the store, sorted: what an operation that changes nothing must leave as it was.
    #[track_caller]
    pub(crate) fn listing(&self) -> Vec<PathBuf> {
        self.await_ended();
        let mut paths = Vec::new();
        walk(&self.store(), &mut |path| paths.push(path.to_owned()));
        paths.sort();
        paths
    }

    /// The bytes that the store's files take.
    pub(crate) fn store_size(&self) -> u64 {
        self.await_ended();
        let mut size = 0;
        walk(&self.store(), &mut |path| {
            size += fs::symlink_metadata(path).map_or(0, |metadata| metadata.blocks() * 512);
        });
        size
    }

    /// The one path in the store whose last component is `name`.
    #[track_caller]
    pub(crate) fn find_in_store(&self, name: impl AsRef<OsStr>) -> PathBuf {
        let mut found = Vec::new();
        walk(&self.store(), &mut |path| {
            if path.file_name() == Some(name.as_ref()) {
                found.push(path.to_owned());
            }
        });
        assert_eq!(found.len(), 1, "{:?} in the store: {found:?}", name.as_ref());
        found.remove(0)
    }

    /// Fails the test if a mount of this directory, or a process in it, is left on the machine.
    #[track_caller]
    pub(crate) fn assert_nothing_left_running(&self) {
        let here = self.directory.to_str().unwrap();
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(here), "a mount is left:\n{mounts}");
    }

    /// Runs `minirun images` once, so that what every store holds from its first use on is there.
    pub(crate) fn warm_up(&self) -> Outcome {
        self.minirun(["images"]).run()
    }
}

impl Scratch {
    /// Ends what a test has left alone: nothing else would.
    fn end_containers(&self) {
        let is_used = |name: &str| {
            fs::read_dir(self.store().join(name)).is_ok_and(|mut entries| entries.next().is_some())
        };
        if !is_used("containers") && !is_used("ephemeral") {
            return;
        }
        let Ok(output) = self.minirun(["ps", "-q", "--no-trunc"]).into_command().output() else { return };
        let ids = String::from_utf8_lossy(&output.stdout).into_owned();
        if !ids.is_empty() {
            let _ = self.minirun(["rm", "-f"]).args(ids.lines()).into_command().output();
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.end_containers();
        if let Some(witness) = self.witness.take()
            && !std::thread::panicking()
        {
            witness.testify(&self.directory);
        }
        if std::env::var_os("MINIRUN_TEST_KEEP").is_some() || fs::remove_dir_all(&self.directory).is_ok() {
            return;
        }
        // Files of subordinate IDs: only inside the user namespace may they be removed.
        let other = self.directory.with_extension("cleanup-store");
        let unshare = ["unshare", "--", "rm", "-rf", "--"];
        let mut call = Call::new(MINIRUN).env("MINIRUN_STORE", &other).args(unshare).args([&self.directory]);
        call = call.current_dir(Path::new("/"));
        let _ = call.into_command().output();
        let _ = fs::remove_dir_all(&other);
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Every path below `directory`, symlinks not followed; what may not be read is passed over.
fn walk(directory: &Path, visit: &mut dyn FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        visit(&path);
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&path, visit);
        }
    }
}

/// How many processes of this machine have exactly these words as their command line.
pub(crate) fn processes_called(words: &[&str]) -> usize {
    let line: String = words.iter().map(|word| format!("{word}\0")).collect();
    let commands =
        fs::read_dir("/proc").unwrap().flatten().map(|entry| fs::read(entry.path().join("cmdline")));
    commands.flatten().filter(|command| *command == line.as_bytes()).count()
}

/// How many processes of this machine have `text` in their command line.
pub(crate) fn processes_with(text: &str) -> usize {
    let own = std::process::id().to_string();
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|entry| entry.file_name() != own.as_str())
        .filter(|entry| {
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&command).contains(text)
        })
        .count()
}

/// Whether this machine lets the caller mount in a namespace of its own.
pub(crate) fn can_mount() -> bool {
    caller::program_exists("unshare") && caller::can_unshare_mounts()
}
