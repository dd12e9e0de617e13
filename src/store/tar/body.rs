//! What stands behind a header: the stored bytes of a file, and what fills their last block.

use std::io::{self, BufRead, Read};

use super::header::BLOCK;
use super::{TarError, TarReader};

impl<R: Read> TarReader<R> {
    /// Reads from the stored body of the current entry; 0 at its end, or for an empty `buffer`.
    ///
    /// The body of a sparse file is its segments, one after the other.
    ///
    /// # Errors
    /// The archive ends within the body, or cannot be read.
    pub fn read_data(&mut self, buffer: &mut [u8]) -> Result<usize, TarError> {
        let room = usize::try_from(self.body).unwrap_or(usize::MAX).min(buffer.len());
        if room == 0 {
            return Ok(0);
        }
        let count = self.read_some(&mut buffer[..room])?;
        if count == 0 {
            return Err(TarError::Truncated { offset: self.position });
        }
        self.body -= count as u64;
        Ok(count)
    }

    pub(super) fn begin_body(&mut self, size: u64, offset: u64) -> Result<(), TarError> {
        let padded = size.checked_next_multiple_of(BLOCK as u64).filter(|_| i64::try_from(size).is_ok());
        let padded = padded.ok_or(TarError::Number { offset, field: "size" })?;
        (self.body, self.padding) = (size, padded - size);
        self.body_offset = self.position;
        Ok(())
    }

    pub(super) fn read_body(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        self.begin_body(size, self.position)?;
        let mut body = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
        let mut filled = 0;
        while filled < body.len() {
            filled += self.read_data(&mut body[filled..])?;
        }
        self.skip_body()?;
        Ok(body)
    }

    pub(super) fn skip_body(&mut self) -> Result<(), TarError> {
        let mut left = self.body + self.padding;
        let mut buffer = [0; 8 << 10];
        while left > 0 {
            let room = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let count = self.read_some(&mut buffer[..room])?;
            if count == 0 {
                return Err(TarError::Truncated { offset: self.position });
            }
            left -= count as u64;
        }
        (self.body, self.padding) = (0, 0);
        Ok(())
    }
}

impl<R: BufRead> TarReader<R> {
    /// What is there of the stored body of the current entry; nothing at its end.
    ///
    /// # Errors
    /// As of [`TarReader::read_data`].
    pub fn data(&mut self) -> Result<&[u8], TarError> {
        if self.body == 0 {
            return Ok(&[]);
        }
        // Asked twice: what the first answer borrows could not be given back from within the loop.
        while let Err(source) = self.reader.fill_buf() {
            if source.kind() != io::ErrorKind::Interrupted {
                return Err(TarError::Read { offset: self.position, source });
            }
        }
        let offset = self.position;
        let bytes = self.reader.fill_buf().map_err(|source| TarError::Read { offset, source })?;
        if bytes.is_empty() {
            return Err(TarError::Truncated { offset });
        }
        let room = usize::try_from(self.body).unwrap_or(usize::MAX).min(bytes.len());
        Ok(&bytes[..room])
    }

    /// Goes on behind so many of these bytes.
    pub fn consume_data(&mut self, count: usize) {
        self.reader.consume(count);
        if let Some(outline) = &mut self.outline {
            outline.body(count);
        }
        self.position += count as u64;
        self.body -= count as u64;
    }
}
