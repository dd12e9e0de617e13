//! Images on their way out.

use std::io::Write;
use std::path::PathBuf;

use super::whole_directory::WholeDirectory;
use super::{Engine, Error, UsernsMode, absolute, within};
use crate::plan::occurrence::Action;
use crate::plan::reference::Reference;
use crate::plan::userns::UserNamespace;
use crate::store::image::Image;
use crate::store::layer::LayerOwners;
use crate::store::save::{SaveForm, SaveInto, SaveItem};
use crate::sys::process::DescriptorLimit;

/// What to save.
#[derive(Debug, Clone)]
pub struct SaveArguments {
    /// The images, as typed.
    pub images: Vec<String>,
    /// As what.
    pub form: SaveForm,
}

/// Where to.
pub enum SaveTo<'w> {
    /// An archive, which goes to this writer.
    Archive(&'w mut dyn Write),
    /// An empty directory.
    Directory(PathBuf),
}

impl Engine {
    /// Saves images; what is not in the archive as it is in the store.
    ///
    /// An image that is named by its ID or a digest has no name in the archive.
    ///
    /// # Errors
    /// There is no such image, or the archive cannot be written; what was written is of no use then.
    pub fn save(&self, arguments: &SaveArguments, to: SaveTo<'_>) -> Result<Vec<String>, Error> {
        let (namespace, own) = self.namespace(UsernsMode::Auto)?;
        let mut items: Vec<SaveItem> = Vec::new();
        for text in &arguments.images {
            let image = self.find_image(text)?;
            let owners = self.owners_of(&image, &own)?;
            let reference = image.reference.clone();
            match items.iter_mut().find(|item| item.image.id == image.id) {
                Some(item) => {
                    let known = &mut item.references;
                    known.extend(reference.filter(|reference| !known.contains(reference)));
                }
                None => items.push(SaveItem { image, references: reference.into_iter().collect(), owners }),
            }
        }
        let notes = self.save_inside(namespace.as_ref(), (&items, arguments.form), to)?;
        for SaveItem { image, references, .. } in &items {
            let name = references.first().map_or_else(|| image.id.to_string(), Reference::familiar);
            self.note_image(&image.id, &Action::Save, name);
        }
        Ok(notes)
    }

    fn save_inside(
        &self,
        namespace: Option<&UserNamespace>,
        (items, form): (&[SaveItem], SaveForm),
        to: SaveTo<'_>,
    ) -> Result<Vec<String>, Error> {
        let save = |into: SaveInto<'_>| {
            within(namespace, || -> Result<_, Error> {
                let _limit = DescriptorLimit::raise().map_err(Error::Probe)?;
                Ok(self.store.save(items, form, into)?)
            })
        };
        match to {
            SaveTo::Archive(writer) => save(SaveInto::Archive(writer)),
            SaveTo::Directory(path) => {
                // Made here, with the rights of the caller.
                let whole = WholeDirectory::create(&absolute(&path, &self.host))?;
                let notes = save(SaveInto::Directory(whole.directory()))?;
                whole.finish()?;
                Ok(notes)
            }
        }
    }

    /// The owners for which all layers of the image are there; those of the caller's containers where there are several.
    pub(super) fn owners_of(&self, image: &Image, own: &LayerOwners) -> Result<LayerOwners, Error> {
        let complete = image.owners(&self.store)?;
        let found = complete.iter().find(|owners| *owners == own).or(complete.first());
        Ok(found.unwrap_or(own).clone())
    }
}
