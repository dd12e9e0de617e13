//! Hard links.

use std::path::Path;

use crate::hostile::archive::{Header, Tar};
use crate::hostile::case::Case;
use crate::hostile::parts::Parts;
use crate::hostile::stack::{layer, stack};
use crate::hostile::tree::Tree;

const HARDLINKS: &str = "rule 15, b1";

pub(super) fn cases() -> Vec<Case> {
    [made(), by_parents(), refused_cases(), below_cases()].into_iter().flatten().collect()
}

fn made() -> Vec<Case> {
    let file = || Tar::new().entry(Header::file("a").mode(0o640).owner(1, 2).time(5), "x");
    let linked = |tree: Tree| tree.file("a", "x").mode(0o640).owner(1, 2).time(5).hardlink("b", "a");
    let other = Header::hardlink("b", "a").mode(0o4777).owner(8, 9).time(99);
    let aliased = || Tar::new().file("real/f", "x").symlink("l", "real");
    let tree = || Tree::new().directory("real").file("real/f", "x").symlink("l", "real");
    let mut cases: Vec<_> = ["a", "/a", "./a", "//a", "././/a"]
        .iter()
        .enumerate()
        .map(|(at, to)| {
            layer(format!("hardlink-spelled-{at}"), HARDLINKS, file().hardlink("b", to))
                .tree(linked(Tree::new()))
        })
        .collect();
    cases.extend([
        layer("hardlink-meta-follow", "b1 *-meta-follow", file().header(other)).tree(linked(Tree::new())),
        layer("hardlink-through-symlink", HARDLINKS, aliased().hardlink("g", "l/f"))
            .tree(tree().hardlink("real/f", "g").file("g", "x")),
        layer("hardlink-into-symlink", HARDLINKS, aliased().hardlink("l/g", "real/f"))
            .tree(tree().hardlink("real/g", "real/f")),
        layer("hardlink-to-symlink", HARDLINKS, Tar::new().symlink("l", "/nowhere").hardlink("m", "l"))
            .tree(Tree::new().symlink("l", "/nowhere").hardlink("m", "l")),
        layer("hardlink-to-fifo", HARDLINKS, Tar::new().header(Header::new(b'6', "p")).hardlink("q", "p"))
            .tree(Tree::new().fifo("p").hardlink("q", "p")),
        layer(
            "hardlink-to-device",
            "rule 17",
            Tar::new().header(Header::new(b'3', "null").device(1, 3)).hardlink("n", "null").file("f", "x"),
        )
        .tree(Tree::new().file("f", "x")),
        layer("hardlink-over-directory", HARDLINKS, file().file("b/c", "y").hardlink("b", "a"))
            .tree(linked(Tree::new())),
        layer(
            "hardlinks-of-hardlinks",
            HARDLINKS,
            file().hardlink("b", "a").hardlink("c", "b").file("a", "new"),
        )
        .tree(Tree::new().file("a", "new").file("b", "x").hardlink("c", "b")),
    ]);
    cases
}

/// First names with a `..` that leads out of nothing but a directory of the tree.
fn by_parents() -> Vec<Case> {
    let tar = || Tar::new().file("a", "x").directory("d");
    let tree = || Tree::new().file("a", "x").directory("d");
    let aliased = Tar::new().file("f", "no").file("real/f", "x").file("real/d/e", "y").symlink("l", "real/d");
    let parents = Tree::new().directory("real").directory("real/d").file("real/d/e", "y");
    vec![
        layer("hardlink-by-parent", HARDLINKS, tar().hardlink("b", "d/../a")).tree(tree().hardlink("b", "a")),
        layer("hardlink-by-parent-of-root", HARDLINKS, tar().hardlink("d/b", "/d/.././a"))
            .tree(tree().hardlink("d/b", "a")),
        // As the kernel goes: to the parent of what the link leads to.
        layer("hardlink-by-parent-of-symlink", HARDLINKS, aliased.hardlink("g", "l/../f"))
            .tree(parents.file("f", "no").symlink("l", "real/d").file("g", "x").hardlink("real/f", "g")),
        stack("hardlink-by-parent-below", HARDLINKS, [tar(), Tar::new().hardlink("b", "d/../a")])
            .tree(tree().hardlink("b", "a")),
    ]
}

fn refused_cases() -> Vec<Case> {
    let file = || Tar::new().file("a", "x").directory("d");
    let refused = |name: &str, tar: Tar, says: &'static str| {
        layer(format!("hardlink-{name}"), HARDLINKS, tar).refused(says)
    };
    let mut cases = vec![
        refused("to-directory", file().hardlink("b", "d"), "is a directory"),
        refused("to-root", file().hardlink("b", "/"), "is a directory"),
        refused("to-nothing", file().hardlink("b", ""), "is empty"),
        refused("to-itself", file().hardlink("a", "a"), "a hard link to itself"),
        refused("to-itself-spelled-otherwise", file().hardlink("a", ".//a"), "a hard link to itself"),
        refused("to-itself-by-parent", file().hardlink("a", "d/../a"), "a hard link to itself"),
        refused("to-parent", file().hardlink("b", "d/.."), "is a directory"),
        refused("by-no-directory", file().hardlink("b", "none/../a"), "does not exist"),
        refused("climbs-at-last", file().hardlink("b", "d/../../a"), "`..`"),
        refused("before-target", Tar::new().hardlink("b", "late").file("late", "x"), "does not exist"),
        refused("climbs", file().hardlink("b", "../a"), "`..`"),
        refused("climbs-far", file().hardlink("b", "d/../../../../../etc/passwd"), "`..`"),
        refused("to-host", file().hardlink("b", "/etc/passwd"), "does not exist"),
        refused("to-proc", file().hardlink("b", "/proc/self/exe"), "does not exist"),
        refused("to-whiteout", file().file(".wh.x", "").hardlink("b", ".wh.x"), "does not exist"),
        refused("through-file", file().hardlink("b", "a/x"), "does not exist"),
        refused("to-what-it-replaces", file().file("d/f", "x").hardlink("d", "d/f"), "linkat"),
        refused(
            "aufs-plink",
            Tar::new().file(".wh..wh.plnk/1.2", "x").hardlink("b", ".wh..wh.plnk/1.2"),
            "does not exist",
        ),
        stack(
            "hardlink-to-whited-out",
            HARDLINKS,
            [Tar::new().file("a", "x"), Tar::new().file(".wh.a", "").hardlink("b", "a")],
        )
        .refused("does not exist"),
        stack(
            "hardlink-to-removed-before",
            HARDLINKS,
            [Tar::new().file("a", "x"), Tar::new().file(".wh.a", ""), Tar::new().hardlink("b", "a")],
        )
        .refused("does not exist"),
        stack(
            "hardlink-into-opaque",
            HARDLINKS,
            [Tar::new().file("d/a", "x"), Tar::new().file("d/.wh..wh..opq", "").hardlink("b", "d/a")],
        )
        .refused("does not exist"),
    ];
    for (name, through) in [("file", "l/file"), ("secret", "l/private/secret"), ("symlink", "l/link")] {
        let build = move |canary: &Path| {
            let to = canary.to_str().unwrap().as_bytes();
            Parts::new()
                .layer(Tar::new().pax(&[("linkpath", to)]).symlink("l", "x").hardlink("b", through))
                .layout()
        };
        cases.push(
            Case::new(format!("hardlink-through-symlink-out-{name}"), HARDLINKS, build)
                .refused("does not exist"),
        );
    }
    let build = |canary: &Path| {
        let to = canary.join("file");
        let link: &[(&str, &[u8])] = &[("linkpath", to.to_str().unwrap().as_bytes())];
        Parts::new().layer(Tar::new().pax(link).hardlink("b", "x").file("b", "overwritten")).layout()
    };
    cases.push(Case::new("hardlink-out", HARDLINKS, build).refused("does not exist"));
    cases
}

fn below_cases() -> Vec<Case> {
    let below = || {
        Tar::new()
            .header(Header::directory("d/").mode(0o711).owner(1, 2).time(5))
            .entry(Header::file("d/a").mode(0o4750).owner(3, 4).time(6), "x")
    };
    let directory = || Tree::new().directory("d").mode(0o711).owner(1, 2).time(5);
    let copied = |tree: Tree| tree.file("b", "x").mode(0o4750).owner(3, 4).time(6);
    vec![
        stack("hardlink-below", HARDLINKS, [below(), Tar::new().hardlink("b", "d/a")])
            .tree(copied(directory()).hardlink("d/a", "b")),
        stack(
            "hardlink-two-below",
            HARDLINKS,
            [below(), Tar::new().file("c", ""), Tar::new().hardlink("b", "/d/a")],
        )
        .tree(copied(directory()).hardlink("d/a", "b").file("c", "")),
        stack(
            "hardlink-below-and-removed",
            HARDLINKS,
            [below(), Tar::new().hardlink("b", "d/a").file("d/.wh.a", "")],
        )
        .tree(copied(directory())),
        stack(
            "hardlink-below-and-directory-removed",
            HARDLINKS,
            [below(), Tar::new().hardlink("b", "d/a").file(".wh.d", "")],
        )
        .tree(copied(Tree::new())),
        stack(
            "hardlink-below-and-opaque",
            HARDLINKS,
            [below(), Tar::new().hardlink("b", "d/a").file("d/.wh..wh..opq", "")],
        )
        .tree(copied(directory())),
        stack("hardlink-below-over-itself", HARDLINKS, [below(), Tar::new().hardlink("d/a", "d/a")])
            .refused("a hard link to itself"),
        stack(
            "hardlink-symlink-below",
            HARDLINKS,
            [Tar::new().symlink("l", "/etc"), Tar::new().hardlink("m", "l")],
        )
        .tree(Tree::new().symlink("l", "/etc").hardlink("m", "l")),
        stack(
            "hardlink-below-through-symlink-below",
            HARDLINKS,
            [
                Tar::new().file("usr/lib/a", "x").symlink("lib", "usr/lib"),
                Tar::new().hardlink("lib/b", "lib/a"),
            ],
        )
        .tree(
            Tree::new()
                .directory("usr")
                .directory("usr/lib")
                .file("usr/lib/a", "x")
                .hardlink("usr/lib/b", "usr/lib/a")
                .symlink("lib", "usr/lib"),
        ),
    ]
}
