//! The flags of the verbs about containers.

use std::ffi::OsString;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct ListContainers {
    /// Those that have ended, too
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Only IDs
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// IDs and commands in full
    #[arg(long)]
    pub(crate) no_trunc: bool,
    /// Only those with `name=PART`, `id=BEGINNING`, `label=KEY[=VALUE]`, `volume=NAME|PATH` (a volume, a path of
    /// the host or one in the container) or `status=running|exited|dead`
    #[arg(short, long = "filter", value_name = "KEY=VALUE")]
    pub(crate) filters: Vec<OsString>,
    /// `table`, `json`, or a template such as '{{.Names}}: {{.Status}}'
    #[arg(long, value_name = "FORMAT", allow_hyphen_values = true)]
    pub(crate) format: Option<String>,
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
