//! What the command line and the demo do without being signed in. Called by the operator of the machine alone.

use shutterpost_model::access::Role;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{OrganisationId, UserId};
use shutterpost_model::identity::security::Activity;
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::validate::{self, Check};

use super::PasswordPolicy;
use super::queries::{factors, memberships, sessions, users};
use super::service::{AccountsService, own_sign_in};
use super::trace;
use crate::audit::record::{Doer, Entry, record};
use crate::db::{Db, write_tx};
use crate::error::Failure;
use crate::services::Deps;

/// A person to be made a member of an organisation.
#[derive(Debug, Clone)]
pub struct NewMember {
    pub name: Pii<String>,
    pub email: Pii<String>,
    /// For a new account; an existing one keeps its own.
    pub password: Secret,
    pub role: Role,
    pub language: Language,
}

/// Makes an organisation and its owner. An organisation of that name and an account of that address are used as they
/// are, so that the same call twice changes nothing the second time.
///
/// # Errors
/// Wrong fields: `organisation`, `name`, `email`, `password`.
pub async fn create_owner(
    deps: &Deps,
    policy: PasswordPolicy,
    organisation: &str,
    name: Pii<String>,
    email: Pii<String>,
    password: Secret,
) -> Result<(OrganisationId, UserId), AppError> {
    let organisation = organisation.trim().to_owned();
    validate::name(&organisation).map_err(|code| AppError::field("organisation", code))?;
    let member = NewMember { name, email, password, role: Role::Owner, language: Language::default() };
    create(deps, policy, Place::Named(organisation), member).await.map_err(AppError::from)
}

/// Adds a member. Somebody who is one already gets the role.
///
/// # Errors
/// Wrong fields: `name`, `email`, `password`; [`Code::NotFound`] without such an organisation.
pub async fn create_member(
    deps: &Deps,
    policy: PasswordPolicy,
    organisation: &OrganisationId,
    member: NewMember,
) -> Result<UserId, AppError> {
    let created = create(deps, policy, Place::Known(organisation.clone()), member).await;
    created.map(|(_, user)| user).map_err(AppError::from)
}

/// Whether nobody has been made yet: neither an organisation nor a person.
pub(crate) async fn is_empty(db: &Db) -> Result<bool, Failure> {
    let mut conn = db.read().await?;
    Ok(!memberships::any_organisation(&mut conn).await? && !users::any(&mut conn).await?)
}

/// The oldest organisation of that name.
pub async fn find_organisation_by_name(deps: &Deps, name: &str) -> Result<Option<OrganisationId>, AppError> {
    let find = async { memberships::organisation_by_name(&mut deps.db.read().await?, name.trim()).await };
    find.await.map_err(AppError::from)
}

/// The account of an address.
pub async fn find_user_by_email(deps: &Deps, email: &Pii<String>) -> Result<Option<UserId>, AppError> {
    let Ok(email) = validate::email(email.expose()) else { return Ok(None) };
    let find = async { users::by_email(&mut deps.db.read().await?, &deps.keystore, &Pii::new(email)).await };
    find.await.map(|user| user.map(|user| user.id)).map_err(AppError::from)
}

/// Takes the second factor of an account away, for somebody who lost phone and recovery codes and was recognised by other
/// means. All their sessions end, and a mail tells them. `false` if there is no such account or it has no factor.
pub async fn remove_factor(deps: &Deps, email: &Pii<String>) -> Result<bool, AppError> {
    let Some(user) = find_user_by_email(deps, email).await? else { return Ok(false) };
    let Deps { db, world, keystore, .. } = deps.clone();
    let removed = write_tx!(db, tx => {
        let Some(user) = users::by_id(tx, &keystore, &user).await? else { return Ok(false) };
        if !factors::is_active(tx, &user.id).await? {
            return Ok(false);
        }
        factors::remove(tx, &user.id).await?;
        factors::end_pending_of(tx, &user.id).await?;
        sessions::delete_of_user(tx, &user.id, None).await?;
        trace::tell(tx, &world, (&user.id, user.language), Activity::FactorRemoved, None).await?;
        let entry = Entry::new("identity.remove_factor").object(user.id.as_str());
        record(tx, &world, None, &Doer::System, entry).await?;
        Ok(true)
    });
    removed.map_err(AppError::from)
}

/// Arms an owner for a day, so that they get in by their own second factor while the provider is down that their
/// organisation asks for. Told to all owners.
///
/// # Errors
/// [`Code::NotFound`] if nobody of that address is a member, [`Code::BadChoice`] on `user` for a member who is no owner,
/// [`Code::FactorFirst`] without a second factor.
pub async fn arm_owner(deps: &Deps, organisation: &OrganisationId, email: &Pii<String>) -> Result<(), AppError> {
    let user = find_user_by_email(deps, email).await?.ok_or(Code::NotFound)?;
    let (Deps { db, world, .. }, organisation) = (deps.clone(), organisation.clone());
    let armed = write_tx!(db, tx => own_sign_in::arm_by_operator(tx, &world, &organisation, &user).await);
    armed.map_err(AppError::from)
}

enum Place {
    Named(String),
    Known(OrganisationId),
}

async fn create(
    deps: &Deps,
    policy: PasswordPolicy,
    place: Place,
    member: NewMember,
) -> Result<(OrganisationId, UserId), Failure> {
    let NewMember { name, email, password, role, language } = member;
    let mut check = Check::default();
    check.rule("name", validate::name(name.expose()));
    let email = check.value("email", validate::email(email.expose()));
    check.finish()?;
    let (name, email) = (Pii::new(name.expose().trim().to_owned()), Pii::new(email.unwrap_or_default()));

    let known = users::by_email(&mut deps.db.read().await?, &deps.keystore, &email).await?;
    let newcomer = match known {
        Some(_) => None,
        None => {
            let company = if let Place::Named(company) = &place { company.as_str() } else { "" };
            let accounts = AccountsService::new(deps.clone(), policy);
            let hash = accounts.hash_of_newcomer(&name, &email, company, password).await?;
            Some((users::register(&deps.world, &deps.keystore, &email).await?, hash))
        }
    };
    let Deps { db, world, keystore, .. } = deps.clone();
    write_tx!(db, tx => {
        let now = world.now();
        let mut changed = false;
        let organisation = match place {
            Place::Known(organisation) => {
                memberships::organisation_exists(tx, &organisation).await?.then_some(organisation).ok_or(Failure::NotFound)?
            }
            Place::Named(company) => match memberships::organisation_by_name(tx, &company).await? {
                Some(organisation) => organisation,
                None => {
                    changed = true;
                    let organisation = world.id(OrganisationId::new);
                    memberships::insert_organisation(tx, &organisation, &company, now).await?;
                    organisation
                }
            },
        };
        let user = match (users::by_email(tx, &keystore, &email).await?, newcomer) {
            (Some(user), _) => user.id,
            (None, Some((registered, hash))) => {
                changed = true;
                users::insert(tx, &registered.row(&world, &email, &name, language, &hash)).await?;
                registered.id
            }
            // The account was there a moment ago and is gone.
            (None, None) => return Err(Code::Conflict.into()),
        };
        match memberships::role(tx, &organisation, &user).await? {
            Some(current) if current == role => {}
            Some(_) => {
                changed = true;
                memberships::set_role(tx, &organisation, &user, role).await?;
            }
            None => {
                changed = true;
                memberships::insert(tx, &organisation, &user, role, now).await?;
            }
        }
        if changed {
            let entry = Entry::new("identity.create_member").object(user.as_str());
            record(tx, &world, Some(&organisation), &Doer::System, entry).await?;
        }
        Ok((organisation, user))
    })
}
