//! The file of `--cidfile`.

use std::path::{Path, PathBuf};

use super::Error;
use super::prepare::Prepared;
use crate::sys::Call;

/// A file that holds the container's ID; removed again unless the container starts.
pub(super) struct CidFile {
    path: PathBuf,
    pub(super) keep: bool,
}

impl CidFile {
    pub(super) fn make(path: &Path, prepared: &Prepared) -> Result<Self, Error> {
        use std::io::Write as _;
        let write = || {
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path)?;
            file.write_all(prepared.record.id.as_str().as_bytes())
        };
        let written = write().call(|| format!("open({path:?}, CREATE|EXCL)"));
        written.map_err(|cause| Error::CidFile { path: path.to_owned(), cause })?;
        Ok(Self { path: path.to_owned(), keep: false })
    }
}

impl Drop for CidFile {
    fn drop(&mut self) {
        if !self.keep {
            // It was ours alone; if somebody removed it, all the better.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
