//! gzip: members one after the other, each a header, deflate data, and the checksum and size of what these give.
//!
//! fdeflate inflates the data. It knows zlib streams only, and takes some bytes of what stands behind the data, which it
//! does not give back: where a member ends is found here. Source: RFC 1952; fdeflate 0.3, `decompress.rs`.
//!
//! On the two codes that RFC 1951 reserves in fixed blocks it is less strict than zlib: it takes them for the end of the
//! block, so that only checksum and size say that something is wrong. A block that has nothing but a code of one bit for its
//! own end it refuses; no packer is known to write one.

use std::io::{self, Read};

use crc32fast::Hasher as Crc;
use fdeflate::Decompressor;

use super::StreamError;

/// How much of a compressed stream is read at once, in bytes.
const BUFFER: usize = 256 << 10;
/// How far back inflated data may refer, in bytes.
const WINDOW: usize = 32 << 10;
/// How much is inflated at once, in bytes: so little that it is still in a cache when it is handed on.
const ROOM: usize = 256 << 10;
/// Checksum and size behind the data of a member, in bytes.
const TRAILER: usize = 8;
/// How many bytes behind the data fdeflate has taken when it is done: four that it takes for a checksum, and what else there
/// was room for in the 63 bits that it holds.
const TAKEN_LEAST: usize = 4;
const TAKEN_MOST: usize = 7;
/// The longest name or comment in a header, in bytes.
const FIELD: usize = 65535;

const HEADER_CHECKSUM: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b111 << 5;

/// The members of a gzip stream without their compression.
pub(super) struct Gzip<R> {
    input: Input<R>,
    stage: Stage,
    /// Whether this is the first member.
    is_first: bool,
    /// Whether fdeflate has left something of the last piece that it got.
    has_left_some: bool,
    member: Member,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Header,
    Data,
    Trailer,
    Behind,
    End,
    Failed,
}

impl<R: Read> Gzip<R> {
    pub(super) fn new(reader: R) -> Self {
        let (input, member) = (Input::new(reader), Member::new());
        Self { input, stage: Stage::Header, is_first: true, has_left_some: false, member }
    }

    /// Goes on by one part of a member.
    fn advance(&mut self) -> io::Result<Stage> {
        match self.stage {
            Stage::Header => {
                self.read_header()?;
                self.member.begin().map_err(|_| corrupt("corrupt deflate stream"))?;
                Ok(Stage::Data)
            }
            Stage::Data => self.inflate(),
            Stage::Trailer => self.end_member(),
            Stage::Behind => self.next_member(),
            Stage::End => Ok(Stage::End),
            Stage::Failed => Err(corrupt("it was read on after an error")),
        }
    }

    fn read_header(&mut self) -> io::Result<()> {
        let mut header = Header { input: &mut self.input, checksum: Crc::new() };
        let wrong =
            |reason| if self.is_first { corrupt(reason) } else { StreamError::Trailing("gzip").into() };
        let [first, second, method, flags, ..] = header.bytes::<10>()?;
        if (first, second, method) != (0x1f, 0x8b, 8) || flags & RESERVED != 0 {
            return Err(wrong("invalid gzip header"));
        }
        if flags & EXTRA != 0 {
            let length = u16::from_le_bytes(header.bytes()?);
            for _ in 0..length {
                header.bytes::<1>()?;
            }
        }
        for field in [NAME, COMMENT] {
            if flags & field != 0 && !header.skip_text()? {
                return Err(wrong("gzip header field too long"));
            }
        }
        if flags & HEADER_CHECKSUM != 0 {
            let [low, high, ..] = header.checksum.clone().finalize().to_le_bytes();
            if header.bytes()? != [low, high] {
                return Err(wrong(CHECKSUM));
            }
        }
        Ok(())
    }

    /// Inflates one piece of the data.
    fn inflate(&mut self) -> io::Result<Stage> {
        // As many bytes as the longest trailer that fdeflate leaves needs are held back.
        self.input.want(2 * TRAILER)?;
        let Input { ref buffer, start, end, is_at_end, .. } = self.input;
        let held = if is_at_end { 0 } else { TRAILER };
        let piece = &buffer[start..end - held];
        let length = piece.len();
        let (taken, given) = self.member.inflate(piece).map_err(|_| corrupt("corrupt deflate stream"))?;
        self.input.start += taken;
        if self.member.decoder.is_done() {
            self.has_left_some = taken < length;
            return Ok(Stage::Trailer);
        }
        match (taken, given, is_at_end) {
            (0, 0, true) => Err(StreamError::Truncated("gzip").into()),
            // It always takes something of so much.
            (0, 0, false) => Err(corrupt("corrupt deflate stream")),
            _ => Ok(Stage::Data),
        }
    }

    /// Finds the end of the data of a member that is complete, and compares what follows.
    ///
    /// While there is more input, fdeflate takes what it has room for. If it has taken all of a piece, it had four bytes of
    /// those behind the data at least: at the end of the stream the trailer is then cut short. Elsewhere it is the one of
    /// four that fits. So of a hostile stream up to three bytes that belong to nothing may stand before a trailer there;
    /// they change nothing of the content.
    fn end_member(&mut self) -> io::Result<Stage> {
        let candidates = match (self.has_left_some, self.input.is_at_end) {
            (true, _) => TAKEN_MOST..=TAKEN_MOST,
            (false, true) => return Err(StreamError::Truncated("gzip").into()),
            (false, false) => TAKEN_LEAST..=TAKEN_MOST,
        };
        let expected = self.member.trailer();
        for taken in candidates {
            let end = self.input.start.saturating_sub(taken);
            if self.input.buffer[..self.input.end].get(end..end + TRAILER) == Some(&expected) {
                self.input.start = end + TRAILER;
                return Ok(Stage::Behind);
            }
        }
        Err(corrupt(CHECKSUM))
    }

    /// Goes on behind a member: with the next one, or to the end, before which only zeros may stand.
    fn next_member(&mut self) -> io::Result<Stage> {
        self.is_first = false;
        match self.input.want(1)?.first() {
            None => return Ok(Stage::End),
            Some(0x1f) => return Ok(Stage::Header),
            Some(_) => {}
        }
        loop {
            let bytes = self.input.want(1)?;
            if bytes.is_empty() {
                return Ok(Stage::End);
            }
            if bytes.iter().any(|&byte| byte != 0) {
                return Err(StreamError::Trailing("gzip").into());
            }
            self.input.start = self.input.end;
        }
    }
}

impl<R: Read> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let count = self.member.give(buffer);
            if count > 0 || self.stage == Stage::End {
                return Ok(count);
            }
            let next = self.advance();
            self.stage = *next.as_ref().unwrap_or(&Stage::Failed);
            next?;
        }
    }
}

const CHECKSUM: &str = "corrupt gzip stream does not have a matching checksum";

fn corrupt(reason: &str) -> io::Error {
    StreamError::Corrupt { format: "gzip", reason: reason.to_owned() }.into()
}

/// What is inflated of a member.
struct Member {
    decoder: Decompressor,
    /// Begins with what the data may still refer to: never with anything of another member.
    output: Box<[u8]>,
    /// Up to where there is output, and up to where it was given out.
    end: usize,
    given: usize,
    checksum: Crc,
    /// Modulo 2^32, as the trailer has it.
    size: u32,
}

impl Member {
    fn new() -> Self {
        let output = vec![0; WINDOW + ROOM].into_boxed_slice();
        let (decoder, checksum) = (Decompressor::new(), Crc::new());
        Self { decoder, output, end: 0, given: 0, checksum, size: 0 }
    }

    /// Makes ready for a member, of which nothing has come yet.
    fn begin(&mut self) -> Result<(), fdeflate::DecompressionError> {
        (self.end, self.given, self.checksum, self.size) = (0, 0, Crc::new(), 0);
        self.decoder = Decompressor::new();
        self.decoder.ignore_adler32();
        // What a zlib stream begins with.
        self.decoder.read(&[0x78, 0x9c], &mut self.output, 0, false).map(drop)
    }

    /// Inflates what there is room for, once all was given out: how much was taken, and how much it gave.
    fn inflate(&mut self, input: &[u8]) -> Result<(usize, usize), fdeflate::DecompressionError> {
        if self.output.len() - self.end < WINDOW {
            let kept = self.end.saturating_sub(WINDOW);
            self.output.copy_within(kept..self.end, 0);
            self.end -= kept;
            self.given = self.end;
        }
        let (taken, count) = self.decoder.read(input, &mut self.output, self.end, false)?;
        let fresh = &self.output[self.end..self.end + count];
        self.checksum.update(fresh);
        self.size = self.size.wrapping_add(u32::try_from(count).unwrap_or_default());
        self.end += count;
        Ok((taken, count))
    }

    /// Gives out what was inflated.
    fn give(&mut self, buffer: &mut [u8]) -> usize {
        let rest = &self.output[self.given..self.end];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        count
    }

    /// What must stand behind the data.
    fn trailer(&self) -> [u8; TRAILER] {
        let (checksum, size) = (self.checksum.clone().finalize(), self.size);
        let trailer = u64::from(size) << 32 | u64::from(checksum);
        trailer.to_le_bytes()
    }
}

/// The compressed stream, of which the last bytes are kept that were taken.
struct Input<R> {
    reader: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    is_at_end: bool,
}

impl<R: Read> Input<R> {
    fn new(reader: R) -> Self {
        Self { reader, buffer: vec![0; BUFFER].into_boxed_slice(), start: 0, end: 0, is_at_end: false }
    }

    /// What comes next: at least `count` bytes, which are few, or all that there are.
    fn want(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.end - self.start < count && !self.is_at_end {
            let kept = self.start.saturating_sub(TAKEN_MOST);
            self.buffer.copy_within(kept..self.end, 0);
            (self.start, self.end) = (self.start - kept, self.end - kept);
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.is_at_end = true,
                Ok(more) => self.end += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }
}

/// The header of a member while it is read.
struct Header<'i, R> {
    input: &'i mut Input<R>,
    checksum: Crc,
}

impl<R: Read> Header<'_, R> {
    fn bytes<const COUNT: usize>(&mut self) -> io::Result<[u8; COUNT]> {
        let bytes = self.input.want(COUNT)?.first_chunk::<COUNT>().copied();
        let bytes = bytes.ok_or(StreamError::Truncated("gzip"))?;
        self.input.start += COUNT;
        self.checksum.update(&bytes);
        Ok(bytes)
    }

    /// Skips a text and the NUL behind it; whether it is as short as it has to be.
    fn skip_text(&mut self) -> io::Result<bool> {
        for _ in 0..=FIELD {
            if self.bytes()? == [0] {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests;
