//! Whiteouts and opaque directories.

use super::archive::{Header, Tar};
use super::case::Case;
use super::stack::{layer, stack};
use super::tree::Tree;

const ABOUT: &str = "rules 18 and 19";

pub(super) fn cases() -> Vec<Case> {
    [kinds(), names(), hiding(), opaque(), aufs()].into_iter().flatten().collect()
}

/// A directory, a file in it, and a symlink to the directory.
fn below() -> Tar {
    Tar::new().directory("d").file("d/a", "a").file("d/b", "b").file("d/sub/c", "c").symlink("l", "d")
}

fn directory() -> Tree {
    Tree::new().directory("d")
}

fn kinds() -> Vec<Case> {
    let gone = || directory().file("d/b", "b").directory("d/sub").file("d/sub/c", "c").symlink("l", "d");
    let whiteout = |flag: u8| Header::new(flag, "d/.wh.a").put(super::archive::field::LINK, "d/b");
    let mut cases = Vec::new();
    for (kind, flag) in [
        ("file", b'0'),
        ("v7-file", 0),
        ("hardlink", b'1'),
        ("symlink", b'2'),
        ("char", b'3'),
        ("block", b'4'),
        ("dir", b'5'),
        ("fifo", b'6'),
        ("contiguous", b'7'),
    ] {
        let layers = [below(), Tar::new().header(whiteout(flag))];
        cases.push(stack(format!("whiteout-as-{kind}"), ABOUT, layers).tree(gone()));
    }
    let pair = |name: &str, tar: Tar| stack(name, ABOUT, [below(), tar]);
    cases.extend([
        pair("whiteout-with-body", Tar::new().file("d/.wh.a", "x".repeat(3000))).tree(gone()),
        pair("whiteout-as-dir-with-slash", Tar::new().header(Header::directory("d/.wh.a/"))).tree(gone()),
        pair("whiteout-as-dir-with-children", Tar::new().directory("d/.wh.a").file("d/.wh.a/x", "x"))
            .tree(gone()),
        pair("whiteout-as-parent", Tar::new().file("d/.wh.a", "").file(".wh.d/x", "x").directory(".wh.l/y"))
            .tree(gone()),
        pair("whiteout-as-parent-with-warning", Tar::new().file(".wh.d/x", "x"))
            .warned("would lie in a whiteout"),
        pair("whiteout-through-symlink", Tar::new().file("l/.wh.a", "")).tree(gone()),
        pair("whiteout-of-symlink", Tar::new().file(".wh.l", ""))
            .tree(directory().file("d/a", "a").file("d/b", "b").directory("d/sub").file("d/sub/c", "c")),
        pair("whiteout-of-directory", Tar::new().file(".wh.d", "")).tree(Tree::new().symlink("l", "d")),
        pair("whiteout-twice", Tar::new().file("d/.wh.a", "").file("./d//.wh.a", "")).tree(gone()),
    ]);
    cases
}

fn names() -> Vec<Case> {
    let mut cases = Vec::new();
    for name in [".wh.", ".wh..", ".wh..."] {
        for (place, above) in [("root", ""), ("directory", "d/"), ("link", "l/")] {
            let tar = Tar::new().file([above, name].concat(), "");
            let named = format!(
                "{place}-whiteout-{}",
                [".wh.", ".wh..", ".wh..."].iter().position(|one| *one == name).unwrap()
            );
            cases.push(stack(named, ABOUT, [below(), tar]).refused("no name"));
        }
    }
    cases.push(layer("root-whiteout-dotdot", ABOUT, Tar::new().file("./.wh...", "")).refused("no name"));
    // Of names that begin with a dot, and of none that is special.
    cases.push(
        stack(
            "whiteout-of-dotted",
            ABOUT,
            [
                Tar::new().file(".a", "").file("..b", "").file("...", "").file("wh.c", "").file(".whd", ""),
                Tar::new().file(".wh..a", "").file(".wh...b", "").file(".wh.....", ""),
            ],
        )
        .tree(Tree::new().file("...", "").file("wh.c", "").file(".whd", "")),
    );
    cases.push(
        stack(
            "whiteout-of-three-dots",
            ABOUT,
            [Tar::new().file("...", "").file("x", ""), Tar::new().file(".wh....", "")],
        )
        .tree(Tree::new().file("x", "")),
    );
    let odd: &[u8] = b"odd\xff\n";
    cases.push(
        stack(
            "whiteout-of-bytes",
            ABOUT,
            [Tar::new().file(odd, ""), Tar::new().file([b".wh.", odd].concat(), "")],
        )
        .tree(Tree::new()),
    );
    cases
}

fn hiding() -> Vec<Case> {
    let pair = |name: &str, tar: Tar| stack(name, ABOUT, [below(), tar]);
    let new = || directory().directory("d/sub").file("d/sub/new", "new").symlink("l", "d");
    let mode = Header::directory("d/").mode(0o700);
    vec![
        pair("whiteout-before-its-file", Tar::new().file("d/.wh.a", "").file("d/a", "new")).tree(
            directory()
                .file("d/a", "new")
                .file("d/b", "b")
                .directory("d/sub")
                .file("d/sub/c", "c")
                .symlink("l", "d"),
        ),
        pair("whiteout-behind-its-file", Tar::new().file("d/a", "new").file("d/.wh.a", "")).tree(
            directory()
                .file("d/a", "new")
                .file("d/b", "b")
                .directory("d/sub")
                .file("d/sub/c", "c")
                .symlink("l", "d"),
        ),
        pair("whiteout-before-its-directory", Tar::new().file(".wh.d", "").file("d/sub/new", "new"))
            .tree(new()),
        pair("whiteout-behind-its-directory", Tar::new().file("d/sub/new", "new").file(".wh.d", ""))
            .tree(new()),
        pair("whiteout-and-listed-directory", Tar::new().file(".wh.d", "").header(mode.clone()))
            .tree(directory().mode(0o700).symlink("l", "d")),
        pair("listed-directory-and-whiteout", Tar::new().header(mode).file(".wh.d", ""))
            .tree(directory().mode(0o700).symlink("l", "d")),
        pair("whiteout-between", Tar::new().file("d/new", "n").file(".wh.d", "").file("d/newer", "n"))
            .tree(directory().file("d/new", "n").file("d/newer", "n").symlink("l", "d")),
        pair("whiteout-in-a-removed-directory", Tar::new().file("d/sub/.wh.c", "").file(".wh.d", ""))
            .tree(Tree::new().symlink("l", "d")),
        pair("whiteout-in-a-directory-removed-before", Tar::new().file(".wh.d", "").file("d/sub/.wh.c", ""))
            .tree(Tree::new().symlink("l", "d")),
        pair("whiteout-and-another-kind", Tar::new().file(".wh.d", "").file("d", "now a file"))
            .tree(Tree::new().file("d", "now a file").symlink("l", "d")),
        pair("whiteout-and-a-symlink-there", Tar::new().file(".wh.d", "").symlink("d", "e").file("d/x", "x"))
            .tree(Tree::new().symlink("d", "e").directory("e").file("e/x", "x").symlink("l", "d")),
        pair(
            "whiteout-of-nothing",
            Tar::new()
                .file(".wh.never", "")
                .file("no/where/.wh.x", "")
                .file("d/a/.wh.x", "")
                .file("d/.wh.a", ""),
        )
        .tree(directory().file("d/b", "b").directory("d/sub").file("d/sub/c", "c").symlink("l", "d")),
        layer(
            "whiteouts-alone",
            ABOUT,
            Tar::new().file(".wh.a", "").file("d/.wh.b", "").file(".wh..wh..opq", "").file("f", "x"),
        )
        .tree(Tree::new().file("f", "x")),
        layer("whiteout-of-its-own-layer", ABOUT, Tar::new().file("a", "x").file(".wh.a", ""))
            .tree(Tree::new().file("a", "x")),
        stack(
            "whiteout-and-again-in-a-third",
            ABOUT,
            [below(), Tar::new().file(".wh.d", ""), Tar::new().file("d/sub/new", "new")],
        )
        .tree(new()),
        stack(
            "whiteout-of-a-whiteout",
            ABOUT,
            [below(), Tar::new().file(".wh.d", ""), Tar::new().file(".wh.d", "")],
        )
        .tree(Tree::new().symlink("l", "d")),
        stack(
            "whiteout-then-whiteout-inside",
            ABOUT,
            [below(), Tar::new().file(".wh.d", ""), Tar::new().file("d/.wh.a", "").file("d/sub/new", "new")],
        )
        .tree(new()),
        layer("char00-whiteout", "b3", Tar::new().file("a", "x").header(Header::new(b'3', "w").device(0, 0)))
            .refused("0:0"),
        stack(
            "char00-over-a-file",
            "b3",
            [below(), Tar::new().header(Header::new(b'3', "d/a").device(0, 0))],
        )
        .refused("0:0"),
        layer("block00", "b3", Tar::new().file("a", "x").header(Header::new(b'4', "w").device(0, 0)))
            .tree(Tree::new().file("a", "x")),
    ]
}

fn opaque() -> Vec<Case> {
    let pair = |name: &str, tar: Tar| stack(name, ABOUT, [below(), tar]);
    let mark = |tar: Tar, above: &str| tar.file([above, ".wh..wh..opq"].concat(), "");
    let only_new = || directory().file("d/new", "n").symlink("l", "d");
    let new = || Tar::new().file("d/new", "n");
    vec![
        pair("opaque-first", mark(Tar::new(), "d/").file("d/new", "n")).tree(only_new()),
        pair("opaque-last", mark(new(), "d/")).tree(only_new()),
        pair("opaque-through-a-symlink", mark(new(), "l/")).tree(only_new()),
        pair("opaque-as-directory", Tar::new().directory("d/.wh..wh..opq").file("d/new", "n"))
            .tree(only_new()),
        pair("opaque-twice", mark(mark(new(), "d/"), "d/")).tree(only_new()),
        pair("opaque-alone", mark(Tar::new(), "d/")).tree(directory().symlink("l", "d")),
        pair("opaque-of-nothing", mark(mark(Tar::new(), "none/"), "d/a/").file("d/.wh.sub", ""))
            .tree(directory().file("d/a", "a").file("d/b", "b").symlink("l", "d")),
        pair(
            "whiteouts-in-opaque",
            mark(new().file("d/.wh.a", ""), "d/").file("d/.wh.b", "").file("d/sub/.wh.c", ""),
        )
        .tree(only_new()),
        pair("opaque-below-stays-merged", mark(new(), "d/sub/")).tree(
            directory()
                .file("d/a", "a")
                .file("d/b", "b")
                .directory("d/sub")
                .file("d/new", "n")
                .symlink("l", "d"),
        ),
        pair(
            "opaque-with-a-directory-of-the-same-name",
            mark(Tar::new(), "d/").directory("d/sub").file("d/sub/new", "n"),
        )
        .tree(directory().directory("d/sub").file("d/sub/new", "n").symlink("l", "d")),
        pair("opaque-root", mark(Tar::new(), "").file("d/new", "n")).tree(directory().file("d/new", "n")),
        pair("opaque-root-last", mark(new(), "./")).tree(directory().file("d/new", "n")),
        stack(
            "opaque-root-in-the-middle",
            ABOUT,
            [below(), mark(new(), ""), Tar::new().file("d/newer", "n").file("d/.wh.new", "")],
        )
        .tree(directory().file("d/newer", "n")),
        stack("opaque-root-on-top", ABOUT, [below(), new(), mark(Tar::new(), "")]).tree(Tree::new()),
        stack("opaque-and-again", ABOUT, [below(), mark(new(), "d/"), Tar::new().file("d/a", "again")])
            .tree(only_new().file("d/a", "again")),
        stack(
            "opaque-twice-over",
            ABOUT,
            [below(), mark(Tar::new().file("d/x", ""), "d/"), mark(new(), "d/")],
        )
        .tree(only_new()),
    ]
}

fn aufs() -> Vec<Case> {
    let body = "x".repeat(1000);
    vec![
        layer(
            "aufs-bookkeeping",
            ABOUT,
            Tar::new()
                .file(".wh..wh.aufs", &body)
                .directory(".wh..wh.orph")
                .directory(".wh..wh.plnk")
                .file(".wh..wh.plnk/12.34", &body)
                .symlink(".wh..wh.plnk/link", "/")
                .file("d/.wh..wh.x", &body)
                .file("file", "x"),
        )
        .tree(Tree::new().file("file", "x")),
        stack(
            "aufs-names-hide-nothing",
            ABOUT,
            [below(), Tar::new().file("d/.wh..wh.a", "").file(".wh..wh.d", "")],
        )
        .tree(
            directory()
                .file("d/a", "a")
                .file("d/b", "b")
                .directory("d/sub")
                .file("d/sub/c", "c")
                .symlink("l", "d"),
        ),
    ]
}
