//! `run` and `exec` with the flags that are typed most, read without clap.
//!
//! To read a line, clap makes a description of every flag that there is, and fills in what was not typed: most of
//! the instructions of a launcher until it looks for its image. A line that has nothing but the flags below, each in one
//! of its plain forms, needs none of that. All else is left to clap, and so is what is wrong. A test holds both ways
//! against each other.

use std::ffi::{OsStr, OsString};

use super::contents::ContentsVerb;
use super::exec::ExecArgs;
use super::run::RunArgs;
use super::{Arguments, PlaceArgs, Verb};

/// What a flag does to the arguments of its verb.
enum Effect<A> {
    Switch(fn(&mut A) -> &mut bool),
    Text(fn(&mut A) -> &mut Option<String>),
    Texts(fn(&mut A) -> &mut Vec<String>),
    Path(fn(&mut A) -> &mut Option<OsString>),
    Value(fn(&mut A, OsString)),
}

struct Flag<A> {
    long: &'static str,
    short: Option<char>,
    effect: Effect<A>,
}

const fn flag<A>(long: &'static str, short: Option<char>, effect: Effect<A>) -> Flag<A> {
    Flag { long, short, effect }
}

static RUN: [Flag<RunArgs>; 23] = [
    flag("rm", None, Effect::Switch(|run| &mut run.remove)),
    flag("volume", Some('v'), Effect::Value(|run, value| run.common.mounts.push("volume", value))),
    flag("mount", None, Effect::Value(|run, value| run.common.mounts.push("mount", value))),
    flag("tmpfs", None, Effect::Value(|run, value| run.common.mounts.push("tmpfs", value))),
    flag("interactive", Some('i'), Effect::Switch(|run| &mut run.interactive)),
    flag("tty", Some('t'), Effect::Switch(|run| &mut run.tty)),
    flag("detach", Some('d'), Effect::Switch(|run| &mut run.supervision.detach)),
    flag("env", Some('e'), Effect::Texts(|run| &mut run.common.env)),
    flag("workdir", Some('w'), Effect::Path(|run| &mut run.common.workdir)),
    flag("user", Some('u'), Effect::Text(|run| &mut run.common.user)),
    flag("network", None, Effect::Text(|run| &mut run.common.network)),
    flag("net", None, Effect::Text(|run| &mut run.common.network)),
    flag("name", None, Effect::Text(|run| &mut run.name)),
    flag("hostname", Some('h'), Effect::Text(|run| &mut run.common.hostname)),
    flag("userns", None, Effect::Text(|run| &mut run.common.userns)),
    flag("entrypoint", None, Effect::Text(|run| &mut run.entrypoint)),
    flag("publish", Some('p'), Effect::Texts(|run| &mut run.ports)),
    flag("label", Some('l'), Effect::Texts(|run| &mut run.labels)),
    flag("cap-add", None, Effect::Texts(|run| &mut run.common.cap_add)),
    flag("cap-drop", None, Effect::Texts(|run| &mut run.common.cap_drop)),
    flag("read-only", None, Effect::Switch(|run| &mut run.read_only)),
    flag("init", None, Effect::Switch(|run| &mut run.init)),
    flag("quiet", Some('q'), Effect::Switch(|run| &mut run.quiet)),
];

static EXEC: [Flag<ExecArgs>; 6] = [
    flag("interactive", Some('i'), Effect::Switch(|exec| &mut exec.interactive)),
    flag("tty", Some('t'), Effect::Switch(|exec| &mut exec.tty)),
    flag("detach", Some('d'), Effect::Switch(|exec| &mut exec.detach)),
    flag("env", Some('e'), Effect::Texts(|exec| &mut exec.env)),
    flag("workdir", Some('w'), Effect::Path(|exec| &mut exec.workdir)),
    flag("user", Some('u'), Effect::Text(|exec| &mut exec.user)),
];

/// Reads a line that has nothing else in it.
pub(super) fn parse(words: &[OsString]) -> Option<Arguments> {
    let (verb, words) = words.get(1..)?.split_first()?;
    let verb = match verb.to_str()? {
        "run" => {
            let mut run = RunArgs::default();
            run.supervision.sig_proxy = true;
            run.words = read(&RUN, words, &mut run).filter(|words| !words.is_empty())?.to_vec();
            Verb::Run(Box::new(run))
        }
        "exec" => {
            let mut exec =
                ExecArgs { detach_keys: super::exec::DETACH_KEYS.to_owned(), ..ExecArgs::default() };
            exec.words = read(&EXEC, words, &mut exec).filter(|words| words.len() > 1)?.to_vec();
            Verb::Contents(ContentsVerb::Exec(Box::new(exec)))
        }
        _ => return None,
    };
    Some(Arguments { place: PlaceArgs { store: None }, verb })
}

/// Reads flags up to the first word that is none; the words from there on.
fn read<'w, A>(flags: &[Flag<A>], mut words: &'w [OsString], arguments: &mut A) -> Option<&'w [OsString]> {
    while let Some((word, rest)) = words.split_first() {
        let Some(text) = word.to_str()?.strip_prefix('-') else { break };
        words = match text.strip_prefix('-') {
            Some(long) => read_long(flags, long, rest, arguments)?,
            None => read_letters(flags, text, rest, arguments)?,
        };
    }
    // What may follow `--` is clap's to say.
    words.iter().all(|word| word != "--").then_some(words)
}

fn read_long<'w, A>(
    flags: &[Flag<A>],
    text: &str,
    words: &'w [OsString],
    arguments: &mut A,
) -> Option<&'w [OsString]> {
    let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
    let flag = flags.iter().find(|flag| flag.long == name)?;
    match (&flag.effect, value) {
        (Effect::Switch(_), Some(_)) => None,
        (effect, Some(value)) => apply(effect, Some(value.as_ref()), arguments).map(|()| words),
        (effect, None) => apply_next(effect, words, arguments),
    }
}

/// Reads `-dit`, of which the last letter may have the next word for its value.
fn read_letters<'w, A>(
    flags: &[Flag<A>],
    letters: &str,
    words: &'w [OsString],
    arguments: &mut A,
) -> Option<&'w [OsString]> {
    let find = |letter| flags.iter().find(|flag| flag.short == Some(letter));
    let mut letters = letters.chars();
    let last = find(letters.next_back()?)?;
    for letter in letters {
        apply(&find(letter)?.effect, None, arguments)?;
    }
    apply_next(&last.effect, words, arguments)
}

/// Gives a flag the value that it needs from the next word.
fn apply_next<'w, A>(effect: &Effect<A>, words: &'w [OsString], arguments: &mut A) -> Option<&'w [OsString]> {
    if let Effect::Switch(_) = effect {
        return apply(effect, None, arguments).map(|()| words);
    }
    let (value, rest) = words.split_first()?;
    // It may be meant as a flag.
    let is_plain = !value.as_encoded_bytes().starts_with(b"-");
    apply(effect, Some(value).filter(|_| is_plain).map(OsString::as_os_str), arguments).map(|()| rest)
}

/// None where the flag needs a value that it does not have, or another one.
fn apply<A>(effect: &Effect<A>, value: Option<&OsStr>, arguments: &mut A) -> Option<()> {
    match effect {
        Effect::Switch(of) => *of(arguments) = true,
        Effect::Text(of) => *of(arguments) = Some(value?.to_str()?.to_owned()),
        Effect::Texts(of) => of(arguments).push(value?.to_str()?.to_owned()),
        Effect::Path(of) => *of(arguments) = Some(value?.to_owned()),
        Effect::Value(take) => take(arguments, value?.to_owned()),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use clap::Parser as _;

    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        ["minirun"].into_iter().chain(line.split(' ')).map(OsString::from).collect()
    }

    /// Whether `line` is read here; then as clap reads it.
    fn is_read(line: &str) -> bool {
        let words = words(line);
        let Some(found) = parse(&words) else { return false };
        let expected = Arguments::try_parse_from(&words).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{line}");
        true
    }

    /// A flag in all its forms, with a value if it needs one.
    fn forms<A>(flag: &Flag<A>) -> Vec<String> {
        let long = flag.long;
        let (long, value) = match flag.effect {
            Effect::Switch(_) => (vec![format!("--{long}")], ""),
            _ => (vec![format!("--{long} a:/b"), format!("--{long}=a=b"), format!("--{long}=")], " a:/b"),
        };
        let short = flag.short.map(|short| format!("-{short}{value}"));
        long.into_iter().chain(short).collect()
    }

    #[test]
    fn every_flag_means_what_it_means_to_clap() {
        let run = RUN.iter().map(|flag| ("run", forms(flag)));
        let exec = EXEC.iter().map(|flag| ("exec", forms(flag)));
        for (verb, forms) in run.chain(exec) {
            for form in forms {
                assert!(is_read(&format!("{verb} {form} x y -z --rm=")), "{verb} {form}");
                // Once more: the last one counts, or both.
                assert!(is_read(&format!("{verb} {form} {} x y", form.replace("/b", "/c"))), "{verb} {form}");
            }
        }
    }

    #[test]
    fn lines_as_they_are_typed() {
        for line in [
            "run alpine",
            "run --rm -it -v a:/b --tmpfs=/tmp --mount type=tmpfs,dst=/x -v c:/d -e X=y alpine sh -c true --store",
            "run -dq --network none --name= --label a -l b=c x",
            "run -itw /x -h name alpine - -",
            "exec web ps -ef",
            "exec -itu 0 -w /etc web ls --rm",
        ] {
            assert!(is_read(line), "{line}");
        }
    }

    #[test]
    fn whatever_else_is_left_to_clap() {
        for line in [
            "run",
            "run --rm",
            "run --rm=true x",
            "run --rm= x",
            "run --network",
            "run -v",
            "run -va:/b x",
            "run -e=x x",
            "run -wi x y",
            "run -e -x alpine",
            "run -w -- x",
            "run - x",
            "run -- x",
            "run alpine -- x",
            "run -ix alpine",
            "run -ié alpine",
            "run --no-such-flag x",
            "run --help",
            "run --store /s x",
            "run --memory 1g x",
            "exec",
            "exec web",
            "exec -h",
            "create x",
            "--store /s run x",
        ] {
            assert!(!is_read(line), "{line}");
        }
        let mut broken = words("run --name x alpine");
        broken[3] = OsString::from_vec(vec![0xff]);
        assert!(parse(&broken).is_none());
    }
}
