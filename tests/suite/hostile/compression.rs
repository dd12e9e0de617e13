//! Layers compressed in every way, well and badly.

use std::io::Write as _;

use super::archive::{Header, Tar};
use super::case::Case;
use super::parts::{LAYER, Parts, StoredLayer, plain_layer};
use super::source::Source;
use super::tree::Tree;
use crate::support::{Compression, compress};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = gzip();
    cases.extend(zstd());
    cases.extend(others());
    cases.extend(media_types());
    cases.extend(bombs());
    cases
}

/// The plain layer, stored as `pack` makes of it.
fn stored(name: &str, about: &'static str, pack: impl Fn(&[u8]) -> Vec<u8> + 'static) -> Case {
    Case::new(name, about, move |_| {
        let plain = plain_layer().finish();
        let stored = pack(&plain);
        Parts::new().layer(StoredLayer::stored(plain, stored)).layout()
    })
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    compress(bytes, Compression::Gzip)
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    compress(bytes, Compression::Zstd)
}

/// A byte counted from the end is another.
fn flipped(mut bytes: Vec<u8>, from_end: usize) -> Vec<u8> {
    let at = bytes.len() - from_end;
    bytes[at] ^= 1;
    bytes
}

fn gzip() -> Vec<Case> {
    const ABOUT: &str = "rule 3";
    let with_header = |flags: u8, fields: &'static [u8]| {
        move |plain: &[u8]| {
            let packed = gz(plain);
            [&packed[..3], &[flags], &packed[4..10], fields, &packed[10..]].concat()
        }
    };
    vec![
        stored("gzip", ABOUT, gz),
        stored("gzip-members", ABOUT, |plain| compress(plain, Compression::GzipMembers)),
        stored("gzip-members-of-a-block", ABOUT, |plain| plain.chunks(512).flat_map(gz).collect()),
        stored("gzip-empty-members", ABOUT, |plain| [gz(b""), gz(plain), gz(b""), gz(b"")].concat()),
        stored("gzip-name", ABOUT, with_header(0x08, b"../../../etc/passwd\0")),
        stored("gzip-comment-and-extra", ABOUT, with_header(0x14, b"\x04\0abcdcomment\0")),
        stored("gzip-padded", ABOUT, |plain| [gz(plain), vec![0; 1024]].concat()),
        stored("gzip-padded-by-one", ABOUT, |plain| [gz(plain), vec![0]].concat()),
        stored("gzip-stored-blocks", ABOUT, |plain| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }),
        stored("gzip-crc-wrong", ABOUT, |plain| flipped(gz(plain), 8)).refused("gzip: the stream is corrupt"),
        stored("gzip-length-wrong", ABOUT, |plain| flipped(gz(plain), 4))
            .refused("gzip: the stream is corrupt"),
        stored("gzip-crc-wrong-in-the-first-member", ABOUT, |plain| {
            [flipped(gz(&plain[..700]), 8), gz(&plain[700..])].concat()
        })
        .refused("gzip: the stream is corrupt"),
        stored("gzip-garbage-behind", ABOUT, |plain| [gz(plain), b"garbage".to_vec()].concat())
            .refused("gzip: there is garbage"),
        stored("gzip-garbage-behind-padding", ABOUT, |plain| {
            [gz(plain), vec![0; 100], b"garbage".to_vec()].concat()
        })
        .refused("gzip: there is garbage"),
        stored("gzip-member-behind-padding", ABOUT, |plain| {
            [gz(&plain[..512]), vec![0; 100], gz(&plain[512..])].concat()
        })
        .refused("gzip: there is garbage"),
        stored("gzip-tar-behind", ABOUT, |plain| {
            [gz(plain), Tar::new().file("smuggled", "x").finish()].concat()
        })
        .refused("gzip: there is garbage"),
        stored("gzip-no-trailer", ABOUT, |plain| {
            let packed = gz(plain);
            packed[..packed.len() - 8].to_vec()
        })
        .refused("cut short"),
        stored("gzip-cut-short", ABOUT, |plain| {
            let packed = gz(plain);
            packed[..packed.len() / 2].to_vec()
        })
        .refused("cut short"),
        stored("gzip-header-alone", ABOUT, |plain| gz(plain)[..5].to_vec()).refused("cut short"),
        stored("gzip-method-unknown", ABOUT, |plain| {
            let mut packed = gz(plain);
            packed[2] = 7;
            packed
        })
        .refused("gzip: the stream is corrupt"),
        // The smuggled member is part of the content whose digest is wrong then.
        stored("gzip-member-too-many", ABOUT, |plain| {
            [gz(plain), gz(&Tar::new().file("smuggled", "x").finish())].concat()
        })
        .refused("the digest is"),
        stored("gzip-twice", ABOUT, |plain| gz(&gz(plain))).refused("cannot read the layer"),
    ]
}

fn skippable(length: usize) -> Vec<u8> {
    let size = u32::try_from(length).unwrap().to_le_bytes();
    [&[0x5a, 0x2a, 0x4d, 0x18][..], &size, &vec![0xee; length]].concat()
}

fn zstd() -> Vec<Case> {
    const ABOUT: &str = "rule 3";
    let window = |log: u32| {
        move |plain: &[u8]| {
            let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
            encoder.window_log(log).unwrap();
            encoder.include_contentsize(false).unwrap();
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
    };
    let checked = |plain: &[u8]| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    };
    vec![
        stored("zstd", ABOUT, zst),
        stored("zstd-frames", ABOUT, |plain| plain.chunks(600).flat_map(zst).collect()),
        stored("zstd-empty-frames", ABOUT, |plain| [zst(b""), zst(plain), zst(b"")].concat()),
        stored("zstd-skippable-first", ABOUT, |plain| [skippable(40), zst(plain)].concat()),
        stored("zstd-skippable-everywhere", ABOUT, |plain| {
            [
                skippable(0),
                skippable(9),
                zst(&plain[..512]),
                skippable(300_000),
                zst(&plain[512..]),
                skippable(3),
            ]
            .concat()
        }),
        stored("zstd-padded", ABOUT, |plain| [zst(plain), vec![0; 512]].concat()),
        stored("zstd-window-128-mib", ABOUT, window(27)),
        stored("zstd-window-256-mib", ABOUT, window(28)).refused("zstd: the stream is corrupt").memory(512),
        stored("zstd-window-2-gib", ABOUT, window(31)).refused("zstd: the stream is corrupt").memory(512),
        stored("zstd-checksum", ABOUT, checked),
        stored("zstd-checksum-wrong", ABOUT, move |plain| flipped(checked(plain), 1))
            .refused("zstd: the stream is corrupt"),
        stored("zstd-cut-short", ABOUT, |plain| {
            let packed = zst(plain);
            packed[..packed.len() - 3].to_vec()
        })
        .refused("cut short"),
        stored("zstd-cut-short-in-a-second-frame", ABOUT, |plain| {
            let packed = [zst(&plain[..1024]), zst(&plain[1024..])].concat();
            packed[..packed.len() - 3].to_vec()
        })
        .refused("cut short"),
        stored("zstd-skippable-cut-short", ABOUT, |plain| {
            let packed = [zst(plain), skippable(100)].concat();
            packed[..packed.len() - 3].to_vec()
        })
        .refused("cut short"),
        stored("zstd-garbage-behind", ABOUT, |plain| [zst(plain), b"garbage".to_vec()].concat())
            .refused("zstd: the stream is corrupt"),
        stored("zstd-tar-behind", ABOUT, |plain| {
            [zst(plain), Tar::new().file("smuggled", "x").finish()].concat()
        })
        .refused("zstd: the stream is corrupt"),
        stored("zstd-gzip-behind", ABOUT, |plain| [zst(&plain[..512]), gz(&plain[512..])].concat())
            .refused("zstd: the stream is corrupt"),
        stored("zstd-skippable-alone", ABOUT, |_| skippable(10)).refused("the digest is"),
    ]
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn others() -> Vec<Case> {
    const ABOUT: &str = "rule 3";
    let begins = |magic: &'static [u8]| move |plain: &[u8]| [magic, plain].concat();
    let mut cases = vec![
        stored("xz", ABOUT, xz),
        stored("xz-crc-wrong", ABOUT, |plain| flipped(xz(plain), 40)).refused("xz: the stream is corrupt"),
        stored("garbage", ABOUT, |_| vec![0x55; 4096]).refused("cannot read the layer"),
        stored("compression-lzma", ABOUT, begins(b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff"))
            .refused("cannot read the layer"),
        stored("html", ABOUT, |_| b"<html>404 not found</html>".repeat(100)).refused("cannot read the layer"),
    ];
    for (name, magic) in [
        ("lz4", &b"\x04\x22\x4d\x18"[..]),
        ("compress", b"\x1f\x9d\x90"),
        ("lzip", b"LZIP\x01\x0c"),
        ("zip", b"PK\x03\x04"),
        ("7z", b"7z\xbc\xaf\x27\x1c"),
    ] {
        let name = format!("compression-{name}");
        cases.push(stored(&name, ABOUT, begins(magic)).refused("compression is not supported"));
    }
    cases
}

fn typed(name: &str, media_type: String, compression: Compression) -> Case {
    Case::new(name, "rules 3 and 4", move |_| {
        let layer = StoredLayer::packed(plain_layer().finish(), compression).media_type(&media_type);
        Parts::new().layer(layer).layout()
    })
}

fn media_types() -> Vec<Case> {
    const DOCKER: &str = "application/vnd.docker.image.rootfs";
    let foreign = LAYER.replace("layer.v1", "layer.nondistributable.v1");
    let mut cases = vec![
        typed("media-type-gzip-of-plain", format!("{LAYER}+gzip"), Compression::Plain),
        typed("media-type-zstd-of-gzip", format!("{LAYER}+zstd"), Compression::Gzip),
        typed("media-type-plain-of-zstd", LAYER.to_owned(), Compression::Zstd),
        typed("media-type-docker-layer", format!("{DOCKER}.diff.tar.gzip"), Compression::Gzip),
        typed("media-type-docker-plain-layer", format!("{DOCKER}.diff.tar"), Compression::Plain),
        typed("media-type-docker-zstd-layer", format!("{DOCKER}.diff.tar.zstd"), Compression::Zstd),
        typed("foreign-layer-present", format!("{DOCKER}.foreign.diff.tar.gzip"), Compression::Gzip),
        typed("nondistributable-layer-present", format!("{foreign}+gzip"), Compression::Gzip),
    ];
    for (name, media_type) in [
        ("media-type-unknown", "application/vnd.oci.image.layer.v2.tar".to_owned()),
        ("media-type-encrypted", format!("{LAYER}+gzip+encrypted")),
        ("media-type-suffix", format!("{LAYER}+gzip; charset=utf-8")),
        ("media-type-upper-case", LAYER.to_uppercase()),
        ("media-type-empty", String::new()),
        ("media-type-of-a-manifest", super::parts::MANIFEST.to_owned()),
    ] {
        cases.push(typed(name, media_type, Compression::Plain).refused("which is not supported"));
    }
    cases
}

/// A layer with one file of so many mebibytes of zeros.
fn zeros(mebibytes: u64) -> Vec<u8> {
    let size = mebibytes << 20;
    let header = Header::file("zeros").size(size);
    Tar::new().header(header).raw(vec![0; usize::try_from(size).unwrap()]).finish()
}

/// Packs zeros without having them all in memory.
fn endless(mebibytes: u64, mut encoder: impl std::io::Write) {
    encoder.write_all(&Tar::new().header(Header::file("zeros").size(mebibytes << 20)).unended()).unwrap();
    let piece = vec![0; 1 << 20];
    for _ in 0..mebibytes {
        encoder.write_all(&piece).unwrap();
    }
}

/// A layer whose content nobody will have read to its end.
fn bomb(name: &'static str, pack: fn(u64) -> Vec<u8>, mebibytes: u64) -> Case {
    let build = move |_: &std::path::Path| -> Source {
        Parts::new().layer(StoredLayer::stored(b"unknown".to_vec(), pack(mebibytes))).layout()
    };
    Case::new(name, "CVE-2017-14992, rule 10", build).refused("times its compressed size").memory(512)
}

fn bombs() -> Vec<Case> {
    let gzip = |mebibytes| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        endless(mebibytes, &mut encoder);
        encoder.finish().unwrap()
    };
    let zstd = |mebibytes| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        endless(mebibytes, &mut encoder);
        encoder.finish().unwrap()
    };
    let xz = |mebibytes| {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
        endless(mebibytes, &mut encoder);
        encoder.finish().unwrap()
    };
    vec![
        bomb("gzip-bomb", gzip, 100),
        bomb("zstd-bomb", zstd, 400),
        bomb("xz-bomb", xz, 100),
        // Below 64 MiB nobody minds how well it packs.
        Case::new("gzip-zeros", "rule 10", |_| {
            Parts::new().layer(StoredLayer::packed(zeros(60), Compression::Gzip)).layout()
        })
        .tree(Tree::new().file("zeros", vec![0; 60 << 20])),
    ]
}
