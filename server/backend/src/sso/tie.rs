//! Tying an account to a person at the provider, once whoever it belongs to has proved it.

use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{ConnectionId, UserId};
use shutterpost_model::identity::{Client, NewSession};
use shutterpost_model::pii::{Pii, Purpose as Disclosure, Secret};
use shutterpost_model::sso::{Arrived, TieView};
use shutterpost_sso::oidc::attempt::hash;

use super::admission::place;
use super::attempts::{Begun, Payload, Proof, Purpose};
use super::queries;
use super::service::{Errand, Kept, SsoService};
use super::visit::{Shown, Visit, admission, refused_in, used_up};
use crate::audit::record::{Doer, Entry, record};
use crate::connections::rows::Usable;
use crate::db::write_tx;
use crate::error::Failure;
use crate::identity::provided::{self, Account};
use crate::services::Deps;

/// How long somebody may take to prove an account that is to be tied, in milliseconds.
const TIE: i64 = 10 * 60_000;

impl SsoService {
    /// Has somebody prove once that the account with their address is theirs.
    pub(super) async fn to_tie(
        &self,
        usable: &Usable,
        begun: Begun,
        shown: Shown,
        account: Account,
        client: &Client,
    ) -> Result<Arrived, Failure> {
        let Deps { db, world, keys, .. } = self.deps.clone();
        let Shown { proof, assertion } = shown;
        let cookie = self.secret();
        let payload = Payload::Tie(Box::new(Proof { account: Some(account.id.as_str().to_owned()), ..proof }));
        let (taken, request, held) = (usable.clone(), client.request.clone(), begun.clone());
        let left = write_tx!(db, tx => {
            if let Err(refusal) = used_up(tx, &keys, &taken, &held, assertion.as_ref()).await? {
                return Ok(Some(refused_in(tx, &world, &taken, refusal, request).await?));
            }
            Ok(None)
        })?;
        if let Some(refused) = left {
            return Ok(refused);
        }
        let errand = Errand { purpose: Purpose::Tie, holder: None, next: begun.next };
        let expires = self.deps.world.now().plus(TIE);
        let state_hash = hash(&cookie);
        self.keep(usable, errand, Kept { state_hash: &state_hash, payload: &payload, browser: &cookie, expires })
            .await?;
        Ok(Arrived::Tie { cookie, max_age: TIE / 1000 })
    }

    /// What waits to be tied, by its cookie.
    async fn waiting(&self, usable: &Usable, cookie: &str) -> Result<(Begun, Proof, UserId), Failure> {
        let begun = self.begun(usable, &Secret::new(cookie.to_owned())).await?;
        let begun = begun.filter(|begun| begun.purpose == Purpose::Tie).ok_or(Code::SignInNeeded)?;
        let Payload::Tie(proof) = &begun.payload else { return Err(Code::SignInNeeded.into()) };
        let account = proof.account.as_deref().and_then(|id| id.parse().ok()).ok_or(Code::SignInNeeded)?;
        let proof = Proof::clone(proof);
        Ok((begun, proof, account))
    }

    pub(super) async fn try_tie_view(&self, id: &ConnectionId, cookie: &str) -> Result<TieView, Failure> {
        let usable = self.switched_on(id).await?;
        let (_, proof, account) = self.waiting(&usable, cookie).await?;
        Ok(TieView {
            connection: usable.name,
            email: Pii::new(proof.email.unwrap_or_default()).disclose(Disclosure::OwnData),
            two_factor: self.accounts.has_factor(&account).await?,
        })
    }

    pub(super) async fn try_tie(
        &self,
        id: &ConnectionId,
        cookie: &str,
        (password, code): (Secret, Secret),
        client: Client,
    ) -> Result<(NewSession, Option<String>), Failure> {
        self.accounts.slow_down(&client)?;
        let usable = self.switched_on(id).await?;
        let (begun, proof, account) = self.waiting(&usable, cookie).await?;
        let proved = self.accounts.prove_account(&account, password).await?;
        let entering = self.accounts.entering(&account, &client).await?;
        let Deps { db, world, keys, .. } = self.deps.clone();
        let outcome = write_tx!(db, tx => {
            let Some(method) = proved.settle(tx, &world, &keys, &code).await? else {
                // Kept, not rolled back: the count of the try.
                return Ok(Err(Code::WrongCode));
            };
            if !queries::take(tx, &usable.id, &begun.state_hash).await? {
                return Err(Code::SignInNeeded.into());
            }
            let visit = Visit { world: &world, keys: &keys, usable: &usable, proof: &proof, entering: &entering };
            let standing = provided::standing(tx, &usable.organisation, entering.user()).await?;
            let Ok(place) = place(standing, &admission(&usable), &proof.groups, None) else {
                return Err(Code::Forbidden.into());
            };
            visit.take_place(tx, place, None).await?;
            visit.be_known(tx, false).await?;
            // The account's own second factor was shown just now.
            let method = if method.has_factor() { method } else { visit.method() };
            let session = visit.open(tx, method).await?;
            let entry = Entry::new("sso.tie").object(usable.id.as_str()).request(client.request);
            record(tx, &world, Some(&usable.organisation), &Doer::User(entering.user().clone()), entry).await?;
            Ok(Ok((session, begun.next)))
        })?;
        outcome.map_err(|code| AppError::field("code", code).into())
    }
}
