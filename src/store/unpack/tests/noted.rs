//! The digest of a tree from notes that were taken while it was unpacked is that of its files on the disk.

use super::*;
use crate::store::content::{Taken, digest, digest_noted};

const BLOCK: usize = 64 << 10;

impl Stack {
    /// Unpacks a layer with notes: how many bytes of its files had to be read again.
    fn push_noted(&mut self, archive: &Archive) -> u64 {
        let name = format!("layer{}", self.names.len());
        let tree = self.temp.make_dir(&name);
        let outline = self.temp.path().join(format!("{name}.outline"));
        let outline = File::options().read(true).write(true).create_new(true).open(outline).unwrap();
        let size = self.names.len().is_multiple_of(2).then_some(archive.0.len() as u64);
        let blob = LayerBlob { reader: Box::new(&archive.0[..]), digest: None, size, diff_id: None };
        let ownership = if is_root() { Ownership::Mapped } else { Ownership::Squashed };
        let outlining = Outlining { into: tree.as_fd(), outline };
        let unpacked = unpack_outlined(blob, outlining, &self.merged(), ownership, &self.limits, &mut |_| {});
        let Taken { digest: noted, read } = digest_noted(tree.as_fd(), &unpacked.unwrap().notes).unwrap();
        assert_eq!(noted, digest(tree.as_fd()).unwrap());
        self.names.push(name);
        read
    }
}

fn text(length: usize) -> String {
    (0..length).map(|at| char::from(b'a' + u8::try_from(at % 23).unwrap())).collect()
}

/// Files of all sizes, with zeros in all places.
fn files() -> Archive {
    let mut archive = Archive::new().dir("d", 0o751).symlink("link", "d").file("empty", "");
    for size in [1, 511, BLOCK - 1, BLOCK, BLOCK + 1, 700_000] {
        archive = archive.file(&format!("d/text{size}"), &text(size));
        archive = archive.file(&format!("link/zeros{size}"), &"\0".repeat(size));
        let (zeros, text) = ("\0".repeat(3 * BLOCK - 5), text(size));
        archive = archive.file(&format!("d/mixed{size}"), &[&text, &zeros[..], &text].concat());
    }
    archive.hardlink("d/one more name", "d/text700000").hardlink("e", "empty")
}

#[test]
fn nothing_is_read_again() {
    assert_eq!(Stack::new().push_noted(&files()), 0);
}

#[test]
fn nothing_is_read_again_of_what_replaces_something() {
    let mut stack = Stack::new();
    stack.push(&files());
    let changes = Archive::new()
        .file("d/text1", &text(90_000))
        .file("d/text1", "")
        .file("d/text1", &text(70_000))
        .file("d/text511", "same name")
        .file("gone", &text(40))
        .symlink("gone", "nowhere")
        .file("gone", &text(41))
        .file("d/mixed1", &text(20))
        .dir("d/mixed1", 0o700)
        .file("d/mixed1/in it", &text(20))
        .file("d/.wh.text65536", "")
        .file("f", &text(30))
        .hardlink("g", "f")
        .file("f", &text(31))
        .dir("away", 0o755)
        .file("away/a", &text(32))
        .file("away/b", &text(33))
        .file("away", &text(34))
        .file("new", &text(32));
    assert_eq!(stack.push_noted(&changes), 0);
}

/// A copy has no note, also where its inode has the number of a file of the same size that is gone.
#[test]
fn copies_from_below_are_read() {
    let mut stack = Stack::new();
    stack.push(&files());
    // By both of its names.
    assert_eq!(stack.push_noted(&Archive::new().hardlink("copy", "d/text700000")), 2 * 700_000);
    let mut below = Archive::new();
    let mut changes = Archive::new();
    for index in 0..40 {
        below = below.file(&format!("below{index}"), "of below");
        let (one, other) = (format!("x{index}"), format!("y{index}"));
        let link = format!("below{index}");
        changes = changes.file(&one, "of above").symlink(&one, "gone").hardlink(&other, &link);
        changes = changes.file(&other, "replaced").file(&one, "again it");
    }
    let mut stack = Stack::new();
    stack.push(&below);
    assert_eq!(stack.push_noted(&changes), 40 * 8);
}

#[test]
fn files_with_holes_are_read() {
    let holes: [(&str, &[u8]); 3] = [
        ("GNU.sparse.size", b"16777216"),
        ("GNU.sparse.numblocks", b"2"),
        ("GNU.sparse.map", b"1048576,3,16777213,3"),
    ];
    let sparse = Archive::new().file("before", &text(100)).pax(&holes).file("s", "onetwo").file("after", "x");
    let read = Stack::new().push_noted(&sparse);
    assert!((1..=2 * BLOCK as u64).contains(&read), "{read}");
}

#[test]
fn nothing_is_noted_of_what_gets_no_digest() {
    let temp = TempDir::new();
    let into = temp.make_dir("tree");
    let archive = files();
    let blob = LayerBlob { reader: Box::new(&archive.0[..]), digest: None, size: None, diff_id: None };
    let manner = Manner { ownership: Ownership::Squashed, form: Form::Layer };
    let rules = Rules { lowers: &Merged::default(), manner, limits: &Limits::default() };
    let outlined = unpack_by(&rules, blob, (into.as_fd(), None), &mut |_| {}).unwrap();
    let read = digest_noted(into.as_fd(), &outlined.notes).unwrap().read;
    assert!(read >= 2_000_000, "{read}");
}
