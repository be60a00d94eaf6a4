//! Rows of the `support_` tables and their conversion.

use diesel::prelude::*;
use shutterpost_model::id::{GrantId, OrganisationId, StaffId, SupportApprovalId};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Purpose, Secret};
use shutterpost_model::support::{ApprovalView, GrantState, GrantView, StaffView, SupportAccess, SupportNotice};
use shutterpost_model::time::Millis;

use crate::error::Failure;
use crate::identity::rows::{id, language, subject_key};
use crate::keystore::{KeyRef, KeyStore, Place, Realm, Sealed};
use crate::schema::support_staff;

/// Where staff are found by their address. Another list than that of users: one person may be both.
pub(super) const BY_ADDRESS: &str = "staff.email";

/// Where a value of a member of the staff stands.
pub(super) fn staff_place<'a>(column: &'static str, staff: &'a str) -> Place<'a> {
    Place { realm: &Realm::Installation, table: "support_staff", column, row: staff }
}

/// Where the secret of an app that is still to be set up stands.
pub(super) fn invitation_place(invitation: &str) -> Place<'_> {
    Place { realm: &Realm::Installation, table: "support_invitations", column: "totp_secret", row: invitation }
}

/// Where the reason of a grant stands.
pub(super) fn reason_place<'a>(realm: &'a Realm, grant: &'a str) -> Place<'a> {
    Place { realm, table: "support_grants", column: "reason", row: grant }
}

/// The key of a grant's reason: the organisation's, so that it goes when the organisation is erased.
pub(super) fn grant_key(organisation: &OrganisationId, grant: &str) -> KeyRef {
    subject_key(organisation, grant)
}

/// Names of staff, by their ids.
pub(crate) async fn staff_names(
    keystore: &KeyStore,
    rows: Vec<(String, Sealed<Pii<String>>)>,
) -> Result<Vec<(String, Pii<String>)>, Failure> {
    let mut values = Vec::with_capacity(rows.len());
    for (staff, sealed) in rows {
        values.push((KeyRef::staff(&id(staff.clone())?), staff, sealed));
    }
    keystore.open_each(staff_place("name", ""), values).await
}

/// What somebody proves themselves with, open and as the database holds it.
#[derive(Debug, Clone)]
pub(super) struct Proofs {
    pub(super) stored_password: Sealed<Secret>,
    /// PHC string.
    pub(super) password: Secret,
    pub(super) stored_totp: Sealed<Secret>,
    /// Base32.
    pub(super) totp: Secret,
}

/// A member of the staff, for rules inside the server.
#[derive(Debug, Clone)]
pub(super) struct Staff {
    pub(super) id: StaffId,
    pub(super) email: Pii<String>,
    pub(super) name: Pii<String>,
    pub(super) language: Language,
    /// `None` until the invitation is accepted: password and authenticator app come together.
    pub(super) proofs: Option<Proofs>,
    pub(super) disabled: bool,
}

impl Staff {
    pub(super) fn listed(self) -> StaffView {
        let Self { id, email, name, language: _, proofs, disabled } = self;
        StaffView { id, name, email, joined: proofs.is_some(), disabled }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = support_staff)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(super) struct StaffRow {
    id: String,
    email: Sealed<Pii<String>>,
    name: Sealed<Pii<String>>,
    language: String,
    password_hash: Option<Sealed<Secret>>,
    totp_secret: Option<Sealed<Secret>>,
    disabled_at: Option<i64>,
}

impl StaffRow {
    pub(super) async fn open(self, keystore: &KeyStore) -> Result<Staff, Failure> {
        let Self { id: staff, email, name, language: tag, password_hash, totp_secret, disabled_at } = self;
        let key = keystore.get(&KeyRef::staff(&id(staff.clone())?)).await?;
        let proofs = match password_hash.zip(totp_secret) {
            Some((stored_password, stored_totp)) => Some(Proofs {
                password: stored_password.open(&key, staff_place("password_hash", &staff))?,
                totp: stored_totp.open(&key, staff_place("totp_secret", &staff))?,
                stored_password,
                stored_totp,
            }),
            None => None,
        };
        Ok(Staff {
            email: email.open(&key, staff_place("email", &staff))?,
            name: name.open(&key, staff_place("name", &staff))?,
            language: language(&tag)?,
            proofs,
            disabled: disabled_at.is_some(),
            id: id(staff)?,
        })
    }
}

fn access(name: &str) -> Result<SupportAccess, Failure> {
    SupportAccess::from_name(name).ok_or_else(|| Failure::internal("access of a grant", name))
}

fn state(name: &str) -> Result<GrantState, Failure> {
    GrantState::from_name(name).ok_or_else(|| Failure::internal("state of a grant", name))
}

/// A grant with what names it.
#[derive(Debug, Queryable)]
pub(super) struct GrantRow {
    pub(super) id: String,
    organisation: String,
    organisation_name: String,
    pub(super) staff: String,
    staff_name: Sealed<Pii<String>>,
    reason: Sealed<Pii<String>>,
    access: String,
    minutes: i32,
    state: String,
    asked_at: i64,
    begun_at: Option<i64>,
    ends_at: Option<i64>,
    ended_at: Option<i64>,
}

/// A grant, open.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) id: GrantId,
    pub(crate) organisation: OrganisationId,
    pub(crate) organisation_name: String,
    pub(crate) staff_name: Pii<String>,
    pub(crate) reason: Pii<String>,
    pub(crate) access: SupportAccess,
    pub(crate) minutes: i64,
    pub(crate) state: GrantState,
    pub(crate) asked_at: Millis,
    pub(crate) begun_at: Option<Millis>,
    pub(crate) ends_at: Option<Millis>,
    pub(crate) ended_at: Option<Millis>,
}

impl GrantRow {
    /// `None` while its organisation is being erased.
    pub(super) async fn open(self, keystore: &KeyStore) -> Result<Option<Grant>, Failure> {
        let organisation: OrganisationId = id(self.organisation)?;
        let key = match keystore.get(&grant_key(&organisation, &self.id)).await {
            Ok(key) => key,
            Err(Failure::NotFound) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let staff: StaffId = id(self.staff)?;
        let own = keystore.get(&KeyRef::staff(&staff)).await?;
        let realm = Realm::Organisation(organisation.clone());
        Ok(Some(Grant {
            reason: self.reason.open(&key, reason_place(&realm, &self.id))?,
            staff_name: self.staff_name.open(&own, staff_place("name", staff.as_str()))?,
            id: id(self.id)?,
            organisation,
            organisation_name: self.organisation_name,
            access: access(&self.access)?,
            minutes: i64::from(self.minutes),
            state: state(&self.state)?,
            asked_at: Millis(self.asked_at),
            begun_at: self.begun_at.map(Millis),
            ends_at: self.ends_at.map(Millis),
            ended_at: self.ended_at.map(Millis),
        }))
    }
}

impl Grant {
    /// As shown; one whose time is over is ended, whether that was written down yet or not.
    pub(super) fn view(self, now: Millis) -> GrantView {
        let over = self.state == GrantState::Granted && self.ends_at.is_none_or(|end| now >= end);
        GrantView {
            id: self.id,
            organisation: self.organisation,
            organisation_name: self.organisation_name,
            staff_name: self.staff_name.disclose(Purpose::Directory),
            reason: self.reason.disclose(Purpose::Directory),
            access: self.access,
            state: if over { GrantState::Ended } else { self.state },
            minutes: self.minutes,
            asked_at: self.asked_at,
            begun_at: self.begun_at,
            ends_at: self.ends_at,
            ended_at: if over { self.ends_at } else { self.ended_at },
        }
    }

    /// For the banner; `None` without an end.
    pub(super) fn notice(self, own: bool) -> Option<SupportNotice> {
        Some(SupportNotice {
            ends_at: self.ends_at?,
            organisation_name: self.organisation_name,
            staff_name: self.staff_name.disclose(Purpose::Directory),
            reason: self.reason.disclose(Purpose::Directory),
            access: self.access,
            own,
        })
    }
}

/// A grant that runs, as far as it proves an actor.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) organisation: OrganisationId,
    pub(super) access: SupportAccess,
}

impl TryFrom<(String, String)> for Running {
    type Error = Failure;

    fn try_from((organisation, name): (String, String)) -> Result<Self, Failure> {
        Ok(Self { organisation: id(organisation)?, access: access(&name)? })
    }
}

/// An approval with who asked for it.
#[derive(Debug, Queryable)]
pub(super) struct ApprovalRow {
    id: String,
    organisation: String,
    act: String,
    object: String,
    asked_at: i64,
    approved_at: Option<i64>,
    expires_at: i64,
    staff: String,
    staff_name: Sealed<Pii<String>>,
}

impl ApprovalRow {
    pub(super) async fn listed(self, keystore: &KeyStore, reader: Option<&StaffId>) -> Result<ApprovalView, Failure> {
        let staff: StaffId = id(self.staff)?;
        let key = keystore.get(&KeyRef::staff(&staff)).await?;
        Ok(ApprovalView {
            id: id::<SupportApprovalId>(self.id)?,
            organisation: id(self.organisation)?,
            act: self.act,
            object: self.object,
            staff_name: self.staff_name.open(&key, staff_place("name", staff.as_str()))?.disclose(Purpose::Directory),
            asked_at: Millis(self.asked_at),
            approved: self.approved_at.is_some(),
            expires_at: Millis(self.expires_at),
            own: reader == Some(&staff),
        })
    }
}
