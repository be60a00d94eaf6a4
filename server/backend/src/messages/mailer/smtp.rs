//! Sending by SMTP.
//!
//! The conversation is led command by command, because only its place tells what a refusal means: a 550 after RCPT is
//! about the address, after DATA about the mail. The server's texts are neither kept nor logged; they quote addresses.

use std::error::Error as _;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lettre::Message;
use lettre::address::Envelope as Recipients;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use shutterpost_model::messages::{FailureReason, RenderedMail};
use tokio::time::{Instant, sleep, timeout};

use super::compose::{self, Unmade};
use super::server::{Security, Server, SmtpFault};
use super::{Envelope, Mailer, host_of};

/// Longest time for a mail, from connecting to the server's last word. Shorter than the lease of a job.
const LIMIT: Duration = Duration::from_secs(30);
/// Longest time for the connection alone.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// How long a connection may wait for the next mail; servers close idle ones soon after.
const IDLE: Duration = Duration::from_secs(20);
/// Longest time for a farewell.
const QUIT_LIMIT: Duration = Duration::from_secs(2);
/// "Service not available, closing": what an idle connection hears when the server had enough.
const CLOSING: u16 = 421;
/// How a certificate begins in PEM.
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// Sends by one mail server; connections are used again while mails follow each other.
pub struct SmtpMailer {
    server: Server,
    tls: Option<TlsParameters>,
    hello: ClientId,
    from: Mailbox,
    limit: Duration,
    idle: Arc<Mutex<Vec<Idle>>>,
}

impl std::fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SmtpMailer")
    }
}

/// A connection that waits for the next mail.
struct Idle {
    connection: AsyncSmtpConnection,
    since: Instant,
}

/// Where in the conversation it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connect,
    SignIn,
    Sender,
    Recipient,
    Data,
    Content,
}

impl Stage {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::SignIn => "sign_in",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Data => "data",
            Self::Content => "content",
        }
    }
}

/// A conversation that failed.
#[derive(Debug)]
struct Trouble {
    stage: Stage,
    /// `None` if the server lacks what the address needs.
    error: Option<Error>,
}

impl Stage {
    /// For `map_err`.
    fn trouble(self) -> impl FnOnce(Error) -> Trouble {
        move |error| Trouble { stage: self, error: Some(error) }
    }
}

impl SmtpMailer {
    /// Reads `SHUTTERPOST_SMTP_URL` (see [`SmtpFault`] for its form) and the sender: `Name <a@b.example>`, an address,
    /// or by default `no-reply@` the host of `origin`. Connects to nothing yet.
    pub fn new(url: &str, from: Option<&str>, origin: &str) -> Result<Self, SmtpFault> {
        let server = Server::parse(url)?;
        let tls = match server.security {
            Security::Plain => None,
            Security::Tls | Security::StartTls => {
                Some(TlsParameters::new(server.host.clone()).map_err(|error| SmtpFault::Tls(error.to_string()))?)
            }
        };
        let host = host_of(origin);
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        // Only development is reached by its address, and no server likes senders without a domain.
        let default = if address.is_ok() { "no-reply@localhost".to_owned() } else { format!("no-reply@{host}") };
        let from = from.unwrap_or(&default);
        let from = from.parse().map_err(|_| SmtpFault::From(from.to_owned()))?;
        let hello = match address {
            Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
            Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
            Err(_) => ClientId::Domain(host.to_owned()),
        };
        Ok(Self { server, tls, hello, from, limit: LIMIT, idle: Arc::default() })
    }

    /// The same, for a mail server whose certificate comes from an authority of the company's own: what the
    /// certificates in `pem` signed is trusted beside what this machine trusts.
    ///
    /// # Errors
    /// [`SmtpFault::Root`] if that is no certificate.
    pub fn trusting(self, pem: &[u8]) -> Result<Self, SmtpFault> {
        // A text without any certificate would read as none, and every mail would fail later.
        if !pem.windows(CERTIFICATE.len()).any(|window| window == CERTIFICATE) {
            return Err(SmtpFault::Root);
        }
        let root = Certificate::from_pem(pem).map_err(|_| SmtpFault::Root)?;
        let tls = TlsParameters::builder(self.server.host.clone()).add_root_certificate(root).build();
        let tls = tls.map_err(|_| SmtpFault::Root)?;
        Ok(Self { tls: self.tls.map(|_| tls), ..self })
    }

    /// The same with another time limit, so that tests need not wait.
    #[cfg(test)]
    pub(crate) fn with_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    async fn deliver(&self, message: &Message) -> Result<(), Trouble> {
        let bytes = message.formatted();
        if let Some(mut connection) = self.take_idle() {
            match converse(&mut connection, message.envelope(), &bytes).await {
                Ok(()) => {
                    self.park(connection);
                    return Ok(());
                }
                // The server had closed it meanwhile; nothing of the mail was taken.
                Err(trouble) if trouble.is_stale() => {}
                Err(trouble) => {
                    farewell(connection);
                    return Err(trouble);
                }
            }
        }
        let mut connection = self.connect().await?;
        match converse(&mut connection, message.envelope(), &bytes).await {
            Ok(()) => {
                self.park(connection);
                Ok(())
            }
            Err(trouble) => {
                farewell(connection);
                Err(trouble)
            }
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Trouble> {
        let Server { host, port, security, credentials } = &self.server;
        let wrapper = self.tls.clone().filter(|_| *security == Security::Tls);
        let mut connection = AsyncSmtpConnection::connect_tokio1(
            (host.as_str(), *port),
            Some(CONNECT_LIMIT),
            &self.hello,
            wrapper,
            None,
        )
        .await
        .map_err(Stage::Connect.trouble())?;
        if let Some(tls) = self.tls.clone().filter(|_| *security == Security::StartTls) {
            connection.starttls(tls, &self.hello).await.map_err(Stage::SignIn.trouble())?;
        }
        if let Some(credentials) = credentials {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&mechanisms, credentials).await.map_err(Stage::SignIn.trouble())?;
        }
        Ok(connection)
    }

    fn take_idle(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = idle.pop()?;
        (newest.since.elapsed() < IDLE).then_some(newest.connection)
    }

    fn park(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let first = idle.is_empty();
        idle.push(Idle { connection, since: Instant::now() });
        if first {
            tokio::spawn(clear_out(Arc::clone(&self.idle)));
        }
    }
}

/// Closes connections that waited too long, until none waits.
async fn clear_out(idle: Arc<Mutex<Vec<Idle>>>) {
    loop {
        sleep(IDLE).await;
        let (old, empty) = {
            let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
            let old: Vec<_> = idle.extract_if(.., |waiting| waiting.since.elapsed() >= IDLE).collect();
            (old, idle.is_empty())
        };
        old.into_iter().for_each(|waiting| farewell(waiting.connection));
        if empty {
            return;
        }
    }
}

/// Says goodbye without making anybody wait.
fn farewell(mut connection: AsyncSmtpConnection) {
    tokio::spawn(async move {
        if timeout(QUIT_LIMIT, connection.abort()).await.is_err() {
            tracing::debug!("a mail server did not answer a farewell");
        }
    });
}

/// One mail over an open connection.
async fn converse(connection: &mut AsyncSmtpConnection, recipients: &Recipients, bytes: &[u8]) -> Result<(), Trouble> {
    let mut options = Vec::new();
    if !recipients.to().iter().chain(recipients.from()).all(|address| AsRef::<str>::as_ref(address).is_ascii()) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(Trouble { stage: Stage::Recipient, error: None });
        }
        options.push(MailParameter::SmtpUtfEight);
    }
    // Bodies are encoded as ASCII; only an internationalised address brings other bytes, and SMTPUTF8 implies 8BITMIME.
    if !bytes.is_ascii() {
        options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    let sender = Mail::new(recipients.from().cloned(), options);
    connection.command(sender).await.map_err(Stage::Sender.trouble())?;
    for recipient in recipients.to() {
        connection.command(Rcpt::new(recipient.clone(), Vec::new())).await.map_err(Stage::Recipient.trouble())?;
    }
    connection.command(Data).await.map_err(Stage::Data.trouble())?;
    connection.message(bytes).await.map_err(Stage::Content.trouble())?;
    Ok(())
}

impl Trouble {
    /// Whether a connection used before turned out to be closed.
    fn is_stale(&self) -> bool {
        let code = self.error.as_ref().and_then(Error::status).map(u16::from);
        self.stage == Stage::Sender && self.error.is_some() && code.is_none_or(|code| code == CLOSING)
    }

    /// What TLS did not trust or understand, for the operator: which certificate, never whose mail.
    fn tls(&self) -> Option<String> {
        // How rustls reports it; later in the conversation it would be about something else.
        let early = matches!(self.stage, Stage::Connect | Stage::SignIn);
        let error = io_error(self.error.as_ref()?)?;
        (early && error.kind() == io::ErrorKind::InvalidData).then(|| error.to_string())
    }

    fn reason(&self) -> FailureReason {
        let Some(error) = &self.error else { return FailureReason::AddressRefused };
        if let Some(code) = error.status() {
            return match (self.stage, u16::from(code)) {
                (_, ..500) => FailureReason::TryLater,
                // Mail server and configuration disagree, whoever the mail is for: sign-in wanted or refused.
                (Stage::Connect | Stage::SignIn, _) | (_, 530 | 534 | 535 | 538) => FailureReason::Refused,
                (Stage::Recipient, _) => FailureReason::AddressRefused,
                (Stage::Sender | Stage::Data | Stage::Content, _) => FailureReason::MessageRefused,
            };
        }
        match io_error(error).map(io::Error::kind) {
            Some(io::ErrorKind::TimedOut) => FailureReason::TimedOut,
            Some(io::ErrorKind::InvalidData) if self.tls().is_some() => FailureReason::Refused,
            // No STARTTLS, or no way to sign in that both know.
            _ if error.is_tls() || (error.is_client() && self.stage == Stage::SignIn) => FailureReason::Refused,
            _ => FailureReason::Unreachable,
        }
    }
}

/// The input or output error behind an SMTP error.
fn io_error(error: &Error) -> Option<&io::Error> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return Some(io);
        }
        source = inner.source();
    }
    None
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, envelope: &Envelope, mail: RenderedMail) -> Result<(), FailureReason> {
        let message = compose::compose(envelope, &self.from, mail).map_err(|unmade| match unmade {
            Unmade::Address => FailureReason::AddressRefused,
            Unmade::Mail => FailureReason::Internal,
        })?;
        match timeout(self.limit, self.deliver(&message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(trouble)) => {
                let code = trouble.error.as_ref().and_then(Error::status).map(u16::from);
                let (stage, tls) = (trouble.stage.as_str(), trouble.tls());
                tracing::warn!(smtp.stage = stage, smtp.code = code, smtp.tls = tls, "a mail was not taken");
                Err(trouble.reason())
            }
            Err(_) => Err(FailureReason::TimedOut),
        }
    }
}
