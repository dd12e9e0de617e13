//! What is said about a command line that makes no sense, and help.

use std::ffi::OsString;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::missing;
use crate::failure::{OWN_FAILURE, SOME_FAILED};
use crate::output::{Output, note};

/// Prints help, the version or what is wrong; the exit code.
pub(crate) fn explain(error: &Error, words: &[OsString], output: &mut Output) -> u8 {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let printed = output.text(&error.render().to_string()).and_then(|()| output.flush());
            printed.map_or_else(|failure| output.fail(&failure), |()| 0)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            note(&error.render().to_string());
            // As Docker has it, who only names a group of verbs has asked for its help.
            if verb(error, words) == "minirun" { code(error, words) } else { 0 }
        }
        _ => {
            note(&render(error, words));
            code(error, words)
        }
    }
}

/// The code of a usage error: for volumes the one that all their failures have.
fn code(error: &Error, words: &[OsString]) -> u8 {
    if verb(error, words).starts_with("minirun volume") { SOME_FAILED } else { OWN_FAILURE }
}

/// The text of a usage error in the shape that all errors have.
fn render(error: &Error, words: &[OsString]) -> String {
    let verb = verb(error, words);
    let help = format!("hint: see {verb} --help\n");
    if let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg)
        && error.kind() == ErrorKind::UnknownArgument
        && let Some(instead) = missing::instead_of(&verb, flag)
    {
        return format!("error: minirun does not have `{flag}` yet\nhint: {instead}\n");
    }
    if let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand)
        && let Some(instead) = missing::instead_of_verb(verb.rsplit(' ').next().unwrap_or_default(), typed)
    {
        return format!("error: minirun does not have `{typed}` yet\nhint: {instead}\n");
    }
    if error.kind() == ErrorKind::InvalidUtf8 {
        let word = words.iter().find(|word| word.to_str().is_none());
        let shown = word.map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        return format!("error: `{shown}` is not UTF-8\n{help}");
    }
    let full = error.render().to_string();
    let body = full.strip_prefix("error: ").unwrap_or(&full);
    let body = body.split("\n\nUsage:").next().unwrap_or(body);
    let body = body.split("\n\nFor more information").next().unwrap_or(body);
    let mut lines = body.lines().filter(|line| !line.trim().is_empty());
    let mut text = format!("error: {}\n", quoted(lines.next().unwrap_or_default()));
    let mut hints = String::new();
    for line in lines {
        match line.trim().strip_prefix("tip: ") {
            // Hardly anybody means an argument that looks like a flag.
            Some(tip) if tip.starts_with("to pass ") => {}
            Some(tip) => hints.extend(["hint: ", &quoted(tip), "\n"]),
            None => text.extend(["  ", line.trim(), "\n"]),
        }
    }
    text + &hints + &help
}

fn quoted(text: &str) -> String {
    text.replace('\'', "`")
}

/// `minirun VERB`, as the usage line begins; where there is none, as the user began.
fn verb(error: &Error, words: &[OsString]) -> String {
    let usage = if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        usage.to_string()
    } else {
        let typed = words.get(1).map(|word| word.to_string_lossy());
        format!("minirun {}", typed.unwrap_or_default())
    };
    let is_verb = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
    let words: Vec<&str> =
        usage.trim_start_matches("Usage:").split_whitespace().take_while(is_verb).collect();
    if words.is_empty() { "minirun".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::Arguments;

    fn shown(words: &[&str]) -> String {
        let words: Vec<OsString> = std::iter::once(&"minirun").chain(words).map(OsString::from).collect();
        render(&Arguments::try_parse_from(&words).unwrap_err(), &words)
    }

    #[test]
    fn help_begins_with_what_the_verb_does() {
        for (verb, text) in [
            ("run", "Run a command in a new container\n"),
            ("layer", "Make an image by a command in another one, unless that was done before\n"),
            ("load", "Take images from an archive or directory into the store\n"),
            ("pull", "Fetch images from registries\n"),
            ("push", "Send an image to a registry\n"),
        ] {
            let help = Arguments::try_parse_from(["minirun", verb, "--help"]).unwrap_err().to_string();
            assert!(help.starts_with(text), "{verb}: {help}");
        }
    }

    #[test]
    fn usage_errors_look_like_all_others() {
        for (words, text) in [
            (
                &["run", "--no-such", "x"][..],
                "error: unexpected argument `--no-such` found\nhint: see minirun run --help\n",
            ),
            (
                &["run", "--hostnam=x", "x"],
                "error: unexpected argument `--hostnam` found\nhint: a similar argument exists: `--hostname`\n\
                 hint: see minirun run --help\n",
            ),
            (
                &["run", "--gpus", "x"],
                "error: minirun does not have `--gpus` yet\nhint: give each device with --device /dev/NAME: who may open it is up to the node's own permissions\n",
            ),
            (
                &["run", "-itP", "x"],
                "error: minirun does not have `-P` yet\nhint: publish each port with -p; what a program listens on needs no \
                 announcement\n",
            ),
            (
                &["search", "x"],
                "error: minirun does not have `search` yet\nhint: images come from registries with `minirun pull NAME`, \
                 and from files with `minirun load -i FILE`\n",
            ),
            (
                &["run", "--driver", "x", "y"],
                "error: invalid value `x` for `--driver <DRIVER>`\n  [possible values: auto, overlay, vfs]\n\
                 hint: see minirun run --help\n",
            ),
            (
                &["tag", "x"],
                "error: the following required arguments were not provided:\n  <NAME[:TAG]>\n\
                 hint: see minirun tag --help\n",
            ),
            (
                &["network", "ls"],
                "error: minirun does not have `network` yet\nhint: there are no networks with names: share one with \
                 --network container:NAME, or publish ports with -p\n",
            ),
            (
                &["image", "mount", "x"],
                "error: minirun does not have `mount` yet\nhint: `minirun image ls-files` and `minirun image cat` look into one\n",
            ),
            (
                &["imagess"],
                "error: unrecognized subcommand `imagess`\nhint: some similar subcommands exist: `changes`, `image`, `images`\n\
                 hint: see minirun --help\n",
            ),
        ] {
            assert_eq!(shown(words), text, "{words:?}");
        }
    }
}
