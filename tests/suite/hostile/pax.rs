//! Extension headers: PAX records, long names of GNU tar.

use super::archive::{Header, Tar, field, record};
use super::case::Case;
use super::parts::{Parts, plain_layer};
use super::tree::Tree;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = records();
    cases.extend(malformed());
    cases.extend(sizes());
    cases.extend(chains());
    cases.extend(global());
    cases.extend(long_names());
    cases
}

fn layer(name: &str, about: &'static str, tar: impl Fn() -> Tar + 'static) -> Case {
    Case::new(name, about, move |_| Parts::new().layer(tar()).layout())
}

/// `file` with an extension header of this body.
fn extended(name: &str, body: impl Fn() -> Vec<u8> + 'static) -> Case {
    layer(name, "rule 7", move || Tar::new().extension(b'x', body()).file("file", "content\n"))
}

fn one(name: &str, key: &'static str, value: &'static [u8]) -> Case {
    extended(name, move || record(key, value))
}

fn records() -> Vec<Case> {
    let file = || Tree::new().file("file", "content\n");
    let long = || "n".repeat(250);
    vec![
        one("pax-path", "path", b"other").tree(Tree::new().file("other", "content\n")),
        extended("pax-path-long", move || record("path", long().as_bytes()))
            .tree(Tree::new().file(long(), "content\n")),
        one("pax-path-with-newline", "path", b"a\nb=c").tree(Tree::new().file("a\nb=c", "content\n")),
        one("pax-path-not-utf-8", "path", b"\xff\xfe").tree(Tree::new().file(b"\xff\xfe", "content\n")),
        one("pax-path-empty", "path", b""),
        extended("pax-path-twice", || [record("path", b"first"), record("path", b"second")].concat())
            .tree(Tree::new().file("second", "content\n")),
        layer("pax-linkpath", "rule 7", || {
            plain_layer().pax(&[("linkpath", b"a target in the header of PAX")]).symlink("link", "short")
        })
        .tree(file().symlink("link", "a target in the header of PAX")),
        layer("pax-linkpath-of-a-hard-link", "rule 7", || {
            plain_layer().pax(&[("linkpath", b"file")]).hardlink("a", "nothing")
        })
        .tree(Tree::new().file("a", "content\n").hardlink("file", "a")),
        one("pax-owner", "uid", b"7").tree(file().owner(7, 0)),
        one("pax-owner-empty", "uid", b"").tree(file().owner(0, 0)),
        one("pax-time", "mtime", b"1234567890.5").tree(file().time(1_234_567_890)),
        one("pax-time-many-digits", "mtime", b"1234567890.123456789012345").tree(file().time(1_234_567_890)),
        one("pax-time-whole", "mtime", b"5").tree(file().time(5)),
        one("pax-time-negative", "mtime", b"-1.5"),
        one("pax-unknown-keys", "VENDOR.something", b"\x00\xff anything"),
        one("pax-comment", "comment", b"a comment"),
        one("pax-charset", "hdrcharset", b"BINARY"),
        one("pax-names-of-owners", "uname", b"nobody").tree(file().owner(0, 0)),
        extended("pax-empty-header", Vec::new),
        layer("pax-for-one-entry-only", "rule 7", || {
            Tar::new().pax(&[("path", b"first"), ("uid", b"5")]).file("a", "1").file("second", "2")
        })
        .tree(Tree::new().file("first", "1").owner(5, 0).file("second", "2").owner(0, 0)),
        layer("pax-of-a-skipped-entry", "rule 7", || {
            Tar::new()
                .pax(&[("path", b"elsewhere"), ("size", b"4")])
                .entry(Header::new(b'A', "a").size(0), "")
                .padded("body")
                .file("file", "content\n")
        }),
        one("pax-time-no-number", "mtime", b"now").refused("mtime is not a time"),
        one("pax-time-exponent", "mtime", b"1e9").refused("mtime is not a time"),
        one("pax-time-overflow", "mtime", b"99999999999999999999").refused("mtime is not a time"),
        one("pax-owner-negative", "uid", b"-1").refused("uid is not a number"),
        one("pax-owner-minus-1", "uid", b"4294967295").refused("has no valid user id"),
        one("pax-owner-2-32", "uid", b"4294967296").refused("has no valid user id"),
        one("pax-owner-overflow", "uid", b"18446744073709551616").refused("uid is not a number"),
        one("pax-group-2-32", "gid", b"4294967296").refused("has no valid group id"),
        one("pax-group-text", "gid", b"wheel").refused("gid is not a number"),
    ]
}

fn malformed() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, body, says) in [
        ("pax-nul-in-path", &b"12 path=a\0b\n"[..], "holds a NUL byte"),
        ("pax-nul-in-linkpath", b"16 linkpath=a\0b\n", "holds a NUL byte"),
        ("pax-nul-in-user-name", b"13 uname=a\0b\n", "holds a NUL byte"),
        ("pax-nul-in-key", b"9 pa\0th=a\n", "a record"),
        ("pax-no-length", b"path=a\n", "has no length"),
        ("pax-length-zero", b"0 path=a\n", "a wrong length"),
        ("pax-length-short", b"8 path=a\n", "a record"),
        ("pax-length-long", b"11 path=a\n", "a wrong length"),
        ("pax-length-beyond-the-header", b"9999 path=a\n", "a wrong length"),
        ("pax-length-overflow", b"18446744073709551626 path=a\n", "has no length"),
        ("pax-length-negative", b"-9 path=a\n", "has no length"),
        ("pax-length-hexadecimal", b"0xa path=a\n", "has no length"),
        ("pax-no-newline", b"9 path=a ", "does not end in a newline"),
        ("pax-no-equals", b"7 path\n", "has no `=`"),
        ("pax-no-key", b"5 =a\n", "no valid key"),
        ("pax-no-space", b"9path=a\n\n", "has no length"),
        ("pax-newline-as-end-of-length", b"9\npath=a\n", "has no length"),
        ("pax-garbage-behind", b"10 path=a\ngarbage", "has no length"),
        ("pax-zeros-behind", b"10 path=a\n\0\0\0\0", "has no length"),
        ("pax-xattr-without-name", b"18 SCHILY.xattr.=a\n\n", "a record"),
    ] {
        cases.push(extended(name, move || body.to_vec()).refused(says));
    }
    cases.push(
        extended("pax-xattr-badly-encoded", || record("LIBARCHIVE.xattr.user.a", b"***"))
            .refused("badly encoded"),
    );
    let huge = |size: usize| move || record("comment", &vec![b'c'; size]);
    cases.push(extended("pax-just-below-1-mib", huge((1 << 20) - 100)));
    cases.push(extended("pax-huge", huge(1 << 20)).refused("is too large"));
    cases.push(
        layer("pax-huge-and-not-there", "rule 7", || {
            Tar::new().header(Header::new(b'x', "x").binary(field::SIZE, 1 << 40))
        })
        .refused("is too large")
        .memory(512),
    );
    cases.push(
        layer("pax-cut-short", "rule 7", || {
            let bytes = Tar::new().pax(&[("path", &[b'p'; 2000])]).unended();
            Tar::new().raw(&bytes[..1024]).end()
        })
        .refused("cannot read the layer"),
    );
    cases
}

fn sizes() -> Vec<Case> {
    const ABOUT: &str = "CVE-2025-62518, CVE-2026-33055, rule 7";
    let sized = |name: &str, header: u64, size: &'static [u8]| {
        layer(name, ABOUT, move || {
            Tar::new()
                .pax(&[("size", size)])
                .header(Header::file("file").size(header))
                .padded("content\n")
                .file("more", "m")
        })
    };
    let smuggled = || Tar::new().file("smuggled", "x").unended();
    let whole = || Tree::new().file("file", "content\n").file("more", "m");
    vec![
        sized("pax-size-over-zero", 0, b"8").tree(whole()),
        sized("pax-size-over-larger", 1 << 30, b"8").tree(whole()),
        sized("pax-size-same", 8, b"8").tree(whole()),
        sized("pax-size-empty", 8, b"").tree(whole()),
        sized("pax-size-zeros-in-front", 0, b"0000008").tree(whole()),
        // Who reads the header alone takes the body for entries.
        layer("pax-size-hides-entries", ABOUT, move || {
            let size = smuggled().len().to_string().into_bytes();
            Tar::new().pax(&[("size", &size)]).header(Header::file("file").size(0)).raw(smuggled())
        })
        .tree(Tree::new().file("file", smuggled())),
        // Who reads the record alone takes the entries for a body.
        layer("pax-size-zero-over-body", ABOUT, move || {
            let size = smuggled().len() as u64;
            Tar::new().pax(&[("size", b"0")]).header(Header::file("file").size(size)).raw(smuggled())
        })
        .tree(Tree::new().file("file", "").file("smuggled", "x")),
        sized("pax-size-negative", 8, b"-8").refused("size is not a number"),
        sized("pax-size-text", 8, b"eight").refused("size is not a number"),
        sized("pax-size-octal", 8, b"0o10").refused("size is not a number"),
        sized("pax-size-plus", 8, b"+8").refused("size is not a number"),
        sized("pax-size-space", 8, b" 8").refused("size is not a number"),
        sized("pax-size-2-64", 8, b"18446744073709551616").refused("size is not a number"),
        sized("pax-size-2-64-and-8", 8, b"18446744073709551624").refused("size is not a number"),
        sized("pax-size-2-63", 8, b"9223372036854775808").refused("has no valid size"),
        sized("pax-size-beyond-the-end", 8, b"99999").refused("cut short"),
        layer("pax-size-before-a-long-name", ABOUT, || {
            Tar::new().pax(&[("size", b"1024")]).long(b'L', "name\0").file("file", "content\n")
        })
        .refused("has another one already"),
    ]
}

fn chains() -> Vec<Case> {
    const ABOUT: &str = "rule 7";
    let record = |path: &'static [u8]| move |tar: Tar| tar.pax(&[("path", path)]);
    let twice = "the entry has another one already";
    vec![
        layer("pax-twice", ABOUT, move || {
            record(b"second")(record(b"first")(Tar::new())).file("file", "content\n")
        })
        .refused(twice),
        layer("pax-and-long-name", ABOUT, move || {
            record(b"first")(Tar::new()).long(b'L', "second\0").file("file", "content\n")
        })
        .refused(twice),
        layer("long-name-and-pax", ABOUT, move || {
            record(b"second")(Tar::new().long(b'L', "first\0")).file("file", "content\n")
        })
        .refused(twice),
        layer("long-name-twice", ABOUT, || {
            Tar::new().long(b'L', "first\0").long(b'L', "second\0").file("file", "content\n")
        })
        .refused(twice),
        layer("long-link-twice", ABOUT, || {
            plain_layer().long(b'K', "first\0").long(b'K', "second\0").symlink("link", "x")
        })
        .refused(twice),
        layer("pax-for-nothing", ABOUT, move || record(b"first")(plain_layer()))
            .refused("no entry follows it"),
        layer("long-name-for-nothing", ABOUT, || plain_layer().long(b'L', "name\0"))
            .refused("no entry follows it"),
        layer("pax-before-one-zero-block", ABOUT, move || {
            record(b"first")(plain_layer()).raw([0; 512]).file("file", "content\n")
        })
        .refused("cannot read the layer"),
        layer("long-name-and-link", ABOUT, || {
            plain_layer().long(b'L', "the name\0").long(b'K', "the target\0").symlink("a", "b")
        })
        .tree(Tree::new().file("file", "content\n").symlink("the name", "the target")),
        layer("long-link-and-name", ABOUT, || {
            plain_layer().long(b'K', "the target\0").long(b'L', "the name\0").symlink("a", "b")
        })
        .tree(Tree::new().file("file", "content\n").symlink("the name", "the target")),
    ]
}

fn global() -> Vec<Case> {
    const ABOUT: &str = "rule 7";
    let with = |name: &str, body: &'static [u8]| {
        layer(name, ABOUT, move || Tar::new().extension(b'g', body).file("file", "content\n"))
    };
    vec![
        with("pax-global-comment", b"52 comment=0123456789abcdef0123456789abcdef01234567\n"),
        with("pax-global-path", b"16 path=renamed\n"),
        with("pax-global-size", b"11 size=00\n"),
        with("pax-global-owner", b"9 uid=55\n").tree(Tree::new().file("file", "content\n").owner(0, 0)),
        with("pax-global-empty", b""),
        with("pax-global-malformed", b"99 path=renamed\n").refused("is malformed"),
        with("pax-global-size-malformed", b"11 size=-1\n").refused("is malformed"),
        layer("pax-global-twice", ABOUT, || {
            let comment = record("comment", b"c");
            Tar::new().extension(b'g', &comment).extension(b'g', &comment).file("file", "content\n")
        }),
        layer("pax-global-at-the-end", ABOUT, || plain_layer().extension(b'g', record("comment", b"c"))),
        layer("pax-global-between", ABOUT, || {
            Tar::new().pax(&[("path", b"x")]).extension(b'g', record("path", b"y")).file("file", "content\n")
        })
        .refused("the entry has another one already"),
        layer("pax-global-sparse", ABOUT, || {
            let body = [record("GNU.sparse.major", b"1"), record("GNU.sparse.minor", b"0")].concat();
            Tar::new().extension(b'g', body).file("file", "content\n")
        }),
    ]
}

fn long_names() -> Vec<Case> {
    const ABOUT: &str = "rule 7";
    let named = |name: &str, body: &'static [u8]| {
        layer(name, ABOUT, move || Tar::new().long(b'L', body).file("file", "content\n"))
    };
    let other = || Tree::new().file("other", "content\n");
    vec![
        named("long-name", b"other\0").tree(other()),
        named("long-name-without-nul", b"other").tree(other()),
        named("long-name-many-nuls", b"other\0\0\0\0").tree(other()),
        named("long-name-nul-inside", b"other\0more\0").refused("holds a NUL byte"),
        named("long-name-empty", b"").refused("the name is empty"),
        named("long-name-of-nuls", b"\0\0\0").refused("the name is empty"),
        layer("long-name-huge", ABOUT, || {
            Tar::new().long(b'L', vec![b'n'; (1 << 20) + 1]).file("file", "content\n")
        })
        .refused("is too large"),
        layer("long-name-1-mib", ABOUT, || {
            Tar::new().long(b'L', vec![b'n'; 1 << 20]).file("file", "content\n")
        })
        .refused("a part that is too long"),
        layer("long-name-terabyte", ABOUT, || {
            let header = Header::new(b'L', "././@LongLink").gnu().binary(field::SIZE, 1 << 40);
            Tar::new().header(header).file("file", "content\n")
        })
        .refused("is too large")
        .memory(512),
        layer("long-link-of-a-file", ABOUT, || Tar::new().long(b'K', "nothing\0").file("file", "content\n")),
    ]
}
