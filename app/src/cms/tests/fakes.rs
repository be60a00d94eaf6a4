//! Services that answer from memory, enough to render every page of events, captures and messages.

use std::sync::Arc;

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Credential, Permission, Role};
use shutterpost_model::audit::{Audit, AuditFilter, AuditPage, AuditView};
use shutterpost_model::captures::{
    Capture, CaptureFilter, CapturePage, CaptureSummary, Captures, Encoding, HistoryLine, LinkView, MediaFile,
    Rendition, RenditionFile, RenditionName,
};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::events::{
    Branding, ConsentText, DayNumbers, Device, DeviceDraft, Event, EventDraft, EventSummary, Events, LogoChange,
    Overview, SilentDevice,
};
use shutterpost_model::guests::{ConsentView, GuestView, Guests};
use shutterpost_model::id::*;
use shutterpost_model::identity::own_sign_in::WayIn;
use shutterpost_model::identity::security::SignedIn;
use shutterpost_model::identity::{
    AcceptInvitation, Accounts, Client, Directory, Invitation, InvitationView, Invite, Issued, Me, Member,
    MyOrganisation, NewSession, People, SessionLimits, SignIn, SignInRules,
};
use shutterpost_model::ingest::{Accepted, Ingest, Upload};
use shutterpost_model::language::Language;
use shutterpost_model::messages::{
    DeliveryState, DeliveryView, FailureReason, MessagePage, MessageView, Messages, Template,
};
use shutterpost_model::pii::{Disclosed, Pii, Purpose, Secret};
use shutterpost_model::privacy::trash::{Trash, TrashItem, TrashKind, TrashPage, TrashTarget, Trashed};
use shutterpost_model::privacy::{
    ErasureKind, ErasurePage, ErasureTarget, ErasureView, Privacy, ReceiptFacts, ReceiptFault, ReceiptView,
};
use shutterpost_model::services::Services;
use shutterpost_model::share::{LinkKind, ResolvedShare, ShareChange, SharePage, Shares};
use shutterpost_model::time::{DAY, Date, Millis};
use shutterpost_model::tokens::{OwnToken, PreviousSecret, Scopes, Token, TokenDraft, TokenRenewal, TokenState};

mod connections;
mod domains;
mod own_sign_in;
mod passkeys;
mod security;
mod sso;
mod support;

pub use connections::connection_id;
pub use support::{approval_id, grant_id, staff};

type Answer<T> = Result<T, AppError>;

/// 3 March 2026, 17:50 UTC.
pub const NOW: Millis = Millis(1_772_560_245_999);

/// What the organisation holds.
#[derive(Debug, Clone, Default)]
pub struct World {
    pub captures: i64,
    /// Nothing at all: the state after the first sign-in.
    pub empty: bool,
    pub failed: bool,
    /// The capture is in the trash.
    pub trashed: bool,
    /// Whoever asks has an authenticator app in use, or one that waits for its first code.
    pub two_factor: bool,
    pub setting_up: bool,
    /// Whoever asks has two passkeys, one of which was copied.
    pub passkeys: bool,
    /// Whoever asks came by a connection and has nothing else to show.
    pub by_provider: bool,
    /// The organisation asks for sign-in by its own provider, and this session did not come by it.
    pub own_sign_in: bool,
}

pub fn event_id() -> EventId {
    EventId::new(NOW.0, [1; 10])
}

pub fn capture_id(number: i64) -> CaptureId {
    CaptureId::new(NOW.0 - number * 60_000, [2; 10])
}

/// The erasure that is done, the one whose files are still being deleted, and the one whose keys are being destroyed.
pub fn erasure_id(number: u8) -> ErasureId {
    ErasureId::new(NOW.0, [number; 10])
}

pub fn actor(role: Role) -> Actor {
    let credential = Credential::Session { user: UserId::new(1, [3; 10]), session: SessionId::new(1, [4; 10]) };
    Actor::proven(credential, Some((OrganisationId::new(1, [5; 10]), role)))
}

fn disclosed(text: &str) -> Disclosed<String> {
    Pii::new(text.to_owned()).disclose(Purpose::OwnData)
}

fn elsewhere<T>() -> Answer<T> {
    Err(AppError::new(Code::Internal))
}

pub fn services(world: World) -> Services {
    let world = Arc::new(world);
    Services {
        accounts: world.clone(),
        security: world.clone(),
        passkeys: world.clone(),
        directory: world.clone(),
        sso: world.clone(),
        connections: world.clone(),
        domains: world.clone(),
        events: world.clone(),
        captures: world.clone(),
        guests: world.clone(),
        shares: world.clone(),
        messages: world.clone(),
        ingest: world.clone(),
        privacy: world.clone(),
        trash: world.clone(),
        support: world.clone(),
        audit: world,
    }
}

fn draft() -> EventDraft {
    EventDraft {
        name: "Summer <party>".into(),
        starts_on: Date::new(2026, 6, 1).expect("valid"),
        ends_on: Date::new(2026, 6, 2).expect("valid"),
        time_zone: "Europe/Berlin".into(),
        retention_days: 365,
    }
}

impl World {
    fn summary(&self) -> EventSummary {
        let EventDraft { name, starts_on, ends_on, time_zone, .. } = draft();
        EventSummary {
            id: event_id(),
            name,
            starts_on,
            ends_on,
            time_zone,
            captures: self.captures,
            cover: (self.captures > 0).then(|| format!("/cms/media/{}/thumb-1.webp", capture_id(0))),
        }
    }
}

fn message() -> MessageView {
    MessageView {
        id: MessageId::new(NOW.0, [6; 10]),
        template: Template::Capture,
        event: Some(event_id()),
        capture: Some(capture_id(0)),
        to: disclosed("a…@e….com"),
        language: Language::English,
        state: DeliveryState::Failed,
        reason: Some(FailureReason::AddressRefused),
        created_at: NOW,
        sent_at: None,
        next_attempt_at: None,
        deliveries: vec![DeliveryView { at: NOW.plus(2000), failure: Some(FailureReason::AddressRefused) }],
    }
}

pub fn guest() -> GuestView {
    GuestView {
        id: GuestId::new(NOW.0, [7; 10]),
        event: event_id(),
        name: Some(disclosed("A…")),
        email: Some(disclosed("a…@e….com")),
        phone: None,
        masked: true,
        language: Language::German,
        captures: 2,
        consents: vec![ConsentView { purpose: "marketing".into(), granted: false, text_version: 3, recorded_at: NOW }],
        created_at: NOW,
    }
}

#[async_trait]
impl Events for World {
    async fn overview(&self, _: &Actor) -> Answer<Overview> {
        let day = |number: i64| DayNumbers {
            day: NOW.date().plus_days(number - 13),
            captures: number,
            delivered: 1,
            failed: 0,
        };
        Ok(Overview {
            today: DayNumbers { captures: 1234, ..day(13) },
            days: (0..14).map(day).collect(),
            failed_messages: if self.empty { 0 } else { 3 },
            waiting_messages: 0,
            silent_devices: if self.empty {
                Vec::new()
            } else {
                vec![SilentDevice {
                    event: event_id(),
                    event_name: "Summer <party>".into(),
                    device_name: "Booth 2".into(),
                    last_seen_at: NOW,
                }]
            },
            events: if self.empty { Vec::new() } else { vec![self.summary()] },
        })
    }

    async fn list(&self, _: &Actor) -> Answer<Vec<EventSummary>> {
        Ok(if self.empty { Vec::new() } else { vec![self.summary()] })
    }

    async fn find(&self, _: &Actor, event: &EventId) -> Answer<Event> {
        if *event != event_id() {
            return Err(AppError::new(Code::NotFound));
        }
        let mut branding = Branding::default();
        branding.english.message = "</textarea><script>alert(1)</script>".into();
        Ok(Event {
            id: event.clone(),
            draft: draft(),
            branding,
            logo: None,
            consents: vec![ConsentText {
                purpose: "delivery".into(),
                version: 2,
                english: "May we send it?".into(),
                german: "Dürfen wir es senden?".into(),
            }],
            captures: self.captures,
            created_at: NOW,
            version: 4,
        })
    }

    async fn create(&self, _: &Actor, _: EventDraft) -> Answer<EventId> {
        elsewhere()
    }
    async fn update(&self, _: &Actor, _: &EventId, _: EventDraft, _: i32) -> Answer<()> {
        elsewhere()
    }
    async fn delete(&self, _: &Actor, _: &EventId) -> Answer<()> {
        elsewhere()
    }
    async fn update_branding(&self, _: &Actor, _: &EventId, _: Branding, _: LogoChange, _: i32) -> Answer<()> {
        elsewhere()
    }
    async fn update_consents(&self, _: &Actor, _: &EventId, _: Vec<ConsentText>) -> Answer<()> {
        elsewhere()
    }
    async fn logo(&self, _: &Actor, _: &EventId, _: &LogoId) -> Answer<Vec<u8>> {
        elsewhere()
    }

    async fn devices(&self, _: &Actor, _: &EventId) -> Answer<Vec<Device>> {
        let device = |number: u8, name: &str| Device {
            id: DeviceId::new(NOW.0, [number; 10]),
            name: name.into(),
            hint: "spd_ab".into(),
            created_at: NOW,
            last_seen_at: None,
            captures: 7,
        };
        Ok(if self.empty { Vec::new() } else { vec![device(1, "Booth 1"), device(2, "Booth 2")] })
    }

    async fn create_device(&self, _: &Actor, _: &EventId, _: DeviceDraft) -> Answer<Issued<Device>> {
        elsewhere()
    }
    async fn revoke_device(&self, _: &Actor, _: &EventId, _: &DeviceId) -> Answer<()> {
        elsewhere()
    }
}

#[async_trait]
impl Captures for World {
    async fn list(
        &self,
        _: &Actor,
        _: &EventId,
        filter: CaptureFilter,
        cursor: Option<String>,
        limit: i64,
    ) -> Answer<CapturePage> {
        if self.failed {
            return Err(AppError::new(Code::Busy));
        }
        let first = if cursor.is_some() { limit } else { 0 };
        let count = if filter.trash { 0 } else { self.captures };
        let items = (first..count.min(first + limit))
            .map(|number| CaptureSummary {
                id: capture_id(number),
                captured_at: NOW.plus(-number * 60_000),
                width: 3000,
                height: 2000,
                thumb: format!("/cms/media/{}/thumb-1.webp", capture_id(number)),
                guests: 1,
                delivery: Some(DeliveryState::Sent),
                deleted_at: None,
            })
            .collect();
        let next = (count > first + limit).then(|| "cursor+2".to_owned());
        Ok(CapturePage { items, next, total: self.captures })
    }

    async fn find(&self, _: &Actor, capture: &CaptureId) -> Answer<Capture> {
        if *capture != capture_id(0) {
            return Err(AppError::new(Code::NotFound));
        }
        let rendition = |name: RenditionName, encoding: Encoding, width| Rendition {
            name,
            encoding,
            width,
            height: width * 2 / 3,
            size: 90_000,
            url: format!("/cms/media/{}/{}-1.{}", capture_id(0), name.as_str(), encoding.extension()),
        };
        let link = |kind, number: u8, url: Option<&str>| LinkView {
            id: LinkId::new(NOW.0, [number; 10]),
            kind,
            url: url.map(str::to_owned),
            created_at: NOW,
            revoked_at: url.is_none().then_some(NOW),
        };
        Ok(Capture {
            id: capture.clone(),
            event: event_id(),
            event_name: draft().name,
            captured_at: NOW,
            received_at: NOW,
            width: 3000,
            height: 2000,
            size: 2_400_000,
            device: Some("Booth 1".into()),
            deleted_at: self.trashed.then_some(NOW),
            renditions: vec![
                rendition(RenditionName::Web, Encoding::WebP, 960),
                rendition(RenditionName::Web, Encoding::Jpeg, 960),
                rendition(RenditionName::Large, Encoding::WebP, 2048),
            ],
            guests: vec![guest()],
            links: vec![link(LinkKind::View, 1, Some("https://photos.example/s/abc")), link(LinkKind::Owner, 2, None)],
            messages: vec![message()],
            history: vec![
                HistoryLine { at: NOW, action: "guests.reveal".into(), actor: Some("Anna".into()) },
                HistoryLine { at: NOW, action: "captures.unheard_of".into(), actor: None },
            ],
            newer: None,
            older: Some(capture_id(1)),
        })
    }

    async fn delete(&self, _: &Actor, _: &EventId, _: &[CaptureId]) -> Answer<i64> {
        elsewhere()
    }
    async fn restore(&self, _: &Actor, _: &EventId, _: &[CaptureId]) -> Answer<i64> {
        elsewhere()
    }
    async fn media(&self, _: &Actor, _: &CaptureId, _: RenditionFile) -> Answer<MediaFile> {
        elsewhere()
    }
}

#[async_trait]
impl Messages for World {
    async fn list(&self, _: &Actor, state: Option<DeliveryState>, _: Option<String>) -> Answer<MessagePage> {
        let fits = !self.empty && state.is_none_or(|state| state == DeliveryState::Failed);
        Ok(MessagePage { items: fits.then(message).into_iter().collect(), next: fits.then(|| "more".to_owned()) })
    }
    async fn send_again(&self, _: &Actor, _: &MessageId) -> Answer<()> {
        elsewhere()
    }
}

#[async_trait]
impl Guests for World {
    async fn find(&self, _: &Actor, _: &GuestId) -> Answer<GuestView> {
        Ok(guest())
    }
    async fn reveal(&self, _: &Actor, _: &GuestId) -> Answer<GuestView> {
        Ok(GuestView { masked: false, email: Some(disclosed("anna@example.com")), ..guest() })
    }
    async fn delete(&self, _: &Actor, _: &GuestId) -> Answer<()> {
        elsewhere()
    }
}

#[async_trait]
impl Accounts for World {
    async fn me(&self, actor: &Actor) -> Answer<Me> {
        let role = actor.role().ok_or(AppError::new(Code::SignInNeeded))?;
        let current = MyOrganisation { id: OrganisationId::new(1, [5; 10]), name: "Acme".into(), role };
        Ok(Me {
            user: Some(UserId::new(1, [3; 10])),
            name: disclosed("Anna Muster"),
            email: disclosed("anna@acme.example"),
            language: Language::English,
            current: Some(current.clone()),
            organisations: vec![current],
            two_factor: self.two_factor || self.passkeys,
            passkey: self.passkeys,
            factor_needed: false,
            own_sign_in_needed: self.own_sign_in,
            support: None,
        })
    }
    async fn ways_in(&self, _: &Actor) -> Answer<Vec<WayIn>> {
        Ok(own_sign_in::ways())
    }
    async fn sign_in(&self, _: SignIn, _: Client) -> Answer<SignedIn> {
        elsewhere()
    }
    async fn session(&self, _: &str) -> Answer<Option<Actor>> {
        elsewhere()
    }
    async fn bearer(&self, _: &str) -> Answer<Option<Actor>> {
        elsewhere()
    }
    async fn sign_out(&self, _: &Actor) -> Answer<()> {
        elsewhere()
    }
    async fn request_reset(&self, _: Pii<String>, _: Language, _: Client) -> Answer<()> {
        elsewhere()
    }
    async fn check_reset(&self, token: &str) -> Answer<()> {
        if token == "good" { Ok(()) } else { Err(AppError::new(Code::LinkExpired)) }
    }
    async fn reset_password(&self, _: &str, _: Secret, _: Client) -> Answer<()> {
        elsewhere()
    }
    async fn invitation(&self, token: &str) -> Answer<InvitationView> {
        if !matches!(token, "new" | "known") {
            return Err(AppError::new(Code::LinkExpired));
        }
        Ok(InvitationView {
            organisation: "Acme <b>".into(),
            email: disclosed("ben@acme.example"),
            role: Role::Editor,
            has_account: token == "known",
        })
    }
    async fn accept_invitation(&self, _: &str, _: AcceptInvitation, _: Client) -> Answer<SignedIn> {
        elsewhere()
    }
    async fn update_profile(&self, _: &Actor, _: Pii<String>, _: Language) -> Answer<()> {
        elsewhere()
    }
    async fn change_password(&self, _: &Actor, _: Secret, _: Secret) -> Answer<NewSession> {
        elsewhere()
    }
    async fn switch_organisation(&self, _: &Actor, _: &OrganisationId) -> Answer<()> {
        elsewhere()
    }
}

#[async_trait]
impl Directory for World {
    async fn people(&self, actor: &Actor) -> Answer<People> {
        if !actor.may(Permission::PeopleManage) {
            return Err(AppError::new(Code::Forbidden));
        }
        let member = |number, name, role, last_seen| Member {
            user: UserId::new(1, [number; 10]),
            name: disclosed(name),
            email: disclosed("person@acme.example"),
            role,
            since: NOW,
            last_seen,
            two_factor: role == Role::Owner,
        };
        Ok(People {
            members: vec![
                member(3, "Anna Muster", Role::Owner, Some(NOW)),
                member(6, "Ben </title><b>", Role::Editor, None),
            ],
            invitations: vec![Invitation {
                id: InvitationId::new(1, [7; 10]),
                email: disclosed("carla@acme.example"),
                role: Role::Viewer,
                expires_at: NOW,
                expired: true,
            }],
        })
    }
    async fn invite(&self, _: &Actor, _: Invite) -> Answer<InvitationId> {
        elsewhere()
    }
    async fn renew_invitation(&self, _: &Actor, _: &InvitationId) -> Answer<()> {
        elsewhere()
    }
    async fn revoke_invitation(&self, _: &Actor, _: &InvitationId) -> Answer<()> {
        elsewhere()
    }
    async fn change_role(&self, _: &Actor, _: &UserId, _: Role) -> Answer<()> {
        elsewhere()
    }
    async fn remove_member(&self, _: &Actor, _: &UserId) -> Answer<()> {
        elsewhere()
    }
    async fn sign_out_member(&self, _: &Actor, _: &UserId) -> Answer<()> {
        elsewhere()
    }
    async fn sign_in_rules(&self, _: &Actor) -> Answer<SignInRules> {
        let factor_required_at = self.two_factor.then_some(NOW);
        let limits = SessionLimits { idle: Some(30), absolute: None };
        let own_sign_in = own_sign_in::rules(self.own_sign_in);
        Ok(SignInRules { factor_required_at, limits, with_factor: 1, members: 2, own_sign_in })
    }
    async fn limit_sessions(&self, _: &Actor, _: SessionLimits) -> Answer<()> {
        elsewhere()
    }
    async fn require_own_sign_in(&self, _: &Actor, _: bool) -> Answer<()> {
        elsewhere()
    }
    async fn arm_owner(&self, _: &Actor, _: &UserId, _: i64) -> Answer<()> {
        elsewhere()
    }
    async fn disarm_owner(&self, _: &Actor, _: &UserId) -> Answer<()> {
        elsewhere()
    }
    async fn require_factor(&self, _: &Actor, _: bool) -> Answer<()> {
        elsewhere()
    }
    async fn tokens(&self, _: &Actor) -> Answer<Vec<Token>> {
        if self.empty {
            return Ok(Vec::new());
        }
        let token = |number: u8| Token {
            id: TokenId::new(1, [number; 10]),
            name: "CRM <export>".into(),
            scopes: Some(Scopes::reading()),
            role: Role::Admin,
            hint: "spt_…AbCd".into(),
            made_by: Some(disclosed("Ben <b>")),
            created_at: NOW,
            last_used_at: None,
            expires_at: Some(NOW.plus(30 * DAY)),
            state: TokenState::Active,
            previous: None,
        };
        let previous = PreviousSecret { hint: "spt_…OlDs".into(), until: NOW.plus(DAY), last_used_at: Some(NOW) };
        let soon = Some(NOW.plus(3 * DAY));
        Ok(vec![
            Token { previous: Some(previous), ..token(8) },
            Token { expires_at: soon, state: TokenState::ExpiresSoon, ..token(9) },
            Token { expires_at: Some(NOW), state: TokenState::Expired, ..token(10) },
            Token { state: TokenState::Stopped, role: Role::Reporter, ..token(11) },
            Token { scopes: Some(Scopes::of_role(Role::Editor)), role: Role::Viewer, ..token(12) },
            Token { scopes: None, expires_at: None, made_by: None, role: Role::Editor, ..token(13) },
        ])
    }
    async fn create_token(&self, _: &Actor, _: TokenDraft) -> Answer<Issued<TokenId>> {
        elsewhere()
    }
    async fn renew_token(&self, _: &Actor, _: &TokenId, _: TokenRenewal) -> Answer<Issued<TokenId>> {
        elsewhere()
    }
    async fn end_previous_secret(&self, _: &Actor, _: &TokenId) -> Answer<()> {
        elsewhere()
    }
    async fn own_token(&self, _: &Actor) -> Answer<OwnToken> {
        elsewhere()
    }
    async fn revoke_token(&self, _: &Actor, _: &TokenId) -> Answer<()> {
        elsewhere()
    }
}

#[async_trait]
impl Shares for World {
    async fn page(&self, _: &str) -> Answer<Option<ResolvedShare>> {
        elsewhere()
    }
    async fn media(&self, _: &str, _: RenditionFile) -> Answer<Option<MediaFile>> {
        elsewhere()
    }
    async fn logo(&self, _: &str) -> Answer<Option<MediaFile>> {
        elsewhere()
    }
    async fn changes(&self, _: i64) -> Answer<(Vec<ShareChange>, i64)> {
        elsewhere()
    }
    async fn renew(&self, _: &Actor, _: &LinkId) -> Answer<()> {
        elsewhere()
    }
    async fn revoke(&self, _: &Actor, _: &LinkId) -> Answer<()> {
        elsewhere()
    }
    async fn preview(&self, _: &Actor, _: &EventId) -> Answer<SharePage> {
        elsewhere()
    }
}

#[async_trait]
impl Ingest for World {
    async fn accept(&self, _: &Actor, _: &EventId, _: Upload) -> Answer<Accepted> {
        elsewhere()
    }
}

fn erasure(number: u8) -> ErasureView {
    let (kind, object) = match number {
        0 => (ErasureKind::Guest, guest().id.into_string()),
        1 => (ErasureKind::Event, event_id().into_string()),
        _ => (ErasureKind::Capture, capture_id(9).into_string()),
    };
    let facts = ReceiptFacts {
        id: erasure_id(number).into_string(),
        organisation: OrganisationId::new(1, [5; 10]).into_string(),
        kind,
        object: object.clone(),
        destroyed: vec![("captures".into(), 1200), ("guests".into(), 1)],
        keys: 1201,
        erased_at: NOW,
        last_backup_unreadable_at: NOW.plus(7 * DAY),
    };
    ErasureView {
        id: erasure_id(number),
        kind,
        object,
        requested_at: NOW.plus(-60_000),
        finished_at: (number == 0).then(|| NOW.plus(60_000)),
        receipt: (number < 2).then(|| ReceiptView { text: "</textarea><script>e30.c2ln".into(), facts }),
    }
}

#[async_trait]
impl Privacy for World {
    async fn erase(&self, _: &Actor, _: &ErasureTarget) -> Answer<ErasureView> {
        elsewhere()
    }
    async fn erase_by_owner(&self, _: &str, _: Client) -> Answer<Option<ErasureView>> {
        elsewhere()
    }
    async fn erasures(&self, actor: &Actor, cursor: Option<String>) -> Answer<ErasurePage> {
        if !actor.may(Permission::PrivacyManage) {
            return Err(AppError::new(Code::Forbidden));
        }
        if self.empty {
            return Ok(ErasurePage { items: Vec::new(), next: None });
        }
        let next = cursor.is_none().then(|| "older+1".to_owned());
        Ok(ErasurePage { items: [2, 1, 0].map(erasure).into(), next })
    }
    async fn erasure(&self, actor: &Actor, id: &ErasureId) -> Answer<ErasureView> {
        let found = [0, 1, 2].map(erasure).into_iter().find(|erasure| erasure.id == *id);
        let found = found.ok_or(AppError::new(Code::NotFound))?;
        let needs = if found.kind == ErasureKind::Guest { Permission::GuestWrite } else { Permission::PrivacyManage };
        if actor.may(needs) { Ok(found) } else { Err(AppError::new(Code::Forbidden)) }
    }
    fn verify(&self, _: &str) -> Result<ReceiptFacts, ReceiptFault> {
        Err(ReceiptFault::Malformed)
    }
    fn public_key(&self) -> String {
        String::new()
    }
}

/// One of each kind; the last is an owner, whom an admin leaves alone.
fn trash(actor: &Actor) -> Vec<TrashItem> {
    let item = |kind, object: String, what, days: i64| TrashItem {
        kind,
        object,
        what,
        deleted_at: NOW.plus(-days * DAY),
        deleted_by: (days == 0).then(|| "Anna <Muster>".to_owned()),
        restorable_until: NOW.plus((30 - days) * DAY),
        may_restore: true,
    };
    let (event, event_name) = (event_id(), "Summer <party>".to_owned());
    let thumb = format!("/cms/media/{}/thumb-1.webp", capture_id(3));
    let shown = |text: &str| Pii::new(text.to_owned()).disclose(Purpose::GuestCare);
    let capture = Trashed::Capture { event: event.clone(), event_name: event_name.clone(), captured_at: NOW, thumb };
    let guest = Trashed::Guest {
        event,
        event_name,
        name: Some(shown("A…")),
        email: Some(shown("a…@e….com")),
        phone: None,
        captures: 1200,
    };
    let (starts_on, ends_on) = (Date::new(2026, 6, 1).expect("valid"), Date::new(2026, 6, 2).expect("valid"));
    let gala = Trashed::Event { name: "Gala".into(), starts_on, ends_on, captures: 1 };
    let member = Trashed::Member { name: shown("Otto Owner"), email: shown("otto@acme.example"), role: Role::Owner };
    let may_restore = actor.role().is_some_and(|own| own.may_grant(Role::Owner));
    let otto = item(TrashKind::Member, UserId::new(1, [9; 10]).into_string(), member, 29);
    vec![
        item(TrashKind::Capture, capture_id(3).into_string(), capture, 0),
        item(TrashKind::Guest, self::guest().id.into_string(), guest, 2),
        item(TrashKind::Event, EventId::new(1, [8; 10]).into_string(), gala, 27),
        TrashItem { may_restore, ..otto },
    ]
}

#[async_trait]
impl Trash for World {
    async fn list(&self, actor: &Actor, kind: Option<TrashKind>, cursor: Option<String>) -> Answer<TrashPage> {
        if !actor.may(Permission::TrashManage) {
            return Err(AppError::new(Code::Forbidden));
        }
        let mut items = if self.empty { Vec::new() } else { trash(actor) };
        items.retain(|item| kind.is_none_or(|kind| kind == item.kind));
        let next = (cursor.is_none() && !items.is_empty()).then(|| "older+1".to_owned());
        Ok(TrashPage { items, next })
    }
    async fn restore(&self, _: &Actor, _: &TrashTarget) -> Answer<()> {
        elsewhere()
    }
    async fn erase_member(&self, _: &Actor, _: &UserId) -> Answer<()> {
        elsewhere()
    }
}

#[async_trait]
impl Audit for World {
    async fn list(&self, _: &Actor, filter: AuditFilter, _: Option<String>) -> Answer<AuditPage> {
        if self.empty {
            return Ok(AuditPage { items: Vec::new(), next: None });
        }
        let entry = |number, action: &str, kind: &str, name: Option<&str>| AuditView {
            id: AuditId::new(1, [number; 10]),
            at: NOW,
            action: action.into(),
            actor_kind: kind.into(),
            actor_id: None,
            actor_name: name.map(str::to_owned),
            object: filter.object.clone().or_else(|| Some(event_id().into_string())),
            count: 3,
            fields: vec!["retention_days".into()],
            request: None,
        };
        let items = vec![
            entry(1, "captures.delete", "user", Some("Anna Muster")),
            entry(2, "events.update", "user", None),
            entry(3, "leads.create", "system", None),
        ];
        Ok(AuditPage { items, next: Some("older".into()) })
    }
}
