//! `--volumes-from CONTAINER[:WORD,…]`.

use std::mem::discriminant;

use super::word::{self, Type, Word};
use super::{Access, Flag, MountError, Problem};

/// What may follow the container.
const LEGAL: &str = "ro rw z Z cached delegated consistent";

/// A container whose volumes and binds another one takes over (`--volumes-from`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Donor {
    /// The container: a name, an ID or the beginning of one.
    pub container: String,
    /// `ro` makes all of them read-only; nothing makes one writable that is not.
    pub access: Option<Access>,
}

/// Reads the value of `--volumes-from`. `rw` is what is said without it, since it lifts nothing.
///
/// # Errors
/// There is no container, or a word that does not belong there.
pub fn parse_donor(text: &str) -> Result<Donor, MountError> {
    parse(text).map_err(|problem| MountError::Spec {
        flag: Flag::VolumesFrom,
        text: text.to_owned(),
        problem,
    })
}

fn parse(text: &str) -> Result<Donor, Problem> {
    let (container, words) = match text.split_once(':') {
        Some((container, words)) => (container, Some(words)),
        None => (text, None),
    };
    if container.is_empty() {
        return Err(Problem::NoContainer);
    }
    let mut donor = Donor { container: container.to_owned(), access: None };
    let mut said: Vec<(&str, Word)> = Vec::new();
    for text in words.into_iter().flat_map(|words| words.split(',')) {
        if text.is_empty() {
            return Err(Problem::EmptyWord);
        }
        let kind = "volumes of another container";
        let legal = LEGAL.to_owned();
        let word = match word::word(text, Type::Bind).or_else(|_| word::word(text, Type::Volume)) {
            Ok(word @ (Word::Access(_) | Word::Relabel | Word::Consistency)) => word,
            Ok(_) => return Err(Problem::WrongKind { word: text.to_owned(), kind, legal }),
            Err(_) => return Err(Problem::Unknown { word: text.to_owned(), kind, legal }),
        };
        if let Some((first, _)) = said.iter().find(|(_, other)| discriminant(other) == discriminant(&word)) {
            return Err(Problem::Repeated { first: (*first).to_owned(), second: text.to_owned() });
        }
        if word == Word::Access(Access::ReadOnly) {
            donor.access = Some(Access::ReadOnly);
        }
        said.push((text, word));
    }
    Ok(donor)
}
