//! One image, and what has to come of it.

use std::path::Path;
use std::time::Duration;

use super::source::Source;
use super::tree::Tree;

/// What has to come of a case.
pub(super) enum Expectation {
    /// `load` refuses it, with this text in the error.
    Refused(&'static str),
    /// `load` takes it, and its files are exactly these.
    Tree(Tree),
    /// `load` takes it, and `run FLAGS… IMAGE COMMAND…` prints this.
    Prints { flags: &'static [&'static str], command: &'static [&'static str], output: String },
    /// `load` takes it, and `run FLAGS… IMAGE COMMAND…` ends with this code and says this on standard error.
    Fails { flags: &'static [&'static str], command: &'static [&'static str], code: i32, says: &'static str },
    /// `load` takes it, and the user is warned with this text.
    Warned(&'static str),
}

/// Makes the image; it is told where the canary is, which images aim at.
type Build = Box<dyn Fn(&Path) -> Source>;

/// One image, and what has to come of it.
pub(super) struct Case {
    pub(super) name: String,
    /// The rule or the known weakness that it is about.
    pub(super) about: &'static str,
    pub(super) build: Build,
    pub(super) expectation: Expectation,
    /// Flags of `load`.
    pub(super) flags: &'static [&'static str],
    /// How long `load` and `run` may take, each.
    pub(super) patience: Duration,
    /// The address space that `load` gets, in KiB.
    pub(super) memory: Option<u64>,
}

impl Case {
    /// A case whose image is loaded without complaint and holds nothing but `file`; say otherwise behind this.
    pub(super) fn new(
        name: impl Into<String>,
        about: &'static str,
        build: impl Fn(&Path) -> Source + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            about,
            build: Box::new(build),
            expectation: Expectation::Tree(Tree::new().file("file", "content\n")),
            flags: &[],
            patience: Duration::from_secs(180),
            memory: None,
        }
    }

    pub(super) fn refused(mut self, says: &'static str) -> Self {
        self.expectation = Expectation::Refused(says);
        self
    }

    pub(super) fn tree(mut self, tree: Tree) -> Self {
        self.expectation = Expectation::Tree(tree);
        self
    }

    pub(super) fn prints(mut self, command: &'static [&'static str], output: impl Into<String>) -> Self {
        self.expectation = Expectation::Prints { flags: &[], command, output: output.into() };
        self
    }

    pub(super) fn fails(mut self, command: &'static [&'static str], code: i32, says: &'static str) -> Self {
        self.expectation = Expectation::Fails { flags: &[], command, code, says };
        self
    }

    pub(super) fn warned(mut self, says: &'static str) -> Self {
        self.expectation = Expectation::Warned(says);
        self
    }

    /// Flags of `run`, behind [`Case::prints`] or [`Case::fails`].
    pub(super) fn run_flags(mut self, words: &'static [&'static str]) -> Self {
        match &mut self.expectation {
            Expectation::Prints { flags, .. } | Expectation::Fails { flags, .. } => *flags = words,
            Expectation::Refused(_) | Expectation::Tree(_) | Expectation::Warned(_) => {
                panic!("{} does not run", self.name)
            }
        }
        self
    }

    pub(super) fn load_flags(mut self, flags: &'static [&'static str]) -> Self {
        self.flags = flags;
        self
    }

    pub(super) fn within(mut self, seconds: u64) -> Self {
        self.patience = Duration::from_secs(seconds);
        self
    }

    /// Limits the address space of `load`, in MiB.
    pub(super) fn memory(mut self, mebibytes: u64) -> Self {
        self.memory = Some(mebibytes << 10);
        self
    }
}
