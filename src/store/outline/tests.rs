use std::fs;
use std::io::{Cursor, Seek as _};

use super::*;
use crate::store::merged::Merged;
use crate::store::testing::TempDir;
use crate::store::unpack::{LayerBlob, Limits, Outlined, Outlining, Ownership, unpack_outlined};

/// An entry as GNU tar writes it.
fn entry(kind: ::tar::EntryType, name: &str, body: &[u8]) -> Vec<u8> {
    let mut header = ::tar::Header::new_gnu();
    header.set_path(name).unwrap();
    header.set_entry_type(kind);
    header.set_mode(0o755);
    header.set_size(body.len() as u64);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(77);
    header.set_cksum();
    let mut bytes = [header.as_bytes(), body].concat();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn file(name: &str, body: &[u8]) -> Vec<u8> {
    entry(::tar::EntryType::Regular, name, body)
}

/// Unpacks an archive and rebuilds it; none where there is no outline.
fn round_trip(archive: &[u8]) -> Option<Vec<u8>> {
    let temp = TempDir::new();
    let tree = temp.make_dir("tree");
    let path = temp.path().join("outline");
    let blob = LayerBlob {
        reader: Box::new(Cursor::new(archive.to_vec())),
        digest: None,
        size: None,
        diff_id: None,
    };
    let outline = File::options().read(true).write(true).create_new(true).open(path).unwrap();
    let mut again = outline.try_clone().unwrap();
    let Outlined { has_outline, .. } = unpack_outlined(
        blob,
        Outlining { into: std::os::fd::AsFd::as_fd(&tree), outline },
        &Merged::new(Vec::new()),
        Ownership::Squashed,
        &Limits::default(),
        &mut |_| {},
    )
    .unwrap();
    again.rewind().unwrap();
    let mut rebuilt = Vec::new();
    has_outline.then(|| {
        rebuild(again, std::os::fd::AsFd::as_fd(&tree), &mut rebuilt).unwrap();
        rebuilt
    })
}

#[test]
fn an_archive_comes_back_byte_for_byte() {
    let big: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let archive = [
        entry(::tar::EntryType::Directory, "d/", b""),
        file("d/big", &big),
        file("d/empty", b""),
        file("./d//small", b"small"),
        file("d/.wh.gone", b"a body that nobody needs"),
        file("ünder", b"x"),
        vec![0; 1024],
        vec![0; 7168],
    ]
    .concat();
    assert!(round_trip(&archive).unwrap() == archive);
    assert_eq!(round_trip(&[]).unwrap(), b"");
    // Without its end, which is an archive as well.
    let archive = file("a", b"1");
    assert_eq!(round_trip(&archive).unwrap(), archive);
}

#[test]
fn a_file_that_was_replaced_is_lost() {
    assert_eq!(round_trip(&[file("a", b"1"), file("a", b"2")].concat()), None);
    let replaced = [file("d/a", b"1"), file("d", b"2")].concat();
    assert_eq!(round_trip(&replaced), None);
}

#[test]
fn what_is_damaged_is_refused() {
    let temp = TempDir::new();
    fs::create_dir(temp.path().join("d")).unwrap();
    fs::write(temp.path().join("d/f"), "12345").unwrap();
    std::os::unix::fs::symlink("d", temp.path().join("link")).unwrap();
    let number = |number: u64| number.to_le_bytes().to_vec();
    let named = |path: &[u8]| [b"F".to_vec(), number(path.len() as u64), path.to_vec()].concat();
    let body = |offset, length| [b"B".to_vec(), number(offset), number(length)].concat();
    let whole = |pieces: &[Vec<u8>]| [vec![VERSION], pieces.concat(), b"E".to_vec()].concat();
    let attempt = |bytes: &[u8]| {
        let path = temp.path().join("outline");
        fs::write(&path, zstd::encode_all(bytes, 1).unwrap()).unwrap();
        let mut out = Vec::new();
        rebuild(File::open(path).unwrap(), temp.fd(), &mut out).map(|()| out)
    };
    assert_eq!(attempt(&whole(&[named(b"d/f"), body(1, 3)])).unwrap(), b"234");
    for pieces in [
        vec![body(0, 1)],
        vec![named(b"d/f"), body(3, 3)],
        vec![named(b"d/f"), body(u64::MAX, 1)],
        vec![named(b"link/f")],
        vec![named(b"link")],
        vec![named(b"../f")],
        vec![named(b"/d/f")],
        vec![named(b"d")],
        vec![named(b"")],
        vec![named(b"d/f\0")],
        vec![b"X".to_vec()],
        vec![b"L".to_vec(), number(u64::MAX)],
        vec![b"E".to_vec()],
    ] {
        assert!(attempt(&whole(&pieces)).is_err(), "{pieces:?}");
    }
    assert!(attempt(&[VERSION]).is_err() && attempt(&[]).is_err() && attempt(&[VERSION + 1, b'E']).is_err());
}
