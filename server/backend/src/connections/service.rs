//! The rules of connections.

use async_trait::async_trait;
use shutterpost_model::access::{Actor, Permission};
use shutterpost_model::connections::{
    Admission, ConnectionSummary, ConnectionView, Connections, Kind, MOST, NewConnection, Notice, OidcDraft, RoleRule,
    SamlShape, State, TestReport,
};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::ConnectionId;
use shutterpost_model::validate;
use shutterpost_sso::oidc::connection::Connection as Oidc;
use shutterpost_sso::saml::connection::{Connection as Saml, Own};
use shutterpost_vault::wrap::Purpose;

use super::rows::{NewConnectionRow, Sealer, Settings, SettingsRow, Stored, connection_key};
use super::{draft, queries};
use crate::audit::record::{Doer, Entry, record};
use crate::db::write_tx;
use crate::error::Failure;
use crate::identity::scope::OrgScope;
use crate::identity::{notices, own_sign_in, provided};
use crate::keystore::Realm;
use crate::services::Deps;

/// The port of connections on the database.
#[derive(Debug)]
pub struct ConnectionsService {
    pub(super) deps: Deps,
}

/// What a change of settings does to the last test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Whoever could sign in still can.
    KeepsTest,
    /// Somebody has to try again.
    NeedsTest,
}

/// New settings, what becomes of the test, and the names of what changed.
type Changed = (Settings, Effect, Vec<&'static str>);

impl ConnectionsService {
    pub const fn new(deps: Deps) -> Self {
        Self { deps }
    }

    pub(super) fn scope(&self, actor: &Actor) -> Result<OrgScope, Failure> {
        OrgScope::prove(actor, Permission::SignInManage)
    }

    pub(super) fn confirmed(&self, actor: &Actor) -> Result<OrgScope, Failure> {
        OrgScope::prove_confirmed(actor, Permission::SignInManage, self.deps.world.now())
    }

    async fn try_list(&self, actor: &Actor) -> Result<Vec<ConnectionSummary>, Failure> {
        let scope = self.scope(actor)?;
        let rows = queries::list(&mut self.deps.db.read().await?, &scope).await?;
        rows.into_iter().map(super::rows::SummaryRow::listed).collect()
    }

    async fn try_find(&self, actor: &Actor, connection: &ConnectionId) -> Result<ConnectionView, Failure> {
        let scope = self.scope(actor)?;
        let Deps { db, world, keystore, origin, .. } = &self.deps;
        let found = queries::find(&mut db.read().await?, keystore, &scope, connection).await?;
        Ok(found.view(origin, world.now()))
    }

    async fn try_create(&self, actor: &Actor, new: NewConnection) -> Result<ConnectionId, Failure> {
        let scope = self.confirmed(actor)?;
        let NewConnection { kind, provider, name } = new;
        let name = name.trim().to_owned();
        validate::name(&name).map_err(|code| AppError::field("name", code))?;
        if !provider.speaks(kind) {
            return Err(AppError::field("kind", Code::BadChoice).into());
        }
        let (Deps { db, world, keystore, .. }, doer) = (self.deps.clone(), Doer::from(actor));
        let id = world.id(ConnectionId::new);
        let key = keystore.make_one(&connection_key(scope.organisation(), id.as_str())).await?;
        write_tx!(db, tx => {
            if queries::count(tx, &scope).await? >= i64::try_from(MOST).unwrap_or(i64::MAX) {
                return Err(Code::TooMany.into());
            }
            let realm = Realm::Organisation(scope.organisation().clone());
            let sealer = Sealer { world: &world, key: &key, realm, connection: id.as_str() };
            let now = world.now().0;
            let row = NewConnectionRow {
                organisation_id: scope.organisation().as_str(),
                id: id.as_str(),
                kind: kind.as_str(),
                provider: provider.as_str(),
                name: &name,
                state: State::Off.as_str(),
                trust_factor: false,
                just_in_time: false,
                role_map: sealer.role_map(&[])?,
                created_at: now,
                changed_at: now,
            };
            queries::insert(tx, &scope, &row).await?;
            let entry = Entry::new("connections.create").object(id.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await?;
            Ok(id)
        })
    }

    /// Changes the settings in one transaction that holds the connection. `change` sees them as they are then.
    async fn change<F>(&self, actor: &Actor, connection: &ConnectionId, change: F) -> Result<(), Failure>
    where
        F: FnOnce(Stored) -> Result<Option<Changed>, AppError> + Send + 'static,
    {
        let scope = self.confirmed(actor)?;
        let (Deps { db, world, keystore, .. }, doer) = (self.deps.clone(), Doer::from(actor));
        let id = connection.clone();
        write_tx!(db, tx => {
            queries::hold(tx, &scope, &id).await?;
            let before = queries::find(tx, &keystore, &scope, &id).await?;
            let (changed_at, tested_at, state) = (before.changed_at, before.tested_at, before.state);
            let Some((settings, effect, fields)) = change(before)? else { return Ok(()) };
            let key = keystore.get(&connection_key(scope.organisation(), id.as_str())).await?;
            let realm = Realm::Organisation(scope.organisation().clone());
            let sealer = Sealer { world: &world, key: &key, realm, connection: id.as_str() };
            let row = SettingsRow {
                settings: sealer.settings(&settings)?,
                certificate_ends_at: settings.certificate_ends_at(),
                certificate_told: None,
                tested_at: tested_at.filter(|_| effect == Effect::KeepsTest).map(|at| at.0),
                // Never the same twice: a test of the former settings says nothing about these.
                changed_at: match effect {
                    Effect::KeepsTest => changed_at.0,
                    Effect::NeedsTest => world.now().0.max(changed_at.0 + 1),
                },
            };
            queries::set_settings(tx, &scope, &id, &row).await?;
            if state == State::On {
                notices::tell_owners(tx, &world, scope.organisation(), Notice::Changed).await?;
            }
            let entry = Entry::new("connections.change").object(id.as_str()).fields(fields);
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }

    async fn try_enter_oidc(&self, actor: &Actor, connection: &ConnectionId, draft: OidcDraft) -> Result<(), Failure> {
        let fetch = std::sync::Arc::clone(&self.deps.providers.fetch);
        self.change(actor, connection, move |stored| {
            if stored.kind != Kind::Oidc {
                return Err(Code::NotFound.into());
            }
            let before = oidc(stored.settings.as_ref());
            let made = draft::oidc(stored.provider, &draft, before, &*fetch)?;
            let same = before.is_some_and(|before| draft::same_provider(before, &made));
            if stored.state == State::On && !same {
                return Err(Code::ConnectionOn.into());
            }
            // A new secret may be wrong; what is on stays on, because the old one ends at the provider.
            Ok(Some((Settings::Oidc(Box::new(made)), Effect::NeedsTest, vec!["settings"])))
        })
        .await
    }

    pub(super) async fn try_enter_metadata(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
        document: Vec<u8>,
    ) -> Result<(), Failure> {
        let (origin, now) = (self.deps.origin.clone(), self.deps.world.now());
        self.change(actor, connection, move |stored| {
            if stored.kind != Kind::Saml {
                return Err(Code::NotFound.into());
            }
            let own = Own::new(&origin, stored.id.as_str());
            let (before, in_use) = (saml(stored.settings.as_ref()), stored.state == State::On);
            let (made, change) = draft::saml(stored.provider, own, &document, before, in_use, now)?;
            let (effect, field) = match change {
                draft::Change::Certificates => (Effect::KeepsTest, "certificates"),
                draft::Change::Everything => (Effect::NeedsTest, "settings"),
            };
            Ok(Some((Settings::Saml(Box::new(made)), effect, vec![field])))
        })
        .await
    }

    async fn try_shape_saml(&self, actor: &Actor, connection: &ConnectionId, shape: SamlShape) -> Result<(), Failure> {
        self.change(actor, connection, move |stored| {
            let Some(before) = saml(stored.settings.as_ref()) else { return Err(Code::NotFound.into()) };
            shape.check()?;
            let made = draft::shaped(before, &shape);
            if stored.state == State::On && made.subject != before.subject {
                // Everybody would be somebody else.
                return Err(Code::ConnectionOn.into());
            }
            if made == *before {
                return Ok(None);
            }
            Ok(Some((Settings::Saml(Box::new(made)), Effect::NeedsTest, vec!["attributes"])))
        })
        .await
    }

    async fn try_add_certificate(&self, actor: &Actor, connection: &ConnectionId, pem: &str) -> Result<(), Failure> {
        let pem = pem.to_owned();
        self.change(actor, connection, move |stored| {
            let Some(before) = saml(stored.settings.as_ref()) else { return Err(Code::NotFound.into()) };
            let made = draft::with_certificate(before, &pem)?;
            Ok(Some((Settings::Saml(Box::new(made)), Effect::KeepsTest, vec!["certificates"])))
        })
        .await
    }

    async fn try_remove_certificate(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
        fingerprint: &str,
    ) -> Result<(), Failure> {
        let fingerprint = fingerprint.to_owned();
        self.change(actor, connection, move |stored| {
            let Some(before) = saml(stored.settings.as_ref()) else { return Err(Code::NotFound.into()) };
            let made = draft::without_certificate(before, &fingerprint)?.ok_or(Code::NotFound)?;
            Ok(Some((Settings::Saml(Box::new(made)), Effect::KeepsTest, vec!["certificates"])))
        })
        .await
    }

    async fn try_admit(&self, actor: &Actor, connection: &ConnectionId, admission: Admission) -> Result<(), Failure> {
        let scope = self.confirmed(actor)?;
        let (Deps { db, world, keystore, .. }, doer) = (self.deps.clone(), Doer::from(actor));
        let id = connection.clone();
        write_tx!(db, tx => {
            queries::hold(tx, &scope, &id).await?;
            let before = queries::find(tx, &keystore, &scope, &id).await?;
            let admission = trimmed(admission);
            admission.check()?;
            let fields = differences(&before.admission, &admission);
            if fields.is_empty() {
                return Ok(());
            }
            let key = keystore.get(&connection_key(scope.organisation(), id.as_str())).await?;
            let realm = Realm::Organisation(scope.organisation().clone());
            let sealer = Sealer { world: &world, key: &key, realm, connection: id.as_str() };
            let role_map = sealer.role_map(&admission.role_map)?;
            queries::set_admission(tx, &scope, &id, &admission, &role_map).await?;
            if before.state == State::On {
                notices::tell_owners(tx, &world, scope.organisation(), Notice::Changed).await?;
            }
            let entry = Entry::new("connections.change").object(id.as_str()).fields(fields);
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }

    async fn try_switch(&self, actor: &Actor, connection: &ConnectionId, state: State) -> Result<(), Failure> {
        let scope = self.confirmed(actor)?;
        let (Deps { db, world, keystore, .. }, doer) = (self.deps.clone(), Doer::from(actor));
        let id = connection.clone();
        write_tx!(db, tx => {
            if state == State::Off {
                // Before the connection is held: whoever asks everybody to come by it takes the two in this order.
                own_sign_in::lock(tx, &scope).await?;
            }
            queries::hold(tx, &scope, &id).await?;
            let before = queries::find(tx, &keystore, &scope, &id).await?;
            if before.state == state {
                return Ok(());
            }
            if state == State::Off {
                own_sign_in::keeps_a_way_in(tx, &scope, &id).await?;
            }
            if state == State::On && (before.settings.is_none() || before.tested_at.is_none()) {
                return Err(Code::ConnectionUntested.into());
            }
            queries::set_state(tx, &scope, &id, state).await?;
            if state == State::Off {
                // What came by it goes with it.
                provided::end(tx, &id, None, None).await?;
            }
            let (action, notice) = match state {
                State::On => ("connections.switch_on", Notice::SwitchedOn),
                State::Off => ("connections.switch_off", Notice::SwitchedOff),
            };
            notices::tell_owners(tx, &world, scope.organisation(), notice).await?;
            record(tx, &world, Some(scope.organisation()), &doer, Entry::new(action).object(id.as_str())).await
        })
    }

    async fn try_delete(&self, actor: &Actor, connection: &ConnectionId) -> Result<(), Failure> {
        let scope = self.confirmed(actor)?;
        let (Deps { db, world, keystore, .. }, doer) = (self.deps.clone(), Doer::from(actor));
        let id = connection.clone();
        let (locked, switched) = (scope.clone(), id.clone());
        write_tx!(db, tx => {
            own_sign_in::lock(tx, &locked).await?;
            queries::hold(tx, &locked, &switched).await?;
            own_sign_in::keeps_a_way_in(tx, &locked, &switched).await?;
            // From here on nobody counts on it.
            queries::set_state(tx, &locked, &switched, State::Off).await
        })?;
        // First: a row without its key is deleted by the sweep, a key without its row would be found no more.
        let realm = Realm::Organisation(scope.organisation().clone());
        keystore.destroy(&realm, &[Purpose::Subject], &[id.as_str()]).await?;
        write_tx!(db, tx => {
            queries::hold(tx, &scope, &id).await?;
            queries::delete(tx, &scope, &id).await?;
            notices::tell_owners(tx, &world, scope.organisation(), Notice::Deleted).await?;
            let entry = Entry::new("connections.delete").object(id.as_str());
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }
}

fn oidc(settings: Option<&Settings>) -> Option<&Oidc> {
    match settings {
        Some(Settings::Oidc(oidc)) => Some(oidc),
        _ => None,
    }
}

fn saml(settings: Option<&Settings>) -> Option<&Saml> {
    match settings {
        Some(Settings::Saml(saml)) => Some(saml),
        _ => None,
    }
}

/// Groups without the spaces around them, and without empty lines of the form.
fn trimmed(admission: Admission) -> Admission {
    let rules = admission.role_map.into_iter();
    let rules = rules.map(|RoleRule { group, role }| RoleRule { group: group.trim().to_owned(), role });
    Admission { role_map: rules.filter(|rule| !rule.group.is_empty()).collect(), ..admission }
}

/// Names of what is another.
fn differences(before: &Admission, after: &Admission) -> Vec<&'static str> {
    let Admission { trust_factor, just_in_time, default_role, role_map } = before;
    let mut fields = Vec::new();
    let mut note = |differs: bool, field: &'static str| fields.extend(differs.then_some(field));
    note(*trust_factor != after.trust_factor, "trust_factor");
    note(*just_in_time != after.just_in_time, "just_in_time");
    note(*default_role != after.default_role, "default_role");
    note(*role_map != after.role_map, "role_map");
    fields
}

#[async_trait]
impl Connections for ConnectionsService {
    async fn list(&self, actor: &Actor) -> Result<Vec<ConnectionSummary>, AppError> {
        self.try_list(actor).await.map_err(AppError::from)
    }

    async fn find(&self, actor: &Actor, connection: &ConnectionId) -> Result<ConnectionView, AppError> {
        self.try_find(actor, connection).await.map_err(AppError::from)
    }

    async fn create(&self, actor: &Actor, new: NewConnection) -> Result<ConnectionId, AppError> {
        self.try_create(actor, new).await.map_err(AppError::from)
    }

    async fn enter_oidc(&self, actor: &Actor, connection: &ConnectionId, draft: OidcDraft) -> Result<(), AppError> {
        self.try_enter_oidc(actor, connection, draft).await.map_err(AppError::from)
    }

    async fn enter_metadata(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
        document: Vec<u8>,
    ) -> Result<(), AppError> {
        self.try_enter_metadata(actor, connection, document).await.map_err(AppError::from)
    }

    async fn fetch_metadata(&self, actor: &Actor, connection: &ConnectionId, url: &str) -> Result<(), AppError> {
        self.try_fetch_metadata(actor, connection, url).await.map_err(AppError::from)
    }

    async fn probe(&self, actor: &Actor, connection: &ConnectionId) -> Result<TestReport, AppError> {
        self.try_probe(actor, connection).await.map_err(AppError::from)
    }

    async fn shape_saml(&self, actor: &Actor, connection: &ConnectionId, shape: SamlShape) -> Result<(), AppError> {
        self.try_shape_saml(actor, connection, shape).await.map_err(AppError::from)
    }

    async fn add_certificate(&self, actor: &Actor, connection: &ConnectionId, pem: &str) -> Result<(), AppError> {
        self.try_add_certificate(actor, connection, pem).await.map_err(AppError::from)
    }

    async fn remove_certificate(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
        fingerprint: &str,
    ) -> Result<(), AppError> {
        self.try_remove_certificate(actor, connection, fingerprint).await.map_err(AppError::from)
    }

    async fn admit(&self, actor: &Actor, connection: &ConnectionId, admission: Admission) -> Result<(), AppError> {
        self.try_admit(actor, connection, admission).await.map_err(AppError::from)
    }

    async fn switch(&self, actor: &Actor, connection: &ConnectionId, state: State) -> Result<(), AppError> {
        self.try_switch(actor, connection, state).await.map_err(AppError::from)
    }

    async fn delete(&self, actor: &Actor, connection: &ConnectionId) -> Result<(), AppError> {
        self.try_delete(actor, connection).await.map_err(AppError::from)
    }
}
