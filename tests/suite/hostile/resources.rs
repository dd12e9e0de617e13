//! Images that want more of the machine than an image needs: whatever they are, `load` ends soon and in little memory.

use std::io::Write as _;

use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::archive::{Header, Tar, field};
use super::case::Case;
use super::parts::{INDEX, Parts, StoredLayer, blob, plain_layer};
use super::source::{Node, Source};
use super::tree::Tree;
use crate::support::Compression;

/// All the address space that these get, in MiB.
const MEMORY: u64 = 256;
/// What none of these may take even on a machine with much to do, in seconds.
const SECONDS: u64 = 120;

pub(super) fn cases() -> Vec<Case> {
    let groups = [bombs(), holes(), extensions(), documents(), crowds(), chains(), files_of_the_image()];
    groups.into_iter().flatten().map(|case| case.memory(MEMORY).within(SECONDS)).collect()
}

fn case(name: &'static str, build: impl Fn() -> Parts + 'static) -> Case {
    Case::new(name, "b3, rule 10", move |_| build().layout())
}

/// So many zeros behind `bytes`, packed, without ever being in memory.
fn packed_zeros(bytes: &[u8], zeros: usize, compression: Compression) -> Vec<u8> {
    let block = vec![0; 1 << 20];
    let blocks = std::iter::repeat_n(&block[..], zeros >> 20);
    if compression == Compression::Zstd {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.write_all(bytes).unwrap();
        blocks.for_each(|block| encoder.write_all(block).unwrap());
        return encoder.finish().unwrap();
    }
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    blocks.for_each(|block| encoder.write_all(block).unwrap());
    encoder.finish().unwrap()
}

/// A layer that unpacks to far more than it is; what it would be does not matter.
fn bomb(start: &[u8], compression: Compression) -> StoredLayer {
    StoredLayer::stored(b"anything", packed_zeros(start, 256 << 20, compression))
}

fn bombs() -> Vec<Case> {
    let file = || Tar::new().header(Header::file("zeros").size(256 << 20)).unended();
    let archive = |compression| {
        let start = Tar::new().header(Header::file("blobs/sha256/zeros").size(256 << 20)).unended();
        Source::File(packed_zeros(&start, 256 << 20, compression))
    };
    vec![
        case("gzip-bomb", move || Parts::new().layer(bomb(&file(), Compression::Gzip))).refused("1000 times"),
        case("zstd-bomb", move || Parts::new().layer(bomb(&file(), Compression::Zstd))).refused("1000 times"),
        case("zeros-behind-end-bomb", || {
            Parts::new().layer(bomb(&plain_layer().finish(), Compression::Gzip))
        })
        .refused("1000 times"),
        case("extension-bomb", || {
            let start = Tar::new().header(Header::new(b'x', "x").size(256 << 20)).unended();
            Parts::new().layer(bomb(&start, Compression::Gzip))
        })
        .refused("1048576"),
        case("zstd-window", || {
            // A frame whose header asks for a window of 2 GiB.
            let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00];
            Parts::new().layer(StoredLayer::stored(b"anything", frame))
        })
        .refused("zstd"),
        Case::new("gzip-archive-bomb", "b3", move |_| archive(Compression::Gzip))
            .refused("without its compression"),
        Case::new("zstd-archive-bomb", "b3", move |_| archive(Compression::Zstd))
            .refused("without its compression"),
    ]
}

fn holes() -> Vec<Case> {
    let sparse = |size: &'static str| {
        let map: &[u8] = b"1\n0\n0\n";
        let records: [(&str, &[u8]); 4] = [
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.name", b"hole"),
            ("GNU.sparse.realsize", size.as_bytes()),
        ];
        Tar::new().pax(&records).entry(Header::file("x"), [map, &[0; 506]].concat())
    };
    vec![
        // 256 MiB that are not there take no room.
        case("sparse-large", move || Parts::base().layer(sparse("268435456")))
            .prints(&["stat", "-c", "%s %b", "/hole"], "268435456 0"),
        case("sparse-bomb", move || Parts::new().layer(sparse("9000000000000000000"))).refused("hole"),
        case("sparse-crowd", || {
            let map = (0..300_000).fold(b"300000\n".to_vec(), |mut map, at| {
                writeln!(map, "{}\n0", at * 2).unwrap();
                map
            });
            let records: [(&str, &[u8]); 4] = [
                ("GNU.sparse.major", b"1"),
                ("GNU.sparse.minor", b"0"),
                ("GNU.sparse.name", b"hole"),
                ("GNU.sparse.realsize", b"1000000"),
            ];
            Parts::new().layer(Tar::new().pax(&records).entry(Header::file("x"), map))
        })
        .refused("too many segments"),
        case("size-far-too-large", || {
            let header = Header::file("x").binary(field::SIZE, 1 << 62);
            Parts::new().layer(Tar::new().header(header).unended())
        })
        .refused("x"),
    ]
}

fn extensions() -> Vec<Case> {
    let with = |records: Vec<(String, Vec<u8>)>| {
        let records: Vec<_> = records.iter().map(|(key, value)| (key.as_str(), value.as_slice())).collect();
        Parts::new().layer(Tar::new().pax(&records).file("file", "content\n"))
    };
    let xattrs = |count: usize, size: usize| {
        (0..count).map(move |number| (format!("SCHILY.xattr.user.x{number}"), vec![b'v'; size])).collect()
    };
    vec![
        case("xattrs-huge", move || with(xattrs(1, (64 << 10) + 1))).refused("65536"),
        case("xattrs-many", move || with(xattrs(129, 1))).refused("128"),
        case("xattrs-fit", move || with(xattrs(20, 50))),
        case("records-many", move || {
            with((0..20_000).map(|n| (format!("vendor.{n}"), b"v".to_vec())).collect())
        }),
        case("records-global-many", || {
            let tar = (0..20_000).fold(Tar::new(), |tar, _| tar.extension(b'g', "13 comment=x\n"));
            Parts::new().layer(tar.file("file", "content\n"))
        }),
        case("name-huge", || Parts::new().layer(Tar::new().pax(&[("path", &[b'a'; 900_000])]).file("x", "")))
            .refused("too long"),
        case("link-huge", || {
            Parts::new().layer(Tar::new().pax(&[("linkpath", &b"a/".repeat(400_000))]).symlink("link", "x"))
        })
        .refused("link"),
        case("vendor-crowd", || {
            let tar =
                (0..20_000).fold(Tar::new(), |tar, n| tar.entry(Header::new(b'V', format!("v{n}")), "body"));
            Parts::new().layer(tar.file("file", "content\n"))
        }),
    ]
}

/// A document of more than `size` bytes.
fn padded(mut document: Value, size: usize) -> Value {
    document["annotations"] = json!({ "padding": "x".repeat(size) });
    document
}

/// An index whose entries are `entry`, as often as said.
fn index_of(entry: &Value, count: usize) -> Value {
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": vec![entry; count] })
}

fn documents() -> Vec<Case> {
    let nested = |text: String, depth: usize| {
        let at = text.len() - 1;
        [&text.as_bytes()[..at], br#","x":"#, &b"[".repeat(depth), &b"]".repeat(depth), b"}"].concat()
    };
    vec![
        case("json-index-huge", || Parts::plain().index(|index| padded(index, 5 << 20))).refused("4194304"),
        case("json-manifest-huge", || Parts::plain().manifest(|manifest| padded(manifest, 5 << 20)))
            .refused("4194304"),
        case("json-config-huge", || Parts::plain().config(|config| padded(config, 9 << 20)))
            .refused("8388608"),
        case("json-deep", move || Parts::plain().config_text(move |text| nested(text, 100_000)))
            .refused("recursion"),
        case("json-wide", || {
            let wide: Value =
                (0..200_000).map(|n| (format!("k{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
            Parts::plain().config(move |mut config| {
                config["wide"] = wide;
                config
            })
        }),
        Case::new("json-file-endless", "b3, rule 1", |_| {
            Parts::plain().layout_with(|files| files.put("index.json", Node::Hole(1 << 40)))
        })
        .refused("4194304"),
        Case::new("index-tree", "b3", |_| index_tree()).refused("4096"),
        case("layers-many", || (0..501).fold(Parts::new(), |parts, _| parts.layer(plain_layer())))
            .refused("500"),
    ]
}

/// Each index names the next one twice: 2^30 ways to the image.
fn index_tree() -> Source {
    let mut files = Parts::plain().files();
    let bottom: Value = serde_json::from_slice(&files.bytes("index.json")).unwrap();
    let mut entry = bottom["manifests"][0].clone();
    for _ in 0..30 {
        let index = index_of(&entry, 2).to_string();
        entry = blob(&mut files, INDEX, index);
    }
    files.file("index.json", index_of(&entry, 2).to_string());
    Source::Directory(files)
}

/// `count` files in one directory.
fn crowd(count: usize) -> Tar {
    (0..count).fold(Tar::new().directory("d"), |tar, n| tar.file(format!("d/f{n}"), ""))
}

fn crowds() -> Vec<Case> {
    const COUNT: usize = 20_000;
    vec![
        case("entries-many", || {
            let whiteouts = (0..COUNT).fold(Tar::new(), |tar, n| tar.file(format!("d/.wh.f{n}"), ""));
            Parts::new().layer(crowd(COUNT)).layer(whiteouts.file("d/left", "x"))
        })
        .tree(Tree::new().directory("d").file("d/left", "x")),
        case("entries-again", || {
            let again = (0..COUNT).fold(Tar::new(), |tar, n| tar.file("f", n.to_string()));
            Parts::new().layer(again)
        })
        .tree(Tree::new().file("f", (COUNT - 1).to_string())),
        case("hardlinks-many", || {
            let links =
                (0..COUNT).fold(Tar::new().file("f", "x"), |tar, n| tar.hardlink(format!("l{n}"), "f"));
            let gone = (0..COUNT).fold(Tar::new(), |tar, n| tar.file(format!(".wh.l{n}"), ""));
            Parts::new().layer(links).layer(gone)
        })
        .tree(Tree::new().file("f", "x")),
        case("directories-replaced", || {
            let tar = (0..5000).fold(Tar::new(), |tar, n| {
                let name = format!("d{n}");
                tar.directory(&name).file(format!("{name}/f"), "").file(&name, "")
            });
            let gone = (0..5000).fold(Tar::new(), |tar, n| tar.file(format!(".wh.d{n}"), ""));
            Parts::new().layer(tar).layer(gone)
        })
        .tree(Tree::new()),
    ]
}

fn chains() -> Vec<Case> {
    let deep = |depth: usize| "d/".repeat(depth);
    // Each leads through the one before twice.
    let doubling = || {
        (1..40).fold(Tar::new().directory("d").symlink("l0", "d"), |tar, n| {
            tar.symlink(format!("l{n}"), format!("l{}/../l{}", n - 1, n - 1))
        })
    };
    let chain = |length: usize| {
        (1..length).fold(Tar::new().directory("d").symlink("l0", "d"), |tar, n| {
            tar.symlink(format!("l{n}"), format!("l{}", n - 1))
        })
    };
    vec![
        case("links-chain", move || Parts::new().layer(chain(10_000).file("l9999/f", ""))).refused("l9999"),
        case("links-chain-below", move || {
            Parts::new().layer(chain(10_000)).layer(Tar::new().file("l9999/f", ""))
        })
        .refused("l9999"),
        case("links-doubling", move || Parts::new().layer(doubling().file("l39/f", ""))).refused("l39"),
        case("links-chain-fits", move || Parts::base().layer(chain(30)).layer(Tar::new().file("l29/f", "x")))
            .prints(&["cat", "/d/f"], "x"),
        case("deep-too-deep", move || Parts::new().layer(Tar::new().file(format!("{}f", deep(1000)), "")))
            .refused("too deep"),
        case("deep-crowd", move || {
            let tar = (0..500).fold(Tar::new(), |tar, n| tar.file(format!("{}f{n}", deep(900)), ""));
            let again = (0..500).fold(Tar::new(), |tar, n| tar.file(format!("{}.wh.f{n}", deep(900)), ""));
            Parts::new().layer(tar).layer(again).layer(Tar::new().file(".wh.d", "").file("file", "content\n"))
        }),
        case("deep-to-and-fro", || {
            let ends: Vec<_> = (0..12).map(|n| format!("{n}/{}", "d/".repeat(980))).collect();
            let names = (0..600).map(|n| format!("{}f{n}", ends[n % 12]));
            Parts::new().layer(names.fold(Tar::new(), |tar, name| tar.file(name, "")))
        })
        .load_flags(&["--image-limit", "lookups=50000"])
        .refused("directories would have to be opened"),
        case("hardlink-copies", || {
            let large = Tar::new().file("large", vec![b'x'; 8 << 20]);
            (0..40).fold(Parts::new().layer(large), |parts, n| {
                parts.layer(Tar::new().hardlink(format!("l{n}"), "large"))
            })
        })
        .load_flags(&["--image-limit", "bytes=100m"])
        .refused("copies of more than"),
    ]
}

/// What is read of an image when it is run, not when it is loaded.
fn files_of_the_image() -> Vec<Case> {
    let passwd = |content: Vec<u8>| Parts::base().layer(Tar::new().file("etc/passwd", content));
    vec![
        case("passwd-huge", move || passwd(b"x:x:1:1::/:/\n".repeat(2 << 20)))
            .fails(&["id"], 125, "/etc/passwd")
            .run_flags(&["-u", "app"]),
        case("passwd-many-lines", move || {
            passwd([&b"x:x:1:1::/:/\n".repeat(20_000)[..], b"app:x:0:0::/home/app:/\n"].concat())
        })
        .prints(&["sh", "-c", "echo $HOME"], "/home/app")
        .run_flags(&["-u", "app"]),
        case("env-huge", || Parts::base().field("Env", (0..500_000).map(|n| format!("V{n}=x")).collect()))
            .fails(&["true"], 126, "E2BIG"),
    ]
}
