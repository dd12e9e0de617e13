//! What a pattern's matches become.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{Bind, MountKind, MountRequest, Problem};
use crate::plan::path::ContainerPath;

impl MountRequest {
    /// The bind that a [`MountKind::Glob`] is for one `path` that matches, absolute and clean: below the
    /// destination under its own name, or where no destination was given at its own path. `None` for any other
    /// kind of mount.
    ///
    /// # Errors
    /// The path is `/`, which cannot be covered, or it is not absolute.
    pub fn for_match(&self, path: &Path) -> Result<Option<Self>, Problem> {
        let MountKind::Glob(bind) = &self.kind else { return Ok(None) };
        let own = super::parse_destination(path.as_os_str().as_bytes())?;
        let below = own.components().next_back().map(|name| self.destination.join(name));
        let destination = if self.destination.is_root() { own } else { below.unwrap_or_else(|| own.clone()) };
        let kind = MountKind::Bind(Bind { source: path.to_owned(), ..bind.clone() });
        Ok(Some(Self { origin: self.origin.clone(), destination, kind }))
    }
}

/// The destination of a glob that has none: its matches keep their own paths.
pub(super) fn no_destination() -> ContainerPath {
    ContainerPath::root()
}
