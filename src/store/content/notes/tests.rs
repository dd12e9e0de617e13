use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;

use super::*;
use crate::store::content::{Taken, digest, digest_noted};
use crate::store::testing::TempDir;

/// Writes a file in pieces, and takes notes of it.
fn write(temp: &TempDir, name: &str, bytes: &[u8], piece: usize, noting: &mut Noting) {
    let mut file = fs::File::create(temp.path().join(name)).unwrap();
    noting.begin();
    for piece in bytes.chunks(piece) {
        noting.add(piece);
        file.write_all(piece).unwrap();
    }
    noting.settle(file.metadata().unwrap().ino(), bytes.len() as u64);
}

fn bodies() -> Vec<Vec<u8>> {
    let numbered = |length: usize| (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect::<Vec<u8>>();
    let with = |mut bytes: Vec<u8>, at: usize| {
        bytes[at] = 1;
        bytes
    };
    let around = [0, 1, 511, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 5 * BLOCK + 77];
    let full = around.into_iter().map(numbered);
    let zeros = around.into_iter().map(|length| vec![0; length]);
    let single = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK - 1, 3 * BLOCK, 4 * BLOCK + 76];
    let single = single.into_iter().map(|at| with(vec![0; 4 * BLOCK + 77], at));
    let gap = [numbered(BLOCK + 9), vec![0; 3 * BLOCK], numbered(2 * BLOCK), vec![0; BLOCK + 5]].concat();
    full.chain(zeros).chain(single).chain([gap]).collect()
}

#[test]
fn notes_say_what_reading_says() {
    for piece in [1, 7, 512, 4096, BLOCK - 1, BLOCK, BLOCK + 1, usize::MAX] {
        let (temp, mut noting) = (TempDir::new(), Noting::default());
        for (index, body) in bodies().iter().enumerate() {
            write(&temp, &format!("{index:03}"), body, piece, &mut noting);
        }
        let found = digest_noted(temp.fd(), &noting.finish()).unwrap();
        assert_eq!(found, Taken { digest: digest(temp.fd()).unwrap(), read: 0 });
    }
}

#[test]
fn what_is_not_noted_is_read() {
    let (temp, mut noting) = (TempDir::new(), Noting::default());
    write(&temp, "kept", &[1; 1000], 10, &mut noting);
    write(&temp, "forgotten", &vec![2; 200_000], 10, &mut noting);
    write(&temp, "grown", &[3; 100], 10, &mut noting);
    write(&temp, "written again", &[4; 100], 10, &mut noting);
    let inode = |name: &str| fs::metadata(temp.path().join(name)).unwrap().ino();
    noting.forget(inode("forgotten"));
    fs::write(temp.path().join("grown"), [3; 101]).unwrap();
    // Of bytes that were not begun, or are not as many as they should be, nothing is known.
    noting.add(&[5; 100]);
    noting.settle(inode("written again"), 100);
    noting.begin();
    noting.add(&[1; 999]);
    fs::write(temp.path().join("short"), [1; 1000]).unwrap();
    noting.settle(inode("short"), 1000);
    let found = digest_noted(temp.fd(), &noting.finish()).unwrap();
    assert_eq!(found, Taken { digest: digest(temp.fd()).unwrap(), read: 200_000 + 101 + 100 + 1000 });
}

#[test]
fn notes_take_no_more_memory_than_they_may() {
    let mut noting = Noting::default();
    let most = u64::try_from(ROOM / ENTRY).unwrap();
    for inode in 0..most + 100 {
        // The second time is no second one.
        for size in [1, 0] {
            noting.body = Some(Body { size, ..Body::default() });
            noting.settle(inode, size);
        }
    }
    let notes = noting.finish();
    assert!(notes.taken <= ROOM && notes.taken > ROOM - 2 * ENTRY);
    assert!(notes.by_inode.len() as u64 <= most && notes.find(0, 0).is_some());
    assert!(notes.find(0, 1).is_none() && notes.find(most + 99, 0).is_none());
    // A file of many runs, where there is little room left.
    let mut noting = Noting::default();
    noting.notes.taken = ROOM - ENTRY - 100 * size_of::<Run>();
    let piece = [&[1][..], &vec![0; 2 * BLOCK - 1]].concat();
    noting.begin();
    for count in 1..=100 {
        assert!(noting.body.is_some() || count > 50);
        noting.add(&piece);
    }
    noting.settle(1, 100 * piece.len() as u64);
    assert!(noting.finish().by_inode.is_empty());
}
