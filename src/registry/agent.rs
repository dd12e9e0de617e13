//! Connections: whom to trust, how long to wait, through which proxy.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::RegistryError;
use crate::plan::registry::auth_file::Credentials;
use crate::plan::registry::endpoint::{Endpoint, Trust};

const CONNECT: Duration = Duration::from_secs(20);
/// From a question to the beginning of its answer.
const ANSWER: Duration = Duration::from_secs(60);
/// How long a connection may be silent.
const SILENCE: Duration = Duration::from_secs(30);
/// The most bytes in the headers of an answer.
const HEADERS_MAX: usize = 128 << 10;
/// The most bytes of a file with certificates.
const CERTIFICATES_MAX: u64 = 4 << 20;

/// How a registry is asked.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// How far it is trusted.
    pub trust: Trust,
    /// A directory with certificates (`*.crt`) that are trusted besides those of the machine.
    pub certificates: Option<PathBuf>,
    /// Who asks, if that is said.
    pub credentials: Option<Credentials>,
}

/// What makes connections to an endpoint.
pub(super) fn agent(endpoint: &Endpoint, access: &Access) -> Result<Agent, RegistryError> {
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .disable_verification(access.trust == Trust::Insecure);
    let tls = match access.trust {
        Trust::Insecure => tls,
        Trust::Certificate => tls.root_certs(RootCerts::Specific(Arc::new(roots(access)?))),
    };
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
    Ok(config.build().into())
}

fn roots(access: &Access) -> Result<Vec<Certificate<'static>>, RegistryError> {
    // Those that cannot be read are missed when a certificate needs them.
    let native = rustls_native_certs::load_native_certs().certs;
    let mut roots: Vec<_> = native.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    if let Some(directory) = &access.certificates {
        roots.extend(certificates_in(directory)?);
    }
    Ok(roots)
}

fn certificates_in(directory: &Path) -> Result<Vec<Certificate<'static>>, RegistryError> {
    let error = |path: &Path| {
        let path = path.to_owned();
        move |cause: io::Error| RegistryError::Certificates { path, cause }
    };
    let mut certificates = Vec::new();
    for entry in fs::read_dir(directory).map_err(error(directory))? {
        let path = entry.map_err(error(directory))?.path();
        if path.extension().is_none_or(|extension| extension != "crt") {
            continue;
        }
        let pem = read(&path).map_err(error(&path))?;
        for item in parse_pem(&pem) {
            match item {
                Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
                Ok(_) => {}
                Err(cause) => return Err(error(&path)(io::Error::other(cause))),
            }
        }
    }
    if certificates.is_empty() {
        return Err(RegistryError::NoCertificate(directory.to_owned()));
    }
    Ok(certificates)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read as _;
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(CERTIFICATES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether somebody answered who has not the right certificate.
pub(super) fn is_certificate(error: &ureq::Error) -> bool {
    let is = |error: &rustls::Error| {
        matches!(error, rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)
    };
    match error {
        ureq::Error::Rustls(error) => is(error),
        ureq::Error::Io(error) => error.get_ref().and_then(|inner| inner.downcast_ref()).is_some_and(is),
        _ => false,
    }
}
