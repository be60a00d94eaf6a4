//! Messages to guests and members, and what became of them.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::access::{Actor, Role};
use crate::captures::CaptureKind;
use crate::connections::Notice;
use crate::error::AppError;
use crate::events::Branding;
use crate::id::{CaptureId, EventId, MessageId};
use crate::identity::security::Activity;
use crate::language::Language;
use crate::pii::{Disclosed, Pii, Secret};
use crate::support::{SupportAccess, SupportMoment};
use crate::time::{Date, Millis};

/// How far a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// Waits for the worker, or for the next attempt.
    Queued,
    /// The receiving mail server took it.
    Sent,
    /// Given up; see the reason.
    Failed,
}

impl DeliveryState {
    pub const ALL: [Self; 3] = [Self::Queued, Self::Sent, Self::Failed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// What a message says. Rendered when sent: rows hold template, ids and language only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// "Your photo is ready", with the owner link.
    Capture,
    /// Invitation into an organisation.
    Invitation,
    /// Link to set a new password.
    Reset,
    /// The password was changed.
    PasswordChanged,
    /// Something else happened to the account: see [`Activity`].
    Activity,
    /// Support asked for access, got it, began or ended: see [`SupportMoment`].
    Support,
    /// Something happened to how an organisation signs in: see [`Notice`].
    Notice,
}

impl Template {
    pub const ALL: [Self; 7] = [
        Self::Capture,
        Self::Invitation,
        Self::Reset,
        Self::PasswordChanged,
        Self::Activity,
        Self::Support,
        Self::Notice,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Invitation => "invitation",
            Self::Reset => "reset",
            Self::PasswordChanged => "password_changed",
            Self::Activity => "activity",
            Self::Support => "support",
            Self::Notice => "notice",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.as_str() == name)
    }
}

/// Why an attempt failed, in a form that has a plain sentence in every language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The mail server refused the address (5xx at RCPT).
    AddressRefused,
    /// The mail server refused the message (5xx).
    MessageRefused,
    /// The mail server asked to come back later (4xx).
    TryLater,
    /// No connection, or it broke.
    Unreachable,
    /// The server did not answer in time.
    TimedOut,
    /// TLS or sign-in to the mail server failed.
    Refused,
    /// The guest or the photo was deleted before the message went out.
    Gone,
    /// The message could not be made.
    Internal,
}

impl FailureReason {
    pub const ALL: [Self; 8] = [
        Self::AddressRefused,
        Self::MessageRefused,
        Self::TryLater,
        Self::Unreachable,
        Self::TimedOut,
        Self::Refused,
        Self::Gone,
        Self::Internal,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AddressRefused => "address_refused",
            Self::MessageRefused => "message_refused",
            Self::TryLater => "try_later",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Refused => "refused",
            Self::Gone => "gone",
            Self::Internal => "internal",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// Whether another attempt may help.
    pub const fn is_passing(self) -> bool {
        matches!(self, Self::TryLater | Self::Unreachable | Self::TimedOut | Self::Refused | Self::Internal)
    }
}

/// One attempt to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryView {
    pub at: Millis,
    /// `None` if the receiving server took it.
    pub failure: Option<FailureReason>,
}

/// A message as the CMS shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageView {
    pub id: MessageId,
    pub template: Template,
    pub event: Option<EventId>,
    pub capture: Option<CaptureId>,
    /// Masked address.
    pub to: Disclosed<String>,
    pub language: Language,
    pub state: DeliveryState,
    pub reason: Option<FailureReason>,
    pub created_at: Millis,
    pub sent_at: Option<Millis>,
    pub next_attempt_at: Option<Millis>,
    pub deliveries: Vec<DeliveryView>,
}

/// A page of messages, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagePage {
    pub items: Vec<MessageView>,
    pub next: Option<String>,
}

/// A message of the local outbox, as it would have been sent. Development mode only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxMail {
    pub id: String,
    pub at: Millis,
    pub to: Disclosed<String>,
    pub subject: Disclosed<String>,
    pub text: Disclosed<String>,
    pub html: Disclosed<String>,
}

/// A mail before it is written: the view model of a template.
#[derive(Debug, Clone)]
pub enum Mail {
    /// "Your photo is ready."
    Capture {
        kind: CaptureKind,
        event_name: String,
        organisation: String,
        branding: Box<Branding>,
        guest_name: Option<Pii<String>>,
        /// Whole address of the owner link.
        link: Secret,
        /// Whole address of the picture shown in the mail (web rendition, JPEG) and its size in pixels.
        picture: (Secret, i32, i32),
        /// Whole address of the logo and its size, if the event has one.
        logo: Option<(Secret, i32, i32)>,
        /// Last day on which the photo exists.
        kept_until: Date,
    },
    Invitation {
        organisation: String,
        inviter: Pii<String>,
        role: Role,
        link: Secret,
        expires_on: Date,
    },
    Reset {
        link: Secret,
        minutes: i64,
    },
    PasswordChanged {
        at: Millis,
        support: Option<String>,
    },
    Activity {
        what: Activity,
        at: Millis,
        /// Browser and system of a sign-in; empty if unknown.
        device: Pii<String>,
        /// Names of the event and the organisation it was done to, if to any and while they are there.
        event: Option<String>,
        organisation: Option<String>,
        /// Whole address of the page on which the person sees and ends sessions.
        link: Secret,
    },
    Support {
        moment: SupportMoment,
        organisation: String,
        /// Who of the staff, and why.
        name: Pii<String>,
        reason: Pii<String>,
        access: SupportAccess,
        /// Asked for or allowed.
        minutes: i64,
        at: Millis,
        /// Whole address of the page on which owners allow and end it.
        link: Secret,
    },
    Notice {
        what: Notice,
        at: Millis,
        organisation: String,
        /// Whole address of the sign-in settings.
        link: Secret,
    },
}

/// A mail as written.
#[derive(Debug, Clone)]
pub struct RenderedMail {
    pub subject: Pii<String>,
    pub text: Pii<String>,
    pub html: Pii<String>,
}

/// Writes mails; implemented by `app`, used by the worker.
pub trait MailWriter: Send + Sync {
    fn write(&self, mail: &Mail, language: Language) -> RenderedMail;
}

/// The port of messages.
#[async_trait]
pub trait Messages: Send + Sync {
    /// Messages of the organisation, optionally of one state.
    async fn list(
        &self,
        actor: &Actor,
        state: Option<DeliveryState>,
        cursor: Option<String>,
    ) -> Result<MessagePage, AppError>;
    /// Queues the message once more, with new attempts.
    async fn send_again(&self, actor: &Actor, message: &MessageId) -> Result<(), AppError>;
}
