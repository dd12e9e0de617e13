//! PAX extended headers: records of `LENGTH KEY=VALUE\n` about the next entry.
//!
//! What would let two readers see two archives is an error: a wrong length, a missing newline, a NUL in a name.
//! Source: POSIX.1-2017 pax, "pax Extended Header"; GNU tar manual, "Storing Sparse Files".

use super::encoding;
use super::sparse::{self, PaxSparse};
use super::{Counted, Limits, TarError};

/// What the extension headers before an entry say about it.
#[derive(Debug, Default)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
    pub(super) mtime: Option<(i64, u32)>,
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) sparse: PaxSparse,
}

impl Pax {
    /// Parses the body of the extension header that stands at `offset`.
    pub(super) fn parse(body: &[u8], offset: u64, limits: &Limits) -> Result<Self, TarError> {
        let mut pax = Self::default();
        let mut rest = body;
        while !rest.is_empty() {
            let (key, value, behind) =
                record(rest).map_err(|problem| TarError::Extension { offset, problem })?;
            pax.apply(key, value).map_err(|problem| TarError::Extension { offset, problem })?;
            pax.check_xattrs(offset, limits)?;
            rest = behind;
        }
        Ok(pax)
    }

    fn apply(&mut self, key: &[u8], value: &[u8]) -> Result<(), &'static str> {
        match key {
            // The last record of a key counts, and an empty value takes the earlier ones back.
            b"path" => self.path = name(value)?,
            b"linkpath" => self.link = name(value)?,
            b"size" => self.size = optional(value, number, "size is not a number")?,
            b"uid" => self.uid = optional(value, number, "uid is not a number")?,
            b"gid" => self.gid = optional(value, number, "gid is not a number")?,
            b"mtime" => self.mtime = optional(value, time, "mtime is not a time")?,
            b"uname" | b"gname" | b"comment" => drop(name(value)?),
            _ => return self.apply_namespaced(key, value),
        }
        Ok(())
    }

    fn apply_namespaced(&mut self, key: &[u8], value: &[u8]) -> Result<(), &'static str> {
        if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
            self.add_xattr(name.to_vec(), value.to_vec())
        } else if let Some(name) = key.strip_prefix(b"LIBARCHIVE.xattr.") {
            let name = encoding::percent(name).ok_or("an xattr name is badly encoded")?;
            let value = encoding::base64(value).ok_or("an xattr value is badly encoded")?;
            self.add_xattr(name, value)
        } else if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
            self.sparse.apply(key, value)
        } else {
            Ok(())
        }
    }

    fn add_xattr(&mut self, name: Vec<u8>, value: Vec<u8>) -> Result<(), &'static str> {
        if name.is_empty() || name.contains(&0) {
            return Err("an xattr has no valid name");
        }
        match self.xattrs.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.xattrs.push((name, value)),
        }
        Ok(())
    }

    fn check_xattrs(&self, offset: u64, limits: &Limits) -> Result<(), TarError> {
        if self.xattrs.len() > limits.xattrs {
            return Err(TarError::TooLarge { offset, limit: limits.xattrs as u64, counted: Counted::Xattrs });
        }
        match self.xattrs.last() {
            Some((_, value)) if value.len() > limits.xattr => {
                Err(TarError::TooLarge { offset, limit: limits.xattr as u64, counted: Counted::XattrBytes })
            }
            _ => Ok(()),
        }
    }
}

/// Key, value and what follows the record.
type Record<'a> = (&'a [u8], &'a [u8], &'a [u8]);

/// Splits the first record off.
fn record(bytes: &[u8]) -> Result<Record<'_>, &'static str> {
    let space = bytes.iter().take(20).position(|&byte| byte == b' ').ok_or("a record has no length")?;
    let length = number(&bytes[..space]).and_then(|length| usize::try_from(length).ok());
    let length = length.ok_or("a record has no length")?;
    // Shortest of all: a key of one byte, `=` and the newline.
    if length < space + 4 || length > bytes.len() {
        return Err("a record has a wrong length");
    }
    let (record, rest) = bytes.split_at(length);
    let record = record[space + 1..].strip_suffix(b"\n").ok_or("a record does not end in a newline")?;
    let equals = record.iter().position(|&byte| byte == b'=').ok_or("a record has no `=`")?;
    let (key, value) = (&record[..equals], &record[equals + 1..]);
    if key.is_empty() || key.contains(&0) {
        return Err("a record has no valid key");
    }
    Ok((key, value, rest))
}

/// A path; an empty one is none.
pub(super) fn name(value: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    if value.contains(&0) {
        return Err("a name holds a NUL byte");
    }
    Ok((!value.is_empty()).then(|| value.to_vec()))
}

fn optional<T>(
    value: &[u8],
    parse: impl FnOnce(&[u8]) -> Option<T>,
    problem: &'static str,
) -> Result<Option<T>, &'static str> {
    if value.is_empty() { Ok(None) } else { parse(value).map(Some).ok_or(problem) }
}

/// A decimal number without a sign.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, &digit| match digit {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// `[-]SECONDS[.FRACTION]`; digits behind the ninth are cut off.
fn time(value: &[u8]) -> Option<(i64, u32)> {
    let (negative, value) = match value.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    let dot = value.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = match dot {
        Some(dot) => (&value[..dot], &value[dot + 1..]),
        None => (value, &b"0"[..]),
    };
    let seconds = i64::try_from(number(whole)?).ok()?;
    let nanoseconds = nanoseconds(fraction)?;
    Some(match (negative, nanoseconds) {
        (false, nanoseconds) => (seconds, nanoseconds),
        (true, 0) => (-seconds, 0),
        // A timespec counts its fraction forward, also before 1970.
        (true, nanoseconds) => (-seconds - 1, 1_000_000_000 - nanoseconds),
    })
}

fn nanoseconds(fraction: &[u8]) -> Option<u32> {
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = fraction.iter().chain(b"000000000").take(9);
    Some(digits.fold(0, |value, digit| value * 10 + u32::from(digit - b'0')))
}

impl Pax {
    /// The map of a sparse file, where these records have one.
    pub(super) fn sparse_form(&self, offset: u64) -> Result<Option<sparse::Form>, TarError> {
        self.sparse.form().map_err(|problem| TarError::Sparse { offset, problem })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &[u8]) -> Result<Pax, TarError> {
        Pax::parse(body, 0, &Limits::default())
    }

    fn written(records: &[(&str, &str)]) -> Vec<u8> {
        let mut body = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let mut length = rest + 1;
            while rest + length.to_string().len() != length {
                length += 1;
            }
            body.extend(format!("{length} {key}={value}\n").bytes());
        }
        body
    }

    #[test]
    fn records() {
        let body = written(&[
            ("path", "first"),
            ("path", "a=b\nc"),
            ("uid", "1000"),
            ("gid", "7"),
            ("gid", ""),
            ("mtime", "12.0345"),
            ("comment", "none"),
            ("SCHILY.xattr.user.a", "1"),
            ("LIBARCHIVE.xattr.user.%62", "YWI"),
        ]);
        let pax = parse(&body).unwrap();
        assert_eq!(pax.path.as_deref(), Some(&b"a=b\nc"[..]));
        assert_eq!((pax.uid, pax.gid, pax.mtime), (Some(1000), None, Some((12, 34_500_000))));
        let xattr = |name: &[u8], value: &[u8]| (name.to_vec(), value.to_vec());
        assert_eq!(pax.xattrs, [xattr(b"user.a", b"1"), xattr(b"user.b", b"ab")]);
    }

    #[test]
    fn malformed_records() {
        for body in [
            &b"x"[..],
            b" path=a\n",
            b"11 path=a\n",
            b"8 path=a\n",
            b"9 path=a ",
            b"09999999999999999999999 path=a\n",
            b"-9 path=a\n",
            b"6 path\n",
            b"5 =a\n",
            b"4 =\n",
            b"9 path=\0\n",
            b"11 uname=\0\n",
            b"9 size=x\n",
            b"10 size=-1\n",
            b"11 size=0x1\n",
            b"28 size=99999999999999999999\n",
            b"9 path=a\n\0\0",
            b"20 mtime=1.5e3 xxxx\n",
        ] {
            assert!(parse(body).is_err(), "{}", body.escape_ascii());
        }
    }

    #[test]
    fn times() {
        for (text, value) in [
            ("0", Some((0, 0))),
            ("1.5", Some((1, 500_000_000))),
            ("1.", Some((1, 0))),
            ("1.1234567899", Some((1, 123_456_789))),
            ("-1", Some((-1, 0))),
            ("-0.25", Some((-1, 750_000_000))),
            ("9223372036854775808", None),
            ("1.x", None),
            (".5", None),
            ("--1", None),
        ] {
            assert_eq!(time(text.as_bytes()), value, "{text}");
        }
    }
}
