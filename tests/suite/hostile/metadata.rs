//! Owners, modes, times and xattrs.

mod xattrs;

use super::archive::{Header, Tar, field};
use super::case::Case;
use super::stack::{layer, stack, system};
use super::tree::Tree;
use crate::support::Caller;

pub(super) fn cases() -> Vec<Case> {
    [modes(), owners(), refused_owners(), times(), xattrs::cases(), devices()].into_iter().flatten().collect()
}

fn modes() -> Vec<Case> {
    let mut cases = Vec::new();
    for mode in [0, 0o1, 0o200, 0o444, 0o755, 0o777, 0o1777, 0o2755, 0o4755, 0o6711, 0o7777, 0o7000] {
        let tar = Tar::new()
            .header(Header::directory("d/").mode(mode).time(3))
            .file("d/in", "x")
            .entry(Header::file("f").mode(mode).time(4), "x")
            .header(Header::new(b'6', "p").mode(mode).time(5))
            .header(Header::symlink("l", "f").mode(mode).time(6));
        let tree =
            Tree::new().directory("d").mode(mode).time(3).file("d/in", "x").file("f", "x").mode(mode).time(4);
        cases.push(
            layer(format!("mode-{mode:04o}"), "rule 22", tar)
                .tree(tree.fifo("p").mode(mode).time(5).symlink("l", "f").mode(0o777).time(6)),
        );
    }
    let closed = |name: &str| Header::directory(name).mode(0).time(9);
    let closed_tree = || {
        Tree::new()
            .directory("a")
            .mode(0)
            .time(9)
            .directory("a/b")
            .mode(0)
            .time(9)
            .directory("a/b/c")
            .mode(0o500)
            .time(8)
    };
    let three = || {
        Tar::new()
            .header(closed("a/"))
            .header(closed("a/b/"))
            .header(Header::directory("a/b/c/").mode(0o500).time(8))
            .file("a/b/c/f", "x")
    };
    cases.extend([
        layer("closed-directories", "rule 20", three()).tree(closed_tree().file("a/b/c/f", "x")),
        stack("closed-directories-below", "rule 20", [three(), Tar::new().file("a/b/c/g", "y")])
            .tree(closed_tree().file("a/b/c/f", "x").file("a/b/c/g", "y")),
        stack(
            "closed-directories-changed",
            "rule 20",
            [three(), Tar::new().file("a/b/c/.wh.f", ""), Tar::new().file("a/b/.wh.c", "")],
        )
        .tree(Tree::new().directory("a").mode(0).time(9).directory("a/b").mode(0).time(9)),
        layer(
            "type-bits-in-the-mode",
            "rule 22",
            Tar::new()
                .entry(Header::file("f").mode(0o104_755), "x")
                .header(Header::directory("d/").mode(0o040_711)),
        )
        .tree(Tree::new().file("f", "x").mode(0o4755).directory("d").mode(0o711)),
        stack(
            "setuid-after-owner",
            "rule 20",
            [Tar::new().entry(Header::file("f").mode(0o6755).owner(5, 6), "x")],
        )
        .tree(Tree::new().file("f", "x").mode(0o6755).owner(5, 6)),
    ]);
    cases
}

fn owners() -> Vec<Case> {
    let shared = Header::directory("s/").mode(0o2777).owner(0, 5);
    let made = Tar::new()
        .header(shared.clone())
        .file("s/f", "x")
        .file("s/d/f", "x")
        .symlink("s/l", "f")
        .header(Header::directory("s/e/"));
    let tree = || {
        Tree::new()
            .directory("s")
            .mode(0o2777)
            .owner(0, 5)
            .file("s/f", "x")
            .owner(0, 0)
            .directory("s/d")
            .mode(0o755)
            .owner(0, 0)
            .file("s/d/f", "x")
            .owner(0, 0)
            .symlink("s/l", "f")
            .owner(0, 0)
            .directory("s/e")
            .mode(0o755)
            .owner(0, 0)
    };
    let below = [
        Tar::new().header(shared),
        Tar::new().file("s/f", "x").file("s/d/f", "x").symlink("s/l", "f").header(Header::directory("s/e/")),
    ];
    let far = 3_000_000_000_u32;
    let outside = layer(
        "uid-outside-of-the-map",
        "rule 21",
        Tar::new().entry(Header::file("f").binary(field::UID, far.into()), "x"),
    );
    let named =
        Tar::new().entry(Header::file("f").put(265..297, "root").put(297..329, "root").owner(7, 8), "x");
    vec![
        layer("setgid-parent", "rule 21", made).tree(tree()),
        stack("setgid-parent-below", "rule 21", below).tree(tree()),
        layer("uname-means-nothing", "rule 21", named).tree(Tree::new().file("f", "x").owner(7, 8)),
        match Caller::detect() {
            Caller::Root => outside.warned(""),
            Caller::SubordinateIds => outside.refused("3000000000"),
            Caller::SingleId => outside.warned("one user ID"),
        },
        layer("uid-by-pax", "rule 7", Tar::new().pax(&[("uid", b"9"), ("gid", b"10")]).file("f", "x"))
            .tree(Tree::new().file("f", "x").owner(9, 10)),
    ]
}

fn refused_owners() -> Vec<Case> {
    let mut cases = Vec::new();
    let number = i128::from(u32::MAX);
    for (name, value) in [
        ("minus-one", number),
        ("wraps", number + 1),
        ("wraps-to-one", number + 2),
        ("negative", -1),
        ("far-negative", -1 << 40),
    ] {
        for (kind, range) in [("uid", field::UID), ("gid", field::GID)] {
            let header = Header::file("f").mode(0o4755).binary(range, value);
            cases.push(
                layer(format!("{kind}-{name}"), "rule 21", Tar::new().entry(header, "x")).refused(" id"),
            );
        }
    }
    for value in
        ["4294967295", "4294967296", "18446744073709551616", "-1", "+1", " 1", "1 ", "0x10", "1.0", "root"]
    {
        for key in ["uid", "gid"] {
            let tar = Tar::new().pax(&[(key, value.as_bytes())]).entry(Header::file("f").mode(0o4755), "x");
            cases
                .push(layer(format!("{key}-by-pax-{}", value.replace(' ', "_")), "rule 21", tar).refused(""));
        }
    }
    cases
}

fn times() -> Vec<Case> {
    let at = |value: &str| {
        let record: &[(&str, &[u8])] = &[("mtime", value.as_bytes())];
        Tar::new()
            .pax(record)
            .file("f", "x")
            .pax(record)
            .directory("d")
            .file("d/in", "")
            .pax(record)
            .symlink("l", "f")
    };
    let show = &["sh", "-c", "for x in f d l; do stat -c %Y /$x; done"];
    let precise = &["sh", "-c", "for x in f d; do stat -c %y /$x; done"];
    let seen = |value: &str| format!("{value}\n{value}\n{value}");
    let written = Header::file("f").binary(field::MTIME, -86_400);
    vec![
        system("time-negative", "rule 24", [at("-5")]).prints(show, seen("-5")),
        system("time-negative-in-the-header", "rule 24", [Tar::new().entry(written, "x")])
            .prints(&["stat", "-c", "%Y", "/f"], "-86400"),
        system("time-zero", "rule 24", [at("0")]).prints(show, seen("0")),
        system("time-beyond-2038", "rule 24", [at("4294967296")]).prints(show, seen("4294967296")),
        system("time-nanoseconds", "rule 24", [at("1000000000.123456789")])
            .prints(precise, "2001-09-09 01:46:40.123456789 +0000\n2001-09-09 01:46:40.123456789 +0000"),
        layer("time-beyond-2446", "rule 24", at("99999999999")).warned(""),
        layer("time-of-the-far-past", "rule 24", at("-99999999999")).warned(""),
        layer("time-largest", "rule 24", at("9223372036854775807")).warned(""),
        layer("time-too-large", "rule 24", at("9223372036854775808")).refused("mtime"),
        layer("time-is-none", "rule 24", at("yesterday")).refused("mtime"),
    ]
}

fn devices() -> Vec<Case> {
    let device = |flag, name: &str| Header::new(flag, name).device(1, 3);
    let all = Tar::new()
        .header(device(b'3', "dev/null"))
        .header(device(b'4', "dev/sda"))
        .header(Header::new(b'6', "dev/fifo"))
        .file("f", "x");
    let below = || Tar::new().file("a", "x").directory("d").file("d/f", "x").file("keep", "");
    let tree = Tree::new().directory("dev").fifo("dev/fifo").file("f", "x");
    vec![
        layer("devices-left-out", "rule 17", all.clone()).tree(tree),
        layer("devices-left-out-with-one-warning", "rule 17", all).warned("and others"),
        stack(
            "devices-replace",
            "rule 17",
            [below(), Tar::new().header(device(b'3', "a")).header(device(b'4', "d"))],
        )
        .tree(Tree::new().file("keep", "")),
        layer("device-then-file", "rule 17", Tar::new().header(device(b'3', "a")).file("a", "x"))
            .tree(Tree::new().file("a", "x")),
        layer(
            "device-with-huge-numbers",
            "rule 17",
            Tar::new()
                .header(
                    Header::new(b'3', "a").octal(field::MAJOR, 0o7_777_777).octal(field::MINOR, 0o7_777_777),
                )
                .file("f", ""),
        )
        .tree(Tree::new().file("f", "")),
    ]
}
