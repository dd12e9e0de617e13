//! A layer, from its compressed bytes to files: nothing outside of its directory may be touched.

use std::fmt::Write as _;
use std::fs;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;

use minirun::store::merged::Merged;
use minirun::store::tar;
use minirun::store::unpack::{LayerBlob, Limits, Ownership, unpack};

use super::scratch::Scratch;

/// The size of a header.
const BLOCK: usize = 512;
/// In the first byte of an input: the archive is not compressed, and its checksums are made right.
pub(crate) const REPAIRED: u8 = 1;
/// In the first byte of an input: owners are kept, where the process may give files away.
const MAPPED: u8 = 2;

/// Where trees begin, in [`Scene`].
const ROOTS: [&str; 2] = ["first", "second"];

/// Applies the input upon a layer full of symlinks.
///
/// The first byte says how; what follows is the layer.
pub(crate) fn check(input: &[u8]) {
    let Some((&how, layer)) = input.split_first() else { return };
    let mut layer = layer.to_vec();
    if how & REPAIRED != 0 {
        repair(&mut layer);
    }
    let root = rustix::process::geteuid().is_root();
    let ownership = if root && how & MAPPED != 0 { Ownership::Mapped } else { Ownership::Squashed };
    let scene = Scene::new();
    let before = scene.surroundings();
    let [first, second] = ROOTS.map(|name| scene.apply(&layer, name, ownership));
    assert_eq!(scene.surroundings(), before, "something outside of the layer has changed");
    assert_eq!(first, second, "the same layer gives another tree");
}

/// Writes the right checksum into each block that an archive would have a header in.
pub(crate) fn repair(archive: &mut [u8]) {
    let mut at = 0;
    while let Some(header) = archive.get_mut(at..at + BLOCK) {
        at += BLOCK;
        if header.iter().all(|&byte| byte == 0) {
            continue;
        }
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        let size = std::str::from_utf8(&header[124..135]).ok();
        let size = size.and_then(|digits| usize::from_str_radix(digits, 8).ok()).unwrap_or(0);
        if !matches!(header[156], b'1'..=b'6') {
            at = at.saturating_add(size.next_multiple_of(BLOCK));
        }
    }
}

/// The directories `below` (a layer), and `outside`, which nothing may touch.
struct Scene {
    scratch: Scratch,
}

impl Scene {
    fn new() -> Self {
        let scratch = Scratch::new();
        scratch.make("outside");
        scratch.make("below");
        let outside = scratch.path().join("outside");
        let below = scratch.path().join("below");
        fs::write(outside.join("canary"), "alive").unwrap();
        fs::create_dir(below.join("d")).unwrap();
        fs::write(below.join("d/f"), "below").unwrap();
        fs::write(below.join("f"), "below").unwrap();
        fs::hard_link(below.join("f"), below.join("h")).unwrap();
        symlink("d", below.join("l")).unwrap();
        symlink("loop", below.join("loop")).unwrap();
        symlink("nowhere/at/all", below.join("n")).unwrap();
        symlink("../outside", below.join("u")).unwrap();
        symlink("../../../../../../../../../..", below.join("r")).unwrap();
        symlink(&outside, below.join("o")).unwrap();
        symlink(outside.join("canary"), below.join("c")).unwrap();
        Self { scratch }
    }

    /// All that is there besides the new layer.
    fn surroundings(&self) -> String {
        let mut text = String::new();
        for name in ["outside", "below"] {
            describe(&self.scratch.path().join(name), &mut text);
        }
        let mut names: Vec<_> =
            fs::read_dir(self.scratch.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        write!(text, "{names:?}").unwrap();
        text
    }

    /// What becomes of the layer; `None` if it is refused.
    fn apply(&self, layer: &[u8], name: &str, ownership: Ownership) -> Option<String> {
        let into = self.scratch.make(name);
        let lowers = Merged::new(vec![self.scratch.open("below")]);
        let blob = LayerBlob { reader: Box::new(layer), digest: None, size: None, diff_id: None };
        let result = unpack(blob, into.as_fd(), &lowers, ownership, &limits(), &mut |_| {});
        let tree = result.ok().map(|unpacked| {
            let mut text = format!("{unpacked:?}\n");
            let path = self.scratch.path().join(name);
            // Only who may look everywhere can compare.
            if rustix::process::geteuid().is_root() {
                describe(&path, &mut text);
            }
            text
        });
        self.scratch.remove(name);
        tree
    }
}

pub(crate) fn limits() -> Limits {
    Limits {
        entries: 64,
        bytes: 1 << 20,
        ratio: 200,
        ratio_from: 64 << 10,
        file: 1 << 24,
        component: 255,
        depth: 20,
        paths: 16 << 10,
        archive: tar::Limits { entries: 4096, extension: 64 << 10, xattr: 4096, xattrs: 8, segments: 64 },
        ..Limits::default()
    }
}

/// Everything about a tree but its numbers of inodes, and its times where the clock writes them.
fn describe(path: &Path, text: &mut String) {
    let metadata = fs::symlink_metadata(path).unwrap();
    let name =
        path.file_name().filter(|_| !ROOTS.iter().any(|root| path.ends_with(root))).unwrap_or_default();
    assert!(!name.as_bytes().starts_with(b".wh."), "a whiteout became a file: {}", path.display());
    let (mode, links, size) = (metadata.mode(), metadata.nlink(), metadata.size());
    let (uid, gid, device) = (metadata.uid(), metadata.gid(), metadata.rdev());
    assert!(device == 0 || metadata.file_type().is_symlink(), "a device was made: {}", path.display());
    write!(text, "{name:?} {mode:o} {uid}:{gid} {links}").unwrap();
    if metadata.is_dir() {
        let mut names: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        writeln!(text, " {{").unwrap();
        for child in names {
            describe(&child, text);
        }
        writeln!(text, "}}").unwrap();
    } else if metadata.is_symlink() {
        writeln!(text, " -> {:?}", fs::read_link(path).unwrap()).unwrap();
    } else if metadata.is_file() {
        writeln!(text, " {size} {:?}", fs::read(path).unwrap()).unwrap();
    } else {
        writeln!(text).unwrap();
    }
}
