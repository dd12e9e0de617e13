//! One header block of 512 bytes, as the archive has it.
//!
//! Source: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".

use super::TarError;

/// The size of a header and what bodies are padded to, in bytes.
pub(super) const BLOCK: usize = 512;

/// Which format wrote a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Before POSIX; nothing behind the link name.
    V7,
    /// POSIX: a prefix goes before the name.
    Ustar,
    /// GNU: other fields where the prefix would be.
    Gnu,
}

/// A header block whose checksum and format have been found right.
pub(super) struct Header<'a> {
    block: &'a [u8; BLOCK],
    offset: u64,
    /// Who wrote it.
    pub(super) format: Format,
}

impl<'a> Header<'a> {
    /// Checks the checksum and the magic of the block that stands at `offset`.
    pub(super) fn parse(block: &'a [u8; BLOCK], offset: u64) -> Result<Self, TarError> {
        let expected = unsigned(&block[148..156]).ok_or(TarError::Number { offset, field: "checksum" })?;
        if !checksums(block).contains(&i64::try_from(expected).unwrap_or(-1)) {
            return Err(TarError::Checksum { offset });
        }
        let format = match &block[257..265] {
            b"ustar\x0000" => Format::Ustar,
            b"ustar  \0" => Format::Gnu,
            [0, 0, 0, 0, 0, 0, 0, 0] => Format::V7,
            _ => return Err(TarError::Format { offset }),
        };
        Ok(Self { block, offset, format })
    }

    /// The type flag.
    pub(super) fn flag(&self) -> u8 {
        self.block[156]
    }

    /// The name with its prefix.
    pub(super) fn path(&self) -> Vec<u8> {
        let name = text(&self.block[0..100]);
        let prefix = text(&self.block[345..500]);
        if self.format != Format::Ustar || prefix.is_empty() {
            return name.to_vec();
        }
        [prefix, b"/", name].concat()
    }

    /// The target of a link.
    pub(super) fn link(&self) -> Vec<u8> {
        text(&self.block[157..257]).to_vec()
    }

    /// The size of the body in bytes.
    pub(super) fn size(&self) -> Result<u64, TarError> {
        self.number(124, 12, "size")
    }

    /// Permission bits with setuid, setgid and sticky.
    pub(super) fn mode(&self) -> Result<u32, TarError> {
        let mode = self.number(100, 8, "mode")?;
        // Some writers put the file type in; only the low bits mean something here.
        u32::try_from(mode & 0o7777).map_err(|_| self.bad("mode"))
    }

    /// The owner's user ID, unchecked.
    pub(super) fn uid(&self) -> Result<u64, TarError> {
        self.number(108, 8, "user id")
    }

    /// The owner's group ID, unchecked.
    pub(super) fn gid(&self) -> Result<u64, TarError> {
        self.number(116, 8, "group id")
    }

    /// Seconds since 1970; GNU writes earlier times as negative base-256 numbers.
    pub(super) fn mtime(&self) -> Result<i64, TarError> {
        let field = &self.block[136..148];
        let value = match field[0] {
            0xff => negative(field),
            _ => unsigned(field).and_then(|value| i64::try_from(value).ok()),
        };
        value.ok_or_else(|| self.bad("modification time"))
    }

    /// Major and minor number of a device.
    pub(super) fn device(&self) -> Result<(u32, u32), TarError> {
        if self.format == Format::V7 {
            return Ok((0, 0));
        }
        let part = |at, field| u32::try_from(self.number(at, 8, field)?).map_err(|_| self.bad(field));
        Ok((part(329, "device major number")?, part(337, "device minor number")?))
    }

    /// The four slots of an old GNU sparse map that the header itself has.
    pub(super) fn sparse_slots(&self) -> &'a [u8] {
        &self.block[386..482]
    }

    /// Whether more blocks of an old GNU sparse map follow.
    pub(super) fn sparse_continues(&self) -> bool {
        self.block[482] != 0
    }

    /// The size of an old GNU sparse file with its holes, in bytes.
    pub(super) fn sparse_size(&self) -> Result<u64, TarError> {
        self.number(483, 12, "real size")
    }

    fn number(&self, at: usize, length: usize, field: &'static str) -> Result<u64, TarError> {
        unsigned(&self.block[at..at + length]).ok_or_else(|| self.bad(field))
    }

    fn bad(&self, field: &'static str) -> TarError {
        TarError::Number { offset: self.offset, field }
    }
}

/// Unsigned as POSIX wants it, and signed as some old systems wrote it.
fn checksums(block: &[u8; BLOCK]) -> [i64; 2] {
    let mut sums = [0; 2];
    for (at, &byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&at) { b' ' } else { byte };
        sums[0] += i64::from(byte);
        sums[1] += i64::from(byte.cast_signed());
    }
    sums
}

/// What stands before the first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// An octal number between spaces and NULs, or a base-256 one. An empty field is zero.
pub(super) fn unsigned(field: &[u8]) -> Option<u64> {
    match field.first() {
        Some(0x80) => base256(&field[1..]),
        Some(0x81..) => None,
        _ => octal(field),
    }
}

fn octal(field: &[u8]) -> Option<u64> {
    let padding = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !padding(byte)).unwrap_or(field.len());
    let digits = &field[start..];
    let end = digits.iter().position(padding).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    if !rest.iter().all(padding) {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, &digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

fn base256(bytes: &[u8]) -> Option<u64> {
    bytes.iter().try_fold(0_u64, |value, &byte| value.checked_mul(256)?.checked_add(u64::from(byte)))
}

/// Two's complement over the whole field, the first byte being 0xff.
fn negative(field: &[u8]) -> Option<i64> {
    let inverted: Vec<u8> = field.iter().map(|byte| !byte).collect();
    let magnitude = i64::try_from(base256(&inverted)?).ok()?;
    Some(-1 - magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (field, value) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"00000000", Some(0)),
            (b"77777777", Some(0o7777_7777)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b"        ", Some(0)),
            (b"0000648\0", None),
            (b"-000644\0", None),
            (b"644\0 7\0\0", None),
            (b"0x1f\0\0\0\0", None),
            (b"\x80\0\0\0\0\0\x01\0", Some(256)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"\x81\0\0\0\0\0\0\0", None),
            (b"\x80\0\0\0\0\0\0\0\0\0\x01\0", Some(256)),
            (b"\x80\0\0\x01\0\0\0\0\0\0\0\0", None),
            (b"777777777777", Some(0o777_777_777_777)),
        ] {
            assert_eq!(unsigned(field), value, "{}", field.escape_ascii());
        }
    }

    #[test]
    fn times_before_1970() {
        assert_eq!(negative(&[0xff; 12]), Some(-1));
        let mut field = [0xff; 12];
        field[11] = 0;
        assert_eq!(negative(&field), Some(-256));
        assert_eq!(negative(&[0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }
}
