//! Moments as documents of images and people write them.

use super::program::time;

/// Reads a moment, and shows what was read in every way.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for moment in [time::parse(text), time::moment(text)].into_iter().flatten() {
        for shown in [time::ago(moment), time::date(moment), time::clock(moment), time::show(moment)] {
            assert!(!shown.is_empty());
        }
    }
}
