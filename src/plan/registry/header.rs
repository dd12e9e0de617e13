//! Headers with numbers.

use std::time::Duration;

/// The most that a registry can have its clients wait.
pub const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// Which bytes an answer has: the header `Content-Range`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRange {
    /// The first one.
    pub first: u64,
    /// How many there are in the whole, where that is said.
    pub total: Option<u64>,
}

impl ContentRange {
    /// Reads `bytes FIRST-LAST/TOTAL`; nothing for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.trim().split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        let total = if total == "*" { None } else { Some(number(total)?) };
        let is_sound = first <= last && total.is_none_or(|total| last < total);
        is_sound.then_some(Self { first, total })
    }
}

/// How long the header `Retry-After` says to wait, in seconds; a date is left to the caller's own patience.
#[must_use]
pub fn retry_after(text: &str) -> Option<Duration> {
    number(text.trim()).map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT))
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_sound() {
        assert_eq!(ContentRange::parse("bytes 5-9/10"), Some(ContentRange { first: 5, total: Some(10) }));
        assert_eq!(ContentRange::parse("bytes 0-0/*"), Some(ContentRange { first: 0, total: None }));
        for bad in [
            "",
            "bytes",
            "bytes 5-4/10",
            "bytes 5-10/10",
            "bytes */10",
            "bytes +1-2/3",
            "items 1-2/3",
            "1-2/3",
        ] {
            assert_eq!(ContentRange::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn nobody_waits_for_ever() {
        assert_eq!(retry_after(" 3 "), Some(Duration::from_secs(3)));
        assert_eq!(retry_after("99999999"), Some(LONGEST_WAIT));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), None);
        assert_eq!(retry_after("-1"), None);
    }
}
