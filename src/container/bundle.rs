//! The first writes of a container: its directory, its volumes, the directories that its binds make.

use std::path::PathBuf;

use super::description::Description;
use super::occurrence::of_container;
use super::outside::Outside;
use super::prepare::Prepared;
use super::rootfs::fill_root;
use super::run::Manner;
use super::{Engine, Error, random};
use crate::error::place::PlaceError;
use crate::plan::name::ContainerName;
use crate::plan::occurrence::Action;
use crate::store::container::{Bundle, ContainerError, ContainerRecord};
use crate::store::layout;
use crate::sys::{Call as _, clock};

/// How many names are drawn for a container before somebody has to say one.
const DRAWS: u32 = 100;

impl Engine {
    /// The first writes: volumes, directories that binds make, the container itself.
    pub(super) fn make_bundle(
        &self,
        prepared: &mut Prepared,
        manner: Manner<'_>,
        outside: &mut Outside,
    ) -> Result<Bundle, Error> {
        let mut files: Vec<(&str, &[u8])> =
            prepared.files.iter().map(|(name, content)| (*name, content.as_slice())).collect();
        if let Some(Description { config, supplement }) = &prepared.description {
            files.extend(config.as_deref().map(|config| (layout::SPEC, config)));
            files.extend(supplement.as_deref().map(|supplement| (layout::SUPPLEMENT, supplement)));
        }
        if prepared.record.removed_at_end && matches!(manner, Manner::Waiting) {
            files.push((layout::WAITING, b""));
        }
        files.push((layout::OWNER, b""));
        let directories: Vec<&str> = prepared.directories.iter().map(String::as_str).collect();
        let mut draws = DRAWS;
        let bundle = loop {
            match self.store.make_container(&prepared.record, &directories, &files) {
                Err(ContainerError::NameInUse { .. }) if prepared.is_name_drawn && draws > 0 => {
                    draws -= 1;
                    prepared.record.name = ContainerName::from_random(u64::from_ne_bytes(random()?));
                }
                result => break result?,
            }
        };
        let mut fill = || -> Result<(), Error> {
            self.hold_images(&prepared.record)?;
            for volume in &prepared.placement.volumes {
                if self.store.make_volume(volume)? {
                    self.note_volume(&volume.name, &Action::Create);
                    if !volume.anonymous {
                        outside.volumes.push(volume.name.clone());
                    }
                }
            }
            for (asked, source) in &prepared.placement.missing_sources {
                outside.make_source(source).map_err(|error| error.about(asked))?;
            }
            fill_root(prepared)?;
            self.note_time(&bundle, &prepared.placement.reviewed)
        };
        let attached = matches!(manner, Manner::Foreground).then_some(Action::Attach);
        let beginning = [Some(Action::Create), attached].into_iter().flatten();
        let beginning: Vec<_> =
            beginning.map(|action| of_container(&prepared.record, &action, &[])).collect();
        self.note(&beginning);
        match fill() {
            Ok(()) => Ok(bundle),
            Err(error) => {
                // This error says more than one about what is then left, which the next command sweeps.
                let _ = self.discard(&prepared.record, &bundle).and(self.undo(outside));
                Err(error)
            }
        }
    }

    /// Makes sure that the images of a container are there now that it is: whoever removes one looks for containers after
    /// taking it away.
    fn hold_images(&self, record: &ContainerRecord) -> Result<(), Error> {
        for id in record.images() {
            if !self.store.has_image(id)? {
                return Err(Error::Vanished { origin: record.image.clone() });
            }
        }
        Ok(())
    }

    /// Writes down, in each layer whose changes are going to be looked at, the time that parts what was there from
    /// what the host changes meanwhile, and which directory its source is. The last write before the start, as time
    /// goes on.
    fn note_time(&self, bundle: &Bundle, layers: &[(String, PathBuf)]) -> Result<(), Error> {
        if layers.is_empty() {
            return Ok(());
        }
        let since = clock::next_tick();
        for (layer, source) in layers {
            let stat = rustix::fs::stat(source).call(|| format!("stat({source:?})"));
            let stat = stat.map_err(|cause| PlaceError::Source { path: source.clone(), cause })?;
            let text = format!("{}.{:09} {}", since.tv_sec, since.tv_nsec, stat.st_ino);
            let name = format!("{layer}/{}", layout::SINCE);
            let written = bundle.directory().write(&name, text.as_bytes());
            written.map_err(|cause| Error::Store(self.store.write_error(cause)))?;
        }
        Ok(())
    }
}
