//! An image of a registry, seen from the process that unpacks it.
//!
//! This process has no network. It says what it wants, and gets a pipe on which the bytes come, from another process that
//! has. What comes is verified here as if it came from a file; a pipe that ends too early says no more than that it does:
//! why is known to the other end, which tells it itself.

use std::collections::HashMap;
use std::fs::File;
use std::io::Cursor;
use std::sync::Mutex;

use rustix::io::Errno;

use super::blob::Blob;
use crate::plan::digest::{Algorithm, Digest};
use crate::plan::reference::Reference;
use crate::plan::registry::errand::{Errand, ErrandKind};
use crate::store::layout::digest_of;
use crate::sys::SysError;
use crate::sys::channel::Channel;

/// A registry that another process talks to, and what it gave for a name.
#[derive(Debug)]
pub struct Remote {
    channel: Channel,
    reference: Reference,
    digest: Digest,
    manifest: Vec<u8>,
    media_type: String,
    /// Blobs that are on their way already.
    ahead: Mutex<Vec<(Digest, File)>>,
    /// Documents that were verified, which are looked at more than once.
    documents: Mutex<HashMap<Digest, Vec<u8>>>,
}

impl Remote {
    /// What is behind `reference`: `manifest`, which the registry says is of `media_type`. More is fetched by whoever has
    /// the other end of `channel`.
    #[must_use]
    pub fn new(channel: Channel, reference: Reference, (manifest, media_type): (Vec<u8>, String)) -> Self {
        let algorithm = reference.digest().map_or(Algorithm::Sha256, Digest::algorithm);
        let digest = digest_of(algorithm, &manifest);
        Self {
            channel,
            reference,
            digest,
            manifest,
            media_type,
            ahead: Mutex::default(),
            documents: Mutex::default(),
        }
    }

    /// What the image is called.
    pub(super) fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The manifest or index that the name leads to.
    pub(super) fn root(&self) -> (&Digest, &[u8]) {
        (&self.digest, &self.manifest)
    }

    /// What the registry says it is.
    pub(super) fn media_type(&self) -> &str {
        &self.media_type
    }

    /// A document that was verified before.
    pub(super) fn remembered(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.documents.lock().ok()?.get(digest).cloned()
    }

    /// Keeps a document that was verified.
    pub(super) fn remember(&self, digest: &Digest, bytes: &[u8]) {
        if let Ok(mut documents) = self.documents.lock() {
            documents.insert(digest.clone(), bytes.to_owned());
        }
    }

    /// Opens an index or manifest.
    pub(super) fn manifest(&self, digest: &Digest, size: u64) -> Result<Blob, SysError> {
        if *digest == self.digest {
            let size = self.manifest.len() as u64;
            return Ok(Blob { reader: Box::new(Cursor::new(self.manifest.clone())), size });
        }
        let file = self.fetch(&Errand { kind: ErrandKind::Manifest, digest: digest.clone(), size })?;
        Ok(Blob { reader: Box::new(file), size })
    }

    /// Opens a configuration or layer.
    pub(super) fn blob(&self, digest: &Digest, size: u64) -> Result<Blob, SysError> {
        let known = self.ahead.lock().ok().and_then(|mut ahead| {
            let at = ahead.iter().position(|(known, _)| known == digest)?;
            Some(ahead.remove(at).1)
        });
        let file = match known {
            Some(file) => file,
            None => self.fetch(&Errand { kind: ErrandKind::Blob, digest: digest.clone(), size })?,
        };
        Ok(Blob { reader: Box::new(file), size })
    }

    /// Has blobs fetched that will be wanted soon.
    pub(super) fn look_ahead(&self, blobs: &[(&Digest, u64)]) -> Result<(), SysError> {
        for &(digest, size) in blobs {
            let Ok(mut ahead) = self.ahead.lock() else { return Ok(()) };
            if ahead.iter().all(|(known, _)| known != digest) {
                let errand = Errand { kind: ErrandKind::Blob, digest: digest.clone(), size };
                ahead.push((digest.clone(), self.fetch(&errand)?));
            }
        }
        Ok(())
    }

    fn fetch(&self, errand: &Errand) -> Result<File, SysError> {
        // A digest and two words can be written.
        let message = serde_json::to_vec(errand).unwrap_or_default();
        self.channel.send(&message, None)?;
        match self.channel.receive()? {
            Some((_, Some(pipe))) => Ok(pipe.into()),
            Some((_, None)) | None => Err(SysError::new("recvmsg(pipe)", Errno::PIPE)),
        }
    }
}
