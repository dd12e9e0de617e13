//! Moments and how long ago they are, as Docker shows them.

use std::time::{SystemTime, UNIX_EPOCH};

use minirun::plan::supervision::parse_duration;

/// What [`moment`] takes.
pub(crate) const MOMENTS: &str =
    "a time such as 24h, 2024-01-31, 2024-01-31T12:00:00Z, or seconds since 1970";
const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A duration in seconds in the words of a person: `3 minutes`.
pub(crate) fn show(seconds: i64) -> String {
    let hours = seconds.saturating_add(HOUR / 2) / HOUR;
    match seconds {
        ..1 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        2..MINUTE => format!("{seconds} seconds"),
        MINUTE..120 => "About a minute".to_owned(),
        120..HOUR => format!("{} minutes", seconds / MINUTE),
        _ if hours == 1 => "About an hour".to_owned(),
        _ if hours < 48 => format!("{hours} hours"),
        _ if hours < 24 * 14 => format!("{} days", hours / 24),
        _ if hours < 24 * 60 => format!("{} weeks", hours / 24 / 7),
        _ if hours < 24 * 365 * 2 => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", hours / 24 / 365),
    }
}

/// How long ago `moment` was.
pub(crate) fn ago(moment: i64) -> String {
    format!("{} ago", show(now().saturating_sub(moment)))
}

/// A moment in the way of Docker's `CreatedAt`: `2024-01-02 03:04:05 +0000 UTC`.
pub(crate) fn date(moment: i64) -> String {
    let (days, second) = (moment.div_euclid(DAY), moment.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let (hour, minute) = (second / HOUR, second % HOUR / MINUTE);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{:02} +0000 UTC", second % MINUTE)
}

/// A moment as `ps` shows when a process began, in UTC: `03:04` on the same day, else `Jan02`.
pub(crate) fn clock(moment: i64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, second) = (moment.div_euclid(DAY), moment.rem_euclid(DAY));
    if days == now().div_euclid(DAY) {
        return format!("{:02}:{:02}", second / HOUR, second % HOUR / MINUTE);
    }
    let (_, month, day) = civil(days);
    let name = usize::try_from(month - 1).ok().and_then(|index| MONTHS.get(index)).unwrap_or(&"");
    format!("{name}{day:02}")
}

/// Seconds since 1970 of an RFC 3339 time; fractions of a second are dropped.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let marks = [(4, '-'), (7, '-'), (13, ':'), (16, ':')];
    let is_marked = marks.iter().all(|&(at, mark)| text.get(at..).is_some_and(|rest| rest.starts_with(mark)));
    if !is_marked {
        return None;
    }
    let days = days(number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let seconds = number(11, 13)? * HOUR + number(14, 16)? * MINUTE + number(17, 19)?;
    let zone = text.get(19..)?.trim_start_matches(|char: char| char == '.' || char.is_ascii_digit());
    let offset = match zone.get(..1)? {
        "Z" | "z" => 0,
        sign => {
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let number = |digits: &str| digits.parse::<u16>().ok().map(i64::from);
            let offset = number(hours)? * HOUR + number(minutes)? * MINUTE;
            if sign == "-" { -offset } else { offset }
        }
    };
    Some(days * DAY + seconds - offset)
}

/// Seconds since 1970 of a moment as a person gives it.
pub(crate) fn moment(text: &str) -> Option<i64> {
    nanoseconds(text).map(|nanoseconds| nanoseconds.div_euclid(SECOND))
}

/// Nanoseconds since 1970 of a moment as a person gives it: seconds since 1970, how long ago, a date, or an RFC 3339
/// time, whose zone and seconds may be left out.
pub(crate) fn nanoseconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if let Ok(seconds) = whole.parse::<i64>()
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
    {
        return seconds.checked_mul(SECOND)?.checked_add(billionths(fraction));
    }
    if let Some(ago) = parse_duration(text).ok().or_else(|| humantime::parse_duration(text).ok()) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        return i64::try_from(since.as_nanos()).ok()?.checked_sub(i64::try_from(ago.as_nanos()).ok()?);
    }
    let with_zone = |text: &str| parse(&format!("{text}Z"));
    let seconds = parse(text)
        .or_else(|| with_zone(text))
        .or_else(|| with_zone(&format!("{text}:00")))
        .or_else(|| with_zone(&format!("{text}T00:00:00")))?;
    let fraction: String = fraction.chars().take_while(char::is_ascii_digit).collect();
    seconds.checked_mul(SECOND)?.checked_add(billionths(&fraction))
}

/// Of the digits behind the point.
fn billionths(digits: &str) -> i64 {
    let nine: String = digits.chars().chain(std::iter::repeat('0')).take(9).collect();
    nine.parse().unwrap_or(0)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years begin in March, so that the day that comes
/// and goes is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leaps + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// The reverse: year, month and day.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year_of_era + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (seconds, text) in [
            (-5, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (180, "3 minutes"),
            (HOUR, "About an hour"),
            (2 * HOUR, "2 hours"),
            (47 * HOUR, "47 hours"),
            (2 * DAY, "2 days"),
            (14 * DAY, "2 weeks"),
            (60 * DAY, "2 months"),
            (800 * DAY, "2 years"),
        ] {
            assert_eq!(show(seconds), text);
        }
    }

    #[test]
    fn moments() {
        for (text, date_text) in [
            ("1970-01-01T00:00:00Z", "1970-01-01 00:00:00 +0000 UTC"),
            ("2024-02-29T23:59:59.999999999Z", "2024-02-29 23:59:59 +0000 UTC"),
            ("2024-03-01T01:00:00+02:00", "2024-02-29 23:00:00 +0000 UTC"),
            ("1969-12-31T23:00:00-02:30", "1970-01-01 01:30:00 +0000 UTC"),
            ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00 +0000 UTC"),
        ] {
            assert_eq!(parse(text).map(date).as_deref(), Some(date_text), "{text}");
        }
        assert_eq!(parse("2001-09-09T01:46:40Z"), Some(1_000_000_000));
        for bad in ["", "x", "2024-01-01", "2024-01-01T00:00:00", "2024-01-01T00:00:00+1", "äöüäöüäöüäöüäöüä"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn moments_of_people() {
        for (text, wanted) in [
            ("1700000000", 1_700_000_000 * SECOND),
            ("1700000000.5", 1_700_000_000 * SECOND + SECOND / 2),
            ("1970-01-02T00:00:00Z", 86_400 * SECOND),
            ("1970-01-02T00:00:00.25Z", 86_400 * SECOND + SECOND / 4),
            ("1970-01-02", 86_400 * SECOND),
            ("1970-01-02T00:01", 86_460 * SECOND),
            ("1970-01-02T00:00:01", 86_401 * SECOND),
        ] {
            assert_eq!(nanoseconds(text), Some(wanted), "{text}");
        }
        assert!((now() - moment("10m").unwrap() - 600).abs() < 2);
        for bad in ["", "yesterday", "1970-13", "9223372036854775807"] {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }
}
