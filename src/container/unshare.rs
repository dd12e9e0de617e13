//! Programs of the host among the store's files, as their container owners see them.

use std::ffi::{OsStr, OsString};

use super::base::{Base, Intent, Wanted};
use super::{Engine, Error, Events};
use crate::launch::{self, HostCommand, ImageTree};
use crate::plan::image_limit::ImageLimits;
use crate::plan::registry::policy::PullPolicy;
use crate::plan::source::ImageSource;
use crate::plan::userns::UsernsMode;
use crate::store::temporary::Temporary;
use crate::sys::clone::ExitStatus;

/// The empty directory below an image's layers, as an overlay that cannot be written has two layers at least.
const EMPTY: &str = "empty";
/// Where the image's tree is mounted.
const TREE: &str = "tree";

impl Engine {
    /// Runs a program of the host inside the user namespace that the caller's containers have, in a mount namespace
    /// of its own; with `image`, the image's tree is mounted there, read-only, at `$MINIRUN_IMAGE_ROOT`.
    ///
    /// # Errors
    /// There is no such image, or the program cannot be started.
    pub fn unshare(
        &self,
        image: Option<&str>,
        command: &[OsString],
        events: Events<'_>,
    ) -> Result<ExitStatus, Error> {
        self.sweep()?;
        let (namespace, owners) = self.namespace(UsernsMode::Auto)?;
        let base = image.map(|text| {
            let source = ImageSource::parse(OsStr::new(text))?;
            let wanted = Wanted {
                source: &source,
                text,
                platform: None,
                limits: &ImageLimits::default(),
                pull: PullPolicy::Never,
                namespace: namespace.as_ref(),
                owners: &owners,
                intent: Intent::Run,
            };
            self.base(wanted, events)
        });
        let base = base.transpose()?;
        let place = base.as_ref().map(|_| Temporary::new(&self.store)).transpose()?;
        let tree = match (&base, &place) {
            (Some(base), Some(place)) => Some(self.tree(base, place)?),
            _ => None,
        };
        let host_command = HostCommand { user: namespace.as_ref(), tree: tree.as_ref(), command };
        let ended = launch::run_on_host(&host_command).map_err(|cause| Error::Launch {
            name: format!("`{}`", command.first().map(|name| name.to_string_lossy()).unwrap_or_default()),
            cause,
        });
        drop(place);
        ended
    }

    fn tree(&self, base: &Base, place: &Temporary) -> Result<ImageTree, Error> {
        let make = |name| place.directory().make(name).map_err(|cause| self.store.write_error(cause));
        make(EMPTY)?;
        make(TREE)?;
        let at = place.directory().path();
        let mount_point = at.join(TREE);
        Ok(match base {
            Base::Host => ImageTree::Directory { path: "/".into(), mount_point },
            Base::Directory(path) => ImageTree::Directory { path: path.clone(), mount_point },
            Base::Image { lowers, .. } if lowers.is_empty() => {
                ImageTree::Directory { path: at.join(EMPTY), mount_point }
            }
            Base::Image { lowers, .. } => {
                // An overlay of nothing but lower directories has at least two.
                let second = (lowers.len() == 1).then(|| at.join(EMPTY));
                ImageTree::Layers { lowers: lowers.iter().cloned().chain(second).collect(), mount_point }
            }
        })
    }
}
