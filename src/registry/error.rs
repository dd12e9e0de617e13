//! Why a registry did not give, or take, what it was asked to.

mod hint;
mod request;

use std::io;
use std::path::PathBuf;

use thiserror::Error;

pub use self::request::RequestError;
use super::{HelperError, HelperVerb};
use crate::plan::digest::Digest;
use crate::plan::registry::auth_file::AuthFileError;
use crate::plan::registry::login::LoginError;
use crate::plan::registry::settings::SettingsError;
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
    /// What was typed is no registry, or nobody that it could know.
    #[error("cannot log in to `{registry}`")]
    LoginAs {
        /// The registry, without what may be a password.
        registry: String,
        /// What is wrong with it.
        #[source]
        cause: LoginError,
    },
    /// What was typed is no registry.
    #[error("cannot log out of `{registry}`")]
    Logout {
        /// The registry, without what may be a password.
        registry: String,
        /// What is wrong with it.
        #[source]
        cause: LoginError,
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
    /// A pipe.
    #[error("`{}` is a pipe, and not a file", .0.display())]
    NoFile(PathBuf),
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
    #[error("cannot {verb} `{program}`")]
    Helper {
        /// What it was to do.
        verb: HelperVerb,
        /// The program.
        program: String,
        /// What it says, or what starting it says.
        #[source]
        cause: HelperError,
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
    /// A certificate and a key that are no pair, or of no kind that is known.
    #[error("cannot show the certificate that says who asks")]
    OwnCertificate(#[source] rustls::Error),
    /// Nothing can be handed to the process that unpacks.
    #[error("cannot hand over what is fetched")]
    Handover(#[source] SysError),
}

impl RegistryError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Login { cause: RequestError::Unauthorized { .. } | RequestError::Refused { .. }, .. } => Some(
                "check name and password; some registries take a token in place of the password, and nothing else"
                    .to_owned(),
            ),
            Self::Pull { cause, .. } | Self::Push { cause, .. } | Self::Login { cause, .. } => cause.hint(),
            Self::NoDestination(image) => Some(format!("name it: `minirun push {image} HOST/NAME:TAG`")),
            Self::OtherDigest { .. }
            | Self::Settings { .. }
            | Self::Name(_)
            | Self::AuthFile { .. }
            | Self::File { .. }
            | Self::NoFile(_)
            | Self::FileSize { .. }
            | Self::LoginAs { .. }
            | Self::Logout { .. }
            | Self::NoPlace
            | Self::TagWithAll(_)
            | Self::NotLoggedIn(_)
            | Self::Helper { .. }
            | Self::Certificates { .. }
            | Self::NoCertificate(_)
            | Self::NoKey(_)
            | Self::OwnCertificate(_)
            | Self::Handover(_) => None,
        }
    }

    /// Whether whoever asked is known, and gets nothing.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Pull { cause: RequestError::Refused { .. }, .. })
    }

    /// Whether nobody said who asks, so that it may be there all the same.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        matches!(self, Self::Pull { cause: RequestError::Unauthorized { .. }, .. })
    }

    /// Whether it may be elsewhere: the next name or place is worth a try.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        matches!(
            self,
            Self::Pull {
                cause: RequestError::Absent { .. }
                    | RequestError::NoTags
                    | RequestError::Unauthorized { .. }
                    | RequestError::Refused { .. },
                ..
            }
        )
    }
}
