//! What time it is, and the clock that files take their times from.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Seconds since 1970, and nanoseconds after that.
///
/// Of the standard library: it has found the kernel's function when the program began, and rustix would look for it anew.
#[must_use]
pub fn now() -> (i64, u32) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos())
}

/// Waits, a few milliseconds at most, until the coarse clock has moved on; its new time.
///
/// What was changed before the call has an earlier time of change, and what is changed after it none that is earlier:
/// the kernel takes such times from this clock, or from the fine one where somebody has just looked at the file
/// (Linux 6.13), and never lets them go back.
#[must_use]
pub fn next_tick() -> Timespec {
    let first = clock_gettime(ClockId::RealtimeCoarse);
    loop {
        let now = clock_gettime(ClockId::RealtimeCoarse);
        if (now.tv_sec, now.tv_nsec) != (first.tv_sec, first.tv_nsec) {
            return now;
        }
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_parts_before_from_after() {
        let before = clock_gettime(ClockId::RealtimeCoarse);
        let tick = next_tick();
        let after = clock_gettime(ClockId::RealtimeCoarse);
        let time = |time: Timespec| (time.tv_sec, time.tv_nsec);
        assert!(time(before) < time(tick) && time(tick) <= time(after));
    }
}
