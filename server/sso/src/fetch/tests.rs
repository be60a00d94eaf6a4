//! The guard against servers and resolvers that mean harm.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use http::Method;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use super::*;

/// Short, and long enough for a busy machine.
const SHORT: Duration = Duration::from_millis(600);

/// Answers every name alike.
#[derive(Debug)]
struct Names {
    answer: Vec<IpAddr>,
    asked: AtomicUsize,
}

fn names(answer: &[&str]) -> Arc<Names> {
    let answer = answer.iter().map(|address| address.parse().expect("is an address")).collect();
    Arc::new(Names { answer, asked: AtomicUsize::new(0) })
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.answer.clone())
    }
}

fn guard(reach: Reach, names: &Arc<Names>) -> GuardedFetch {
    GuardedFetch::with(reach, Arc::<Names>::clone(names), RootCertStore::empty(), SHORT)
}

fn get(url: &str) -> Request<Vec<u8>> {
    let url = Url::parse(url).expect("is an address");
    Request::get(url.as_str()).body(Vec::new()).expect("is a request")
}

async fn refusal(fetch: &GuardedFetch, url: &str) -> FetchError {
    fetch.ask(get(url)).await.map(|answer| answer.status()).expect_err(url)
}

/// A server on loopback that does the same to everybody; counts them.
struct Server {
    port: u16,
    visitors: Arc<AtomicUsize>,
}

impl Server {
    async fn start<F>(act: impl Fn(Vec<u8>, TcpStream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("listens");
        let port = listener.local_addr().expect("has an address").port();
        let visitors = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&visitors);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                seen.fetch_add(1, Ordering::SeqCst);
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap_or_default();
                request.truncate(length);
                tokio::spawn(act(request, stream));
            }
        });
        Self { port, visitors }
    }

    /// One that says the same to everybody, and hangs up.
    async fn saying(answer: Vec<u8>) -> Self {
        let answer = Arc::new(answer);
        Self::start(move |_, mut stream| {
            let answer = Arc::clone(&answer);
            async move {
                // Who has heard enough hangs up.
                let _ = stream.write_all(&answer).await;
            }
        })
        .await
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    fn visitors(&self) -> usize {
        self.visitors.load(Ordering::SeqCst)
    }
}

fn with_length(length: usize) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + length, b'x');
    answer
}

#[tokio::test]
async fn private_addresses_are_refused_in_all_spellings() {
    let names = names(&["1.1.1.1"]);
    let fetch = guard(Reach::Public, &names);
    for url in [
        "https://127.0.0.1/",
        "https://127.0.0.1./",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://１２７.０.０.１/",
        "https://①②⑦。⓪。⓪。①/",
        "https://0/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:a9fe:a9fe]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[fd00:ec2::254]/",
        "https://[fe80::1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1:8443/",
        "https://100.64.0.1/",
        "https://172.16.0.1/",
        "https://192.168.0.1/",
        "https://224.0.0.1/",
        "https://192.0.2.1/",
    ] {
        assert_eq!(refusal(&fetch, url).await, FetchError::Private, "{url}");
    }
    assert_eq!(names.asked.load(Ordering::SeqCst), 0, "these are no names");
}

#[tokio::test]
async fn a_name_must_not_lead_to_a_private_address() {
    let server = Server::saying(with_length(2)).await;
    let url = format!("https://op.example:{}/", server.port);
    for answer in [
        &["127.0.0.1"][..],
        &["::ffff:127.0.0.1"],
        &["10.1.2.3"],
        &["fd12::1"],
        &["1.1.1.1", "127.0.0.1"],
        &["2606:4700::1111", "169.254.169.254"],
    ] {
        assert_eq!(refusal(&guard(Reach::Public, &names(answer)), &url).await, FetchError::Private, "{answer:?}");
    }
    assert_eq!(server.visitors(), 0);
    assert_eq!(refusal(&guard(Reach::Public, &names(&[])), &url).await, FetchError::Unresolved);
    // On loopback the same name is let through to the server, which speaks no TLS.
    let fetch = guard(Reach::LoopbackToo, &names(&["127.0.0.1"]));
    assert_eq!(refusal(&fetch, &url).await, FetchError::Certificate);
    assert_eq!(server.visitors(), 1);
}

/// A resolver that says something else the second time finds nobody who listens.
#[tokio::test]
async fn a_name_is_asked_for_once() {
    let authority = Authority::new();
    let port = authority.serve(&named("op.example")).await;
    let names = names(&["127.0.0.1"]);
    let fetch = GuardedFetch::with(Reach::LoopbackToo, Arc::<Names>::clone(&names), authority.roots(), DEADLINE);
    let answer = fetch.ask(get(&format!("https://op.example:{port}/"))).await.expect("answers");
    assert_eq!((answer.status().as_u16(), names.asked.load(Ordering::SeqCst)), (200, 1));
}

#[tokio::test]
async fn only_https_without_credentials_is_admitted() {
    let public = guard(Reach::Public, &names(&["1.1.1.1"]));
    let near = guard(Reach::LoopbackToo, &names(&["127.0.0.1"]));
    for url in [
        "http://op.example/",
        "ftp://op.example/",
        "file:///etc/hosts",
        "gopher://op.example/",
        "javascript:alert(1)",
        "data:,x",
        "https://user@op.example/",
        "https://user:password@op.example/",
    ] {
        let parsed = Url::parse(url).expect("is an address");
        assert_eq!(public.admits(&parsed), Err(FetchError::Address), "{url}");
        assert_eq!(near.admits(&parsed), Err(FetchError::Address), "{url}, near");
    }
    let admits = |fetch: &GuardedFetch, url: &str| fetch.admits(&Url::parse(url).expect("is an address")).is_ok();
    assert!(admits(&public, "https://op.example/") && admits(&near, "https://op.example/"));
    for url in ["http://localhost:4801/", "http://127.0.0.1:4801/", "http://[::1]/"] {
        assert_eq!((admits(&public, url), admits(&near, url)), (false, true), "{url}");
    }
    // A name that only looks like this machine.
    assert_eq!(refusal(&near, "http://localhost.op.example/").await, FetchError::Address);
    // A public address by http is none of development's.
    assert_eq!(refusal(&near, "http://1.1.1.1/").await, FetchError::Address);
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let target = Server::saying(with_length(2)).await;
    let fetch = guard(Reach::LoopbackToo, &names(&[]));
    for status in [301, 302, 303, 307, 308] {
        let head = format!("HTTP/1.1 {status} There\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", target.url());
        let server = Server::saying(head.into_bytes()).await;
        assert_eq!(refusal(&fetch, &server.url()).await, FetchError::Redirect(status));
    }
    assert_eq!(target.visitors(), 0);
    assert!(fetch.ask(get(&target.url())).await.is_ok());
}

#[tokio::test]
async fn a_document_is_the_body_of_a_success_and_of_nothing_else() {
    let fetch = guard(Reach::LoopbackToo, &names(&[]));
    let there = Server::saying(with_length(3)).await;
    assert_eq!(document(&fetch, &there.url()).await, Ok(b"xxx".to_vec()));
    for status in [400, 404, 500] {
        let head = format!("HTTP/1.1 {status} No\r\nContent-Length: 2\r\n\r\nno");
        let server = Server::saying(head.into_bytes()).await;
        assert_eq!(document(&fetch, &server.url()).await, Err(FetchError::Status(status)));
    }
    let asked = there.visitors();
    for url in ["no address".to_owned(), format!("http://somebody@127.0.0.1:{}/", there.port)] {
        assert_eq!(document(&fetch, &url).await, Err(FetchError::Address), "{url}");
    }
    assert_eq!(there.visitors(), asked);
}

/// With the machine itself comes nothing of its network.
#[tokio::test]
async fn reaching_this_machine_reaches_no_private_network() {
    for url in ["https://10.0.0.1/", "https://169.254.169.254/", "https://[fd00::1]/", "https://192.168.0.1/"] {
        let fetch = guard(Reach::LoopbackToo, &names(&[]));
        assert_eq!(refusal(&fetch, url).await, FetchError::Private, "{url}");
    }
    for answer in [&["10.0.0.1"][..], &["127.0.0.1", "10.0.0.1"]] {
        let fetch = guard(Reach::LoopbackToo, &names(answer));
        assert_eq!(refusal(&fetch, "https://op.example/").await, FetchError::Private, "{answer:?}");
    }
    // What is public may be asked, by https alone; nobody is asked here.
    let public = Url::parse("https://1.1.1.1/").expect("is an address");
    let plain = Url::parse("http://1.1.1.1/").expect("is an address");
    for reach in [Reach::Public, Reach::LoopbackToo] {
        let fetch = guard(reach, &names(&[]));
        assert_eq!(fetch.addresses(&public).await.map(|found| found.len()), Ok(1));
        assert_eq!(fetch.addresses(&plain).await, Err(FetchError::Private));
    }
    let found = SystemResolver.resolve("localhost").await.expect("every machine knows itself");
    assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
}

/// Texts and the audit find them by it.
#[test]
fn every_failure_has_a_name_of_its_own() {
    let all = [
        FetchError::Address,
        FetchError::Private,
        FetchError::Unresolved,
        FetchError::Unreachable,
        FetchError::Certificate,
        FetchError::Redirect(302),
        FetchError::TooLong,
        FetchError::TooSlow,
        FetchError::Broken,
        FetchError::Status(500),
    ];
    let codes: std::collections::BTreeSet<&str> = all.into_iter().map(FetchError::code).collect();
    assert_eq!(codes.len(), all.len(), "{codes:?}");
    assert_eq!((FetchError::Private.code(), FetchError::Status(500).code()), ("private_address", "status"));
    let shown = format!("{:?}", guard(Reach::Public, &names(&[])));
    assert!(shown.starts_with("GuardedFetch { reach: Public"), "{shown}");
}

#[tokio::test]
async fn an_answer_ends_after_a_mebibyte() {
    let fetch = GuardedFetch::with(Reach::LoopbackToo, names(&[]), RootCertStore::empty(), DEADLINE);
    let fits = Server::saying(with_length(LONGEST)).await;
    let answer = fetch.ask(get(&fits.url())).await.expect("fits");
    assert_eq!(answer.body().len(), LONGEST);
    let longer = Server::saying(with_length(LONGEST + 1)).await;
    assert_eq!(refusal(&fetch, &longer.url()).await, FetchError::TooLong);

    // 50 MiB without saying so: what was written shows when we hung up.
    let written = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&written);
    let endless = Server::start(move |_, mut stream| {
        let counter = Arc::clone(&counter);
        async move {
            let head = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
            for _ in 0..800 {
                if head.is_err() || stream.write_all(&chunk).await.is_err() {
                    return;
                }
                counter.fetch_add(chunk.len(), Ordering::SeqCst);
            }
        }
    })
    .await;
    assert_eq!(refusal(&fetch, &endless.url()).await, FetchError::TooLong);
    assert!(written.load(Ordering::SeqCst) < 20 * LONGEST, "{written:?}");
}

#[tokio::test]
async fn whoever_is_slow_is_left() {
    let fetch = guard(Reach::LoopbackToo, &names(&[]));
    let parts: [&[u8]; 3] = [b"", b"HTTP/1.1 200 OK\r\nX-", b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n"];
    for begun in parts {
        let server = Server::start(move |_, mut stream| async move {
            let mut sent = stream.write_all(begun).await;
            while sent.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
                sent = if begun.is_empty() { Ok(()) } else { stream.write_all(b"x").await };
            }
        })
        .await;
        let started = Instant::now();
        assert_eq!(refusal(&fetch, &server.url()).await, FetchError::TooSlow);
        assert!(started.elapsed() < SHORT * 5, "{:?}", started.elapsed());
    }

    #[derive(Debug)]
    struct Never;
    #[async_trait]
    impl Resolve for Never {
        async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            std::future::pending().await
        }
    }
    let fetch = GuardedFetch::with(Reach::Public, Arc::new(Never), RootCertStore::empty(), SHORT);
    assert_eq!(refusal(&fetch, "https://op.example/").await, FetchError::TooSlow);
}

#[tokio::test]
async fn a_head_has_a_length() {
    let fetch = guard(Reach::LoopbackToo, &names(&[]));
    let head = |headers: usize, length: usize| {
        let value = "x".repeat(length);
        let headers: String = (0..headers).map(|index| format!("X-{index}: {value}\r\n")).collect();
        format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: 0\r\n\r\n").into_bytes()
    };
    let fits = Server::saying(head(MOST_HEADERS - 1, 100)).await;
    assert!(fetch.ask(get(&fits.url())).await.is_ok());
    for (headers, length) in [(MOST_HEADERS, 1), (2, 20 * LONGEST_HEAD)] {
        let server = Server::saying(head(headers, length)).await;
        assert_eq!(refusal(&fetch, &server.url()).await, FetchError::Broken, "{headers} of {length}");
    }
    for noise in [&b"SSH-2.0-OpenSSH_9.2\r\n"[..], b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"] {
        let server = Server::saying(noise.to_vec()).await;
        assert_eq!(refusal(&fetch, &server.url()).await, FetchError::Broken);
    }
}

#[tokio::test]
async fn a_request_arrives_as_it_was_meant() {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::start(move |request, mut stream| {
        let sender = sender.clone();
        async move {
            sender.send(request).expect("is waited for");
            stream.write_all(b"HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\nno").await.expect("is read");
        }
    })
    .await;
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}token?a=b", server.url()))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("host", "elsewhere.example")
        .body(b"code=1".to_vec());
    let fetch = guard(Reach::LoopbackToo, &names(&[]));
    let answer = fetch.ask(request.expect("is a request")).await.expect("an error is an answer");
    assert_eq!((answer.status().as_u16(), answer.body().as_slice()), (400, &b"no"[..]));
    let request = String::from_utf8(receiver.recv().await.expect("came")).expect("is text");
    assert!(request.starts_with("POST /token?a=b HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("host: 127.0.0.1:{}\r\n", server.port)), "{request}");
    assert!(request.contains("content-length: 6\r\n") && request.ends_with("\r\n\r\ncode=1"), "{request}");
}

/// Signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

fn named(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).expect("a name")
}

impl Authority {
    fn new() -> Self {
        let mut params = named("an authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("signs itself"))
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("is a certificate");
        roots
    }

    /// A server with a certificate of that authority; its port.
    async fn serve(&self, params: &CertificateParams) -> u16 {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("signs");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows the versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .expect("key and certificate fit");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("listens");
        let port = listener.local_addr().expect("has an address").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Who does not trust us hangs up.
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut request = [0; 1024];
                let read = stream.read(&mut request).await;
                if read.is_ok() && stream.write_all(&with_length(2)).await.is_ok() {
                    let _ = stream.shutdown().await;
                }
            }
        });
        port
    }
}

#[tokio::test]
async fn a_certificate_must_be_right() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let mut expired = named("op.example");
    expired.not_after = rcgen::date_time_ymd(2001, 1, 1);
    let fetch = GuardedFetch::with(Reach::LoopbackToo, names(&["127.0.0.1"]), authority.roots(), DEADLINE);
    for (what, port) in [
        ("from somebody else", stranger.serve(&named("op.example")).await),
        ("for another name", authority.serve(&named("other.example")).await),
        ("expired", authority.serve(&expired).await),
    ] {
        let url = format!("https://op.example:{port}/");
        assert_eq!(refusal(&fetch, &url).await, FetchError::Certificate, "{what}");
    }
    let right = authority.serve(&named("op.example")).await;
    assert!(fetch.ask(get(&format!("https://op.example:{right}/"))).await.is_ok());
    let by_address = authority.serve(&named("127.0.0.1")).await;
    assert!(fetch.ask(get(&format!("https://127.0.0.1:{by_address}/"))).await.is_ok());
}
