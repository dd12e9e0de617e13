//! Header blocks of tar archives.

use super::archive::{Header, Tar, field};
use super::case::Case;
use super::parts::{Parts, plain_layer};
use super::tree::Tree;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![every_type()];
    cases.extend(runs());
    cases.extend(formats());
    cases.extend(numbers());
    cases.extend(types());
    cases.extend(sizes());
    cases.extend(ends());
    cases
}

/// A layer that is `file` and whatever goes before it.
fn layer(name: &str, about: &'static str, tar: impl Fn() -> Tar + 'static) -> Case {
    Case::new(name, about, move |_| Parts::new().layer(tar()).layout())
}

/// A layer of these bytes.
fn bytes(name: &str, about: &'static str, bytes: impl Fn() -> Vec<u8> + 'static) -> Case {
    Case::new(name, about, move |_| Parts::new().layer(bytes()).layout())
}

/// A layer whose one file has such a header.
fn headed(name: &str, about: &'static str, header: impl Fn(Header) -> Header + 'static) -> Case {
    layer(name, about, move || Tar::new().entry(header(Header::file("file")), "content\n"))
}

fn every_type() -> Case {
    let long = ["d/", &"long".repeat(40)].concat();
    let tree = Tree::new()
        .file("a", "text")
        .mode(0o4750)
        .owner(1, 2)
        .time(1_000_000_000)
        .hardlink("b", "a")
        .directory("d")
        .mode(0o1777)
        .owner(0, 0)
        .time(5)
        .symlink("d/link", "../b")
        .time(1)
        .fifo("d/fifo")
        .mode(0o600)
        .file(&long, "");
    layer("every-type", "rule 8", move || {
        Tar::new()
            .entry(Header::file("b").mode(0o4750).owner(1, 2).time(1_000_000_000), "text")
            .hardlink("a", "b")
            .header(Header::directory("d/").mode(0o1777).time(5))
            .symlink("d/link", "../b")
            .header(Header::new(b'6', "d/fifo").mode(0o600))
            .file(&long, "")
    })
    .tree(tree)
}

fn runs() -> Vec<Case> {
    let image = || Parts::base().layer(Tar::new().file("mark", "marked\n")).layout();
    vec![
        Case::new("runs", "rule 6", move |_| image()).prints(&["cat", "/mark"], "marked"),
        Case::new("runs-with-flags", "rule 6", move |_| image())
            .prints(&["hostname"], "there")
            .run_flags(&["--hostname", "there"]),
        Case::new("does-not-run", "rule 6", move |_| image()).fails(&["/mark"], 126, "cannot be run"),
    ]
}

fn formats() -> Vec<Case> {
    const ABOUT: &str = "rule 6";
    let magic =
        |name: &str, magic: &'static [u8]| headed(name, ABOUT, move |header| header.put(field::MAGIC, magic));
    let long = || format!("{}/file", "p".repeat(120));
    let parent = || "p".repeat(120);
    vec![
        headed("tar-v7", ABOUT, Header::v7),
        headed("tar-gnu", ABOUT, Header::gnu),
        layer("tar-ustar-prefix", ABOUT, move || {
            let header = Header::file("file").put(field::PREFIX, parent());
            Tar::new().entry(header, "content\n")
        })
        .tree(Tree::new().directory(parent()).file(long(), "content\n")),
        layer("tar-name-without-nul", ABOUT, || Tar::new().entry(Header::file([b'n'; 100]), "content\n"))
            .tree(Tree::new().file([b'n'; 100], "content\n")),
        // GNU tar keeps other things where ustar has the prefix.
        headed("tar-gnu-prefix", ABOUT, |header| header.gnu().put(345..357, b"00000000001\0")),
        layer("tar-mixed-formats", ABOUT, || {
            Tar::new()
                .entry(Header::file("one").v7(), "1")
                .entry(Header::file("two").gnu(), "2")
                .pax(&[("path", b"three")])
                .entry(Header::file("x"), "3")
        })
        .tree(Tree::new().file("one", "1").file("two", "2").file("three", "3")),
        headed("tar-checksum-of-signed-bytes", ABOUT, |header| {
            // One byte of 0xe9 in the owner's name: 256 less where bytes are signed.
            let header = header.put(265..297, b"\xe9");
            let sum = header.signed_checksum();
            header.put(field::CHECKSUM, format!("{sum:06o}\0 "))
        }),
        headed("tar-checksum-with-spaces", ABOUT, |header| {
            let sum = header.unsigned_checksum();
            header.put(field::CHECKSUM, format!("{sum:>7o}\0"))
        }),
        headed("tar-checksum-wrong", ABOUT, |header| header.put(field::CHECKSUM, b"012345\0 "))
            .refused("has a wrong checksum"),
        headed("tar-checksum-empty", ABOUT, |header| header.put(field::CHECKSUM, b""))
            .refused("has a wrong checksum"),
        headed("tar-checksum-no-number", ABOUT, |header| header.put(field::CHECKSUM, b"checksum"))
            .refused("has no valid checksum"),
        magic("tar-version-unknown", b"ustar\x0001").refused("is of an unknown format"),
        magic("tar-version-empty", b"ustar\0\0\0").refused("is of an unknown format"),
        magic("tar-magic-unknown", b"USTAR\x0000").refused("is of an unknown format"),
        magic("tar-magic-gnu-with-version", b"ustar  0").refused("is of an unknown format"),
    ]
}

fn numbers() -> Vec<Case> {
    const ABOUT: &str = "rule 6";
    let put = |name: &str, at: std::ops::Range<usize>, value: &'static [u8]| {
        headed(name, ABOUT, move |header| header.put(at.clone(), value))
    };
    let binary = |name: &str, at: std::ops::Range<usize>, value: i128| {
        headed(name, ABOUT, move |header| header.binary(at.clone(), value))
    };
    let file = || Tree::new().file("file", "content\n");
    vec![
        binary("tar-base256-size", field::SIZE, 8),
        binary("tar-base256-owner", field::UID, 3).tree(file().owner(3, 0)),
        binary("tar-base256-time", field::MTIME, 1 << 33).tree(file().time(1 << 33)),
        binary("tar-base256-time-before-1970", field::MTIME, -1),
        put("tar-spaces-around-numbers", field::MODE, b"   644 \0").tree(file().mode(0o644)),
        put("tar-spaces-before-numbers", field::UID, b"      1 ").tree(file().owner(1, 0)),
        put("tar-numbers-without-end", field::MODE, b"00000644").tree(file().mode(0o644)),
        put("tar-mode-with-file-type", field::MODE, b"0100644\0").tree(file().mode(0o644)),
        put("tar-mode-empty", field::MODE, b"").tree(file().mode(0)),
        binary("tar-size-negative", field::SIZE, -8).refused("has no valid size"),
        put("tar-size-minus", field::SIZE, b"-0000000010\0").refused("has no valid size"),
        put("tar-size-decimal", field::SIZE, b"00000000008\0").refused("has no valid size"),
        put("tar-size-hexadecimal", field::SIZE, b"0x8\0").refused("has no valid size"),
        put("tar-size-two-numbers", field::SIZE, b"10 10\0").refused("has no valid size"),
        put("tar-size-text", field::SIZE, b"eight\0").refused("has no valid size"),
        binary("tar-size-2-63", field::SIZE, 1 << 63).refused("has no valid size"),
        binary("tar-size-2-64", field::SIZE, 1 << 64).refused("has no valid size"),
        binary("tar-size-2-64-and-8", field::SIZE, (1 << 64) + 8).refused("has no valid size"),
        binary("tar-size-largest", field::SIZE, i128::from(i64::MAX)).refused("more than"),
        binary("tar-size-huge", field::SIZE, 1 << 62).refused("more than"),
        put("tar-mode-text", field::MODE, b"rw-r--r-").refused("has no valid mode"),
        put("tar-owner-negative", field::UID, b"-000001\0").refused("has no valid user id"),
        binary("tar-owner-binary-negative", field::UID, -1).refused("has no valid user id"),
        binary("tar-owner-2-32", field::UID, 1 << 32).refused("has no valid user id"),
        binary("tar-owner-minus-1", field::UID, (1 << 32) - 1).refused("has no valid user id"),
        binary("tar-group-2-32", field::GID, 1 << 32).refused("has no valid group id"),
        binary("tar-time-overflow", field::MTIME, 1 << 70).refused("has no valid modification time"),
        put("tar-time-text", field::MTIME, b"yesterday").refused("has no valid modification time"),
    ]
}

fn types() -> Vec<Case> {
    const ABOUT: &str = "rule 8";
    let typed = |name: &str, flag: u8| {
        layer(name, ABOUT, move || {
            plain_layer().entry(Header::new(flag, "other"), "body of some vendor").file("more", "m")
        })
    };
    let all = || Tree::new().file("file", "content\n").file("more", "m");
    let mut cases = vec![
        typed("tar-type-nul", 0).tree(all().file("other", "body of some vendor")),
        typed("tar-type-contiguous", b'7').tree(all().file("other", "body of some vendor")),
        typed("tar-type-vendor-warned", b'A').warned("other"),
    ];
    for flag in *b"AVMXZ" {
        cases.push(typed(&format!("tar-type-vendor-{}", char::from(flag)), flag).tree(all()));
    }
    for (name, flag) in [("8", b'8'), ("9", b'9'), ("a", b'a'), ("z", b'z'), ("space", b' '), ("255", 0xff)] {
        cases.push(typed(&format!("tar-type-{name}"), flag).refused("is of the unknown type"));
    }
    for (name, flag) in [("nul", 0), ("0", b'0'), ("7", b'7')] {
        let directory = move || Tar::new().header(Header::new(flag, "directory/").v7().mode(0o755));
        cases.push(
            layer(&format!("tar-directory-by-name-{name}"), ABOUT, directory)
                .tree(Tree::new().directory("directory").mode(0o755)),
        );
        let with_body = move || Tar::new().entry(Header::new(flag, "directory/"), "body");
        cases.push(
            layer(&format!("tar-directory-by-name-{name}-with-body"), ABOUT, with_body)
                .refused("contradicts itself about its size"),
        );
    }
    cases
}

fn sizes() -> Vec<Case> {
    const ABOUT: &str = "rule 8";
    let mut cases = Vec::new();
    let link = || Header::symlink("link", "file");
    for (name, header, tree) in [
        ("hardlink", Header::hardlink("a", "file"), Tree::new().file("a", "content\n").hardlink("file", "a")),
        ("symlink", link(), Tree::new().file("file", "content\n").symlink("link", "file")),
        ("directory", Header::directory("d"), Tree::new().file("file", "content\n").directory("d")),
        ("fifo", Header::new(b'6', "p"), Tree::new().file("file", "content\n").fifo("p")),
    ] {
        let sized = header.clone().size(1000);
        cases.push(
            layer(&format!("tar-size-on-{name}"), ABOUT, move || plain_layer().header(sized.clone()))
                .tree(tree.clone()),
        );
        let same = header.clone().size(1000);
        cases.push(
            layer(&format!("tar-size-on-{name}-in-pax-too"), ABOUT, move || {
                plain_layer().pax(&[("size", b"1000")]).header(same.clone())
            })
            .tree(tree),
        );
        let other = header;
        cases.push(
            layer(&format!("tar-size-on-{name}-in-pax-alone"), ABOUT, move || {
                plain_layer().pax(&[("size", b"1000")]).header(other.clone()).padded([b'x'; 1000])
            })
            .refused("contradicts itself about its size"),
        );
    }
    // A body where nobody expects one is read as a header.
    cases.push(
        layer("tar-body-behind-symlink", ABOUT, move || {
            plain_layer().header(link().size(1024)).raw(Tar::new().file("smuggled", "x").unended())
        })
        .tree(Tree::new().file("file", "content\n").symlink("link", "file").file("smuggled", "x")),
    );
    cases.push(
        layer("tar-body-of-text-behind-symlink", ABOUT, move || {
            plain_layer().header(link().size(512)).padded("text")
        })
        .refused("cannot read the layer"),
    );
    cases
}

fn ends() -> Vec<Case> {
    const ABOUT: &str = "rule 9";
    let unended = || plain_layer().unended();
    let cut = |by: usize| {
        move || {
            let bytes = unended();
            bytes[..bytes.len() - by].to_vec()
        }
    };
    vec![
        bytes("tar-no-end", ABOUT, unended),
        bytes("tar-one-zero-block", ABOUT, move || [unended(), vec![0; 512]].concat()),
        bytes("tar-many-zero-blocks", ABOUT, move || [unended(), vec![0; 20 * 512]].concat()),
        bytes("tar-data-behind-the-end", ABOUT, || {
            plain_layer().end().raw(Tar::new().file("smuggled", "x").finish()).finish()
        }),
        bytes("tar-odd-end", ABOUT, || plain_layer().end().raw([0; 100]).finish()),
        bytes("tar-zero-block-then-data", ABOUT, move || {
            [unended(), vec![0; 512], Tar::new().file("smuggled", "x").finish()].concat()
        })
        .refused("a lone zero block"),
        bytes("tar-zero-block-cut-short", ABOUT, move || [unended(), vec![0; 100]].concat())
            .refused("cut short"),
        bytes("tar-body-cut-short", ABOUT, cut(510)).refused("cut short"),
        bytes("tar-padding-cut-short", ABOUT, cut(1)).refused("cut short"),
        bytes("tar-body-missing", ABOUT, cut(512)).refused("cut short"),
        bytes("tar-header-cut-short", ABOUT, cut(700)).refused("cut short"),
        bytes("tar-empty", ABOUT, Vec::new).tree(Tree::new()),
        bytes("tar-end-alone", ABOUT, || Tar::new().finish()).tree(Tree::new()),
        bytes("tar-one-byte", ABOUT, || vec![0]).refused("cut short"),
        layer("tar-size-beyond-the-end", ABOUT, || {
            Tar::new().header(Header::file("file").size(1 << 30)).file("swallowed", "x")
        })
        .refused("cut short"),
        // Sixteen million global headers are no entry, and still work for who reads them.
        layer("tar-headers-without-end", "rule 10", || {
            let header = Tar::new().extension(b'g', super::archive::record("comment", b"")).unended();
            Tar::new().raw(header.repeat(2000))
        })
        .load_flags(&["--image-limit", "entries=1000"])
        .refused("more than 1000 entries"),
        layer("tar-entries-too-many", "rule 10", || {
            (0..20).fold(Tar::new(), |tar, number| tar.file(format!("{number}"), ""))
        })
        .load_flags(&["--image-limit", "entries=19"])
        .refused("more than 19 entries"),
    ]
}
