//! The records of a PAX header: `LENGTH KEY=VALUE\n` about the next entry.

use super::block::LONG_MAX;
use crate::store::tar::encoding;

/// Records in the order in which they were added.
#[derive(Default)]
pub(super) struct Records {
    text: Vec<u8>,
    /// Whether a value before was said not to be UTF-8.
    is_binary: bool,
}

impl Records {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.text
    }

    /// Takes a name that the header has no room for, or that only PAX says the encoding of; gives it back.
    pub(super) fn name(&mut self, key: &[u8], name: Vec<u8>, fits: fn(&[u8]) -> bool) -> Vec<u8> {
        let is_utf8 = std::str::from_utf8(&name).is_ok();
        if !fits(&name) || (is_utf8 && !name.is_ascii()) {
            self.say_encoding(is_utf8);
            self.add(key, &name);
        }
        name
    }

    /// Takes a number that is too large for the header; what the header says.
    pub(super) fn number(&mut self, key: &str, value: u64, max: u64) -> u64 {
        if value <= max {
            return value;
        }
        self.add(key.as_bytes(), value.to_string().as_bytes());
        0
    }

    /// Takes a time that is no plain number of seconds; what the header says.
    pub(super) fn time(&mut self, (seconds, nanoseconds): (i64, u32)) -> u64 {
        let whole = u64::try_from(seconds).ok().filter(|&seconds| seconds <= LONG_MAX);
        if whole.is_none() || nanoseconds > 0 {
            self.add(b"mtime", decimal(seconds, nanoseconds).as_bytes());
        }
        whole.unwrap_or(0)
    }

    /// Says that a map stands in front of the data (GNU, PAX 1.0).
    pub(super) fn sparse(&mut self, path: &[u8], size: u64) {
        self.add(b"GNU.sparse.major", b"1");
        self.add(b"GNU.sparse.minor", b"0");
        self.add(b"GNU.sparse.name", path);
        self.add(b"GNU.sparse.realsize", size.to_string().as_bytes());
    }

    /// An xattr, in the form of star and GNU tar, or where that cannot hold its name, in the form of libarchive.
    pub(super) fn xattr(&mut self, name: &[u8], value: &[u8]) {
        if name.contains(&b'=') {
            let key = [b"LIBARCHIVE.xattr.", &encoding::to_percent(name)[..]].concat();
            self.add(&key, &encoding::to_base64(value));
        } else {
            self.add(&[b"SCHILY.xattr.", name].concat(), value);
        }
    }

    fn say_encoding(&mut self, is_utf8: bool) {
        if is_utf8 == self.is_binary {
            self.add(b"hdrcharset", if is_utf8 { b"ISO-IR 10646 2000 UTF-8" } else { b"BINARY" });
            self.is_binary = !is_utf8;
        }
    }

    /// The length counts itself.
    fn add(&mut self, key: &[u8], value: &[u8]) {
        let rest = key.len() + value.len() + " =\n".len();
        let mut length = rest;
        while length != rest + length.to_string().len() {
            length = rest + length.to_string().len();
        }
        self.text.extend(length.to_string().bytes());
        for part in [b" ", key, b"=", value, b"\n"] {
            self.text.extend_from_slice(part);
        }
    }
}

/// Seconds since 1970 with their fraction, which a negative number counts backward.
fn decimal(seconds: i64, nanoseconds: u32) -> String {
    let (sign, whole, fraction) = match (seconds < 0, nanoseconds) {
        (false, _) | (true, 0) => (if seconds < 0 { "-" } else { "" }, seconds.unsigned_abs(), nanoseconds),
        (true, _) => ("-", seconds.unsigned_abs() - 1, 1_000_000_000 - nanoseconds),
    };
    let text = format!("{sign}{whole}.{fraction:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_themselves() {
        for length in [1, 90, 91, 92, 93, 94, 980, 990, 991, 992, 993, 994, 995] {
            let mut records = Records::default();
            records.add(b"k", &vec![b'v'; length]);
            let text = records.bytes();
            let space = text.iter().position(|&byte| byte == b' ').unwrap();
            let said: usize = std::str::from_utf8(&text[..space]).unwrap().parse().unwrap();
            assert_eq!(said, text.len());
        }
    }

    #[test]
    fn times() {
        for (time, text) in [
            ((1, 500_000_000), "1.5"),
            ((10, 0), "10"),
            ((0, 1), "0.000000001"),
            ((-1, 0), "-1"),
            ((-1, 750_000_000), "-0.25"),
            ((i64::MIN, 0), "-9223372036854775808"),
        ] {
            assert_eq!(decimal(time.0, time.1), text);
        }
    }
}
