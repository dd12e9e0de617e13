//! What is read of an answer.

use std::io::Read as _;

use serde::Deserialize;
use ureq::Body;
use ureq::http::{Response, header};

use super::error::RequestError;
pub(super) use crate::plan::registry::endpoint::shown;

/// The most bytes that are read of what a registry says about an error.
const MESSAGE_MAX: u64 = 64 << 10;
#[derive(Deserialize)]
struct Complaints {
    errors: Vec<Complaint>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Complaint {
    code: String,
    message: String,
}

/// A header of an answer, as text.
pub(super) fn text_of(response: &Response<Body>, name: header::HeaderName) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

/// The whole of an answer, of at most `limit` bytes.
pub(super) fn read_whole(response: Response<Body>, url: &str, limit: u64) -> Result<Vec<u8>, RequestError> {
    let mut bytes = Vec::new();
    let read = response.into_body().into_reader().take(limit + 1).read_to_end(&mut bytes);
    let length = bytes.len() as u64;
    read.map_err(|cause| RequestError::Broken { url: shown(url), bytes: length, cause })?;
    if length > limit { Err(RequestError::TooLarge { url: shown(url), limit }) } else { Ok(bytes) }
}

/// The same of an answer that is a document: a proxy, or whoever wants one to log in first, gives a web page instead.
pub(super) fn read_document(
    response: Response<Body>,
    url: &str,
    limit: u64,
) -> Result<Vec<u8>, RequestError> {
    let bytes = read_whole(response, url, limit)?;
    let is_page = bytes.trim_ascii_start().starts_with(b"<");
    if is_page { Err(RequestError::Page(shown(url))) } else { Ok(bytes) }
}

/// What a registry says about an error, as far as it says it in the usual way.
pub(super) fn message(response: &mut Response<Body>) -> String {
    /// How much of it is told, in letters.
    const TOLD: usize = 300;
    let mut bytes = Vec::new();
    // An explanation that cannot be read is none.
    let _ = response.body_mut().as_reader().take(MESSAGE_MAX).read_to_end(&mut bytes);
    let complaints: Vec<Complaint> =
        serde_json::from_slice(&bytes).map(|all: Complaints| all.errors).unwrap_or_default();
    let first = complaints.into_iter().next().unwrap_or_default();
    let text = if first.message.is_empty() { first.code } else { first.message };
    text.chars().take(TOLD).collect()
}
