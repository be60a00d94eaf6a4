//! TLS and STARTTLS against a server with certificates from an authority of this test's own.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use shutterpost_model::messages::FailureReason;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use super::super::{Mailer, SmtpFault, SmtpMailer};
use super::server::{MailServer, Mood, Protection};
use super::{ORIGIN, envelope, mail};

/// Where the tests' servers listen, as a certificate names it.
const HERE: &str = "127.0.0.1";

/// Signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = named("an authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, key()).expect("signs itself"))
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// The server's side of TLS, with a certificate signed by this authority.
    fn sign(&self, params: &CertificateParams) -> TlsAcceptor {
        let key = key();
        let certificate = params.signed_by(&key, &self.0).expect("signs");
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows the versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .expect("key and certificate fit");
        TlsAcceptor::from(Arc::new(config))
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn named(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).expect("a name")
}

fn mailer(url: &str, root: &Authority) -> SmtpMailer {
    let mailer = SmtpMailer::new(url, None, ORIGIN).expect("a good URL").with_limit(Duration::from_secs(5));
    mailer.trusting(root.pem().as_bytes()).expect("a certificate")
}

fn verbs(server: &MailServer) -> Vec<String> {
    let verb = |command: String| command.split([' ', ':']).next().unwrap_or_default().to_owned();
    server.commands().into_iter().map(verb).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_and_the_password_travel_through_tls_from_the_first_byte() {
    let authority = Authority::new();
    let server = MailServer::start_with(Mood::Kind, Protection::Tls(authority.sign(&named(HERE)))).await;
    let mailer = mailer(&format!("smtps://user:secret@{HERE}:{}", server.port), &authority);
    for _ in 0..2 {
        mailer.send(&envelope("anna@example.com"), mail()).await.expect("taken");
    }
    assert_eq!((server.received().len(), server.connections()), (2, 1), "one connection for both");
    assert_eq!(server.received()[0].to, "anna@example.com");
    assert_eq!(verbs(&server)[..5], ["EHLO", "AUTH", "MAIL", "RCPT", "DATA"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_starttls_everything_but_the_greeting_is_encrypted() {
    let authority = Authority::new();
    // By name, as certificates usually are.
    let acceptor = authority.sign(&named("localhost"));
    let server = MailServer::start_with(Mood::Kind, Protection::StartTls(acceptor)).await;
    let mailer = mailer(&format!("smtp://user:secret@localhost:{}?tls=required", server.port), &authority);
    for _ in 0..2 {
        mailer.send(&envelope("anna@example.com"), mail()).await.expect("taken");
    }
    assert_eq!((server.received().len(), server.connections()), (2, 1), "one connection for both");
    assert_eq!(verbs(&server)[..7], ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_starttls_learns_nothing_where_it_is_demanded() {
    let server = MailServer::start(Mood::Kind).await;
    let url = format!("smtp://user:secret@{HERE}:{}?tls=required", server.port);
    let result = mailer(&url, &Authority::new()).send(&envelope("anna@example.com"), mail()).await;
    assert_eq!(result, Err(FailureReason::Refused));
    assert!(verbs(&server).iter().all(|verb| matches!(verb.as_str(), "EHLO" | "QUIT")), "{:?}", verbs(&server));

    // One that offers it and then has none for now may be asked again.
    let authority = Authority::new();
    let mood = Mood::Answer("STARTTLS", "454 4.7.0 not now");
    let server = MailServer::start_with(mood, Protection::StartTls(authority.sign(&named(HERE)))).await;
    let url = format!("smtp://user:secret@{HERE}:{}?tls=required", server.port);
    let result = mailer(&url, &authority).send(&envelope("anna@example.com"), mail()).await;
    assert_eq!(result, Err(FailureReason::TryLater));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_wrong_in_any_way_gets_no_mail_and_no_password() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let mut expired = named(HERE);
    expired.not_after = rcgen::date_time_ymd(2001, 1, 1);
    let cases = [
        ("from somebody else", stranger.sign(&named(HERE))),
        ("for another name", authority.sign(&named("mail.example"))),
        ("expired", authority.sign(&expired)),
    ];
    let cases = cases.into_iter().flat_map(|(what, acceptor)| {
        let starttls = (what, Protection::StartTls(acceptor.clone()), ("smtp", "?tls=required"));
        [(what, Protection::Tls(acceptor), ("smtps", "")), starttls]
    });
    let authority = &authority;
    join_all(cases.map(|(what, protection, (scheme, query))| async move {
        let server = MailServer::start_with(Mood::Kind, protection).await;
        let url = format!("{scheme}://user:secret@{HERE}:{}{query}", server.port);
        let result = mailer(&url, authority).send(&envelope("anna@example.com"), mail()).await;
        assert_eq!(result, Err(FailureReason::Refused), "{what} by {scheme}");
        let told = verbs(&server);
        assert!(told.iter().all(|verb| matches!(verb.as_str(), "EHLO" | "STARTTLS")), "{what}: {told:?}");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_authority_the_same_server_is_refused() {
    let authority = Authority::new();
    let server = MailServer::start_with(Mood::Kind, Protection::Tls(authority.sign(&named(HERE)))).await;
    let unaware = SmtpMailer::new(&format!("smtps://{HERE}:{}", server.port), None, ORIGIN).expect("a good URL");
    assert_eq!(unaware.send(&envelope("anna@example.com"), mail()).await, Err(FailureReason::Refused));
    assert!(server.commands().is_empty());
}

#[test]
fn what_is_no_certificate_is_refused_at_start() {
    let body = "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n";
    for pem in ["", "no certificate", "-----BEGIN CERTIFICATE-----", body] {
        for url in ["smtps://mail.example", "smtp://localhost"] {
            let mailer = SmtpMailer::new(url, None, ORIGIN).expect("a good URL");
            assert_eq!(mailer.trusting(pem.as_bytes()).expect_err("refused"), SmtpFault::Root, "{pem:?}");
        }
    }
}
