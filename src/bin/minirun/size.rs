//! Sizes as Docker shows them: decimal, three digits.

const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/// `bytes` in the largest unit of which there is at least one: `7.8MB`.
pub(crate) fn show(bytes: u64) -> String {
    let mut unit: u128 = 1;
    let mut name = UNITS[0];
    let mut thousandths = u128::from(bytes) * 1000;
    for next in UNITS.iter().skip(1) {
        // What would be rounded up to a thousand is one of the next.
        if thousandths < 999_500 {
            break;
        }
        unit *= 1000;
        name = next;
        thousandths = (u128::from(bytes) * 1000 + unit / 2) / unit;
    }
    let step = match thousandths {
        0..=9_994 => 10,
        9_995..=99_949 => 100,
        _ => 1000,
    };
    let rounded = (thousandths + step / 2) / step * step;
    let (whole, part) = (rounded / 1000, rounded % 1000);
    let part = format!("{part:03}");
    match part.trim_end_matches('0') {
        "" => format!("{whole}{name}"),
        part => format!("{whole}.{part}{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_no_idle_zeros() {
        for (bytes, text) in [
            (0, "0B"),
            (1, "1B"),
            (999, "999B"),
            (1000, "1kB"),
            (1234, "1.23kB"),
            (12_345, "12.3kB"),
            (123_456, "123kB"),
            (999_499, "999kB"),
            (999_999, "1MB"),
            (7_800_000, "7.8MB"),
            (7_804_000, "7.8MB"),
            (9_996_000, "10MB"),
            (1_500_000_000, "1.5GB"),
            (u64::MAX, "18.4EB"),
        ] {
            assert_eq!(show(bytes), text, "{bytes}");
        }
    }
}
