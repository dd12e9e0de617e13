//! Xattrs that are kept, and those that would mean something to overlay or to the kernel.

use crate::hostile::archive::{Header, Tar};
use crate::hostile::case::Case;
use crate::hostile::stack::{layer, stack};
use crate::hostile::tree::Tree;

pub(super) fn cases() -> Vec<Case> {
    let with = |name: &str, value: &[u8], tar: Tar| tar.pax(&[(&["SCHILY.xattr.", name].concat(), value)]);
    let below = || Tar::new().directory("d").file("d/a", "a").file("d/b", "b");
    let seen = || Tree::new().directory("d").file("d/a", "a").file("d/b", "b").file("d/c", "c");
    let mut cases = Vec::new();
    for (name, value) in [
        ("user.overlay.opaque", "y"),
        ("trusted.overlay.opaque", "y"),
        ("user.overlay.opaque", "x"),
        ("user.overlay.redirect", "/etc"),
        ("trusted.overlay.redirect", "/etc"),
        ("user.overlay.metacopy", ""),
        ("user.overlay.origin", "x"),
        ("user.overlay.impure", "y"),
        ("user.overlay.overlay.opaque", "y"),
        ("user.minirun.owner", "0:0:4755"),
    ] {
        let directory = with(name, value.as_bytes(), Tar::new()).directory("d").file("d/c", "c");
        let named = format!("overlay-xattr-spoof-{name}-{}", if value.contains('/') { "etc" } else { value });
        cases.push(stack(named, "b3", [below(), directory]).tree(seen()));
    }
    for name in [
        "user.overlay.whiteout",
        "trusted.overlay.whiteout",
        "user.overlay.metacopy",
        "user.overlay.redirect",
    ] {
        let file = with(name, b"", below().file("d/c", "old"));
        let named = format!("overlay-xattr-spoof-of-a-file-{name}");
        cases.push(layer(named, "b3", file.file("d/c", "c")).tree(seen()));
    }
    let xwhiteouts = with("user.overlay.opaque", b"x", Tar::new()).directory("d");
    let xwhiteouts = with("user.overlay.whiteout", b"", xwhiteouts).file("d/c", "");
    cases.push(
        stack("overlay-xattr-spoof-of-both", "b3", [below(), xwhiteouts])
            .tree(Tree::new().directory("d").file("d/a", "a").file("d/b", "b").file("d/c", "")),
    );
    for name in [
        "security.selinux",
        "security.ima",
        "security.evm",
        "trusted.x",
        "system.posix_acl_access",
        "system.x",
        "nonsense",
        "btrfs.compression",
    ] {
        let file = with(name, b"\0\0\0\0", Tar::new()).file("f", "x");
        cases.push(
            layer(format!("xattr-dropped-{name}"), "rule 23", file)
                .tree(Tree::new().file("f", "x").mode(0o644)),
        );
    }
    let many = (0..128).map(|at| (format!("SCHILY.xattr.user.{at}"), b"v".to_vec())).collect::<Vec<_>>();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(key, value)| (key.as_str(), value.as_slice())).collect();
    let large = vec![b'v'; 64 << 10];
    let capability = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    cases.extend([
        layer("xattrs-many", "rule 10", Tar::new().pax(&many).file("f", "x"))
            .tree(Tree::new().file("f", "x")),
        // Where an inode has no room for it, it is left out with a warning.
        layer("xattr-large", "rule 10", with("user.a", &large, Tar::new()).file("f", "x"))
            .tree(Tree::new().file("f", "x")),
        layer("xattr-empty", "rule 23", with("user.a", b"", Tar::new()).file("f", "x"))
            .tree(Tree::new().file("f", "x")),
        layer(
            "capability",
            "rule 23",
            with("security.capability", &capability, Tar::new()).entry(Header::file("f").mode(0o755), "x"),
        )
        .tree(Tree::new().file("f", "x").mode(0o755)),
        layer(
            "capability-that-is-none",
            "rule 23",
            with("security.capability", b"garbage", Tar::new()).file("f", "x"),
        )
        .warned("capabilities"),
        layer(
            "capability-of-a-directory",
            "rule 23",
            with("security.capability", &capability, Tar::new()).directory("d"),
        )
        .warned(""),
        layer(
            "xattr-of-a-closed-file",
            "rule 20",
            with("user.a", b"b", Tar::new()).entry(Header::file("f").mode(0), "x"),
        )
        .tree(Tree::new().file("f", "x").mode(0)),
    ]);
    cases
}
