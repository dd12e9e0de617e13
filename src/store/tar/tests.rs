use super::*;

/// A header block of `flag` named `name`, with a right checksum.
fn header(name: &str, flag: u8, size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..107].copy_from_slice(b"0000644");
    block[108..115].copy_from_slice(b"0001750");
    block[116..123].copy_from_slice(b"0001751");
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[136..147].copy_from_slice(b"00000000144");
    block[156] = flag;
    block[257..265].copy_from_slice(b"ustar\x0000");
    sealed(block)
}

fn sealed(mut block: [u8; BLOCK]) -> [u8; BLOCK] {
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn gnu(mut block: [u8; BLOCK]) -> [u8; BLOCK] {
    block[257..265].copy_from_slice(b"ustar  \0");
    sealed(block)
}

fn padded(body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(BLOCK), 0);
    body
}

fn pax(records: &str) -> Vec<u8> {
    [&header("pax", b'x', records.len() as u64)[..], &padded(records.as_bytes())].concat()
}

fn end() -> Vec<u8> {
    vec![0; 2 * BLOCK]
}

type Read1 = (Entry, Vec<u8>);

fn read(archive: &[u8]) -> Result<Vec<Read1>, TarError> {
    let mut reader = TarReader::new(archive, Limits::default());
    let mut entries = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        let mut body = Vec::new();
        let mut buffer = [0; 100];
        loop {
            match reader.read_data(&mut buffer)? {
                0 => break,
                count => body.extend(&buffer[..count]),
            }
        }
        entries.push((entry, body));
    }
    reader.finish()?;
    Ok(entries)
}

fn one(parts: &[&[u8]]) -> Result<Read1, TarError> {
    let archive = [&parts.concat()[..], &end()].concat();
    read(&archive).map(|mut entries| entries.remove(0))
}

#[test]
fn ustar_entry() {
    let mut block = header("name", b'0', 3);
    block[345..348].copy_from_slice(b"dir");
    let (entry, body) = one(&[&sealed(block), &padded(b"abc")]).unwrap();
    assert_eq!(entry.path, b"dir/name");
    assert_eq!((entry.kind, entry.mode, entry.uid, entry.gid), (EntryKind::Regular, 0o644, 1000, 1001));
    assert_eq!((entry.mtime, entry.size, body), ((100, 0), 3, b"abc".to_vec()));
}

#[test]
fn v7_directory_by_its_name() {
    let mut block = header("dir/", 0, 0);
    block[257..265].fill(0);
    assert_eq!(one(&[&sealed(block)]).unwrap().0.kind, EntryKind::Directory);
    assert!(matches!(one(&[&header("dir/", b'0', 3), &padded(b"abc")]), Err(TarError::Body { .. })));
}

#[test]
fn gnu_long_names() {
    let long = "x".repeat(300);
    let name = |flag| [&header("././@LongLink", flag, 301)[..], &padded(long.as_bytes())].concat();
    let (entry, _) = one(&[&name(b'L'), &name(b'K'), &header("short", b'2', 0)]).unwrap();
    assert_eq!((entry.path, entry.link), (long.clone().into_bytes(), long.clone().into_bytes()));
    for archive in
        [[name(b'L'), name(b'L')], [pax("9 path=a\n"), name(b'L')], [name(b'K'), pax("9 path=a\n")]]
    {
        let parts = archive.concat();
        assert!(matches!(one(&[&parts, &header("short", b'0', 0)]), Err(TarError::Extension { .. })));
    }
    let mut hidden = [&header("././@LongLink", b'L', 3)[..], &padded(b"a\0b")].concat();
    assert!(one(&[&hidden, &header("short", b'0', 0)]).is_err());
    hidden.truncate(BLOCK);
    assert!(matches!(read(&hidden), Err(TarError::Truncated { offset: 512 })));
}

#[test]
fn pax_wins_over_the_header() {
    let records = "9 path=p\n10 size=3\n12 uid=4321\n13 mtime=1.5\n";
    let (entry, body) = one(&[&pax(records), &header("short", b'0', 0), &padded(b"abc")]).unwrap();
    assert_eq!((&entry.path[..], entry.uid, entry.mtime), (&b"p"[..], 4321, (1, 500_000_000)));
    assert_eq!(body, b"abc");
}

#[test]
fn sizes_that_two_readers_would_read_differently() {
    assert!(matches!(one(&[&pax("10 size=3\n"), &header("d", b'5', 0)]), Err(TarError::Body { .. })));
    // A size without a body is common for links and directories.
    assert!(one(&[&header("d", b'5', 512)]).is_ok());
    assert!(one(&[&pax("29 size=9223372036854775809\n"), &header("d", b'0', 0)]).is_err());
}

#[test]
fn ids_out_of_range() {
    for records in ["18 uid=4294967295\n", "18 gid=4294967296\n", "10 uid=-1\n", "11 uid=abc\n"] {
        assert!(one(&[&pax(records), &header("f", b'0', 0)]).is_err(), "{records}");
    }
    assert_eq!(one(&[&pax("18 uid=4294967294\n"), &header("f", b'0', 0)]).unwrap().0.uid, u32::MAX - 1);
}

#[test]
fn global_headers_are_checked_and_ignored() {
    let mut global = pax("9 path=p\n");
    global[..BLOCK].copy_from_slice(&header("g", b'g', 9));
    assert_eq!(one(&[&global, &header("f", b'0', 0)]).unwrap().0.path, b"f");
    assert!(one(&[&pax("9 path=p\n"), &global, &header("f", b'0', 0)]).is_err());
    global[BLOCK] = b'8';
    assert!(one(&[&global, &header("f", b'0', 0)]).is_err());
}

#[test]
fn types() {
    for (flag, kind) in [
        (b'0', EntryKind::Regular),
        (0, EntryKind::Regular),
        (b'7', EntryKind::Regular),
        (b'1', EntryKind::Hardlink),
        (b'2', EntryKind::Symlink),
        (b'3', EntryKind::CharDevice),
        (b'4', EntryKind::BlockDevice),
        (b'5', EntryKind::Directory),
        (b'6', EntryKind::Fifo),
    ] {
        assert_eq!(one(&[&header("f", flag, 0)]).unwrap().0.kind, kind);
    }
    for flag in [b'8', b'a', b'z', 0x80] {
        assert!(matches!(one(&[&header("f", flag, 0)]), Err(TarError::Type { .. })), "{flag}");
    }
}

#[test]
fn vendor_entries_are_skipped_with_their_body() {
    let vendor = [&header("label", b'V', 3)[..], &padded(b"abc")].concat();
    let archive = [&vendor[..], &header("f", b'0', 0), &end()].concat();
    let mut reader = TarReader::new(&archive[..], Limits::default());
    assert_eq!(reader.next_entry().unwrap().unwrap().path, b"f");
    assert_eq!(reader.skipped(), [Skipped { path: b"label".to_vec(), flag: b'V' }]);
}

#[test]
fn ends() {
    let file = header("f", b'0', 0);
    let lone = [&file[..], &[0; BLOCK]].concat();
    assert_eq!(read(&[]).unwrap().len(), 0);
    assert_eq!(read(&file).unwrap().len(), 1);
    assert_eq!(read(&lone).unwrap().len(), 1);
    assert_eq!(read(&[&file[..], &end(), b"rubbish"].concat()).unwrap().len(), 1);
    assert!(matches!(read(&[&lone[..], &file].concat()), Err(TarError::LoneZeroBlock { offset: 512 })));
    assert!(matches!(read(&file[..100]), Err(TarError::Truncated { .. })));
    assert!(matches!(read(&header("f", b'0', 3)), Err(TarError::Truncated { .. })));
    assert!(matches!(read(&[&header("f", b'0', 3)[..], b"abc"].concat()), Err(TarError::Truncated { .. })));
    assert!(matches!(read(&pax("9 path=p\n")), Err(TarError::Extension { .. })));
}

#[test]
fn broken_headers() {
    let mut wrong_sum = header("f", b'0', 0);
    wrong_sum[0] = b'g';
    assert!(matches!(read(&wrong_sum), Err(TarError::Checksum { .. })));
    for magic in [b"ustar\x0001", b"ustar   ", b"rustar\0\0"] {
        let mut block = header("f", b'0', 0);
        block[257..265].copy_from_slice(magic);
        assert!(matches!(read(&sealed(block)), Err(TarError::Format { .. })));
    }
    let mut negative = header("f", b'0', 0);
    negative[124..136].fill(0xff);
    assert!(matches!(read(&sealed(negative)), Err(TarError::Number { field: "size", .. })));
    let large = header("x", b'x', (1 << 20) + 1);
    assert!(matches!(read(&large), Err(TarError::TooLarge { .. })));
}

fn slot(offset: u64, length: u64) -> Vec<u8> {
    format!("{offset:011o}\0{length:011o}\0").into_bytes()
}

#[test]
fn old_gnu_sparse() {
    let mut block = gnu(header("f", b'S', 6));
    for (index, at) in [386, 410, 434, 458].into_iter().enumerate() {
        block[at..at + 24].copy_from_slice(&slot(index as u64 * 100, 1));
    }
    block[482] = 1;
    block[483..494].copy_from_slice(b"00000010000");
    let mut more = slot(1000, 2);
    more.extend(slot(4096, 0));
    let archive = [&sealed(block)[..], &padded(&more), &padded(b"abcdef")].concat();
    let (entry, body) = one(&[&archive]).unwrap();
    assert_eq!((entry.size, body), (4096, b"abcdef".to_vec()));
    assert_eq!(entry.sparse.unwrap().last(), Some(&Segment { offset: 1000, length: 2 }));
    let ustar = header("f", b'S', 0);
    assert!(matches!(read(&ustar), Err(TarError::Sparse { .. })));
}

#[test]
fn pax_sparse_of_all_versions() {
    let file = |size| header("GNUSparseFile.0/f", b'0', size);
    let zero_zero = "22 GNU.sparse.size=50\n26 GNU.sparse.numblocks=2\n23 GNU.sparse.offset=0\n\
                     25 GNU.sparse.numbytes=1\n24 GNU.sparse.offset=40\n25 GNU.sparse.numbytes=2\n";
    let zero_one = "22 GNU.sparse.size=50\n26 GNU.sparse.numblocks=2\n27 GNU.sparse.map=0,1,40,2\n";
    for records in [zero_zero, zero_one] {
        let (entry, body) = one(&[&pax(records), &file(3), &padded(b"abc")]).unwrap();
        assert_eq!((entry.size, &body[..]), (50, &b"abc"[..]), "{records}");
        let map = [Segment { offset: 0, length: 1 }, Segment { offset: 40, length: 2 }];
        assert_eq!(entry.sparse.as_deref(), Some(&map[..]));
    }
    let one_zero = "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n21 GNU.sparse.name=n\n\
                    26 GNU.sparse.realsize=50\n";
    let map = padded(b"2\n0\n1\n40\n2\n");
    let (entry, body) = one(&[&pax(one_zero), &file(515), &map, &padded(b"abc")]).unwrap();
    assert_eq!((&entry.path[..], entry.size, &body[..]), (&b"n"[..], 50, &b"abc"[..]));
    for map in [&b"3\n0\n1\n40\n2\n"[..], b"2\n0\n1\n49\n2\n", b"9999999999\n"] {
        assert!(one(&[&pax(one_zero), &file(515), &padded(map), &padded(b"abc")]).is_err());
    }
    assert!(one(&[&pax(zero_one), &header("d", b'5', 0)]).is_err());
}

#[test]
fn offsets_of_bodies() {
    let archive = [&pax("9 path=p\n")[..], &header("f", b'0', 3), &padded(b"abc"), &end()].concat();
    let mut reader = TarReader::new(&archive[..], Limits::default());
    reader.next_entry().unwrap();
    let at = usize::try_from(reader.body_offset()).unwrap();
    assert_eq!(&archive[at..at + 3], b"abc");
}

#[test]
fn reads_what_the_tar_crate_writes() {
    let mut builder = ::tar::Builder::new(Vec::new());
    for name in ["short", &"long/".repeat(60)] {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(4);
        header.set_mode(0o4755);
        builder.append_data(&mut header, format!("{name}x"), &b"data"[..]).unwrap();
    }
    let entries = read(&builder.into_inner().unwrap()).unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[1].0.path.len(), entries[1].0.mode, &entries[1].1[..]), (301, 0o4755, &b"data"[..]));
}
