//! The command lines that start something.
//!
//! clap is told about every verb before it reads the first word, and each of them gets its copy of what all have. Who starts
//! a thousand containers waits for that a thousand times. So where the first word is one of the verbs that start
//! something, only that one is described. What cannot be read then, help among it, is for the description of everything:
//! it knows what to say.

use std::ffi::OsString;

use clap::{Args as _, Command, FromArgMatches as _};

use super::exec::ExecArgs;
use super::run::RunArgs;
use super::{Arguments, PlaceArgs};

/// Reads a command line that begins with such a verb and has nothing wrong with it.
pub(super) fn parse(words: &[OsString]) -> Option<Arguments> {
    let verb = match words.get(1)?.to_str()? {
        "run" => RunArgs::augment_args(Command::new("run")),
        "exec" => ExecArgs::augment_args(Command::new("exec")),
        _ => return None,
    };
    let command = PlaceArgs::augment_args(Command::new("minirun")).subcommand(verb);
    let matches = command.try_get_matches_from(words).ok()?;
    Arguments::from_arg_matches(&matches).ok()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        ["minirun"].into_iter().chain(line.split(' ')).map(OsString::from).collect()
    }

    #[test]
    fn a_frequent_verb_means_what_it_always_means() {
        for line in [
            "run alpine",
            "run --rm -it -v a:/b --tmpfs=/tmp -e X=y --store /s alpine sh -c true --store",
            "run --store=/s --rm=false --init -p 1:2 -- alpine --rm",
            "run -dq --userns single --network none --label a --label b=c x",
            "exec web ps -ef",
            "exec --store /s -it -u 0 -w /etc web -- ls",
        ] {
            let words = words(line);
            let expected = Arguments::try_parse_from(&words).unwrap();
            let found = parse(&words).unwrap();
            assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{line}");
        }
    }

    #[test]
    fn whatever_else_is_left_to_the_description_of_everything() {
        for line in [
            "run",
            "run --help",
            "run -h",
            "exec",
            "run --no-such-flag x",
            "--store /s run x",
            "images",
            "runs x",
        ] {
            assert!(parse(&words(line)).is_none(), "{line}");
        }
    }
}
