//! The flags of `minirun exec`: Docker's, as typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args};

const EXAMPLES: &str = "\
Examples:
  minirun exec web ps                        look around in a container that runs
  minirun exec -it web sh                    a shell in it
  minirun exec db pg_dump app >backup.sql    its output goes where minirun's goes
  minirun exec -u 0 -w /etc web ls -l        as root, whoever the container runs as

Options end at CONTAINER: what follows is the command's.

Exit code: the command's own; 126 if it cannot be run, 127 if there is none, 128+N if signal N ended it,
1 if there is no such container or it does not run.";

/// The keys that leave a command alone if no others are named.
pub(super) const DETACH_KEYS: &str = "ctrl-p,ctrl-q";

/// Docker's truth values: `-i`, `-i=true`, `-i=false`.
macro_rules! switch {
    () => {
        clap::builder::ValueParser::from(clap::builder::BoolishValueParser::new())
    };
}

#[derive(Debug, Default, Args)]
#[command(
    args_override_self = true,
    after_help = EXAMPLES,
    override_usage = "minirun exec [OPTIONS] CONTAINER COMMAND [ARG]..."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct ExecArgs {
    /// The container, then the command and its arguments
    #[arg(required = true, num_args = 2.., trailing_var_arg = true, value_names = ["CONTAINER", "COMMAND"])]
    pub(crate) words: Vec<OsString>,
    /// Connect standard input
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL", value_parser = switch!(), action = ArgAction::Set)]
    pub(crate) interactive: bool,
    /// Give the command a terminal
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL", value_parser = switch!(), action = ArgAction::Set)]
    pub(crate) tty: bool,
    /// Start the command and leave it alone: nobody sees what it writes
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL", value_parser = switch!(), action = ArgAction::Set)]
    pub(crate) detach: bool,
    /// Every right of root inside, and every system call
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL", value_parser = switch!(), action = ArgAction::Set)]
    pub(crate) privileged: bool,
    /// Set a variable, or take the caller's
    #[arg(short, long = "env", value_name = "NAME[=VALUE]", allow_hyphen_values = true)]
    pub(crate) env: Vec<String>,
    /// Set the variables of a file, one on each line
    #[arg(long = "env-file", value_name = "FILE", allow_hyphen_values = true)]
    pub(crate) env_files: Vec<PathBuf>,
    /// Run as this user; names are the container's [default: the container's user]
    #[arg(short, long, value_name = "USER[:GROUP]", allow_hyphen_values = true)]
    pub(crate) user: Option<String>,
    /// Start in this directory [default: the container's]
    #[arg(short, long, value_name = "DIR", allow_hyphen_values = true)]
    pub(crate) workdir: Option<OsString>,
    /// The keys that leave the command alone: it goes on, and nobody sees what it writes
    #[arg(long, value_name = "KEYS", default_value = DETACH_KEYS, allow_hyphen_values = true)]
    pub(crate) detach_keys: String,
    /// No notes
    #[arg(short, long)]
    pub(crate) quiet: bool,
}
