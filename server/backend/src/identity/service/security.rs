//! Where a person is signed in and was signed in to; and the port of their security.

use async_trait::async_trait;
use shutterpost_model::access::Actor;
use shutterpost_model::error::AppError;
use shutterpost_model::id::SessionId;
use shutterpost_model::identity::security::{Security, SecurityOverview, SignInView, TotpSetup};
use shutterpost_model::identity::{Client, NewSession};
use shutterpost_model::pii::{Pii, Purpose, Secret};
use shutterpost_model::time::Millis;
use shutterpost_vault::data_key::DataKey;

use super::accounts::{AccountsService, signed_in};
use crate::audit::record::{Doer, Entry, record};
use crate::db::write_tx;
use crate::error::Failure;
use crate::identity::queries::sign_ins::SignInRow;
use crate::identity::queries::{factors, sessions, sign_ins};
use crate::identity::rows::trace_place;
use crate::identity::trace::TABLE;
use crate::keystore::{KeyRef, Sealed};
use crate::services::Deps;

impl AccountsService {
    async fn try_overview(&self, actor: &Actor) -> Result<SecurityOverview, Failure> {
        let (user, own) = signed_in(actor)?;
        let Deps { db, world, keystore, .. } = &self.deps;
        let key = keystore.get(&KeyRef::user(&user)).await?;
        let mut conn = db.read().await?;
        let totp = factors::totp(&mut conn, &user).await?;
        let recovery_left = factors::recovery_left(&mut conn, &user).await?;
        let sessions = sessions::of_user(&mut conn, &user, world.now()).await?;
        let sign_ins = sign_ins::of_user(&mut conn, &user).await?;
        Ok(SecurityOverview {
            totp_since: totp.and_then(|factor| factor.confirmed_at),
            recovery_left,
            sessions: sessions.into_iter().map(|row| row.listed(&key, &own)).collect::<Result<_, _>>()?,
            sign_ins: sign_ins.into_iter().map(|row| listed(row, &key)).collect::<Result<_, _>>()?,
        })
    }

    async fn try_end_session(&self, actor: &Actor, session: &SessionId) -> Result<(), Failure> {
        let (user, _) = signed_in(actor)?;
        let (world, doer, session) = (self.deps.world.clone(), Doer::from(actor), session.clone());
        write_tx!(self.deps.db, tx => {
            if !sessions::delete_own(tx, &user, &session).await? {
                return Err(Failure::NotFound);
            }
            record(tx, &world, None, &doer, Entry::new("identity.end_session").object(session.as_str())).await
        })
    }

    async fn try_end_other_sessions(&self, actor: &Actor) -> Result<(), Failure> {
        let (user, own) = signed_in(actor)?;
        let (world, doer) = (self.deps.world.clone(), Doer::from(actor));
        write_tx!(self.deps.db, tx => {
            let ended = sessions::delete_of_user(tx, &user, Some(&own)).await?;
            factors::end_pending_of(tx, &user).await?;
            let entry = Entry::new("identity.end_other_sessions").object(user.as_str());
            let entry = entry.count(i64::try_from(ended).unwrap_or(i64::MAX));
            record(tx, &world, None, &doer, entry).await
        })
    }
}

fn listed(row: SignInRow, key: &DataKey) -> Result<SignInView, Failure> {
    let method = row.method()?;
    let SignInRow { id, at, succeeded, device, address, .. } = row;
    let open = |sealed: Sealed<Pii<String>>, column| {
        Ok::<_, Failure>(sealed.open(key, trace_place(TABLE, column, &id))?.disclose(Purpose::OwnData))
    };
    Ok(SignInView {
        at: Millis(at),
        device: open(device, "device")?,
        address: address.map(|address| open(address, "address")).transpose()?,
        method,
        succeeded,
    })
}

#[async_trait]
impl Security for AccountsService {
    async fn awaits_factor(&self, cookie: &str) -> Result<bool, AppError> {
        self.try_awaits_factor(cookie).await.map_err(AppError::from)
    }

    async fn present_factor(&self, cookie: &str, code: Secret, client: Client) -> Result<NewSession, AppError> {
        self.try_present_factor(cookie, code, client).await.map_err(AppError::from)
    }

    async fn overview(&self, actor: &Actor) -> Result<SecurityOverview, AppError> {
        self.try_overview(actor).await.map_err(AppError::from)
    }

    async fn begin_totp(&self, actor: &Actor) -> Result<(), AppError> {
        self.try_begin_totp(actor).await.map_err(AppError::from)
    }

    async fn totp_setup(&self, actor: &Actor) -> Result<Option<TotpSetup>, AppError> {
        self.try_totp_setup(actor).await.map_err(AppError::from)
    }

    async fn confirm_totp(&self, actor: &Actor, code: Secret) -> Result<(NewSession, Vec<Secret>), AppError> {
        self.try_confirm_totp(actor, code).await.map_err(AppError::from)
    }

    async fn remove_totp(&self, actor: &Actor, password: Secret, code: Secret) -> Result<NewSession, AppError> {
        self.try_remove_totp(actor, password, code).await.map_err(AppError::from)
    }

    async fn renew_recovery(&self, actor: &Actor) -> Result<Vec<Secret>, AppError> {
        self.try_renew_recovery(actor).await.map_err(AppError::from)
    }

    async fn confirm(&self, actor: &Actor, proof: Secret) -> Result<(NewSession, Actor), AppError> {
        self.try_confirm(actor, proof).await.map_err(AppError::from)
    }

    async fn end_session(&self, actor: &Actor, session: &SessionId) -> Result<(), AppError> {
        self.try_end_session(actor, session).await.map_err(AppError::from)
    }

    async fn end_other_sessions(&self, actor: &Actor) -> Result<(), AppError> {
        self.try_end_other_sessions(actor).await.map_err(AppError::from)
    }
}
