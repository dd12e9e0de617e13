//! A layer whose files are all there, and whose record is not: it holds their digest.
//!
//! To take it the tree is listed, in a thread of its own while the next layer is unpacked. Of its files those are read again
//! that were not noted when they were written.

use std::os::fd::AsFd as _;
use std::thread::JoinHandle;

use crate::plan::digest::Digest;
use crate::store::content::Notes;
use crate::store::directory::Directory;
use crate::store::layer::LayerRecord;
use crate::store::walk::WalkError;
use crate::store::{Store, StoreError, content, layout};
use crate::sys::{SysError, thread};

type Digesting = JoinHandle<Result<Digest, WalkError>>;

/// A layer that gets its record.
pub(super) struct Completing {
    directory: Directory,
    record: LayerRecord,
    /// Nobody but [`Completing::finish`] and the end of this take it.
    digesting: Option<Digesting>,
}

impl Completing {
    /// Begins with the files in `tree`, which lies in `directory`.
    pub(super) fn begin(
        directory: Directory,
        (tree, notes): (Directory, Notes),
        record: LayerRecord,
    ) -> Result<Self, SysError> {
        let take = move || content::digest_noted(tree.as_fd(), &notes).map(|taken| taken.digest);
        let digesting = thread::named("digest").spawn(take);
        let digesting = digesting.map_err(|error| SysError::from_io("clone(thread)", &error))?;
        Ok(Self { directory, record, digesting: Some(digesting) })
    }

    /// Waits for the digest and writes the record.
    pub(super) fn finish(mut self, store: &Store) -> Result<(), StoreError> {
        let Some(digesting) = self.digesting.take() else { return Ok(()) };
        let content = join(digesting).map_err(|error| store.read_error(error.source))?;
        let record = LayerRecord { content: Some(content), ..self.record.clone() };
        let written = self.directory.write(layout::LAYER, record.to_json().as_bytes());
        written.map_err(|cause| store.write_error(cause))
    }
}

impl Drop for Completing {
    /// No thread outlives the load: whoever started it may copy its process.
    fn drop(&mut self) {
        if let Some(digesting) = self.digesting.take() {
            // The load has failed for another reason.
            let _ = join(digesting);
        }
    }
}

fn join(digesting: Digesting) -> Result<Digest, WalkError> {
    digesting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
