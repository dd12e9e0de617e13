use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, XattrFlags};

use super::*;
use crate::store::merged::OPAQUE;
use crate::store::testing::TempDir;

/// A layer made by hand over a source; whoever runs the tests owns all of it.
struct Scene {
    temp: TempDir,
}

impl Scene {
    fn new() -> Self {
        let temp = TempDir::new();
        for name in ["source", "layer", "layer/upper", "layer/work", "outside"] {
            fs::create_dir(temp.path().join(name)).unwrap();
        }
        Self { temp }
    }

    fn source(&self, path: &str) -> PathBuf {
        self.temp.path().join("source").join(path)
    }

    fn upper(&self, path: &str) -> PathBuf {
        self.temp.path().join("layer/upper").join(path)
    }

    fn host_file(&self, path: &str, content: &str) {
        file(&self.source(path), content);
    }

    fn file(&self, path: &str, content: &str) {
        file(&self.upper(path), content);
    }

    fn whiteout(&self, path: &str) {
        let path = self.upper(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        rustix::fs::mknodat(CWD, path, FileType::CharacterDevice, Mode::empty(), 0).unwrap();
    }

    fn opaque(&self, path: &str) {
        fs::create_dir_all(self.upper(path)).unwrap();
        rustix::fs::setxattr(self.upper(path), OPAQUE, b"y", XattrFlags::empty()).unwrap();
    }

    /// The container starts now: what the host has is older, what comes is newer.
    fn start(self) -> Self {
        let probe = self.temp.path().join("probe");
        let change_time = || {
            fs::write(&probe, "x").unwrap();
            let metadata = fs::metadata(&probe).unwrap();
            (metadata.ctime(), metadata.ctime_nsec())
        };
        let before = change_time();
        let mut now = before;
        while now == before {
            now = change_time();
        }
        fs::write(self.temp.path().join("layer/since"), format!("{}.{:09}", now.0, now.1)).unwrap();
        self
    }

    fn open(&self) -> Review {
        Review::open(&self.temp.path().join("layer"), &self.source("")).unwrap()
    }

    fn changes(&self) -> Vec<Change> {
        self.open().changes().unwrap()
    }

    /// The changes as one letter and path each; `!` for a conflict, `+` for what another change tells.
    fn listed(&self) -> Vec<String> {
        self.changes().iter().map(shown).collect()
    }

    fn apply(&self) {
        let mut review = self.open();
        let changes = review.changes().unwrap();
        review.apply(&changes).unwrap();
        drop(review);
        assert_eq!(self.listed(), Vec::<String>::new());
        assert_eq!(leftovers(&self.source("")), 0);
    }

    fn patch(&self) -> String {
        let review = self.open();
        let mut patch = Vec::new();
        let mut sink = |bytes: &[u8]| {
            patch.extend_from_slice(bytes);
            Reader::Reading
        };
        assert_eq!(review.patch(&review.changes().unwrap(), &mut sink).unwrap(), Reader::Reading);
        String::from_utf8(patch).unwrap()
    }
}

fn file(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn shown(change: &Change) -> String {
    let letter = match change.act {
        Act::Added => 'A',
        Act::Changed(_) => 'C',
        Act::Removed => 'D',
    };
    let implied = if change.standing == Standing::Implied { "+" } else { "" };
    let conflict = if change.conflict.is_some() { "!" } else { "" };
    format!("{letter}{implied}{conflict} {}", change.path.display())
}

/// How many stages are left below a directory.
fn leftovers(directory: &Path) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        count += usize::from(entry.file_name().to_string_lossy().starts_with(".minirun"));
        if entry.file_type().unwrap().is_dir() && directory.as_os_str().len() < 3000 {
            count += leftovers(&entry.path());
        }
    }
    count
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_equal_is_no_change() {
    let scene = Scene::new();
    scene.host_file("same", "x");
    scene.host_file("dir/same", "x");
    symlink("same", scene.source("link")).unwrap();
    let scene = scene.start();
    scene.file("same", "x");
    scene.file("dir/same", "x");
    symlink("same", scene.upper("link")).unwrap();
    scene.whiteout("never");
    scene.whiteout("dir/never");
    assert_eq!(scene.listed(), Vec::<String>::new());
}

#[test]
fn everything_that_can_happen_to_a_file() {
    let scene = Scene::new();
    for name in ["changed", "mode", "removed", "to-link", "dir/removed", "attributes"] {
        scene.host_file(name, "old\n");
    }
    let scene = scene.start();
    scene.file("added", "new\n");
    scene.file("changed", "new\n");
    scene.file("mode", "old\n");
    mode(&scene.upper("mode"), 0o755);
    scene.whiteout("removed");
    symlink("/etc/passwd", scene.upper("to-link")).unwrap();
    scene.whiteout("dir/removed");
    scene.file("attributes", "old\n");
    rustix::fs::setxattr(scene.upper("attributes"), "user.a", b"b", XattrFlags::empty()).unwrap();
    let listed =
        ["A added", "C attributes", "C changed", "D dir/removed", "C mode", "D removed", "C to-link"];
    assert_eq!(scene.listed(), listed);
    let patch = scene.patch();
    for part in [
        "diff --git a/added b/added\nnew file mode 100644\n--- /dev/null\n+++ b/added\n@@ -0,0 +1 @@\n+new\n",
        "diff --git a/changed b/changed\n--- a/changed\n+++ b/changed\n@@ -1 +1 @@\n-old\n+new\n",
        "diff --git a/mode b/mode\nold mode 100644\nnew mode 100755\n",
        "deleted file mode 100644\n--- a/removed\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n",
        "new file mode 120000\n--- /dev/null\n+++ b/to-link\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n",
    ] {
        assert!(patch.contains(part), "{patch}\nlacks\n{part}");
    }
    scene.apply();
    assert_eq!(fs::read_link(scene.source("to-link")).unwrap(), Path::new("/etc/passwd"));
    assert_eq!(fs::metadata(scene.source("mode")).unwrap().mode() & 0o7777, 0o755);
    let mut value = [0; 4];
    assert_eq!(rustix::fs::getxattr(scene.source("attributes"), "user.a", &mut value[..]), Ok(1));
    assert!(!scene.source("removed").exists() && scene.source("dir").exists());
}

#[test]
fn directories_come_go_and_turn_into_other_things() {
    let scene = Scene::new();
    for name in ["gone/deep/file", "gone/file", "opaque/old", "opaque/kept", "to-file/a/b", "to-dir"] {
        scene.host_file(name, "old");
    }
    let scene = scene.start();
    scene.whiteout("gone");
    scene.opaque("opaque");
    scene.file("opaque/kept", "new");
    scene.file("to-file", "a file");
    scene.file("to-dir/inside/file", "x");
    fs::create_dir(scene.upper("empty")).unwrap();
    mode(&scene.upper("empty"), 0o2711);
    let listed = [
        "A empty",
        "D gone",
        "D+ gone/deep",
        "D+ gone/deep/file",
        "D+ gone/file",
        "C opaque/kept",
        "D opaque/old",
        "C to-dir",
        "A to-dir/inside",
        "A to-dir/inside/file",
        "C to-file",
        "D+ to-file/a",
        "D+ to-file/a/b",
    ];
    assert_eq!(scene.listed(), listed);
    scene.apply();
    assert_eq!(fs::metadata(scene.source("empty")).unwrap().mode(), 0o42_711);
    assert_eq!(fs::read(scene.source("to-dir/inside/file")).unwrap(), b"x");
    assert_eq!(fs::read(scene.source("to-file")).unwrap(), b"a file");
    assert!(!scene.source("gone").exists() && !scene.source("opaque/old").exists());
}

#[test]
fn what_the_host_did_meanwhile_is_a_conflict() {
    let scene = Scene::new();
    for name in ["both", "gone", "tree/a", "tree/b", "mine"] {
        scene.host_file(name, "old");
    }
    let scene = scene.start();
    for name in ["both", "mine", "new"] {
        scene.file(name, "container's");
    }
    scene.whiteout("gone");
    scene.whiteout("tree");
    for name in ["both", "gone", "tree/a", "new"] {
        scene.host_file(name, "host's");
    }
    let listed = ["C! both", "D! gone", "C mine", "C! new", "D! tree", "D+! tree/a", "D+ tree/b"];
    assert_eq!(scene.listed(), listed);
    let changes = scene.changes();
    let refused = settle(changes.clone(), OnConflict::Refuse);
    assert_eq!(refused.left.len(), 6);
    let skipped = settle(changes.clone(), OnConflict::Skip);
    assert_eq!(skipped.applied.iter().map(shown).collect::<Vec<_>>(), ["C mine"]);
    scene.open().apply(&skipped.applied).unwrap();
    assert_eq!(fs::read(scene.source("mine")).unwrap(), b"container's");
    assert_eq!(fs::read(scene.source("tree/b")).unwrap(), b"old");
    assert_eq!(settle(changes, OnConflict::Force).left, []);
    scene.apply();
    assert_eq!(fs::read(scene.source("both")).unwrap(), b"container's");
    // What an apply wrote is no change of the host's.
    scene.file("both", "container's again");
    assert_eq!(scene.listed(), ["C both"]);
    scene.host_file("both", "host's again");
    assert_eq!(scene.listed(), ["C! both"]);
}

#[test]
fn what_the_host_removed_meanwhile_is_a_conflict() {
    let scene = Scene::new();
    for name in ["edited", "renamed-from", "dir/inside", "calm/edited"] {
        scene.host_file(name, "old");
    }
    let copy_up = |scene: &Scene, from: &str, to: &str| {
        let host = fs::metadata(scene.source(from)).unwrap();
        fs::create_dir_all(scene.upper(to).parent().unwrap()).unwrap();
        if host.is_dir() {
            fs::create_dir(scene.upper(to)).unwrap();
        } else {
            scene.file(to, "old");
        }
        let time = fs::FileTimes::new().set_modified(host.modified().unwrap());
        fs::File::open(scene.upper(to)).unwrap().set_times(time).unwrap();
        rustix::fs::setxattr(scene.upper(to), "user.overlay.origin", b"", XattrFlags::empty()).unwrap();
    };
    let scene = scene.start();
    copy_up(&scene, "edited", "edited");
    scene.file("edited", "new");
    copy_up(&scene, "renamed-from", "renamed-to");
    scene.whiteout("renamed-from");
    copy_up(&scene, "dir", "dir");
    copy_up(&scene, "dir/inside", "dir/inside");
    copy_up(&scene, "calm/edited", "calm/moved-and-edited");
    scene.file("calm/moved-and-edited", "newer");
    fs::remove_file(scene.source("edited")).unwrap();
    fs::remove_dir_all(scene.source("dir")).unwrap();
    let listed =
        ["A calm/moved-and-edited", "A! dir", "A dir/inside", "A! edited", "D renamed-from", "A renamed-to"];
    assert_eq!(scene.listed(), listed);
    scene.apply();
}

#[test]
fn a_part_is_applied_with_the_directories_it_needs() {
    let scene = Scene::new();
    scene.host_file("was-file", "x");
    let scene = scene.start();
    scene.file("was-file/sub/a", "a");
    scene.file("was-file/sub/b", "b");
    scene.file("other", "o");
    let changes = scene.changes();
    let paths = ["was-file/sub/a".into()];
    let shown_all = |changes: &[Change]| changes.iter().map(shown).collect::<Vec<_>>();
    assert_eq!(shown_all(&named(&changes, &paths)), ["A was-file/sub/a"]);
    let part = needed(&changes, &paths);
    assert_eq!(shown_all(&part), ["C was-file", "A was-file/sub", "A was-file/sub/a"]);
    scene.open().apply(&part).unwrap();
    assert_eq!(scene.listed(), ["A other", "A was-file/sub/b"]);
}

#[test]
fn nothing_leads_outside() {
    let scene = Scene::new();
    scene.host_file("dir/file", "old");
    let secret = scene.temp.path().join("outside/file");
    file(&secret, "secret");
    symlink("../outside", scene.source("link")).unwrap();
    symlink("../outside/file", scene.source("file-link")).unwrap();
    fs::hard_link(&secret, scene.source("hard")).unwrap();
    let scene = scene.start();
    scene.file("dir/file", "new");
    scene.file("link/file", "new");
    scene.file("file-link", "new");
    scene.file("hard", "secret");
    mode(&scene.upper("hard"), 0o777);
    symlink(scene.temp.path().join("outside"), scene.upper("evil")).unwrap();
    let mut review = scene.open();
    let changes = review.changes().unwrap();
    assert_eq!(
        changes.iter().map(shown).collect::<Vec<_>>(),
        ["C dir/file", "A evil", "C file-link", "C hard", "C link", "A link/file"]
    );
    // Between comparing and applying, the directory becomes a link outside.
    fs::rename(scene.source("dir"), scene.source("dir.old")).unwrap();
    symlink("../outside", scene.source("dir")).unwrap();
    assert!(matches!(review.apply(&changes), Err(ReviewError::Apply { .. })));
    fs::remove_file(scene.source("dir")).unwrap();
    fs::rename(scene.source("dir.old"), scene.source("dir")).unwrap();
    drop(review);
    scene.apply();
    assert_eq!(fs::read(&secret).unwrap(), b"secret");
    assert_eq!(fs::metadata(&secret).unwrap().mode() & 0o777, 0o644);
    assert_eq!(fs::read_dir(scene.temp.path().join("outside")).unwrap().count(), 1);
    assert!(scene.source("evil").is_symlink());
    assert_eq!(fs::read(scene.source("link/file")).unwrap(), b"new");
}

#[test]
fn a_source_that_is_another_one_is_refused() {
    let scene = Scene::new().start();
    scene.file("x", "x");
    fs::rename(scene.source(""), scene.temp.path().join("source.old")).unwrap();
    symlink("outside", scene.temp.path().join("source")).unwrap();
    let opened = Review::open(&scene.temp.path().join("layer"), &scene.temp.path().join("source"));
    assert!(matches!(opened, Err(ReviewError::Replaced(_))));
}

#[test]
fn strange_names_links_and_kinds() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let scene = Scene::new().start();
    let strange = OsStr::from_bytes(b"a\nb \xff\"");
    fs::write(scene.upper("").join(strange), "x\n").unwrap();
    scene.file("one", "linked");
    fs::hard_link(scene.upper("one"), scene.upper("two")).unwrap();
    rustix::fs::mknodat(CWD, scene.upper("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    rustix::fs::mknodat(CWD, scene.upper("socket"), FileType::Socket, Mode::RUSR, 0).unwrap();
    let sparse = fs::File::create(scene.upper("sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    scene.file("closed", "x");
    mode(&scene.upper("closed"), 0o4000);
    let long = "n".repeat(255);
    scene.file(&long, "x");
    let patch = scene.patch();
    let header = r#"diff --git "a/a\nb \377\"" "b/a\nb \377\"""#;
    assert!(patch.contains(header), "{patch}");
    assert!(patch.contains("Binary files /dev/null and b/sparse differ\n"), "{patch}");
    if !rustix::process::geteuid().is_root() {
        mode(&scene.upper("closed"), 0o4400);
    }
    scene.apply();
    assert_eq!(fs::read(scene.source("").join(strange)).unwrap(), b"x\n");
    let inode = |path| fs::metadata(scene.source(path)).unwrap().ino();
    assert_eq!(inode("one"), inode("two"));
    let sparse = fs::metadata(scene.source("sparse")).unwrap();
    assert!(sparse.len() == 1 << 40 && sparse.blocks() < 1000);
}

#[test]
fn two_names_of_one_file_of_the_host() {
    let scene = Scene::new();
    scene.host_file("one", "old");
    for name in ["two", "three"] {
        fs::hard_link(scene.source("one"), scene.source(name)).unwrap();
    }
    let scene = scene.start();
    scene.file("one", "new");
    scene.whiteout("three");
    scene.file("two", "newer");
    scene.apply();
    assert_eq!(fs::read(scene.source("two")).unwrap(), b"newer");
}

#[test]
fn deep_trees_and_many_files() {
    let scene = Scene::new().start();
    let mut deep = rustix::fs::open(scene.upper(""), rustix::fs::OFlags::PATH, Mode::empty()).unwrap();
    for _ in 0..1000 {
        rustix::fs::mkdirat(&deep, "directory", Mode::RWXU).unwrap();
        deep = rustix::fs::openat(&deep, "directory", rustix::fs::OFlags::PATH, Mode::empty()).unwrap();
    }
    for number in 0..500 {
        scene.file(&format!("many/{number}"), "x");
    }
    assert_eq!(scene.changes().len(), 1501);
    scene.apply();
    assert_eq!(fs::read_dir(scene.source("many")).unwrap().count(), 500);
}

#[test]
fn a_killed_apply_is_finished_by_the_next() {
    let scene = Scene::new();
    scene.host_file("dir/file", "old");
    let scene = scene.start();
    scene.file("dir/file", "new");
    // What a kill between making and placing leaves.
    fs::create_dir(scene.source("dir/.minirun-apply-0")).unwrap();
    fs::write(scene.source("dir/.minirun-apply-0/file"), "half").unwrap();
    let journal = r#"{"parent": "dir", "name": ".minirun-apply-0"}"#;
    fs::write(scene.temp.path().join("layer/stage.json"), journal).unwrap();
    scene.apply();
    assert!(!scene.temp.path().join("layer/stage.json").exists());
}

#[test]
fn discarding_a_part_and_all() {
    let scene = Scene::new();
    for name in ["a", "b", "tree/c", "opaque/d"] {
        scene.host_file(name, "old");
    }
    let scene = scene.start();
    scene.file("a", "new");
    scene.whiteout("b");
    scene.whiteout("tree");
    scene.opaque("opaque");
    scene.file("opaque/e", "new");
    let review = scene.open();
    for (path, with) in [("tree/c", "tree"), ("opaque/d", "opaque")] {
        let error = review.discard(&[path.into()]).unwrap_err();
        assert!(matches!(error, ReviewError::Together { with: found, .. } if found == Path::new(with)));
    }
    review.discard(&["a".into(), "tree".into(), "never/was".into()]).unwrap();
    drop(review);
    assert_eq!(scene.listed(), ["D b", "D opaque/d", "A opaque/e"]);
    scene.open().discard(&["opaque".into()]).unwrap();
    assert_eq!(scene.listed(), ["D b"]);
    mode(&scene.upper(""), 0o700);
    scene.open().discard(&[PathBuf::new()]).unwrap();
    assert_eq!(scene.listed(), Vec::<String>::new());
}
