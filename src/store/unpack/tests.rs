mod merge;
mod noted;
mod two_ways;

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use ::tar::{Builder, EntryType, Header};

use super::*;
use crate::plan::path::ContainerPath;
use crate::store::testing::TempDir;

/// Builds the archive of a layer; names are taken as they are.
struct Archive(Vec<u8>);

impl Archive {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn entry(mut self, kind: EntryType, name: &str, link: &str, mode: u32, body: &str) -> Self {
        let mut header = Header::new_gnu();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        let (uid, gid) = owner();
        header.set_uid(uid);
        header.set_gid(gid);
        header.set_mtime(1000);
        header.set_size(body.len() as u64);
        header.set_device_major(1).unwrap();
        header.set_device_minor(3).unwrap();
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self.0.extend(body.as_bytes());
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, body: &str) -> Self {
        self.entry(EntryType::Regular, name, "", 0o644, body)
    }

    fn dir(self, name: &str, mode: u32) -> Self {
        self.entry(EntryType::Directory, name, "", mode, "")
    }

    fn symlink(self, name: &str, target: &str) -> Self {
        self.entry(EntryType::Symlink, name, target, 0o777, "")
    }

    fn hardlink(self, name: &str, target: &str) -> Self {
        self.entry(EntryType::Link, name, target, 0o644, "")
    }

    fn pax(mut self, records: &[(&str, &[u8])]) -> Self {
        let mut builder = Builder::new(Vec::new());
        builder.append_pax_extensions(records.iter().copied()).unwrap();
        let archive = builder.into_inner().unwrap();
        self.0.extend(&archive[..archive.len() - 1024]);
        self
    }
}

/// An owner that this process can give to files.
fn owner() -> (u64, u64) {
    if is_root() { (0, 0) } else { (1234, 1235) }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A stack of layers in a directory of the test; and a file beside it that nothing may touch.
struct Stack {
    temp: TempDir,
    names: Vec<String>,
    /// The lowest layer that shows.
    bottom: usize,
    limits: Limits,
}

impl Stack {
    fn new() -> Self {
        let temp = TempDir::new();
        fs::write(temp.path().join("canary"), "alive").unwrap();
        Self { temp, names: Vec::new(), bottom: 0, limits: Limits::default() }
    }

    fn merged(&self) -> Merged {
        Merged::new(self.names[self.bottom..].iter().rev().map(|name| self.temp.open(name)).collect())
    }

    fn try_push(&mut self, archive: &[u8]) -> Result<Unpacked, UnpackError> {
        // Streams of unknown size are read in another way: both see layers.
        let size = self.names.len().is_multiple_of(2).then_some(archive.len() as u64);
        self.try_push_of_size(archive, size)
    }

    fn try_push_of_size(&mut self, archive: &[u8], size: Option<u64>) -> Result<Unpacked, UnpackError> {
        let name = format!("layer{}", self.names.len());
        let into = self.temp.make_dir(&name);
        let blob = LayerBlob { reader: Box::new(archive), digest: None, size, diff_id: None };
        let ownership = if is_root() { Ownership::Mapped } else { Ownership::Squashed };
        let result = unpack(blob, into.as_fd(), &self.merged(), ownership, &self.limits, &mut |_| {});
        assert_eq!(fs::read(self.temp.path().join("canary")).unwrap(), b"alive");
        if result.as_ref().is_ok_and(|unpacked| unpacked.opaque_root) {
            self.bottom = self.names.len();
        }
        self.names.push(name);
        result
    }

    fn push(&mut self, archive: &Archive) -> Unpacked {
        self.try_push(&archive.0).unwrap()
    }

    fn refuse(archive: &Archive) -> String {
        let mut stack = Self::new();
        stack.push(&Archive::new().dir("lower", 0o755).symlink("link", "lower").file("file", "x"));
        let error = stack.try_push(&archive.0).unwrap_err();
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            text.extend([": ", &error.to_string()]);
            source = error.source();
        }
        text
    }

    /// A path in the layer that was pushed last.
    fn top(&self, path: &str) -> PathBuf {
        self.temp.path().join(self.names.last().unwrap()).join(path)
    }

    fn read(&self, path: &str) -> Option<String> {
        let path = ContainerPath::parse(path).unwrap();
        self.merged().read_file(&path, 1000).unwrap().map(|content| String::from_utf8(content).unwrap())
    }

    fn mode(&self, path: &str) -> u32 {
        let path = ContainerPath::parse(path).unwrap();
        self.merged().lookup(&path).unwrap().map_or(0, |stat| stat.st_mode)
    }
}

fn is_opaque(path: &Path) -> bool {
    let mut value = [0; 4];
    rustix::fs::lgetxattr(path, "user.overlay.opaque", &mut value[..])
        .is_ok_and(|length| &value[..length] == b"y")
}

fn is_whiteout(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_char_device() && meta.rdev() == 0)
}

#[test]
fn every_kind_with_its_metadata() {
    let mut stack = Stack::new();
    // Root of a user namespace may look into it all the same; a plain user may not.
    let closed = if is_root() { 0o000 } else { 0o500 };
    let done = stack.push(
        &Archive::new()
            .dir("./", 0o750)
            .dir("closed", closed)
            .file("closed/file", "text")
            .dir("sticky", 0o1777)
            .entry(EntryType::Regular, "/bin/su", "", 0o4755, "x")
            .symlink("link", "/nowhere/at/all")
            .hardlink("name", "/closed/file")
            .entry(EntryType::Fifo, "pipe", "", 0o622, "")
            .entry(EntryType::Char, "null", "", 0o666, ""),
    );
    assert_eq!((done.entries, done.bytes, done.opaque_root), (9, 5, false));
    // Whoever has one ID only is told of the owners as well.
    let warnings: Vec<_> = done.warnings.into_iter().filter(|warning| *warning != Warning::Owners).collect();
    assert_eq!(warnings, [Warning::Device { path: "null".into() }]);
    let setuid = if is_root() { 0o104_755 } else { 0o100_755 };
    for (path, mode) in [
        ("/", 0o40_750),
        ("/closed", 0o40_000 | closed),
        ("/sticky", 0o41_777),
        ("/bin", 0o40_755),
        ("/bin/su", setuid),
        ("/link", 0o120_777),
        ("/pipe", 0o10_622),
        ("/null", 0),
    ] {
        assert_eq!(stack.mode(path), mode, "{path}: {:o}", stack.mode(path));
    }
    for path in ["closed", "link", "pipe", "bin/su", ""] {
        assert_eq!(fs::symlink_metadata(stack.top(path)).unwrap().mtime(), 1000, "{path}");
    }
    let name = fs::metadata(stack.top("name")).unwrap();
    assert_eq!((name.nlink(), name.len()), (2, 4));
    if !is_root() {
        let mut value = [0; 32];
        let length = rustix::fs::getxattr(stack.top("bin/su"), "user.minirun.owner", &mut value[..]).unwrap();
        assert_eq!(&value[..length], b"1234:1235:4755");
    }
}

#[test]
fn parents_lead_through_symlinks_of_lower_layers() {
    let mut stack = Stack::new();
    stack.push(
        &Archive::new()
            .dir("usr", 0o755)
            .dir("usr/bin", 0o711)
            .symlink("bin", "usr/bin")
            .symlink("abs", "/../usr"),
    );
    stack.push(
        &Archive::new().file("bin/foo", "foo").file("abs/bin/bar", "bar").symlink("later", "made/here"),
    );
    assert!(!stack.top("bin").exists());
    assert_eq!(stack.read("/bin/foo").as_deref(), Some("foo"));
    assert_eq!(stack.read("/usr/bin/bar").as_deref(), Some("bar"));
    assert_eq!(fs::metadata(stack.top("usr/bin")).unwrap().mode(), 0o40_711);
    assert_eq!(fs::metadata(stack.top("usr/bin")).unwrap().mtime(), 1000);
    // A dangling link: its target is made.
    stack.push(&Archive::new().file("later/file", "deep"));
    assert_eq!(fs::read(stack.top("made/here/file")).unwrap(), b"deep");
}

#[test]
fn whiteouts() {
    let mut stack = Stack::new();
    stack.push(
        &Archive::new()
            .file("a", "a")
            .file("d/x", "x")
            .file("d/y", "y")
            .file("o/x", "x")
            .file("o/s/y", "y")
            .file("r/x", "x"),
    );
    stack.push(
        &Archive::new()
            .file(".wh.a", "")
            .file("d/.wh.x", "")
            .file("d/.wh.nothing", "")
            .file("missing/.wh.z", "")
            .file("o/s/.wh.y", "")
            .file("o/.wh.x", "")
            .file("o/new", "new")
            .file("o/.wh..wh..opq", "")
            .file(".wh.r", "")
            .dir("r", 0o755)
            .file("r/new", "new")
            .entry(EntryType::Directory, "d/.wh..wh.aufs", "", 0o755, ""),
    );
    assert!(is_whiteout(&stack.top("a")) && is_whiteout(&stack.top("d/x")));
    assert!(!stack.top("d/nothing").exists() && !stack.top("missing").exists());
    assert!(is_opaque(&stack.top("o")) && is_opaque(&stack.top("r")) && !is_opaque(&stack.top("d")));
    // None inside an opaque directory: overlay would show them as devices.
    assert!(!is_whiteout(&stack.top("o/x")) && !is_whiteout(&stack.top("o/s/y")));
    for (path, content) in [
        ("/a", None),
        ("/d/x", None),
        ("/d/y", Some("y")),
        ("/o/x", None),
        ("/o/s/y", None),
        ("/o/new", Some("new")),
        ("/r/x", None),
        ("/r/new", Some("new")),
    ] {
        assert_eq!(stack.read(path).as_deref(), content, "{path}");
    }
}

#[test]
fn a_copied_directory_does_not_hide_what_its_model_does_not() {
    let mut stack = Stack::new();
    stack.push(&Archive::new().file("d/a", "a"));
    stack.push(&Archive::new().file("d/.wh..wh..opq", "").file("d/b", "b"));
    stack.push(&Archive::new().file("d/c", "c"));
    assert!(!is_opaque(&stack.top("d")));
    assert_eq!((stack.read("/d/a"), stack.read("/d/b").as_deref()), (None, Some("b")));
}

#[test]
fn a_whiteout_after_what_replaces_it() {
    let mut stack = Stack::new();
    stack.push(&Archive::new().file("d/old", "old").file("f", "old"));
    stack.push(&Archive::new().file("d/new", "new").file("f", "new").file(".wh.d", "").file(".wh.f", ""));
    assert_eq!((stack.read("/d/new").as_deref(), stack.read("/d/old")), (Some("new"), None));
    assert_eq!(stack.read("/f").as_deref(), Some("new"));
}

#[test]
fn an_opaque_root_is_told() {
    let mut stack = Stack::new();
    stack.push(&Archive::new().file("old", "old").file("d/old", "old"));
    let done = stack.push(&Archive::new().file(".wh.old", "").file("d/new", "new").file(".wh..wh..opq", ""));
    assert!(done.opaque_root);
    assert!(!stack.top("old").exists() && !is_whiteout(&stack.top("old")));
}

#[test]
fn kinds_replace_each_other() {
    let mut stack = Stack::new();
    stack.push(
        &Archive::new()
            .dir("usr", 0o755)
            .file("usr/x", "x")
            .file("d/x", "x")
            .file("f", "f")
            .symlink("l", "usr"),
    );
    stack.push(
        &Archive::new()
            .file("d", "file")
            .dir("f", 0o755)
            .dir("l", 0o700)
            .file("twice/a", "1")
            .file("twice", "2")
            .file("again", "1")
            .hardlink("kept", "again")
            .file("again", "2"),
    );
    assert!(is_opaque(&stack.top("f")) && is_opaque(&stack.top("l")));
    assert_eq!(stack.mode("/usr"), 0o40_755);
    for (path, content) in [
        ("/d", Some("file")),
        ("/l/x", None),
        ("/twice", Some("2")),
        ("/again", Some("2")),
        ("/kept", Some("1")),
    ] {
        assert_eq!(stack.read(path).as_deref(), content, "{path}");
    }
    // Below a file of a lower layer: the directory replaces it.
    stack.push(&Archive::new().file("d/inside", "x"));
    assert_eq!(stack.read("/d/inside").as_deref(), Some("x"));
    assert!(is_opaque(&stack.top("d")));
}

#[test]
fn hardlinks_to_lower_files_copy_them_up() {
    let mut stack = Stack::new();
    stack.push(&Archive::new().entry(EntryType::Regular, "d/file", "", 0o640, "text").symlink("s", "d/file"));
    stack.push(&Archive::new().hardlink("name", "d/file").hardlink("s2", "s"));
    let meta = fs::metadata(stack.top("name")).unwrap();
    assert_eq!((meta.nlink(), meta.mode(), meta.mtime()), (2, 0o100_640, 1000));
    assert_eq!(meta.ino(), fs::metadata(stack.top("d/file")).unwrap().ino());
    assert_eq!(fs::read_link(stack.top("s2")).unwrap(), Path::new("d/file"));
}

#[test]
fn what_is_refused() {
    let device = {
        let mut archive = Archive::new().entry(EntryType::Char, "zero", "", 0o666, "").0;
        archive[329..345].fill(0);
        let sum: u32 = archive[..512].iter().map(|&byte| u32::from(byte)).sum();
        let old: u32 = archive[148..156].iter().map(|&byte| u32::from(byte)).sum();
        archive[148..156].copy_from_slice(format!("{:06o}\0 ", sum - old + 8 * 32).as_bytes());
        Archive(archive)
    };
    for (archive, problem) in [
        (Archive::new().file("../out", "x"), "has a `..`"),
        (Archive::new().file("a/../../out", "x"), "has a `..`"),
        (Archive::new().file("/", "x"), "cannot read the layer"),
        (Archive::new().symlink("/", "x"), "root directory"),
        (Archive::new().symlink("a", "b").symlink("b", "a").file("a/x", "x"), "too many symlinks"),
        (Archive::new().file("f", "x").file("f/x", "x"), "`/f` is not a directory"),
        (Archive::new().hardlink("h", "nothing"), "does not exist"),
        (Archive::new().hardlink("h", "../../canary"), "leads out of the root by a `..`"),
        (Archive::new().hardlink("h", "lower"), "is a directory"),
        (Archive::new().hardlink("h", "h"), "does not exist"),
        (Archive::new().file("h", "x").hardlink("h", "h"), "a hard link to itself"),
        (Archive::new().file(".wh...", ""), "whiteout of no name"),
        (Archive::new().symlink("w", ".wh.d").file("w/x", ""), "name of whiteouts"),
        (device, "0:0"),
    ] {
        let text = Stack::refuse(&archive);
        assert!(text.contains(problem), "{text} for {problem}");
    }
}

#[test]
fn nothing_leaves_through_symlinks() {
    let mut stack = Stack::new();
    let outside = stack.temp.path().join("canary");
    let temp = stack.temp.path().to_str().unwrap().to_owned();
    stack.push(
        &Archive::new()
            .symlink("up", "../../../../../..")
            .symlink("abs", &temp)
            .symlink("direct", outside.to_str().unwrap())
            .file("up/canary", "x")
            .file("abs/canary", "x")
            .file("direct", "x")
            .hardlink("stolen", "abs/canary"),
    );
    assert_eq!(stack.read("/canary").as_deref(), Some("x"));
    assert_eq!(fs::metadata(&outside).unwrap().nlink(), 1);
    // The root of the machine is not the root of the image.
    assert!(stack.top(&format!(".{temp}/canary")).exists());
}

#[test]
fn xattrs_by_policy() {
    let mut stack = Stack::new();
    stack.push(
        &Archive::new()
            .pax(&[
                ("SCHILY.xattr.user.kept", b"a\0b"),
                ("SCHILY.xattr.user.overlay.opaque", b"y"),
                ("SCHILY.xattr.user.minirun.owner", b"0:0:4755"),
                ("SCHILY.xattr.trusted.x", b"x"),
                ("SCHILY.xattr.security.selinux", b"x"),
            ])
            .dir("d", 0o755),
    );
    let mut names = [0; 1000];
    let length = rustix::fs::listxattr(stack.top("d"), &mut names[..]).unwrap();
    let text = String::from_utf8_lossy(&names[..length]).into_owned();
    assert!(text.contains("user.kept") && !text.contains("overlay") && !text.contains("trusted"), "{text}");
    let mut value = [0; 10];
    assert_eq!(rustix::fs::getxattr(stack.top("d"), "user.kept", &mut value[..]), Ok(3));
    // Copied up with its xattrs; an entry of its own has only those that it says.
    stack.push(&Archive::new().file("d/x", "x"));
    assert_eq!(rustix::fs::getxattr(stack.top("d"), "user.kept", &mut value[..]), Ok(3));
    stack.push(&Archive::new().file("d/y", "y").dir("d", 0o755));
    assert!(rustix::fs::getxattr(stack.top("d"), "user.kept", &mut value[..]).is_err());
}

#[test]
fn holes_stay_holes() {
    let mut stack = Stack::new();
    let records: &[(&str, &[u8])] = &[
        ("GNU.sparse.size", b"16777216"),
        ("GNU.sparse.numblocks", b"2"),
        ("GNU.sparse.map", b"1048576,3,16777213,3"),
    ];
    stack.push(&Archive::new().pax(records).file("f", "abcdef"));
    let meta = fs::metadata(stack.top("f")).unwrap();
    assert_eq!(meta.len(), 16 << 20);
    assert!(meta.blocks() * 512 < 1 << 20, "{} blocks", meta.blocks());
    let content = fs::read(stack.top("f")).unwrap();
    assert_eq!((&content[1_048_576..1_048_579], &content[16_777_213..]), (&b"abc"[..], &b"def"[..]));
    stack.push(&Archive::new().hardlink("g", "f"));
    assert!(fs::metadata(stack.top("g")).unwrap().blocks() * 512 < 1 << 20);
}

#[test]
fn deep_and_many() {
    let mut stack = Stack::new();
    let deep = "d/".repeat(900);
    let mut archive = Archive::new().pax(&[("path", format!("{deep}file").as_bytes())]).file("x", "deep");
    for index in 0..400 {
        archive =
            archive.dir(&format!("many/{index}/sub"), 0o700).file(&format!("many/{}/late", index / 2), "x");
    }
    stack.push(&archive);
    assert_eq!(stack.mode("/many/399/sub"), 0o40_700);
    assert_eq!(stack.read(&format!("/{deep}file")).as_deref(), Some("deep"));
}

#[test]
fn the_way_to_deep_directories_is_walked_once() {
    let add = |archive: Archive, top: &str, deep: usize, name: String| {
        let path = format!("{top}/{}{name}", "d/".repeat(deep));
        archive.pax(&[("path", path.as_bytes())]).file("x", "")
    };
    let mut archive = Archive::new().symlink("l", "a/d/d/d");
    // Down, up again, and to and fro between two ends.
    for deep in (1..600).chain((1..600).rev()) {
        archive = add(archive, "a", deep, format!("f{deep}"));
    }
    for index in 0..200 {
        archive = add(archive, "a", 599, format!("x{index}"));
        archive = add(archive, "l", 500, format!("y{index}"));
    }
    let limits = Limits { lookups: 8_000, ..Limits::default() };
    Stack { limits, ..Stack::new() }.try_push(&archive.0).unwrap();
    let limits = Limits { lookups: 100, ..Limits::default() };
    let error = Stack { limits, ..Stack::new() }.try_push(&archive.0);
    assert!(matches!(error, Err(UnpackError::Entry { problem: Problem::Lookups(100), .. })));
}

#[test]
fn copies_for_hard_links_count() {
    let limits = Limits { bytes: 20_000, ..Limits::default() };
    let mut stack = Stack { limits, ..Stack::new() };
    stack.push(&Archive::new().file("a", &"x".repeat(9_000)).file("b", &"x".repeat(9_000)));
    let one = stack.try_push(&Archive::new().hardlink("c", "a").hardlink("d", "a").0).unwrap();
    assert_eq!(one.copied, 9_000);
    let three = Archive::new().hardlink("c", "a").hardlink("d", "b").hardlink("e", "big").0;
    stack.limits.bytes = 10_000;
    let error = stack.try_push(&three);
    assert!(matches!(error, Err(UnpackError::Entry { problem: Problem::Copies(10_000), .. })));
}

#[test]
fn a_copy_for_a_hard_link_is_replaced_as_what_it_is_of() {
    let mut stack = Stack::new();
    stack.push(&Archive::new().file("a", "text"));
    stack.push(&Archive::new().hardlink("h", "a").file("a/b", "below"));
    assert_eq!(stack.read("/a/b").as_deref(), Some("below"));
    assert_eq!(stack.read("/h").as_deref(), Some("text"));
    let own = Archive::new().file("c", "text").hardlink("i", "c").file("c/b", "below").0;
    assert!(matches!(stack.try_push(&own), Err(UnpackError::Entry { problem: Problem::Parent(_), .. })));
}

#[test]
fn limits_hold() {
    let archive = Archive::new().file("a", "text").file("b", "text").0;
    let push = |limits: Limits| Stack { limits, ..Stack::new() }.try_push(&archive);
    assert!(matches!(push(Limits { entries: 1, ..Limits::default() }), Err(UnpackError::TooManyEntries(1))));
    assert!(matches!(push(Limits { file: 3, ..Limits::default() }), Err(UnpackError::Entry { .. })));
    assert!(matches!(push(Limits { bytes: 600, ..Limits::default() }), Err(UnpackError::Archive(_))));
    let long = Archive::new().file("directory/a", "x").file("other/a", "x").0;
    let error = Stack { limits: Limits { paths: 12, ..Limits::default() }, ..Stack::new() }.try_push(&long);
    assert!(matches!(error, Err(UnpackError::Entry { problem: Problem::Paths(12), .. })));
    let bomb = {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        std::io::copy(&mut std::io::repeat(0).take(10 << 20), &mut encoder).unwrap();
        encoder.finish().unwrap()
    };
    let limits = Limits { ratio_from: 1 << 20, ..Limits::default() };
    let error = Stack { limits, ..Stack::new() }.try_push(&bomb).unwrap_err();
    assert!(format!("{error:?}").contains("Ratio"), "{error:?}");
}

#[test]
fn digests_count() {
    let archive = Archive::new().file("a", "text").0;
    let right = Stack::new().try_push(&archive).unwrap();
    let temp = TempDir::new();
    let into = temp.make_dir("layer");
    let push = |digest: Option<&Digest>, size, diff_id: Option<&Digest>| {
        let blob = LayerBlob {
            reader: Box::new(&archive[..]),
            digest: digest.cloned(),
            size,
            diff_id: diff_id.cloned(),
        };
        let lowers = Merged::default();
        unpack(blob, into.as_fd(), &lowers, Ownership::Squashed, &Limits::default(), &mut |_| {})
    };
    let size = archive.len() as u64;
    let wrong: Digest = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
    assert!(push(Some(&right.digest), Some(size), Some(&right.diff_id)).is_ok());
    assert!(matches!(push(Some(&wrong), None, None), Err(UnpackError::Blob(_))));
    assert!(matches!(push(None, None, Some(&wrong)), Err(UnpackError::Content(_))));
    assert!(matches!(push(None, Some(size - 1), None), Err(UnpackError::Blob(_))));
    assert!(matches!(push(None, Some(size + 1), None), Err(UnpackError::Blob(_))));
}

/// A small generator of the xorshift kind: the same numbers in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

/// Makes the checksums right again, so that damage gets past them.
fn reseal(archive: &mut [u8]) {
    for block in archive.chunks_exact_mut(512) {
        if block[257..262] == *b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
}

#[test]
fn damaged_layers_do_no_harm() {
    let whole = Archive::new()
        .dir("d", 0o755)
        .file("d/f", "text")
        .symlink("l", "../d")
        .file("l/g", "text")
        .hardlink("h", "d/f")
        .pax(&[("path", b"p/q"), ("mtime", b"1.5"), ("SCHILY.xattr.user.a", b"b")])
        .file("x", "text")
        .file("lower/.wh.x", "")
        .file("lower/.wh..wh..opq", "")
        .0;
    let mut stack = Stack::new();
    stack.push(&Archive::new().file("lower/x", "x").symlink("p", "lower"));
    stack.limits.file = 1 << 20;
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for round in 0..600 {
        let mut archive = whole.clone();
        for _ in 0..=numbers.below(4) {
            let at = numbers.below(archive.len());
            archive[at] = u8::try_from(numbers.below(256)).unwrap();
        }
        if round % 5 == 0 {
            archive.truncate(numbers.below(archive.len()));
        }
        if round % 2 == 0 {
            reseal(&mut archive);
        }
        // Only the checks inside matter: no panic, and the canary lives.
        let _ = stack.try_push(&archive);
        let name = stack.names.pop().unwrap();
        crate::store::remove::remove_tree(stack.temp.fd(), name.as_ref()).unwrap();
    }
    let mut names: Vec<_> =
        fs::read_dir(stack.temp.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["canary", "layer0"]);
}
