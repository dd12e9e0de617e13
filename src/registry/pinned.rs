//! Whom a registry's certificate makes believe that it is the registry.
//!
//! Most registries of one's own have a certificate that signs itself and calls itself an authority: so `openssl req -x509`
//! makes it. The usual rules let no authority answer in person. Where the user has put that very certificate into a
//! directory for the registry, nothing is gained by that: the same bytes are what was to be trusted. Its dates and its names
//! count all the same, and it signs for nobody else by this.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

/// Verifies as usual, and takes some certificates for what they are.
#[derive(Debug)]
pub(super) struct PinnedVerifier {
    usual: Arc<WebPkiServerVerifier>,
    /// What the user's directories hold.
    pinned: Vec<CertificateDer<'static>>,
}

impl PinnedVerifier {
    pub(super) fn new(usual: Arc<WebPkiServerVerifier>, pinned: Vec<CertificateDer<'static>>) -> Self {
        Self { usual, pinned }
    }
}

impl ServerCertVerifier for PinnedVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found = self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match found {
            // The dates were looked at before this was found; the names were not.
            Err(error) if is_authority(&error) && self.pinned.contains(end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            found => found,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

/// Whether an authority answered in person.
pub(super) fn is_authority(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(CertificateError::Other(other)) => {
            matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::RootCertStore;
    use rustls::crypto::ring;
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    /// An authority that signed itself, for `registry.test`, from 22 November 2026 on for a hundred years.
    const AUTHORITY: &str = "-----BEGIN CERTIFICATE-----
MIIBoDCCAUegAwIBAgIUaLOh5ejgyuKHizMNhLCuJiofS0EwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNcmVnaXN0cnkudGVzdDAgFw0yNjExMjIwNzAzNDBaGA8yMTI2
MTAyOTA3MDM0MFowGDEWMBQGA1UEAwwNcmVnaXN0cnkudGVzdDBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABEcbFNFIxBxdHISod4rIBqY2Dd1w/j4eHKR7RSd7pzxP
lQAoxTfDmv/l2jIrDWLCTYIdsxHeBxn6l+K7lGvM8X6jbTBrMB0GA1UdDgQWBBTd
vMtVejo3I5UFOzWkcmDHkOzhgjAfBgNVHSMEGDAWgBTdvMtVejo3I5UFOzWkcmDH
kOzhgjAPBgNVHRMBAf8EBTADAQH/MBgGA1UdEQQRMA+CDXJlZ2lzdHJ5LnRlc3Qw
CgYIKoZIzj0EAwIDRwAwRAIgIXA/sU2QvtNaiUTDxFgAVFa1TQKACDo27jIhCE5a
+m8CIAJAgLKvGBfkaFSYb4uCErMW3Tqji/k3MklqXPnMpBdP
-----END CERTIFICATE-----
";
    /// In 2030, in seconds since 1970.
    const VALID: u64 = 1_900_000_000;

    fn verified(pinned: &[CertificateDer<'static>], name: &str, now: u64) -> Result<(), Error> {
        let authority = CertificateDer::from_pem_slice(AUTHORITY.as_bytes()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
        let verifier = PinnedVerifier::new(usual, pinned.to_vec());
        verifier.verify_server_cert(&authority, &[], &name, &[], now).map(drop)
    }

    #[test]
    fn an_authority_that_was_put_there_may_answer_for_itself() {
        let pinned = [CertificateDer::from_pem_slice(AUTHORITY.as_bytes()).unwrap()];
        assert_eq!(verified(&pinned, "registry.test", VALID), Ok(()));
        // One that is only trusted to sign for others may not.
        assert!(is_authority(&verified(&[], "registry.test", VALID).unwrap_err()));
        let other = verified(&pinned, "other.test", VALID).unwrap_err();
        assert!(
            matches!(
                other,
                Error::InvalidCertificate(
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
                )
            ),
            "{other:?}"
        );
        for (now, too) in [(1_000_000_000, "early"), (9_000_000_000, "late")] {
            let error = verified(&pinned, "registry.test", now).unwrap_err();
            assert!(!is_authority(&error), "too {too}: {error:?}");
        }
    }
}
