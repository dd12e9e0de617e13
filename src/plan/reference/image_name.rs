//! What names an image of the store: a reference, an image ID or the beginning of one.

use std::str::FromStr;

use super::grammar::is_hex;
use super::{Reference, ReferenceError};

/// The fewest digits that may stand for an image ID.
const ID_PREFIX_MIN: usize = 4;

/// What a user types to name an image of the store. `cafe` may be a name and the beginning of an ID; whoever
/// has the store tries the name first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageName {
    /// Only a reference.
    Reference(Reference),
    /// Only an image ID or the beginning of one: 4 to 64 lower-case hexadecimal digits, no `sha256:`.
    Id(String),
    /// Either.
    Either(Reference, String),
}

impl ImageName {
    /// The reference it may be.
    #[must_use]
    pub fn reference(&self) -> Option<&Reference> {
        match self {
            Self::Reference(reference) | Self::Either(reference, _) => Some(reference),
            Self::Id(_) => None,
        }
    }

    /// The digits with which the image's ID may begin.
    #[must_use]
    pub fn id_prefix(&self) -> Option<&str> {
        match self {
            Self::Id(prefix) | Self::Either(_, prefix) => Some(prefix),
            Self::Reference(_) => None,
        }
    }
}

impl FromStr for ImageName {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        let is_prefix = (ID_PREFIX_MIN..=64).contains(&digits.len()) && is_hex(digits);
        match (text.parse(), is_prefix) {
            (Ok(reference), true) => Ok(Self::Either(reference, digits.to_owned())),
            (Ok(reference), false) => Ok(Self::Reference(reference)),
            (Err(_), true) => Ok(Self::Id(digits.to_owned())),
            (Err(error), false) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_may_be_a_name_an_id_or_both() {
        let id = "0a".repeat(32);
        for (text, is_reference, prefix) in [
            ("busybox", true, None),
            ("cafe", true, Some("cafe")),
            ("caf", true, None),
            ("cafe:1", true, None),
            ("sha256:cafe", true, Some("cafe")),
            ("sha256:caf", true, None),
            (&id, false, Some(id.as_str())),
            (&format!("sha256:{id}"), false, Some(id.as_str())),
        ] {
            let name: ImageName = text.parse().unwrap();
            assert_eq!((name.reference().is_some(), name.id_prefix()), (is_reference, prefix), "{text}");
        }
        assert!("CAFE".parse::<ImageName>().is_err());
        assert!("".parse::<ImageName>().is_err());
    }
}
