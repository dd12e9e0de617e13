//! What a request came to.

use std::io;
use std::time::Duration;

use thiserror::Error;

use crate::plan::registry::challenge::ChallengeError;
use crate::plan::registry::tags::TagsError;
use crate::plan::registry::token::TokenError;
use crate::registry::agent::is_certificate;
use crate::registry::resolver::Unresolved;

use super::hint;

/// What was asked, and what came of it.
#[derive(Debug, Error)]
pub enum RequestError {
    /// No answer.
    #[error("{method} {url}: {cause}")]
    Send {
        /// The method.
        method: &'static str,
        /// The address.
        url: String,
        /// What connecting, sending or waiting says.
        cause: Box<ureq::Error>,
    },
    /// No address.
    #[error("{method} {url}: no address of `{}` is known: {cause}", .host.escape_debug())]
    Unresolved {
        /// The method.
        method: &'static str,
        /// The address that was asked.
        url: String,
        /// The registry, or the proxy on the way.
        host: String,
        /// What looking it up says.
        cause: io::Error,
    },
    /// An answer that says no.
    #[error("{method} {url}: status {status}{}", said(.message))]
    Status {
        /// The method.
        method: &'static str,
        /// The address.
        url: String,
        /// The number.
        status: u16,
        /// How long it wants to be left alone.
        wait: Option<Duration>,
        /// What the registry says about it.
        message: String,
    },
    /// There is no such image, or none that may be seen.
    #[error("the registry has no `{name}`{}", said(.message))]
    Absent {
        /// What was asked for.
        name: String,
        /// What the registry says about it.
        message: String,
    },
    /// Who asks has not said who that is.
    #[error("`{authority}` wants to know who asks{}", said(.message))]
    Unauthorized {
        /// The registry.
        authority: String,
        /// What the registry says about it.
        message: String,
    },
    /// Who asks is not known by that password, or may not.
    #[error("`{authority}` refuses `{}`{}", .user.escape_debug(), said(.message))]
    Refused {
        /// The registry.
        authority: String,
        /// Who asked.
        user: String,
        /// What the registry says about it.
        message: String,
    },
    /// How to say who asks.
    #[error(transparent)]
    Challenge(#[from] ChallengeError),
    /// Where tokens come from.
    #[error("`{0}` is not where tokens can come from")]
    Realm(String),
    /// A token.
    #[error("GET {url}")]
    Token {
        /// The address.
        url: String,
        /// What is wrong with it.
        #[source]
        cause: TokenError,
    },
    /// A list of tags.
    #[error("GET {url}")]
    Tags {
        /// The address.
        url: String,
        /// What is wrong with it.
        #[source]
        cause: TagsError,
    },
    /// More tags than anybody wants to fetch at once.
    #[error("it has more than {0} tags")]
    TooManyTags(usize),
    /// A list of tags that does not end.
    #[error("its list of tags has more than {0} pages")]
    TooManyPages(usize),
    /// Nothing to fetch.
    #[error("the registry has it, and no tags of it")]
    NoTags,
    /// A redirect that is not followed.
    #[error("{url} leads to `{location}`, which is not followed")]
    Redirect {
        /// The address.
        url: String,
        /// Where it leads.
        location: String,
    },
    /// An answer that broke off.
    #[error("{url} broke off after {bytes} bytes: {cause}")]
    Broken {
        /// The address.
        url: String,
        /// How much there was, in bytes.
        bytes: u64,
        /// What reading says.
        cause: io::Error,
    },
    /// An answer of another length.
    #[error("{url} has {found} bytes, and should have {expected}")]
    Length {
        /// The address.
        url: String,
        /// What was said of it, in bytes.
        expected: u64,
        /// What the registry says now.
        found: u64,
    },
    /// An answer with more than can be used.
    #[error("{url} has more than {limit} bytes")]
    TooLarge {
        /// The address.
        url: String,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// An answer that says not where the bytes of a blob go.
    #[error("{0} does not say where to send the blob")]
    NoPlace(String),
    /// No answer of a registry.
    #[error("GET {0}: the answer is a web page, and no registry's")]
    Page(String),
    /// Another part of a blob.
    #[error("{0} gives another part of the blob than was asked for")]
    OtherRange(String),
}

/// What a registry says, behind a sentence of ours; it could steer a terminal.
fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {}", message.escape_debug()) }
}

impl RequestError {
    /// What kept an answer away.
    pub(in crate::registry) fn of_send(method: &'static str, url: String, cause: ureq::Error) -> Self {
        let cause = match cause {
            ureq::Error::Other(inner) => match inner.downcast::<Unresolved>() {
                Ok(unresolved) => {
                    let Unresolved { host, cause } = *unresolved;
                    return Self::Unresolved { method, url, host, cause };
                }
                Err(inner) => ureq::Error::Other(inner),
            },
            cause => cause,
        };
        Self::Send { method, url, cause: Box::new(cause) }
    }

    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::Unauthorized { authority, .. } => Some(format!(
                "`minirun login {authority}` says who you are; some registries say this of what they do not have, too: \
                 check the name"
            )),
            Self::Refused { authority, .. } => Some(format!(
                "is the password right (some registries want a token in its place), and may this user do that? \
                 `minirun login {authority}` says that you are another"
            )),
            Self::Absent { .. } => Some(
                "check the name and its tag; what is not for everybody is there only after `minirun login`".to_owned(),
            ),
            Self::Unresolved { .. } => Some(
                "check how it is spelled, and whether other names are found (/etc/resolv.conf); where only a proxy knows \
                 them, set HTTPS_PROXY"
                    .to_owned(),
            ),
            Self::Send { cause, .. } => hint::of_send(cause).map(str::to_owned),
            Self::Status { status: 404 | 405 | 501, method: "POST", .. } => Some(
                "does it take images? A mirror does not, and some want a repository made first".to_owned(),
            ),
            Self::Status { status: 429, .. } => {
                Some("the registry has had enough for now: log in, or wait".to_owned())
            }
            Self::Page(_) => Some(
                "check the host: is it that of a registry? A proxy, or a page to log in at, may also have answered in its \
                 place"
                    .to_owned(),
            ),
            Self::Status { .. }
            | Self::Challenge(_)
            | Self::Realm(_)
            | Self::Token { .. }
            | Self::Tags { .. }
            | Self::TooManyTags(_)
            | Self::TooManyPages(_)
            | Self::NoTags
            | Self::Redirect { .. }
            | Self::Broken { .. }
            | Self::Length { .. }
            | Self::TooLarge { .. }
            | Self::NoPlace(_)
            | Self::OtherRange(_) => None,
        }
    }

    /// How long the registry wants to be left alone before it is asked again, where it says that.
    pub(in crate::registry) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Status { wait, .. } => *wait,
            _ => None,
        }
    }

    /// Whether the same question may get another answer soon.
    pub(in crate::registry) fn is_passing(&self) -> bool {
        match self {
            Self::Send { cause, .. } => match cause.as_ref() {
                // Nobody listens, or is not who they should be.
                ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => false,
                error if is_certificate(error) => false,
                error => matches!(
                    error,
                    ureq::Error::Io(_)
                        | ureq::Error::Timeout(_)
                        | ureq::Error::ConnectionFailed
                        | ureq::Error::Protocol(_)
                ),
            },
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            Self::Broken { .. } => true,
            // Whoever looks names up has asked more than once.
            Self::Unresolved { .. }
            | Self::Absent { .. }
            | Self::Unauthorized { .. }
            | Self::Refused { .. }
            | Self::Challenge(_)
            | Self::Realm(_)
            | Self::Token { .. }
            | Self::Tags { .. }
            | Self::TooManyTags(_)
            | Self::TooManyPages(_)
            | Self::NoTags
            | Self::Redirect { .. }
            | Self::Length { .. }
            | Self::TooLarge { .. }
            | Self::NoPlace(_)
            | Self::Page(_)
            | Self::OtherRange(_) => false,
        }
    }
}
