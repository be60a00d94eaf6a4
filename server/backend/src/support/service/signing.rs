//! Joining by the link of an invitation, and signing in: the password leads to the second factor and nowhere else.

use shutterpost_model::error::{AppError, Code};
use shutterpost_model::identity::security::NewPending;
use shutterpost_model::identity::{Client, NewSession};
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::support::{StaffActor, StaffInvitation};
use shutterpost_model::validate;
use shutterpost_vault::token::OneTimeToken;

use super::SupportService;
use crate::audit::record::{Doer, Entry, record};
use crate::db::{Tx, write_tx};
use crate::error::Failure;
use crate::identity::factors::{self as codes, Shown};
use crate::keystore::{KeyRef, Sealed};
use crate::services::Deps;
use crate::support::queries::staff::OpenInvitation;
use crate::support::queries::{sessions, staff};
use crate::support::rows::{Proofs, Staff, invitation_place, staff_place};
use crate::support::{admin, session};

fn wrong() -> Failure {
    AppError::field("code", Code::WrongCode).into()
}

impl SupportService {
    pub(super) async fn try_sign_in(
        &self,
        email: Pii<String>,
        password: Secret,
        client: Client,
    ) -> Result<NewPending, Failure> {
        let Deps { db, world, keys, keystore, .. } = self.deps.clone();
        self.accounts.addresses.admit(client.address, world.now())?;
        let found = match validate::email(email.expose()) {
            Ok(email) => staff::by_email(&mut db.read().await?, &keystore, &Pii::new(email)).await?,
            Err(_) => None,
        };
        // The same work for everybody and for nobody: one hash, while the attempt is counted.
        let turn = self.accounts.hasher.turn().await?;
        let stored = found.as_ref().and_then(|found| found.proofs.as_ref()).map(|proofs| proofs.password.clone());
        let counted = self.count_password(found.as_ref());
        let (counted, verified) = tokio::join!(counted, self.accounts.hasher.verify(turn, password, stored));
        let (_, verified) = verified?;
        let admitted = counted? && verified.ok;
        let Some((person, proofs)) = found.filter(|found| admitted && !found.disabled).and_then(|mut found| {
            let proofs = found.proofs.take()?;
            Some((found, proofs))
        }) else {
            return Err(Code::SignInFailed.into());
        };
        write_tx!(db, tx => {
            if !staff::settle_password(tx, &person.id, &proofs.stored_password).await? {
                return Err(Code::SignInFailed.into());
            }
            session::open_pending(tx, &world, &keys, &person.id).await
        })
    }

    async fn count_password(&self, found: Option<&Staff>) -> Result<bool, Failure> {
        let Some(found) = found else { return Ok(false) };
        let (person, now) = (found.id.clone(), self.deps.world.now());
        write_tx!(self.deps.db, tx => staff::count_password(tx, &person, now).await)
    }

    pub(super) async fn try_present_factor(
        &self,
        cookie: &str,
        code: Secret,
        client: Client,
    ) -> Result<NewSession, Failure> {
        let deps = self.deps.clone();
        self.accounts.addresses.admit(client.address, deps.world.now())?;
        let (pending, person) = session::pending(&deps, cookie).await?.ok_or(Code::SignInNeeded)?;
        let found = staff::by_id(&mut deps.db.read().await?, &deps.keystore, &person).await?;
        // Taken away meanwhile, which ended this sign-in as well.
        let proofs = found.and_then(|found| found.proofs).ok_or(Code::SignInNeeded)?;
        write_tx!(deps.db, tx => {
            let left = sessions::try_pending(tx, &pending).await?.ok_or(Code::SignInNeeded)?;
            let doer = Doer::Staff(person.clone(), client.request);
            if !prove(tx, &deps, &person, &proofs, &code, &doer).await? {
                // Kept, not rolled back: the count of the try.
                return Ok(Err(if left == 0 { Code::SignInNeeded.into() } else { wrong() }));
            }
            if !sessions::end_pending(tx, &pending).await? {
                return Err(Code::SignInNeeded.into());
            }
            let (id, session) = session::open(tx, &deps.world, &deps.keys, &person).await?;
            record(tx, &deps.world, None, &doer, Entry::new("support.sign_in").object(id.as_str())).await?;
            Ok(Ok(session))
        })?
    }

    pub(super) async fn try_sign_out(&self, staff: &StaffActor) -> Result<(), Failure> {
        let (world, doer, session) = (self.deps.world.clone(), Doer::from(staff), staff.session().clone());
        write_tx!(self.deps.db, tx => {
            if sessions::delete(tx, &session).await? {
                record(tx, &world, None, &doer, Entry::new("support.sign_out").object(session.as_str())).await?;
            }
            Ok(())
        })
    }

    /// The invitation of a link, whom it invites, and the secret for their app.
    async fn open_invitation(&self, token: &str) -> Result<(OpenInvitation, Staff, Secret), Failure> {
        let token = OneTimeToken::parse(token).ok_or(Code::LinkExpired)?;
        let hash = admin::token_hash(&self.deps.keys, &token);
        let mut conn = self.deps.db.read().await?;
        let open = staff::invitation(&mut conn, &hash, self.deps.world.now()).await?.ok_or(Code::LinkExpired)?;
        let person = staff::by_id(&mut conn, &self.deps.keystore, &open.staff).await?.ok_or(Code::LinkExpired)?;
        let key = self.deps.keystore.get(&KeyRef::staff(&open.staff)).await?;
        let secret = open.secret.open(&key, invitation_place(open.id.as_str()))?;
        Ok((open, person, secret))
    }

    pub(super) async fn try_invitation(&self, token: &str) -> Result<StaffInvitation, Failure> {
        let (_, person, secret) = self.open_invitation(token).await?;
        let setup = codes::setup(secret, &person.email)?;
        Ok(StaffInvitation { name: person.name, email: person.email, setup })
    }

    pub(super) async fn try_accept(
        &self,
        token: &str,
        password: Secret,
        code: Secret,
        client: Client,
    ) -> Result<Vec<Secret>, Failure> {
        let Deps { db, world, keys, keystore, .. } = self.deps.clone();
        self.accounts.addresses.admit(client.address, world.now())?;
        let (open, person, secret) = self.open_invitation(token).await?;
        let now = world.now();
        let step = match Shown::read(&code) {
            Some(Shown::Code(code)) => codes::step_of(&secret, &code, now)?,
            _ => None,
        };
        let step = step.ok_or_else(wrong)?;
        let hash = self.accounts.hash_of_newcomer(&person.name, &person.email, "", password).await?;
        let key = keystore.get(&KeyRef::staff(&person.id)).await?;
        let hash = Sealed::seal(&world, &key, staff_place("password_hash", person.id.as_str()), &hash);
        let secret = Sealed::seal(&world, &key, staff_place("totp_secret", person.id.as_str()), &secret);
        write_tx!(db, tx => {
            let taken = staff::accept(tx, &open.id, now).await?
                && staff::set_proofs(tx, &person.id, (&hash, &secret), step).await?;
            if !taken {
                return Err(Code::LinkExpired.into());
            }
            let (made, shown) = codes::recovery_codes(&world);
            let hashed: Vec<_> = made.iter().map(|code| (code, code.hash(&keys, person.id.as_str()))).collect();
            staff::replace_recovery(tx, &person.id, &hashed, now).await?;
            let doer = Doer::Staff(person.id.clone(), client.request);
            record(tx, &world, None, &doer, Entry::new("support.join").object(person.id.as_str())).await?;
            Ok(shown)
        })
    }
}

/// Compares what was shown with the factor and uses it up. `false` if it is wrong, was used before or comes too soon after
/// many wrong ones: the answer does not tell which.
async fn prove(
    tx: &mut Tx,
    deps: &Deps,
    person: &shutterpost_model::id::StaffId,
    proofs: &Proofs,
    shown: &Secret,
    doer: &Doer,
) -> Result<bool, Failure> {
    let now = deps.world.now();
    if !staff::count_code(tx, person, now).await? {
        return Ok(false);
    }
    match Shown::read(shown) {
        Some(Shown::Code(code)) => match codes::step_of(&proofs.totp, &code, now)? {
            Some(step) => staff::use_step(tx, person, &proofs.stored_totp, step).await,
            None => Ok(false),
        },
        Some(Shown::Recovery(code)) => {
            let hash = code.hash(&deps.keys, person.as_str());
            if !staff::use_recovery(tx, person, code.selector(), &hash).await? {
                return Ok(false);
            }
            let entry = Entry::new("support.use_recovery").object(person.as_str());
            record(tx, &deps.world, None, doer, entry).await?;
            Ok(true)
        }
        None => Ok(false),
    }
}
