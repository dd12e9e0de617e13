//! `--result`: where what became of a run is written, also when it becomes nothing.

use std::path::Path;

use minirun::container::{Failed, check_result, write_failure};
use minirun::plan::request::RunRequest;
use minirun::plan::supervision::{ResultTarget, SupervisionError};

use crate::arguments::run::RunArgs;
use crate::arguments::{ContainerVerb, Verb};
use crate::failure::Failure;
use crate::output::Output;
use crate::supervision;

/// Somebody wants to read how a run went.
pub(crate) struct Promise {
    target: ResultTarget,
    arguments: Vec<String>,
}

impl Promise {
    /// What the flags of `run` promise; a word that is none is refused later.
    pub(crate) fn of(verb: &Verb) -> Option<Self> {
        let (Verb::Run(run)
        | Verb::Create(run)
        | Verb::Container(ContainerVerb::Run(run) | ContainerVerb::Create(run))) = verb
        else {
            return None;
        };
        if run.dry_run {
            return None;
        }
        let text = run.supervision.result.as_ref()?;
        let words = run.words.iter().skip(1).map(|word| word.to_string_lossy().into_owned());
        let target = ResultTarget::parse(text, Path::new("")).ok()?;
        Some(Self { target, arguments: words.collect() })
    }

    /// Says that nothing came of it, unless whoever ran the container has said what.
    pub(crate) fn keep(self, failure: &Failure, code: u8, output: &mut Output) {
        let is_told = match failure {
            Failure::Engine(error) => error.is_loss(),
            Failure::Output(_) => true,
            _ => false,
        };
        if is_told {
            return;
        }
        let failed = Failed { arguments: self.arguments, error: failure, hint: failure.hint(), code };
        if let Err(error) = write_failure(&self.target, failed) {
            output.fail(&error.into());
        }
    }
}

/// Makes sure that the result can be written, before anything is done.
pub(crate) fn check(request: &RunRequest, stay: Stay) -> Result<(), Failure> {
    let Some(target) = &request.supervision.result else { return Ok(()) };
    if stay == Stay::LivesOn && matches!(target, ResultTarget::Descriptor(_)) {
        let error = SupervisionError::DescriptorLeft(target.clone());
        return Err(Failure::Request(error.into()));
    }
    Ok(check_result(target)?)
}

/// Whether a container may outlive the command that makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stay {
    Ends,
    LivesOn,
}

impl Stay {
    pub(crate) fn of(arguments: &RunArgs) -> Result<Self, Failure> {
        let is_supervised = supervision::session(arguments)?.is_some();
        Ok(if arguments.supervision.detach || is_supervised { Self::LivesOn } else { Self::Ends })
    }
}
