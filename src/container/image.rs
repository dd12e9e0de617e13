//! Images: found in the store, or loaded into it first.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::{Engine, Error, Event, Events, absolute, input_error};
use crate::plan::digest::Digest;
use crate::plan::image_limit::ImageLimits;
use crate::plan::instruction::Instruction;
use crate::plan::occurrence::Action;
use crate::plan::platform::Platform;
use crate::plan::reference::Reference;
use crate::plan::userns::UserNamespace;
use crate::store::container::Container;
use crate::store::discard::{Removal, Removed};
use crate::store::import::ImportRequest;
use crate::store::list::ImageSummary;
use crate::store::load::{LoadChoice, LoadFormat, LoadRequest, LoadSource, Loaded, Naming};
use crate::sys::Call;
use crate::sys::process::DescriptorLimit;

/// Where an image is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadFrom {
    /// A file or directory.
    Path(PathBuf),
    /// Standard input.
    Stdin,
}

/// What to load.
#[derive(Debug, Clone)]
pub struct LoadArguments {
    /// Where from.
    pub source: LoadFrom,
    /// For which platform; this machine's if not said.
    pub platform: Option<Platform>,
    /// How much the images may ask for.
    pub limits: ImageLimits,
}

/// What to import.
#[derive(Debug, Clone)]
pub struct ImportArguments {
    /// The tar of a root filesystem, compressed or not.
    pub source: LoadFrom,
    /// The name of the image, if it gets one.
    pub reference: Option<Reference>,
    /// What it is for; this machine if not said.
    pub platform: Option<Platform>,
    /// What a container of it runs, and how.
    pub instructions: Vec<Instruction>,
    /// What it is.
    pub message: Option<String>,
    /// How much the tar may ask for.
    pub limits: ImageLimits,
}

impl Engine {
    pub(super) fn load_inside(
        &self,
        namespace: Option<&UserNamespace>,
        request: &LoadRequest<'_>,
        events: Events<'_>,
    ) -> Result<Vec<Loaded>, Error> {
        let inputs: Vec<&Path> = match &request.source {
            LoadSource::Path(path) => vec![path],
            LoadSource::Stream(_) | LoadSource::Registry(_) => Vec::new(),
        };
        let loaded = self.confined(namespace, &inputs, || -> Result<_, Error> {
            let _limit = DescriptorLimit::raise().map_err(Error::Probe)?;
            Ok(self.store.load(request, &mut |progress| events(Event::Progress(progress)))?)
        })?;
        let mut warnings: Vec<&String> = Vec::new();
        for warning in loaded.iter().flat_map(|loaded| &loaded.warnings) {
            if !warnings.contains(&warning) {
                warnings.push(warning);
                events(Event::Notice(warning.clone()));
            }
        }
        for Loaded { id, references, .. } in &loaded {
            let name = references.first().map_or_else(|| id.to_string(), Reference::familiar);
            self.note_image(id, &Action::Load, name);
        }
        Ok(loaded)
    }

    /// Whether `text` names an image.
    ///
    /// # Errors
    /// `text` is no name, or names several, or the store cannot be read.
    pub fn image_exists(&self, text: &str) -> Result<bool, Error> {
        Ok(self.store.image_exists(text)?)
    }

    /// Loads images into the store.
    ///
    /// # Errors
    /// The source is not what it should be; the store is as it was.
    pub fn load(&self, arguments: &LoadArguments, events: Events<'_>) -> Result<Vec<Loaded>, Error> {
        self.all_or_nothing(|| self.load_all(arguments, events))
    }

    fn load_all(&self, arguments: &LoadArguments, events: Events<'_>) -> Result<Vec<Loaded>, Error> {
        let (namespace, owners) = self.namespace(crate::plan::userns::UsernsMode::Auto)?;
        let machine = self.machine();
        let source = match &arguments.source {
            LoadFrom::Path(path) => LoadSource::Path(absolute(path, &self.host)),
            LoadFrom::Stdin => LoadSource::Stream(stdin()?),
        };
        let request = LoadRequest {
            source,
            format: LoadFormat::Any,
            choice: LoadChoice::All,
            platform: arguments.platform.as_ref().unwrap_or(&machine),
            owners: &owners,
            limits: &arguments.limits,
            naming: Naming::FromSource,
            lock: self.lock.as_ref(),
            blobs: self.blobs,
        };
        self.load_inside(namespace.as_ref(), &request, events)
    }

    /// Imports the tar of a root filesystem as an image of one layer.
    ///
    /// # Errors
    /// The tar is not what it should be; the store is as it was.
    pub fn import(&self, arguments: &ImportArguments, events: Events<'_>) -> Result<Loaded, Error> {
        self.all_or_nothing(|| self.import_one(arguments, events))
    }

    fn import_one(&self, arguments: &ImportArguments, events: Events<'_>) -> Result<Loaded, Error> {
        let (namespace, owners) = self.namespace(crate::plan::userns::UsernsMode::Auto)?;
        let machine = self.machine();
        let (name, file) = match &arguments.source {
            LoadFrom::Stdin => ("standard input".to_owned(), stdin()?),
            LoadFrom::Path(path) => {
                let open = File::open(absolute(path, &self.host)).call(|| format!("open({path:?})"));
                (path.display().to_string(), open.map_err(|cause| input_error(path, cause))?)
            }
        };
        let request = ImportRequest {
            source_name: &name,
            reference: arguments.reference.as_ref(),
            instructions: &arguments.instructions,
            message: arguments.message.as_deref(),
            created: &super::rfc3339(super::now()),
            platform: arguments.platform.as_ref().unwrap_or(&machine),
            owners: &owners,
            limits: &arguments.limits,
        };
        let imported = self.confined(namespace.as_ref(), &[], || {
            self.store.import(Box::new(file), &request, &mut |progress| events(Event::Progress(progress)))
        })?;
        for warning in &imported.warnings {
            events(Event::Notice(warning.clone()));
        }
        let name = arguments.reference.as_ref().map_or_else(|| imported.id.to_string(), Reference::familiar);
        self.note_image(&imported.id, &Action::Import, name);
        Ok(imported)
    }

    /// All images of the store.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn images(&self) -> Result<Vec<ImageSummary>, Error> {
        Ok(self.store.images()?)
    }

    /// Gives the image `source` another name.
    ///
    /// # Errors
    /// There is no such image, or the store cannot be written.
    pub fn tag(&self, source: &str, target: &Reference) -> Result<(), Error> {
        let image = self.find_image(source)?;
        let source = image.reference.map_or_else(|| source.to_owned(), |name| name.to_string());
        let id = self.store.tag(&source, target)?;
        self.note_image(&id, &Action::Tag, target.familiar());
        Ok(())
    }

    /// Removes a name of an image, and with the last one the image.
    ///
    /// # Errors
    /// There is no such image, or it is in use.
    pub fn remove_image(&self, text: &str, removal: Removal) -> Result<Vec<Removed>, Error> {
        self.sweep()?;
        let containers = self.store.containers()?;
        let used: HashSet<Digest> = containers.iter().flat_map(Container::images).cloned().collect();
        let namespace = self.own_namespace()?;
        let image = self.find_image(text)?;
        let (id, name) = (image.id, image.reference.map_or_else(|| text.to_owned(), |name| name.to_string()));
        let removed = super::within(namespace.as_ref(), || self.store.remove_image(&name, removal, &used))?;
        for what in &removed {
            match what {
                Removed::Untagged(name) => self.note_image(&id, &Action::Untag, name.familiar()),
                Removed::Deleted(id) => self.note_image(id, &Action::Delete, id.to_string()),
            }
        }
        Ok(removed)
    }
}

pub(super) fn stdin() -> Result<File, Error> {
    let copy = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3).call(|| "fcntl(DUPFD_CLOEXEC)");
    copy.map(File::from).map_err(|cause| input_error(Path::new("-"), cause))
}
