//! Steps: a command in an image makes another image, or has made it before.
//!
//! The image is found first, then every input is read, and from both follows the key of the step. Under the lock of that key
//! somebody may have made it meanwhile; else the command runs, and what it changed becomes an image before its container is
//! gone. Whoever is killed on the way leaves a container that goes with its end, which the next command sweeps.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::base::{Base, Intent, Wanted};
use super::charge::{Charge, Parting, Run};
use super::commit::Describing;
use super::run::{Manner, Outcome, not_put_away};
use super::{CommitArguments, Engine, Error, Event, Events, Pausing, absolute, now, within};
use crate::launch::Sequel;
use crate::plan::digest::{Algorithm, Digest};
use crate::plan::mount::{Links, MountRequest};
use crate::plan::platform::Platform;
use crate::plan::reference::Reference;
use crate::plan::registry::policy::PullPolicy;
use crate::plan::request::RunRequest;
use crate::plan::source::ImageSource;
use crate::plan::step::{Input, StepError, StepRequest};
use crate::plan::userns::UserNamespace;
use crate::store::image::Image;
use crate::store::layer::LayerOwners;
use crate::store::layout;
use crate::store::step::{StepRecord, input_digest};
use crate::sys::clone::ExitStatus;
use crate::sys::probe;
use crate::sys::process::DescriptorLimit;

/// What is told of inputs that did not hold still.
const CHANGED: &str = "an input changed while the command ran: it runs again the next time";

/// Whether a step that was done before is done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Memory {
    /// Only where what it made is gone.
    #[default]
    Used,
    /// In any case; what it makes counts from then on.
    PassedOver,
}

/// What `layer` was asked for.
#[derive(Debug, Clone)]
pub struct StepArguments {
    /// The step.
    pub step: StepRequest,
    /// The name of the image, if it gets one.
    pub reference: Option<Reference>,
    /// Whether what was made before counts.
    pub memory: Memory,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepOutcome {
    /// The command ran, and this is the image.
    Made(Digest),
    /// This is the image that it had made before.
    Known(Digest),
    /// The command ended so, and there is no image.
    Failed(ExitStatus),
}

impl Engine {
    /// Runs a command in an image and makes an image of what it changed, unless that was done before.
    ///
    /// # Errors
    /// There is no such image, an input cannot be read, or the command cannot be run; then nothing is made.
    pub fn layer(&self, arguments: StepArguments, events: Events<'_>) -> Result<StepOutcome, Error> {
        let StepArguments { step, reference, memory } = arguments;
        let mut step = step.prepare()?;
        let (namespace, owners) = self.namespace(step.run.userns)?;
        let image = self.step_image(&step.run, (namespace.as_ref(), &owners), &mut *events)?;
        self.tell_of_triggers(&image, &mut *events)?;
        settle(&mut step.run, &image)?;
        let key = self.step_key(&step, &image, namespace.as_ref())?;
        let _lock = self.store.lock_step(&key)?;
        if memory == Memory::Used
            && let Some(known) = self.known_step(&key, reference.as_ref())?
        {
            return Ok(StepOutcome::Known(known));
        }
        let outcome = self.do_step(&step, reference, &mut *events)?;
        let StepOutcome::Made(made) = &outcome else { return Ok(outcome) };
        if self.step_key(&step, &image, namespace.as_ref())? == key {
            let (command, made_at) = (step.run.command.clone(), now());
            let record = StepRecord { image: made.clone(), base: image.id, command, made: made_at };
            self.store.remember_step(&key, &record)?;
        } else {
            events(Event::Notice(CHANGED.to_owned()));
        }
        Ok(outcome)
    }

    /// The image to begin with, unpacked.
    fn step_image(
        &self,
        run: &RunRequest,
        (namespace, owners): (Option<&UserNamespace>, &LayerOwners),
        events: Events<'_>,
    ) -> Result<Image, Error> {
        let wanted = Wanted {
            source: &run.image,
            text: &run.image_text,
            platform: run.platform.as_ref(),
            limits: &run.image_limits,
            pull: run.pull,
            namespace,
            owners,
            intent: Intent::Run,
        };
        match self.base(wanted, events)? {
            Base::Image { image, .. } => Ok(*image),
            Base::Directory(_) | Base::Host => Err(StepError::NoImage(run.image_text.clone()).into()),
        }
    }

    /// Says what the image wants done wherever another one is made of it. Nobody does that here.
    fn tell_of_triggers(&self, image: &Image, events: Events<'_>) -> Result<(), Error> {
        let document = self.store.image_document(image)?;
        let document = document.ok_or_else(|| Error::Vanished { origin: image.id.to_string() })?;
        let triggers = document.triggers().join("; ");
        if !triggers.is_empty() {
            events(Event::Notice(format!(
                "the image has ONBUILD instructions, which are not done: {triggers}"
            )));
        }
        Ok(())
    }

    /// The image that the step has made before, which gets the name that was asked for.
    fn known_step(&self, key: &Digest, reference: Option<&Reference>) -> Result<Option<Digest>, Error> {
        let Some(known) = self.store.step(key)? else { return Ok(None) };
        self.store.note_use(&known.image);
        reference.map_or(Ok(()), |reference| self.tag(&known.image.to_string(), reference))?;
        Ok(Some(known.image))
    }

    /// Runs the command and makes an image of what it changed.
    fn do_step(
        &self,
        step: &StepRequest,
        reference: Option<Reference>,
        events: Events<'_>,
    ) -> Result<StepOutcome, Error> {
        let commit = CommitArguments {
            reference,
            instructions: step.changes.clone(),
            pausing: Pausing::Never,
            describing: Describing::Image,
            ..CommitArguments::default()
        };
        let run = step.whole_run();
        match self.all_or_nothing(|| self.run_once(&run, Manner::Step(&commit), &mut *events))? {
            Outcome::Made(id) => Ok(StepOutcome::Made(id)),
            Outcome::Ended(status) => Ok(StepOutcome::Failed(status)),
            Outcome::LeftAlone(_) | Outcome::Visited(..) => Err(Error::Vanished { origin: run.image_text }),
        }
    }

    /// Looks at all inputs; the key that follows from them.
    fn step_key(
        &self,
        step: &StepRequest,
        image: &Image,
        namespace: Option<&UserNamespace>,
    ) -> Result<Digest, Error> {
        let inputs = step.inputs();
        let content = |input: &Input, mount: &MountRequest| match input {
            Input::Nothing => Ok(None),
            Input::Image(name) => Ok(Some(self.find_image(name)?.id)),
            Input::Bind { source, links } => {
                let digest = content(&absolute(source, &self.host), *links)
                    .map_err(|error| error.about(&mount.origin))?;
                digest.map(Some).ok_or_else(|| StepError::Special(mount.origin.clone()).into())
            }
        };
        let look = || -> Result<Vec<Option<Digest>>, Error> {
            let _limit = DescriptorLimit::raise().map_err(Error::Probe)?;
            inputs.iter().zip(&step.run.mounts).map(|(input, mount)| content(input, mount)).collect()
        };
        // As the container's root reads them: some may belong to its other users.
        let contents = if inputs.is_empty() { Vec::new() } else { within(namespace, look)? };
        Ok(step.key(&image.id, &contents, probe::text_variable))
    }
}

/// Makes of a request for some image one for exactly this.
fn settle(run: &mut RunRequest, image: &Image) -> Result<(), Error> {
    run.image_text = image.id.to_string();
    run.image = ImageSource::parse(run.image_text.as_ref())?;
    run.pull = PullPolicy::Never;
    // It was chosen by that.
    run.platform = None::<Platform>;
    Ok(())
}

/// The digest of what lies on the host; none of what is neither file nor directory.
fn content(path: &Path, links: Links) -> Result<Option<Digest>, Error> {
    if links == Links::Copy
        && let Ok(text) = std::fs::read_link(path)
    {
        return Ok(Some(layout::digest_of(Algorithm::Sha256, text.as_os_str().as_bytes())));
    }
    input_digest(path).map_err(|cause| Error::StepInput { path: path.to_owned(), cause })
}

impl Charge<'_> {
    /// Runs the container to its end, makes an image of it if its command said that all went well, and removes it.
    pub(super) fn run_step(
        &self,
        run: Run,
        commit: &CommitArguments,
        events: Events<'_>,
    ) -> Result<Outcome, Error> {
        let run = Run { parting: Parting::Stays, ..run };
        let (ended, mut guests) = self.run_to_end(run, &mut *events)?;
        let outcome = if ended.status == ExitStatus::Exited(0) && !ended.timed_out {
            self.engine.commit(self.record.id.as_str(), commit, &mut *events).map(Outcome::Made)
        } else {
            Ok(Outcome::Ended(ended.status))
        };
        // The next command sweeps what could not be tidied up.
        let put_away = self.engine.discard(self.record, self.bundle);
        put_away.unwrap_or_else(|error| events(Event::Notice(not_put_away(self.record, &error))));
        guests.dismiss(ended.status, Sequel::Final);
        outcome
    }
}
