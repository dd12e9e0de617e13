//! The flags of `minirun run`: Docker's, as typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args};

use super::common::CommonArgs;
use super::supervision::SupervisionArgs;

const EXAMPLES: &str = "\
Examples:
  minirun run --rm host cat /etc/os-release          the machine's own files, below a throw-away layer
  minirun run --rm -it alpine                        a shell; the image is fetched if it is not here
  minirun run --rm -v data:/data --tmpfs /tmp host sh -c 'date >>/data/log; cat /data/log'
  minirun run --rm -v \"$PWD\":/src:ro -w /src alpine ls
  minirun run --rm --read-only -u 1000:1000 -e LANG=C oci:./layout:latest env
  echo x | minirun run --rm -i alpine cat
  minirun run --dry-run --rm host true               what would be done, and nothing done

IMAGE is a name or an ID of `minirun images`, oci:DIR[:TAG], oci-archive:FILE[:TAG],
docker-archive:FILE[:REF], rootfs:DIR, or host. Options end at IMAGE: what follows is the container's.

Exit code: the command's own; 124 if it ran longer than --timeout; 125 if minirun fails, 126 if the command cannot be run, 127 if there is
none, 128+N if signal N ended it.";

/// Docker's truth values: `--rm`, `--rm=true`, `--rm=false`.
macro_rules! switch {
    () => {
        clap::builder::ValueParser::from(clap::builder::BoolishValueParser::new())
    };
}

#[derive(Debug, Default, Args)]
#[command(
    args_override_self = true,
    disable_help_flag = true,
    after_help = EXAMPLES,
    override_usage = "minirun run [OPTIONS] IMAGE [COMMAND [ARG]...]"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct RunArgs {
    /// The image, then the command and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "IMAGE")]
    pub(crate) words: Vec<OsString>,

    /// Print the whole plan and do nothing
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL", value_parser = switch!(), action = ArgAction::Set)]
    pub(crate) dry_run: bool,
    /// No progress and no notes
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL", value_parser = switch!(), action = ArgAction::Set)]
    pub(crate) quiet: bool,
    /// Show this help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,

    #[command(flatten)]
    pub(crate) common: CommonArgs,

    /// Take over the volumes and binds of another container
    #[arg(
        long = "volumes-from",
        value_name = "CONTAINER[:OPTIONS]",
        allow_hyphen_values = true,
        help_heading = "Files"
    )]
    pub(crate) donors: Vec<String>,
    /// Driver of the volumes of -v: local
    #[arg(long, value_name = "DRIVER", allow_hyphen_values = true, help_heading = "Files")]
    pub(crate) volume_driver: Option<String>,
    /// What becomes of the image's VOLUMEs: anonymous, tmpfs, ignore [default: anonymous]
    #[arg(long, value_name = "MODE", allow_hyphen_values = true, help_heading = "Files")]
    pub(crate) image_volume: Option<String>,
    /// Make the root filesystem read-only
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL", value_parser = switch!(), action = ArgAction::Set, help_heading = "Files")]
    pub(crate) read_only: bool,
    /// With --read-only: /tmp, /run and /var/tmp in memory
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL", value_parser = switch!(), action = ArgAction::Set, help_heading = "Files")]
    pub(crate) read_only_tmpfs: bool,

    /// Run this program instead of the image's; an empty one resets it
    #[arg(long, value_name = "PROGRAM", allow_hyphen_values = true, help_heading = "Process")]
    pub(crate) entrypoint: Option<String>,
    /// Connect standard input
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL", value_parser = switch!(), action = ArgAction::Set, help_heading = "Process")]
    pub(crate) interactive: bool,
    /// Give the command a terminal
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL", value_parser = switch!(), action = ArgAction::Set, help_heading = "Process")]
    pub(crate) tty: bool,
    /// Start the command under a small init, which reaps and forwards signals
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL", value_parser = switch!(), action = ArgAction::Set, help_heading = "Process")]
    pub(crate) init: bool,

    /// Every right of root in the user namespace, every system call, and the kernel's files uncovered; no device of
    /// the machine
    #[arg(long, help_heading = "Isolation")]
    pub(crate) privileged: bool,
    /// nested: containers can be made inside; opens namespaces, mounts and the kernel's files to the container
    #[arg(long = "security", value_name = "MODE", allow_hyphen_values = true, help_heading = "Isolation")]
    pub(crate) security_modes: Vec<String>,
    /// Let 32-bit programs make system calls
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL", value_parser = switch!(), action = ArgAction::Set, help_heading = "Isolation")]
    pub(crate) abi32: bool,
    /// Reach only these: ro=PATH, rw=PATH, connect=PORT|none, bind=PORT|none, scope=abstract-sockets|signals, with
    /// commas between; best-effort: as far as this kernel can
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true, help_heading = "Isolation")]
    pub(crate) landlock: Vec<String>,
    /// Give it a device of the machine that you may use, or all those in a directory
    #[arg(
        long = "device",
        value_name = "PATH[:PATH][:rwm]",
        allow_hyphen_values = true,
        help_heading = "Isolation"
    )]
    pub(crate) devices: Vec<String>,

    /// Let a port of the machine lead to one of the container
    #[arg(
        short = 'p',
        long = "publish",
        value_name = "[IP:][HOST:]PORT[/PROTOCOL]",
        allow_hyphen_values = true,
        help_heading = "Network"
    )]
    pub(crate) ports: Vec<String>,

    /// Name of the container [default: made up]
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, help_heading = "Container")]
    pub(crate) name: Option<String>,
    /// Remove the container and its anonymous volumes at the end
    #[arg(long = "rm", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL", value_parser = switch!(), action = ArgAction::Set, help_heading = "Container")]
    pub(crate) remove: bool,
    /// The signal that asks the container to stop
    #[arg(long, value_name = "SIGNAL", allow_hyphen_values = true, help_heading = "Container")]
    pub(crate) stop_signal: Option<String>,
    /// Note something on the container
    #[arg(
        short,
        long = "label",
        value_name = "KEY[=VALUE]",
        allow_hyphen_values = true,
        help_heading = "Container"
    )]
    pub(crate) labels: Vec<String>,
    /// Note the lines of a file
    #[arg(long = "label-file", value_name = "FILE", allow_hyphen_values = true, help_heading = "Container")]
    pub(crate) label_files: Vec<PathBuf>,
    /// Write the ID to a new file
    #[arg(long, value_name = "FILE", allow_hyphen_values = true, help_heading = "Container")]
    pub(crate) cidfile: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) supervision: SupervisionArgs,
}
