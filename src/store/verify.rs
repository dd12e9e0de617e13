//! Reads a blob and holds it against its descriptor.
//!
//! Nothing that was read counts before [`Verified::finish`] has agreed: the digest is of the whole stream, also
//! of the bytes that a parser had no use for.

use std::io::{self, Read};

use thiserror::Error;

use crate::plan::digest::{Algorithm, Digest};
use crate::plan::hasher::Hasher;

/// Why a blob is not the one that its descriptor names.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The content is another one.
    #[error("the digest is {found}, expected {expected}")]
    Digest {
        /// What the descriptor says.
        expected: Digest,
        /// What was read.
        found: Digest,
    },
    /// The blob is shorter, or longer.
    #[error("the size is {found} bytes{}, expected {expected}", if found > expected { " or more" } else { "" })]
    Size {
        /// What the descriptor says, in bytes.
        expected: u64,
        /// What was read, in bytes; reading stops at the first byte too many.
        found: u64,
    },
    /// The rest of the blob could not be read.
    #[error("cannot read the blob to its end")]
    Read(#[source] io::Error),
}

/// What a stream turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// The digest of all bytes.
    pub digest: Digest,
    /// How many bytes.
    pub size: u64,
}

/// What a stream should be, and what it has been so far.
pub(super) struct Expectation {
    hasher: Hasher,
    digest: Option<Digest>,
    size: Option<u64>,
    seen: u64,
}

impl Expectation {
    /// Expects `digest`, or no certain content, of which the SHA-256 digest is computed; and `size` bytes where the size
    /// is known.
    pub(super) fn new(digest: Option<Digest>, size: Option<u64>) -> Self {
        let algorithm = digest.as_ref().map_or(Algorithm::Sha256, Digest::algorithm);
        Self { hasher: Hasher::new(algorithm), digest, size, seen: 0 }
    }

    /// How many bytes more are to be read: one more than expected, so that a longer blob is noticed.
    fn room(&self) -> usize {
        self.size.map_or(usize::MAX, |size| {
            usize::try_from(size.saturating_add(1).saturating_sub(self.seen)).unwrap_or(usize::MAX)
        })
    }

    /// Takes the next bytes in.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<(), VerifyError> {
        self.hasher.update(bytes);
        self.seen += bytes.len() as u64;
        match self.size {
            Some(expected) if self.seen > expected => Err(VerifyError::Size { expected, found: self.seen }),
            _ => Ok(()),
        }
    }

    /// Compares, at the end.
    pub(super) fn compare(self) -> Result<Measured, VerifyError> {
        if let Some(expected) = self.size.filter(|&expected| expected != self.seen) {
            return Err(VerifyError::Size { expected, found: self.seen });
        }
        let found = self.hasher.finish();
        match self.digest {
            Some(expected) if expected != found => Err(VerifyError::Digest { expected, found }),
            _ => Ok(Measured { digest: found, size: self.seen }),
        }
    }
}

/// A reader that counts and hashes what passes through.
pub struct Verified<R: Read> {
    reader: R,
    expectation: Expectation,
}

impl<R: Read> Verified<R> {
    /// Expects `digest`, and `size` bytes where the size is known.
    pub fn new(reader: R, digest: Digest, size: Option<u64>) -> Self {
        Self::expecting(reader, Some(digest), size)
    }

    /// As [`Verified::new`] with a digest; without, computes the SHA-256 digest of whatever comes.
    pub fn expecting(reader: R, digest: Option<Digest>, size: Option<u64>) -> Self {
        Self { reader, expectation: Expectation::new(digest, size) }
    }

    /// Reads to the end of the stream and compares.
    ///
    /// # Errors
    /// The digest or the size is not the expected one, or the rest cannot be read.
    pub fn finish(mut self) -> Result<Measured, VerifyError> {
        io::copy(&mut self, &mut io::sink()).map_err(unwrap_size_error)?;
        self.compare()
    }

    /// Compares what was read so far.
    ///
    /// # Errors
    /// The digest or the size is not the expected one.
    pub fn compare(self) -> Result<Measured, VerifyError> {
        self.expectation.compare()
    }
}

/// A blob that is too long is no failure to read it.
pub(super) fn unwrap_size_error(error: io::Error) -> VerifyError {
    match error.downcast::<VerifyError>() {
        Ok(inner) => inner,
        Err(error) => VerifyError::Read(error),
    }
}

impl<R: Read> Read for Verified<R> {
    /// Fails with a [`VerifyError::Size`] inside as soon as one byte too many was read.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = self.expectation.room().min(buffer.len());
        let count = self.reader.read(&mut buffer[..room])?;
        self.expectation.add(&buffer[..count]).map_err(io::Error::other)?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn check(data: &[u8], digest: &str, size: Option<u64>) -> Result<Measured, VerifyError> {
        let mut verified = Verified::new(data, digest.parse().unwrap(), size);
        let mut first = [0; 2];
        let _ = verified.read(&mut first);
        verified.finish()
    }

    #[test]
    fn the_whole_stream_counts() {
        assert_eq!(check(b"abc", ABC, Some(3)).unwrap().size, 3);
        assert!(check(b"abc", ABC, None).is_ok());
        assert!(matches!(check(b"abd", ABC, Some(3)), Err(VerifyError::Digest { .. })));
        assert!(matches!(check(b"ab", ABC, Some(3)), Err(VerifyError::Size { found: 2, .. })));
        assert!(matches!(check(b"abcd", ABC, None), Err(VerifyError::Digest { .. })));
        let long = vec![0; 1000];
        assert!(matches!(check(&long, ABC, Some(3)), Err(VerifyError::Size { found: 4, .. })));
        assert!(matches!(check(&long, ABC, Some(0)), Err(VerifyError::Size { found: 1, .. })));
        assert!(matches!(check(b"abc", ABC, Some(u64::MAX)), Err(VerifyError::Size { found: 3, .. })));
        let measured = Verified::expecting(&b"abc"[..], None, None).finish().unwrap();
        assert_eq!(measured.digest.to_string(), ABC);
    }
}
