//! Reads the map of a sparse file from wherever its format keeps it.

use std::io::Read;

use super::header::{BLOCK, Format, Header};
use super::sparse::{self, BodyMap, Form, Segment};
use super::{TarError, TarReader};

impl<R: Read> TarReader<R> {
    /// The map of a sparse file, read from wherever its format keeps it, and the file's size.
    pub(super) fn sparse_map(
        &mut self,
        header: &Header<'_>,
        form: Option<Form>,
        offset: u64,
    ) -> Result<Option<(Vec<Segment>, u64)>, TarError> {
        let (segments, size) = match (header.flag(), form) {
            (b'S', None) if header.format == Format::Gnu => {
                (self.old_gnu_map(header, offset)?, header.sparse_size()?)
            }
            (b'S', _) => return Err(TarError::Sparse { offset, problem: "its header is not of GNU tar" }),
            (_, Some(Form::Records(segments, size))) => (segments, size),
            (_, Some(Form::Body(size))) => (self.map_in_body(offset)?, size),
            (_, None) => return Ok(None),
        };
        let segments = sparse::checked(segments, size, self.body)
            .map_err(|problem| TarError::Sparse { offset, problem })?;
        Ok(Some((segments, size)))
    }

    /// The map in the header and the blocks behind it, which are no part of the body.
    fn old_gnu_map(&mut self, header: &Header<'_>, offset: u64) -> Result<Vec<Segment>, TarError> {
        let malformed = |problem| TarError::Sparse { offset, problem };
        let bad_number = || malformed("a slot is not a pair of numbers");
        let (mut segments, mut ended) = sparse::slots(header.sparse_slots()).ok_or_else(bad_number)?;
        let mut continues = header.sparse_continues();
        while continues {
            let mut block = [0; BLOCK];
            if !self.fill(&mut block)? {
                return Err(TarError::Truncated { offset: self.position });
            }
            let (more, at_end) = sparse::slots(&block[..504]).ok_or_else(bad_number)?;
            if ended || segments.len() + more.len() > self.limits.segments {
                return Err(malformed("there are too many segments"));
            }
            segments.extend(more);
            (ended, continues) = (at_end, block[504] != 0);
        }
        self.body_offset = self.position;
        Ok(segments)
    }

    fn map_in_body(&mut self, offset: u64) -> Result<Vec<Segment>, TarError> {
        let mut map = BodyMap::default();
        loop {
            if self.body < BLOCK as u64 {
                return Err(TarError::Sparse { offset, problem: "it does not end" });
            }
            let mut block = [0; BLOCK];
            if !self.fill(&mut block)? {
                return Err(TarError::Truncated { offset: self.position });
            }
            self.body -= BLOCK as u64;
            let complete = map.add(&block, self.limits.segments);
            if complete.map_err(|problem| TarError::Sparse { offset, problem })? {
                self.body_offset = self.position;
                return Ok(map.segments);
            }
        }
    }
}
