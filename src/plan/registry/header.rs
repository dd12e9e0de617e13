//! Headers with numbers and dates.

use std::time::Duration;

/// The most that a registry can have its clients wait, each time.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);

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

/// How long the header `Retry-After` says to wait: so many seconds, or until a date. That is reckoned from `date`, the header
/// `Date` of the same answer, so that no clock has to be right.
///
/// Source: RFC 9110, section 10.2.3.
#[must_use]
pub fn retry_after(text: &str, date: Option<&str>) -> Option<Duration> {
    let seconds = match number(text.trim()) {
        Some(seconds) => seconds,
        None => http_date(text)?.saturating_sub(http_date(date?)?),
    };
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, in seconds since 1970; nothing for anything else, and for what was before.
///
/// Source: RFC 9110, section 5.6.7.
fn http_date(text: &str) -> Option<u64> {
    let words: Vec<&str> = text.trim().splitn(7, ' ').collect();
    let [_, day, month, year, time, "GMT"] = words[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? as u64;
    let (day, year) = (number(day)?, number(year)?);
    let times: Vec<u64> = time.splitn(4, ':').map(number).collect::<Option<_>>()?;
    let [hour, minute, second] = times[..] else { return None };
    let is_sound = (1..=31).contains(&day) && (1970..=9999).contains(&year);
    if !is_sound || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The days from the beginning of 1970 to a day, whose month is counted from 0 and itself from 1.
fn days(year: u64, month: u64, day: u64) -> u64 {
    // Years that begin in March have their odd day at the end.
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
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
        assert_eq!(retry_after(" 3 ", None), Some(Duration::from_secs(3)));
        assert_eq!(retry_after("99999999", None), Some(LONGEST_WAIT));
        assert_eq!(retry_after("-1", None), None);
        let date = "Wed, 21 Oct 2015 07:28:00 GMT";
        assert_eq!(retry_after(date, None), None);
        for (now, expected) in [
            ("Wed, 21 Oct 2015 07:27:13 GMT", Some(Duration::from_secs(47))),
            ("Tue, 20 Oct 2015 07:28:00 GMT", Some(LONGEST_WAIT)),
            ("Wed, 21 Oct 2015 08:00:00 GMT", Some(Duration::ZERO)),
            ("now", None),
        ] {
            assert_eq!(retry_after(date, Some(now)), expected, "{now}");
        }
    }

    #[test]
    fn dates_are_read() {
        for (text, expected) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Tue, 29 Feb 2000 23:59:59 GMT", Some(951_868_799)),
            ("Wed, 01 Mar 2000 00:00:00 GMT", Some(951_868_800)),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 06 Nov 1994 24:49:37 GMT", None),
            ("Sun, 00 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 99999 08:49:37 GMT", None),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("", None),
        ] {
            assert_eq!(http_date(text), expected, "{text}");
        }
    }
}
