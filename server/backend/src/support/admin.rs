//! What the command line does. Called by the operator of the machine alone: nobody becomes staff in another way.

use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{StaffId, StaffInvitationId};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::support::{StaffView, SupportMoment};
use shutterpost_model::time::DAY;
use shutterpost_model::validate::{self, Check};
use shutterpost_vault::keys::Keys;
use shutterpost_vault::token::OneTimeToken;

use super::queries::{grants, staff};
use super::rows::{invitation_place, staff_place};
use super::tell;
use crate::audit::record::{Doer, Entry, record};
use crate::db::{Tx, write_tx};
use crate::error::Failure;
use crate::identity::factors;
use crate::identity::rows::id;
use crate::keystore::{KeyRef, Sealed};
use crate::services::Deps;

/// How long the link of an invitation is good.
const INVITATION_GOOD: i64 = 2 * DAY;

fn token(keys: &Keys, invitation: &StaffInvitationId) -> OneTimeToken {
    keys.one_time_token("staff_invitation", invitation.as_str(), 0)
}

/// What the column `token_hash` holds.
pub(super) fn token_hash(keys: &Keys, token: &OneTimeToken) -> [u8; 32] {
    keys.lookup("staff_invitation", token.bytes())
}

/// Makes somebody a member of the staff and gives the path of the link by which they join, once and within 48 hours.
/// Somebody who was invited and has not joined gets a new link.
///
/// # Errors
/// Wrong fields: `name`, `email`; [`Code::Conflict`] for who has joined or was disabled.
pub async fn invite(
    deps: &Deps,
    name: Pii<String>,
    email: Pii<String>,
    language: Language,
) -> Result<Secret, AppError> {
    try_invite(deps, name, email, language).await.map_err(AppError::from)
}

async fn try_invite(deps: &Deps, name: Pii<String>, email: Pii<String>, language: Language) -> Result<Secret, Failure> {
    let mut check = Check::default();
    check.rule("name", validate::name(name.expose()));
    let email = check.value("email", validate::email(email.expose()));
    check.finish()?;
    let (name, email) = (Pii::new(name.expose().trim().to_owned()), Pii::new(email.unwrap_or_default()));
    let Deps { db, world, keystore, .. } = deps.clone();
    let known = staff::by_email(&mut db.read().await?, &keystore, &email).await?;
    if known.as_ref().is_some_and(|known| known.disabled || known.proofs.is_some()) {
        return Err(Code::Conflict.into());
    }
    let fresh = world.id(StaffId::new);
    let person: StaffId = id(keystore.claim(&staff::by_address(), email.expose(), fresh.as_str()).await?)?;
    let key = keystore.make_one(&KeyRef::staff(&person)).await?;
    let (sealed_email, sealed_name) = (
        Sealed::seal(&world, &key, staff_place("email", person.as_str()), &email),
        Sealed::seal(&world, &key, staff_place("name", person.as_str()), &name),
    );
    let deps = deps.clone();
    write_tx!(db, tx => {
        if known.is_none() {
            let inserted = staff::insert(tx, &person, (&sealed_email, &sealed_name), language, world.now()).await;
            inserted.map_err(|failure| match failure {
                // Invited by somebody else in this moment.
                Failure::Duplicate(_) => Code::Conflict.into(),
                other => other,
            })?;
        }
        let link = link(tx, &deps, &person, &key).await?;
        record(tx, &world, None, &Doer::System, Entry::new("support.invite").object(person.as_str())).await?;
        Ok(link)
    })
}

/// The path of a new link; every other of the person is worthless from now on.
async fn link(
    tx: &mut Tx,
    deps: &Deps,
    person: &StaffId,
    key: &shutterpost_vault::data_key::DataKey,
) -> Result<Secret, Failure> {
    let world = &deps.world;
    let (invitation, now) = (world.id(StaffInvitationId::new), world.now());
    let token = token(&deps.keys, &invitation);
    let secret = Sealed::seal(world, key, invitation_place(invitation.as_str()), &factors::new_secret(world));
    let hash = token_hash(&deps.keys, &token);
    staff::invite(tx, &invitation, person, (&hash, &secret), (now, now.plus(INVITATION_GOOD))).await?;
    Ok(Secret::new(format!("/support/invitation/{}", token.reveal())))
}

/// Everybody, by the time they were invited.
///
/// # Errors
/// Those of the database.
pub async fn list(deps: &Deps) -> Result<Vec<StaffView>, AppError> {
    let list = async {
        let rows = staff::all(&mut deps.db.read().await?).await?;
        let mut listed = Vec::with_capacity(rows.len());
        for row in rows {
            listed.push(row.open(&deps.keystore).await?.listed());
        }
        Ok::<_, Failure>(listed)
    };
    list.await.map_err(AppError::from)
}

/// Shuts somebody out: their sessions and links end at once, and so does everything that organisations allowed them. Their
/// name stays for the trails of those. `false` if there is no such person or they were disabled before.
///
/// # Errors
/// Those of the database.
pub async fn disable(deps: &Deps, email: &Pii<String>) -> Result<bool, AppError> {
    let disable = async {
        let Some(person) = find(deps, email).await? else { return Ok(false) };
        let Deps { db, world, .. } = deps.clone();
        write_tx!(db, tx => {
            let now = world.now();
            if !staff::disable(tx, &person, now).await? {
                return Ok(false);
            }
            staff::end_all(tx, &person).await?;
            for (grant, organisation) in grants::open_by(tx, &person).await? {
                if grants::end(tx, &grant, now).await? {
                    tell::owners(tx, &world, &organisation, &grant, SupportMoment::Ended).await?;
                    let entry = Entry::new("support.end").object(grant.as_str());
                    record(tx, &world, Some(&organisation), &Doer::System, entry).await?;
                }
            }
            record(tx, &world, None, &Doer::System, Entry::new("support.disable").object(person.as_str())).await?;
            Ok(true)
        })
    };
    disable.await.map_err(AppError::from)
}

/// For somebody who lost phone and recovery codes and was recognised by other means: password and factor go, their sessions
/// end, and the path of a link is given by which they set up both anew. `None` without such a person who has joined.
///
/// # Errors
/// Those of the database.
pub async fn remove_factor(deps: &Deps, email: &Pii<String>) -> Result<Option<Secret>, AppError> {
    let remove = async {
        let Some(person) = find(deps, email).await? else { return Ok(None) };
        let key = deps.keystore.get(&KeyRef::staff(&person)).await?;
        let deps = deps.clone();
        write_tx!(deps.db, tx => {
            let found = staff::by_id(tx, &deps.keystore, &person).await?;
            if found.is_none_or(|found| found.disabled || found.proofs.is_none()) {
                return Ok(None);
            }
            staff::forget_proofs(tx, &person).await?;
            let link = link(tx, &deps, &person, &key).await?;
            let entry = Entry::new("support.remove_factor").object(person.as_str());
            record(tx, &deps.world, None, &Doer::System, entry).await?;
            Ok(Some(link))
        })
    };
    remove.await.map_err(AppError::from)
}

async fn find(deps: &Deps, email: &Pii<String>) -> Result<Option<StaffId>, Failure> {
    let Ok(email) = validate::email(email.expose()) else { return Ok(None) };
    let found = staff::by_email(&mut deps.db.read().await?, &deps.keystore, &Pii::new(email)).await?;
    Ok(found.map(|found| found.id))
}
