//! Which images a repository has.

use std::collections::HashSet;

use ureq::http::header;

use super::RegistryError;
use super::answer::{read_document, shown};
use super::ask::Question;
use super::client::{Client, patiently};
use super::error::RequestError;
use crate::plan::registry::tags::{self, TagsError};

impl Client {
    /// The tags of the repository, which is called `name` where it comes to words.
    ///
    /// # Errors
    /// There is no such repository, it has no tags or more than anybody wants to fetch at once, or the registry does not say
    /// all of them.
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
        let (mut found, mut known, mut asked) = (Vec::new(), HashSet::new(), HashSet::new());
        for _ in 0..tags::PAGES_MAX {
            let wrong = |cause| RequestError::Tags { url: shown(&url), cause };
            let (page, link) = patiently(|| self.page(&url))?;
            let page = tags::parse(&page).map_err(wrong)?;
            let count = (page.len(), found.len());
            found.extend(page.into_iter().filter(|tag| known.insert(tag.clone())));
            if found.len() > tags::TAGS_MAX {
                return Err(RequestError::TooManyTags(tags::TAGS_MAX));
            }
            let Some(next) = tags::next(&url, &link).map_err(wrong)? else {
                return if found.is_empty() { Err(RequestError::NoTags) } else { Ok(found) };
            };
            // Whoever gives the same again gives it for ever.
            let is_old = count.0 > 0 && count.1 == found.len();
            asked.insert(url.clone());
            if is_old || asked.contains(&next) {
                return Err(wrong(TagsError::Endless));
            }
            url = next;
        }
        Err(RequestError::TooManyPages(tags::PAGES_MAX))
    }

    /// One page, and what its header says about the next one.
    fn page(&self, url: &str) -> Result<(Vec<u8>, String), RequestError> {
        let response = self.ask(&Question::get(url, "application/json"))?;
        let links = response.headers().get_all(header::LINK).into_iter();
        let links: Vec<&str> = links.filter_map(|value| value.to_str().ok()).collect();
        let links = links.join(", ");
        Ok((read_document(response, url, tags::DOCUMENT_MAX)?, links))
    }
}
