//! The first writes of a container: its directory, its volumes, the directories that its binds make.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use super::base::{Base, open_directory};
use super::occurrence::of_container;
use super::outside::Outside;
use super::prepare::Prepared;
use super::run::Manner;
use super::{Engine, Error};
use crate::error::place::PlaceError;
use crate::plan::occurrence::Action;
use crate::plan::rootfs::Rootfs;
use crate::store::container::Bundle;
use crate::store::copy::{copy_tree, flatten};
use crate::store::layout;
use crate::store::merged::Merged;
use crate::sys::process::DescriptorLimit;
use crate::sys::{Call as _, clock};

impl Engine {
    /// The first writes: volumes, directories that binds make, the container itself.
    pub(super) fn make_bundle(
        &self,
        prepared: &Prepared,
        manner: Manner,
        outside: &mut Outside,
    ) -> Result<Bundle, Error> {
        let mut files: Vec<(&str, &[u8])> =
            prepared.files.iter().map(|(name, content)| (*name, content.as_slice())).collect();
        // What cannot be started a second time needs no description of itself.
        if !prepared.record.removed_at_end || manner == Manner::Waiting {
            files.extend(prepared.config.as_deref().map(|config| (layout::SPEC, config)));
            files.extend(prepared.supplement.as_deref().map(|supplement| (layout::SUPPLEMENT, supplement)));
        }
        if prepared.record.removed_at_end && manner == Manner::Waiting {
            files.push((layout::WAITING, b""));
        }
        files.push((layout::OWNER, b""));
        let directories: Vec<&str> = prepared.directories.iter().map(String::as_str).collect();
        let bundle = self.store.make_container(&prepared.record, &directories, &files)?;
        let mut fill = || -> Result<(), Error> {
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
        let attached = (manner == Manner::Foreground).then_some(Action::Attach);
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

/// With the driver vfs: copies the image.
fn fill_root(prepared: &Prepared) -> Result<(), Error> {
    match &prepared.plan.rootfs {
        Rootfs::Directory { path, .. } => {
            super::within(prepared.namespace.as_ref(), || copy_image(&prepared.base, path))
        }
        Rootfs::Overlay { .. } | Rootfs::Host { .. } => Ok(()),
    }
}

fn copy_image(base: &Base, destination: &Path) -> Result<(), Error> {
    let _limit = DescriptorLimit::raise().map_err(Error::Probe)?;
    let lowers: Vec<_> = base.lowers().iter().map(|path| open_directory(path)).collect::<Result<_, _>>()?;
    let destination = open_directory(destination)?;
    let copied = match base {
        Base::Image { .. } | Base::Host => flatten(&Merged::new(lowers), destination.as_fd()),
        Base::Directory(_) => match lowers.first() {
            Some(directory) => {
                copy_tree(directory.as_fd(), destination.as_fd(), &mut |user, group| (user, group))
            }
            None => Ok(()),
        },
    };
    copied.map_err(|cause| crate::store::volume::FillError::Copy(cause).into())
}
