//! The SQL of messages. What belongs to an organisation is asked for with its scope; messages of the installation
//! itself (password resets) with the permit of the job that sends them.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::access::Role;
use shutterpost_model::id::{
    CaptureId, DeliveryId, EventId, GuestId, InvitationId, LinkId, LogoId, MessageId, OrganisationId, ResetId, UserId,
};
use shutterpost_model::messages::{DeliveryState, FailureReason};
use shutterpost_model::pii::Pii;
use shutterpost_model::share::LinkKind;
use shutterpost_model::time::Millis;

use super::rows::{CaptureFacts, DeliveryRow, InvitationFacts, Message, MessageRow};
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::guests::rows::GuestRow;
use crate::identity::scope::OrgScope;
use crate::jobs::Permit;
use crate::keystore::Sealed;
use crate::schema::{
    captures, captures_renditions, events, events_logos, guests, identity_invitations, identity_memberships,
    identity_organisations, identity_resets, identity_users, messages, messages_deliveries, share_links,
};

/// A message with the sealed address of its guest and that of its invitation, whichever it has.
pub(super) type Addressed = (MessageRow, Option<Sealed<Pii<String>>>, Option<Sealed<Pii<String>>>);

/// Messages of an organisation with their addresses, but for those about events and to guests in the trash.
macro_rules! addressed {
    ($organisation:expr) => {
        messages::table
            .left_join(guests::table.on(messages::guest_id.eq(guests::id.nullable())))
            .left_join(identity_invitations::table.on(messages::invitation_id.eq(identity_invitations::id.nullable())))
            .left_join(events::table.on(messages::event_id.eq(events::id.nullable())))
            .left_join(captures::table.on(messages::capture_id.eq(captures::id.nullable())))
            .filter(messages::organisation_id.eq($organisation))
            .filter(guests::deleted_at.is_null())
            .filter(events::deleted_at.is_null())
            .order(messages::id.desc())
            .select((MessageRow::as_select(), guests::email.nullable(), identity_invitations::email.nullable()))
    };
}

/// Messages before the given one in the list, newest first. The trash has none: nothing there is sent.
pub(super) async fn list(
    conn: &mut Conn,
    scope: &OrgScope,
    state: Option<DeliveryState>,
    before: Option<&MessageId>,
    most: i64,
) -> Result<Vec<Addressed>, Failure> {
    let organisation = scope.organisation().as_str();
    // Ids end in a hexadecimal digit, so this sorts after all of them.
    let before = before.map_or("msg_g", MessageId::as_str);
    match state.map(DeliveryState::as_str) {
        Some(state) => on_db!(conn, c => addressed!(organisation)
            .filter(messages::state.eq(state))
            .filter(captures::deleted_at.is_null())
            .filter(messages::id.lt(before))
            .limit(most)
            .load(c).await),
        None => on_db!(conn, c => addressed!(organisation)
            .filter(captures::deleted_at.is_null())
            .filter(messages::id.lt(before))
            .limit(most)
            .load(c).await),
    }
}

/// All messages about a capture, newest first.
pub(super) async fn of_capture(
    conn: &mut Conn,
    scope: &OrgScope,
    capture: &CaptureId,
) -> Result<Vec<Addressed>, Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(conn, c => addressed!(organisation).filter(messages::capture_id.eq(capture.as_str())).load(c).await)
}

/// Finished attempts of the messages, oldest first.
pub(super) async fn deliveries(conn: &mut Conn, scope: &OrgScope, of: &[String]) -> Result<Vec<DeliveryRow>, Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(conn, c => messages_deliveries::table
        .filter(messages_deliveries::organisation_id.eq(organisation))
        .filter(messages_deliveries::message_id.eq_any(of))
        .filter(messages_deliveries::finished_at.is_not_null())
        .order(messages_deliveries::id)
        .select(DeliveryRow::as_select())
        .load(c).await)
}

/// The message, locked until the transaction ends, so that sending and "send again" take turns.
pub(super) async fn lock(tx: &mut Tx, scope: &OrgScope, id: &MessageId) -> Result<Message, Failure> {
    let organisation = scope.organisation().as_str();
    let row: MessageRow = on_db!(
        tx,
        sqlite c => messages::table
            .filter(messages::organisation_id.eq(organisation))
            .filter(messages::id.eq(id.as_str()))
            .select(MessageRow::as_select())
            .first(c).await,
        postgres c => messages::table
            .filter(messages::organisation_id.eq(organisation))
            .filter(messages::id.eq(id.as_str()))
            .select(MessageRow::as_select())
            .for_no_key_update()
            .first(c).await,
    )?;
    row.try_into()
}

/// The message of a job, locked until the transaction ends; `None` if it was deleted.
pub(super) async fn lock_for_job(tx: &mut Tx, _permit: &Permit, id: &MessageId) -> Result<Option<Message>, Failure> {
    let row: Option<MessageRow> = on_db!(
        tx,
        sqlite c => messages::table
            .filter(messages::id.eq(id.as_str()))
            .select(MessageRow::as_select())
            .first(c).await.optional(),
        postgres c => messages::table
            .filter(messages::id.eq(id.as_str()))
            .select(MessageRow::as_select())
            .for_no_key_update()
            .first(c).await.optional(),
    )?;
    row.map(Message::try_from).transpose()
}

/// Puts the message back into the queue with fresh attempts.
pub(super) async fn requeue(
    tx: &mut Tx,
    scope: &OrgScope,
    id: &MessageId,
    generation: i32,
    now: Millis,
) -> Result<(), Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(tx, c => diesel::update(messages::table)
        .filter(messages::organisation_id.eq(organisation))
        .filter(messages::id.eq(id.as_str()))
        .set((
            messages::generation.eq(generation),
            messages::state.eq(DeliveryState::Queued.as_str()),
            messages::reason.eq(None::<String>),
            messages::attempts.eq(0),
            messages::next_attempt_at.eq(now.0),
            messages::sent_at.eq(None::<i64>),
        ))
        .execute(c).await)?;
    Ok(())
}

/// How a message stands after an attempt or without one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Standing {
    Sent(Millis),
    /// Waits for another attempt.
    Waiting {
        reason: FailureReason,
        until: Millis,
    },
    Failed(FailureReason),
}

/// Writes how the message stands, unless it was erased or queued anew in the meantime.
pub(super) async fn stand(
    tx: &mut Tx,
    _permit: &Permit,
    id: &MessageId,
    generation: i32,
    standing: Standing,
) -> Result<(), Failure> {
    let (state, reason, next, sent) = match standing {
        Standing::Sent(at) => (DeliveryState::Sent, None, None, Some(at.0)),
        Standing::Waiting { reason, until } => (DeliveryState::Queued, Some(reason), Some(until.0), None),
        Standing::Failed(reason) => (DeliveryState::Failed, Some(reason), None, None),
    };
    on_db!(tx, c => diesel::update(messages::table)
        .filter(messages::id.eq(id.as_str()))
        .filter(messages::generation.eq(generation))
        .set((
            messages::state.eq(state.as_str()),
            messages::reason.eq(reason.map(FailureReason::as_str)),
            messages::next_attempt_at.eq(next),
            messages::sent_at.eq(sent),
        ))
        .execute(c).await)?;
    Ok(())
}

/// Shows the state of the capture's newest message on the capture.
pub(super) async fn mark_capture(tx: &mut Tx, scope: &OrgScope, capture: &CaptureId) -> Result<(), Failure> {
    let organisation = scope.organisation().as_str();
    let state: Option<String> = on_db!(tx, c => messages::table
        .left_join(guests::table.on(messages::guest_id.eq(guests::id.nullable())))
        .filter(messages::organisation_id.eq(organisation))
        .filter(messages::capture_id.eq(capture.as_str()))
        .filter(guests::deleted_at.is_null())
        .order(messages::id.desc())
        .select(messages::state)
        .first(c).await.optional())?;
    on_db!(tx, c => diesel::update(captures::table)
        .filter(captures::organisation_id.eq(organisation))
        .filter(captures::id.eq(capture.as_str()))
        .set(captures::delivery.eq(&state))
        .execute(c).await)?;
    Ok(())
}

/// Writes the beginning of an attempt and closes earlier ones that a crash left open: whether the server took those
/// will never be known, so they count as broken connections.
pub(super) async fn begin_delivery(
    tx: &mut Tx,
    _permit: &Permit,
    message: &Message,
    id: &DeliveryId,
    attempts: i32,
    now: Millis,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(messages_deliveries::table)
        .filter(messages_deliveries::message_id.eq(message.id.as_str()))
        .filter(messages_deliveries::finished_at.is_null())
        .set((
            messages_deliveries::finished_at.eq(now.0),
            messages_deliveries::failure.eq(FailureReason::Unreachable.as_str()),
        ))
        .execute(c).await)?;
    on_db!(tx, c => diesel::insert_into(messages_deliveries::table)
        .values((
            messages_deliveries::id.eq(id.as_str()),
            messages_deliveries::message_id.eq(message.id.as_str()),
            messages_deliveries::organisation_id.eq(message.organisation.as_ref().map(OrganisationId::as_str)),
            messages_deliveries::started_at.eq(now.0),
        ))
        .execute(c).await)?;
    on_db!(tx, c => diesel::update(messages::table)
        .filter(messages::id.eq(message.id.as_str()))
        .set(messages::attempts.eq(attempts))
        .execute(c).await)?;
    Ok(())
}

/// Writes how an attempt ended.
pub(super) async fn end_delivery(
    tx: &mut Tx,
    _permit: &Permit,
    id: &DeliveryId,
    result: Result<(), FailureReason>,
    now: Millis,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(messages_deliveries::table)
        .filter(messages_deliveries::id.eq(id.as_str()))
        .set((
            messages_deliveries::finished_at.eq(now.0),
            messages_deliveries::failure.eq(result.err().map(FailureReason::as_str)),
        ))
        .execute(c).await)?;
    Ok(())
}

/// A guest; `None` if it is gone or in the trash.
pub(super) async fn guest(conn: &mut Conn, scope: &OrgScope, guest: &GuestId) -> Result<Option<GuestRow>, Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(conn, c => guests::table
        .filter(guests::organisation_id.eq(organisation))
        .filter(guests::id.eq(guest.as_str()))
        .filter(guests::deleted_at.is_null())
        .select(GuestRow::as_select())
        .first(c).await.optional())
}

/// What a mail says about a capture; `None` if capture or event were deleted or are in the trash.
pub(super) async fn capture(
    conn: &mut Conn,
    scope: &OrgScope,
    event: &EventId,
    capture: &CaptureId,
) -> Result<Option<CaptureFacts>, Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(conn, c => captures::table
        .inner_join(events::table.on(captures::event_id.eq(events::id)))
        .inner_join(identity_organisations::table.on(captures::organisation_id.eq(identity_organisations::id)))
        .filter(captures::organisation_id.eq(organisation))
        .filter(captures::id.eq(capture.as_str()))
        .filter(captures::event_id.eq(event.as_str()))
        .filter(captures::deleted_at.is_null())
        .filter(events::deleted_at.is_null())
        .select((
            captures::revision,
            events::name,
            identity_organisations::name,
            events::branding,
            events::logo_id,
            events::kept_until,
            captures::kind,
        ))
        .first(c).await.optional())
}

/// Generation of the guest's owner link to the capture; `None` if it was revoked or is gone.
pub(super) async fn owner_link(
    conn: &mut Conn,
    scope: &OrgScope,
    link: &LinkId,
    capture: &CaptureId,
    guest: &GuestId,
) -> Result<Option<i32>, Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(conn, c => share_links::table
        .filter(share_links::organisation_id.eq(organisation))
        .filter(share_links::id.eq(link.as_str()))
        .filter(share_links::capture_id.eq(capture.as_str()))
        .filter(share_links::guest_id.eq(guest.as_str()))
        .filter(share_links::kind.eq(LinkKind::Owner.as_str()))
        .filter(share_links::revoked_at.is_null())
        .select(share_links::generation)
        .first(c).await.optional())
}

/// Width and height of a rendition in pixels.
pub(super) async fn rendition_size(
    conn: &mut Conn,
    scope: &OrgScope,
    capture: &CaptureId,
    name: &str,
    encoding: &str,
) -> Result<Option<(i32, i32)>, Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(conn, c => captures_renditions::table
        .filter(captures_renditions::organisation_id.eq(organisation))
        .filter(captures_renditions::capture_id.eq(capture.as_str()))
        .filter(captures_renditions::name.eq(name))
        .filter(captures_renditions::encoding.eq(encoding))
        .select((captures_renditions::width, captures_renditions::height))
        .first(c).await.optional())
}

/// Width and height of a logo in pixels.
pub(super) async fn logo_size(conn: &mut Conn, scope: &OrgScope, logo: &LogoId) -> Result<Option<(i32, i32)>, Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(conn, c => events_logos::table
        .filter(events_logos::organisation_id.eq(organisation))
        .filter(events_logos::id.eq(logo.as_str()))
        .select((events_logos::width, events_logos::height))
        .first(c).await.optional())
}

/// An invitation that is still open at the given time.
pub(super) async fn invitation(
    conn: &mut Conn,
    scope: &OrgScope,
    invitation: &InvitationId,
    now: Millis,
) -> Result<Option<InvitationFacts>, Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(conn, c => identity_invitations::table
        .inner_join(identity_organisations::table
            .on(identity_invitations::organisation_id.eq(identity_organisations::id)))
        .left_join(identity_users::table.on(identity_invitations::invited_by.eq(identity_users::id.nullable())))
        .filter(identity_invitations::organisation_id.eq(organisation))
        .filter(identity_invitations::id.eq(invitation.as_str()))
        .filter(identity_invitations::accepted_at.is_null())
        .filter(identity_invitations::revoked_at.is_null())
        .filter(identity_invitations::expires_at.gt(now.0))
        .select((
            identity_invitations::email,
            identity_invitations::role,
            identity_invitations::generation,
            identity_invitations::expires_at,
            identity_organisations::name,
            identity_users::id.nullable(),
            identity_users::name.nullable(),
        ))
        .first(c).await.optional())
}

/// Sealed address of a user whose account is not blocked.
pub(super) async fn user_email(
    conn: &mut Conn,
    _permit: &Permit,
    user: &UserId,
) -> Result<Option<Sealed<Pii<String>>>, Failure> {
    on_db!(conn, c => identity_users::table
        .filter(identity_users::id.eq(user.as_str()))
        .filter(identity_users::disabled_at.is_null())
        .select(identity_users::email)
        .first(c).await.optional())
}

/// Name of the organisation, if the user is an owner of it.
pub(super) async fn owned(conn: &mut Conn, scope: &OrgScope, user: &UserId) -> Result<Option<String>, Failure> {
    on_db!(conn, c => identity_organisations::table
        .inner_join(identity_memberships::table
            .on(identity_memberships::organisation_id.eq(identity_organisations::id)))
        .filter(identity_organisations::id.eq(scope.organisation().as_str()))
        .filter(identity_memberships::user_id.eq(user.as_str()))
        .filter(identity_memberships::role.eq(Role::Owner.as_str()))
        .select(identity_organisations::name)
        .first(c).await.optional())
}

/// Name of an event, in the trash too.
pub(super) async fn event_name(conn: &mut Conn, scope: &OrgScope, event: &EventId) -> Result<Option<String>, Failure> {
    on_db!(conn, c => events::table
        .filter(events::organisation_id.eq(scope.organisation().as_str()))
        .filter(events::id.eq(event.as_str()))
        .select(events::name)
        .first(c).await.optional())
}

pub(super) async fn organisation_name(conn: &mut Conn, scope: &OrgScope) -> Result<Option<String>, Failure> {
    on_db!(conn, c => identity_organisations::table
        .filter(identity_organisations::id.eq(scope.organisation().as_str()))
        .select(identity_organisations::name)
        .first(c).await.optional())
}

/// When a reset that was not used yet expires, if that is still to come.
pub(super) async fn reset_expiry(
    conn: &mut Conn,
    _permit: &Permit,
    reset: &ResetId,
    user: &UserId,
    now: Millis,
) -> Result<Option<i64>, Failure> {
    on_db!(conn, c => identity_resets::table
        .filter(identity_resets::id.eq(reset.as_str()))
        .filter(identity_resets::user_id.eq(user.as_str()))
        .filter(identity_resets::used_at.is_null())
        .filter(identity_resets::expires_at.gt(now.0))
        .select(identity_resets::expires_at)
        .first(c).await.optional())
}
