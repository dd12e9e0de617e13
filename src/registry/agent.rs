//! Connections: whom to trust, how long to wait, through which proxy.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, TlsConfig, parse_pem};

use super::RegistryError;
use super::credentials::config_home;
use super::resolver::TellingResolver;
use super::tls::{self, Identity};
use crate::plan::registry::auth_file::Credentials;
use crate::plan::registry::endpoint::{Endpoint, Trust};

const CONNECT: Duration = Duration::from_secs(20);
/// From a question to the beginning of its answer.
const ANSWER: Duration = Duration::from_secs(60);
/// How long a connection may be silent.
const SILENCE: Duration = Duration::from_secs(30);
/// The most bytes in the headers of an answer.
const HEADERS_MAX: usize = 128 << 10;
/// Where a machine keeps certificates for a registry, in a directory of its name; the user's own are below the
/// configuration.
const MACHINE: [&str; 2] = ["/etc/containers/certs.d", "/etc/docker/certs.d"];
/// The most bytes of a file with certificates.
const CERTIFICATES_MAX: u64 = 4 << 20;

/// How a registry is asked.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// How far it is trusted.
    pub trust: Trust,
    /// A directory with certificates (`*.crt`) that are trusted besides those of the machine, and perhaps one that says who
    /// asks (`NAME.cert` with `NAME.key`); instead of where such directories are looked for.
    pub certificates: Option<PathBuf>,
    /// Who asks, if that is said.
    pub credentials: Option<Credentials>,
    /// The file that knows who asks, if it is another than usual.
    pub auth_file: Option<PathBuf>,
}

/// What makes connections to an endpoint.
pub(super) fn agent(endpoint: &Endpoint, access: &Access) -> Result<Agent, RegistryError> {
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .disable_verification(access.trust == Trust::Insecure);
    let found = directories(endpoint, access)?;
    // Whoever trusts everybody has no use for it, but is told of a key that does not fit.
    let verified = tls::config(found.identity()).map_err(RegistryError::OwnCertificate)?;
    let verified = (access.trust == Trust::Certificate).then_some(verified);
    let tls = tls.client_cert(found.own);
    let config = Agent::config_builder()
        .tls_config(tls.build())
        .http_status_as_error(false)
        // Whoever follows them has to know what goes along.
        .max_redirects(0)
        // No limit is set for looking a name up: it would need a thread that outlives its answer.
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(ANSWER))
        .timeout_per_read(Some(SILENCE))
        .timeout_per_write(Some(SILENCE))
        .max_response_header_size(HEADERS_MAX)
        .user_agent(concat!("minirun/", env!("CARGO_PKG_VERSION")));
    // No proxy reaches this machine as this machine does.
    let config = if endpoint.is_loopback() { config.proxy(None) } else { config };
    Ok(Agent::with_parts(config.build(), tls::connector(verified), TellingResolver::default()))
}

/// What directories of certificates say.
#[derive(Default)]
struct Found {
    /// Who is trusted.
    trusted: Vec<Certificate<'static>>,
    /// Who this program is.
    own: Option<ClientCert>,
}

impl Found {
    fn identity(&self) -> Identity<'_> {
        let trusted = self.trusted.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec()));
        Identity { trusted: trusted.collect(), own: self.own.as_ref() }
    }
}

/// Reads the directory that is named, else those where Docker and its relatives keep certificates for the registry.
fn directories(endpoint: &Endpoint, access: &Access) -> Result<Found, RegistryError> {
    let mut found = Found::default();
    if let Some(named) = &access.certificates {
        certificates_in(named, &mut found)?;
        if found.trusted.is_empty() && found.own.is_none() {
            return Err(RegistryError::NoCertificate(named.clone()));
        }
        return Ok(found);
    }
    let own = config_home().map(|home| home.join("containers/certs.d"));
    for directory in own.into_iter().chain(MACHINE.map(PathBuf::from)) {
        let directory = directory.join(endpoint.authority());
        if directory.is_dir() {
            certificates_in(&directory, &mut found)?;
        }
    }
    Ok(found)
}

fn certificates_in(directory: &Path, found: &mut Found) -> Result<(), RegistryError> {
    for entry in fs::read_dir(directory).map_err(unusable(directory))? {
        let path = entry.map_err(unusable(directory))?.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("crt") => found.trusted.extend(certificates(&path)?),
            Some("cert") if found.own.is_none() => {
                let key = path.with_extension("key");
                if !key.exists() {
                    return Err(RegistryError::NoKey(key));
                }
                let pem = read(&key).map_err(unusable(&key))?;
                let private =
                    PrivateKey::from_pem(&pem).map_err(|cause| unusable(&key)(io::Error::other(cause)))?;
                found.own = Some(ClientCert::new_with_certs(&certificates(&path)?, private));
            }
            Some(_) | None => {}
        }
    }
    Ok(())
}

/// The certificates of a file.
fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, RegistryError> {
    let pem = read(path).map_err(unusable(path))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(cause) => return Err(unusable(path)(io::Error::other(cause))),
        }
    }
    Ok(certificates)
}

fn unusable(path: &Path) -> impl FnOnce(io::Error) -> RegistryError {
    let path = path.to_owned();
    move |cause| RegistryError::Certificates { path, cause }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read as _;
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(CERTIFICATES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether somebody answered who has not the right certificate.
pub(super) fn is_certificate(error: &ureq::Error) -> bool {
    matches!(
        tls_error(error),
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)
    )
}

/// Whether somebody answered who speaks TLS, and could not be agreed with.
pub(super) fn speaks_tls(error: &ureq::Error) -> bool {
    is_certificate(error) || matches!(tls_error(error), Some(rustls::Error::AlertReceived(_)))
}

/// What encryption came to.
pub(super) fn tls_error(error: &ureq::Error) -> Option<&rustls::Error> {
    match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error.get_ref().and_then(|inner| inner.downcast_ref()),
        _ => None,
    }
}
