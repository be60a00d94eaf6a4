//! What a message says, gathered when it is sent: addresses, links and branding as they are then.

use shutterpost_model::access::Role;
use shutterpost_model::captures::{Encoding, RenditionFile, RenditionName};
use shutterpost_model::id::{LogoId, UserId};
use shutterpost_model::messages::{Mail, Template};
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::share::LinkKind;
use shutterpost_model::time::{Date, Millis};
use shutterpost_vault::keys::Keys;

use super::queries;
use super::rows::Message;
use crate::captures::rows as captures_rows;
use crate::db::Conn;
use crate::error::Failure;
use crate::guests::rows::Contact;
use crate::identity::one_time;
use crate::identity::queries::sign_ins;
use crate::identity::rows::{invitation_place, subject_key, trace_place, user_names, user_place};
use crate::identity::scope::OrgScope;
use crate::jobs::Permit;
use crate::keystore::{KeyRef, KeyStore, Realm};
use crate::share::links::Tokens;
use crate::support::queries::grants;

/// A mail that only needs to be written and sent.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) to: Pii<String>,
    /// The organisation that writes, as shown to the reader; the product itself if absent.
    pub(super) sender: Option<String>,
    pub(super) mail: Mail,
}

/// What all letters are made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) permit: &'a Permit,
    pub(super) keys: &'a Keys,
    pub(super) keystore: &'a KeyStore,
    /// Canonical origin without a trailing slash.
    pub(super) origin: &'a str,
    pub(super) now: Millis,
}

/// Gathers the letter; `None` if what it is about, or whom it is for, is gone.
pub(super) async fn gather(conn: &mut Conn, desk: Desk<'_>, message: &Message) -> Result<Option<Letter>, Failure> {
    match message.template {
        Template::Capture => capture(conn, desk, message).await,
        Template::Invitation => invitation(conn, desk, message).await,
        Template::Reset => reset(conn, desk, message).await,
        Template::PasswordChanged => password_changed(conn, desk, message).await,
        Template::Activity => activity(conn, desk, message).await,
        Template::Support => support(conn, desk, message).await,
        Template::Notice => notice(conn, desk, message).await,
    }
}

/// A message lacks an id that its template needs, so it was enqueued wrongly.
fn incomplete() -> Failure {
    Failure::Internal("a message lacks an id that its template needs".into())
}

async fn capture(conn: &mut Conn, desk: Desk<'_>, message: &Message) -> Result<Option<Letter>, Failure> {
    let Message { organisation: Some(organisation), event: Some(event), capture: Some(capture), .. } = message else {
        return Err(incomplete());
    };
    let (Some(guest), Some(link)) = (&message.guest, &message.link) else { return Err(incomplete()) };
    let scope = OrgScope::of_job(desk.permit, organisation.clone());
    let Some(row) = queries::guest(conn, &scope, guest).await? else { return Ok(None) };
    let ring = desk.keystore.find(&[row.key()?]).await?;
    let (guest_name, email) = match row.contact(&ring) {
        Ok(Contact { name, email: Some(email), phone: _ }) => (name, email),
        // Being erased at this moment, or without an address.
        Ok(_) | Err(Failure::NotFound) => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let Some(facts) = queries::capture(conn, &scope, event, capture).await? else { return Ok(None) };
    let Some(generation) = queries::owner_link(conn, &scope, link, capture, guest).await? else { return Ok(None) };

    let tokens = Tokens::derive(desk.keys, link, LinkKind::Owner, generation);
    let address = |path: String| Secret::new(format!("{}{path}", desk.origin));

    let file = RenditionFile { name: RenditionName::Web, encoding: Encoding::Jpeg, revision: facts.revision };
    let size = queries::rendition_size(conn, &scope, capture, file.name.as_str(), ENCODING_JPEG).await?;
    let (width, height) =
        size.ok_or_else(|| Failure::internal("a capture lacks its web rendition", capture.as_str()))?;
    let logo = match facts.logo.as_deref().map(str::parse::<LogoId>).transpose() {
        Ok(Some(logo)) => {
            let size = queries::logo_size(conn, &scope, &logo).await?;
            size.map(|(width, height)| (address(tokens.logo_path()), width, height))
        }
        Ok(None) => None,
        Err(error) => return Err(Failure::internal("logo of an event", error)),
    };
    let kept_until = facts.kept_until.parse().map_err(|error| Failure::internal("last day of an event", error))?;
    Ok(Some(Letter {
        to: email,
        sender: Some(facts.organisation.clone()),
        mail: Mail::Capture {
            kind: captures_rows::kind(&facts.kind)?,
            event_name: facts.event_name,
            organisation: facts.organisation,
            branding: Box::new(serde_json::from_str(&facts.branding)?),
            guest_name,
            link: address(tokens.page_path()),
            picture: (address(tokens.media_path(file)), width, height),
            logo,
            kept_until,
        },
    }))
}

/// How `captures_renditions` spells JPEG.
const ENCODING_JPEG: &str = Encoding::Jpeg.extension();

async fn invitation(conn: &mut Conn, desk: Desk<'_>, message: &Message) -> Result<Option<Letter>, Failure> {
    let (Some(organisation), Some(invitation)) = (&message.organisation, &message.invitation) else {
        return Err(incomplete());
    };
    let scope = OrgScope::of_job(desk.permit, organisation.clone());
    let Some(facts) = queries::invitation(conn, &scope, invitation, desk.now).await? else { return Ok(None) };
    let token = one_time::invitation_token(desk.keys, invitation, facts.generation);
    let key = desk.keystore.get(&subject_key(organisation, invitation.as_str())).await?;
    let realm = Realm::Organisation(organisation.clone());
    let inviter = match facts.inviter.zip(facts.inviter_name) {
        Some(row) => user_names(desk.keystore, vec![row]).await?.into_iter().next().map(|(_, name)| name),
        None => None,
    };
    Ok(Some(Letter {
        to: facts.email.open(&key, invitation_place(&realm, invitation.as_str()))?,
        sender: None,
        mail: Mail::Invitation {
            organisation: facts.organisation,
            inviter: inviter.unwrap_or_default(),
            role: Role::from_name(&facts.role).ok_or_else(|| Failure::internal("role of an invitation", facts.role))?,
            link: Secret::new(format!("{}/cms/invitation/{}", desk.origin, token.reveal())),
            expires_on: last_whole_day(Millis(facts.expires_at)),
        },
    }))
}

/// The last day on all of which something that expires at the given time is good, so that the mail promises no hour
/// that is not kept, whatever the reader's time zone.
fn last_whole_day(expires_at: Millis) -> Date {
    expires_at.date().plus_days(-1)
}

async fn reset(conn: &mut Conn, desk: Desk<'_>, message: &Message) -> Result<Option<Letter>, Failure> {
    let (Some(user), Some(reset)) = (&message.user, &message.reset) else { return Err(incomplete()) };
    let Some(email) = address(conn, desk, user).await? else { return Ok(None) };
    let expiry = queries::reset_expiry(conn, desk.permit, reset, user, desk.now).await?;
    let Some(expires_at) = expiry else { return Ok(None) };
    let token = one_time::reset_token(desk.keys, reset);
    Ok(Some(Letter {
        to: email,
        sender: None,
        mail: Mail::Reset {
            link: Secret::new(format!("{}/cms/reset/{}", desk.origin, token.reveal())),
            // Rounded up: "0 minutes" would be wrong while it is still good.
            minutes: (expires_at - desk.now.0 + 59_999) / 60_000,
        },
    }))
}

/// Address of a user whose account is not blocked.
async fn address(conn: &mut Conn, desk: Desk<'_>, user: &UserId) -> Result<Option<Pii<String>>, Failure> {
    let Some(sealed) = queries::user_email(conn, desk.permit, user).await? else { return Ok(None) };
    let key = desk.keystore.get(&KeyRef::user(user)).await?;
    sealed.open(&key, user_place("email", user.as_str())).map(Some)
}

async fn password_changed(conn: &mut Conn, desk: Desk<'_>, message: &Message) -> Result<Option<Letter>, Failure> {
    let user = message.user.as_ref().ok_or_else(incomplete)?;
    Ok(address(conn, desk, user).await?.map(|email| Letter {
        to: email,
        sender: None,
        mail: Mail::PasswordChanged { at: message.created_at, support: None },
    }))
}

async fn activity(conn: &mut Conn, desk: Desk<'_>, message: &Message) -> Result<Option<Letter>, Failure> {
    let (Some(user), Some(what)) = (&message.user, message.activity) else { return Err(incomplete()) };
    let Some(email) = address(conn, desk, user).await? else { return Ok(None) };
    let device = match &message.sign_in {
        Some(sign_in) => {
            let key = desk.keystore.get(&KeyRef::user(user)).await?;
            let place = trace_place("identity_sign_ins", "device", sign_in.as_str());
            // Forgotten after its 90 days; the mail is late, not wrong.
            sign_ins::device(conn, user, sign_in).await?.map(|sealed| sealed.open(&key, place)).transpose()?
        }
        None => None,
    };
    // What is erased may have no name any more; the mail tells without.
    let (event, organisation) = match &message.about {
        Some(organisation) => {
            let scope = OrgScope::of_job(desk.permit, organisation.clone());
            let event = match &message.event {
                Some(event) => queries::event_name(conn, &scope, event).await?,
                None => None,
            };
            (event, queries::organisation_name(conn, &scope).await?)
        }
        None => (None, None),
    };
    Ok(Some(Letter {
        to: email,
        sender: None,
        mail: Mail::Activity {
            what,
            at: message.created_at,
            device: device.unwrap_or_default(),
            event,
            organisation,
            link: Secret::new(format!("{}/cms/account/security", desk.origin)),
        },
    }))
}

async fn support(conn: &mut Conn, desk: Desk<'_>, message: &Message) -> Result<Option<Letter>, Failure> {
    let (Some(user), Some((grant, moment))) = (&message.user, &message.support) else { return Err(incomplete()) };
    let Some(email) = address(conn, desk, user).await? else { return Ok(None) };
    // The organisation was erased meanwhile, and the grant with it.
    let Some(facts) = grants::told(conn, desk.keystore, desk.permit, grant).await? else { return Ok(None) };
    Ok(Some(Letter {
        to: email,
        sender: None,
        mail: Mail::Support {
            moment: *moment,
            organisation: facts.organisation_name,
            name: facts.staff_name,
            reason: facts.reason,
            access: facts.access,
            minutes: facts.minutes,
            at: message.created_at,
            link: Secret::new(format!("{}/cms/support-access", desk.origin)),
        },
    }))
}

async fn notice(conn: &mut Conn, desk: Desk<'_>, message: &Message) -> Result<Option<Letter>, Failure> {
    let (Some(user), Some((what, organisation))) = (&message.user, &message.notice) else { return Err(incomplete()) };
    let scope = OrgScope::of_job(desk.permit, organisation.clone());
    // Who is no owner any more is told nothing more.
    let Some(name) = queries::owned(conn, &scope, user).await? else { return Ok(None) };
    let Some(email) = address(conn, desk, user).await? else { return Ok(None) };
    let link = Secret::new(format!("{}/cms/sign-in-settings", desk.origin));
    let mail = Mail::Notice { what: *what, at: message.created_at, organisation: name, link };
    Ok(Some(Letter { to: email, sender: None, mail }))
}
