//! What a container is made from: found in the store, loaded into it first, or a directory of the host.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use oci_spec::image::Config;
use rustix::fs::{CWD, Mode, OFlags};

use super::accounts::{Accounts, read_accounts};
use super::pull::Owned;
use super::{Engine, Error, Event, Events, PullArguments, absolute};
use crate::plan::digest::Digest;
use crate::plan::image_limit::ImageLimits;
use crate::plan::image_lock::Drift;
use crate::plan::platform::Platform;
use crate::plan::reference::{Reference, TagOrigin};
use crate::plan::registry::policy::{PullPolicy, is_local};
use crate::plan::rootfs::RootIndex;
use crate::plan::source::{ImageSource, registry_name};
use crate::plan::userns::UserNamespace;
use crate::store::image::{Image, ImageError};
use crate::store::layer::{LayerDirectories, LayerOwners};
use crate::store::load::{LoadError, LoadRequest, Naming, locate};
use crate::sys::layered::open_beside;
use crate::sys::{Call, SysError, hosttree, moment};

/// Whether the files of an image are there to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Files {
    Unpacked,
    /// It was only looked at, and is not loaded.
    Absent,
}

/// What a container is made from.
#[derive(Debug)]
pub(super) enum Base {
    /// An image of the store and its unpacked layers, the topmost first.
    Image { image: Box<Image>, lowers: Vec<PathBuf>, files: Files },
    /// A directory of the host.
    Directory(PathBuf),
    /// The machine's own root.
    Host,
}

impl Base {
    pub(super) fn id(&self) -> Option<Digest> {
        match self {
            Self::Image { image, .. } => Some(image.id.clone()),
            Self::Directory(_) | Self::Host => None,
        }
    }

    /// What the image says about running it.
    pub(super) fn config(&self) -> Config {
        let shell = || {
            let mut config = Config::default();
            config.set_cmd(Some(vec!["/bin/sh".to_owned()]));
            config
        };
        match self {
            Self::Image { image, .. } => image.config.config().clone().unwrap_or_default(),
            Self::Directory(_) | Self::Host => shell(),
        }
    }

    /// The directories that a container's root filesystem lies on, the topmost first.
    pub(super) fn lowers(&self) -> &[PathBuf] {
        match self {
            Self::Image { lowers, .. } => lowers,
            Self::Directory(path) => std::slice::from_ref(path),
            Self::Host => &[],
        }
    }

    /// What is known of the roots of the directories of an image.
    pub(super) fn root_index(&self) -> RootIndex {
        match self {
            Self::Image { image, .. } => image.root_index(),
            Self::Directory(_) | Self::Host => RootIndex::default(),
        }
    }

    /// Those of the directories that have an `/etc`; none where that is not known.
    fn with_etc(&self) -> Option<Vec<PathBuf>> {
        let Self::Image { image, lowers, .. } = self else { return None };
        let places = image.places("etc")?.into_iter();
        Some(places.filter_map(|place| lowers.get(place).cloned()).collect())
    }

    /// The image's accounts: the contents of `/etc/passwd` and `/etc/group`.
    ///
    /// Of an image that is only looked at there are no files. What is no file or too large is as good as none, and said.
    pub(super) fn accounts(&self, namespace: Option<&UserNamespace>) -> Result<Accounts, Error> {
        let root = [PathBuf::from("/")];
        let lowers = match self {
            Self::Host => &root,
            Self::Image { files: Files::Absent, .. } => return Ok(Accounts::default()),
            Self::Image { .. } | Self::Directory(_) => self.lowers(),
        };
        // What only another user of the image may read is read as the container's root.
        let with_etc = self.with_etc();
        let read = || read_accounts(lowers, with_etc.as_deref());
        read().or_else(|error| match namespace {
            Some(_) => super::within(namespace, read),
            None => Err(error),
        })
    }
}

pub(super) fn open_directory(path: &Path) -> Result<OwnedFd, Error> {
    open_at(CWD, path).map_err(|cause| Error::RootDirectory { path: path.to_owned(), cause })
}

/// Opens the directories of layers.
pub(super) fn open_directories(paths: &[PathBuf]) -> Result<Vec<OwnedFd>, Error> {
    let opened = open_beside(paths, open_at);
    opened.map_err(|(path, cause)| Error::RootDirectory { path: path.to_owned(), cause })
}

fn open_at(base: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, SysError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(base, path, flags, Mode::empty()).call(|| format!("open({path:?}, DIRECTORY)"))
}

/// What a container is asked to be made from.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) source: &'a ImageSource,
    /// The same as typed.
    pub(super) text: &'a str,
    pub(super) platform: Option<&'a Platform>,
    /// How much an image that is not loaded yet may ask for.
    pub(super) limits: &'a ImageLimits,
    /// When a registry is asked for it.
    pub(super) pull: PullPolicy,
    /// Where files have such owners.
    pub(super) namespace: Option<&'a UserNamespace>,
    pub(super) owners: &'a LayerOwners,
    pub(super) intent: Intent,
}

/// What the image is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// To say what would be done: nothing is written.
    Look,
    /// To run it: what is missing is loaded or converted.
    Run,
    /// The same, but later, and from what was written down.
    Create,
}

impl Engine {
    /// Finds the image, and loads or converts it first where it is not unpacked for such owners.
    pub(super) fn base(&self, wanted: Wanted<'_>, events: Events<'_>) -> Result<Base, Error> {
        let image = match wanted.source {
            ImageSource::Host
            | ImageSource::RootfsDirectory(_)
            | ImageSource::OciLayout(_)
            | ImageSource::OciArchive(_)
            | ImageSource::DockerArchive(_)
                if self.lock.is_some() =>
            {
                return Err(Drift::Nameless(wanted.text.to_owned()).into());
            }
            ImageSource::Host => return Ok(Base::Host),
            ImageSource::RootfsDirectory(path) => return self.directory(path, wanted.namespace),
            ImageSource::Stored(_) => {
                let image = self.stored(wanted, &mut *events)?;
                check_platform(&image, wanted.platform)?;
                self.check_lock(&image)?;
                note_other_tag(registry_name(wanted.text), &image, events);
                image
            }
            ImageSource::OciLayout(_) | ImageSource::OciArchive(_) | ImageSource::DockerArchive(_) => {
                self.located(wanted, events)?
            }
        };
        moment("image found");
        let (lowers, files) = match (image.layer_directories(&self.store, wanted.owners)?, wanted.intent) {
            (LayerDirectories::Complete(lowers), _) => (lowers, Files::Unpacked),
            (LayerDirectories::Missing(_), Intent::Run | Intent::Create) => {
                let converted = self.convert(&image, wanted.owners);
                let lowers = converted.map_err(|error| self.or_vanished(&image.id, wanted.text, error))?;
                (lowers, Files::Unpacked)
            }
            (LayerDirectories::Missing(_), Intent::Look) => {
                (image.future_directories(&self.store, wanted.owners), Files::Absent)
            }
        };
        if wanted.intent != Intent::Look {
            self.store.note_use(&image.id);
        }
        moment("layers found");
        Ok(Base::Image { image: Box::new(image), lowers, files })
    }

    /// Why an image could not be used: until a container of it is there, somebody may remove it, and then that is why.
    pub(super) fn or_vanished(&self, id: &Digest, origin: &str, error: Error) -> Error {
        match self.store.has_image(id) {
            Ok(false) => Error::Vanished { origin: origin.to_owned() },
            Ok(true) | Err(_) => error,
        }
    }

    /// An image of the store, fetched first where that is wanted.
    fn stored(&self, wanted: Wanted<'_>, events: Events<'_>) -> Result<Image, Error> {
        let text = registry_name(wanted.text);
        let found = match self.find_image(text) {
            Err(Error::Image(unknown @ ImageError::Unknown { .. })) => Err(unknown),
            found => Ok(found?),
        };
        let is_wanted = match (wanted.pull, &found) {
            (PullPolicy::Never, _) => false,
            (PullPolicy::Missing, found) => found.is_err(),
            // What an ID or digest names is what it is, here and everywhere.
            (PullPolicy::Always | PullPolicy::Newer, Ok(found)) => found.reference.is_some(),
            (PullPolicy::Always | PullPolicy::Newer, Err(_)) => true,
        };
        let can_be_had = text.parse().is_ok_and(|reference| !is_local(&reference));
        if !is_wanted || !can_be_had || wanted.intent == Intent::Look {
            return Ok(found?);
        }
        let arguments = PullArguments {
            name: text.to_owned(),
            platform: wanted.platform.cloned(),
            limits: wanted.limits.clone(),
            access: self.access.clone(),
        };
        let owned = Owned { namespace: wanted.namespace, owners: wanted.owners };
        let pulled = self.all_or_nothing(|| self.pull_for(&arguments, owned, &mut *events));
        match (pulled, found, wanted.pull) {
            (Ok(pulled), ..) => Ok(self.store.find_image(&pulled.id.to_string())?),
            (Err(error), Ok(found), PullPolicy::Newer) => {
                events(Event::Notice(format!("using the image that is here: {error}")));
                Ok(found)
            }
            (Err(error), ..) => Err(error),
        }
    }

    fn directory(&self, path: &Path, namespace: Option<&UserNamespace>) -> Result<Base, Error> {
        let path = absolute(path, &self.host);
        open_directory(&path)?;
        if namespace.is_some()
            && let Some(mount) = hosttree::mount_below(&path).map_err(Error::Probe)?
        {
            return Err(Error::MountsBelow { path, mount });
        }
        Ok(Base::Directory(path))
    }

    /// An image straight from where it lies: from the store if it was loaded before, else loaded now.
    fn located(&self, wanted: Wanted<'_>, events: Events<'_>) -> Result<Image, Error> {
        let vanished = || Error::Vanished { origin: wanted.text.to_owned() };
        let machine = self.machine();
        let located = locate(wanted.source).ok_or_else(vanished)?;
        let request = LoadRequest {
            source: located.source,
            format: located.format,
            choice: located.choice,
            platform: wanted.platform.unwrap_or(&machine),
            owners: wanted.owners,
            limits: wanted.limits,
            naming: Naming::Untagged,
            lock: None,
            blobs: self.blobs,
        };
        if let Some(image) = self.store.find_source(&request)?
            && let LayerDirectories::Complete(_) = image.layer_directories(&self.store, wanted.owners)?
        {
            return Ok(image);
        }
        let image = match wanted.intent {
            Intent::Look => self.store.peek(&request)?,
            Intent::Run | Intent::Create => {
                let loaded = self.load_inside(wanted.namespace, &request, events)?;
                let id = loaded.into_iter().next().map(|loaded| loaded.id);
                id.map(|id| self.store.image_by_id(&id)).transpose()?.flatten()
            }
        };
        image.ok_or_else(vanished)
    }
}

/// An image of the store is what it is: another platform would have to be loaded first.
fn check_platform(image: &Image, wanted: Option<&Platform>) -> Result<(), Error> {
    let found = image.platform();
    match wanted {
        Some(wanted) if !wanted.runs(&found) => {
            Err(LoadError::Platform { wanted: wanted.to_string(), found: vec![found.to_string()] }.into())
        }
        _ => Ok(()),
    }
}

/// Says which image is taken where a name was typed without a tag, and there is another than `latest`.
fn note_other_tag(text: &str, image: &Image, events: Events<'_>) {
    let Some(found) = &image.reference else { return };
    let is_other = |asked: Reference| {
        asked.tag_origin() == TagOrigin::Default && asked.digest().is_none() && asked.tag() != found.tag()
    };
    if text.parse().is_ok_and(is_other) {
        events(Event::Notice(format!("`{text}` has no tag `latest` here: using {}", found.familiar())));
    }
}
