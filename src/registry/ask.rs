//! Questions and answers: who asks is said where that is wanted, and to nobody else.

use ureq::http::{Method, Request, Response, StatusCode, header};
use ureq::{AsSendBody, Body, SendBody};

use super::answer::{message, read_whole, shown, text_of};
use super::client::{Client, Purpose};
use super::error::RequestError;
use crate::plan::registry::auth_file::{Credentials, Token};
use crate::plan::registry::challenge::{self, Challenge};
use crate::plan::registry::endpoint::{Scheme, Trust, origin, redirected};
use crate::plan::registry::header::retry_after;
use crate::plan::registry::token;

/// How many redirects are followed, one behind the other.
const REDIRECTS: usize = 5;

/// What is done at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Head => Method::HEAD,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }

    /// Whether it may be done elsewhere because somebody says so.
    fn may_be_redirected(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

/// A question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) verb: Verb,
    pub(super) url: &'a str,
    /// What kinds of answer are understood.
    pub(super) accept: &'a str,
    /// The first byte that is wanted.
    pub(super) from: u64,
    /// What is sent along: its kind and its bytes.
    pub(super) content: Option<(&'a str, &'a [u8])>,
}

impl<'a> Question<'a> {
    pub(super) fn get(url: &'a str, accept: &'a str) -> Self {
        Self { verb: Verb::Get, url, accept, from: 0, content: None }
    }

    /// One whose answer has nothing to read.
    pub(super) fn of(verb: Verb, url: &'a str) -> Self {
        Self { verb, url, accept: "*/*", from: 0, content: None }
    }
}

impl Client {
    /// Asks, says who asks if that is wanted, and follows redirects; an answer that says no is an error.
    pub(super) fn ask(&self, question: &Question<'_>) -> Result<Response<Body>, RequestError> {
        let mut url = question.url.to_owned();
        let mut is_known = false;
        for _ in 0..=REDIRECTS {
            let is_own = origin(&url).is_some_and(|found| self.is_own(&found));
            let authorization = is_own.then(|| self.authorization()).flatten();
            let response = self.send(&Question { url: &url, ..*question }, authorization.as_deref())?;
            let status = response.status();
            if status == StatusCode::UNAUTHORIZED && is_own && !is_known {
                is_known = true;
                self.introduce(&response)?;
                continue;
            }
            if !status.is_redirection() {
                return self.accepted(response, &Question { url: &url, ..*question });
            }
            let next = self.behind(&response, &url)?;
            if !question.verb.may_be_redirected() {
                return Err(RequestError::Redirect { url: shown(&url), location: shown(&next) });
            }
            url = next;
        }
        Err(RequestError::Redirect { url: shown(question.url), location: shown(&url) })
    }

    /// What was encrypted stays so.
    pub(super) fn may_follow(&self, from: &str, to: &str) -> bool {
        let scheme = |url| origin(url).map(|(scheme, _)| scheme);
        scheme(to) == Some(Scheme::Https)
            || scheme(from) == Some(Scheme::Http)
            || self.trust == Trust::Insecure
    }

    pub(super) fn send(
        &self,
        question: &Question<'_>,
        authorization: Option<&str>,
    ) -> Result<Response<Body>, RequestError> {
        match question.content {
            Some((_, bytes)) => self.send_body(question, authorization, bytes),
            // These have a length, and it is said.
            None if matches!(question.verb, Verb::Post | Verb::Put) => {
                self.send_body(question, authorization, &[][..])
            }
            None => self.send_body(question, authorization, ()),
        }
    }

    /// Sends the same with whatever a body can be.
    pub(super) fn send_body(
        &self,
        question: &Question<'_>,
        authorization: Option<&str>,
        body: impl AsSendBody,
    ) -> Result<Response<Body>, RequestError> {
        let error =
            |cause: ureq::Error| RequestError::of_send(question.verb.word(), shown(question.url), cause);
        let request = Request::builder().method(question.verb.method()).uri(question.url);
        let mut request = request.header(header::ACCEPT, question.accept);
        if question.from > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", question.from));
        }
        if let Some((kind, _)) = question.content {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(body).map_err(|cause| error(cause.into()))?;
        self.agent.run(request).map_err(error)
    }

    /// Sends what comes from `content`, once: whoever has it has to begin anew where that does not work.
    pub(super) fn stream(
        &self,
        question: &Question<'_>,
        content: &mut dyn std::io::Read,
    ) -> Result<Response<Body>, RequestError> {
        let is_own = origin(question.url).is_some_and(|found| self.is_own(&found));
        let authorization = is_own.then(|| self.authorization()).flatten();
        let response = self.send_body(question, authorization.as_deref(), SendBody::from_reader(content))?;
        self.accepted(response, question)
    }

    /// Whether credentials may go there.
    fn is_own(&self, found: &(Scheme, String)) -> bool {
        origin(&self.url("")).as_ref() == Some(found)
    }

    fn accepted(
        &self,
        mut response: Response<Body>,
        question: &Question<'_>,
    ) -> Result<Response<Body>, RequestError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let date = text_of(&response, header::DATE);
        let wait = text_of(&response, header::RETRY_AFTER)
            .filter(|_| matches!(status.as_u16(), 429 | 503))
            .and_then(|text| retry_after(&text, date.as_deref()));
        let message = message(&mut response);
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let authority = self.endpoint.authority().to_owned();
            return Err(match &self.credentials {
                Some(Credentials { user, .. }) => {
                    RequestError::Refused { authority, user: user.clone(), message }
                }
                None => RequestError::Unauthorized { authority, message },
            });
        }
        let (method, url) = (question.verb.word(), shown(question.url));
        Err(RequestError::Status { method, url, status: status.as_u16(), wait, message })
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
                let usual = format!("repository:{}:{}", self.repository, self.purpose.actions());
                let mut scopes: Vec<&str> = scope.iter().flat_map(|text| text.split(' ')).collect();
                // What a registry wants to know for one question will not do for the next.
                let is_wanted = scopes.is_empty() || self.purpose == Purpose::Push;
                if !self.repository.is_empty() && is_wanted && !scopes.contains(&usual.as_str()) {
                    scopes.push(&usual);
                }
                let url = token::url(realm, service.as_deref(), &scopes);
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

    /// Asks for a token where the registry says, and follows redirects; who asks is told to that host alone.
    fn token(&self, url: &str) -> Result<String, RequestError> {
        let given = self.credentials.as_ref().and_then(|known| known.token.as_ref());
        if let Some(Token::Registry(token)) = given {
            return Ok(token.clone());
        }
        let realm = origin(url);
        let may_ask = match realm {
            Some((Scheme::Https, _)) => true,
            Some((Scheme::Http, _)) => self.scheme == Scheme::Http || self.trust == Trust::Insecure,
            None => false,
        };
        if !may_ask {
            return Err(RequestError::Realm(shown(url)));
        }
        if let Some(Token::Identity(identity)) = given {
            return self.exchanged(url, identity);
        }
        let mut url = url.to_owned();
        for _ in 0..=REDIRECTS {
            let credentials = self.credentials.as_ref().filter(|_| origin(&url) == realm);
            let question = Question::get(&url, "application/json");
            let response = self.send(&question, credentials.map(Credentials::basic).as_deref())?;
            if !response.status().is_redirection() {
                return read_token(self.accepted(response, &question)?, &url);
            }
            url = self.behind(&response, &url)?;
        }
        Err(RequestError::Redirect { url: shown(&url), location: shown(&url) })
    }

    /// Gets a token for an identity token, which goes to this address and nowhere else.
    fn exchanged(&self, url: &str, identity: &str) -> Result<String, RequestError> {
        let (url, form) = token::exchange(url, identity);
        let content = Some(("application/x-www-form-urlencoded", form.as_bytes()));
        let question = Question { content, accept: "application/json", ..Question::of(Verb::Post, &url) };
        read_token(self.accepted(self.send(&question, None)?, &question)?, &url)
    }

    /// Where a redirect of a page leads, if it may be followed.
    fn behind(&self, response: &Response<Body>, url: &str) -> Result<String, RequestError> {
        let location = text_of(response, header::LOCATION).unwrap_or_default();
        let next = redirected(url, &location).filter(|next| self.may_follow(url, next));
        next.ok_or_else(|| RequestError::Redirect { url: shown(url), location: shown(&location) })
    }
}

fn read_token(response: Response<Body>, url: &str) -> Result<String, RequestError> {
    let bytes = read_whole(response, url, token::DOCUMENT_MAX)?;
    token::parse(&bytes).map_err(|cause| RequestError::Token { url: shown(url), cause })
}
