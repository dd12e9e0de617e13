//! The way of a layer from its blob to its entries, whose steps run beside each other.
//!
//! ```text
//! read and hash the blob | decompress | hash the content | apply the entries
//! ```
//!
//! The first three have a thread each; the last one is the caller's. Pieces go from one to the next in order, and a few
//! buffers go round: who is ahead waits for one to come back, so that memory is bounded. What goes wrong on the way comes
//! to the caller at the place of the stream where it happened, as if there were one thread: the same layer gives the same
//! error, and the same part of it has been applied by then.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Scope, ScopedJoinHandle, scope};

use super::{LayerBlob, Limits, SizeError, UnpackError};
use crate::store::compression::{CompressionError, decompress};
use crate::store::verify::{Expectation, Measured, Verified, VerifyError, unwrap_size_error};
use crate::sys::{SysError, thread};

/// How much is handed on at once, in bytes.
const PIECE: usize = 256 << 10;
/// How many pieces there are between two steps that run beside each other.
const PIECES: usize = 8;

/// What a layer turned out to be on the way.
pub(super) struct Passed<T> {
    /// What became of its entries.
    pub(super) applied: T,
    pub(super) content: Measured,
    pub(super) blob: Measured,
}

/// Has `apply` read the content of the layer to its end, and compares blob and content with what they should be. `count`
/// is told the compressed bytes so far.
///
/// A stream of unknown size may keep its reader waiting for ever, also one that nobody wants to read further: its steps
/// run one after the other.
pub(super) fn read<T>(
    blob: LayerBlob<'_>,
    limits: &Limits,
    count: &AtomicU64,
    apply: impl FnOnce(&mut dyn BufRead) -> Result<T, UnpackError>,
) -> Result<Passed<T>, UnpackError> {
    match blob.size {
        Some(_) => beside_each_other(blob, limits, count, apply),
        None => one_after_the_other(blob, limits, count, apply),
    }
}

fn one_after_the_other<T>(
    blob: LayerBlob<'_>,
    limits: &Limits,
    count: &AtomicU64,
    apply: impl FnOnce(&mut dyn BufRead) -> Result<T, UnpackError>,
) -> Result<Passed<T>, UnpackError> {
    let mut compressed = Counted { reader: Verified::expecting(blob.reader, blob.digest, blob.size), count };
    let mut content = Verified::expecting(bounded(&mut compressed, limits)?, blob.diff_id, None);
    let applied = apply(&mut BufReader::with_capacity(PIECE, &mut content))?;
    let content = content.finish().map_err(UnpackError::Content)?;
    let blob = compressed.reader.finish().map_err(UnpackError::Blob)?;
    Ok(Passed { applied, content, blob })
}

fn beside_each_other<T>(
    blob: LayerBlob<'_>,
    limits: &Limits,
    count: &AtomicU64,
    apply: impl FnOnce(&mut dyn BufRead) -> Result<T, UnpackError>,
) -> Result<Passed<T>, UnpackError> {
    let verified = Verified::expecting(blob.reader, blob.digest, blob.size);
    let expected = Expectation::new(blob.diff_id, None);
    scope(|scope| {
        let (line, compressed) = connect();
        let reading = start(scope, "read", move || measure(verified, &line))?;
        let (line, decompressed) = connect();
        let decompressing = start(scope, "decompress", move || take_off(compressed, limits, count, &line))?;
        let (hashing, mut content) = hash(scope, decompressed, expected)?;
        let applied = apply(&mut content);
        // Whoever still has something to hand on learns here that nobody wants it.
        drop(content);
        let taken_off = join(decompressing);
        let (content, blob) = (join(hashing), join(reading));
        let applied = applied?;
        taken_off?;
        let content = content.compare().map_err(UnpackError::Content)?;
        let blob = blob.map_err(UnpackError::Blob)?;
        Ok(Passed { applied, content, blob })
    })
}

/// Reads the blob to its end, as long as somebody wants it, and compares.
fn measure<R: Read>(mut verified: Verified<R>, line: &Line) -> Result<Measured, VerifyError> {
    line.send_all(&mut verified);
    verified.compare()
}

/// Hands on what is in the blob, of which nothing may be left.
fn take_off(ahead: Ahead, limits: &Limits, count: &AtomicU64, line: &Line) -> Result<(), UnpackError> {
    let mut compressed = Counted { reader: ahead, count };
    let is_wanted = line.send_all(bounded(&mut compressed, limits)?);
    if is_wanted {
        let rest = io::copy(&mut compressed, &mut io::sink());
        rest.map_err(|error| UnpackError::Blob(unwrap_size_error(error)))?;
    }
    Ok(())
}

/// Hands pieces on once they are hashed.
fn hash<'scope>(
    scope: &'scope Scope<'scope, '_>,
    mut from: Ahead,
    mut expected: Expectation,
) -> Result<(ScopedJoinHandle<'scope, Expectation>, Ahead), UnpackError> {
    let (sender, hashed) = channel();
    let pieces = std::mem::replace(&mut from.pieces, hashed);
    let hashing = start(scope, "hash", move || {
        for piece in pieces {
            // Of the content no size is known that it could have too much of.
            let is_too_long = piece.as_ref().is_ok_and(|bytes| expected.add(bytes).is_err());
            if is_too_long || sender.send(piece).is_err() {
                break;
            }
        }
        expected
    })?;
    Ok((hashing, from))
}

fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    step: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, UnpackError> {
    let started = thread::named(name).spawn_scoped(scope, step);
    started.map_err(|error| UnpackError::Thread(SysError::from_io("clone(thread)", &error)))
}

fn join<T>(step: ScopedJoinHandle<'_, T>) -> T {
    step.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The end of a step at which pieces are put in.
struct Line {
    pieces: Sender<io::Result<Vec<u8>>>,
    spent: Receiver<Vec<u8>>,
}

/// The end at which they are read.
struct Ahead {
    pieces: Receiver<io::Result<Vec<u8>>>,
    spent: Sender<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
}

fn connect() -> (Line, Ahead) {
    let ((give, take), (give_back, take_back)) = (channel(), channel());
    for _ in 0..PIECES {
        // Both ends are here.
        let _ = give_back.send(Vec::new());
    }
    (
        Line { pieces: give, spent: take_back },
        Ahead { pieces: take, spent: give_back, piece: Vec::new(), at: 0 },
    )
}

impl Line {
    /// Puts all in that `reader` has; whether there was somebody to take it.
    fn send_all(&self, mut reader: impl Read) -> bool {
        while let Ok(mut piece) = self.spent.recv() {
            piece.resize(PIECE, 0);
            let (count, end) = fill(&mut reader, &mut piece);
            piece.truncate(count);
            if count > 0 && self.pieces.send(Ok(piece)).is_err() {
                return false;
            }
            match end {
                None => {}
                Some(Ok(())) => return true,
                Some(Err(error)) => {
                    // That nobody takes it means that there was an error before this one.
                    let _ = self.pieces.send(Err(error));
                    return false;
                }
            }
        }
        false
    }
}

/// Reads until the buffer is full, or to the end; how much, and how it ended.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> (usize, Option<io::Result<()>>) {
    let mut count = 0;
    while count < buffer.len() {
        match reader.read(&mut buffer[count..]) {
            Ok(0) => return (count, Some(Ok(()))),
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (count, Some(Err(error))),
        }
    }
    (count, None)
}

impl BufRead for Ahead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.piece.len() {
            let spent = std::mem::take(&mut self.piece);
            self.at = 0;
            if spent.capacity() > 0 {
                // Who has reached the end needs it no more.
                let _ = self.spent.send(spent);
            }
            if let Ok(piece) = self.pieces.recv() {
                self.piece = piece?;
            }
        }
        Ok(&self.piece[self.at..])
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        self.consume(count);
        Ok(count)
    }
}

/// Takes the compression off, up to the limits.
pub(super) fn bounded<'r, R: Read + Send + 'r>(
    compressed: &'r mut Counted<'_, R>,
    limits: &'r Limits,
) -> Result<impl Read + Send, UnpackError> {
    let count = compressed.count;
    let reader = decompress(compressed).map_err(|error| match error {
        // A blob that is too long is noticed at its first bytes if it is short.
        CompressionError::Read(source) => match source.downcast::<VerifyError>() {
            Ok(error) => UnpackError::Blob(error),
            Err(source) => CompressionError::Read(source).into(),
        },
        error => error.into(),
    })?;
    Ok(Bounded { reader, compressed: count, seen: 0, limits })
}

/// Counts the compressed bytes where others can see it.
pub(super) struct Counted<'c, R: Read> {
    pub(super) reader: R,
    pub(super) count: &'c AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Stops a stream that grows beyond its limits.
struct Bounded<'c, R: Read> {
    reader: R,
    compressed: &'c AtomicU64,
    seen: u64,
    limits: &'c Limits,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.seen += count as u64;
        if self.seen > self.limits.bytes {
            return Err(SizeError::Bytes(self.limits.bytes).into());
        }
        let compressed = self.compressed.load(Ordering::Relaxed);
        if self.seen > self.limits.ratio_from && self.seen / self.limits.ratio.max(1) > compressed {
            return Err(SizeError::Ratio(self.limits.ratio).into());
        }
        Ok(count)
    }
}
