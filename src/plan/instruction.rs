//! The instructions of a Dockerfile that change how an image is run, as `commit --change` takes them.
//!
//! Source: Dockerfile reference; a word may be quoted, and a backslash takes the next character as it is. Variables are not
//! replaced by their values.

mod apply;
mod healthcheck;

use thiserror::Error;

pub use apply::apply;
pub use healthcheck::{Healthcheck, HealthcheckError};

/// What may stand in front.
const KEYWORDS: &str =
    "CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, SHELL, STOPSIGNAL, USER, VOLUME, WORKDIR";
/// What may stand behind `ONBUILD`: every instruction but those that Docker refuses there.
const TRIGGERS: [&str; 15] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "HEALTHCHECK",
    "LABEL",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

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
    /// Something else than a list of words.
    #[error("`SHELL` takes a JSON list of words: [\"/bin/bash\", \"-c\"]")]
    Shell,
    /// What cannot be put off.
    #[error("`{0}` is not an instruction that `ONBUILD` can put off")]
    Trigger(String),
    /// A health check.
    #[error("cannot use `HEALTHCHECK`")]
    Healthcheck(#[from] HealthcheckError),
}

/// A command, as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandLine {
    /// Its words.
    Words(Vec<String>),
    /// A line for the shell that the image names.
    Line(String),
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instruction {
    /// What is run if nobody says.
    Command(CommandLine),
    /// What is run in any case.
    Entrypoint(CommandLine),
    /// Variables.
    Environment(Vec<(String, String)>),
    /// Ports, as `80/tcp`.
    Expose(Vec<String>),
    /// How to find out whether it is well. Nobody asks it here.
    Healthcheck(Healthcheck),
    /// Labels.
    Label(Vec<(String, String)>),
    /// An instruction for whoever makes an image of this one. Nobody does it here.
    OnBuild(String),
    /// What reads the commands that are lines.
    Shell(Vec<String>),
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
        "HEALTHCHECK" => {
            known("HEALTHCHECK").and_then(|_| Ok(healthcheck::parse(rest)?)).map(Instruction::Healthcheck)?
        }
        "LABEL" => known("LABEL").and_then(|_| pairs(rest)).map(Instruction::Label)?,
        "ONBUILD" => known("ONBUILD").and_then(|_| trigger(rest)).map(Instruction::OnBuild)?,
        "SHELL" => known("SHELL").and_then(|_| shell(rest)).map(Instruction::Shell)?,
        "STOPSIGNAL" => Instruction::StopSignal(one(known("STOPSIGNAL")?, rest)?),
        "USER" => Instruction::User(one(known("USER")?, rest)?),
        "VOLUME" => known("VOLUME").and_then(|_| list(rest)).map(Instruction::Volume)?,
        "WORKDIR" => known("WORKDIR").map(|_| Instruction::WorkingDirectory(rest.to_owned()))?,
        _ => return Err(InstructionError::Keyword(keyword.to_owned())),
    })
}

/// A JSON list of words, or a line for the shell.
fn command(text: &str) -> CommandLine {
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(words) => CommandLine::Words(words),
        Err(_) if text.is_empty() => CommandLine::Words(Vec::new()),
        Err(_) => CommandLine::Line(text.to_owned()),
    }
}

fn shell(text: &str) -> Result<Vec<String>, InstructionError> {
    let words: Vec<String> = serde_json::from_str(text).map_err(|_| InstructionError::Shell)?;
    if words.is_empty() { Err(InstructionError::Shell) } else { Ok(words) }
}

/// Kept as it is typed: what reads it is a Dockerfile's reader.
fn trigger(text: &str) -> Result<String, InstructionError> {
    let keyword = text.split(char::is_whitespace).next().unwrap_or_default();
    if TRIGGERS.iter().any(|known| known.eq_ignore_ascii_case(keyword)) {
        Ok(text.to_owned())
    } else {
        Err(InstructionError::Trigger(keyword.to_owned()))
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

#[cfg(test)]
mod tests;
