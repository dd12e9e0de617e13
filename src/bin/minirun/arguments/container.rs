//! The flags of the verbs about containers.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct ListContainers {
    /// Those that have ended, too
    #[arg(short, long)]
    pub(crate) all: bool,
    /// The newest so many, whatever they are doing
    #[arg(short = 'n', long, value_name = "COUNT", allow_hyphen_values = true)]
    pub(crate) last: Option<i64>,
    /// The newest, whatever it is doing
    #[arg(short, long)]
    pub(crate) latest: bool,
    /// Only IDs
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// IDs, commands and mounts in full
    #[arg(long)]
    pub(crate) no_trunc: bool,
    /// What each has written, and with the files of its image
    #[arg(short, long)]
    pub(crate) size: bool,
    /// Only those with `name=REGEX`, `id=BEGINNING`, `label=KEY[=VALUE]`, `volume=NAME|PATH` (a volume, a path of
    /// the host or one in the container), `status=STATE`, `exited=CODE`, `ancestor=IMAGE`, `network=MODE`,
    /// `publish=PORT`, `expose=PORT`, `health=none`, `before=CONTAINER` or `since=CONTAINER`
    #[arg(short, long = "filter", value_name = "KEY=VALUE")]
    pub(crate) filters: Vec<OsString>,
    /// `table`, `json`, or a template such as '{{.Names}}: {{.Status}}'
    #[arg(long, value_name = "FORMAT", allow_hyphen_values = true)]
    pub(crate) format: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PruneContainers {
    /// Do not ask
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Only those with `label=KEY[=VALUE]`, `label!=KEY[=VALUE]` or made before `until=TIME`
    #[arg(long = "filter", value_name = "KEY=VALUE")]
    pub(crate) filters: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveContainers {
    /// Kill those that run
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Their anonymous volumes, too
    #[arg(short, long)]
    pub(crate) volumes: bool,
    /// Names, IDs or beginnings of IDs
    #[arg(required = true, value_name = "CONTAINER")]
    pub(crate) containers: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// A name, an ID or the beginning of one
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// No notes
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// A name, an ID or the beginning of one
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
}

#[derive(Debug, Args)]
pub(crate) struct CommitArgs {
    /// Who made it
    #[arg(short, long, value_name = "WHO")]
    pub(crate) author: Option<String>,
    /// What it is
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) message: Option<String>,
    /// Change how it is run by an instruction as in a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK,
    /// LABEL, ONBUILD, SHELL, STOPSIGNAL, USER, VOLUME, WORKDIR
    #[arg(short, long = "change", value_name = "INSTRUCTION")]
    pub(crate) changes: Vec<String>,
    /// Let the container stand still meanwhile, if it has a cgroup of its own [default: true]
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, value_name = "BOOL", value_parser = clap::builder::BoolishValueParser::new(), action = clap::ArgAction::Set)]
    pub(crate) pause: Option<bool>,
    /// No notes
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// A name, an ID or the beginning of one
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
    /// The name of the image [default: none]
    #[arg(value_name = "NAME[:TAG]")]
    pub(crate) reference: Option<String>,
}

#[derive(Debug, Args)]
#[command(override_usage = "minirun top CONTAINER [PS OPTION]...")]
pub(crate) struct TopArgs {
    /// A name, an ID or the beginning of one
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
    /// Options of the machine's `ps`; its output must have a column PID
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "PS OPTION")]
    pub(crate) options: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PortArgs {
    /// A name, an ID or the beginning of one
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
    /// Only those that lead to this port of the container
    #[arg(value_name = "PORT[/PROTOCOL]")]
    pub(crate) port: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// Also those that do not run
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Look once, also on a terminal
    #[arg(long)]
    pub(crate) no_stream: bool,
    /// `table`, `table TEMPLATE`, `json`, or a template such as '{{json .}}'
    #[arg(long, value_name = "FORMAT", allow_hyphen_values = true)]
    pub(crate) format: Option<String>,
    /// For scripts that give it
    #[arg(long, hide = true)]
    pub(crate) no_trunc: bool,
    /// Names, IDs or beginnings of IDs [default: those that run]
    #[arg(value_name = "CONTAINER")]
    pub(crate) containers: Vec<String>,
}
