//! Which images a repository has.

use ureq::http::header;

use super::RegistryError;
use super::answer::{read_whole, shown, text_of};
use super::ask::Question;
use super::client::{Client, patiently};
use super::error::RequestError;
use crate::plan::registry::tags;

impl Client {
    /// The tags of the repository, which is called `name` where it comes to words.
    ///
    /// # Errors
    /// There is no such repository, or it has more tags than anybody wants to fetch at once.
    pub fn tags(&self, name: &str) -> Result<Vec<String>, RegistryError> {
        let url = self.url(&format!("{}/tags/list", self.repository));
        self.all_pages(url).map_err(|cause| {
            let cause = match cause {
                RequestError::Status { status: 404, message, .. } => {
                    RequestError::Absent { name: name.to_owned(), message }
                }
                cause => cause,
            };
            RegistryError::Pull { reference: name.to_owned(), cause }
        })
    }

    fn all_pages(&self, mut url: String) -> Result<Vec<String>, RequestError> {
        let mut found = Vec::new();
        for _ in 0..tags::PAGES_MAX {
            let (page, next) = patiently(|| {
                let response = self.ask(&Question::get(&url, "application/json"))?;
                let link = text_of(&response, header::LINK).unwrap_or_default();
                Ok((read_whole(response, &url, tags::DOCUMENT_MAX)?, tags::next(&url, &link)))
            })?;
            let page = tags::parse(&page).map_err(|cause| RequestError::Tags { url: shown(&url), cause })?;
            found.extend(page);
            match next {
                Some(next) if found.len() <= tags::TAGS_MAX => url = next,
                Some(_) | None => break,
            }
        }
        if found.len() > tags::TAGS_MAX {
            return Err(RequestError::TooManyTags(tags::TAGS_MAX));
        }
        Ok(found)
    }
}
