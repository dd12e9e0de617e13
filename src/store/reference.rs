//! The names of images: one small file each, so that finding a name costs the same however many there are.

use super::temporary::Temporary;
use super::{Store, StoreError, layout};
use crate::plan::digest::Digest;
use crate::plan::reference::Reference;

impl Store {
    /// The image that `reference` names.
    ///
    /// # Errors
    /// The file of the name cannot be read.
    pub fn reference(&self, reference: &Reference) -> Result<Option<Digest>, StoreError> {
        let bytes = self.read_file(&layout::reference(&reference.to_string()))?;
        Ok(bytes.and_then(|bytes| parse(&bytes)).map(|(_, id)| id))
    }

    /// All names and the images they name, sorted by name.
    ///
    /// # Errors
    /// The names cannot be read.
    pub fn references(&self) -> Result<Vec<(Reference, Digest)>, StoreError> {
        let Some(directory) = self.directory()? else { return Ok(Vec::new()) };
        let names = directory.names_in(layout::REFERENCES).map_err(|cause| self.read_error(cause))?;
        let mut references = Vec::with_capacity(names.len());
        for name in names {
            let bytes = self.read_file(&format!("{}/{name}", layout::REFERENCES))?;
            references.extend(bytes.and_then(|bytes| parse(&bytes)));
        }
        Ok(references)
    }

    /// The names of the image `id`, sorted.
    ///
    /// # Errors
    /// The names cannot be read.
    pub fn references_of(&self, id: &Digest) -> Result<Vec<Reference>, StoreError> {
        let all = self.references()?;
        Ok(all.into_iter().filter(|(_, named)| named == id).map(|(reference, _)| reference).collect())
    }

    /// Makes `reference` name the image `id`, whatever it named before.
    pub(super) fn set_reference(
        &self,
        temporary: &Temporary,
        reference: &Reference,
        id: &Digest,
    ) -> Result<(), StoreError> {
        let text = format!("{reference}\n{id}\n");
        temporary.replace_file_durably(self, &layout::reference(&reference.to_string()), text.as_bytes())
    }

    /// Forgets the name; whether it was there.
    pub(super) fn remove_reference(&self, reference: &Reference) -> Result<bool, StoreError> {
        let name = layout::reference(&reference.to_string());
        self.writable()?.unlink(&name).map_err(|cause| self.write_error(cause))
    }
}

/// A file that is no name of ours is none of our business.
fn parse(bytes: &[u8]) -> Option<(Reference, Digest)> {
    let (reference, id) = std::str::from_utf8(bytes).ok()?.trim_end().split_once('\n')?;
    Some((reference.parse().ok()?, id.parse().ok()?))
}
