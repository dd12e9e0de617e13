//! `HEALTHCHECK`: how to find out whether a container of the image is well.
//!
//! minirun asks no container how it is. It writes down what others ask.
//!
//! Source: Dockerfile reference, HEALTHCHECK; the fields are those of Docker's image configuration, times in nanoseconds.

use std::time::Duration;

use serde_json::{Map, Value, json};
use thiserror::Error;

use super::CommandLine;
use crate::plan::supervision::{SupervisionError, parse_duration};

/// The shortest time that Docker takes, unless it is nothing.
const SHORTEST: Duration = Duration::from_millis(1);

/// Why a text is no health check.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum HealthcheckError {
    /// Neither of the two words.
    #[error("`{0}` is neither NONE nor CMD")]
    Kind(String),
    /// Words behind `NONE`, or none behind `CMD`.
    #[error("NONE stands alone, and CMD has a command behind it")]
    Command,
    /// An option.
    #[error(
        "`{0}` is not an option that it has: --interval=, --timeout=, --start-period=, --start-interval=, --retries="
    )]
    Option(String),
    /// A time.
    #[error("`{name}` has no usable value")]
    Time {
        /// Which one.
        name: &'static str,
        /// What is wrong with it.
        #[source]
        cause: SupervisionError,
    },
    /// A time too short or too long to be written down.
    #[error("`{name}` is at least 1ms and at most 292 years")]
    Range {
        /// Which one.
        name: &'static str,
    },
    /// How often.
    #[error("`--retries={0}` is no number from 0 to 2147483647")]
    Retries(String),
}

/// A health check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healthcheck {
    /// What is run; none says that nothing is, also where the image below has something.
    test: Option<CommandLine>,
    /// The fields of times that are not 0, in nanoseconds.
    times: Vec<(&'static str, i64)>,
    /// How often in a row it has to fail.
    retries: u32,
}

impl Healthcheck {
    /// As an image's configuration has it.
    pub(super) fn to_json(&self) -> Value {
        let test = match &self.test {
            None => json!(["NONE"]),
            Some(CommandLine::Line(line)) => json!(["CMD-SHELL", line]),
            Some(CommandLine::Words(words)) => {
                std::iter::once("CMD").chain(words.iter().map(String::as_str)).collect()
            }
        };
        let mut fields = Map::new();
        fields.insert("Test".to_owned(), test);
        fields.extend(self.times.iter().map(|&(name, time)| (name.to_owned(), time.into())));
        if self.retries > 0 {
            fields.insert("Retries".to_owned(), self.retries.into());
        }
        fields.into()
    }
}

/// Reads what stands behind `HEALTHCHECK`.
pub(super) fn parse(text: &str) -> Result<Healthcheck, HealthcheckError> {
    let mut check = Healthcheck { test: None, times: Vec::new(), retries: 0 };
    let mut rest = text;
    while rest.starts_with("--") {
        let (option, behind) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        check.take(option)?;
        rest = behind.trim_start();
    }
    let (kind, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let command = super::command(rest.trim());
    check.test = match kind.to_ascii_uppercase().as_str() {
        "NONE" if rest.trim().is_empty() => None,
        "CMD" if command != CommandLine::Words(Vec::new()) => Some(command),
        "NONE" | "CMD" => return Err(HealthcheckError::Command),
        _ => return Err(HealthcheckError::Kind(kind.to_owned())),
    };
    Ok(check)
}

impl Healthcheck {
    fn take(&mut self, option: &str) -> Result<(), HealthcheckError> {
        let unknown = || HealthcheckError::Option(option.to_owned());
        let (name, value) = option.split_once('=').ok_or_else(unknown)?;
        let (name, field) = match name {
            "--interval" => ("--interval", "Interval"),
            "--timeout" => ("--timeout", "Timeout"),
            "--start-period" => ("--start-period", "StartPeriod"),
            "--start-interval" => ("--start-interval", "StartInterval"),
            "--retries" => {
                let retries = value.parse::<u32>().ok().filter(|&retries| i32::try_from(retries).is_ok());
                self.retries = retries.ok_or_else(|| HealthcheckError::Retries(value.to_owned()))?;
                return Ok(());
            }
            _ => return Err(unknown()),
        };
        let time = parse_duration(value).map_err(|cause| HealthcheckError::Time { name, cause })?;
        let nanoseconds = i64::try_from(time.as_nanos()).map_err(|_| HealthcheckError::Range { name })?;
        if !time.is_zero() && time < SHORTEST {
            return Err(HealthcheckError::Range { name });
        }
        self.times.retain(|(known, _)| *known != field);
        if nanoseconds > 0 {
            self.times.push((field, nanoseconds));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_written_as_docker_writes_them() {
        for (text, wanted) in [
            ("NONE", json!({ "Test": ["NONE"] })),
            ("cmd curl -f http://localhost/", json!({ "Test": ["CMD-SHELL", "curl -f http://localhost/"] })),
            (
                r#"--interval=1m30s  --timeout=250ms --retries=3 CMD ["/check", "-q"]"#,
                json!({
                    "Test": ["CMD", "/check", "-q"], "Interval": 90_000_000_000_i64, "Timeout": 250_000_000,
                    "Retries": 3,
                }),
            ),
            (
                "--start-period=0s --start-interval=2s --retries=0 CMD x",
                json!({ "Test": ["CMD-SHELL", "x"], "StartInterval": 2_000_000_000 }),
            ),
        ] {
            assert_eq!(parse(text).unwrap().to_json(), wanted, "{text}");
        }
    }

    #[test]
    fn whatever_else_is_refused() {
        for bad in [
            "",
            "NONE x",
            "CMD",
            "CMD []",
            "RUN x",
            "--interval CMD x",
            "--interval=x CMD x",
            "--interval=1us CMD x",
            "--interval=300000000h CMD x",
            "--retries=-1 CMD x",
            "--retries=2147483648 CMD x",
            "--other=1 CMD x",
            "--interval=1s",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
