//! Names of signals, as `--stop-signal` and an image's `StopSignal` have them.
//!
//! Source: `signal(7)`; the numbers are those of every architecture that images are made for.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The names without `SIG`, in the order of their numbers, which begin with 1.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];
/// What the C library leaves to programs.
const REAL_TIME: std::ops::RangeInclusive<u8> = 34..=64;

/// Why a word is no signal.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is no signal: a name such as SIGTERM, TERM or RTMIN+3, or a number from 1 to 64")]
pub struct SignalError(String);

/// A signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalNumber(u8);

impl SignalNumber {
    /// From 1 to 64.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl FromStr for SignalNumber {
    type Err = SignalError;

    fn from_str(text: &str) -> Result<Self, SignalError> {
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let named = || NAMES.iter().position(|one| *one == name).and_then(|at| u8::try_from(at + 1).ok());
        let number = match decimal(&upper) {
            Some(number) => Some(number).filter(|number| (1..=64).contains(number)),
            None => named().or_else(|| real_time(name)),
        };
        number.map(Self).ok_or_else(|| SignalError(text.to_owned()))
    }
}

/// `RTMIN`, `RTMIN+1`, `RTMAX`, `RTMAX-1`, …
fn real_time(name: &str) -> Option<u8> {
    let offset = |rest: &str, sign: char| match rest.strip_prefix(sign) {
        Some(digits) => decimal(digits),
        None => rest.is_empty().then_some(0),
    };
    let number = match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(rest), _) => REAL_TIME.start().checked_add(offset(rest, '+')?),
        (_, Some(rest)) => REAL_TIME.end().checked_sub(offset(rest, '-')?),
        _ => None,
    };
    number.filter(|number| REAL_TIME.contains(number))
}

fn decimal(text: &str) -> Option<u8> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

impl fmt::Display for SignalNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.get(usize::from(self.0) - 1) {
            Some(name) => write!(f, "SIG{name}"),
            None if REAL_TIME.contains(&self.0) => write!(f, "SIGRTMIN+{}", self.0 - REAL_TIME.start()),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_signals() {
        for (text, number, shown) in [
            ("SIGTERM", 15, "SIGTERM"),
            ("term", 15, "SIGTERM"),
            ("9", 9, "SIGKILL"),
            ("RTMIN", 34, "SIGRTMIN+0"),
            ("SIGRTMIN+3", 37, "SIGRTMIN+3"),
            ("SIGRTMAX", 64, "SIGRTMIN+30"),
            ("RTMAX-30", 34, "SIGRTMIN+0"),
            ("33", 33, "33"),
            ("SYS", 31, "SIGSYS"),
        ] {
            let signal: SignalNumber = text.parse().unwrap();
            assert_eq!((signal.get(), signal.to_string().as_str()), (number, shown), "{text}");
        }
        for bad in ["", "0", "65", "+9", "SIG", "SIGNOPE", "RTMIN+31", "RTMAX-31", "RTMIN-1", "SIG9"] {
            assert!(bad.parse::<SignalNumber>().is_err(), "{bad}");
        }
    }
}
