//! Puts blobs and manifests into a repository.
//!
//! A blob is sent in one piece whose length nobody knows before its end, and gets its digest with the last request: so it
//! can be packed while it is sent. Where the registry says that its bytes go to another host, no credentials go there.
//! Source: OCI distribution specification, "Pushing blobs in chunks" and "Mounting a blob from another repository".

use std::io::Read;

use ureq::Body;
use ureq::http::{Response, StatusCode, header};

use super::answer::{shown, text_of};
use super::ask::{Question, Verb};
use super::client::{Client, patiently};
use super::error::RequestError;
use crate::plan::digest::Digest;
use crate::plan::registry::endpoint::redirected;

const BYTES: &str = "application/octet-stream";

/// A blob that is being sent.
#[derive(Debug)]
pub(super) struct Upload {
    /// Where it goes on.
    url: String,
}

impl Client {
    /// Whether the repository has a blob.
    pub(super) fn has_blob(&self, digest: &Digest) -> Result<bool, RequestError> {
        let url = self.url(&format!("{}/blobs/{digest}", self.repository));
        match patiently(|| self.ask(&Question::of(Verb::Head, &url))) {
            Ok(_) => Ok(true),
            Err(RequestError::Status { status: 404, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the repository has a blob now because another one of the registry had it.
    pub(super) fn mount(&self, digest: &Digest, from: &str) -> Result<bool, RequestError> {
        let url = self.url(&format!("{}/blobs/uploads/?mount={digest}&from={from}", self.repository));
        match self.ask(&Question::of(Verb::Post, &url)) {
            Ok(response) if response.status() == StatusCode::CREATED => Ok(true),
            Ok(response) => {
                self.cancel(&self.upload_at(&response, &url)?);
                Ok(false)
            }
            // It does not give it from there.
            Err(
                RequestError::Status { .. }
                | RequestError::Unauthorized { .. }
                | RequestError::Refused { .. },
            ) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Has the registry make room for a blob, once: whoever sends the blob tries again.
    pub(super) fn begin_upload(&self) -> Result<Upload, RequestError> {
        let url = self.url(&format!("{}/blobs/uploads/", self.repository));
        let response = self.ask(&Question::of(Verb::Post, &url))?;
        self.upload_at(&response, &url)
    }

    /// Sends the bytes of a blob, once.
    pub(super) fn send_bytes(&self, upload: &Upload, content: &mut dyn Read) -> Result<Upload, RequestError> {
        let question = Question { content: Some((BYTES, &[])), ..Question::of(Verb::Patch, &upload.url) };
        let response = self.stream(&question, content)?;
        self.upload_at(&response, &upload.url)
    }

    /// Says which blob it was that was sent.
    pub(super) fn finish_upload(&self, upload: &Upload, digest: &Digest) -> Result<(), RequestError> {
        let url = with_digest(&upload.url, digest);
        let finished = self.ask(&Question { content: Some((BYTES, &[])), ..Question::of(Verb::Put, &url) });
        match finished {
            Ok(_) => Ok(()),
            // The answer may be what was lost.
            Err(error) if error.is_passing() && self.has_blob(digest)? => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Lets the registry forget what was sent. One that does not hear it forgets it by itself.
    pub(super) fn cancel(&self, upload: &Upload) {
        let _ = self.ask(&Question::of(Verb::Delete, &upload.url));
    }

    /// Sends a document that is a blob.
    pub(super) fn put_blob(&self, digest: &Digest, bytes: &[u8]) -> Result<(), RequestError> {
        patiently(|| {
            let upload = self.begin_upload()?;
            let url = with_digest(&upload.url, digest);
            let question = Question { content: Some((BYTES, bytes)), ..Question::of(Verb::Put, &url) };
            self.ask(&question).map(drop)
        })
    }

    /// Sends a manifest that is to have the name `name`; the digest that the registry says it has.
    pub(super) fn put_manifest(
        &self,
        name: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Option<Digest>, RequestError> {
        let url = self.url(&format!("{}/manifests/{name}", self.repository));
        let question = Question { content: Some((media_type, bytes)), ..Question::of(Verb::Put, &url) };
        let response = patiently(|| self.ask(&question))?;
        let said = text_of(&response, header::HeaderName::from_static("docker-content-digest"));
        Ok(said.and_then(|text| text.parse().ok()))
    }

    fn upload_at(&self, response: &Response<Body>, url: &str) -> Result<Upload, RequestError> {
        let location = text_of(response, header::LOCATION).unwrap_or_default();
        if location.is_empty() {
            return Err(RequestError::NoPlace(shown(url)));
        }
        let next = redirected(url, &location).filter(|next| self.may_follow(url, next));
        match next {
            Some(url) => Ok(Upload { url }),
            None => Err(RequestError::Redirect { url: shown(url), location: shown(&location) }),
        }
    }
}

/// The address that ends an upload.
fn with_digest(url: &str, digest: &Digest) -> String {
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}digest={digest}")
}
