//! Sparse files: which parts of a file the archive holds; the rest are holes.
//!
//! Source: GNU tar manual, "Storing Sparse Files" (old GNU, PAX 0.0, 0.1 and 1.0).

use super::header::unsigned;
use super::pax::{name, number};

/// A part of a sparse file that has data, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Where in the file.
    pub offset: u64,
    /// How much.
    pub length: u64,
}

/// Where the map of a PAX sparse file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In the records themselves (0.0 and 0.1).
    Records(Vec<Segment>, u64),
    /// At the start of the body (1.0); the file's size with its holes.
    Body(u64),
}

/// The `GNU.sparse.*` records of one extension header.
#[derive(Debug, Default)]
pub(super) struct PaxSparse {
    major: Option<u64>,
    minor: Option<u64>,
    size: Option<u64>,
    blocks: Option<u64>,
    offset: Option<u64>,
    segments: Option<Vec<Segment>>,
    /// The file's name, where `path` is one made up for readers that know no sparse files.
    pub(super) name: Option<Vec<u8>>,
}

impl PaxSparse {
    pub(super) fn apply(&mut self, key: &[u8], value: &[u8]) -> Result<(), &'static str> {
        let parsed = || number(value).ok_or("a sparse record is not a number");
        match key {
            b"major" => self.major = Some(parsed()?),
            b"minor" => self.minor = Some(parsed()?),
            b"size" | b"realsize" => self.size = Some(parsed()?),
            b"numblocks" => self.blocks = Some(parsed()?),
            b"offset" if self.offset.is_some() => return Err("a sparse offset has no length"),
            b"offset" => self.offset = Some(parsed()?),
            b"numbytes" => {
                let offset = self.offset.take().ok_or("a sparse length has no offset")?;
                self.segments.get_or_insert_default().push(Segment { offset, length: parsed()? });
            }
            b"map" if self.segments.is_some() => return Err("a second sparse map"),
            b"map" => self.segments = Some(pairs(value).ok_or("a sparse map is no list of pairs")?),
            b"name" => self.name = name(value)?,
            _ => {}
        }
        Ok(())
    }

    pub(super) fn form(&self) -> Result<Option<Form>, &'static str> {
        let version = (self.major, self.minor);
        let size = || self.size.ok_or("the size is missing");
        match version {
            (Some(1), Some(0)) if self.segments.is_some() || self.blocks.is_some() => {
                Err("there are two maps")
            }
            (Some(1), Some(0)) => Ok(Some(Form::Body(size()?))),
            (None | Some(0), None | Some(0 | 1)) => self.records(),
            _ => Err("the version is unknown"),
        }
    }

    fn records(&self) -> Result<Option<Form>, &'static str> {
        let segments = match (&self.segments, self.blocks, self.size) {
            (None, None, None) => return Ok(None),
            (Some(segments), _, _) => segments.clone(),
            (None, Some(0), _) => Vec::new(),
            (None, _, _) => return Err("the map is missing"),
        };
        if self.offset.is_some() || self.blocks.is_some_and(|blocks| blocks != segments.len() as u64) {
            return Err("the number of segments is another one");
        }
        Ok(Some(Form::Records(segments, self.size.ok_or("the size is missing")?)))
    }
}

fn pairs(text: &[u8]) -> Option<Vec<Segment>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let numbers: Vec<u64> = text.split(|&byte| byte == b',').map(number).collect::<Option<_>>()?;
    let (pairs, []) = numbers.as_chunks::<2>() else { return None };
    Some(pairs.iter().map(|&[offset, length]| Segment { offset, length }).collect())
}

/// The slots of an old GNU map, up to the first empty one; whether there was an empty one.
pub(super) fn slots(bytes: &[u8]) -> Option<(Vec<Segment>, bool)> {
    let mut segments = Vec::new();
    for slot in bytes.chunks_exact(24) {
        if slot[12] == 0 {
            return Some((segments, true));
        }
        segments.push(Segment { offset: unsigned(&slot[..12])?, length: unsigned(&slot[12..])? });
    }
    Some((segments, false))
}

/// The map at the start of a body, taken in block by block.
#[derive(Default)]
pub(super) struct BodyMap {
    count: Option<u64>,
    offset: Option<u64>,
    digits: Vec<u8>,
    /// The segments so far.
    pub(super) segments: Vec<Segment>,
}

impl BodyMap {
    /// Takes one block in; `true` when the map is complete and data follow.
    pub(super) fn add(&mut self, block: &[u8], limit: usize) -> Result<bool, &'static str> {
        for &byte in block {
            if self.is_complete() {
                break;
            }
            if byte == b'\n' {
                self.end_number(limit)?;
            } else if self.digits.len() < 20 {
                self.digits.push(byte);
            } else {
                return Err("a number has too many digits");
            }
        }
        Ok(self.is_complete())
    }

    fn is_complete(&self) -> bool {
        self.count == Some(self.segments.len() as u64)
    }

    fn end_number(&mut self, limit: usize) -> Result<(), &'static str> {
        let value = number(&self.digits).ok_or("a line is not a number")?;
        self.digits.clear();
        match (self.count, self.offset.take()) {
            (None, _) if value > limit as u64 => return Err("there are too many segments"),
            (None, _) => self.count = Some(value),
            (Some(_), None) => self.offset = Some(value),
            (Some(_), Some(offset)) => self.segments.push(Segment { offset, length: value }),
        }
        Ok(())
    }
}

/// Holds a map against the file's size and what the archive stores of it; drops empty segments.
pub(super) fn checked(
    mut segments: Vec<Segment>,
    size: u64,
    stored: u64,
) -> Result<Vec<Segment>, &'static str> {
    let (mut end, mut sum) = (0_u64, 0_u64);
    for segment in &segments {
        if segment.offset < end {
            return Err("segments overlap or are not in order");
        }
        end = segment.offset.checked_add(segment.length).ok_or("a segment ends nowhere")?;
        sum += segment.length;
    }
    if end > size {
        return Err("a segment is outside of the file");
    }
    if sum != stored {
        return Err("the segments are not as long as the body");
    }
    segments.retain(|segment| segment.length > 0);
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(pairs: &[(u64, u64)]) -> Vec<Segment> {
        pairs.iter().map(|&(offset, length)| Segment { offset, length }).collect()
    }

    #[test]
    fn maps_are_held_against_the_file() {
        for (map, size, stored, good) in [
            (&[(0, 5), (10, 5)][..], 20, 10, true),
            (&[(0, 5), (20, 0)], 20, 5, true),
            (&[], 20, 0, true),
            (&[(0, 5), (4, 5)], 20, 10, false),
            (&[(10, 5), (0, 5)], 20, 10, false),
            (&[(0, 5), (16, 5)], 20, 10, false),
            (&[(0, 5)], 20, 6, false),
            (&[(u64::MAX, 5)], 20, 5, false),
        ] {
            assert_eq!(checked(segments(map), size, stored).is_ok(), good, "{map:?}");
        }
    }

    #[test]
    fn map_in_the_body() {
        let mut map = BodyMap::default();
        assert_eq!(map.add(b"2\n0\n5\n1", 10), Ok(false));
        assert_eq!(map.add(b"0\n5\n\0\0\0", 10), Ok(true));
        assert_eq!(map.segments, segments(&[(0, 5), (10, 5)]));
        assert!(BodyMap::default().add(b"11\n", 10).is_err());
        assert!(BodyMap::default().add(b"x\n", 10).is_err());
        assert!(BodyMap::default().add(&[b'0'; 21], 10).is_err());
    }
}
