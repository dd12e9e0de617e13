//! What entries find where they are to be put.

use super::archive::{Header, Tar};
use super::case::Case;
use super::stack::{layer, stack};
use super::tree::Tree;

const ABOUT: &str = "rule 14";
const KINDS: [&str; 5] = ["file", "directory", "symlink", "hardlink", "fifo"];

pub(super) fn cases() -> Vec<Case> {
    [pairs(), chains(), inodes(), parents()].into_iter().flatten().collect()
}

/// Adds `x` as something of this kind; what else it needs is there.
fn add(tar: Tar, kind: &str) -> Tar {
    match kind {
        "file" => tar.file("x", kind),
        "directory" => tar.header(Header::directory("x/").mode(0o700)).file("x/in", kind),
        "symlink" => tar.symlink("x", "other"),
        "hardlink" => tar.hardlink("x", "link"),
        _ => tar.header(Header::new(b'6', "x").mode(0o600)),
    }
}

/// The directory that a link leads to and a file with two names: neither changes, whatever comes and goes at `x`.
fn bystanders() -> Tar {
    Tar::new().header(Header::directory("other/").mode(0o711)).file("other/own", "own").file("link", "linked")
}

fn expected(kind: &str) -> Tree {
    let tree = Tree::new().directory("other").mode(0o711).file("other/own", "own").file("link", "linked");
    match kind {
        "file" => tree.file("x", kind).mode(0o644),
        "directory" => tree.directory("x").mode(0o700).file("x/in", kind),
        "symlink" => tree.symlink("x", "other"),
        "hardlink" => tree.hardlink("x", "link"),
        _ => tree.fifo("x").mode(0o600),
    }
}

fn pairs() -> Vec<Case> {
    let mut cases = Vec::new();
    for first in KINDS {
        for second in KINDS {
            let both = add(add(bystanders(), first), second);
            cases.push(layer(format!("{second}-over-{first}"), ABOUT, both).tree(expected(second)));
            let later = [add(bystanders(), first), add(Tar::new(), second)];
            let later = stack(format!("{second}-over-lower-{first}"), ABOUT, later);
            cases.push(later.tree(expected(second)));
        }
    }
    cases
}

fn chains() -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, order) in [
        ["directory", "symlink", "file", "directory"],
        ["symlink", "directory", "symlink", "file"],
        ["file", "directory", "file", "symlink"],
        ["directory", "file", "directory", "fifo"],
    ]
    .iter()
    .enumerate()
    {
        let last = order[3];
        let same = order.iter().fold(bystanders(), |tar, kind| add(tar, kind));
        cases.push(layer(format!("chain-{number}"), ABOUT, same).tree(expected(last)));
        let layers = [0, 1, 2, 3].map(|at| add(if at == 0 { bystanders() } else { Tar::new() }, order[at]));
        cases.push(stack(format!("chain-{number}-of-layers"), ABOUT, layers).tree(expected(last)));
    }
    let twice = (0..50).fold(Tar::new(), |tar, number| tar.file("x", format!("{number}")));
    cases.push(layer("last-wins", ABOUT, twice).tree(Tree::new().file("x", "49")));
    let spelled = Tar::new().file("x/y", "1").file("./x//y", "2").file("/x/./y", "3");
    cases.push(
        layer("last-wins-however-spelled", ABOUT, spelled).tree(Tree::new().directory("x").file("x/y", "3")),
    );
    cases
}

fn inodes() -> Vec<Case> {
    let two = || Tar::new().file("a", "old").hardlink("b", "a");
    let first = Header::directory("d/").mode(0o700).owner(1, 1).time(7);
    let again = Header::directory("d/").mode(0o1755).owner(2, 3).time(9);
    let listed = Tree::new().directory("d").mode(0o1755).owner(2, 3).time(9).file("d/f", "x");
    let late = Tar::new().directory("real").header(Header::directory("l/").mode(0o700)).symlink("l", "real");
    vec![
        layer("new-file-keeps-other-name", ABOUT, two().file("a", "new"))
            .tree(Tree::new().file("a", "new").file("b", "old")),
        stack("new-file-keeps-other-name-below", ABOUT, [two(), Tar::new().file("a", "new")])
            .tree(Tree::new().file("a", "new").file("b", "old")),
        layer("link-over-its-own-inode", ABOUT, two().hardlink("b", "a").hardlink("a", "b"))
            .tree(Tree::new().file("a", "old").hardlink("b", "a")),
        layer(
            "directory-again",
            ABOUT,
            Tar::new().header(first.clone()).file("d/f", "x").header(again.clone()),
        )
        .tree(listed.clone()),
        stack(
            "directory-again-later",
            ABOUT,
            [Tar::new().header(first.clone()).file("d/f", "x"), Tar::new().header(again.clone())],
        )
        .tree(listed),
        stack(
            "directory-over-symlink-changes-no-other",
            ABOUT,
            [
                Tar::new().header(Header::directory("real/").mode(0o711)).symlink("d", "real"),
                Tar::new().header(again).file("d/f", "x"),
            ],
        )
        .tree(Tree::new().directory("real").mode(0o711).directory("d").mode(0o1755).file("d/f", "x")),
        layer("deferred-dir-meta", "b1", late)
            .tree(Tree::new().directory("real").mode(0o755).symlink("l", "real")),
        layer(
            "deferred-dir-meta-below",
            "b1",
            Tar::new()
                .header(Header::directory("real/sub/").mode(0o755))
                .header(Header::directory("l/").mode(0o700))
                .header(Header::directory("l/sub/").mode(0))
                .symlink("l", "real"),
        )
        .tree(Tree::new().directory("real").directory("real/sub").mode(0o755).symlink("l", "real")),
    ]
}

fn parents() -> Vec<Case> {
    let below = || Tar::new().file("p", "a file").symlink("l", "p").header(Header::new(b'6', "f"));
    let kept = |name: &str| {
        let tree = Tree::new();
        let tree = if name == "p" { tree } else { tree.file("p", "a file") };
        let tree = if name == "l" { tree } else { tree.symlink("l", "p") };
        if name == "f" { tree } else { tree.fifo("f") }
    };
    vec![
        layer("parent-is-a-file", "rule 13", below().file("p/x", "x")).refused("is not a directory"),
        layer("parent-is-a-fifo", "rule 13", below().file("f/x", "x")).refused("is not a directory"),
        layer("parent-is-a-symlink-to-a-file", "rule 13", below().file("l/x", "x"))
            .refused("is not a directory"),
        layer("parent-is-a-file-far-above", "rule 13", below().file("p/a/b/c", "x"))
            .refused("is not a directory"),
        stack("parent-was-a-file", "rule 13", [below(), Tar::new().file("p/x", "x")])
            .tree(kept("p").directory("p").mode(0o755).owner(0, 0).file("p/x", "x")),
        stack("parent-was-a-fifo", "rule 13", [below(), Tar::new().file("f/x", "x")])
            .tree(kept("f").directory("f").mode(0o755).file("f/x", "x")),
        stack("parent-was-a-symlink-to-a-file", "rule 13", [below(), Tar::new().file("l/x", "x")])
            .tree(kept("p").directory("p").mode(0o755).file("p/x", "x")),
        layer("parents-made", "rule 13", Tar::new().entry(Header::file("a/b/c").owner(5, 6), "x")).tree(
            Tree::new()
                .directory("a")
                .mode(0o755)
                .owner(0, 0)
                .directory("a/b")
                .mode(0o755)
                .owner(0, 0)
                .file("a/b/c", "x")
                .owner(5, 6),
        ),
        layer(
            "parents-listed-late",
            "rule 13",
            Tar::new().file("a/b", "x").header(Header::directory("a/").mode(0o1700).owner(7, 8).time(5)),
        )
        .tree(Tree::new().directory("a").mode(0o1700).owner(7, 8).time(5).file("a/b", "x")),
        stack(
            "parents-copied",
            "rule 13",
            [
                Tar::new()
                    .header(Header::directory("a/").mode(0o1700).owner(7, 8).time(5))
                    .header(Header::directory("a/b/").mode(0o2711).owner(9, 10).time(6)),
                Tar::new().file("a/b/c", "x"),
            ],
        )
        .tree(
            Tree::new()
                .directory("a")
                .mode(0o1700)
                .owner(7, 8)
                .time(5)
                .directory("a/b")
                .mode(0o2711)
                .owner(9, 10)
                .time(6)
                .file("a/b/c", "x"),
        ),
    ]
}
