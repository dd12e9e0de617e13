//! The flags of `minirun layer`.

use std::ffi::OsString;

use clap::{ArgAction, Args};

use super::common::CommonArgs;

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
    override_usage = "minirun layer [OPTIONS] IMAGE [OPTIONS] -- COMMAND [ARG]...",
    mut_arg("env", |env| env.help("Set a variable, or take the caller's; for this command alone"))
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
    /// Change how the image is run by an instruction as in a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK,
    /// LABEL, ONBUILD, SHELL, STOPSIGNAL, USER, VOLUME, WORKDIR
    #[arg(long = "change", value_name = "INSTRUCTION")]
    pub(crate) changes: Vec<String>,

    /// No progress and no notes
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Show this help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,

    #[command(flatten)]
    pub(crate) common: CommonArgs,
    /// Mount a volume or a path of the host whose content does not count, and stays
    #[arg(
        long = "cache",
        value_name = "SOURCE:DEST[:OPTIONS]",
        allow_hyphen_values = true,
        help_heading = "Files"
    )]
    pub(crate) caches: Vec<OsString>,
}
