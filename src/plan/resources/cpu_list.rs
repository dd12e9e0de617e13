//! Lists of processors or memory nodes: `0-3,5`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// The largest number that a list may hold; far above what a kernel knows.
const LARGEST: u32 = 8191;

/// Some processors, or memory nodes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CpuList(BTreeSet<u32>);

impl FromStr for CpuList {
    type Err = ();

    /// Numbers and ranges of them, with commas between.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut numbers = BTreeSet::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let number = |digits: &str| {
                let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                digits.parse::<u32>().ok().filter(|&number| plain && number <= LARGEST).ok_or(())
            };
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return Err(());
            }
            numbers.extend(first..=last);
        }
        Ok(Self(numbers))
    }
}

impl fmt::Display for CpuList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&numbers.join(","))
    }
}
