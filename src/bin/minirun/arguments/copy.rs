//! The flags of `minirun cp`: Docker's, as typed.

use std::ffi::OsString;

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  minirun cp web:/etc/nginx.conf .           a file out of a container
  minirun cp ./site web:/srv                 a directory into one: /srv/site
  minirun cp ./site/. web:/srv               what is in it: /srv/index.html
  minirun cp web:/srv - | tar -t             as a tar archive; `-` as the source is one, too

A path with `:` in front of which there is no container begins with `/` or `./`.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CopyArgs {
    /// What comes into a container keeps its owners
    #[arg(short, long)]
    pub(crate) archive: bool,
    /// Copy what a symlink leads to, if the source is one
    #[arg(short = 'L', long)]
    pub(crate) follow_link: bool,
    /// No notes
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// What to copy: CONTAINER:PATH, or a path of the host, or `-`
    #[arg(value_name = "SOURCE")]
    pub(crate) source: OsString,
    /// Where to: a path of the host, or `-`, or CONTAINER:PATH
    #[arg(value_name = "DESTINATION")]
    pub(crate) destination: OsString,
}
