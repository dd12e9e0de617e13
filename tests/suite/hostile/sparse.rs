//! Files with holes.

use std::fmt::Write as _;

use super::archive::{Header, Tar};
use super::case::Case;
use super::stack::{layer, system};
use super::tree::Tree;

const ABOUT: &str = "rule 25";

pub(super) fn cases() -> Vec<Case> {
    [forms(), maps(), sizes()].into_iter().flatten().collect()
}

/// PAX records of a sparse file.
type Records = Vec<(&'static str, String)>;

fn pax(records: &Records, name: &str, body: impl AsRef<[u8]>) -> Tar {
    let records: Vec<_> = records.iter().map(|(key, value)| (*key, value.as_bytes())).collect();
    Tar::new().pax(&records).file(name, body)
}

/// PAX 1.0: the map is in front of the data.
fn version_1(size: u64, segments: &[(u64, &str)]) -> Tar {
    let mut map = format!("{}\n", segments.len());
    for (offset, data) in segments {
        writeln!(map, "{offset}\n{}", data.len()).unwrap();
    }
    let mut body = map.into_bytes();
    body.resize(body.len().next_multiple_of(512), 0);
    body.extend(segments.iter().flat_map(|(_, data)| data.bytes()));
    let records = vec![
        ("GNU.sparse.major", "1".to_owned()),
        ("GNU.sparse.minor", "0".to_owned()),
        ("GNU.sparse.name", "f".to_owned()),
        ("GNU.sparse.realsize", size.to_string()),
    ];
    pax(&records, "GNUSparseFile.0/f", body)
}

/// PAX 0.1: the map is one record.
fn version_0_1(size: u64, map: &str, data: &str) -> Tar {
    let count = map.split(',').count() / 2;
    let records = vec![
        ("GNU.sparse.size", size.to_string()),
        ("GNU.sparse.numblocks", count.to_string()),
        ("GNU.sparse.name", "f".to_owned()),
        ("GNU.sparse.map", map.to_owned()),
    ];
    pax(&records, "GNUSparseFile.0/f", data)
}

/// PAX 0.0: a record for each number.
fn version_0_0(size: u64, segments: &[(u64, u64)], data: &str) -> Tar {
    let mut records =
        vec![("GNU.sparse.size", size.to_string()), ("GNU.sparse.numblocks", segments.len().to_string())];
    for (offset, length) in segments {
        records.push(("GNU.sparse.offset", offset.to_string()));
        records.push(("GNU.sparse.numbytes", length.to_string()));
    }
    pax(&records, "f", data)
}

/// The old format of GNU tar: four slots in the header.
fn old_gnu(size: u64, segments: &[(u64, u64)], data: &str) -> Tar {
    let mut header = Header::new(b'S', "f").gnu().octal(483..495, size);
    for (at, (offset, length)) in segments.iter().enumerate() {
        let slot = 386 + at * 24;
        header = header.octal(slot..slot + 12, *offset).octal(slot + 12..slot + 24, *length);
    }
    Tar::new().entry(header, data)
}

fn filled(size: usize, segments: &[(usize, &str)]) -> Tree {
    let mut content = vec![0; size];
    for (offset, data) in segments {
        content[*offset..offset + data.len()].copy_from_slice(data.as_bytes());
    }
    Tree::new().file("f", content)
}

fn forms() -> Vec<Case> {
    let tree = || filled(10_000, &[(0, "abc"), (4096, "defg")]);
    let empty = || filled(10_000, &[]);
    vec![
        layer("sparse-pax-1.0", ABOUT, version_1(10_000, &[(0, "abc"), (4096, "defg"), (10_000, "")]))
            .tree(tree()),
        layer("sparse-pax-0.1", ABOUT, version_0_1(10_000, "0,3,4096,4,10000,0", "abcdefg")).tree(tree()),
        layer("sparse-pax-0.0", ABOUT, version_0_0(10_000, &[(0, 3), (4096, 4)], "abcdefg")).tree(tree()),
        layer("sparse-old-gnu", ABOUT, old_gnu(10_000, &[(0, 3), (4096, 4), (10_000, 0)], "abcdefg"))
            .tree(tree()),
        layer("sparse-all-hole-1.0", ABOUT, version_1(10_000, &[])).tree(empty()),
        layer("sparse-all-hole-0.1", ABOUT, version_0_1(10_000, "10000,0", "")).tree(empty()),
        layer("sparse-all-hole-old", ABOUT, old_gnu(10_000, &[(10_000, 0)], "")).tree(empty()),
        layer("sparse-of-nothing", ABOUT, version_1(0, &[])).tree(filled(0, &[])),
        layer("sparse-without-holes", ABOUT, version_1(7, &[(0, "abc"), (3, "defg")]))
            .tree(filled(7, &[(0, "abcdefg")])),
        layer("sparse-then-another", ABOUT, version_1(10, &[(5, "abcde")]).file("g", "next"))
            .tree(filled(10, &[(5, "abcde")]).file("g", "next")),
        layer(
            "sparse-over-a-link",
            "rule 14",
            Tar::new().file("a", "old").hardlink("f", "a").raw(version_1(5, &[(0, "new")]).unended()),
        )
        .tree(filled(5, &[(0, "new")]).file("a", "old")),
    ]
}

fn maps() -> Vec<Case> {
    let says = "sparse";
    vec![
        layer("sparse-overlapping", ABOUT, version_0_1(100, "0,4,2,4", "abcdefgh")).refused(says),
        layer("sparse-descending", ABOUT, version_0_1(100, "10,4,0,4", "abcdefgh")).refused(says),
        layer("sparse-beyond-its-size", ABOUT, version_0_1(100, "98,4", "abcd")).refused(says),
        layer("sparse-far-beyond", ABOUT, version_0_1(100, "18446744073709551615,4", "abcd")).refused(says),
        layer("sparse-wraps", ABOUT, version_0_1(100, "18446744073709551614,4", "abcd")).refused(says),
        layer("sparse-more-data", ABOUT, version_0_1(100, "0,4", "abcdefgh")).refused(""),
        layer("sparse-less-data", ABOUT, version_0_1(100, "0,8", "abcd")).refused(""),
        layer("sparse-odd-map", ABOUT, version_0_1(100, "0,4,9", "abcd")).refused(""),
        layer("sparse-negative", ABOUT, version_0_1(100, "-1,4", "abcd")).refused(""),
        layer("sparse-old-overlapping", ABOUT, old_gnu(100, &[(0, 4), (2, 4)], "abcdefgh")).refused(says),
        layer("sparse-old-beyond", ABOUT, old_gnu(100, &[(99, 4)], "abcd")).refused(says),
    ]
}

fn sizes() -> Vec<Case> {
    let hole = 256 << 20;
    // In KiB; a hole costs nothing, and is as long as it says.
    let script = &["sh", "-c", "echo $(wc -c </f) $(($(du -k /f | cut -f1) < 1024))"];
    vec![
        system("sparse-bomb-pax", ABOUT, [version_1(hole, &[(hole - 3, "end")])])
            .prints(script, "268435456 1"),
        system("sparse-bomb-old-gnu", ABOUT, [old_gnu(hole, &[(hole - 3, 3)], "end")])
            .prints(script, "268435456 1"),
        layer("sparse-bomb-beyond-the-limit", ABOUT, version_1(1 << 50, &[(0, "x")])).refused("more than"),
        layer("sparse-bomb-of-all", ABOUT, version_1(u64::MAX, &[(0, "x")])).refused(""),
    ]
}
