//! The flags of `run` and `create` about how a container is watched over.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args};

/// Docker's truth values: `--detach`, `--detach=true`, `--detach=false`.
macro_rules! switch {
    () => {
        clap::builder::ValueParser::from(clap::builder::BoolishValueParser::new())
    };
}

#[derive(Debug, Default, Args)]
pub(crate) struct SupervisionArgs {
    /// Leave the container alone when it has started, and print its ID
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL", value_parser = switch!(), action = ArgAction::Set, help_heading = "Supervision")]
    pub(crate) detach: bool,
    /// Connect only these: stdin, stdout, stderr
    #[arg(
        short,
        long = "attach",
        value_name = "STREAM",
        allow_hyphen_values = true,
        help_heading = "Supervision"
    )]
    pub(crate) attach: Vec<String>,
    /// Pass signals on to the container [default: true]
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL", value_parser = switch!(), action = ArgAction::Set, help_heading = "Supervision")]
    pub(crate) sig_proxy: bool,
    /// Run under a supervisor, and leave it alone when these keys are typed: ctrl-p,ctrl-q
    #[arg(long, value_name = "KEYS", allow_hyphen_values = true, help_heading = "Supervision")]
    pub(crate) detach_keys: Option<String>,
    /// Start again when it has ended: no, on-failure[:COUNT], always, unless-stopped
    #[arg(long, value_name = "POLICY", allow_hyphen_values = true, help_heading = "Supervision")]
    pub(crate) restart: Option<String>,
    /// Seconds from the stop signal to the kill; -1 waits for ever [default: 10]
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true, help_heading = "Supervision")]
    pub(crate) stop_timeout: Option<String>,
    /// Stop it when it has run so long, with exit code 124: 90s, 5m, 2h
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, help_heading = "Supervision")]
    pub(crate) timeout: Option<String>,
    /// Write the process ID of its first process to a file
    #[arg(long, value_name = "FILE", allow_hyphen_values = true, help_heading = "Supervision")]
    pub(crate) pidfile: Option<PathBuf>,
    /// Write what became of it, as JSON: a file, or a descriptor as fd:3
    #[arg(long, value_name = "FILE", allow_hyphen_values = true, help_heading = "Supervision")]
    pub(crate) result: Option<OsString>,
    /// json-file (kept, for `minirun logs`) or none
    #[arg(long, value_name = "DRIVER", allow_hyphen_values = true, help_heading = "Supervision")]
    pub(crate) log_driver: Option<String>,
    /// max-size=SIZE of one log file, max-file=COUNT [default: 10m and 2]
    #[arg(
        long = "log-opt",
        value_name = "KEY=VALUE",
        allow_hyphen_values = true,
        help_heading = "Supervision"
    )]
    pub(crate) log_options: Vec<String>,
}
