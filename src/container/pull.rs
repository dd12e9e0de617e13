//! Images from registries.
//!
//! This process asks: it has the network, the certificates and the credentials. Another one, which has none of these,
//! reads the documents of the image and unpacks its layers while they come.

use std::sync::Arc;

use super::{Engine, Error, Event, Events};
use crate::plan::digest::{Algorithm, Digest};
use crate::plan::hasher::Hasher;
use crate::plan::image_limit::ImageLimits;
use crate::plan::occurrence::Action;
use crate::plan::platform::Platform;
use crate::plan::reference::{Reference, TagOrigin};
use crate::plan::registry::auth_file::{Credentials, Kept};
use crate::plan::registry::endpoint::Trust;
use crate::plan::registry::login::{self, LoginError};
use crate::plan::registry::settings::Settings;
use crate::plan::userns::{UserNamespace, UsernsMode};
use crate::registry::{Access, Client, FoundManifest, Places, Purpose, RegistryError, credentials, serve};
use crate::store::layer::LayerOwners;
use crate::store::load::{LoadChoice, LoadFormat, LoadRequest, LoadSource, Loaded, Naming, Remote};
use crate::sys::channel::Channel;
use crate::sys::process::DescriptorLimit;

/// What to pull.
#[derive(Debug, Clone)]
pub struct PullArguments {
    /// The image, as typed.
    pub name: String,
    /// For which platform; this machine's if not said.
    pub platform: Option<Platform>,
    /// How much the image may ask for.
    pub limits: ImageLimits,
    /// How registries are asked.
    pub access: Access,
}

/// An image that was pulled.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// Its ID.
    pub id: Digest,
    /// Its name.
    pub reference: Reference,
    /// The digest of the manifest or index that the registry has under this name.
    pub digest: Digest,
    /// Whether the name meant another image before, or none.
    pub is_new: bool,
}

/// Whose the files of an image are to be.
#[derive(Clone, Copy)]
pub(super) struct Owned<'a> {
    pub(super) namespace: Option<&'a UserNamespace>,
    pub(super) owners: &'a LayerOwners,
}

impl Engine {
    /// Fetches an image.
    ///
    /// # Errors
    /// No registry that is asked has it or gives it, or it is not what it should be; the store is as it was.
    pub fn pull(&self, arguments: &PullArguments, events: Events<'_>) -> Result<Pulled, Error> {
        let (namespace, owners) = self.namespace(UsernsMode::Auto)?;
        let owned = Owned { namespace: namespace.as_ref(), owners: &owners };
        self.all_or_nothing(|| self.pull_for(arguments, owned, events))
    }

    /// The names of all images in the repository that `name` stands for.
    ///
    /// # Errors
    /// `name` has a tag or digest, or its registry does not say what it has.
    pub fn remote_tags(&self, name: &str, access: &Access) -> Result<Vec<String>, Error> {
        let settings = credentials::settings()?;
        let candidates = settings.candidates(name).map_err(RegistryError::Name)?;
        let mut first = None;
        for reference in candidates {
            if reference.tag_origin() == TagOrigin::Typed || reference.digest().is_some() {
                return Err(RegistryError::TagWithAll(name.to_owned()).into());
            }
            let registry = reference.registry();
            match connect(registry, &reference, &settings, access)?.tags(&reference.familiar_name()) {
                Ok(tags) => {
                    return Ok(tags.into_iter().map(|tag| format!("{}:{tag}", reference.name())).collect());
                }
                Err(error) if error.is_absence() => drop(first.get_or_insert(error)),
                Err(error) => return Err(error.into()),
            }
        }
        Err(first.map_or_else(|| Error::Vanished { origin: name.to_owned() }, Error::Registry))
    }

    /// Fetches an image for such owners: from the first name and place that has it.
    pub(super) fn pull_for(
        &self,
        arguments: &PullArguments,
        owned: Owned<'_>,
        events: Events<'_>,
    ) -> Result<Pulled, Error> {
        let settings = credentials::settings()?;
        let candidates = settings.candidates(&arguments.name).map_err(RegistryError::Name)?;
        let mut absences: Vec<RegistryError> = Vec::new();
        for reference in candidates {
            if let Some(before) = absences.last().filter(|error| error.is_undecided()) {
                // Who may publish there decides what runs, and somebody may have meant the one before.
                events(Event::Notice(format!(
                    "{before}, without a login: trying `{}`",
                    reference.familiar()
                )));
            }
            match find_place(&reference, &settings, (arguments, &mut *events)) {
                Ok((place, client, found)) => {
                    let own = reference.registry();
                    let connect = || connect(own, &reference, &settings, &arguments.access);
                    let name = reference.familiar();
                    let places = Places {
                        reference: &name,
                        client: &client,
                        registry: if place == own { None } else { Some(&connect) },
                    };
                    return self.take(arguments, owned, (&reference, places, found), events);
                }
                Err(error) if error.is_absence() && !error.is_refusal() => absences.push(error),
                Err(error) => return Err(error.into()),
            }
        }
        let none = || Error::Vanished { origin: arguments.name.clone() };
        Err(absences.into_iter().next().map_or_else(none, Error::Registry))
    }

    /// Has the image of a manifest unpacked, and fetches what that needs.
    fn take(
        &self,
        arguments: &PullArguments,
        owned: Owned<'_>,
        (reference, places, found): (&Reference, Places<'_>, FoundManifest),
        events: Events<'_>,
    ) -> Result<Pulled, Error> {
        let digest = digest_of(reference, &found)?;
        let before = self.store.reference(reference)?;
        let machine = self.machine();
        let (ours, theirs) = Channel::pair().map_err(Error::Probe)?;
        let unpack = move || -> Result<Vec<Loaded>, Error> {
            let _limit = DescriptorLimit::raise().map_err(Error::Probe)?;
            let remote = Remote::new(theirs, reference.clone(), (found.bytes, found.media_type));
            let request = LoadRequest {
                source: LoadSource::Registry(Arc::new(remote)),
                format: LoadFormat::Oci,
                choice: LoadChoice::Only,
                platform: arguments.platform.as_ref().unwrap_or(&machine),
                owners: owned.owners,
                limits: &arguments.limits,
                naming: Naming::FromSource,
                lock: self.lock.as_ref(),
                blobs: self.blobs,
            };
            Ok(self.store.load(&request, &mut |progress| events(Event::Progress(progress)))?)
        };
        let mut served = Ok(());
        let fetch = || served = serve(&ours, places);
        let unpacked = self.confined_beside(owned.namespace, &[], unpack, fetch);
        let loaded = match (unpacked, served) {
            (Ok(loaded), _) => loaded,
            // What was missing to the one that unpacks is known here.
            (Err(_), Err(error)) => return Err(error.into()),
            (Err(error), Ok(())) => {
                return Err(Error::Pulled { reference: reference.familiar(), cause: Box::new(error) });
            }
        };
        let vanished = || Error::Vanished { origin: reference.familiar() };
        let Loaded { id, .. } = loaded.into_iter().next().ok_or_else(vanished)?;
        self.note_image(&id, &Action::Load, reference.familiar());
        Ok(Pulled { is_new: before.as_ref() != Some(&id), id, reference: reference.clone(), digest })
    }

    /// Makes sure that a registry takes a name and password, and keeps them; where.
    ///
    /// # Errors
    /// `registry` is none, or does not take them, or they cannot be kept.
    pub fn log_in(&self, registry: &str, access: &Access) -> Result<Kept, Error> {
        let refused = |cause: LoginError| RegistryError::LoginAs { registry: login::shown(registry), cause };
        let host = login::registry(registry).map_err(refused)?;
        let credentials = access.credentials.as_ref().ok_or_else(|| refused(LoginError::NoUser))?;
        login::check(credentials).map_err(refused)?;
        let settings = credentials::settings()?;
        let access = Access { trust: trust(&host, &settings, access), ..access.clone() };
        Client::connect(&host, "", &access, Purpose::Pull)?.log_in()?;
        Ok(credentials::keep(&host, credentials, access.auth_file.as_deref())?)
    }

    /// Forgets the name and password for a registry, in `auth_file` alone if that is said.
    ///
    /// # Errors
    /// `registry` is none, or there are no credentials for it, or they cannot be removed.
    pub fn log_out(&self, registry: &str, auth_file: Option<&std::path::Path>) -> Result<(), Error> {
        let refused = |cause| RegistryError::Logout { registry: login::shown(registry), cause };
        let host = login::registry(registry).map_err(refused)?;
        Ok(credentials::forget(&host, auth_file)?)
    }
}

/// Asks the mirrors and then the registry itself for what a name leads to; which of them has it.
fn find_place<'a>(
    reference: &'a Reference,
    settings: &'a Settings,
    (arguments, events): (&PullArguments, Events<'_>),
) -> Result<(&'a str, Client, FoundManifest), RegistryError> {
    let mut places = settings.places(reference.registry());
    let own = places.pop().unwrap_or(reference.registry());
    for mirror in places {
        let access = access_of(mirror, reference, settings, &arguments.access)?;
        match ask(mirror, reference, &access) {
            Ok((client, found)) => return Ok((mirror, client, found)),
            Err(error) if error.is_absence() => {}
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                events(Event::Notice(format!("the mirror `{mirror}` is passed over: {cause}")));
            }
        }
    }
    let access = access_of(own, reference, settings, &arguments.access)?;
    ask(own, reference, &access).map(|(client, found)| (own, client, found))
}

/// How a place is asked for what `reference` names.
fn connect(
    place: &str,
    reference: &Reference,
    settings: &Settings,
    said: &Access,
) -> Result<Client, RegistryError> {
    let access = access_of(place, reference, settings, said)?;
    Client::connect(place, reference.repository(), &access, Purpose::Pull)
}

/// Asks one registry, and believes it only as far as the name says what it must be.
fn ask(
    place: &str,
    reference: &Reference,
    access: &Access,
) -> Result<(Client, FoundManifest), RegistryError> {
    let client = Client::connect(place, reference.repository(), access, Purpose::Pull)?;
    let found = client.manifest(reference)?;
    digest_of(reference, &found)?;
    Ok((client, found))
}

/// The digest of what came, which is that of the name if it has one.
fn digest_of(reference: &Reference, found: &FoundManifest) -> Result<Digest, RegistryError> {
    let algorithm = reference.digest().map_or(Algorithm::Sha256, Digest::algorithm);
    let mut hasher = Hasher::new(algorithm);
    hasher.update(&found.bytes);
    let digest = hasher.finish();
    match reference.digest() {
        Some(expected) if *expected != digest => {
            Err(RegistryError::OtherDigest { reference: reference.familiar(), found: digest })
        }
        Some(_) | None => Ok(digest),
    }
}

/// How a registry is asked: what was said counts for the registry of the name alone, and not for its mirrors.
pub(super) fn access_of(
    place: &str,
    reference: &Reference,
    settings: &Settings,
    said: &Access,
) -> Result<Access, RegistryError> {
    let given: Option<Credentials> = said.credentials.clone().filter(|_| place == reference.registry());
    let credentials = match given {
        Some(credentials) => Some(credentials),
        None => credentials::find(place, reference.repository(), said.auth_file.as_deref())?,
    };
    Ok(Access { trust: trust(place, settings, said), credentials, ..said.clone() })
}

fn trust(place: &str, settings: &Settings, said: &Access) -> Trust {
    match said.trust {
        Trust::Insecure => Trust::Insecure,
        Trust::Certificate => settings.trust(place),
    }
}
