//! The port by which a provider is reached, and the guard in front of it.
//!
//! What is fetched is named by an administrator of some organisation, or by documents of their provider. Neither may make
//! this server speak to its neighbours: a request leaves only for a public address, by https, to the very address that was
//! checked, is redirected nowhere, and ends in time.

mod address;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONNECTION, HOST, USER_AGENT};
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use url::{Host, Position, Url};

/// From the name to the last byte of the answer.
const DEADLINE: Duration = Duration::from_secs(5);
/// Of an answer's body, in bytes.
const LONGEST: usize = 1024 * 1024;
/// Of an answer's head, in bytes and in headers.
const LONGEST_HEAD: usize = 16 * 1024;
const MOST_HEADERS: usize = 64;
/// Of a name's addresses this many are tried.
const MOST_ADDRESSES: usize = 4;

/// Why nothing was fetched. Holds no word of who was asked: it is shown to administrators and logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("the address must begin with https:// and hold no user name")]
    Address,
    #[error("the name leads to this machine or into a private network")]
    Private,
    #[error("the name has no address: check its spelling, and this server's DNS")]
    Unresolved,
    #[error("nothing answers there")]
    Unreachable,
    #[error("the certificate is not trusted here, belongs to another name or has expired")]
    Certificate,
    #[error("the answer leads to another address (status {0}), which is not followed: enter the last one")]
    Redirect(u16),
    #[error("the answer is too long")]
    TooLong,
    #[error("the answer took too long")]
    TooSlow,
    #[error("the answer is no HTTP, or was cut short")]
    Broken,
    #[error("the answer has status {0}")]
    Status(u16),
}

impl FetchError {
    /// A stable name, for translations and the audit.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Private => "private_address",
            Self::Unresolved => "unresolved",
            Self::Unreachable => "unreachable",
            Self::Certificate => "certificate",
            Self::Redirect(_) => "redirect",
            Self::TooLong => "too_long",
            Self::TooSlow => "too_slow",
            Self::Broken => "broken",
            Self::Status(_) => "status",
        }
    }
}

/// Asks other servers.
#[async_trait]
pub trait Fetch: fmt::Debug + Send + Sync {
    /// Whether an address may be asked, or a browser be sent there, as far as its spelling tells.
    fn admits(&self, url: &Url) -> Result<(), FetchError>;

    /// Sends a request with an absolute URI and takes whatever answer comes, but for a redirection.
    async fn ask(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, FetchError>;
}

/// The document at an address.
pub async fn document(fetch: &dyn Fetch, url: &str) -> Result<Vec<u8>, FetchError> {
    let url = Url::parse(url).map_err(|_| FetchError::Address)?;
    fetch.admits(&url)?;
    let request = Request::get(url.as_str()).body(Vec::new()).map_err(|_| FetchError::Address)?;
    let answer = fetch.ask(request).await?;
    match answer.status() {
        status if status.is_success() => Ok(answer.into_body()),
        status => Err(FetchError::Status(status.as_u16())),
    }
}

/// Which addresses exist for a name.
#[async_trait]
pub trait Resolve: fmt::Debug + Send + Sync {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The machine's own resolver.
#[derive(Debug)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// How far requests may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses, by https.
    Public,
    /// This machine as well, and by http there: for development and tests.
    LoopbackToo,
}

/// The machine trusts no certificate authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this machine has no certificates of authorities; install ca-certificates, or name a file in SSL_CERT_FILE")]
pub struct NoAuthorities;

/// The guard; see the head of this file.
pub struct GuardedFetch {
    reach: Reach,
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
    deadline: Duration,
}

impl fmt::Debug for GuardedFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedFetch").field("reach", &self.reach).finish_non_exhaustive()
    }
}

impl GuardedFetch {
    /// With the machine's resolver and the authorities that it trusts.
    pub fn new(reach: Reach) -> Result<Self, NoAuthorities> {
        let mut roots = RootCertStore::empty();
        // Machines carry odd certificates that rustls cannot read; the others count.
        let (read, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if read == 0 {
            return Err(NoAuthorities);
        }
        Ok(Self::with(reach, Arc::new(SystemResolver), roots, DEADLINE))
    }

    /// With another resolver, other authorities and another deadline.
    pub fn with(reach: Reach, resolver: Arc<dyn Resolve>, roots: RootCertStore, deadline: Duration) -> Self {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring knows the protocols that rustls takes for safe")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { reach, resolver, tls: TlsConnector::from(Arc::new(tls)), deadline }
    }

    /// What may be connected to; all of a name's addresses, or none: one private address among public ones is a trap.
    async fn addresses(&self, url: &Url) -> Result<Vec<IpAddr>, FetchError> {
        let found = match url.host().ok_or(FetchError::Address)? {
            Host::Ipv4(address) => vec![address.into()],
            Host::Ipv6(address) => vec![address.into()],
            Host::Domain(name) => self.resolver.resolve(name).await.map_err(|_| FetchError::Unresolved)?,
        };
        if found.is_empty() {
            return Err(FetchError::Unresolved);
        }
        let may_reach = |address: &IpAddr| {
            let here = self.reach == Reach::LoopbackToo && address::is_loopback(*address);
            here || (url.scheme() == "https" && address::is_public(*address))
        };
        if found.iter().all(may_reach) { Ok(found) } else { Err(FetchError::Private) }
    }

    async fn connect(&self, addresses: &[IpAddr], port: u16) -> Result<TcpStream, FetchError> {
        for address in addresses.iter().take(MOST_ADDRESSES) {
            // Not the name: it could lead elsewhere the second time it is asked for.
            if let Ok(Ok(stream)) = timeout(self.deadline / 3, TcpStream::connect((*address, port))).await {
                return Ok(stream);
            }
        }
        Err(FetchError::Unreachable)
    }

    async fn exchange(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, FetchError> {
        let url = Url::parse(&request.uri().to_string()).map_err(|_| FetchError::Address)?;
        self.admits(&url)?;
        let addresses = self.addresses(&url).await?;
        let port = url.port_or_known_default().ok_or(FetchError::Address)?;
        let stream = self.connect(&addresses, port).await?;
        if url.scheme() == "http" {
            return converse(stream, request, &url).await;
        }
        let name = match url.host().ok_or(FetchError::Address)? {
            Host::Ipv4(address) => ServerName::from(IpAddr::from(address)),
            Host::Ipv6(address) => ServerName::from(IpAddr::from(address)),
            Host::Domain(name) => ServerName::try_from(name.to_owned()).map_err(|_| FetchError::Address)?,
        };
        let stream = self.tls.connect(name, stream).await.map_err(|_| FetchError::Certificate)?;
        converse(stream, request, &url).await
    }
}

#[async_trait]
impl Fetch for GuardedFetch {
    fn admits(&self, url: &Url) -> Result<(), FetchError> {
        let scheme = match (url.scheme(), self.reach) {
            ("https", _) => true,
            ("http", Reach::LoopbackToo) => match url.host() {
                Some(Host::Domain(name)) => name == "localhost",
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            },
            _ => false,
        };
        if scheme && url.has_host() && url.username().is_empty() && url.password().is_none() {
            Ok(())
        } else {
            Err(FetchError::Address)
        }
    }

    async fn ask(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, FetchError> {
        timeout(self.deadline, self.exchange(request)).await.unwrap_or(Err(FetchError::TooSlow))
    }
}

/// One request and its answer, on a connection of their own.
async fn converse<S>(stream: S, request: Request<Vec<u8>>, url: &Url) -> Result<Response<Vec<u8>>, FetchError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut head, body) = request.into_parts();
    head.uri = url[Position::BeforePath..Position::AfterQuery].parse().map_err(|_| FetchError::Address)?;
    let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]);
    head.headers.insert(HOST, host.map_err(|_| FetchError::Address)?);
    head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    head.headers.insert(USER_AGENT, HeaderValue::from_static("Shutterpost"));
    let request = Request::from_parts(head, Full::new(Bytes::from(body)));

    let broken = |_| FetchError::Broken;
    let mut protocol = http1::Builder::new();
    protocol.max_headers(MOST_HEADERS).max_buf_size(LONGEST_HEAD);
    let (mut sender, connection) = protocol.handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Ends with this function, however it ends: a set drops its tasks.
    let mut driver = JoinSet::new();
    driver.spawn(connection);

    let answer = sender.send_request(request).await.map_err(broken)?;
    let status = answer.status();
    if status.is_redirection() {
        return Err(FetchError::Redirect(status.as_u16()));
    }
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, LONGEST).collect().await.map_err(|error| match error.is::<LengthLimitError>() {
        true => FetchError::TooLong,
        false => FetchError::Broken,
    })?;
    Ok(Response::from_parts(head, body.to_bytes().to_vec()))
}
