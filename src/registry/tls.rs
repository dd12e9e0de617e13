//! Encryption of connections, by rules of our own about certificates.
//!
//! The usual connector verifies by rules that nobody can add to. So this one stands in front of it, and does the same with
//! [`PinnedVerifier`]; what it has encrypted, the usual one leaves alone.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use ureq::tls::ClientCert;
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout,
    RustlsConnector, TcpConnector, Transport, TransportAdapter,
};

use super::pinned::PinnedVerifier;

/// What the user's directories say.
pub(super) struct Identity<'a> {
    /// Who is trusted besides those whom this machine trusts.
    pub(super) trusted: Vec<CertificateDer<'static>>,
    /// Who this program is.
    pub(super) own: Option<&'a ClientCert>,
}

/// How connections are encrypted where certificates count.
pub(super) fn config(identity: Identity<'_>) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let mut roots = RootCertStore::empty();
    // Those that cannot be read are missed when a certificate needs them.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots.add_parsable_certificates(identity.trusted.iter().cloned());
    let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    let builder = match usual {
        Ok(usual) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(PinnedVerifier::new(usual, identity.trusted))),
        // There is nobody to trust.
        Err(_) => builder.with_root_certificates(RootCertStore::empty()),
    };
    let config = match identity.own {
        Some(own) => {
            let chain =
                own.certs().iter().map(|certificate| CertificateDer::from(certificate.der().to_vec()));
            let key = PrivateKeyDer::try_from(own.private_key().der().to_vec());
            let key = key.map_err(|what| rustls::Error::General(what.to_owned()))?;
            builder.with_client_auth_cert(chain.collect(), key)?
        }
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

/// What connects: through a proxy or not, with encryption by `config` if there is one, else by what the agent says.
pub(super) fn connector(config: Option<Arc<ClientConfig>>) -> impl Connector {
    ().chain(ConnectProxyConnector::default())
        .chain(TcpConnector::default())
        .chain(TlsConnector(config))
        .chain(RustlsConnector::default())
}

/// Encrypts connections.
#[derive(Debug)]
struct TlsConnector(Option<Arc<ClientConfig>>);

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, TlsTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(transport) = chained else { return Ok(None) };
        let config = match &self.0 {
            Some(config) if details.needs_tls() && !transport.is_tls() => Arc::clone(config),
            Some(_) | None => return Ok(Some(Either::A(transport))),
        };
        let host = details.uri.host().unwrap_or_default();
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(bare.to_owned())
            .map_err(|_| ureq::Error::Tls("no certificate can be for a host of such a name"))?;
        let mut connection = ClientConnection::new(config, name)?;
        let mut socket = TransportAdapter::new(transport.boxed(), Arc::clone(&details.current_time));
        socket.set_timeout(details.timeout);
        connection.complete_io(&mut socket)?;
        let buffers =
            LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        let stream = StreamOwned::new(connection, socket);
        Ok(Some(Either::B(TlsTransport { buffers, stream })))
    }
}

/// A connection that is encrypted.
struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsTransport").finish_non_exhaustive()
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        Ok(self.stream.write_all(output)?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let count = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(count);
        Ok(count > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}
