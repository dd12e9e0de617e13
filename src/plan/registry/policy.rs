//! When an image is fetched that is to be run.

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
}
