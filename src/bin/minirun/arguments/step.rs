//! The flags of `minirun layer`: those of `run` that make sense for it, with the same meanings.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args};
use minirun::plan::image_limit::ImageLimits;

use super::mount_flags::MountFlags;
use super::registry::{KeepBlobsArgs, Pull};
use super::resources::ResourceArgs;
use super::run::DriverWord;

const EXAMPLES: &str = "\
Examples:
  base=$(minirun layer alpine -- apk add gcc make)   runs once; from then on it only says which image that was
  minirun layer \"$base\" -v ./src:/src -w /src -t app -- make install
  minirun layer \"$base\" --cache ccache:/ccache -v ./src:/src -- make -C /src

The step is done again when the image, the command, a flag or a byte of what is bound has changed.
Binds are read-only; `:O` lets the command write, and throws that away. Standard output of the
command goes to standard error: on standard output comes the ID of the image.

Exit code: 0 if there is the image; the command's own if that is another one: then nothing is made;
125 if minirun fails, 126 if the command cannot be run, 127 if there is none.";

#[derive(Debug, Args)]
#[command(
    disable_help_flag = true,
    after_help = EXAMPLES,
    override_usage = "minirun layer [OPTIONS] IMAGE [OPTIONS] -- COMMAND [ARG]..."
)]
pub(crate) struct LayerArgs {
    /// The image to begin with
    #[arg(value_name = "IMAGE")]
    pub(crate) image: OsString,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,

    /// The name of the image that is made [default: none]
    #[arg(short = 't', long = "tag", value_name = "NAME[:TAG]")]
    pub(crate) reference: Option<String>,
    /// Run the command also if it has made its image before
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Change how the image is run by an instruction as in a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL,
    /// USER, VOLUME, WORKDIR
    #[arg(long = "change", value_name = "INSTRUCTION")]
    pub(crate) changes: Vec<String>,

    #[command(flatten)]
    pub(crate) mounts: MountFlags,
    /// Mount a volume or a path of the host whose content does not count, and stays
    #[arg(
        long = "cache",
        value_name = "SOURCE:DEST[:OPTIONS]",
        allow_hyphen_values = true,
        help_heading = "Files"
    )]
    pub(crate) caches: Vec<OsString>,
    /// How the root filesystem is made
    #[arg(long, value_enum, default_value = "auto", value_name = "DRIVER", help_heading = "Files")]
    pub(crate) driver: DriverWord,
    /// Size of /dev/shm [default: 64m]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, help_heading = "Files")]
    pub(crate) shm_size: Option<String>,

    /// Set a variable, or take the caller's; for this command alone
    #[arg(
        short,
        long = "env",
        value_name = "NAME[=VALUE]",
        allow_hyphen_values = true,
        help_heading = "Process"
    )]
    pub(crate) env: Vec<String>,
    /// Set the variables of a file, one on each line
    #[arg(long = "env-file", value_name = "FILE", allow_hyphen_values = true, help_heading = "Process")]
    pub(crate) env_files: Vec<PathBuf>,
    /// Start in this directory
    #[arg(short, long, value_name = "DIR", allow_hyphen_values = true, help_heading = "Process")]
    pub(crate) workdir: Option<OsString>,
    /// Run as this user; names are the image's
    #[arg(short, long, value_name = "USER[:GROUP]", allow_hyphen_values = true, help_heading = "Process")]
    pub(crate) user: Option<String>,
    /// Run with this supplementary group, too
    #[arg(long = "group-add", value_name = "GROUP", allow_hyphen_values = true, help_heading = "Process")]
    pub(crate) groups: Vec<String>,
    /// Permissions that new files do not get, octal [default: 0022]
    #[arg(long, value_name = "MASK", allow_hyphen_values = true, help_heading = "Process")]
    pub(crate) umask: Option<String>,
    /// Limit a resource: nofile=1024:2048
    #[arg(
        long = "ulimit",
        value_name = "NAME=SOFT[:HARD]",
        allow_hyphen_values = true,
        help_heading = "Process"
    )]
    pub(crate) ulimits: Vec<String>,

    #[command(flatten)]
    pub(crate) resources: ResourceArgs,

    /// Add a right of root, or ALL
    #[arg(long, value_name = "CAPABILITY", allow_hyphen_values = true, help_heading = "Isolation")]
    pub(crate) cap_add: Vec<String>,
    /// Take a right of root away, or ALL
    #[arg(long, value_name = "CAPABILITY", allow_hyphen_values = true, help_heading = "Isolation")]
    pub(crate) cap_drop: Vec<String>,
    /// As with `run`: no-new-privileges, seccomp, systempaths, mask, unmask, proc-opts
    #[arg(
        long = "security-opt",
        value_name = "OPTION",
        allow_hyphen_values = true,
        help_heading = "Isolation"
    )]
    pub(crate) security: Vec<String>,
    /// Which users there are: auto, keep-id, single, host
    #[arg(long, value_name = "MODE", allow_hyphen_values = true, help_heading = "Isolation")]
    pub(crate) userns: Option<String>,

    /// none, host, pasta, container:NAME [default: pasta where it works, else none]
    #[arg(long, alias = "net", value_name = "MODE", allow_hyphen_values = true, help_heading = "Network")]
    pub(crate) network: Option<String>,
    /// Name of the machine inside [default: another one each time]
    #[arg(short = 'h', long, value_name = "NAME", allow_hyphen_values = true, help_heading = "Network")]
    pub(crate) hostname: Option<String>,
    /// Add a line to /etc/hosts
    #[arg(long = "add-host", value_name = "NAME:IP", allow_hyphen_values = true, help_heading = "Network")]
    pub(crate) hosts: Vec<String>,
    /// Ask this name server
    #[arg(long, value_name = "IP", allow_hyphen_values = true, help_heading = "Network")]
    pub(crate) dns: Vec<String>,
    /// Search this domain
    #[arg(long, value_name = "DOMAIN", allow_hyphen_values = true, help_heading = "Network")]
    pub(crate) dns_search: Vec<String>,
    /// Set an option of resolv.conf
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true, help_heading = "Network")]
    pub(crate) dns_option: Vec<String>,

    /// Take the image for this platform
    #[arg(long, value_name = "OS[/ARCH[/VARIANT]]", allow_hyphen_values = true, help_heading = "Image")]
    pub(crate) platform: Option<String>,
    /// When the image is fetched from a registry: always, missing, newer or never [default: `MINIRUN_PULL`, else missing]
    #[arg(long, value_name = "WHEN", hide_possible_values = true, help_heading = "Image")]
    pub(crate) pull: Option<Pull>,
    /// Take images only as this file says that their names were meant: see `minirun image lock`
    #[arg(long, value_name = "FILE", allow_hyphen_values = true, help_heading = "Image")]
    pub(crate) lock: Option<PathBuf>,
    /// Allow an image that is not loaded yet more or less than usual
    #[arg(long = "image-limit", value_name = "NAME=VALUE", long_help = ImageLimits::help(), help_heading = "Image")]
    pub(crate) image_limits: Vec<String>,

    #[command(flatten)]
    pub(crate) keep_blobs: KeepBlobsArgs,
    /// No progress and no notes
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Show this help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
}
