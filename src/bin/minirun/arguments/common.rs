//! The flags that `run`, `create` and `layer` have in common, with one meaning and one text.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use minirun::plan::image_limit::ImageLimits;

use super::mount_flags::MountFlags;
use super::registry::{AskArgs, KeepBlobsArgs, Pull};
use super::resources::ResourceArgs;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum DriverWord {
    /// Overlay, and a copy where the kernel refuses it
    #[default]
    Auto,
    /// Overlay or an error
    Overlay,
    /// A private copy of the image
    Vfs,
}

// Flags without a heading stand before these where they are flattened: clap would put them below the last one here.
#[derive(Debug, Default, Args)]
pub(crate) struct CommonArgs {
    #[command(flatten)]
    pub(crate) mounts: MountFlags,
    /// How the root filesystem is made
    #[arg(long, value_enum, default_value = "auto", value_name = "DRIVER", help_heading = "Files")]
    pub(crate) driver: DriverWord,
    /// Size of /dev/shm [default: 64m]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, help_heading = "Files")]
    pub(crate) shm_size: Option<String>,

    /// Set a variable, or take the caller's
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
    /// Run with this supplementary group, too; keep-groups: with the caller's
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
    /// no-new-privileges[=true|false] [default: true], seccomp=FILE|builtin|unconfined, systempaths=unconfined,
    /// mask=PATHS, unmask=PATHS|ALL, proc-opts=hidepid=MODE
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
    /// Name of the machine inside [default: the container's short ID]
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
    #[arg(
        long,
        alias = "dns-opt",
        value_name = "OPTION",
        allow_hyphen_values = true,
        help_heading = "Network"
    )]
    pub(crate) dns_option: Vec<String>,

    /// Take the image for this platform
    #[arg(long, value_name = "OS[/ARCH[/VARIANT]]", allow_hyphen_values = true, help_heading = "Image")]
    pub(crate) platform: Option<String>,
    /// When the image is fetched from a registry: always, missing, newer or never [default: `MINIRUN_PULL`, else missing]
    #[arg(long, value_name = "WHEN", hide_possible_values = true, help_heading = "Image")]
    pub(crate) pull: Option<Pull>,
    #[command(flatten, next_help_heading = "Image")]
    pub(crate) ask: AskArgs,
    #[command(flatten, next_help_heading = "Image")]
    pub(crate) keep_blobs: KeepBlobsArgs,
    /// Take images only as this file says that their names were meant: see `minirun image lock`
    #[arg(long, value_name = "FILE", allow_hyphen_values = true, help_heading = "Image")]
    pub(crate) lock: Option<PathBuf>,
    /// Allow an image that is not loaded yet more or less than usual
    #[arg(
        long = "image-limit",
        value_name = "NAME=VALUE",
        allow_hyphen_values = true,
        long_help = ImageLimits::help(),
        help_heading = "Image"
    )]
    pub(crate) image_limits: Vec<String>,
}
