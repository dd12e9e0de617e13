//! What the names of images meant when somebody wrote it down.
//!
//! Whoever uses the engine hands it the lock file before anything else; from then on it takes no image by a name that means
//! something else, wherever images are found, fetched or loaded.

use std::path::Path;

use super::{Engine, Error, absolute, input_error};
use crate::plan::image_lock::{DOCUMENT_MAX, Drift, ImageLock, Locked};
use crate::store::image::Image;
use crate::sys::Call;

/// Opens a lock file; none where there is no such file.
fn read(path: &Path) -> Result<Option<ImageLock>, Error> {
    use std::io::Read as _;
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.call(|| format!("open({path:?})")).map_err(|cause| input_error(path, cause))?,
    };
    let mut bytes = Vec::new();
    let read = file.take(DOCUMENT_MAX + 1).read_to_end(&mut bytes).call(|| format!("read({path:?})"));
    read.map_err(|cause| input_error(path, cause))?;
    let lock = ImageLock::parse(&bytes);
    lock.map(Some).map_err(|cause| Error::LockFile { path: path.to_owned(), cause })
}

impl Engine {
    /// The same engine, for which names mean what the lock file says.
    ///
    /// # Errors
    /// There is no such file, or it is none.
    pub fn locked_to(mut self, path: &Path) -> Result<Self, Error> {
        let path = absolute(path, &self.host);
        let absent = || {
            let cause = crate::sys::SysError::new(format!("open({path:?})"), rustix::io::Errno::NOENT);
            input_error(&path, cause)
        };
        self.lock = Some(read(&path)?.ok_or_else(absent)?);
        Ok(self)
    }

    /// What a lock file is to say from now on: the names that it has, with what those in `texts` mean now; without any, what
    /// all of its names mean, and where there is no such file, all names of the store. The names that were looked up.
    ///
    /// # Errors
    /// The file is no lock file, or a text names no image by its name.
    pub fn lock_images(
        &self,
        path: &Path,
        texts: &[String],
    ) -> Result<(ImageLock, Vec<(String, Locked)>), Error> {
        let known = read(&absolute(path, &self.host))?;
        let texts: Vec<String> = match (&known, texts) {
            (Some(known), []) => known.names().map(str::to_owned).collect(),
            // What a digest is part of means the same for ever.
            (None, []) => {
                let names = self.store.references()?.into_iter().map(|(name, _)| name);
                names.filter(|name| name.digest().is_none()).map(|name| name.to_string()).collect()
            }
            (_, texts) => texts.to_vec(),
        };
        let mut lock = known.unwrap_or_default();
        let mut found = Vec::new();
        for text in texts {
            let image = self.find_image(&text)?;
            let name = image.reference.clone().ok_or(Drift::Nameless(text))?;
            let locked = self.what_it_is(&image)?;
            lock.insert(&name, locked.clone());
            found.push((name.familiar(), locked));
        }
        Ok((lock, found))
    }

    /// Whether an image is what its name meant; one that was found by its ID or a digest is.
    pub(super) fn check_lock(&self, image: &Image) -> Result<(), Error> {
        let (Some(lock), Some(name)) = (&self.lock, &image.reference) else { return Ok(()) };
        Ok(lock.check(name, &self.what_it_is(image)?)?)
    }

    fn what_it_is(&self, image: &Image) -> Result<Locked, Error> {
        let record = self.store.record(image.id.hex())?;
        let digests = record.map(|record| record.manifest_digests).unwrap_or_default();
        Ok(Locked { id: image.id.clone(), digests })
    }
}
