//! The parts of a reference.

use super::ReferenceError;
use crate::plan::digest::Digest;

pub(super) const DEFAULT_REGISTRY: &str = "docker.io";
pub(super) const DEFAULT_NAMESPACE: &str = "library/";
/// The longest registry and repository together, in bytes.
const NAME_MAX: usize = 255;
/// The longest tag, in bytes.
const TAG_MAX: usize = 128;

pub(super) fn split_digest(text: &str) -> Result<(&str, Option<Digest>), ReferenceError> {
    let Some((rest, digest)) = text.split_once('@') else { return Ok((text, None)) };
    match digest.parse() {
        Ok(digest) => Ok((rest, Some(digest))),
        Err(source) => Err(ReferenceError::Digest { text: text.to_owned(), source }),
    }
}

pub(super) fn split_registry(text: &str) -> (&str, &str) {
    let is_host = |first: &str| {
        first == "localhost"
            || first.contains(['.', ':'])
            || first.contains(|char: char| char.is_ascii_uppercase())
    };
    match text.split_once('/').filter(|(first, _)| is_host(first)) {
        Some(("index.docker.io", rest)) => (DEFAULT_REGISTRY, rest),
        Some(split) => split,
        None => (DEFAULT_REGISTRY, text),
    }
}

pub(super) fn complete_repository(text: &str, registry: &str, path: &str) -> Result<String, ReferenceError> {
    let repository = if registry == DEFAULT_REGISTRY && !path.contains('/') {
        format!("{DEFAULT_NAMESPACE}{path}")
    } else {
        path.to_owned()
    };
    if registry.len() + 1 + repository.len() > NAME_MAX {
        return Err(ReferenceError::TooLong(text.to_owned()));
    }
    if path.contains(|char: char| char.is_ascii_uppercase()) {
        return Err(ReferenceError::UpperCase { text: text.to_owned(), repository: path.to_owned() });
    }
    if !repository.split('/').all(is_path_component) {
        return Err(ReferenceError::Repository { text: text.to_owned(), repository: path.to_owned() });
    }
    Ok(repository)
}

pub(super) fn check_tag(text: &str, tag: &str) -> Result<String, ReferenceError> {
    let inside = tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if inside && (1..=TAG_MAX).contains(&tag.len()) && !tag.starts_with(['.', '-']) {
        return Ok(tag.to_owned());
    }
    Err(ReferenceError::Tag { text: text.to_owned(), tag: tag.to_owned() })
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(component: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = component.bytes().next().is_some_and(word) && component.bytes().next_back().is_some_and(word);
    let separators = component.split(|char: char| char.is_ascii_lowercase() || char.is_ascii_digit());
    let legal = |separator: &str| {
        matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
    };
    ends && separators.into_iter().all(legal)
}

pub(in crate::plan) fn is_registry(registry: &str) -> bool {
    let (host, port) = match registry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) if address.parse::<std::net::Ipv6Addr>().is_ok() => {
            ("ipv6", rest.strip_prefix(':').or(if rest.is_empty() { None } else { Some("") }))
        }
        Some(_) => return false,
        None => match registry.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (registry, None),
        },
    };
    let label = |label: &str| {
        let inside = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        inside && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    let number = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    host.split('.').all(label) && port.is_none_or(number)
}

pub(super) fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
