//! Images that are mounted: found or loaded like the one that is run.

use std::ffi::OsStr;

use super::{Placed, Placing, placed, record};
use crate::container::base::{Base, Wanted};
use crate::container::{Error, Events};
use crate::error::place::PlaceError;
use crate::plan::attachment::{Devices, Lower, Merged, Source};
use crate::plan::image_limit::ImageLimits;
use crate::plan::mount::{Access, ImageMount, MountRequest, Recursion, Rule, View};
use crate::plan::registry::policy::PullPolicy;
use crate::plan::source::ImageSource;
use crate::store::container::MountRecord;

impl Placing<'_> {
    pub(super) fn image(
        &mut self,
        index: usize,
        (request, image): (&MountRequest, &ImageMount),
        events: Events<'_>,
    ) -> Result<Placed, Error> {
        let source = ImageSource::parse(OsStr::new(&image.image))?;
        if source == ImageSource::Host {
            return Err(PlaceError::HostImage.into());
        }
        let wanted = Wanted {
            source: &source,
            text: &image.image,
            platform: None,
            limits: &ImageLimits::default(),
            pull: PullPolicy::Never,
            namespace: self.site.namespace,
            owners: self.site.owners,
            intent: self.site.intent,
        };
        let base = self.site.engine.base(wanted, events)?;
        self.placement.images.extend(base.id());
        let (source, layer) = self.image_source(index, image, &base);
        let shown = base.lowers().first().cloned().unwrap_or_default();
        let record = MountRecord { layer, ..record(request, shown) };
        let mut placed = placed(request, source, record);
        if placed.mount.attributes.dev == Rule::Inherit {
            // Device nodes of an image never work.
            placed.mount.attributes.dev = Rule::Deny;
        }
        Ok(placed)
    }

    /// A single layer is bound; several are merged, and so is one that can be written.
    fn image_source(&mut self, index: usize, image: &ImageMount, base: &Base) -> (Source, Option<String>) {
        let is_writable = image.attributes.access == Access::ReadWrite;
        let layer = if is_writable { self.layer(index, &View::Discarded) } else { None };
        let (layer, own) = layer.unzip();
        let own = own.flatten();
        let mut lowers = base.lowers().to_vec();
        if lowers.is_empty() {
            // An image without layers still needs a directory: an empty one of the container's own.
            let name = own.clone().unwrap_or_else(|| self.own_directory(index));
            let empty = format!("{name}/empty");
            lowers.push(self.site.directory.join(&empty));
            self.placement.directories.push(empty);
        }
        let subpath = image.subpath.clone();
        let source = match (&lowers[..], layer) {
            ([only], None) => match subpath {
                None => Source::Bind { path: only.clone(), recursion: Recursion::Enabled },
                Some(subpath) => {
                    Source::Beneath { base: only.clone(), subpath, recursion: Recursion::Enabled }
                }
            },
            (_, layer) => Source::Merged(Merged {
                lowers: lowers.into_iter().map(|base| Lower { base, subpath: None }).collect(),
                layer,
                subpath,
                devices: Devices::Denied,
            }),
        };
        (source, own)
    }
}
