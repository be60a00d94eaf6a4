//! Joining an organisation by the link of an invitation.

use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::UserId;
use shutterpost_model::identity::security::{Method, SignedIn};
use shutterpost_model::identity::{AcceptInvitation, Client, InvitationView};
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Purpose, Secret};
use shutterpost_model::validate;
use shutterpost_vault::token::OneTimeToken;

use super::accounts::{self, AccountsService, Checked};
use crate::audit::record::{Doer, Entry, record};
use crate::context::World;
use crate::db::{Tx, write_tx};
use crate::error::Failure;
use crate::identity::one_time as tokens;
use crate::identity::queries::users::Registered;
use crate::identity::queries::{memberships, one_time, users};
use crate::identity::rows::{OpenInvitation, User};
use crate::identity::session::{self, Opening};
use crate::identity::trace::Trace;
use crate::keystore::Sealed;
use crate::services::Deps;

/// Who joins, as far as it was proved before the transaction.
enum Joiner {
    /// Somebody with an account, by its password: `stored` is the hash that says so, `renewed` a better one.
    Known {
        user: UserId,
        language: Language,
        stored: Sealed<Secret>,
        renewed: Option<Sealed<Secret>>,
    },
    New {
        registered: Registered,
        name: Pii<String>,
        language: Language,
        hash: Secret,
    },
}

impl AccountsService {
    pub(super) async fn try_invitation(&self, token: &str) -> Result<InvitationView, Failure> {
        let (invitation, _) = self.open_invitation(token).await?;
        let OpenInvitation { id: _, organisation: _, organisation_name, email, role } = invitation;
        let user = users::by_email(&mut self.deps.db.read().await?, &self.deps.keystore, &email).await?;
        Ok(InvitationView {
            organisation: organisation_name,
            email: email.disclose(Purpose::OwnData),
            role,
            has_account: user.is_some(),
        })
    }

    async fn open_invitation(&self, token: &str) -> Result<(OpenInvitation, [u8; 32]), Failure> {
        let token = OneTimeToken::parse(token).ok_or(Code::LinkExpired)?;
        let hash = tokens::invitation_hash(&self.deps.keys, &token);
        let now = self.deps.world.now();
        let mut conn = self.deps.db.read().await?;
        let open = one_time::open_invitation(&mut conn, &self.deps.keystore, &hash, now).await?;
        open.map(|invitation| (invitation, hash)).ok_or_else(|| Code::LinkExpired.into())
    }

    pub(super) async fn try_accept(
        &self,
        token: &str,
        accept: AcceptInvitation,
        client: Client,
    ) -> Result<SignedIn, Failure> {
        let Deps { db, world, keys, keystore, .. } = self.deps.clone();
        self.addresses.admit(client.address, world.now())?;
        let (invitation, hash) = self.open_invitation(token).await?;
        let user = users::by_email(&mut db.read().await?, &keystore, &invitation.email).await?;
        let joiner = match user {
            Some(user) => self.known(user, accept.password).await?,
            None => self.newcomer(&invitation, accept).await?,
        };
        let joining = match &joiner {
            Joiner::Known { user, language, .. } => (user, *language),
            Joiner::New { registered, language, .. } => (&registered.id, *language),
        };
        let trace = Trace::of(&world, &keys, &keystore, joining, &client).await?;
        write_tx!(db, tx => {
            let OpenInvitation { id, organisation, organisation_name: _, email, role } = invitation;
            let now = world.now();
            if !one_time::accept(tx, &id, &hash, now).await? {
                return Err(Code::LinkExpired.into());
            }
            let user = admit(tx, &world, joiner, &email).await?;
            memberships::insert(tx, &organisation, &user, role, now).await.map_err(|failure| match failure {
                Failure::Duplicate(_) => Code::AlreadyMember.into(),
                other => other,
            })?;
            let opening = Opening {
                user: &user,
                organisation: Some(&organisation),
                kind: session::Kind::Browser,
                method: Method::Invitation,
                trace: &trace,
            };
            let (admitted, _) = accounts::admit(tx, &world, &keys, opening).await?;
            let entry = Entry::new("identity.accept_invitation").object(id.as_str()).request(client.request);
            record(tx, &world, Some(&organisation), &Doer::User(user), entry).await?;
            Ok(admitted)
        })
    }

    async fn known(&self, user: User, password: Secret) -> Result<Joiner, Failure> {
        match self.check(Some(&user), password.clone()).await? {
            Checked::Right { turn, stored, rehash } => {
                let renewed = self.renewed(&user.id, turn, rehash, password).await?;
                Ok(Joiner::Known { user: user.id, language: user.language, stored, renewed })
            }
            Checked::Wrong => Err(AppError::field("password", Code::WrongPassword).into()),
        }
    }

    async fn newcomer(&self, invitation: &OpenInvitation, accept: AcceptInvitation) -> Result<Joiner, Failure> {
        let AcceptInvitation { name, password, language } = accept;
        let name = Pii::new(name.expose().trim().to_owned());
        validate::name(name.expose()).map_err(|code| AppError::field("name", code))?;
        let (email, organisation) = (&invitation.email, &invitation.organisation_name);
        let hash = self.hash_of_newcomer(&name, email, organisation, password).await?;
        let registered = users::register(&self.deps.world, &self.deps.keystore, email).await?;
        Ok(Joiner::New { registered, name, language, hash })
    }
}

/// Settles the account of somebody who has one, or makes it.
async fn admit(tx: &mut Tx, world: &World, joiner: Joiner, email: &Pii<String>) -> Result<UserId, Failure> {
    match joiner {
        Joiner::Known { user, language: _, stored, renewed } => {
            if users::settle(tx, &user, &stored, renewed.as_ref()).await? {
                Ok(user)
            } else {
                Err(AppError::field("password", Code::WrongPassword).into())
            }
        }
        Joiner::New { registered, name, language, hash } => {
            let row = registered.row(world, email, &name, language, &hash);
            // Two invitations of one address, accepted at once: the page is to be loaded again and asks for the password.
            users::insert(tx, &row).await.map_err(|failure| match failure {
                Failure::Duplicate(_) => Code::Conflict.into(),
                other => other,
            })?;
            Ok(registered.id)
        }
    }
}
