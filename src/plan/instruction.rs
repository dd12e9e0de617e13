//! The instructions of a Dockerfile that change how an image is run, as `commit --change` takes them.
//!
//! Source: Dockerfile reference; a word may be quoted, and a backslash takes the next character as it is.

use std::collections::HashMap;

use oci_spec::image::Config;
use thiserror::Error;

use super::path::ContainerPath;

/// What may stand in front.
const KEYWORDS: &str = "CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR";

/// Why a text is no such instruction.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InstructionError {
    /// The first word.
    #[error("`{0}` is not an instruction that minirun has: {KEYWORDS}")]
    Keyword(String),
    /// Nothing behind it.
    #[error("`{0}` says nothing")]
    Empty(&'static str),
    /// A name without a value.
    #[error("`{0}` has no value: NAME=VALUE")]
    NoValue(String),
    /// A quote that does not end.
    #[error("a quote does not end in `{0}`")]
    Quote(String),
    /// One word too many.
    #[error("`{0}` takes one word")]
    OneWord(&'static str),
    /// A port.
    #[error("`{0}` is not a port: NUMBER[-NUMBER][/tcp|/udp|/sctp]")]
    Port(String),
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instruction {
    /// What is run if nobody says.
    Command(Vec<String>),
    /// What is run in any case.
    Entrypoint(Vec<String>),
    /// Variables.
    Environment(Vec<(String, String)>),
    /// Ports, as `80/tcp`.
    Expose(Vec<String>),
    /// Labels.
    Label(Vec<(String, String)>),
    /// The signal that asks to stop.
    StopSignal(String),
    /// Whom to run as.
    User(String),
    /// Where volumes go.
    Volume(Vec<String>),
    /// Where it starts; a relative one goes on from the one before.
    WorkingDirectory(String),
}

/// Reads one instruction.
///
/// # Errors
/// It is none of those that minirun has, or says nothing.
pub fn parse(text: &str) -> Result<Instruction, InstructionError> {
    let text = text.trim();
    let (keyword, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let known =
        |name: &'static str| if rest.is_empty() { Err(InstructionError::Empty(name)) } else { Ok(name) };
    Ok(match keyword.to_ascii_uppercase().as_str() {
        "CMD" => Instruction::Command(command(rest)),
        "ENTRYPOINT" => Instruction::Entrypoint(command(rest)),
        "ENV" => known("ENV").and_then(|_| pairs(rest)).map(Instruction::Environment)?,
        "EXPOSE" => known("EXPOSE").and_then(|_| ports(rest)).map(Instruction::Expose)?,
        "LABEL" => known("LABEL").and_then(|_| pairs(rest)).map(Instruction::Label)?,
        "STOPSIGNAL" => Instruction::StopSignal(one(known("STOPSIGNAL")?, rest)?),
        "USER" => Instruction::User(one(known("USER")?, rest)?),
        "VOLUME" => known("VOLUME").and_then(|_| list(rest)).map(Instruction::Volume)?,
        "WORKDIR" => known("WORKDIR").map(|_| Instruction::WorkingDirectory(rest.to_owned()))?,
        _ => return Err(InstructionError::Keyword(keyword.to_owned())),
    })
}

/// A JSON list of words, or a line for the shell.
fn command(text: &str) -> Vec<String> {
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(words) => words,
        Err(_) if text.is_empty() => Vec::new(),
        Err(_) => ["/bin/sh", "-c", text].map(str::to_owned).to_vec(),
    }
}

fn list(text: &str) -> Result<Vec<String>, InstructionError> {
    serde_json::from_str(text).or_else(|_| words(text))
}

fn one(keyword: &'static str, text: &str) -> Result<String, InstructionError> {
    let mut words = words(text)?.into_iter();
    match (words.next(), words.next()) {
        (Some(word), None) => Ok(word),
        _ => Err(InstructionError::OneWord(keyword)),
    }
}

/// `NAME=VALUE …`, or the old form `NAME VALUE` with one name and all the rest as its value.
fn pairs(text: &str) -> Result<Vec<(String, String)>, InstructionError> {
    // The value of the old form may hold a single quote.
    let first = words(text).ok().and_then(|words| words.into_iter().next());
    let first = first.as_deref().or_else(|| text.split_whitespace().next());
    if first.is_some_and(|word| !word.contains('=')) {
        let (name, value) =
            text.split_once(char::is_whitespace).ok_or_else(|| InstructionError::NoValue(text.to_owned()))?;
        return Ok(vec![(name.to_owned(), value.trim().to_owned())]);
    }
    let pair = |word: String| match word.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(InstructionError::NoValue(word)),
    };
    words(text)?.into_iter().map(pair).collect()
}

fn ports(text: &str) -> Result<Vec<String>, InstructionError> {
    let port = |word: String| {
        let (numbers, protocol) = word.split_once('/').unwrap_or((&word, "tcp"));
        let protocol = protocol.to_ascii_lowercase();
        let is_number = |text: &str| text.parse::<u16>().is_ok_and(|number| number > 0);
        let good = match numbers.split_once('-') {
            Some((first, last)) => is_number(first) && is_number(last),
            None => is_number(numbers),
        };
        if good && ["tcp", "udp", "sctp"].contains(&protocol.as_str()) {
            Ok(format!("{numbers}/{protocol}"))
        } else {
            Err(InstructionError::Port(word))
        }
    };
    words(text)?.into_iter().map(port).collect()
}

/// Splits at blanks that are not quoted.
fn words(text: &str) -> Result<Vec<String>, InstructionError> {
    let unended = || InstructionError::Quote(text.to_owned());
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', None | Some('"')) => {
                word.get_or_insert_default().push(characters.next().ok_or_else(unended)?);
            }
            ('"' | '\'', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (end, Some(begin)) if end == begin => quote = None,
            (blank, None) if blank.is_whitespace() => words.extend(word.take()),
            (other, _) => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    if quote.is_some() { Err(unended()) } else { Ok(words) }
}

/// Changes a configuration by all of `instructions`, in order. An entrypoint drops the command of the image below, as in a
/// Dockerfile.
pub fn apply(config: &mut Config, instructions: &[Instruction]) {
    let mut has_command = false;
    for instruction in instructions {
        match instruction {
            Instruction::Command(words) => {
                has_command = true;
                config.set_cmd(Some(words.clone()));
            }
            Instruction::Entrypoint(words) => {
                config.set_entrypoint(Some(words.clone()));
                if !has_command {
                    config.set_cmd(None);
                }
            }
            Instruction::Environment(pairs) => {
                let mut variables = config.env().clone().unwrap_or_default();
                for (name, value) in pairs {
                    variables.retain(|old| old.split('=').next() != Some(name));
                    variables.push(format!("{name}={value}"));
                }
                config.set_env(Some(variables));
            }
            Instruction::Expose(ports) => {
                config.set_exposed_ports(Some(with(config.exposed_ports().as_ref(), ports)));
            }
            Instruction::Label(pairs) => {
                let mut labels: HashMap<String, String> = config.labels().clone().unwrap_or_default();
                labels.extend(pairs.iter().cloned());
                config.set_labels(Some(labels));
            }
            Instruction::StopSignal(signal) => {
                config.set_stop_signal(Some(signal.clone()));
            }
            Instruction::User(user) => {
                config.set_user(Some(user.clone()));
            }
            Instruction::Volume(paths) => {
                config.set_volumes(Some(with(config.volumes().as_ref(), paths)));
            }
            Instruction::WorkingDirectory(path) => {
                let before = config.working_dir().as_deref().unwrap_or_default();
                let path = ContainerPath::root().join(before).join(path);
                config.set_working_dir(Some(path.to_string()));
            }
        }
    }
}

fn with(before: Option<&Vec<String>>, more: &[String]) -> Vec<String> {
    let mut all: Vec<String> = before.into_iter().flatten().chain(more).cloned().collect();
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    fn pairs_of(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn instructions_are_read_as_docker_reads_them() {
        for (text, wanted) in [
            (r#"CMD ["a", "b c"]"#, Instruction::Command(owned(&["a", "b c"]))),
            ("cmd echo $HOME", Instruction::Command(owned(&["/bin/sh", "-c", "echo $HOME"]))),
            ("CMD []", Instruction::Command(Vec::new())),
            ("ENTRYPOINT [\"/x\"]", Instruction::Entrypoint(owned(&["/x"]))),
            (
                "ENV A=1 B=\"x y\" C=\\ z",
                Instruction::Environment(pairs_of(&[("A", "1"), ("B", "x y"), ("C", " z")])),
            ),
            ("ENV A some words", Instruction::Environment(pairs_of(&[("A", "some words")]))),
            ("EXPOSE 80 53/udp 1-9/TCP", Instruction::Expose(owned(&["80/tcp", "53/udp", "1-9/tcp"]))),
            ("LABEL 'a b'=c", Instruction::Label(pairs_of(&[("a b", "c")]))),
            ("USER app:app", Instruction::User("app:app".to_owned())),
            ("VOLUME /a /b", Instruction::Volume(owned(&["/a", "/b"]))),
            (r#"VOLUME ["/a b"]"#, Instruction::Volume(owned(&["/a b"]))),
            ("WORKDIR /x", Instruction::WorkingDirectory("/x".to_owned())),
            (" STOPSIGNAL  KILL ", Instruction::StopSignal("KILL".to_owned())),
        ] {
            assert_eq!(parse(text), Ok(wanted), "{text}");
        }
        for bad in [
            "",
            "RUN x",
            "ENV",
            "ENV A",
            "ENV A=1 B",
            "LABEL a='b",
            "USER a b",
            "EXPOSE x",
            "EXPOSE 0",
            "WORKDIR",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn they_change_a_configuration() {
        let mut config = Config::default();
        config
            .set_cmd(Some(owned(&["old"])))
            .set_env(Some(owned(&["A=0", "B=0"])))
            .set_working_dir(Some("/w".into()));
        let texts = [
            "ENTRYPOINT [\"e\"]",
            "ENV A=1",
            "WORKDIR sub",
            "EXPOSE 2",
            "EXPOSE 1",
            "LABEL l=m",
            "VOLUME /v",
        ];
        let instructions: Vec<_> = texts.iter().map(|text| parse(text).unwrap()).collect();
        apply(&mut config, &instructions);
        assert_eq!((config.cmd(), config.entrypoint()), (&None, &Some(owned(&["e"]))));
        assert_eq!(config.env(), &Some(owned(&["B=0", "A=1"])));
        assert_eq!(config.working_dir().as_deref(), Some("/w/sub"));
        assert_eq!(config.exposed_ports(), &Some(owned(&["1/tcp", "2/tcp"])));
        assert_eq!(config.labels().as_ref().unwrap()["l"], "m");
        apply(&mut config, &[parse("CMD x").unwrap(), parse("ENTRYPOINT []").unwrap()]);
        assert_eq!(config.cmd(), &Some(owned(&["/bin/sh", "-c", "x"])));
    }
}
