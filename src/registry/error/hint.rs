//! What to do where no answer came.

use std::io::ErrorKind;

use crate::registry::agent::{is_certificate, tls_error};
use crate::registry::pinned::is_authority;

/// What to check where a request was not answered.
pub(super) fn of_send(cause: &ureq::Error) -> Option<&'static str> {
    if tls_error(cause).is_some_and(is_authority) {
        return Some(
            "its certificate is an authority's (CA:TRUE) that answers in person: put that very certificate into the \
             directory of --cert-dir or ~/.config/containers/certs.d/HOST[:PORT] as NAME.crt, or make one with \
             `openssl req -x509 -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:HOST …`",
        );
    }
    if is_certificate(cause) {
        return Some(
            "for a registry of your own, name the directory of its certificates with --cert-dir, or put them into \
             ~/.config/containers/certs.d/HOST[:PORT]; --tls-verify=false trusts whoever answers",
        );
    }
    match (tls_error(cause), cause) {
        (Some(rustls::Error::InvalidMessage(_)), _) => Some(
            "does it speak without encryption? Then --tls-verify=false of pull, push and login allows that, or \
             `insecure` in ~/.config/minirun/registries.json",
        ),
        (Some(rustls::Error::AlertReceived(_)), _) => Some(
            "it may want to see a certificate: NAME.cert and NAME.key in the directory of --cert-dir, or in \
             ~/.config/containers/certs.d/HOST[:PORT]",
        ),
        (None, ureq::Error::Io(error)) => match error.kind() {
            ErrorKind::ConnectionRefused => {
                Some("nobody listens there: check host and port, and whether it runs")
            }
            ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Some(SILENT),
            _ => None,
        },
        (None, ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed) => Some(SILENT),
        (None, ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl) => {
            Some("check the proxy: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY")
        }
        (Some(_) | None, _) => None,
    }
}

/// Where nobody says anything.
const SILENT: &str =
    "check host and port, whether this machine has a network, and HTTPS_PROXY where a proxy is in between";

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn whatever_keeps_answers_away_has_its_hint() {
        let of_kind = |kind: ErrorKind| ureq::Error::Io(io::Error::from(kind));
        let of_tls = |error: rustls::Error| ureq::Error::Io(io::Error::other(error));
        let issuer = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let plain = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        let alert = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired);
        for (error, word) in [
            (of_kind(ErrorKind::ConnectionRefused), "nobody listens"),
            (of_kind(ErrorKind::TimedOut), "HTTPS_PROXY"),
            (ureq::Error::ConnectProxyFailed(String::new()), "check the proxy"),
            (of_tls(issuer), "--cert-dir"),
            (of_tls(plain), "without encryption"),
            (of_tls(alert), "NAME.cert"),
        ] {
            let hint = of_send(&error);
            assert!(hint.is_some_and(|hint| hint.contains(word)), "{error}: {hint:?}");
        }
        assert_eq!(of_send(&of_kind(ErrorKind::UnexpectedEof)), None);
    }
}
