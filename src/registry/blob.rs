//! Fetches a blob, however often the connection breaks.

use std::io::{self, Read};

use ureq::Body;
use ureq::http::{Response, StatusCode, header};

use super::answer::{shown, text_of};
use super::ask::Question;
use super::client::{ATTEMPTS, Client, MANIFEST_TYPES, wait};
use super::error::RequestError;
use crate::plan::registry::errand::{Errand, ErrandKind};
use crate::plan::registry::header::ContentRange;

/// How much is handed on at once, in bytes.
const PIECE: usize = 128 << 10;
/// What an attempt has to bring, in bytes, to be none in vain: else a registry that breaks off after each byte is asked as
/// often as a blob has bytes.
const PROGRESS: u64 = 64 << 10;

/// Whether somebody wants more of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Demand {
    More,
    Nothing,
}

impl Client {
    /// Fetches what an errand is about, and gives it to `take` piece by piece, in order, from byte `given` on; what is given
    /// then is added there. Nothing is verified but its length: where the connection breaks, the rest is asked for.
    ///
    /// # Errors
    /// The registry does not have it, has something else, or breaks off again and again without giving much.
    pub(super) fn fetch(
        &self,
        errand: &Errand,
        given: &mut u64,
        take: &mut dyn FnMut(Vec<u8>) -> Demand,
    ) -> Result<(), RequestError> {
        let mut fruitless = 0;
        while *given < errand.size {
            let before = *given;
            match self.fetch_from(errand, given, take) {
                Ok(Demand::More) => {}
                Ok(Demand::Nothing) => return Ok(()),
                Err(error) => {
                    fruitless = if *given - before >= PROGRESS { 0 } else { fruitless + 1 };
                    if !error.is_passing() || fruitless >= ATTEMPTS {
                        return Err(error);
                    }
                    wait(fruitless, &error);
                }
            }
        }
        Ok(())
    }

    fn fetch_from(
        &self,
        errand: &Errand,
        given: &mut u64,
        take: &mut dyn FnMut(Vec<u8>) -> Demand,
    ) -> Result<Demand, RequestError> {
        let url = self.url(&errand.path(self.repository()));
        let accept = match errand.kind {
            ErrandKind::Manifest => MANIFEST_TYPES,
            ErrandKind::Blob => "*/*",
        };
        let ask = |from| self.ask(&Question { from, ..Question::get(&url, accept) });
        let response = match ask(*given) {
            // Whoever cannot begin there may give the whole once more.
            Err(RequestError::Status { status: 416, .. }) if *given > 0 => ask(0),
            answer => answer,
        }?;
        let mut skipped = begin(&response, &url, (errand.size, *given))?;
        let mut reader = response.into_body().into_reader();
        let broken = |bytes, cause| RequestError::Broken { url: shown(&url), bytes, cause };
        loop {
            let mut piece = vec![0; PIECE];
            let count = match reader.read(&mut piece) {
                Ok(0) if *given == errand.size => return Ok(Demand::More),
                Ok(0) => return Err(broken(*given, io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(broken(*given, error)),
            };
            piece.truncate(count);
            // What was given before, by a registry that cannot begin in the middle.
            let old = usize::try_from(skipped).unwrap_or(usize::MAX).min(count);
            skipped -= old as u64;
            piece.drain(..old);
            let more = *given + piece.len() as u64;
            if more > errand.size {
                return Err(RequestError::TooLarge { url: shown(&url), limit: errand.size });
            }
            *given = more;
            if !piece.is_empty() && take(piece) == Demand::Nothing {
                return Ok(Demand::Nothing);
            }
        }
    }
}

/// How many bytes of the answer are known already.
fn begin(response: &Response<Body>, url: &str, (size, given): (u64, u64)) -> Result<u64, RequestError> {
    if response.status() == StatusCode::PARTIAL_CONTENT {
        let range = text_of(response, header::CONTENT_RANGE).and_then(|text| ContentRange::parse(&text));
        let fits =
            |range: ContentRange| range.first == given && range.total.is_none_or(|total| total == size);
        return if range.is_some_and(fits) { Ok(0) } else { Err(RequestError::OtherRange(shown(url))) };
    }
    let length = text_of(response, header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
    match length {
        Some(found) if found != size => Err(RequestError::Length { url: shown(url), expected: size, found }),
        Some(_) | None => Ok(given),
    }
}
