//! Enqueueing messages: the row that says what is to be sent, and the job that sends it, in the caller's transaction.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::connections::Notice;
use shutterpost_model::id::{
    CaptureId, EventId, GrantId, GuestId, InvitationId, LinkId, MessageId, OrganisationId, ResetId, SignInId, UserId,
};
use shutterpost_model::identity::security::Activity;
use shutterpost_model::language::Language;
use shutterpost_model::messages::{DeliveryState, Template};
use shutterpost_model::support::SupportMoment;

use super::queue::{self, JobKind};
use crate::context::World;
use crate::db::{Tx, on_db};
use crate::error::Failure;
use crate::schema::{captures, messages};

/// A message to be sent: template, language and the ids it is about. Addresses and tokens are put in when it is sent.
#[derive(Debug, Clone)]
pub(crate) struct NewMessage {
    pub(crate) organisation: Option<OrganisationId>,
    pub(crate) event: Option<EventId>,
    pub(crate) capture: Option<CaptureId>,
    pub(crate) guest: Option<GuestId>,
    pub(crate) link: Option<LinkId>,
    pub(crate) user: Option<UserId>,
    pub(crate) invitation: Option<InvitationId>,
    pub(crate) reset: Option<ResetId>,
    pub(crate) activity: Option<Activity>,
    pub(crate) sign_in: Option<SignInId>,
    pub(crate) support: Option<(GrantId, SupportMoment)>,
    /// What it tells, and of which organisation; the mail is the person's, not the organisation's.
    pub(crate) notice: Option<(Notice, OrganisationId)>,
    /// Which organisation a mail of a person is about, if it is no notice.
    pub(crate) about: Option<OrganisationId>,
    pub(crate) template: Template,
    pub(crate) language: Language,
}

impl NewMessage {
    /// A message about nothing yet: [`Template::Capture`] needs organisation, event, capture, guest and (owner) link,
    /// [`Template::Invitation`] organisation and invitation, [`Template::Reset`] user and reset,
    /// [`Template::PasswordChanged`] user, [`Template::Activity`] user, activity and, of a new device, the sign-in,
    /// of a deletion, what it is about and the event, [`Template::Support`] user, grant and moment,
    /// [`Template::Notice`] user and notice.
    pub(crate) const fn new(template: Template, language: Language) -> Self {
        Self {
            organisation: None,
            event: None,
            capture: None,
            guest: None,
            link: None,
            user: None,
            invitation: None,
            reset: None,
            activity: None,
            sign_in: None,
            support: None,
            notice: None,
            about: None,
            template,
            language,
        }
    }

    pub(crate) fn organisation(self, organisation: OrganisationId) -> Self {
        Self { organisation: Some(organisation), ..self }
    }

    pub(crate) fn event(self, event: EventId) -> Self {
        Self { event: Some(event), ..self }
    }

    pub(crate) fn capture(self, capture: CaptureId) -> Self {
        Self { capture: Some(capture), ..self }
    }

    pub(crate) fn guest(self, guest: GuestId) -> Self {
        Self { guest: Some(guest), ..self }
    }

    pub(crate) fn link(self, link: LinkId) -> Self {
        Self { link: Some(link), ..self }
    }

    pub(crate) fn user(self, user: UserId) -> Self {
        Self { user: Some(user), ..self }
    }

    pub(crate) fn invitation(self, invitation: InvitationId) -> Self {
        Self { invitation: Some(invitation), ..self }
    }

    pub(crate) fn reset(self, reset: ResetId) -> Self {
        Self { reset: Some(reset), ..self }
    }

    pub(crate) fn activity(self, activity: Activity) -> Self {
        Self { activity: Some(activity), ..self }
    }

    pub(crate) fn sign_in(self, sign_in: SignInId) -> Self {
        Self { sign_in: Some(sign_in), ..self }
    }

    pub(crate) fn support(self, grant: GrantId, moment: SupportMoment) -> Self {
        Self { support: Some((grant, moment)), ..self }
    }

    pub(crate) fn notice(self, notice: Notice, organisation: OrganisationId) -> Self {
        Self { notice: Some((notice, organisation)), ..self }
    }

    pub(crate) fn about(self, organisation: OrganisationId) -> Self {
        Self { about: Some(organisation), ..self }
    }
}

/// Writes the message as queued, with its job, and marks its capture (if it has one) as being delivered.
pub(crate) async fn enqueue(tx: &mut Tx, world: &World, message: NewMessage) -> Result<MessageId, Failure> {
    let NewMessage {
        organisation,
        event,
        capture,
        guest,
        link,
        user,
        invitation,
        reset,
        activity,
        sign_in,
        support,
        notice,
        about,
        template,
        language,
    } = message;
    let about = notice.as_ref().map(|(_, organisation)| organisation).or(about.as_ref());
    let id = world.id(MessageId::new);
    let now = world.now();
    let queued = DeliveryState::Queued.as_str();
    on_db!(tx, conn => diesel::insert_into(messages::table)
        .values((
            messages::id.eq(id.as_str()),
            messages::organisation_id.eq(organisation.as_ref().map(OrganisationId::as_str)),
            messages::event_id.eq(event.as_ref().map(EventId::as_str)),
            messages::capture_id.eq(capture.as_ref().map(CaptureId::as_str)),
            messages::guest_id.eq(guest.as_ref().map(GuestId::as_str)),
            messages::link_id.eq(link.as_ref().map(LinkId::as_str)),
            messages::user_id.eq(user.as_ref().map(UserId::as_str)),
            messages::invitation_id.eq(invitation.as_ref().map(InvitationId::as_str)),
            messages::reset_id.eq(reset.as_ref().map(ResetId::as_str)),
            messages::activity.eq(activity.map(Activity::as_str)),
            messages::sign_in_id.eq(sign_in.as_ref().map(SignInId::as_str)),
            messages::support_grant_id.eq(support.as_ref().map(|(grant, _)| grant.as_str())),
            messages::support_moment.eq(support.as_ref().map(|(_, moment)| moment.as_str())),
            messages::notice.eq(notice.as_ref().map(|(notice, _)| notice.as_str())),
            messages::notice_organisation.eq(about.map(OrganisationId::as_str)),
            messages::template.eq(template.as_str()),
            messages::language.eq(language.tag()),
            messages::generation.eq(0),
            messages::state.eq(queued),
            messages::attempts.eq(0),
            messages::created_at.eq(now.0),
            messages::next_attempt_at.eq(now.0),
        ))
        .execute(conn).await)?;
    if let (Some(organisation), Some(capture)) = (&organisation, &capture) {
        on_db!(tx, conn => diesel::update(captures::table)
            .filter(captures::organisation_id.eq(organisation.as_str()))
            .filter(captures::id.eq(capture.as_str()))
            .set(captures::delivery.eq(queued))
            .execute(conn).await)?;
    }
    queue::enqueue(tx, world, JobKind::SendMessage, id.as_str(), now).await?;
    Ok(id)
}
