//! The verbs about the life of containers that exist, which stand alone and behind `container`.

use clap::{ArgAction, Args, Subcommand};

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum LifecycleVerb {
    /// Start containers that do not run
    Start(StartArgs),
    /// Ask containers to stop, and kill those that take too long
    Stop(StopArgs),
    /// Stop containers and start them again
    Restart(StopArgs),
    /// Send containers a signal
    Kill(KillArgs),
    /// Wait until containers have ended, and print their exit codes
    Wait(WaitArgs),
    /// Connect with a running container
    Attach(AttachArgs),
    /// Show what a container has written
    Logs(LogsArgs),
    /// Give a container another name
    Rename(RenameArgs),
    /// Stop the processes of containers for a while
    Pause(PauseArgs),
    /// Let the processes of containers go on
    Unpause(PauseArgs),
}

#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// Show what it writes, and end with its exit code
    #[arg(short, long)]
    pub(crate) attach: bool,
    /// Connect standard input, too
    #[arg(short, long)]
    pub(crate) interactive: bool,
    /// The keys that leave the container alone
    #[arg(long, value_name = "KEYS", default_value = "ctrl-p,ctrl-q", allow_hyphen_values = true)]
    pub(crate) detach_keys: String,
    /// Pass signals on to the container [default: true]
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL", action = ArgAction::Set)]
    pub(crate) sig_proxy: bool,
    /// Names, IDs or beginnings of IDs
    #[arg(required = true, value_name = "CONTAINER")]
    pub(crate) containers: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    /// Seconds to wait before killing it; -1 waits for ever [default: the container's, else 10]
    #[arg(
        short,
        long = "timeout",
        visible_alias = "time",
        value_name = "SECONDS",
        allow_hyphen_values = true
    )]
    pub(crate) time: Option<String>,
    /// The signal to send [default: the container's, else TERM]
    #[arg(short, long, value_name = "SIGNAL", allow_hyphen_values = true)]
    pub(crate) signal: Option<String>,
    /// Names, IDs or beginnings of IDs
    #[arg(required = true, value_name = "CONTAINER")]
    pub(crate) containers: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct KillArgs {
    /// The signal to send
    #[arg(short, long, value_name = "SIGNAL", default_value = "KILL", allow_hyphen_values = true)]
    pub(crate) signal: String,
    /// Names, IDs or beginnings of IDs
    #[arg(required = true, value_name = "CONTAINER")]
    pub(crate) containers: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    /// `json`, for an object on a line for each container
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<String>,
    /// Names, IDs or beginnings of IDs
    #[arg(required = true, value_name = "CONTAINER")]
    pub(crate) containers: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AttachArgs {
    /// The keys that leave the container alone
    #[arg(long, value_name = "KEYS", default_value = "ctrl-p,ctrl-q", allow_hyphen_values = true)]
    pub(crate) detach_keys: String,
    /// Do not connect standard input
    #[arg(long)]
    pub(crate) no_stdin: bool,
    /// Pass signals on to the container [default: true]
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL", action = ArgAction::Set)]
    pub(crate) sig_proxy: bool,
    /// Name, ID or beginning of an ID
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// Wait for more until the container has ended
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only the last lines, or `all`
    #[arg(short = 'n', long, value_name = "COUNT", allow_hyphen_values = true)]
    pub(crate) tail: Option<String>,
    /// Only what was written since: 10m, 2024-01-02T03:04:05Z, seconds since 1970
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) since: Option<String>,
    /// Only what was written before
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) until: Option<String>,
    /// When each line was begun
    #[arg(short, long)]
    pub(crate) timestamps: bool,
    /// For scripts that give it; there are no details
    #[arg(long, hide = true)]
    pub(crate) details: bool,
    /// Name, ID or beginning of an ID
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
}

#[derive(Debug, Args)]
pub(crate) struct RenameArgs {
    /// Name, ID or beginning of an ID
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
    /// The new name
    #[arg(value_name = "NAME", allow_hyphen_values = true)]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct PauseArgs {
    /// Names, IDs or beginnings of IDs
    #[arg(required = true, value_name = "CONTAINER")]
    pub(crate) containers: Vec<String>,
}
