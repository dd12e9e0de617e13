//! Images to registries.
//!
//! This process talks to the registry, and decides what is sent. Another one, which has no network, packs the layers that
//! are missing there, each while it is sent.
//!
//! A layer whose blob was kept is sent as it came. One that the registry has as it once came from one is left as it is,
//! wherever in the registry it lies; all others are packed as `save` does it. So an image keeps the manifest that it came
//! with where all blobs were kept, and where it comes back to its registry, and has the digest that `save` gives it where
//! no layer of it was before.

use super::pull::access_of;
use super::{Engine, Error, Event, Events};
use crate::plan::digest::Digest;
use crate::plan::occurrence::Action;
use crate::plan::reference::{Reference, TagOrigin};
use crate::plan::registry::order::Archive;
use crate::plan::registry::policy::is_local;
use crate::plan::userns::UsernsMode;
use crate::registry::{Access, Carrier, Client, Purpose, RegistryError, credentials};
use crate::store::image::ImageError;
use crate::store::load::Progress;
use crate::store::save::{Blob, KnownLayer, SaveItem, damaged};
use crate::sys::channel::Channel;
use crate::sys::process::DescriptorLimit;

/// What begins a destination that is a registry, where it could be something else.
const TRANSPORT: &str = "docker://";

/// What to push.
#[derive(Debug, Clone)]
pub struct PushArguments {
    /// The image, as typed.
    pub image: String,
    /// What it is to be called, if not as here: a name, with `docker://` before it or not.
    pub destination: Option<String>,
    /// How the registry is asked.
    pub access: Access,
}

/// An image that was pushed.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// What it is called there.
    pub reference: Reference,
    /// The digest of its manifest.
    pub digest: Digest,
    /// What is not there as it is in the store.
    pub notes: Vec<String>,
}

impl Engine {
    /// Sends an image to a registry.
    ///
    /// # Errors
    /// There is no such image, nothing says where to, or the registry does not take it.
    pub fn push(&self, arguments: &PushArguments, events: Events<'_>) -> Result<Pushed, Error> {
        let (namespace, own) = self.namespace(UsernsMode::Auto)?;
        let image = self.find_image(&arguments.image)?;
        let reference = destination(arguments, image.reference.as_ref())?;
        let owners = self.owners_of(&image, &own)?;
        let item = SaveItem { image, references: vec![reference.clone()], owners };
        let known = self.store.known_layers(&item, &reference)?;
        let settings = credentials::settings()?;
        let (registry, repository) = (reference.registry(), reference.repository());
        let access = access_of(registry, &reference, &settings, &arguments.access)?;
        let client = Client::connect(registry, repository, &access, Purpose::Push)?;
        let (ours, theirs) = Channel::pair().map_err(Error::Probe)?;
        let (store, packed) = (&self.store, &item);
        // Its end of the channel goes with it: so it is known here when it is gone.
        let pack = move || -> Result<(), Error> {
            let _limit = DescriptorLimit::raise().map_err(Error::Probe)?;
            Ok(store.pack_on_order(packed, &theirs)?)
        };
        let mut pushed = None;
        let send = || {
            let carrier = Carrier::new(&client, &ours, reference.familiar());
            pushed = Some(self.send((&item, &known), &carrier, &reference, events));
            // One that has ended has said why.
            let _ = carrier.finish();
        };
        // What could not be packed is the reason for what could not be sent.
        self.confined_beside(namespace.as_ref(), &[], pack, send)?;
        let vanished = || Error::Vanished { origin: arguments.image.clone() };
        let pushed = pushed.ok_or_else(vanished)??;
        self.note_image(&item.image.id, &Action::Push, reference.familiar());
        Ok(pushed)
    }

    /// The names of images of the store in the repository that `text` names, sorted.
    ///
    /// # Errors
    /// `text` has a tag or a digest, or there is no such image.
    pub fn names_in_repository(&self, text: &str) -> Result<Vec<Reference>, Error> {
        let repository = parse(text)?;
        if repository.tag_origin() == TagOrigin::Typed || repository.digest().is_some() {
            return Err(RegistryError::TagWithAll(text.to_owned()).into());
        }
        Ok(self.store.names_in(text, &repository)?)
    }

    fn send(
        &self,
        (item, known): (&SaveItem, &[KnownLayer]),
        carrier: &Carrier<'_>,
        reference: &Reference,
        events: Events<'_>,
    ) -> Result<Pushed, Error> {
        events(Event::Progress(Progress::Image { id: item.image.id.clone(), layers: known.len() }));
        let mut notes = Vec::new();
        let mut layers = Vec::with_capacity(known.len());
        for (index, layer) in known.iter().enumerate() {
            layers.push(send_layer((index, layer), carrier, &mut notes, events)?);
        }
        let documents = self.store.documents(&item.image, &layers, &reference.familiar())?;
        notes.extend(documents.note);
        let (config, bytes) = &documents.config;
        carrier.send_config(&config.digest, bytes)?;
        let (manifest, bytes) = &documents.manifest;
        let tag = reference.tag().unwrap_or("latest");
        carrier.send_manifest(tag, &manifest.media_type, (&manifest.digest, bytes))?;
        Ok(Pushed { reference: reference.clone(), digest: manifest.digest.clone(), notes })
    }
}

/// Sees to it that the registry has a layer, the lowest being 0; what it is there.
fn send_layer(
    (index, layer): (usize, &KnownLayer),
    carrier: &Carrier<'_>,
    notes: &mut Vec<String>,
    events: Events<'_>,
) -> Result<Blob, RegistryError> {
    let number = index + 1;
    for blob in [&layer.original, &layer.packed].into_iter().flatten() {
        if carrier.has(&blob.digest, &layer.repositories)? {
            let diff_id = blob.diff_id.clone();
            events(Event::Progress(Progress::LayerPresent { number, diff_id }));
            return Ok(blob.clone());
        }
    }
    let guess = layer.packed.as_ref();
    let diff_id = layer.diff_id.clone();
    events(Event::Progress(Progress::LayerBegun { number, diff_id, size: guess.map(|blob| blob.size) }));
    let mut progress = |bytes| events(Event::Progress(Progress::LayerBytes { number, bytes }));
    let packed = carrier.send_layer((index, layer.archive.clone()), &mut progress)?;
    events(Event::Progress(Progress::LayerDone { number }));
    if let Archive::Kept(digest) = &layer.archive {
        if *digest == packed.digest {
            return Ok(layer.packed.clone().unwrap_or_else(|| Blob::of_layer(&packed)));
        }
        // That of a bare archive has no bytes that could be damaged.
        notes.extend((*digest != layer.diff_id).then(|| damaged(digest)));
    }
    for note in &packed.notes {
        if !notes.contains(note) {
            notes.push(note.clone());
        }
    }
    Ok(Blob::of_layer(&packed))
}

/// What the image is to be called.
fn destination(arguments: &PushArguments, own: Option<&Reference>) -> Result<Reference, Error> {
    let named = match &arguments.destination {
        Some(text) => Some(parse(text)?),
        None => own.cloned(),
    };
    match named {
        Some(reference) if reference.digest().is_some() => {
            Err(ImageError::TagWithDigest(reference.familiar()).into())
        }
        Some(reference) if !is_local(&reference) => Ok(reference),
        Some(_) | None => Err(RegistryError::NoDestination(arguments.image.clone()).into()),
    }
}

fn parse(text: &str) -> Result<Reference, ImageError> {
    let name = text.strip_prefix(TRANSPORT).unwrap_or(text);
    name.parse().map_err(|cause| ImageError::Name { text: text.to_owned(), cause })
}
