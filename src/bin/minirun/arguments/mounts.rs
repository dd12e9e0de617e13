//! The flags of the verbs about the mounts of containers that run.

use std::ffi::OsString;

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  minirun mount web ./src:/src:ro             a directory of yours
  minirun mount web cache:/cache              a volume, made if there is none
  minirun mount web type=bind,src=/a:b,dst=/c in the words of --mount
  minirun mount --tmpfs /scratch:size=64m web memory

It is gone with the container. Take it away before: minirun umount web /src.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, override_usage = "minirun mount [OPTIONS] CONTAINER [SPEC]")]
pub(crate) struct MountArgs {
    /// Mount a volume or a path of the host
    #[arg(
        short,
        long = "volume",
        value_name = "SOURCE:DEST[:OPTIONS]",
        allow_hyphen_values = true,
        conflicts_with_all = ["mount", "tmpfs", "spec"]
    )]
    pub(crate) volume: Option<OsString>,
    /// Mount what a list of `key=value` says
    #[arg(
        long,
        value_name = "KEY=VALUE,…",
        allow_hyphen_values = true,
        conflicts_with_all = ["tmpfs", "spec"]
    )]
    pub(crate) mount: Option<OsString>,
    /// Mount an empty directory in memory
    #[arg(long, value_name = "DEST[:OPTIONS]", allow_hyphen_values = true, conflicts_with = "spec")]
    pub(crate) tmpfs: Option<OsString>,
    /// No notes
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// A container that runs: its name, its ID or the beginning of it
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: Option<String>,
    /// What `-v` or `--mount` take
    #[arg(value_name = "SPEC")]
    pub(crate) spec: Option<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct UmountArgs {
    /// Also what is in use: out of sight at once, with all that is mounted below it
    #[arg(short, long)]
    pub(crate) lazy: bool,
    /// A container that runs
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
    /// Where the mounts are in the container
    #[arg(required = true, value_name = "DEST")]
    pub(crate) destinations: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct MountsArgs {
    /// `table`, `json`, or a template such as '{{.Destination}}: {{.Got}}'
    #[arg(long, value_name = "FORMAT", allow_hyphen_values = true)]
    pub(crate) format: Option<String>,
    /// A container: its name, its ID or the beginning of it
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
}
