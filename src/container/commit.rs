//! What a container has, as an image or as an archive.

use std::io::Write;
use std::path::{Path, PathBuf};

use oci_spec::image::Config;

use super::layer::OwnFiles;
use super::{Engine, Error, Event, Events, Pausing, now, rfc3339, within};
use crate::error::files::FilesError;
use crate::plan::account::UserSpec;
use crate::plan::digest::Digest;
use crate::plan::image_document::{ImageDocument, Step};
use crate::plan::instruction::Instruction;
use crate::plan::occurrence::Action;
use crate::plan::reference::Reference;
use crate::store::changes::changes;
use crate::store::commit::CommitRequest;
use crate::store::container::{Container, State};
use crate::store::image::Image;
use crate::store::merged::Merged;
use crate::store::pack::{PackError, PackNote, pack_layer, pack_merged};
use crate::sys::process::DescriptorLimit;

/// Said where a container was to stand still and cannot.
const UNPAUSED: &str =
    "the container is not paused, as it has no cgroup of its own: its files are taken as they are";

/// What the image of a container says about running it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Describing {
    /// What held for the container.
    #[default]
    Container,
    /// What the container's image says.
    Image,
}

/// What `commit` was asked for.
#[derive(Debug, Clone, Default)]
pub struct CommitArguments {
    /// The name of the image, if it gets one.
    pub reference: Option<Reference>,
    /// Who made it.
    pub author: Option<String>,
    /// What it is.
    pub message: Option<String>,
    /// What is otherwise than in the container.
    pub instructions: Vec<Instruction>,
    /// Whether the container stands still meanwhile.
    pub pausing: Pausing,
    /// What the instructions go on from.
    pub describing: Describing,
}

/// What the new layer is packed from.
enum Source {
    /// What the container changed in its image.
    Changes(Box<Image>),
    /// All that the container sees, where there is no image below it.
    Everything,
}

impl Engine {
    /// Makes an image of the container that `text` names: its image, and what it changed as one more layer. Volumes and
    /// other mounts are no part of it. The ID of the image.
    ///
    /// # Errors
    /// There is no such container, it keeps no files of its own, or the image cannot be stored; then there is none.
    pub fn commit(
        &self,
        text: &str,
        arguments: &CommitArguments,
        events: Events<'_>,
    ) -> Result<Digest, Error> {
        self.sweep()?;
        let container = self.store.find_container(text)?;
        let files = self.own_files(&container)?;
        let source = self.source(&container)?;
        let below: Vec<Digest> = match &source {
            Source::Changes(image) => image.layers.iter().map(|layer| layer.diff_id.clone()).collect(),
            Source::Everything => Vec::new(),
        };
        let request = CommitRequest {
            document: self.document(&container, &source, arguments)?,
            below: &below,
            reference: arguments.reference.as_ref(),
            owners: &self.owners(container.record.rights.map.as_ref()),
        };
        // A directory that the container was made from need not lie in the store.
        let lowers: Vec<&Path> = files.lowers.iter().map(PathBuf::as_path).collect();
        let still = self.hold_still(&container, arguments.pausing)?;
        if still.is_none() && arguments.pausing == Pausing::Asked && container.state == State::Running {
            events(Event::Notice(UNPAUSED.to_owned()));
        }
        let commit = || self.commit_inside(&files, &source, &request);
        let (id, notes) = self.confined(files.namespace.as_ref(), &lowers, commit)?;
        drop(still);
        for note in notes {
            events(Event::Notice(note));
        }
        let comment = arguments.message.clone().unwrap_or_default();
        let name = arguments.reference.as_ref().map(Reference::familiar).unwrap_or_default();
        let more = [("comment", comment), ("imageID", id.to_string()), ("imageRef", name)];
        self.note_container(&container.record, &Action::Commit, &more);
        Ok(id)
    }

    fn source(&self, container: &Container) -> Result<Source, Error> {
        let Some(id) = &container.record.image_id else { return Ok(Source::Everything) };
        let image = self.store.image_by_id(id)?;
        let gone = || Error::Vanished { origin: container.record.image.clone() };
        Ok(Source::Changes(Box::new(image.ok_or_else(gone)?)))
    }

    fn commit_inside(
        &self,
        files: &OwnFiles,
        source: &Source,
        request: &CommitRequest<'_>,
    ) -> Result<(Digest, Vec<String>), Error> {
        let _limit = DescriptorLimit::raise().map_err(Error::Probe)?;
        let own = files.open()?;
        let written = match source {
            Source::Changes(_) => {
                let compared = changes(&own, &files.open_image()?, files.cover)?;
                let mut write = |writer: &mut dyn Write| -> Result<Vec<PackNote>, PackError> {
                    pack_layer(&own, (&compared, files.cover), writer).map(|(_, notes)| notes)
                };
                self.store.commit(request, &mut write)
            }
            Source::Everything => {
                let merged = files.open_merged()?;
                let mut write = |writer: &mut dyn Write| -> Result<Vec<PackNote>, PackError> {
                    pack_merged(&merged, writer).map(|(_, notes)| notes)
                };
                self.store.commit(request, &mut write)
            }
        };
        Ok(written?)
    }

    /// What the image says of itself: what its base says, but for what is otherwise now.
    fn document(
        &self,
        container: &Container,
        source: &Source,
        arguments: &CommitArguments,
    ) -> Result<ImageDocument, Error> {
        let gone = || Error::Vanished { origin: container.record.image.clone() };
        let (mut document, understood) = match source {
            Source::Changes(image) => {
                let document = self.store.image_document(image)?.ok_or_else(gone)?;
                (document, image.config.config().clone().unwrap_or_default())
            }
            Source::Everything => (ImageDocument::of(&self.machine()), Config::default()),
        };
        if arguments.describing == Describing::Container {
            let own = own_config(container, &understood);
            document.take_over(&understood, &own);
        }
        document.apply(&arguments.instructions);
        if let Some(author) = &arguments.author {
            document.set_author(author);
        }
        document.add_step(&Step {
            created: &rfc3339(now()),
            created_by: Some(&container.record.command.join(" ")),
            author: arguments.author.as_deref(),
            comment: arguments.message.as_deref(),
        });
        Ok(document)
    }

    /// Writes all that the container that `text` names sees, but for its mounts, as an archive; what is not in it as the
    /// container sees it.
    ///
    /// # Errors
    /// There is no such container, it keeps no files of its own, or the archive cannot be written.
    pub fn export(&self, text: &str, writer: &mut dyn Write, pausing: Pausing) -> Result<Vec<String>, Error> {
        let container = self.store.find_container(text)?;
        let files = self.own_files(&container)?;
        let _still = self.hold_still(&container, pausing)?;
        self.note_container(&container.record, &Action::Export, &[]);
        within(files.namespace.as_ref(), || -> Result<_, Error> {
            let _limit = DescriptorLimit::raise().map_err(Error::Probe)?;
            let (writer, notes) = pack_merged(&files.open_merged()?, std::io::BufWriter::new(writer))?;
            writer.into_inner().map_err(|error| FilesError::Output(error.into_error()))?;
            Ok(notes.iter().map(ToString::to_string).collect())
        })
    }
}

/// What held for the container.
fn own_config(container: &Container, image: &Config) -> Config {
    let mut config = container.record.config.clone();
    let labels = &container.record.labels;
    if !labels.is_empty() {
        let pairs = labels.iter().map(|label| (label.key.clone(), label.value.clone()));
        config.set_labels(Some(pairs.collect()));
    }
    // The same user, as the image puts it.
    let user = |config: &Config| config.user().as_deref().unwrap_or_default().parse::<UserSpec>().ok();
    if user(&config) == user(image) {
        config.set_user(image.user().clone());
    }
    config
}

impl OwnFiles {
    /// Opens what the container sees. Called inside the namespace.
    fn open_merged(&self) -> Result<Merged, Error> {
        Ok(match self.cover {
            crate::store::changes::Cover::Layer => self.open_image()?.below(self.open()?),
            crate::store::changes::Cover::Whole => Merged::new(vec![self.open()?]),
        })
    }
}
