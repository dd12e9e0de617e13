//! How a container is watched over: what becomes of its output, when it is stopped, and whether it begins again.

mod result_target;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::limit::{self, LimitError};

pub use result_target::ResultTarget;

/// How long a container may take to stop before it is killed, if nobody says otherwise.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// Why a word about supervision makes no sense.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SupervisionError {
    /// `--restart`.
    #[error("`{0}` is no restart policy: no, on-failure, on-failure:COUNT, always, unless-stopped")]
    Restart(String),
    /// `--timeout` and its like.
    #[error("`{0}` is no duration: seconds, or numbers with units as in 90s, 1m30s, 2h, 250ms")]
    Duration(String),
    /// `--stop-timeout` and `stop --time`.
    #[error("`{0}` is no number of seconds; -1 waits for ever")]
    Grace(String),
    /// `--result fd:`.
    #[error("`--result fd:{0}` names no descriptor from 3 on")]
    Descriptor(String),
    /// `--result fd:` of a container that lives on.
    #[error(
        "`--result {0}` and a container that lives on do not go together: nobody would hold the descriptor open"
    )]
    DescriptorLeft(ResultTarget),
    /// `--log-driver`.
    #[error("`{0}` is no log driver that minirun has: json-file, local, none")]
    LogDriver(String),
    /// `--log-opt`.
    #[error("`{0}` is no log option that minirun has: max-size=SIZE, max-file=COUNT")]
    LogOption(String),
    /// A value of `--log-opt`.
    #[error("cannot use `--log-opt {text}`")]
    LogSize {
        /// As typed.
        text: String,
        /// Why not.
        #[source]
        source: LimitError,
    },
}

/// Whether a container begins again when it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum RestartPolicy {
    /// Never.
    #[default]
    No,
    /// When it has failed, at most so many times in a row.
    OnFailure(Option<u32>),
    /// Whenever nobody has stopped it.
    Always,
    /// The same: there is no daemon that could start it again after the machine has.
    UnlessStopped,
}

impl RestartPolicy {
    /// The word without the count, as `inspect` has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::OnFailure(_) => "on-failure",
            Self::Always => "always",
            Self::UnlessStopped => "unless-stopped",
        }
    }

    /// The most restarts in a row; 0 for no limit.
    #[must_use]
    pub fn count(self) -> u32 {
        match self {
            Self::OnFailure(count) => count.unwrap_or(0),
            Self::No | Self::Always | Self::UnlessStopped => 0,
        }
    }

    /// Whether a container that has ended with `code`, and was restarted `restarts` times in a row, begins again.
    #[must_use]
    pub fn wants(self, code: u8, restarts: u32) -> bool {
        match self {
            Self::No => false,
            Self::OnFailure(limit) => code != 0 && limit.is_none_or(|limit| restarts < limit),
            Self::Always | Self::UnlessStopped => true,
        }
    }
}

impl FromStr for RestartPolicy {
    type Err = SupervisionError;

    fn from_str(text: &str) -> Result<Self, SupervisionError> {
        let error = || SupervisionError::Restart(text.to_owned());
        match text.split_once(':').map_or((text, None), |(word, count)| (word, Some(count))) {
            ("" | "no", None) => Ok(Self::No),
            ("always", None) => Ok(Self::Always),
            ("unless-stopped", None) => Ok(Self::UnlessStopped),
            ("on-failure", None) => Ok(Self::OnFailure(None)),
            ("on-failure", Some(count)) => {
                let count: u32 = count.parse().map_err(|_| error())?;
                Ok(Self::OnFailure((count > 0).then_some(count)))
            }
            _ => Err(error()),
        }
    }
}

impl fmt::Display for RestartPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnFailure(Some(count)) => write!(f, "on-failure:{count}"),
            Self::No | Self::OnFailure(None) | Self::Always | Self::UnlessStopped => f.write_str(self.name()),
        }
    }
}

/// How long a container that was asked to stop may take before it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grace {
    /// So many seconds.
    Seconds(u64),
    /// As long as it likes.
    Endless,
}

impl Grace {
    /// The time; none if it is endless.
    #[must_use]
    pub fn duration(self) -> Option<Duration> {
        match self {
            Self::Seconds(seconds) => Some(Duration::from_secs(seconds)),
            Self::Endless => None,
        }
    }
}

impl Default for Grace {
    fn default() -> Self {
        Self::Seconds(DEFAULT_GRACE.as_secs())
    }
}

impl FromStr for Grace {
    type Err = SupervisionError;

    fn from_str(text: &str) -> Result<Self, SupervisionError> {
        let seconds: i64 = text.parse().map_err(|_| SupervisionError::Grace(text.to_owned()))?;
        Ok(u64::try_from(seconds).map_or(Self::Endless, Self::Seconds))
    }
}

/// What becomes of the output besides being passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogPolicy {
    /// Nothing.
    Nothing,
    /// It is kept in files of at most this size.
    Files {
        /// Bytes of one file.
        size: u64,
        /// How many files there are at most; 1 at least.
        count: u32,
    },
}

impl Default for LogPolicy {
    fn default() -> Self {
        Self::Files { size: 10 << 20, count: 2 }
    }
}

impl LogPolicy {
    /// From `--log-driver` and every `--log-opt`.
    ///
    /// # Errors
    /// A word is unknown.
    pub fn parse(driver: Option<&str>, options: &[String]) -> Result<Self, SupervisionError> {
        let (mut size, mut count) = match Self::default() {
            Self::Files { size, count } => (size, count),
            Self::Nothing => (0, 0),
        };
        for text in options {
            let error = || SupervisionError::LogOption(text.clone());
            match text.split_once('=').ok_or_else(error)? {
                ("max-size", value) => {
                    size = limit::parse_positive_size(value)
                        .map_err(|source| SupervisionError::LogSize { text: text.clone(), source })?;
                }
                ("max-file", value) => {
                    count =
                        value.parse().ok().filter(|count| (1..=1000).contains(count)).ok_or_else(error)?;
                }
                _ => return Err(error()),
            }
        }
        match driver {
            None | Some("json-file" | "local") => Ok(Self::Files { size, count }),
            Some("none") => Ok(Self::Nothing),
            Some(other) => Err(SupervisionError::LogDriver(other.to_owned())),
        }
    }
}

/// What happens to the container's input when whoever was attached to it has no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum InputEnd {
    /// It ends.
    #[default]
    Closes,
    /// It stays open for the next.
    Stays,
}

/// How a container is watched over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Supervision {
    /// `--restart`.
    pub restart: RestartPolicy,
    /// `--stop-timeout`.
    pub grace: Option<Grace>,
    /// `--timeout`: when it is stopped, counted from its start.
    pub limit: Option<Duration>,
    /// `--log-driver` and `--log-opt`.
    pub log: LogPolicy,
    /// What the end of an attached input means.
    pub input_end: InputEnd,
    /// `--pidfile`, absolute.
    pub pid_file: Option<PathBuf>,
    /// `--result`.
    pub result: Option<ResultTarget>,
}

/// Reads a duration: seconds, or Go's way with units.
///
/// # Errors
/// The text is none.
pub fn parse_duration(text: &str) -> Result<Duration, SupervisionError> {
    let error = || SupervisionError::Duration(text.to_owned());
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| error());
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    if rest.is_empty() {
        return Err(error());
    }
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit() && char != '.').ok_or_else(error)?;
        let number: f64 = rest[..digits].parse().map_err(|_| error())?;
        rest = &rest[digits..];
        let units = [
            ("ms", 0.001),
            ("us", 1e-6),
            ("ns", 1e-9),
            ("s", 1.0),
            ("m", 60.0),
            ("h", 3600.0),
            ("d", 86400.0),
        ];
        let (unit, scale) = units.into_iter().find(|(unit, _)| rest.starts_with(unit)).ok_or_else(error)?;
        rest = &rest[unit.len()..];
        let part = Duration::try_from_secs_f64(number * scale).map_err(|_| error())?;
        total = total.checked_add(part).ok_or_else(error)?;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies() {
        for (text, policy) in [
            ("", RestartPolicy::No),
            ("no", RestartPolicy::No),
            ("always", RestartPolicy::Always),
            ("unless-stopped", RestartPolicy::UnlessStopped),
            ("on-failure", RestartPolicy::OnFailure(None)),
            ("on-failure:0", RestartPolicy::OnFailure(None)),
            ("on-failure:3", RestartPolicy::OnFailure(Some(3))),
        ] {
            assert_eq!(text.parse(), Ok(policy), "{text}");
        }
        for bad in ["never", "always:3", "on-failure:", "on-failure:x", "on-failure:-1", "no:1"] {
            assert!(bad.parse::<RestartPolicy>().is_err(), "{bad}");
        }
        assert!(RestartPolicy::OnFailure(Some(2)).wants(1, 1));
        assert!(!RestartPolicy::OnFailure(Some(2)).wants(1, 2));
        assert!(!RestartPolicy::OnFailure(None).wants(0, 0));
        assert!(RestartPolicy::Always.wants(0, 99));
    }

    #[test]
    fn durations() {
        for (text, milliseconds) in [
            ("0", 0),
            ("5", 5000),
            ("0.5", 500),
            ("1m30s", 90_000),
            ("250ms", 250),
            ("2h", 7_200_000),
            ("1.5m", 90_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        let overflow = "18446744073709549568s18446744073709549568s";
        for bad in ["", "x", "5x", "-1", "1m5", "nan", "inf", "m", overflow] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn logs() {
        let options = |options: &[&str]| options.iter().map(|&option| option.to_owned()).collect::<Vec<_>>();
        assert_eq!(LogPolicy::parse(None, &[]), Ok(LogPolicy::Files { size: 10 << 20, count: 2 }));
        assert_eq!(LogPolicy::parse(Some("none"), &[]), Ok(LogPolicy::Nothing));
        assert_eq!(
            LogPolicy::parse(Some("json-file"), &options(&["max-size=1k", "max-file=3"])),
            Ok(LogPolicy::Files { size: 1024, count: 3 })
        );
        for bad in ["max-size", "max-size=0", "max-file=0", "tag=x"] {
            assert!(LogPolicy::parse(None, &options(&[bad])).is_err(), "{bad}");
        }
        assert!(LogPolicy::parse(Some("syslog"), &[]).is_err());
    }

    #[test]
    fn graces() {
        assert_eq!("5".parse(), Ok(Grace::Seconds(5)));
        assert_eq!("-1".parse(), Ok(Grace::Endless));
        assert!("x".parse::<Grace>().is_err());
    }
}
