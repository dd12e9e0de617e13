//! When an image is fetched that is to be run, and what is kept of what comes.

use crate::plan::reference::Reference;

/// When an image is fetched that is to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PullPolicy {
    /// Each time.
    Always,
    /// When the store does not have it.
    #[default]
    Missing,
    /// Each time, but what the store has will do where nothing can be fetched.
    Newer,
    /// Not at all.
    Never,
}

impl PullPolicy {
    /// The policy of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "always" => Some(Self::Always),
            "missing" => Some(Self::Missing),
            "newer" => Some(Self::Newer),
            "never" => Some(Self::Never),
            _ => None,
        }
    }
}

/// What becomes of the blobs of layers once they are unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BlobPolicy {
    /// They are gone: the store has every byte once.
    #[default]
    Dropped,
    /// They stay beside the layers, compressed as they came, so that an image leaves the store with the digests that it had.
    Kept,
}

impl BlobPolicy {
    /// What a truth value asks for.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "t" | "yes" | "y" | "on" => Some(Self::Kept),
            "0" | "false" | "f" | "no" | "n" | "off" => Some(Self::Dropped),
            _ => None,
        }
    }
}

/// Whether no registry can have the image: its name is one that programs give to what they made here.
#[must_use]
pub fn is_local(reference: &Reference) -> bool {
    reference.registry() == "localhost"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_local() {
        for (text, expected) in [("localhost/x", true), ("localhost:5000/x", false), ("x", false)] {
            assert_eq!(is_local(&text.parse().unwrap()), expected, "{text}");
        }
        assert_eq!(PullPolicy::parse("newer"), Some(PullPolicy::Newer));
        assert_eq!(PullPolicy::parse("Always"), None);
    }

    #[test]
    fn truth_has_many_words() {
        for (text, expected) in [
            ("1", Some(BlobPolicy::Kept)),
            ("True", Some(BlobPolicy::Kept)),
            ("off", Some(BlobPolicy::Dropped)),
            ("0", Some(BlobPolicy::Dropped)),
            ("2", None),
            ("", None),
        ] {
            assert_eq!(BlobPolicy::parse(text), expected, "{text}");
        }
    }
}
