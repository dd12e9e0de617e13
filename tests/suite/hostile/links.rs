//! Hard links and symbolic links as entries of layers.

mod hard;

use std::path::Path;

use super::archive::{Header, Tar};
use super::case::Case;
use super::parts::Parts;
use super::stack::{layer, stack};
use super::tree::Tree;

const SYMLINKS: &str = "rules 12 and 16, b1";

pub(super) fn cases() -> Vec<Case> {
    [outward(), followed(), loops(), kept(), hard::cases()].into_iter().flatten().collect()
}

/// Links that lead to the canary: what goes through them lands in the tree.
fn outward() -> Vec<Case> {
    type Aim = fn(&str, Tar) -> Tar;
    let aims: [(&str, Aim); 12] = [
        ("file-through", |_, tar| tar.file("l/file", "overwritten").file("l/new", "x")),
        ("directory-through", |_, tar| tar.header(Header::directory("l/private/").mode(0o777))),
        ("directory-over", |_, tar| tar.header(Header::directory("l/").mode(0o777)).file("l/file", "x")),
        ("file-over", |_, tar| tar.file("l", "overwritten")),
        ("symlink-through", |_, tar| tar.symlink("l/link", "nowhere")),
        ("hardlink-over", |_, tar| tar.file("f", "x").hardlink("l", "f").hardlink("l2/file", "f")),
        ("whiteout-through", |_, tar| tar.file("l/.wh.file", "").file("l/.wh.private", "")),
        ("opaque-through", |_, tar| tar.file("l/.wh..wh..opq", "")),
        ("fifo-through", |_, tar| tar.header(Header::new(b'6', "l/fifo"))),
        ("device-through", |_, tar| tar.header(Header::new(b'3', "l/file").device(1, 3))),
        ("chain", |_, tar| tar.symlink("m", "l").symlink("n", "m/private").file("n/secret", "x")),
        ("deep", |to, tar| tar.symlink("d/e", "../l/private").file("d/e/secret", to)),
    ];
    let mut cases = Vec::new();
    for (name, aim) in aims {
        for (kind, later) in [("symlink", false), ("symlink-later", true)] {
            let build = move |canary: &Path| {
                let to = canary.to_str().unwrap();
                let pax: &[(&str, &[u8])] = &[("linkpath", to.as_bytes())];
                let links = Tar::new().pax(pax).symlink("l", "x").pax(pax).symlink("l2", "x");
                let parts = Parts::new();
                if later {
                    parts.layer(links).layer(aim(to, Tar::new())).layout()
                } else {
                    parts.layer(aim(to, links)).layout()
                }
            };
            cases.push(Case::new(format!("{kind}-out-{name}"), SYMLINKS, build).warned(""));
        }
    }
    for up in 1..4 {
        let build = move |canary: &Path| {
            let to = ["../".repeat(20 * up), canary.to_str().unwrap()[1..].to_owned()].concat();
            let tar =
                Tar::new().pax(&[("linkpath", to.as_bytes())]).symlink("a/l", "x").file("a/l/file", "x");
            Parts::new().layer(tar).layout()
        };
        cases.push(Case::new(format!("symlink-climbs-{up}"), SYMLINKS, build).warned(""));
    }
    cases
}

fn followed() -> Vec<Case> {
    let usr = || Tree::new().directory("usr").directory("usr/bin").file("usr/bin/a", "a");
    let through = |to: &str| Tar::new().file("usr/bin/a", "a").symlink("bin", to);
    let mut cases = Vec::new();
    for to in [
        "usr/bin",
        "/usr/bin",
        "./usr/bin/",
        "../usr/bin",
        "/../../usr/bin",
        "usr/../usr/./bin",
        "//usr//bin",
    ] {
        let tree = || usr().symlink("bin", to).file("usr/bin/b", "b");
        let name = to.replace('/', "-");
        cases.push(layer(format!("follows-{name}"), SYMLINKS, through(to).file("bin/b", "b")).tree(tree()));
        let later = [through(to), Tar::new().file("bin/b", "b")];
        cases.push(stack(format!("follows-{name}-of-a-lower-layer"), SYMLINKS, later).tree(tree()));
    }
    let dangling = |to: &str| Tar::new().symlink("l", to).file("l/f", "x");
    cases.extend([
        layer("dangling", SYMLINKS, dangling("not/there")).tree(
            Tree::new()
                .symlink("l", "not/there")
                .directory("not")
                .mode(0o755)
                .directory("not/there")
                .mode(0o755)
                .file("not/there/f", "x"),
        ),
        layer("dangling-to-root", SYMLINKS, dangling("/")).tree(Tree::new().symlink("l", "/").file("f", "x")),
        layer("dangling-far-up", SYMLINKS, dangling("../../../x"))
            .tree(Tree::new().symlink("l", "../../../x").directory("x").file("x/f", "x")),
        layer("magic-links-are-names", SYMLINKS, dangling("/proc/self/root/etc")).tree(
            Tree::new()
                .symlink("l", "/proc/self/root/etc")
                .directory("proc")
                .directory("proc/self")
                .directory("proc/self/root")
                .directory("proc/self/root/etc")
                .file("proc/self/root/etc/f", "x"),
        ),
        layer("dangling-to-a-whiteout", SYMLINKS, dangling(".wh.x")).refused("whiteouts"),
        layer(
            "dangling-to-a-long-name",
            SYMLINKS,
            Tar::new().pax(&[("linkpath", &[b'n'; 256][..])]).symlink("l", "x").file("l/f", ""),
        )
        .refused("too long"),
        stack(
            "link-replaced-in-between",
            SYMLINKS,
            [
                Tar::new()
                    .directory("one")
                    .directory("two")
                    .symlink("l", "one")
                    .file("l/a", "a")
                    .symlink("l", "two")
                    .file("l/b", "b"),
                Tar::new().file("l/c", "c").symlink("l", "one").file("l/d", "d"),
            ],
        )
        .tree(
            Tree::new()
                .directory("one")
                .file("one/a", "a")
                .file("one/d", "d")
                .directory("two")
                .file("two/b", "b")
                .file("two/c", "c")
                .symlink("l", "one"),
        ),
    ]);
    cases
}

fn loops() -> Vec<Case> {
    let chain = |length: usize| {
        let links =
            (1..length).fold(Tar::new(), |tar, at| tar.symlink(format!("l{at}"), format!("l{}", at + 1)));
        links.directory("end").symlink(format!("l{length}"), "end").file("l1/f", "x")
    };
    let mut forty = Tree::new().directory("end").file("end/f", "x");
    for at in 1..40 {
        forty = forty.symlink(format!("l{at}"), format!("l{}", at + 1));
    }
    let doubling = (0..25).fold(Tar::new().directory("d0"), |tar, at| {
        tar.symlink(format!("d{}", at + 1), format!("d{at}/../d{at}"))
    });
    vec![
        layer("loop-self", SYMLINKS, Tar::new().symlink("l", "l").file("l/f", ""))
            .refused("too many symlinks"),
        layer("loop-two", SYMLINKS, Tar::new().symlink("a", "b").symlink("b", "a").file("a/f", ""))
            .refused("too many symlinks"),
        layer("loop-growing", SYMLINKS, Tar::new().symlink("l", "l/l").file("l/f", ""))
            .refused("too many symlinks"),
        layer("loop-through-dots", SYMLINKS, Tar::new().symlink("d/l", "../d/l").file("d/l/f", ""))
            .refused("too many symlinks"),
        stack("loop-below", SYMLINKS, [Tar::new().symlink("l", "l"), Tar::new().file("l/f", "")])
            .refused("too many symlinks"),
        layer("loop-unused", SYMLINKS, Tar::new().symlink("l", "l")).tree(Tree::new().symlink("l", "l")),
        layer("forty-links", SYMLINKS, chain(40)).tree(forty.symlink("l40", "end")),
        layer("forty-one-links", SYMLINKS, chain(41)).refused("too many symlinks"),
        layer("doubling-links", SYMLINKS, doubling.file("d25/f", "")).refused("too many symlinks").within(20),
    ]
}

fn kept() -> Vec<Case> {
    let longest = "t".repeat(4095);
    let long = |to: &str| Tar::new().pax(&[("linkpath", to.as_bytes())]).symlink("l", "x");
    let odd = Header::symlink("l", "file").mode(0o4000).owner(3, 4).time(77);
    vec![
        layer("target-byte-for-byte", SYMLINKS, Tar::new().symlink("l", b".//a/../b/./\xff\n//"))
            .tree(Tree::new().symlink("l", b".//a/../b/./\xff\n//")),
        layer("longest-target", SYMLINKS, long(&longest)).tree(Tree::new().symlink("l", &longest)),
        layer("too-long-target", SYMLINKS, long(&"t".repeat(4096))).refused("symlinkat"),
        layer("no-target", SYMLINKS, Tar::new().symlink("l", "")).refused("symlinkat"),
        layer("symlink-meta-follow", "b1 *-meta-follow", Tar::new().file("file", "x").header(odd)).tree(
            Tree::new()
                .file("file", "x")
                .mode(0o644)
                .owner(0, 0)
                .time(1)
                .symlink("l", "file")
                .owner(3, 4)
                .time(77),
        ),
        layer(
            "symlink-xattr-meta-follow",
            "b1 *-meta-follow",
            Tar::new()
                .file("file", "x")
                .pax(&[("SCHILY.xattr.user.a", b"b"), ("mtime", b"88")])
                .symlink("l", "file"),
        )
        .tree(Tree::new().file("file", "x").time(1).symlink("l", "file").time(88)),
        layer(
            "symlink-with-body",
            "rule 8",
            Tar::new().header(Header::symlink("l", "x").size(0)).file("f", "x"),
        )
        .tree(Tree::new().symlink("l", "x").file("f", "x")),
    ]
}
