//! Removes names, images, and the layers that no image has any more.
//!
//! What goes is first renamed into a temporary directory, so that it is gone at once, and then deleted. This
//! runs inside the user namespace that owns the files.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::image::{Found, ImageError, InUse};
use super::load::{forget_archives, rename_new};
use super::lock;
use super::temporary::Temporary;
use super::{Store, StoreError, layout};
use crate::plan::digest::Digest;
use crate::plan::reference::Reference;

/// One thing that removing an image did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Removed {
    /// A name is gone.
    Untagged(Reference),
    /// The image is gone, with the layers that only it had.
    Deleted(Digest),
}

/// How far removing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Removal {
    /// Not if more than what was named would go.
    #[default]
    Careful,
    /// All names of an image that was named by its ID, and images that containers use.
    Forced,
}

impl Store {
    /// Removes what `text` names: a name, and with its last name the image; by an ID, the image with its name.
    ///
    /// `used` are the images that containers were made from.
    ///
    /// # Errors
    /// There is no such image; it is used by a container; it has several names and was named by its ID; or the
    /// store cannot be written.
    pub fn remove_image(
        &self,
        text: &str,
        removal: Removal,
        used: &HashSet<Digest>,
    ) -> Result<Vec<Removed>, ImageError> {
        let Found { id, reference } = self.find(text)?;
        let names = self.references_of(&id)?;
        let gone = match (reference, removal) {
            (Some(reference), _) => vec![reference],
            (None, Removal::Careful) if names.len() > 1 => {
                let names = names.iter().map(Reference::familiar).collect();
                return Err(ImageError::InUse { id, reason: InUse::Names(names) });
            }
            (None, _) => names.clone(),
        };
        let is_last = names.iter().all(|name| gone.contains(name));
        if is_last && removal == Removal::Careful && used.contains(&id) {
            return Err(ImageError::InUse { id, reason: InUse::Container });
        }
        let mut removed = Vec::new();
        for reference in gone {
            if self.remove_reference(&reference)? {
                removed.push(Removed::Untagged(reference));
            }
        }
        // An image that a container uses stays without a name, as its layers are needed.
        if is_last && !used.contains(&id) && self.delete_image(&id)? {
            removed.push(Removed::Deleted(id));
        }
        Ok(removed)
    }

    /// Deletes an image; whether it was there.
    fn delete_image(&self, id: &Digest) -> Result<bool, StoreError> {
        if self.record(id.hex())?.is_none() {
            return Ok(false);
        }
        let temporary = Temporary::new(self)?;
        if !self.withdraw(&temporary, &layout::image(id), "image")? {
            return Ok(false);
        }
        // Whoever loaded it meanwhile has given it a name: see `load/publish.rs`. Whoever makes a container of it looks
        // for it when the container is there.
        if !self.references_of(id)?.is_empty()
            || self.containers()?.iter().any(|one| one.images().any(|of| of == id))
        {
            rename_new(temporary.directory(), "image", self.writable()?, &layout::image(id))
                .map_err(|cause| self.write_error(cause))?;
            return Ok(false);
        }
        forget_archives(self, id)?;
        self.forget_steps(id)?;
        self.delete_unused_layers(&temporary)?;
        temporary.discard().map_err(|cause| StoreError::Remove { path: self.path().to_owned(), cause })?;
        Ok(true)
    }

    /// Deletes the layers that no image has, but for those that are pinned by a load; they go with the next image.
    pub(super) fn delete_unused_layers(&self, temporary: &Temporary) -> Result<(), StoreError> {
        let used = self.used_layers()?;
        let root = self.writable()?;
        let mut seized = Vec::new();
        for owners in self.owner_directories()? {
            let directory = format!("{}/{owners}", layout::LAYERS);
            let names = root.names_in(&directory).map_err(|cause| self.read_error(cause))?;
            for hex in names.into_iter().filter(|hex| is_layer(hex) && !used.contains(hex)) {
                let name = format!("{directory}/{hex}");
                let lock = lock::seize(root, &name).map_err(|cause| self.write_error(cause))?;
                seized.extend(lock.map(|lock| (lock, name, format!("{owners}-{hex}"), hex)));
            }
        }
        // An image may have become visible between looking and seizing.
        let used = self.used_layers()?;
        for (_lock, name, own, hex) in seized {
            if !used.contains(&hex) {
                self.withdraw(temporary, &name, &own)?;
            }
        }
        Ok(())
    }

    /// The names of the directories of all layers that images have.
    fn used_layers(&self) -> Result<HashSet<String>, StoreError> {
        let records = self.records()?.into_iter();
        Ok(records.flat_map(|record| record.layers).map(|layer| layer.chain_id.hex().to_owned()).collect())
    }

    /// Renames something into the temporary directory; whether it was there.
    fn withdraw(&self, temporary: &Temporary, name: &str, own: &str) -> Result<bool, StoreError> {
        if !self.contains(name)? {
            return Ok(false);
        }
        match self.writable()?.rename(name, temporary.directory(), own) {
            Ok(()) => Ok(true),
            // Somebody else removed it first.
            Err(error) if error.errno() == rustix::io::Errno::NOENT => Ok(false),
            Err(cause) => Err(self.write_error(cause)),
        }
    }
}

/// Beside the layers lies the file that says whose they are.
fn is_layer(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
