use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};

use rustix::fs::XattrFlags;

use super::*;
use crate::store::merged::Merged;
use crate::store::testing::TempDir;
use crate::store::unpack::{Limits, Ownership, PlainRules, unpack_plain};

fn tree() -> TempDir {
    let temp = TempDir::new();
    let at = |path: &str| temp.path().join("tree").join(path);
    for directory in ["sub/deep", "closed"] {
        fs::create_dir_all(at(directory)).unwrap();
    }
    fs::write(at("file"), "text").unwrap();
    fs::hard_link(at("file"), at("sub/same")).unwrap();
    fs::write(at(".wh.file"), "no whiteout").unwrap();
    fs::write(at("sub/.wh..wh..opq"), "").unwrap();
    symlink("../nowhere", at("sub/link")).unwrap();
    fs::hard_link(at("sub/link"), at("sub/link2")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    drop(std::os::unix::net::UnixListener::bind(at("socket")).unwrap());
    let sparse = fs::File::create(at("sparse")).unwrap();
    std::os::unix::fs::FileExt::write_at(&sparse, b"middle", 1 << 20).unwrap();
    sparse.set_len(4 << 20).unwrap();
    rustix::fs::setxattr(at("file"), "user.note", b"\0\n=", XattrFlags::empty()).unwrap();
    rustix::fs::setxattr(at("sub"), "user.overlay.opaque", b"y", XattrFlags::empty()).unwrap();
    fs::set_permissions(at("file"), fs::Permissions::from_mode(0o4711)).unwrap();
    fs::set_permissions(at("closed"), fs::Permissions::from_mode(0o500)).unwrap();
    temp
}

fn packed(temp: &TempDir, name: &str) -> (Vec<u8>, Vec<PackNote>) {
    pack(temp.open(name).as_fd(), Vec::new(), &mut |_| ()).unwrap()
}

#[test]
fn what_is_packed_is_unpacked_again() {
    let temp = tree();
    let (archive, notes) = packed(&temp, "tree");
    assert_eq!(notes, [PackNote::Socket("/socket".into())]);
    let copy = temp.make_dir("copy");
    let ownership =
        if rustix::process::geteuid().is_root() { Ownership::Mapped } else { Ownership::Squashed };
    let rules = PlainRules { ownership, limits: &Limits::of_plain_files() };
    unpack_plain(&archive[..], copy.as_fd(), &Merged::default(), rules, &mut |_| ()).unwrap();
    fs::remove_file(temp.path().join("tree/socket")).unwrap();
    let at = |path: &str| temp.path().join("copy").join(path);
    assert_eq!(fs::metadata(at("file")).unwrap().ino(), fs::metadata(at("sub/same")).unwrap().ino());
    // Where all files are the caller's, setuid would be the caller's, too: it is only noted.
    let mode = if rustix::process::geteuid().is_root() { 0o10_4711 } else { 0o10_0711 };
    assert_eq!(fs::metadata(at("file")).unwrap().mode(), mode);
    assert!(fs::symlink_metadata(at("pipe")).unwrap().file_type().is_fifo());
    assert_eq!(fs::read(at(".wh.file")).unwrap(), b"no whiteout");
    let sparse = fs::metadata(at("sparse")).unwrap();
    assert!(sparse.len() == 4 << 20 && sparse.blocks() < 100);
    // The socket was unlinked, which changed a time: the directory is packed again first.
    let root = rustix::fs::fstat(temp.open("tree")).unwrap();
    rustix::fs::futimens(temp.open("copy"), &inode::mtime(&root)).unwrap();
    if rustix::process::geteuid().is_root() {
        assert_eq!(packed(&temp, "tree"), packed(&temp, "copy"));
    }
}

#[test]
fn the_same_tree_gives_the_same_bytes() {
    let temp = tree();
    let (first, _) = packed(&temp, "tree");
    assert_eq!(first, packed(&temp, "tree").0);
    assert_eq!(first.len() % 512, 0);
    assert!(first.len() < 100_000);
}

#[test]
fn an_owner_in_an_xattr_counts() {
    let mut found =
        entry(&Place { path: b"x".to_vec(), stat: rustix::fs::stat("/").unwrap() }, EntryKind::Regular);
    found.mode = 0o755;
    take_owner(b"12:34:4711", &mut found);
    assert_eq!((found.uid, found.gid, found.mode), (12, 34, 0o4755));
    take_owner(b"nonsense", &mut found);
    assert_eq!(found.uid, 12);
}

#[test]
fn every_name_of_a_file_has_the_owner_that_it_would_have() {
    let temp = TempDir::new();
    drop(temp.make_dir("tree"));
    let at = |path: &str| temp.path().join("tree").join(path);
    fs::write(at("a"), "text").unwrap();
    rustix::fs::setxattr(at("a"), OWNER, b"12:34:4755", XattrFlags::empty()).unwrap();
    fs::hard_link(at("a"), at("b")).unwrap();
    let (archive, _) = packed(&temp, "tree");
    let mut reader = crate::store::tar::TarReader::new(&archive[..], crate::store::tar::Limits::default());
    let mut found = Vec::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        found.push((String::from_utf8(entry.path).unwrap(), entry.uid, entry.gid, entry.mode & 0o6000));
    }
    let names: Vec<_> = found.iter().skip(1).map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(
        found.iter().skip(1).all(|(_, uid, gid, mode)| (*uid, *gid, *mode) == (12, 34, 0o4000)),
        "{found:?}"
    );
}
