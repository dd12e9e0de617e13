//! One repository on one registry.

use std::sync::Mutex;
use std::thread::sleep;
use std::time::Duration;

use ureq::http::{Request, Response, StatusCode, header};
use ureq::{Agent, Body};

use super::RegistryError;
use super::agent::{Access, agent, is_certificate};
use super::answer::{message, read_whole, shown, text_of};
use super::error::RequestError;
use crate::plan::reference::Reference;
use crate::plan::registry::auth_file::Credentials;
use crate::plan::registry::challenge::{self, Challenge};
use crate::plan::registry::endpoint::{Endpoint, Scheme, Trust, origin, redirected};
use crate::plan::registry::header::retry_after;
use crate::plan::registry::token;

/// The most bytes of a manifest or index.
const MANIFEST_MAX: u64 = 4 << 20;
/// How many redirects are followed, one behind the other.
const REDIRECTS: usize = 5;
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

/// One repository on one registry, and who asks.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    endpoint: Endpoint,
    scheme: Scheme,
    trust: Trust,
    repository: String,
    credentials: Option<Credentials>,
    /// What was last accepted as the header `Authorization`.
    authorization: Mutex<Option<String>>,
}

/// A question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) url: &'a str,
    /// What kinds of answer are understood.
    pub(super) accept: &'a str,
    /// The first byte that is wanted.
    pub(super) from: u64,
}

impl Client {
    /// Finds out how `registry` is reached, to ask for `repository` there.
    ///
    /// A registry that is insecure, or this machine itself, may be without encryption; all others are not asked so.
    ///
    /// # Errors
    /// Certificates cannot be read, or nobody answers who is to be trusted.
    pub fn connect(registry: &str, repository: &str, access: &Access) -> Result<Self, RegistryError> {
        let endpoint = Endpoint::of(registry);
        let agent = agent(&endpoint, access)?;
        let mut client = Self {
            agent,
            endpoint,
            scheme: Scheme::Https,
            trust: access.trust,
            repository: repository.to_owned(),
            credentials: access.credentials.clone(),
            authorization: Mutex::new(None),
        };
        if client.endpoint.is_loopback() || access.trust == Trust::Insecure {
            client.scheme = client.probe().map_err(|cause| RegistryError::Pull {
                reference: format!("{registry}/{repository}"),
                cause,
            })?;
        }
        Ok(client)
    }

    /// Whether the registry speaks TLS.
    fn probe(&self) -> Result<Scheme, RequestError> {
        let ask = |scheme| {
            let url = self.endpoint.url(scheme, "");
            self.send(&Question { url: &url, accept: "*/*", from: 0 }, None)
        };
        match ask(Scheme::Https) {
            Ok(_) => Ok(Scheme::Https),
            Err(RequestError::Send { cause, method, url }) if is_certificate(&cause) => {
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
        let question = Question { url: &url, accept: MANIFEST_TYPES, from: 0 };
        let found = patiently(|| {
            let response = self.ask(&question)?;
            let media_type = text_of(&response, header::CONTENT_TYPE).unwrap_or_default();
            let media_type = media_type.split(';').next().unwrap_or_default().trim().to_owned();
            let bytes = read_whole(response, &url, MANIFEST_MAX)?;
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
        let asked = patiently(|| self.ask(&Question { url: &url, accept: "*/*", from: 0 }));
        asked
            .map(drop)
            .map_err(|cause| RegistryError::Login { registry: self.endpoint.authority().to_owned(), cause })
    }

    /// Asks, says who asks if that is wanted, and follows redirects; an answer that says no is an error.
    pub(super) fn ask(&self, question: &Question<'_>) -> Result<Response<Body>, RequestError> {
        let own = origin(question.url);
        let mut url = question.url.to_owned();
        let mut is_known = false;
        for _ in 0..=REDIRECTS {
            let is_own = origin(&url) == own;
            let authorization = is_own.then(|| self.authorization()).flatten();
            let response = self.send(&Question { url: &url, ..*question }, authorization.as_deref())?;
            let status = response.status();
            if status == StatusCode::UNAUTHORIZED && is_own && !is_known {
                is_known = true;
                self.introduce(&response)?;
                continue;
            }
            if !status.is_redirection() {
                return self.accepted(response, &url);
            }
            let location = text_of(&response, header::LOCATION).unwrap_or_default();
            let next = redirected(&url, &location).filter(|next| self.may_follow(&url, next));
            url = next.ok_or(RequestError::Redirect { url, location })?;
        }
        Err(RequestError::Redirect { url: question.url.to_owned(), location: url })
    }

    /// What was encrypted stays so.
    fn may_follow(&self, from: &str, to: &str) -> bool {
        let scheme = |url| origin(url).map(|(scheme, _)| scheme);
        scheme(to) == Some(Scheme::Https)
            || scheme(from) == Some(Scheme::Http)
            || self.trust == Trust::Insecure
    }

    fn send(
        &self,
        question: &Question<'_>,
        authorization: Option<&str>,
    ) -> Result<Response<Body>, RequestError> {
        let error = |cause: ureq::Error| RequestError::Send {
            method: "GET",
            url: shown(question.url),
            cause: Box::new(cause),
        };
        let mut request = Request::get(question.url).header(header::ACCEPT, question.accept);
        if question.from > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", question.from));
        }
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(()).map_err(|cause| error(cause.into()))?;
        self.agent.run(request).map_err(error)
    }

    fn accepted(&self, mut response: Response<Body>, url: &str) -> Result<Response<Body>, RequestError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if matches!(status.as_u16(), 429 | 503)
            && let Some(wait) = text_of(&response, header::RETRY_AFTER).and_then(|text| retry_after(&text))
        {
            sleep(wait);
        }
        let message = message(&mut response);
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(RequestError::Unauthorized {
                authority: self.endpoint.authority().to_owned(),
                message,
            });
        }
        Err(RequestError::Status { method: "GET", url: shown(url), status: status.as_u16(), message })
    }

    fn authorization(&self) -> Option<String> {
        self.authorization.lock().ok().and_then(|value| value.clone())
    }

    /// Finds out what to say to a registry that wants to know who asks.
    fn introduce(&self, response: &Response<Body>) -> Result<(), RequestError> {
        let mut challenges = Vec::new();
        for value in response.headers().get_all(header::WWW_AUTHENTICATE) {
            challenges.extend(challenge::parse(value.to_str().unwrap_or_default())?);
        }
        let bearer = challenges.iter().find(|challenge| matches!(challenge, Challenge::Bearer { .. }));
        let value = match (bearer.or(challenges.first()), &self.credentials) {
            (Some(Challenge::Bearer { realm, service, scope }), _) => {
                let usual = format!("repository:{}:pull", self.repository);
                let scope = scope.as_deref().or((!self.repository.is_empty()).then_some(usual.as_str()));
                let url = token::url(realm, service.as_deref(), scope);
                Some(format!("Bearer {}", self.token(&url)?))
            }
            (Some(Challenge::Basic), Some(credentials)) => Some(credentials.basic()),
            (Some(Challenge::Basic), None) | (None, _) => None,
        };
        if let Ok(mut authorization) = self.authorization.lock() {
            *authorization = value;
        }
        Ok(())
    }

    fn token(&self, url: &str) -> Result<String, RequestError> {
        match origin(url) {
            Some((Scheme::Https, _)) => {}
            Some((Scheme::Http, _)) if self.scheme == Scheme::Http || self.trust == Trust::Insecure => {}
            Some((Scheme::Http, _)) | None => return Err(RequestError::Realm(shown(url))),
        }
        let basic = self.credentials.as_ref().map(Credentials::basic);
        let question = Question { url, accept: "application/json", from: 0 };
        let response = self.accepted(self.send(&question, basic.as_deref())?, url)?;
        let bytes = read_whole(response, url, token::DOCUMENT_MAX)?;
        token::parse(&bytes).map_err(|cause| RequestError::Token { url: shown(url), cause })
    }
}

/// Tries again what fails in passing.
fn patiently<T>(mut ask: impl FnMut() -> Result<T, RequestError>) -> Result<T, RequestError> {
    let mut attempt = 1;
    loop {
        match ask() {
            Err(error) if error.is_passing() && attempt < ATTEMPTS => wait(attempt),
            result => return result,
        }
        attempt += 1;
    }
}

/// Waits before the next attempt: longer each time.
pub(super) fn wait(attempt: u32) {
    sleep(Duration::from_millis(100) * 2_u32.pow(attempt.min(7)));
}
