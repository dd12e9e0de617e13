//! Addresses of names: looked up as usual, and known for what they are where there is none.

use std::fmt;
use std::io;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// A name without an address: the registry's, or that of a proxy on the way.
#[derive(Debug)]
pub(super) struct Unresolved {
    pub(super) host: String,
    pub(super) cause: io::Error,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no address of `{}` is known: {}", self.host.escape_debug(), self.cause)
    }
}

impl std::error::Error for Unresolved {}

/// The usual resolver, which says of which name it knows nothing.
#[derive(Debug, Default)]
pub(super) struct TellingResolver(DefaultResolver);

impl Resolver for TellingResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = || uri.host().unwrap_or_default().to_owned();
        self.0.resolve(uri, config, timeout).map_err(|error| match error {
            ureq::Error::Io(cause) => ureq::Error::Other(Box::new(Unresolved { host: host(), cause })),
            other => other,
        })
    }
}
