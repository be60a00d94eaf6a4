//! Reading `SHUTTERPOST_SMTP_URL`.

use std::fmt;
use std::net::IpAddr;

use lettre::transport::smtp::authentication::Credentials;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// Why the SMTP configuration cannot be used. Names what is wrong, never user name or password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SmtpFault {
    #[error("the SMTP URL cannot be read; it looks like smtps://user:password@mail.example:465")]
    Unreadable,
    #[error("the scheme {0:?} of the SMTP URL is neither smtp nor smtps")]
    Scheme(String),
    #[error(
        "the SMTP URL has an unknown part {0:?}; allowed are user, password, host, port and, for smtp, ?tls=required or ?tls=none"
    )]
    UnknownPart(String),
    #[error("the SMTP URL holds a user name or a password that is not UTF-8, or only one of both")]
    Credentials,
    #[error("a password would travel unencrypted to another machine; use smtps:// or leave out ?tls=none")]
    PlainPassword,
    #[error("the sender {0:?} is not an e-mail address")]
    From(String),
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    #[error("the root certificate for the mail server is not a certificate in PEM form")]
    Root,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS by STARTTLS; a server that does not offer it gets nothing.
    StartTls,
    /// None. On the same machine, or asked for by name.
    Plain,
}

/// A mail server as configured.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) credentials: Option<Credentials>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server")
    }
}

impl Server {
    /// Reads `smtps://…` (TLS, port 465) or `smtp://…` (STARTTLS required, port 587; plain and port 25 on this
    /// machine). `?tls=required` and `?tls=none` override that for `smtp`; a password never goes unencrypted to
    /// another machine.
    pub(super) fn parse(text: &str) -> Result<Self, SmtpFault> {
        let url = Url::parse(text).map_err(|_| SmtpFault::Unreadable)?;
        let implicit = match url.scheme() {
            "smtp" => false,
            "smtps" => true,
            other => return Err(SmtpFault::Scheme(other.to_owned())),
        };
        if !matches!(url.path(), "" | "/") {
            return Err(SmtpFault::UnknownPart(url.path().to_owned()));
        }
        if let Some(fragment) = url.fragment() {
            return Err(SmtpFault::UnknownPart(format!("#{fragment}")));
        }
        // `url` leaves the host of schemes it does not know as it stands, so it is read once more here.
        let host = Host::parse(url.host_str().unwrap_or_default()).map_err(|_| SmtpFault::Unreadable)?;
        let near = is_this_machine(&host);
        let security = match (implicit, url.query()) {
            (true, None) => Security::Tls,
            (false, None) if near => Security::Plain,
            (false, None | Some("tls=required")) => Security::StartTls,
            (false, Some("tls=none")) => Security::Plain,
            (_, Some(other)) => return Err(SmtpFault::UnknownPart(format!("?{other}"))),
        };
        let credentials = credentials(&url)?;
        if credentials.is_some() && security == Security::Plain && !near {
            return Err(SmtpFault::PlainPassword);
        }
        let port = url.port().unwrap_or(match security {
            Security::Tls => 465,
            Security::Plain if near => 25,
            Security::StartTls | Security::Plain => 587,
        });
        let host = match host {
            Host::Domain(name) => name,
            // Without the brackets of the URL: addresses are resolved and certified without them.
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        Ok(Self { host, port, security, credentials })
    }
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => IpAddr::from(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::from(*address).is_loopback(),
    }
}

fn credentials(url: &Url) -> Result<Option<Credentials>, SmtpFault> {
    let decode = |text: &str| {
        percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).map_err(|_| SmtpFault::Credentials)
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err(SmtpFault::Credentials),
        (user, Some(password)) => Ok(Some(Credentials::new(decode(user)?, decode(password)?))),
    }
}
