use std::io::{BufRead, Cursor, Write};

use flate2::bufread::GzDecoder;
use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, GzBuilder};

use super::*;

/// What this gave before, by zlib: the data up to the end or an error, and whether there was one.
fn by_zlib(stream: &[u8]) -> Result<Vec<u8>, ()> {
    let (mut data, mut rest) = (Vec::new(), stream);
    loop {
        let mut member = GzDecoder::new(rest);
        member.read_to_end(&mut data).map_err(drop)?;
        rest = member.into_inner();
        if rest.iter().all(|&byte| byte == 0) {
            return Ok(data);
        }
        if rest.first() != Some(&0x1f) {
            return Err(());
        }
    }
}

/// Gives out no more than so many bytes at a time.
struct Slow<R>(R, usize);

impl<R: Read> Read for Slow<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.1);
        self.0.read(&mut buffer[..count])
    }
}

/// The data of the stream, which comes in pieces of `step` bytes.
fn by_pieces(stream: &[u8], step: usize) -> Result<Vec<u8>, String> {
    let mut data = Vec::new();
    let mut reader = Gzip::new(Slow(stream, step));
    let read = reader.read_to_end(&mut data);
    read.map_err(|error| error.to_string())?;
    assert_eq!(reader.read(&mut [0; 9]).map_err(drop), Ok(0));
    Ok(data)
}

fn compare(stream: &[u8], step: usize) {
    let (expected, found) = (by_zlib(stream), by_pieces(stream, step).map_err(drop));
    assert!(
        expected == found,
        "{} bytes, {step} at a time: {:02x?}",
        stream.len(),
        &stream[..stream.len().min(400)]
    );
}

fn gzip(data: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn deflate(data: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// A member of these deflate data, with the trailer of `data`.
fn member(deflated: &[u8], data: &[u8]) -> Vec<u8> {
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let size = u32::try_from(data.len()).unwrap().to_le_bytes();
    [&header[..], deflated, &crc32fast::hash(data).to_le_bytes(), &size].concat()
}

/// Numbers that are the same every time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next()).unwrap() % end
    }

    /// Bytes of which some repeat, near and far, alone and in runs.
    fn data(&mut self, length: usize) -> Vec<u8> {
        let mut data = Vec::with_capacity(length);
        let letters = [1, 2, 4, 60, 256][self.below(5)];
        while data.len() < length {
            let room = length - data.len();
            let count = [1, 7, 300, 5000][self.below(4)].min(room);
            match self.below(4) {
                0 if !data.is_empty() => {
                    let from = self.below(data.len().min(40_000)) + 1;
                    let at = data.len() - from;
                    for index in 0..count {
                        data.push(data[at + index]);
                    }
                }
                1 => data.extend(std::iter::repeat_n(u8::try_from(self.below(letters)).unwrap(), count)),
                _ => data.extend((0..count).map(|_| u8::try_from(self.below(letters)).unwrap())),
            }
        }
        data
    }
}

#[test]
fn all_that_zlib_writes_is_read() {
    let mut dice = Dice(0x1f8b);
    let borders = [WINDOW, ROOM, WINDOW + ROOM, ROOM - WINDOW, BUFFER, 65535];
    let near = |border: usize| [border - 1, border, border + 1, border + 258];
    let sizes = borders.into_iter().flat_map(near).chain([0, 1, 2, 3, 15, 300, 700_000, 2_000_000]);
    for size in sizes {
        let data = dice.data(size);
        for level in 0..10 {
            let stream = gzip(&data, level);
            assert!(by_pieces(&stream, usize::MAX) == Ok(data.clone()), "{size} bytes, level {level}");
        }
        let stream = gzip(&data, 6);
        for step in [1, 2, 9, 4096] {
            assert!(by_pieces(&stream, step) == Ok(data.clone()), "{size} bytes, {step} at a time");
        }
    }
}

#[test]
fn output_may_be_taken_in_any_pieces() {
    let data = Dice(3).data(400_000);
    let stream = gzip(&data, 6);
    for step in [1, 3, 1000, WINDOW + 1] {
        let mut found = Vec::new();
        Slow(Gzip::new(&stream[..]), step).read_to_end(&mut found).unwrap();
        assert!(found == data);
    }
}

/// Every place of a boundary between what has come and what has not, before, in and behind the end of a member.
#[test]
fn members_end_where_they_end() {
    let mut dice = Dice(0x5eed);
    for _ in 0..300 {
        let parts: Vec<Vec<u8>> = (0..=dice.below(12))
            .map(|_| {
                let size = dice.below(50);
                dice.data(size)
            })
            .collect();
        let mut stream: Vec<u8> = Vec::new();
        for part in &parts {
            let level = u32::try_from(dice.below(10)).unwrap();
            stream.extend(gzip(part, level));
        }
        let data = parts.concat();
        for step in (1..40).chain([stream.len()]) {
            assert_eq!(by_pieces(&stream, step), Ok(data.clone()));
        }
        for end in [&b"\0"[..], &[0; 40], b"\x1f", b"\0\x1f", b"garbage", b"\x1f\x8b\x08\0garbage"] {
            compare(&[&stream[..], end].concat(), 1 + dice.below(20));
        }
    }
    let many: Vec<u8> = (0..3000).flat_map(|index| gzip(&dice.data(index % 5), 6)).collect();
    compare(&many, usize::MAX);
    compare(&many, 13);
}

#[test]
fn what_is_cut_short_is_said_to_be() {
    let mut dice = Dice(0xc07);
    for (size, level) in [(0, 6), (1, 6), (90, 0), (90, 6), (3000, 1), (3000, 9), (200, 4)] {
        let first = gzip(&dice.data(size), level);
        let stream = [&first[..], &gzip(b"second", 6)].concat();
        for end in 1..stream.len() {
            if end == first.len() {
                continue;
            }
            for step in [1, 5, usize::MAX] {
                let found = by_pieces(&stream[..end], step);
                assert_eq!(
                    found,
                    Err("gzip: the stream is cut short".to_owned()),
                    "{end} of {}",
                    stream.len()
                );
            }
        }
    }
}

#[test]
fn a_changed_byte_is_noticed_where_zlib_notices_it() {
    let mut dice = Dice(0xf11b);
    for level in [0, 1, 6, 9] {
        for size in [0, 5, 40, 700] {
            let first = GzBuilder::new().extra([7; 20]).filename("name").comment("comment");
            let mut first = first.write(Vec::new(), Compression::new(level));
            first.write_all(&dice.data(size)).unwrap();
            let stream = [first.finish().unwrap(), gzip(&dice.data(size), level)].concat();
            for at in 0..stream.len() {
                for change in [1 << dice.below(8), 0xff] {
                    let mut changed = stream.clone();
                    changed[at] ^= change;
                    compare(&changed, [1, 30, usize::MAX][dice.below(3)]);
                }
            }
        }
    }
}

#[test]
fn headers_have_many_fields() {
    let data = b"some data";
    let body = &gzip(data, 6)[10..];
    for flags in 0..=255_u8 {
        let mut header = vec![0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 3];
        if flags & EXTRA != 0 {
            header.extend([3, 0, 0, 9, 0]);
        }
        for field in [NAME, COMMENT] {
            if flags & field != 0 {
                header.extend(b"text\0");
            }
        }
        if flags & HEADER_CHECKSUM != 0 {
            header.extend(&crc32fast::hash(&header).to_le_bytes()[..2]);
        }
        let stream = [&header[..], body].concat();
        compare(&stream, 1);
        assert_eq!(by_pieces(&stream, 7).is_ok(), flags & RESERVED == 0);
        let mut wrong = stream.clone();
        wrong[header.len() - 1] ^= 0x10;
        compare(&wrong, 64);
        compare(&[&stream[..], &wrong].concat(), 64);
    }
    for length in [FIELD - 1, FIELD, FIELD + 1] {
        let name = vec![b'a'; length];
        let stream = [&[0x1f, 0x8b, 8, NAME, 0, 0, 0, 0, 0, 3][..], &name, b"\0", body].concat();
        compare(&stream, usize::MAX);
        assert_eq!(by_pieces(&stream, usize::MAX).is_ok(), length <= FIELD);
    }
}

/// The trailer stands right behind the data, and nowhere else.
#[test]
fn trailers_are_not_looked_for() {
    let data = b"text and more text and more";
    let deflated = deflate(data, 6);
    for stray in [&[0][..], &[1, 2], &[3; 5], &[0; 8]] {
        let stream = member(&[&deflated[..], stray].concat(), data);
        compare(&stream, usize::MAX);
        compare(&[&stream[..], &gzip(b"next", 6)].concat(), usize::MAX);
    }
    let good = member(&deflated, data);
    for at in good.len() - TRAILER..good.len() {
        let mut wrong = good.clone();
        wrong[at] ^= 4;
        assert_eq!(by_pieces(&wrong, 3), Err(format!("gzip: the stream is corrupt: {CHECKSUM}")));
    }
}

#[test]
fn hostile_data_give_an_error_and_nothing_else() {
    let mut dice = Dice(0xbad);
    let models: Vec<Vec<u8>> = [(60, 9), (2000, 1), (2000, 6), (30_000, 9), (100_000, 6), (500, 0)]
        .map(|(size, level)| deflate(&dice.data(size), level))
        .to_vec();
    for round in 0..20_000 {
        let mut data = match round % 3 {
            0 => (0..=dice.below(400)).map(|_| u8::try_from(dice.below(256)).unwrap()).collect(),
            _ => models[dice.below(models.len())].clone(),
        };
        for _ in 0..=dice.below(4) {
            let at = dice.below(data.len().min(if round % 2 == 0 { 120 } else { usize::MAX }));
            data[at] = u8::try_from(dice.below(256)).unwrap();
        }
        // The three bits of the first block: dynamic, fixed, or as it was.
        match round % 5 {
            0 => data[0] = data[0] & !7 | 0b101,
            1 | 2 => data[0] = data[0] & !7 | 0b100,
            _ => {}
        }
        let stream = member(&data, b"");
        let step = [1 + dice.below(40), usize::MAX][dice.below(2)];
        compare(&stream, step);
    }
}

#[test]
fn an_endless_member_takes_no_memory() {
    // Without the bits that end the stream: a stored block of no bytes keeps what follows at a byte.
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(1));
    encoder.write_all(&vec![0; 1 << 20]).unwrap();
    encoder.flush().unwrap();
    let piece = encoder.get_ref().clone();
    let endless = Cursor::new(member(&[], b"")[..10].to_vec());
    let mut reader = endless.chain(Cycle(&piece, 0));
    let mut stream = Gzip::new(&mut reader);
    let mut buffer = vec![0; 1 << 20];
    for _ in 0..64 {
        stream.read_exact(&mut buffer).unwrap();
    }
    assert!(stream.input.buffer.len() == BUFFER && stream.member.output.len() == WINDOW + ROOM);
}

struct Cycle<'a>(&'a [u8], usize);

impl Read for Cycle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&self.0[self.1..]).fill_buf()?.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.0[self.1..self.1 + count]);
        self.1 = (self.1 + count) % self.0.len();
        Ok(count)
    }
}

#[test]
fn after_an_error_there_is_no_end() {
    let mut stream = gzip(b"text", 6);
    let at = stream.len() - 1;
    stream[at] ^= 1;
    let mut reader = Gzip::new(&stream[..]);
    let mut data = Vec::new();
    assert!(reader.read_to_end(&mut data).is_err() && data == b"text");
    assert!(reader.read_to_end(&mut data).is_err());
}

/// Where fdeflate is another than zlib. If one of these fails it has changed, and the module should say so.
#[test]
fn known_differences_of_fdeflate() {
    // A fixed block that has the letter `a` and then the reserved code 286, which ends nothing in zlib.
    let mut bits = Bits::default();
    bits.put(0b011, 3);
    bits.put_code(0x30 + 0x61, 8);
    bits.put_code(0b1100_0110, 8);
    let stream = member(&bits.0, b"a");
    assert!(by_zlib(&stream).is_err());
    assert_eq!(by_pieces(&stream, usize::MAX), Ok(b"a".to_vec()));
    // A dynamic block that has only the code of its end.
    let mut bits = Bits::default();
    bits.put(0b101, 3);
    bits.put(0, 5 + 5);
    bits.put(14, 4);
    // Code lengths of 18 and 1 and 0 are one, two and two bits.
    for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1] {
        bits.put(
            match symbol {
                18 => 1,
                0 | 1 => 2,
                _ => 0,
            },
            3,
        );
    }
    for zeros in [138, 118] {
        bits.put_code(0, 1);
        bits.put(zeros - 11, 7);
    }
    bits.put_code(0b11, 2);
    bits.put_code(0b10, 2);
    bits.put(0, 1);
    let stream = member(&bits.0, b"");
    assert_eq!(by_zlib(&stream), Ok(Vec::new()));
    assert!(by_pieces(&stream, usize::MAX).is_err());
}

#[derive(Default)]
struct Bits(Vec<u8>, usize);

impl Bits {
    fn put(&mut self, value: u32, count: usize) {
        for index in 0..count {
            if self.1.is_multiple_of(8) {
                self.0.push(0);
            }
            let bit = u8::from(value >> index & 1 == 1) << (self.1 % 8);
            *self.0.last_mut().unwrap() |= bit;
            self.1 += 1;
        }
    }

    /// Huffman codes begin with their highest bit.
    fn put_code(&mut self, code: u32, count: usize) {
        for index in (0..count).rev() {
            self.put(code >> index & 1, 1);
        }
    }
}
