//! What the public address shows to those who come by it: whether its certificate is trusted, and until when.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use shutterpost_model::time::{DAY, Millis};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use url::Url;

use super::finding::{CERTIFICATE_ENDS, Finding, seconds};

pub(super) const CHECK: &str = "certificate";
/// A certificate that ends sooner should have been renewed by now.
const LATE: i64 = 7 * DAY;
/// Automatic renewal comes about a month before the end.
const SOON: i64 = 21 * DAY;
/// For connecting, and for the handshake.
const LIMIT: Duration = Duration::from_secs(5);

/// Why there is nothing to look at.
enum Unseen {
    /// Nobody answered. That may be so from here alone.
    Unreached(io::Error),
    /// What answered is not trusted, or speaks no TLS.
    Refused(String),
}

/// The authorities that this machine trusts.
pub(super) fn trusted() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// Looks at the certificate of an address; nothing for one that is not https.
pub(super) async fn look(origin: &str, trusted: RootCertStore, now: Millis) -> Option<Finding> {
    let url = Url::parse(origin).ok().filter(|url| url.scheme() == "https")?;
    let (host, port) = (url.host_str()?.trim_matches(['[', ']']).to_owned(), url.port_or_known_default()?);
    Some(match show(&host, port, trusted).await {
        Ok(end) => judge(origin, end, now),
        Err(Unseen::Unreached(error)) => Finding::warning(
            CHECK,
            format!("{origin} was not reached from here: {error}"),
            "look whether guests reach it: name, proxy, firewall",
        ),
        Err(Unseen::Refused(reason)) => Finding::failure(
            CHECK,
            format!("{origin}: {reason}"),
            "mend the certificate of the proxy in front: guests see a warning in place of their photo",
        ),
    })
}

fn judge(origin: &str, end: Millis, now: Millis) -> Finding {
    let left = end.0 - now.0;
    let text = format!("the certificate of {origin} is trusted and ends in {} days", left / DAY);
    let remedy = "look why the proxy in front does not renew it";
    let finding = match left {
        ..LATE => Finding::failure(CHECK, text, remedy),
        LATE..SOON => Finding::warning(CHECK, text, remedy),
        _ => Finding::good(CHECK, text),
    };
    finding.figure(CERTIFICATE_ENDS, seconds(end))
}

/// When the certificate ends that a trusted server shows.
async fn show(host: &str, port: u16, trusted: RootCertStore) -> Result<Millis, Unseen> {
    let late = |_| Unseen::Unreached(io::ErrorKind::TimedOut.into());
    let stream = timeout(LIMIT, TcpStream::connect((host, port))).await.map_err(late)?.map_err(Unseen::Unreached)?;
    let refused = |error: rustls::Error| Unseen::Refused(error.to_string());
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    let named = |error: InvalidDnsNameError| Unseen::Refused(error.to_string());
    let name = ServerName::try_from(host.to_owned()).map_err(named)?;
    let connecting = timeout(LIMIT, TlsConnector::from(Arc::new(config)).connect(name, stream)).await.map_err(late)?;
    // rustls reports what it does not trust as an error of the connection.
    let stream = connecting.map_err(|error| Unseen::Refused(error.to_string()))?;
    let shown = stream.get_ref().1.peer_certificates().and_then(|certificates| certificates.first());
    shown.and_then(end).ok_or_else(|| Unseen::Refused("its certificate does not read".into()))
}

fn end(certificate: &CertificateDer<'_>) -> Option<Millis> {
    let (_, read) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(Millis(read.validity().not_after.timestamp().saturating_mul(1000)))
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

    use super::super::State;
    use super::*;

    /// A server on this machine with a certificate for `name` that ends in 2090, and the authority that signed it.
    async fn server(name: &str) -> (String, RootCertStore) {
        let key = || KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(["an authority".to_owned()]).expect("a name");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, key()).expect("signs itself");
        let (own, mut params) = (key(), CertificateParams::new([name.to_owned()]).expect("a name"));
        params.not_after = date_time_ymd(2090, 1, 1);
        let certificate = params.signed_by(&own, &authority).expect("signs");
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows the versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], PrivatePkcs8KeyDer::from(own.serialize_der()).into())
            .expect("key and certificate fit");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(Arc::new(config));
            while let Ok((stream, _)) = listener.accept().await {
                drop(acceptor.accept(stream).await);
            }
        });
        let mut trusted = RootCertStore::empty();
        trusted.add(authority.der().clone()).expect("an authority");
        (format!("https://127.0.0.1:{port}"), trusted)
    }

    #[tokio::test]
    async fn a_trusted_certificate_is_good_until_it_is_about_to_end() {
        let (origin, trusted) = server("127.0.0.1").await;
        let end = Millis(3_786_912_000_000);
        for (left, state) in [(30 * DAY, State::Good), (20 * DAY, State::Warning), (6 * DAY, State::Failure)] {
            let finding = look(&origin, trusted.clone(), end.plus(-left)).await.expect("is https");
            assert_eq!(finding.state, state, "{finding:?}");
            assert_eq!(finding.figures.first().map(|figure| figure.value), Some(3_786_912_000.0));
        }
    }

    #[tokio::test]
    async fn whoever_is_not_trusted_and_whoever_is_not_there_are_told_apart() {
        let (other, trusted) = server("photos.example").await;
        for (origin, roots) in [(&other, trusted), (&other, RootCertStore::empty())] {
            let finding = look(origin, roots, Millis(0)).await.expect("is https");
            assert_eq!((finding.state, finding.check), (State::Failure, CHECK), "{finding:?}");
        }
        let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address").port();
        let nobody = look(&format!("https://127.0.0.1:{free}"), RootCertStore::empty(), Millis(0)).await;
        assert_eq!(nobody.map(|finding| finding.state), Some(State::Warning));
        assert_eq!(look("http://localhost:8080", RootCertStore::empty(), Millis(0)).await, None);
    }
}
