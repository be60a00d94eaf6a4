//! Requests to the server. One connection each: an hour apart or a second, it makes no difference to a booth, and a
//! connection that is never kept is never stale.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, USER_AGENT};
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use shutterpost_model::pii::Secret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};
use url::{Host, Url};

const CONNECT: Duration = Duration::from_secs(15);
/// Two megabytes over a bad venue's network, and the server's work on the last of them.
const ANSWER: Duration = Duration::from_secs(180);
/// More is no answer of the server's.
const MOST: usize = 256 * 1024;

/// Where the server is.
#[derive(Debug, Clone)]
pub struct Address {
    host: String,
    port: u16,
    /// `None`: unencrypted.
    name: Option<ServerName<'static>>,
    authority: String,
}

/// Why an address is none to upload to.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    #[error("{0:?} is no address of a server; it looks like https://photos.example")]
    Wrong(String),
    #[error(
        "the server is to be reached by https://, so that nobody reads photos and token; for a test on a network of your own there is --insecure-http"
    )]
    Plain,
}

impl Address {
    /// Reads `https://HOST[:PORT]`; `http://` only to this machine, or if it is allowed to be insecure.
    pub fn parse(text: &str, insecure: bool) -> Result<Self, AddressError> {
        let wrong = || AddressError::Wrong(text.to_owned());
        let url = Url::parse(text).map_err(|_| wrong())?;
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err(wrong()),
        };
        let bare = url.path() == "/" && url.query().is_none() && url.username().is_empty() && url.password().is_none();
        let (host, loopback) = match url.host().filter(|_| bare).ok_or_else(wrong)? {
            Host::Domain(name) => (name.to_owned(), name == "localhost"),
            Host::Ipv4(address) => (address.to_string(), address.is_loopback()),
            Host::Ipv6(address) => (address.to_string(), address.is_loopback()),
        };
        if plain && !loopback && !insecure {
            return Err(AddressError::Plain);
        }
        let port = url.port_or_known_default().ok_or_else(wrong)?;
        let name = if plain { None } else { Some(ServerName::try_from(host.clone()).map_err(|_| wrong())?) };
        let shown =
            if host.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()) { format!("[{host}]") } else { host.clone() };
        let authority = url.port().map_or(shown.clone(), |port| format!("{shown}:{port}"));
        Ok(Self { host, port, name, authority })
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// No answer came; trying again may help.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Away(pub(super) String);

/// Speaks with one server.
#[derive(Clone)]
pub(super) struct Client {
    address: Address,
    tls: TlsConnector,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Client").field(&self.address).finish()
    }
}

impl Client {
    pub(super) fn new(address: Address) -> Result<Self, Away> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Away(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { address, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Sends one request and reads its answer.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        token: &Secret,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<Answer, Away> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.address.authority)
            .header(USER_AGENT, concat!("shutterpost-push/", env!("CARGO_PKG_VERSION")))
            .header(AUTHORIZATION, format!("Bearer {}", token.expose()))
            .header("tus-resumable", shutterpost_model::uploads::VERSION);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(body)).map_err(|error| Away(format!("no request: {error}")))?;
        let address = (self.address.host.as_str(), self.address.port);
        let stream = within(CONNECT, "no connection", TcpStream::connect(address)).await?;
        match &self.address.name {
            None => within(ANSWER, "no answer", exchange(stream, request)).await,
            Some(name) => {
                let stream = within(CONNECT, "no secure connection", self.tls.connect(name.clone(), stream)).await?;
                within(ANSWER, "no answer", exchange(stream, request)).await
            }
        }
    }
}

async fn within<T, E: std::fmt::Display>(
    limit: Duration,
    what: &str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Away> {
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Away(format!("{what}: {error}"))),
        Err(_) => Err(Away(format!("{what} in time"))),
    }
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, Failed>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let work = async {
        let response = sender.send_request(request).await?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, MOST).collect().await?.to_bytes();
        Ok::<_, Failed>(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    };
    tokio::pin!(work);
    tokio::pin!(connection);
    tokio::select! {
        answer = &mut work => answer,
        ended = &mut connection => {
            ended?;
            work.await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine() {
        for good in [
            "https://photos.example",
            "https://photos.example:8443/",
            "http://localhost:8080",
            "http://127.0.0.1:1",
            "http://[::1]:80",
        ] {
            Address::parse(good, false).unwrap_or_else(|error| panic!("{good}: {error}"));
        }
        assert!(matches!(Address::parse("http://photos.example", false), Err(AddressError::Plain)));
        assert!(matches!(Address::parse("http://192.168.1.4", false), Err(AddressError::Plain)));
        Address::parse("http://192.168.1.4", true).expect("allowed");
        for wrong in
            ["photos.example", "ftp://photos.example", "https://u:p@photos.example", "https://photos.example/x", ""]
        {
            assert!(matches!(Address::parse(wrong, true), Err(AddressError::Wrong(_))), "{wrong}");
        }
    }
}
