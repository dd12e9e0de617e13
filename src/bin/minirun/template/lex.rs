//! Cuts a template into text and actions, and actions into words.

use super::TemplateError;

/// A part of a template.
#[derive(Debug, PartialEq)]
pub(super) enum Part {
    /// What is printed as it is.
    Text(String),
    /// What stands between `{{` and `}}`, as typed and as words.
    Action { text: String, words: Vec<Word> },
}

/// A word of an action, and whether it follows the one before without a blank.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    pub(super) kind: Kind,
    pub(super) glued: bool,
}

/// What a word is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// `.`.
    Dot,
    /// `.A.B`.
    Fields(Vec<String>),
    /// `$` and `$name`.
    Variable(String),
    /// A keyword or a function.
    Name(String),
    /// A text in quotes, a number.
    Literal(serde_json::Value),
    /// `|`, `(`, `)`, `,`, `=`.
    Mark(char),
    /// `:=`.
    Declare,
}

/// Cuts a template.
pub(super) fn lex(text: &str) -> Result<Vec<Part>, TemplateError> {
    let mut parts = Vec::new();
    let mut rest = text;
    let mut trims = false;
    while let Some((before, after)) = rest.split_once("{{") {
        let end = action_end(after).ok_or_else(|| TemplateError::Open(format!("{{{{{after}")))?;
        let (action, behind) = (&after[..end], &after[end + 2..]);
        let trims_before = action.starts_with('-') && action[1..].starts_with(char::is_whitespace);
        parts.push(Part::Text(text_part(before, (trims, trims_before))));
        let inner = if trims_before { &action[1..] } else { action };
        trims = inner.ends_with('-') && inner[..inner.len() - 1].ends_with(char::is_whitespace);
        let inner = if trims { &inner[..inner.len() - 1] } else { inner }.trim();
        if !(inner.starts_with("/*") && inner.ends_with("*/")) {
            let words = words(inner).ok_or_else(|| TemplateError::Unknown(inner.to_owned()))?;
            parts.push(Part::Action { text: inner.to_owned(), words });
        }
        rest = behind;
    }
    parts.push(Part::Text(text_part(rest, (trims, false))));
    parts.retain(|part| *part != Part::Text(String::new()));
    Ok(parts)
}

/// `\t` and `\n` come from a shell as two characters each.
fn text_part(text: &str, (trims_start, trims_end): (bool, bool)) -> String {
    let text = if trims_start { text.trim_start() } else { text };
    let text = if trims_end { text.trim_end() } else { text };
    text.replace("\\t", "\t").replace("\\n", "\n")
}

/// Where the `}}` of an action is, which may stand in quotes as well.
fn action_end(text: &str) -> Option<usize> {
    if text.trim_start_matches('-').trim_start().starts_with("/*") {
        let comment = text.find("*/")?;
        return text[comment..].find("}}").map(|at| comment + at);
    }
    let mut quote = None;
    let mut escaped = false;
    for (at, char) in text.char_indices() {
        match (quote, char) {
            (None, '}') if text[at..].starts_with("}}") => return Some(at),
            (None, '"' | '`') => quote = Some(char),
            (Some('"'), '\\') if !escaped => {
                escaped = true;
                continue;
            }
            (Some(open), char) if open == char && !escaped => quote = None,
            _ => {}
        }
        escaped = false;
    }
    None
}

/// The words of an action; none if something in it is no word.
fn words(text: &str) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut rest = text;
    let mut glued = false;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            rest = &rest[first.len_utf8()..];
            glued = false;
            continue;
        }
        let (kind, length) = word(rest)?;
        words.push(Word { kind, glued });
        rest = rest.get(length..)?;
        glued = true;
    }
    Some(words)
}

fn word(text: &str) -> Option<(Kind, usize)> {
    let first = text.chars().next()?;
    let name = |text: &str| text.find(|char: char| !is_name(char)).unwrap_or(text.len());
    match first {
        '.' => {
            let length = text.find(|char: char| !is_name(char) && char != '.').unwrap_or(text.len());
            let names: Vec<String> = text[1..length].split('.').map(str::to_owned).collect();
            match &names[..] {
                [one] if one.is_empty() => Some((Kind::Dot, 1)),
                _ if names.iter().any(String::is_empty) => None,
                _ => Some((Kind::Fields(names), length)),
            }
        }
        '$' => {
            let length = 1 + name(&text[1..]);
            Some((Kind::Variable(text[..length].to_owned()), length))
        }
        '|' | '(' | ')' | ',' | '=' => Some((Kind::Mark(first), 1)),
        ':' => text.starts_with(":=").then_some((Kind::Declare, 2)),
        '`' => {
            let end = text[1..].find('`')?;
            Some((Kind::Literal(text[1..=end].into()), end + 2))
        }
        '"' => quoted(text),
        '0'..='9' | '-' | '+' => number(text),
        _ if is_name(first) => Some((Kind::Name(text[..name(text)].to_owned()), name(text))),
        _ => None,
    }
}

fn is_name(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

fn number(text: &str) -> Option<(Kind, usize)> {
    let is_part = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '+');
    let length = text.find(|char| !is_part(char)).unwrap_or(text.len());
    let digits = text[..length].trim_start_matches('+');
    let value = match digits.parse::<i64>() {
        Ok(integer) => integer.into(),
        Err(_) => digits.parse::<f64>().ok().filter(|float| float.is_finite())?.into(),
    };
    Some((Kind::Literal(value), length))
}

fn quoted(text: &str) -> Option<(Kind, usize)> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((Kind::Literal(value.into()), at + 1)),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'x' => code(&mut chars, 2)?,
                'u' => code(&mut chars, 4)?,
                other @ ('\\' | '"' | '\'') => other,
                _ => return None,
            }),
            other => value.push(other),
        }
    }
    None
}

/// The character of a code of `digits` hexadecimal digits.
fn code(chars: &mut impl Iterator<Item = (usize, char)>, digits: usize) -> Option<char> {
    let text: String = chars.take(digits).map(|(_, char)| char).collect();
    u32::from_str_radix(&text, 16).ok().filter(|_| text.len() == digits).and_then(char::from_u32)
}
