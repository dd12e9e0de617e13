//! Amounts and limits: sizes in bytes, and `--ulimit`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a text is no amount or limit.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LimitError {
    /// Not a size.
    #[error("`{0}` is not a size (a number of bytes, also with k, m, g, t or p)")]
    Size(String),
    /// No bytes at all where there must be some.
    #[error("the size `{0}` must be more than nothing")]
    ZeroSize(String),
    /// `--ulimit` without `=`.
    #[error("`{0}` is not a limit (NAME=SOFT or NAME=SOFT:HARD)")]
    Shape(String),
    /// A resource nobody knows.
    #[error(
        "there is no limit `{0}`; there are as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack"
    )]
    Resource(String),
    /// A value that is no number.
    #[error("`{value}` in `{text}` is not a limit (a number, or -1 for unlimited)")]
    Value {
        /// The whole limit.
        text: String,
        /// The part that is wrong.
        value: String,
    },
    /// The soft limit is above the hard one.
    #[error("the soft limit in `{0}` is above the hard one")]
    SoftAboveHard(String),
}

/// Reads a size as Docker does: a number, which may have a fraction (`.5`) or an exponent (`1e3`), perhaps a blank,
/// then `k`, `m`, `g`, `t` or `p` for binary multiples, then `b` or `ib`; letters of any case. The result is in bytes.
///
/// # Errors
/// The text is no size, or more bytes than a file can have.
pub fn parse_size(text: &str) -> Result<u64, LimitError> {
    size(&text.to_ascii_lowercase()).ok_or_else(|| LimitError::Size(text.to_owned()))
}

/// Reads a size that has to be more than nothing, such as `--shm-size`. The result is in bytes.
///
/// # Errors
/// The text is no size, or 0.
pub fn parse_positive_size(text: &str) -> Result<u64, LimitError> {
    match parse_size(text)? {
        0 => Err(LimitError::ZeroSize(text.to_owned())),
        bytes => Ok(bytes),
    }
}

/// The size of `/dev/shm` if nobody says another, in bytes.
pub const DEFAULT_SHM_SIZE: u64 = 64 << 20;

fn size(text: &str) -> Option<u64> {
    let last = text.rfind(|char: char| char.is_ascii_digit() || char == '.')?;
    let (number, unit) = text.split_at_checked(last + 1)?;
    let shift = match unit.strip_prefix(' ').unwrap_or(unit) {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        "p" | "pb" | "pib" => 50,
        _ => return None,
    };
    scaled(number, shift)
}

/// Digits with a point among them and an exponent of ten behind, times two to the power of `shift`, rounded down.
fn scaled(number: &str, shift: u32) -> Option<u64> {
    let number = number.strip_prefix('+').unwrap_or(number);
    let (mantissa, exponent) = match number.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, i64::from(exponent.parse::<i16>().ok()?)),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0').as_bytes();
    if significant.is_empty() {
        return Some(0);
    }
    let point = i64::try_from(whole.len()).ok()? + exponent;
    let point = point - i64::try_from(digits.len() - significant.len()).ok()?;
    let digit = |place: i64| {
        let place = usize::try_from(place).ok().and_then(|place| significant.get(place));
        u128::from(place.map_or(0, |byte| byte - b'0'))
    };
    // No size has more digits in front of the point than these, and later ones behind it are less than a byte.
    if point > 20 {
        return None;
    }
    let whole = (0..point).fold(0, |whole, place| whole * 10 + digit(place));
    let part = (point..point + 18).fold(0, |part, place| part * 10 + digit(place));
    let bytes = (whole << shift) + (part << shift) / 10_u128.pow(18);
    u64::try_from(bytes).ok().filter(|bytes| i64::try_from(*bytes).is_ok())
}

/// A resource of `getrlimit(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names of getrlimit(2)")]
pub enum Resource {
    As,
    Core,
    Cpu,
    Data,
    Fsize,
    Locks,
    Memlock,
    Msgqueue,
    Nice,
    Nofile,
    Nproc,
    Rss,
    Rtprio,
    Rttime,
    Sigpending,
    Stack,
}

impl Resource {
    /// Every resource.
    pub const ALL: [Self; 16] = [
        Self::As,
        Self::Core,
        Self::Cpu,
        Self::Data,
        Self::Fsize,
        Self::Locks,
        Self::Memlock,
        Self::Msgqueue,
        Self::Nice,
        Self::Nofile,
        Self::Nproc,
        Self::Rss,
        Self::Rtprio,
        Self::Rttime,
        Self::Sigpending,
        Self::Stack,
    ];

    /// The word of `--ulimit`; the kernel's name is `RLIMIT_` and the same in upper case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::As => "as",
            Self::Core => "core",
            Self::Cpu => "cpu",
            Self::Data => "data",
            Self::Fsize => "fsize",
            Self::Locks => "locks",
            Self::Memlock => "memlock",
            Self::Msgqueue => "msgqueue",
            Self::Nice => "nice",
            Self::Nofile => "nofile",
            Self::Nproc => "nproc",
            Self::Rss => "rss",
            Self::Rtprio => "rtprio",
            Self::Rttime => "rttime",
            Self::Sigpending => "sigpending",
            Self::Stack => "stack",
        }
    }
}

/// One `--ulimit`: what the kernel will allow the container's processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ulimit {
    /// Of what.
    pub resource: Resource,
    /// The limit that counts; `None` is unlimited.
    pub soft: Option<u64>,
    /// How far an unprivileged process may raise it; `None` is unlimited.
    pub hard: Option<u64>,
}

impl Ulimit {
    /// What nobody has to ask for: a crash leaves no image of the process behind, which the machine's own handler would
    /// have to read.
    pub const NO_CORES: Self = Self { resource: Resource::Core, soft: Some(0), hard: Some(0) };
}

impl FromStr for Ulimit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let (name, values) = text.split_once('=').ok_or_else(|| LimitError::Shape(text.to_owned()))?;
        let resource = Resource::ALL.into_iter().find(|resource| resource.name() == name);
        let resource = resource.ok_or_else(|| LimitError::Resource(name.to_owned()))?;
        let value = |value: &str| match value {
            "-1" => Ok(None),
            _ => decimal(value)
                .map(Some)
                .ok_or_else(|| LimitError::Value { text: text.into(), value: value.into() }),
        };
        let (soft, hard) = values.split_once(':').unwrap_or((values, values));
        let (soft, hard) = (value(soft)?, value(hard)?);
        if hard.is_some_and(|hard| soft.is_none_or(|soft| soft > hard)) {
            return Err(LimitError::SoftAboveHard(text.to_owned()));
        }
        Ok(Self { resource, soft, hard })
    }
}

/// Digits and nothing else; the standard parser takes a `+`, too. The kernel's own "unlimited" is no number.
fn decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&number| digits && number != u64::MAX)
}

impl fmt::Display for Ulimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |limit: Option<u64>| limit.map_or_else(|| "-1".to_owned(), |limit| limit.to_string());
        write!(f, "{}={}:{}", self.resource.name(), shown(self.soft), shown(self.hard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("1", 1),
            ("10b", 10),
            ("1k", 1 << 10),
            ("1KB", 1 << 10),
            ("1KiB", 1 << 10),
            ("64m", DEFAULT_SHM_SIZE),
            ("1.5g", 3 << 29),
            ("0.5k", 512),
            ("2T", 2 << 40),
            ("1pib", 1 << 50),
            ("1.0000000000000000000000001k", 1024),
            (".5m", 512 << 10),
            ("1.", 1),
            ("1.k", 1 << 10),
            ("1 m", 1 << 20),
            ("1e3", 1000),
            ("1E+3", 1000),
            ("15e-1k", 1536),
            ("1e-9999", 0),
            ("0e9999", 0),
            ("+1", 1),
            ("00000000000000000000000000000001", 1),
            ("9223372036854775807", i64::MAX.cast_unsigned()),
            ("0.9", 0),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for bad in [
            "",
            "k",
            ".",
            ".k",
            "1.2.3",
            "-1",
            "++1",
            "1x",
            "1  m",
            "1m ",
            "1bk",
            "1mm",
            "١",
            "9999p",
            "1ib",
            " 1",
            "e3",
            "1e",
            "1e3.5",
            "1e99",
            "1e99999",
            "0x10",
            "1k5",
            "inf",
            "nan",
            "1_000",
            "9223372036854775808",
        ] {
            assert_eq!(parse_size(bad), Err(LimitError::Size(bad.into())), "{bad:?}");
        }
        assert_eq!(parse_size(&"9".repeat(100)), Err(LimitError::Size("9".repeat(100))));
        assert_eq!(parse_positive_size("0"), Err(LimitError::ZeroSize("0".into())));
        assert_eq!(parse_positive_size("64m"), Ok(DEFAULT_SHM_SIZE));
    }

    #[test]
    fn ulimits() {
        for (text, resource, soft, hard) in [
            ("nofile=1024:2048", Resource::Nofile, Some(1024), Some(2048)),
            ("nofile=1024", Resource::Nofile, Some(1024), Some(1024)),
            ("core=-1", Resource::Core, None, None),
            ("core=0:-1", Resource::Core, Some(0), None),
            ("as=5:5", Resource::As, Some(5), Some(5)),
        ] {
            let limit: Ulimit = text.parse().unwrap();
            assert_eq!(limit, Ulimit { resource, soft, hard }, "{text}");
            assert_eq!(limit.to_string().parse(), Ok(limit));
        }
        for bad in [
            "",
            "nofile",
            "nofile=",
            "nofile=:",
            "nofile=1:",
            "nofile=:1",
            "nofile=2:1",
            "nofile=-1:1",
            "nofile=+1",
            "nofile=-2",
            "nofile=1:2:3",
            "files=1",
            "NOFILE=1",
            "=1",
            "nofile=1k",
            "nofile= 1",
        ] {
            assert!(bad.parse::<Ulimit>().is_err(), "{bad:?}");
        }
        let message = "files=1".parse::<Ulimit>().unwrap_err().to_string();
        for resource in Resource::ALL {
            assert!(message.contains(resource.name()), "{message}");
        }
    }
}
