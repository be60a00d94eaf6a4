//! The way a mail leaves: a port with an implementation for SMTP and one for development.

mod compose;
mod development;
mod server;
mod smtp;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use shutterpost_model::messages::{FailureReason, RenderedMail};
use shutterpost_model::pii::Pii;
use shutterpost_model::time::Millis;

pub use development::OutboxMailer;
pub use server::SmtpFault;
pub use smtp::SmtpMailer;

/// Whom a mail is for, and what makes it recognisable.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Without angle brackets; the same for every attempt to send the same mail.
    pub message_id: String,
    /// One e-mail address in canonical form.
    pub to: Pii<String>,
    /// Name shown beside the sender's address; that of the configuration if absent.
    pub sender: Option<String>,
    /// The mail's date.
    pub at: Millis,
}

/// Hands mails over. An `Ok` means that a server took responsibility for the mail.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Sends one mail and returns within a bounded time.
    ///
    /// # Errors
    /// Why the mail was not taken; [`FailureReason::is_passing`] says whether another attempt may help.
    async fn send(&self, envelope: &Envelope, mail: RenderedMail) -> Result<(), FailureReason>;
}

/// The host of an origin such as `https://photos.example:8443`, without port.
pub(crate) fn host_of(origin: &str) -> &str {
    let authority = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    match authority.rsplit_once(':') {
        // The last colon of `[::1]` is no port's.
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    }
}
