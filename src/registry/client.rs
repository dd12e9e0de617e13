//! One repository on one registry.

use std::sync::Mutex;
use std::thread::sleep;
use std::time::Duration;

use ureq::Agent;
use ureq::http::header;

use super::RegistryError;
use super::agent::{Access, agent, speaks_tls};
use super::answer::{read_document, text_of};
use super::ask::Question;
use super::error::RequestError;
use crate::plan::reference::Reference;
use crate::plan::registry::auth_file::Credentials;
use crate::plan::registry::endpoint::{Endpoint, Scheme, Trust};

/// The most bytes of a manifest or index.
const MANIFEST_MAX: u64 = 4 << 20;
/// How often something is tried that fails in passing.
pub(super) const ATTEMPTS: u32 = 6;
/// The manifests that are understood.
pub(super) const MANIFEST_TYPES: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json";

/// A manifest or index, as a registry gave it.
#[derive(Debug, Clone)]
pub struct FoundManifest {
    /// Its bytes; nobody has verified them.
    pub bytes: Vec<u8>,
    /// What the registry says it is.
    pub media_type: String,
}

/// What a registry is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To give images.
    Pull,
    /// To take images.
    Push,
}

impl Purpose {
    /// What a token has to allow.
    pub(super) fn actions(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
        }
    }

    fn failed(self, reference: String, cause: RequestError) -> RegistryError {
        match self {
            Self::Pull => RegistryError::Pull { reference, cause },
            Self::Push => RegistryError::Push { reference, cause },
        }
    }
}

/// One repository on one registry, and who asks.
#[derive(Debug)]
pub struct Client {
    pub(super) agent: Agent,
    pub(super) endpoint: Endpoint,
    pub(super) scheme: Scheme,
    pub(super) trust: Trust,
    pub(super) repository: String,
    pub(super) purpose: Purpose,
    pub(super) credentials: Option<Credentials>,
    /// What was last accepted as the header `Authorization`.
    pub(super) authorization: Mutex<Option<String>>,
}

impl Client {
    /// Finds out how `registry` is reached, to ask for `repository` there.
    ///
    /// A registry that is insecure, or this machine itself, may be without encryption; all others are not asked so.
    ///
    /// # Errors
    /// Certificates cannot be read, or nobody answers who is to be trusted.
    pub fn connect(
        registry: &str,
        repository: &str,
        access: &Access,
        purpose: Purpose,
    ) -> Result<Self, RegistryError> {
        let endpoint = Endpoint::of(registry);
        let agent = agent(&endpoint, access)?;
        let mut client = Self {
            agent,
            endpoint,
            scheme: Scheme::Https,
            trust: access.trust,
            repository: repository.to_owned(),
            purpose,
            credentials: access.credentials.clone(),
            authorization: Mutex::new(None),
        };
        if client.endpoint.is_loopback() || access.trust == Trust::Insecure {
            client.scheme = client.probe().map_err(|cause| match repository {
                "" => RegistryError::Login { registry: registry.to_owned(), cause },
                _ => purpose.failed(format!("{registry}/{repository}"), cause),
            })?;
        }
        Ok(client)
    }

    /// Whether the registry speaks TLS.
    fn probe(&self) -> Result<Scheme, RequestError> {
        let ask = |scheme| {
            let url = self.endpoint.url(scheme, "");
            self.send(&Question::get(&url, "*/*"), None)
        };
        match ask(Scheme::Https) {
            Ok(_) => Ok(Scheme::Https),
            Err(RequestError::Send { cause, method, url }) if speaks_tls(&cause) => {
                Err(RequestError::Send { cause, method, url })
            }
            Err(error) => ask(Scheme::Http).map(|_| Scheme::Http).map_err(|_| error),
        }
    }

    /// The repository.
    pub(super) fn repository(&self) -> &str {
        &self.repository
    }

    /// The address of something behind `/v2/`.
    pub(super) fn url(&self, path: &str) -> String {
        self.endpoint.url(self.scheme, path)
    }

    /// The manifest or index that `reference` names.
    ///
    /// # Errors
    /// There is none, or it is not given to whoever asks.
    pub fn manifest(&self, reference: &Reference) -> Result<FoundManifest, RegistryError> {
        let digest = reference.digest().map(ToString::to_string);
        let name = digest.as_deref().or(reference.tag()).unwrap_or("latest");
        let url = self.url(&format!("{}/manifests/{name}", self.repository));
        let question = Question::get(&url, MANIFEST_TYPES);
        let found = patiently(|| {
            let response = self.ask(&question)?;
            let media_type = text_of(&response, header::CONTENT_TYPE).unwrap_or_default();
            let media_type = media_type.split(';').next().unwrap_or_default().trim().to_owned();
            let bytes = read_document(response, &url, MANIFEST_MAX)?;
            Ok(FoundManifest { bytes, media_type })
        });
        found.map_err(|cause| {
            let cause = match cause {
                RequestError::Status { status: 404, message, .. } => {
                    RequestError::Absent { name: reference.to_string(), message }
                }
                cause => cause,
            };
            RegistryError::Pull { reference: reference.familiar(), cause }
        })
    }

    /// Makes sure that the registry takes the credentials.
    ///
    /// # Errors
    /// It does not.
    pub fn log_in(&self) -> Result<(), RegistryError> {
        let url = self.url("");
        let asked = patiently(|| self.ask(&Question::get(&url, "*/*")));
        asked
            .map(drop)
            .map_err(|cause| RegistryError::Login { registry: self.endpoint.authority().to_owned(), cause })
    }
}

/// Tries again what fails in passing.
pub(super) fn patiently<T>(mut ask: impl FnMut() -> Result<T, RequestError>) -> Result<T, RequestError> {
    let mut attempt = 1;
    loop {
        match ask() {
            Err(error) if error.is_passing() && attempt < ATTEMPTS => wait(attempt, &error),
            result => return result,
        }
        attempt += 1;
    }
}

/// Waits before the next attempt.
pub(super) fn wait(attempt: u32, error: &RequestError) {
    sleep(pause(attempt, error));
}

/// How long to wait: longer each time, and as long as the registry wants.
fn pause(attempt: u32, error: &RequestError) -> Duration {
    let own = Duration::from_millis(100) * 2_u32.pow(attempt.min(7));
    error.wait().map_or(own, |wait| wait.max(own))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn status(status: u16, wait: u64) -> RequestError {
        let wait = Some(Duration::from_secs(wait));
        RequestError::Status { method: "GET", url: String::new(), status, wait, message: String::new() }
    }

    #[test]
    fn a_registry_is_left_alone_as_long_as_it_says() {
        assert_eq!(pause(1, &status(429, 3)), Duration::from_secs(3));
        assert_eq!(pause(3, &status(429, 0)), Duration::from_millis(800));
        assert_eq!(pause(99, &RequestError::NoTags), Duration::from_millis(12_800));
        // Nobody waits for what is not tried again.
        let began = Instant::now();
        assert!(patiently(|| Err::<(), _>(status(404, 60))).is_err());
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}
