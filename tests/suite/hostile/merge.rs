//! How layers lie on each other.

use super::archive::{Header, Tar};
use super::case::Case;
use super::stack::{stack, system};
use super::tree::Tree;

const ABOUT: &str = "rules 12 to 14";

pub(super) fn cases() -> Vec<Case> {
    [merged_usr(), metadata(), many()].into_iter().flatten().collect()
}

/// What a distribution has since its programs lie in `/usr` alone.
fn usr() -> Tar {
    let tar = Tar::new()
        .header(Header::directory("usr/").time(5))
        .header(Header::directory("usr/bin/").mode(0o711).time(6));
    tar.file("usr/bin/sh", "sh")
        .file("usr/lib/libc", "libc")
        .symlink("bin", "usr/bin")
        .symlink("lib", "/usr/lib")
}

fn tree() -> Tree {
    Tree::new()
        .directory("usr")
        .time(5)
        .directory("usr/bin")
        .mode(0o711)
        .time(6)
        .file("usr/bin/sh", "sh")
        .directory("usr/lib")
        .file("usr/lib/libc", "libc")
        .symlink("bin", "usr/bin")
        .symlink("lib", "/usr/lib")
}

fn merged_usr() -> Vec<Case> {
    let pair = |name: &str, tar: Tar| stack(name, ABOUT, [usr(), tar]);
    vec![
        pair("usr-merge", Tar::new().file("bin/new", "n").file("lib/x/new", "n")).tree(
            tree().file("usr/bin/new", "n").directory("usr/lib/x").mode(0o755).file("usr/lib/x/new", "n"),
        ),
        stack(
            "usr-merge-far-below",
            ABOUT,
            [
                usr(),
                Tar::new().file("other", ""),
                Tar::new().file("bin/new", "n"),
                Tar::new().file("bin/sh", "own"),
            ],
        )
        .tree(tree().file("other", "").file("usr/bin/new", "n").file("usr/bin/sh", "own")),
        pair("usr-merge-whiteout", Tar::new().file("bin/.wh.sh", "")).tree(
            Tree::new()
                .directory("usr")
                .time(5)
                .directory("usr/bin")
                .mode(0o711)
                .time(6)
                .directory("usr/lib")
                .file("usr/lib/libc", "libc")
                .symlink("bin", "usr/bin")
                .symlink("lib", "/usr/lib"),
        ),
        pair("usr-merge-both-names", Tar::new().file("bin/x", "1").file("usr/bin/x", "2").file("bin/x", "3"))
            .tree(tree().file("usr/bin/x", "3")),
        pair("usr-merge-link", Tar::new().hardlink("bin/ash", "bin/sh").symlink("bin/b", "sh")).tree(
            tree().file("usr/bin/ash", "sh").hardlink("usr/bin/sh", "usr/bin/ash").symlink("usr/bin/b", "sh"),
        ),
        // A directory entry is a directory, not what the link leads to.
        pair("usr-merge-undone", Tar::new().directory("bin").file("bin/own", "own"))
            .tree(tree().directory("bin").mode(0o755).file("bin/own", "own")),
        pair("usr-merge-turned", Tar::new().file(".wh.bin", "").file("bin/own", "own"))
            .tree(tree().directory("bin").mode(0o755).file("bin/own", "own")),
        pair("usr-merge-moved", Tar::new().symlink("bin", "usr/sbin").file("bin/own", "own")).tree(
            tree()
                .symlink("bin", "usr/sbin")
                .directory("usr/sbin")
                .file("usr/sbin/own", "own")
                .directory("usr")
                .time(5),
        ),
        stack(
            "usr-merge-late",
            ABOUT,
            [
                Tar::new().file("bin/sh", "sh").file("usr/bin/x", "x"),
                Tar::new().file("usr/bin/sh", "sh").symlink("bin", "usr/bin"),
                Tar::new().file("bin/y", "y"),
            ],
        )
        .tree(
            Tree::new()
                .symlink("bin", "usr/bin")
                .directory("usr")
                .directory("usr/bin")
                .file("usr/bin/sh", "sh")
                .file("usr/bin/x", "x")
                .file("usr/bin/y", "y"),
        ),
        stack(
            "symlink-of-each-layer",
            ABOUT,
            [
                Tar::new().symlink("a", "b"),
                Tar::new().symlink("b", "c"),
                Tar::new().directory("c").file("a/x", "x"),
                Tar::new().file("b/y", "y").file("c/z", "z"),
            ],
        )
        .tree(
            Tree::new()
                .symlink("a", "b")
                .symlink("b", "c")
                .directory("c")
                .file("c/x", "x")
                .file("c/y", "y")
                .file("c/z", "z"),
        ),
    ]
}

fn metadata() -> Vec<Case> {
    let directory = |mode, time| Header::directory("d/").mode(mode).owner(mode.into(), 2).time(time);
    let layers = || {
        [
            Tar::new().header(directory(0o700, 5)).file("d/a", "a"),
            Tar::new().header(directory(0o1711, 6)),
            Tar::new().file("d/b", "b"),
        ]
    };
    vec![
        stack("attributes-of-the-last-that-lists", ABOUT, layers()).tree(
            Tree::new()
                .directory("d")
                .mode(0o1711)
                .owner(0o1711, 2)
                .time(6)
                .file("d/a", "a")
                .file("d/b", "b"),
        ),
        stack(
            "attributes-behind-a-whiteout",
            ABOUT,
            [Tar::new().header(directory(0o700, 5)).file("d/a", "a"), Tar::new().file("d/.wh.a", "")],
        )
        .tree(Tree::new().directory("d").mode(0o700).owner(0o700, 2).time(5)),
        stack(
            "attributes-behind-an-opaque",
            ABOUT,
            [Tar::new().header(directory(0o700, 5)).file("d/a", "a"), Tar::new().file("d/.wh..wh..opq", "")],
        )
        .tree(Tree::new().directory("d").mode(0o700).owner(0o700, 2).time(5)),
        stack(
            "attributes-of-what-is-made-anew",
            ABOUT,
            [
                Tar::new().header(directory(0o700, 5)).file("d/a", "a"),
                Tar::new().file(".wh.d", "").file("d/b", "b"),
            ],
        )
        .tree(Tree::new().directory("d").mode(0o755).owner(0, 0).file("d/b", "b")),
        stack(
            "attributes-behind-a-link",
            ABOUT,
            [Tar::new().header(directory(0o2750, 5)).file("d/a", "a"), Tar::new().hardlink("b", "d/a")],
        )
        .tree(
            Tree::new()
                .directory("d")
                .mode(0o2750)
                .owner(0o2750, 2)
                .time(5)
                .file("b", "a")
                .hardlink("d/a", "b"),
        ),
        system(
            "attributes-of-the-root",
            ABOUT,
            [Tar::new().header(Header::directory("./").mode(0o1711)), Tar::new().file("x", "")],
        )
        .prints(&["stat", "-c", "%a", "/"], "1711"),
    ]
}

fn many() -> Vec<Case> {
    let mut tree = Tree::new().directory("d");
    let mut layers: [Tar; 60] = std::array::from_fn(|_| Tar::new());
    for (at, layer) in layers.iter_mut().enumerate() {
        let removed = if at > 0 { Tar::new().file(format!("d/.wh.{}", at - 1), "") } else { Tar::new() };
        *layer = removed.file(format!("d/{at}"), "x").file("last", format!("{at}"));
    }
    tree = tree.file("d/59", "x").file("last", "59");
    let again: [Tar; 12] = std::array::from_fn(|at| match at % 3 {
        0 => Tar::new().file("d/a", format!("{at}")).file("d/sub/b", ""),
        1 => Tar::new().file(".wh.d", ""),
        _ => Tar::new().file("d", "file"),
    });
    let same = || Tar::new().file("l/x", "x").file("y", "y");
    vec![
        stack("sixty-layers", ABOUT, layers).tree(tree),
        stack("again-and-again", ABOUT, again).tree(Tree::new().file("d", "file")),
        // One layer means another thing on another stack.
        stack("same-layer-on-a-directory", ABOUT, [Tar::new().directory("l").directory("m"), same()])
            .tree(Tree::new().directory("l").file("l/x", "x").directory("m").file("y", "y")),
        stack("same-layer-on-a-link", ABOUT, [Tar::new().symlink("l", "m").directory("m"), same()])
            .tree(Tree::new().symlink("l", "m").directory("m").file("m/x", "x").file("y", "y")),
        stack(
            "same-layer-twice",
            ABOUT,
            [Tar::new().directory("l"), same(), Tar::new().file(".wh.l", ""), same()],
        )
        .tree(Tree::new().directory("l").file("l/x", "x").file("y", "y")),
        stack("empty-layers", ABOUT, [Tar::new(), same(), Tar::new(), Tar::new()])
            .tree(Tree::new().directory("l").file("l/x", "x").file("y", "y")),
        stack("no-files-at-all", ABOUT, [Tar::new()]).tree(Tree::new()),
    ]
}
