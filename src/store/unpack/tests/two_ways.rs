//! A blob of known size is read by several threads, a stream of unknown size by one: both ways give the same.

use std::io::Write as _;

use super::*;

/// An archive of several pieces, which compresses badly.
fn archive() -> Vec<u8> {
    let mut state = 1_u32;
    let mut bytes = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'0' + (state >> 26) as u8)
    };
    let mut long = || (0..700_000).map(|_| bytes()).collect::<String>();
    let archive = Archive::new().dir("d", 0o755).file("d/first", &long()).file("d/small", "text");
    archive.file("second", &long()).hardlink("d/third", "second").file("last", "text").0
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What comes of it either way.
fn both(blob: &[u8], limits: &Limits) -> [String; 2] {
    [Some(blob.len() as u64), None].map(|size| {
        let mut stack = Stack::new();
        stack.limits = limits.clone();
        format!("{:?}", stack.try_push_of_size(blob, size))
    })
}

#[test]
fn the_same_comes_of_a_layer() {
    let plain = archive();
    let compressed = gzip(&plain);
    let limits = Limits::default();
    for blob in [&plain, &compressed] {
        let [beside, after] = both(blob, &limits);
        assert!(beside.starts_with("Ok(") && beside.contains("content_size: 14"), "{beside}");
        assert_eq!(beside, after);
    }
}

#[test]
fn the_same_is_wrong_with_a_layer() {
    let plain = archive();
    let compressed = gzip(&plain);
    let mut corrupt = compressed.clone();
    let middle = corrupt.len() / 2;
    corrupt[middle..middle + 64].fill(0xa5);
    let few = Limits { entries: 4, ..Limits::default() };
    let small = Limits { bytes: 1 << 20, ..Limits::default() };
    for (blob, limits) in [
        (&compressed[..middle], &Limits::default()),
        (&compressed[..5], &Limits::default()),
        (&plain[..plain.len() / 3], &Limits::default()),
        (&corrupt[..], &Limits::default()),
        (&[&compressed[..], b"garbage"].concat()[..], &Limits::default()),
        (b"\x04\x22\x4d\x18 and so on", &Limits::default()),
        (&compressed[..], &few),
        (&compressed[..], &small),
    ] {
        // A decoder gives nothing of what it made in the call that found the error, and calls are of many sizes.
        let [beside, after] =
            both(blob, limits).map(|said| said.replace(|letter: char| letter.is_ascii_digit(), ""));
        assert!(beside.starts_with("Err("), "{beside}");
        assert_eq!(beside, after);
    }
}

#[test]
fn a_blob_is_held_against_its_size_and_digests() {
    let plain = archive();
    let blob = gzip(&plain);
    let digest =
        |bytes: &[u8]| crate::store::layout::digest_of(crate::plan::digest::Algorithm::Sha256, bytes);
    let unpack = |size: u64, of_blob: &[u8], of_content: &[u8]| {
        let temp = TempDir::new();
        let into = temp.make_dir("layer");
        let ownership = if is_root() { Ownership::Mapped } else { Ownership::Squashed };
        let (digest, diff_id) = (Some(digest(of_blob)), Some(digest(of_content)));
        let blob = LayerBlob { reader: Box::new(&blob[..]), digest, size: Some(size), diff_id };
        let (below, limits) = (Merged::default(), Limits::default());
        super::unpack(blob, into.as_fd(), &below, ownership, &limits, &mut |_| {})
    };
    let size = blob.len() as u64;
    assert!(unpack(size, &blob, &plain).is_ok());
    assert!(matches!(unpack(size, b"other", &plain), Err(UnpackError::Blob(_))));
    assert!(matches!(unpack(size, &blob, b"other"), Err(UnpackError::Content(_))));
    assert!(matches!(unpack(size + 1, &blob, &plain), Err(UnpackError::Blob(_))));
    assert!(matches!(unpack(size - 1, &blob, &plain), Err(UnpackError::Blob(_))));
}
