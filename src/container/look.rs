//! Images, looked into without running them.

use std::io::Write;

use super::base::open_directories;
use super::{Engine, Error, UsernsMode, within};
use crate::error::files::FilesError;
use crate::plan::digest::Digest;
use crate::plan::path::ContainerPath;
use crate::registry::credentials;
use crate::store::changes::Change;
use crate::store::image::{Image, ImageError};
use crate::store::layer::LayerDirectories;
use crate::store::look::{ImageFile, LookError, differences, files};
use crate::store::merged::{Merged, MergedError};
use crate::sys::process::DescriptorLimit;

/// One step in which an image was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryStep {
    /// When, as the image says.
    pub created: Option<String>,
    /// By which command.
    pub created_by: String,
    /// What somebody had to say.
    pub comment: String,
    /// The bytes of its layer; none of a step that made none.
    pub size: Option<u64>,
}

/// A layer of an image, and who else has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerUse {
    /// The digest of its archive.
    pub diff_id: Digest,
    /// The bytes of its files.
    pub size: u64,
    /// The images that end with it.
    pub top_of: Vec<Digest>,
}

impl Engine {
    /// The image that `text` names.
    ///
    /// # Errors
    /// Nothing or more than one image is called so.
    pub fn find_image(&self, text: &str) -> Result<Image, Error> {
        match self.store.find_image(text) {
            Err(unknown @ ImageError::Unknown { .. }) => Ok(self.under_full_name(text)?.ok_or(unknown)?),
            found => Ok(found?),
        }
    }

    /// An image of the store that has the full name for which a short one stands, as the user's settings say.
    fn under_full_name(&self, text: &str) -> Result<Option<Image>, Error> {
        let Ok(names) = credentials::settings()?.candidates(text) else { return Ok(None) };
        for name in names {
            match self.store.find_image(&name.to_string()) {
                Err(ImageError::Unknown { .. }) => {}
                found => return Ok(Some(found?)),
            }
        }
        Ok(None)
    }

    /// The steps in which an image was made, the last one first.
    ///
    /// # Errors
    /// There is no such image.
    pub fn history(&self, text: &str) -> Result<Vec<HistoryStep>, Error> {
        let image = self.find_image(text)?;
        let mut layers = image.layers.iter();
        let mut steps: Vec<HistoryStep> = Vec::new();
        for step in image.config.history().iter().flatten() {
            let is_empty = step.empty_layer().unwrap_or(false);
            steps.push(HistoryStep {
                created: step.created().clone(),
                created_by: step.created_by().clone().unwrap_or_default(),
                comment: step.comment().clone().unwrap_or_default(),
                size: if is_empty { None } else { layers.next().map(|layer| layer.size) },
            });
        }
        // A history may be shorter than the image.
        steps.extend(layers.map(|layer| HistoryStep {
            created: None,
            created_by: String::new(),
            comment: String::new(),
            size: Some(layer.size),
        }));
        steps.reverse();
        Ok(steps)
    }

    /// The layers of an image, the lowest first, and the images that end with each.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn layer_uses(&self, id: &Digest) -> Result<Vec<LayerUse>, Error> {
        let records = self.store.records()?;
        let own = records.iter().find(|record| record.id == *id);
        let layers = own.map(|record| record.layers.as_slice()).unwrap_or_default();
        let uses = layers.iter().map(|layer| {
            let ends = |top: &&crate::store::record::Record| {
                top.layers.last().is_some_and(|last| last.chain_id == layer.chain_id)
            };
            let top_of = records.iter().filter(ends).map(|record| record.id.clone()).collect();
            LayerUse { diff_id: layer.diff_id.clone(), size: layer.size, top_of }
        });
        Ok(uses.collect())
    }

    /// Lists the files of an image, or of a part of it.
    ///
    /// # Errors
    /// There is no such image or path, or something cannot be read.
    pub fn image_files(&self, text: &str, path: &ContainerPath) -> Result<Vec<ImageFile>, Error> {
        self.look_into(&[text], |trees| match trees {
            [image, ..] => Ok(files(image, path)?),
            [] => Ok(Vec::new()),
        })
    }

    /// What the image `other` has otherwise than the image `one`.
    ///
    /// # Errors
    /// There is no such image, or something cannot be read.
    pub fn image_differences(&self, one: &str, other: &str) -> Result<Vec<Change>, Error> {
        self.look_into(&[one, other], |trees| match trees {
            [one, other] => Ok(differences(one, other)?),
            [] | [..] => Ok(Vec::new()),
        })
    }

    /// Writes out a file of an image.
    ///
    /// # Errors
    /// There is no such image or file, or it cannot be read or written out.
    pub fn image_file(&self, text: &str, path: &ContainerPath, to: &mut dyn Write) -> Result<(), Error> {
        self.look_into(&[text], |trees| {
            let [image] = trees else { return Ok(()) };
            let failed = |cause: MergedError| Error::LookFile { path: path.clone(), cause };
            let Some(file) = image.open_file(path).map_err(failed)? else {
                return Err(LookError::Absent(path.clone()).into());
            };
            std::io::copy(&mut std::fs::File::from(file), to).map_err(FilesError::Output)?;
            to.flush().map_err(FilesError::Output)?;
            Ok(())
        })
    }

    /// Does `work` where the files of images can be read and have their container owners.
    fn look_into<T: serde::Serialize + serde::de::DeserializeOwned>(
        &self,
        images: &[&str],
        work: impl FnOnce(&[Merged]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (namespace, own) = self.namespace(UsernsMode::Auto)?;
        let mut all = Vec::new();
        for text in images {
            let image = self.find_image(text)?;
            let owners = self.owners_of(&image, &own)?;
            all.push(match image.layer_directories(&self.store, &owners)? {
                LayerDirectories::Complete(directories) => directories,
                LayerDirectories::Missing(_) => self.convert(&image, &own)?,
            });
        }
        within(namespace.as_ref(), || {
            let _limit = DescriptorLimit::raise().map_err(Error::Probe)?;
            let open = |paths| open_directories(paths).map(Merged::new);
            work(&all.iter().map(|paths| open(paths)).collect::<Result<Vec<_>, _>>()?)
        })
    }
}
