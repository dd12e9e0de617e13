//! The names of entries.

use super::archive::{Header, Tar};
use super::case::Case;
use super::stack::{layer, stack, system};
use super::tree::Tree;

const ABOUT: &str = "rule 11";
/// Goes down where no path leads, and shows a file there.
const DOWN: &str = "n=$(printf '%0250d' 0 | tr 0 x); for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do \
                    cd -P $n 2>/dev/null || exit 9; done; cat file";

pub(super) fn cases() -> Vec<Case> {
    [spellings(), climbing(), root(), bytes(), long()].into_iter().flatten().collect()
}

fn spellings() -> Vec<Case> {
    let file =
        |name: &str| layer(format!("spelled-{}", name.replace('/', "-")), ABOUT, Tar::new().file(name, "x"));
    let mut cases = Vec::new();
    for name in ["/a/b", "./a/b", "a//b", "a/./b", "//a/b", "/./a/././b", "././/a///b"] {
        cases.push(file(name).tree(Tree::new().directory("a").mode(0o755).owner(0, 0).file("a/b", "x")));
    }
    // A name that only looks like one that climbs.
    for name in ["..a", "a..", "...", ".a", "a."] {
        cases.push(file(name).tree(Tree::new().file(name, "x")));
    }
    cases
}

fn climbing() -> Vec<Case> {
    let mut cases = Vec::new();
    for name in ["..", "../x", "a/..", "a/../x", "/..", "/../x", "./../x", "a/b/../../../x", "../../../../x"]
    {
        let named = |kind: &str| format!("dotdot-{kind}-{}", name.replace('/', "-"));
        cases.push(layer(named("file"), ABOUT, Tar::new().file(name, "x")));
        cases.push(layer(named("directory"), ABOUT, Tar::new().directory(name)));
        cases.push(layer(named("symlink"), ABOUT, Tar::new().symlink(name, "file")));
        cases.push(layer(named("hardlink"), ABOUT, Tar::new().file("file", "").hardlink(name, "file")));
        cases.push(layer(named("whiteout"), ABOUT, Tar::new().file([name, "/.wh.x"].concat(), "")));
    }
    cases.into_iter().map(|case| case.refused("`..`")).collect()
}

fn root() -> Vec<Case> {
    let mut cases = Vec::new();
    for name in [".", "./", "/", "//", "././", ""] {
        let root = |flag| Header::new(flag, name).mode(0o700);
        for (kind, flag) in
            [("hardlink", b'1'), ("symlink", b'2'), ("device", b'3'), ("block", b'4'), ("fifo", b'6')]
        {
            let name = format!("root-as-{kind}-{}", name.replace('/', "s").replace('.', "d"));
            let tar = Tar::new().file("a", "").header(root(flag).put(super::archive::field::LINK, "a"));
            cases.push(layer(name, ABOUT, tar).refused("root directory"));
        }
        let name = format!("root-itself-{}", name.replace('/', "s").replace('.', "d"));
        let tar = Tar::new().header(root(b'5').mode(0o751));
        cases.push(system(name, ABOUT, [tar]).prints(&["stat", "-c", "%a", "/"], "751"));
    }
    for name in [".", "./.", "", "/."] {
        let named = format!("root-as-file-{}", name.replace('/', "s").replace('.', "d"));
        cases.push(layer(named, ABOUT, Tar::new().file(name, "x")).refused("root directory"));
    }
    let out = |canary: &std::path::Path| canary.to_str().unwrap().to_owned();
    let build = move |canary: &std::path::Path| {
        let tar = Tar::new().symlink(".", out(canary)).file("file", "overwritten");
        super::parts::Parts::new().layer(tar).layout()
    };
    cases.push(Case::new("root-as-symlink-out", ABOUT, build).refused("root directory"));
    let inherited = [Tar::new().header(Header::directory("./").mode(0o710)), Tar::new().file("x", "")];
    cases.push(
        system("root-of-a-lower-layer", "rule 13", inherited).prints(&["stat", "-c", "%a", "/"], "710"),
    );
    cases
}

fn bytes() -> Vec<Case> {
    let odd: [&[u8]; 7] =
        [b"\xff\xfe", b"\xc3", b"a\nb", b"a b", b"\x01\x7f", b"-rf", b"$(touch x)`touch y`;\\\"'*?"];
    let mut cases: Vec<_> = odd
        .iter()
        .map(|name| {
            let tar = Tar::new().directory(name).file([name, &b"/"[..], name].concat(), "x");
            let tree = Tree::new().directory(name).file([name, &b"/"[..], name].concat(), "x");
            layer(format!("bytes-{}", name.escape_ascii().to_string().replace(['/', '\\'], "_")), ABOUT, tar)
                .tree(tree)
        })
        .collect();
    let alike =
        Tar::new().file("name", "1").file("Name", "2").file("NAME", "3").directory("D").file("d/x", "4");
    let tree = Tree::new().file("name", "1").file("Name", "2").file("NAME", "3");
    cases.push(layer("case", ABOUT, alike).tree(tree.directory("D").directory("d").file("d/x", "4")));
    // Equal to the eye, and two names to the kernel.
    let composed = Tar::new().file("\u{e9}", "1").file("e\u{301}", "2");
    cases.push(
        layer("normal-forms", ABOUT, composed).tree(Tree::new().file("\u{e9}", "1").file("e\u{301}", "2")),
    );
    cases
}

fn long() -> Vec<Case> {
    let name = "n".repeat(255);
    let deep = |depth: usize| "d/".repeat(depth - 1) + "f";
    let long = |name: &str, body: &str| Tar::new().pax(&[("path", name.as_bytes())]).file("short", body);
    let mut deepest = Tree::new();
    for depth in 1..1000 {
        deepest = deepest.directory("d/".repeat(depth).trim_end_matches('/'));
    }
    let far = ["x".repeat(250), String::from("/")].concat().repeat(20);
    let half = "d/".repeat(500);
    let through = Tar::new().directory(&half).pax(&[("linkpath", half.as_bytes())]).symlink("l", "x");
    vec![
        layer("longest-component", "rule 10", long(&name, "x")).tree(Tree::new().file(&name, "x")),
        layer("longest-directory", "rule 10", long(&format!("{name}/{name}"), "x"))
            .tree(Tree::new().directory(&name).file(format!("{name}/{name}"), "x")),
        layer("too-long-component", "rule 10", long(&format!("{name}n"), "x")).refused("too long"),
        layer("too-long-parent", "rule 10", long(&format!("{name}n/x"), "x")).refused("too long"),
        stack(
            "whiteout-of-the-longest",
            "rule 18",
            [long(&name, "x"), long(&format!(".wh.{name}"), "").file("left", "")],
        )
        .tree(Tree::new().file("left", "")),
        layer("deepest", "rule 10", long(&deep(1000), "x")).tree(deepest.file(deep(1000), "x")),
        layer("too-deep", "rule 10", long(&deep(1001), "x")).refused("too deep"),
        layer(
            "too-deep-through-a-symlink",
            "rule 10",
            through.clone().directory("l/".to_owned() + &"e/".repeat(501)),
        )
        .refused("too deep"),
        layer("deep-through-a-symlink", "rule 10", through.file("l/x", "x")).warned(""),
        system("beyond-path-max", "rule 10", [long(&format!("{far}file"), "there")])
            .prints(&["sh", "-c", DOWN], "there"),
        system(
            "deep-directories-closed",
            "b1 deep-*",
            [(1..200).fold(Tar::new(), |tar, depth| {
                tar.pax(&[("path", "d/".repeat(depth).as_bytes())]).header(Header::directory("d/").mode(0))
            })],
        )
        .prints(&["stat", "-c", "%a", "/d/d/d"], "0"),
    ]
}
