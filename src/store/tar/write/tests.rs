use std::process::{Command, Stdio};

use super::*;
use crate::store::tar::{Limits, TarReader};

fn entry(path: &[u8], kind: EntryKind) -> Entry {
    Entry {
        path: path.to_vec(),
        link: Vec::new(),
        kind,
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtime: (1, 0),
        size: 0,
        device: (0, 0),
        xattrs: Vec::new(),
        sparse: None,
    }
}

fn file(path: &[u8], size: u64) -> Entry {
    Entry { size, ..entry(path, EntryKind::Regular) }
}

fn link(path: &[u8], kind: EntryKind, target: &[u8]) -> Entry {
    Entry { link: target.to_vec(), ..entry(path, kind) }
}

fn written(entries: &[Entry]) -> Vec<u8> {
    let mut writer = TarWriter::new(Vec::new());
    for entry in entries {
        writer.begin(entry).unwrap();
        let left = usize::try_from(writer.left()).unwrap();
        writer.write_data(&vec![b'x'; left / 2]).unwrap();
        writer.write_data(&vec![b'y'; left - left / 2]).unwrap();
    }
    writer.finish().unwrap()
}

fn read(bytes: &[u8]) -> Vec<Entry> {
    let mut reader = TarReader::new(bytes, Limits::default());
    let mut entries = Vec::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        entries.push(entry);
    }
    entries
}

fn every_kind() -> Vec<Entry> {
    let long = |length: usize| [&b"d/".repeat(length / 2)[..], b"name"].concat();
    let segment = |offset, length| Segment { offset, length };
    vec![
        Entry { mode: 0o1755, mtime: (1_700_000_000, 123_456_789), ..entry(b"./", EntryKind::Directory) },
        Entry { mode: 0o4755, uid: 3_000_000, gid: u32::MAX - 1, ..file(b"a", 1000) },
        Entry { mtime: (-2, 500_000_000), ..file(&long(150), 512) },
        file(&long(250), 0),
        file(&[b'n'; 200], 3),
        file("\u{fc}ml\u{e4}ut".as_bytes(), 1),
        file(b"latin-\xfc", 1),
        file(&[b'\xff'; 180], 1),
        link(b"s", EntryKind::Symlink, b"../no\xffwhere"),
        link(b"t", EntryKind::Symlink, &[b't'; 3000]),
        link(b"h", EntryKind::Hardlink, b"a"),
        link(&[b'\xfe'; 120], EntryKind::Hardlink, &[b'\xff'; 180]),
        entry(b"p", EntryKind::Fifo),
        Entry { device: (8, 1_048_575), ..entry(b"b", EntryKind::BlockDevice) },
        Entry { device: (1, 3), ..entry(b"c", EntryKind::CharDevice) },
        Entry {
            xattrs: vec![
                (b"user.a".to_vec(), b"\0binary\n\xff".to_vec()),
                (b"user.b=c%".to_vec(), b"1\0".to_vec()),
                (b"user.empty".to_vec(), Vec::new()),
            ],
            ..file(b"x", 5)
        },
        Entry { sparse: Some(vec![segment(4096, 100), segment(1 << 34, 7)]), ..file(b"d/sparse", 1 << 35) },
        Entry { sparse: Some(vec![segment(0, 512), segment(8192, 8192)]), ..file(&long(240), 16384) },
        Entry { sparse: Some(Vec::new()), ..file(b"hole", 1 << 20) },
    ]
}

#[test]
fn what_is_written_is_read_again() {
    let entries = every_kind();
    let archive = written(&entries);
    assert_eq!(archive.len() % BLOCK, 0);
    assert_eq!(read(&archive), entries);
    assert_eq!(written(&read(&archive)), archive);
}

#[test]
fn plain_entries_need_no_extension() {
    let archive = written(&[entry(b"d/", EntryKind::Directory), file(b"d/f", 5)]);
    assert_eq!(archive.len(), 3 * BLOCK + 2 * BLOCK);
}

#[test]
fn sizes_beyond_eight_gigabytes() {
    let mut writer = TarWriter::new(Vec::new());
    writer.begin(&file(b"big", 9 << 30)).unwrap();
    let bytes = writer.writer.clone();
    let mut reader = TarReader::new(&bytes[..], Limits::default());
    assert_eq!(reader.next_entry().unwrap().unwrap().size, 9 << 30);
}

#[test]
fn bodies_are_as_long_as_they_say() {
    let mut writer = TarWriter::new(Vec::new());
    writer.begin(&file(b"f", 3)).unwrap();
    assert!(matches!(writer.begin(&file(b"g", 0)), Err(WriteError::Body { left: 3 })));
    assert!(matches!(writer.write_data(b"four"), Err(WriteError::Body { left: 3 })));
    writer.write_data(b"one").unwrap();
    assert!(matches!(writer.write_data(b"x"), Err(WriteError::Body { left: 0 })));
    assert!(matches!(writer.begin(&file(b"", 0)), Err(WriteError::Entry { .. })));
    assert!(matches!(writer.begin(&file(b"a\0", 0)), Err(WriteError::Entry { .. })));
    writer.finish().unwrap();
}

/// What GNU tar, which every CI machine has, says to an archive.
fn gnu_tar(arguments: &[&str], archive: &[u8]) -> String {
    let mut command = Command::new("tar");
    command.args(arguments).env("LC_ALL", "C").env("TZ", "UTC");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(archive).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn gnu_tar_reads_it() {
    let list = gnu_tar(&["--numeric-owner", "--full-time", "-tvf", "-"], &written(&every_kind()));
    // The widths of columns differ between versions.
    let list = list.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let list = list.collect::<Vec<_>>().join("\n");
    for line in [
        "drwxr-xr-t 0/0 0 2023-11-14 22:13:20.123456789 ./",
        "-rwsr-xr-x 3000000/4294967294 1000 1970-01-01 00:00:01 a",
        "1969-12-31 23:59:59.5 d/d/d/d",
        "s -> ../no\\377where",
        "h link to a",
        "34359738368 1970-01-01 00:00:01 d/sparse",
        "brw-r--r-- 0/0 8,1048575",
    ] {
        assert!(list.contains(line), "{line} is not in\n{list}");
    }
}

#[test]
fn gnu_tar_restores_holes() {
    let directory = crate::store::testing::TempDir::new();
    let segment = |offset, length| Segment { offset, length };
    let sparse =
        Entry { sparse: Some(vec![segment(1 << 20, 5000)]), mtime: (1, 5), ..file(b"deep/sparse", 1 << 24) };
    let at = directory.path().to_str().unwrap();
    let deep = Entry { mode: 0o755, ..entry(b"deep", EntryKind::Directory) };
    gnu_tar(&["-C", at, "-xf", "-"], &written(&[deep, sparse]));
    let made = std::fs::read(directory.path().join("deep/sparse")).unwrap();
    assert_eq!(made.len(), 1 << 24);
    assert!(made[..1 << 20].iter().all(|&byte| byte == 0));
    assert_eq!(&made[1 << 20..(1 << 20) + 2], b"xx");
    assert!(made[(1 << 20) + 5000..].iter().all(|&byte| byte == 0));
}
