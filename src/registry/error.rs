//! Why a registry did not give what was asked for.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::agent::is_certificate;
use crate::plan::digest::Digest;
use crate::plan::registry::auth_file::AuthFileError;
use crate::plan::registry::challenge::ChallengeError;
use crate::plan::registry::settings::SettingsError;
use crate::plan::registry::tags::TagsError;
use crate::plan::registry::token::TokenError;
use crate::sys::SysError;

/// Why nothing came from a registry.
#[derive(Debug, Error)]
pub enum RegistryError {
    /// The image cannot be fetched.
    #[error("cannot pull `{reference}`")]
    Pull {
        /// Its name.
        reference: String,
        /// What was asked, and what came of it.
        #[source]
        cause: RequestError,
    },
    /// The image cannot be sent.
    #[error("cannot push to `{reference}`")]
    Push {
        /// What it was to be called.
        reference: String,
        /// What was asked, and what came of it.
        #[source]
        cause: RequestError,
    },
    /// The registry does not take the user's name and password.
    #[error("cannot log in to `{registry}`")]
    Login {
        /// The registry.
        registry: String,
        /// What was asked, and what came of it.
        #[source]
        cause: RequestError,
    },
    /// The manifest is another one than the name says.
    #[error("`{reference}` is another image there: its manifest has the digest {found}")]
    OtherDigest {
        /// Its name, which has a digest.
        reference: String,
        /// The digest of what came.
        found: Digest,
    },
    /// The user's file about registries.
    #[error("cannot use `{}`", .path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: SettingsError,
    },
    /// A name that settings make of another one.
    #[error(transparent)]
    Name(SettingsError),
    /// A file of credentials.
    #[error("cannot use the credentials in `{}`", .path.display())]
    AuthFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: AuthFileError,
    },
    /// A file cannot be read or written.
    #[error("cannot use `{}`", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was refused.
        #[source]
        cause: SysError,
    },
    /// A file is larger than any of its kind.
    #[error("`{}` is larger than {limit} bytes", .path.display())]
    FileSize {
        /// The file.
        path: PathBuf,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// No place for credentials.
    #[error("there is no place for credentials: no home directory is known")]
    NoPlace,
    /// Nothing says where an image goes.
    #[error("nothing says where `{0}` goes: it has no name with a registry")]
    NoDestination(String),
    /// A tag, and all of them.
    #[error("`{0}` has a tag: all tags are those of a name without one")]
    TagWithAll(String),
    /// There is nothing to forget.
    #[error("nobody is logged in to `{0}`")]
    NotLoggedIn(String),
    /// A program that knows passwords.
    #[error("cannot get credentials from `{program}`")]
    Helper {
        /// The program.
        program: String,
        /// What it says, or what starting it says.
        #[source]
        cause: io::Error,
    },
    /// A directory of certificates.
    #[error("cannot use the certificates in `{}`", .path.display())]
    Certificates {
        /// The file or directory.
        path: PathBuf,
        /// What reading says.
        #[source]
        cause: io::Error,
    },
    /// Certificates that are none.
    #[error("there is no certificate in `{}`", .0.display())]
    NoCertificate(PathBuf),
    /// A certificate without its key.
    #[error("there is no `{}` for the certificate beside it", .0.display())]
    NoKey(PathBuf),
    /// Nothing can be handed to the process that unpacks.
    #[error("cannot hand over what is fetched")]
    Handover(#[source] SysError),
}

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
    /// An answer that says no.
    #[error("{method} {url}: status {status}{}", said(.message))]
    Status {
        /// The method.
        method: &'static str,
        /// The address.
        url: String,
        /// The number.
        status: u16,
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
    /// Who asks may not, or is not known.
    #[error("`{authority}` wants to know who asks{}", said(.message))]
    Unauthorized {
        /// The registry.
        authority: String,
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
    /// A redirect that is not followed.
    #[error("{url} leads to `{}`, which is not followed", .location.escape_debug())]
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
    /// Another part of a blob.
    #[error("{0} gives another part of the blob than was asked for")]
    OtherRange(String),
}

/// What a registry says, behind a sentence of ours; it could steer a terminal.
fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {}", message.escape_debug()) }
}

impl RegistryError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Pull { cause, .. } | Self::Push { cause, .. } | Self::Login { cause, .. } => cause.hint(),
            Self::NoDestination(image) => Some(format!("name it: `minirun push {image} HOST/NAME:TAG`")),
            Self::OtherDigest { .. }
            | Self::Settings { .. }
            | Self::Name(_)
            | Self::AuthFile { .. }
            | Self::File { .. }
            | Self::FileSize { .. }
            | Self::NoPlace
            | Self::TagWithAll(_)
            | Self::NotLoggedIn(_)
            | Self::Helper { .. }
            | Self::Certificates { .. }
            | Self::NoCertificate(_)
            | Self::NoKey(_)
            | Self::Handover(_) => None,
        }
    }

    /// Whether it may be elsewhere: the next name or place is worth a try.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        matches!(
            self,
            Self::Pull { cause: RequestError::Absent { .. } | RequestError::Unauthorized { .. }, .. }
        )
    }
}

impl RequestError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unauthorized { authority, .. } => {
                Some(format!("`minirun login {authority}` says who you are"))
            }
            Self::Send { cause, .. } if is_certificate(cause) => Some(
                "--cert-dir DIR names the certificates of a registry of your own; --tls-verify=false trusts \
                 whoever answers"
                    .to_owned(),
            ),
            Self::Status { status: 404 | 405 | 501, method: "POST", .. } => Some(
                "does it take images? A mirror does not, and some want a repository made first".to_owned(),
            ),
            Self::Status { status: 429, .. } => {
                Some("the registry has had enough for now: log in, or wait".to_owned())
            }
            Self::Send { .. }
            | Self::Status { .. }
            | Self::Absent { .. }
            | Self::Challenge(_)
            | Self::Realm(_)
            | Self::Token { .. }
            | Self::Tags { .. }
            | Self::TooManyTags(_)
            | Self::Redirect { .. }
            | Self::Broken { .. }
            | Self::Length { .. }
            | Self::TooLarge { .. }
            | Self::NoPlace(_)
            | Self::OtherRange(_) => None,
        }
    }

    /// Whether the same question may get another answer soon.
    pub(super) fn is_passing(&self) -> bool {
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
            Self::Absent { .. }
            | Self::Unauthorized { .. }
            | Self::Challenge(_)
            | Self::Realm(_)
            | Self::Token { .. }
            | Self::Tags { .. }
            | Self::TooManyTags(_)
            | Self::Redirect { .. }
            | Self::Length { .. }
            | Self::TooLarge { .. }
            | Self::NoPlace(_)
            | Self::OtherRange(_) => false,
        }
    }
}
