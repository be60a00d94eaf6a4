//! Rows of messages and deliveries, and what they become.

use std::str::FromStr;

use diesel::prelude::*;
use shutterpost_model::connections::Notice;
use shutterpost_model::id::{
    CaptureId, EventId, GrantId, GuestId, InvitationId, LinkId, MessageId, OrganisationId, ResetId, SignInId, UserId,
};
use shutterpost_model::identity::security::Activity;
use shutterpost_model::language::Language;
use shutterpost_model::messages::{DeliveryState, DeliveryView, FailureReason, Template};
use shutterpost_model::pii::Pii;
use shutterpost_model::support::SupportMoment;
use shutterpost_model::time::Millis;

use crate::error::Failure;
use crate::keystore::Sealed;
use crate::schema::{messages, messages_deliveries};

/// A row of `messages`, but for `attempts`: the deliveries show them, and the job counts them.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = messages)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct MessageRow {
    id: String,
    organisation_id: Option<String>,
    event_id: Option<String>,
    capture_id: Option<String>,
    guest_id: Option<String>,
    link_id: Option<String>,
    user_id: Option<String>,
    invitation_id: Option<String>,
    reset_id: Option<String>,
    template: String,
    language: String,
    generation: i32,
    state: String,
    reason: Option<String>,
    created_at: i64,
    next_attempt_at: Option<i64>,
    sent_at: Option<i64>,
    activity: Option<String>,
    sign_in_id: Option<String>,
    support_grant_id: Option<String>,
    support_moment: Option<String>,
    notice: Option<String>,
    notice_organisation: Option<String>,
}

/// A message as stored.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) id: MessageId,
    pub(super) organisation: Option<OrganisationId>,
    pub(super) event: Option<EventId>,
    pub(super) capture: Option<CaptureId>,
    pub(super) guest: Option<GuestId>,
    pub(super) link: Option<LinkId>,
    pub(super) user: Option<UserId>,
    pub(super) invitation: Option<InvitationId>,
    pub(super) reset: Option<ResetId>,
    pub(super) template: Template,
    pub(super) language: Language,
    /// How often "send again" was asked for after the message was sent or given up.
    pub(super) generation: i32,
    pub(super) state: DeliveryState,
    pub(super) reason: Option<FailureReason>,
    pub(super) created_at: Millis,
    pub(super) next_attempt_at: Option<Millis>,
    pub(super) sent_at: Option<Millis>,
    pub(super) activity: Option<Activity>,
    pub(super) sign_in: Option<SignInId>,
    pub(super) support: Option<(GrantId, SupportMoment)>,
    pub(super) notice: Option<(Notice, OrganisationId)>,
    /// Which organisation a mail of a person is about.
    pub(super) about: Option<OrganisationId>,
}

impl TryFrom<MessageRow> for Message {
    type Error = Failure;

    fn try_from(row: MessageRow) -> Result<Self, Failure> {
        let MessageRow {
            id,
            organisation_id,
            event_id,
            capture_id,
            guest_id,
            link_id,
            user_id,
            invitation_id,
            reset_id,
            template,
            language,
            generation,
            state,
            reason,
            created_at,
            next_attempt_at,
            sent_at,
            activity,
            sign_in_id,
            support_grant_id,
            support_moment,
            notice,
            notice_organisation,
        } = row;
        let grant: Option<GrantId> = support_grant_id.as_deref().map(read).transpose()?;
        let about: Option<OrganisationId> = notice_organisation.as_deref().map(read).transpose()?;
        Ok(Self {
            id: read(&id)?,
            organisation: organisation_id.as_deref().map(read).transpose()?,
            event: event_id.as_deref().map(read).transpose()?,
            capture: capture_id.as_deref().map(read).transpose()?,
            guest: guest_id.as_deref().map(read).transpose()?,
            link: link_id.as_deref().map(read).transpose()?,
            user: user_id.as_deref().map(read).transpose()?,
            invitation: invitation_id.as_deref().map(read).transpose()?,
            reset: reset_id.as_deref().map(read).transpose()?,
            template: Template::from_name(&template)
                .ok_or_else(|| Failure::internal("template of a message", template))?,
            language: Language::from_tag(&language).unwrap_or_default(),
            generation,
            state: DeliveryState::from_name(&state).ok_or_else(|| Failure::internal("state of a message", state))?,
            reason: reason.as_deref().map(failure_reason).transpose()?,
            created_at: Millis(created_at),
            next_attempt_at: next_attempt_at.map(Millis),
            sent_at: sent_at.map(Millis),
            activity: activity.as_deref().and_then(Activity::from_name),
            sign_in: sign_in_id.as_deref().map(read).transpose()?,
            support: grant.zip(support_moment.as_deref().and_then(SupportMoment::from_name)),
            notice: notice.as_deref().and_then(Notice::from_name).zip(about.clone()),
            about,
        })
    }
}

fn read<T: FromStr<Err: std::fmt::Display>>(id: &str) -> Result<T, Failure> {
    id.parse().map_err(|error| Failure::internal("an id of a message", error))
}

fn failure_reason(name: &str) -> Result<FailureReason, Failure> {
    FailureReason::from_name(name).ok_or_else(|| Failure::internal("reason of a message", name))
}

/// A finished attempt.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = messages_deliveries)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct DeliveryRow {
    pub(super) message_id: String,
    started_at: i64,
    failure: Option<String>,
}

impl TryFrom<DeliveryRow> for DeliveryView {
    type Error = Failure;

    fn try_from(row: DeliveryRow) -> Result<Self, Failure> {
        let DeliveryRow { message_id: _, started_at, failure } = row;
        Ok(Self { at: Millis(started_at), failure: failure.as_deref().map(failure_reason).transpose()? })
    }
}

/// What the mail about a capture says of capture, event and organisation.
#[derive(Debug, Queryable)]
pub(super) struct CaptureFacts {
    pub(super) revision: i32,
    pub(super) event_name: String,
    pub(super) organisation: String,
    /// JSON of the model's `Branding`.
    pub(super) branding: String,
    pub(super) logo: Option<String>,
    pub(super) kept_until: String,
    pub(super) kind: String,
}

/// What the mail about an invitation says.
#[derive(Debug, Queryable)]
pub(super) struct InvitationFacts {
    pub(super) email: Sealed<Pii<String>>,
    pub(super) role: String,
    pub(super) generation: i32,
    pub(super) expires_at: i64,
    pub(super) organisation: String,
    /// Id and name of who invited, if they are still there.
    pub(super) inviter: Option<String>,
    pub(super) inviter_name: Option<Sealed<Pii<String>>>,
}
