//! `-v`, `--mount` and `--tmpfs`, in the order in which they were typed.
//!
//! Of mounts that are equally deep the later one covers the earlier, whichever flag asks for it.

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use minirun::plan::mount::{MountError, MountRequest, parse_mount, parse_tmpfs, parse_volume};

/// Reads the value of one kind of flag.
type Parse = fn(&OsStr) -> Result<MountRequest, MountError>;

const FLAGS: [(&str, Parse); 3] = [("volume", parse_volume), ("mount", parse_mount), ("tmpfs", parse_tmpfs)];

/// The values of all mount flags, each with what reads it.
#[derive(Debug, Default)]
pub(crate) struct MountFlags(Vec<(Parse, OsString)>);

impl MountFlags {
    /// Adds the value of the flag `name`, behind all others.
    pub(super) fn push(&mut self, name: &str, value: OsString) {
        let parse = FLAGS.into_iter().find(|(flag, _)| *flag == name).map(|(_, parse)| parse);
        self.0.extend(parse.map(|parse| (parse, value)));
    }

    /// What they ask for.
    pub(crate) fn requests(&self) -> Result<Vec<MountRequest>, MountError> {
        self.0.iter().map(|(parse, text)| parse(text)).collect()
    }
}

impl FromArgMatches for MountFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut typed = Vec::new();
        for (name, parse) in FLAGS {
            let texts = matches.get_many::<OsString>(name).into_iter().flatten();
            let places = matches.indices_of(name).into_iter().flatten();
            typed.extend(places.zip(texts).map(|(place, text)| (place, parse, text.clone())));
        }
        typed.sort_by_key(|(place, ..)| *place);
        Ok(Self(typed.into_iter().map(|(_, parse, text)| (parse, text)).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for MountFlags {
    fn augment_args(command: Command) -> Command {
        let flag = |name: &'static str| {
            Arg::new(name)
                .long(name)
                .action(ArgAction::Append)
                .allow_hyphen_values(true)
                .value_parser(value_parser!(OsString))
                .help_heading("Files")
        };
        let volume = flag("volume").short('v').value_name("[SOURCE:]DEST[:OPTIONS]");
        let mount = flag("mount").value_name("KEY=VALUE,…");
        let tmpfs = flag("tmpfs").value_name("DEST[:OPTIONS]");
        command.args([
            volume.help("Mount a volume or a path of the host"),
            mount.help("Mount what a list of `key=value` says: type=volume|bind|tmpfs|image|…,src=…,dst=…"),
            tmpfs.help("Mount an empty directory in memory"),
        ])
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
