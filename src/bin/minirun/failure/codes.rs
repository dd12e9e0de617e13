//! With which codes verbs end.

use minirun::container::Error;

use super::{Failure, SOME_FAILED};
use crate::arguments::contents::ContentsVerb;
use crate::arguments::{ContainerVerb, ImageVerb, Verb};

/// The code for a template that cannot be read, of the verbs that otherwise have but one.
const BAD_TEMPLATE: u8 = 64;

/// Which codes a verb ends with when it fails; Docker has two habits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codes {
    /// 125 for what is minirun's own failure.
    Run,
    /// 1 for every failure, and 64 for a template that cannot be read.
    One,
}

impl Codes {
    pub(crate) fn of(verb: &Verb) -> Self {
        match verb {
            Verb::Container(ContainerVerb::Run(_) | ContainerVerb::Create(_)) => Self::Run,
            Verb::Contents(verb) | Verb::Container(ContainerVerb::Contents(verb)) => Self::of_contents(verb),
            Verb::Volume(_)
            | Verb::System(_)
            | Verb::Image(
                ImageVerb::Prune(_)
                | ImageVerb::Pull(_)
                | ImageVerb::Push(_)
                | ImageVerb::Save(_)
                | ImageVerb::Look(_),
            )
            | Verb::Pull(_)
            | Verb::Push(_)
            | Verb::Login(_)
            | Verb::Logout(_)
            | Verb::Changes(_)
            | Verb::Apply(_)
            | Verb::Discard(_)
            | Verb::Lifecycle(_)
            | Verb::Container(_)
            | Verb::Events(_)
            | Verb::Ps(_)
            | Verb::Rm(_)
            | Verb::Save(_)
            | Verb::History(_)
            | Verb::Inspect(_) => Self::One,
            _ => Self::Run,
        }
    }

    fn of_contents(verb: &ContentsVerb) -> Self {
        match verb {
            ContentsVerb::Mount(_) | ContentsVerb::Umount(_) | ContentsVerb::Mounts(_) => Self::Run,
            ContentsVerb::Exec(_)
            | ContentsVerb::Diff(_)
            | ContentsVerb::Top(_)
            | ContentsVerb::Stats(_)
            | ContentsVerb::Cp(_)
            | ContentsVerb::Commit(_)
            | ContentsVerb::Export(_)
            | ContentsVerb::Port(_) => Self::One,
        }
    }

    /// The code for `failure`.
    pub(crate) fn code(self, failure: &Failure) -> u8 {
        match (self, failure) {
            (Self::One, Failure::Template(error)) if error.is_syntax() => BAD_TEMPLATE,
            // What a command could not begin with is told as `run` tells it.
            (Self::One, Failure::Engine(error @ Error::Launch { .. })) => error.exit_code(),
            (Self::One, failure) if !failure.is_closed_pipe() => SOME_FAILED,
            (Self::Run | Self::One, failure) => failure.exit_code(),
        }
    }
}
