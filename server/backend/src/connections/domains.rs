//! Domains that organisations have proved by DNS.

use std::time::Duration;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::access::{Actor, Permission};
use shutterpost_model::connections::domains::{DomainView, Domains, LABEL, LOST_AFTER, MOST, TOLD_AFTER};
use shutterpost_model::connections::{Notice, State};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{ConnectionId, OrganisationId};
use shutterpost_model::pii::Pii;
use shutterpost_model::time::{DAY, Millis};

use super::dns::Unavailable;
use crate::audit::record::{Doer, Entry, record};
use crate::context::World;
use crate::db::{Conn, Tx, on_db, write_tx};
use crate::error::Failure;
use crate::identity::notices;
use crate::identity::scope::OrgScope;
use crate::jobs::Permit;
use crate::schema::{sso_connections, sso_domains};
use crate::services::Deps;

/// In front of a proof.
const PROOF: &str = "shutterpost-verification=";
const PROOF_BYTES: usize = 20;
/// Proofs are looked at again when they were not for so long: daily, with room for a late round.
const AGAIN: i64 = DAY - 3_600_000;
/// How often it is looked which are due.
pub(crate) const EVERY: Duration = Duration::from_secs(3600);
/// Domains of one round.
const ROUND: i64 = 200;
/// Longest name of DNS.
const LONGEST: usize = 253;

/// Where anybody has an address: nobody owns these, whoever could prove them.
const PUBLIC: [&str; 24] = [
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "outlook.de",
    "hotmail.com",
    "hotmail.de",
    "live.com",
    "live.de",
    "msn.com",
    "icloud.com",
    "me.com",
    "mac.com",
    "yahoo.com",
    "yahoo.de",
    "gmx.de",
    "gmx.net",
    "gmx.com",
    "web.de",
    "t-online.de",
    "freenet.de",
    "aol.com",
    "proton.me",
    "protonmail.com",
    "mail.com",
];

/// The port of domains on the database.
#[derive(Debug)]
pub struct DomainsService {
    deps: Deps,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sso_domains)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
struct DomainRow {
    organisation_id: String,
    domain: String,
    token: String,
    connection_id: Option<String>,
    verified_at: Option<i64>,
    failing_since: Option<i64>,
    told: bool,
}

impl DomainRow {
    fn view(self) -> Result<DomainView, Failure> {
        let Self { organisation_id: _, domain, token, connection_id, verified_at, failing_since, told: _ } = self;
        Ok(DomainView {
            record: format!("{LABEL}.{domain}"),
            proof: format!("{PROOF}{token}"),
            domain,
            verified_at: verified_at.map(Millis),
            failing_since: failing_since.map(Millis),
            connection: connection_id.as_deref().map(id).transpose()?,
        })
    }
}

fn id<T: std::str::FromStr>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::Internal("a stored id does not read".into()))
}

/// A domain as DNS has it: lower case, in ASCII, without a dot at its end.
pub(super) fn normal(text: &str) -> Result<String, Code> {
    let text = text.trim();
    let domain = idna::domain_to_ascii_strict(text.strip_suffix('.').unwrap_or(text)).map_err(|_| Code::BadDomain)?;
    let host = domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    let last = domain.rsplit('.').next().unwrap_or_default();
    let named = last.bytes().any(|byte| byte.is_ascii_alphabetic());
    let labels = domain.split('.').all(|label| !label.is_empty());
    if host && named && labels && domain.contains('.') && domain.len() + LABEL.len() < LONGEST {
        Ok(domain)
    } else {
        Err(Code::BadDomain)
    }
}

async fn find(conn: &mut Conn, scope: &OrgScope, domain: &str) -> Result<DomainRow, Failure> {
    on_db!(conn, c => sso_domains::table
        .filter(sso_domains::organisation_id.eq(scope.organisation().as_str()))
        .filter(sso_domains::domain.eq(domain))
        .select(DomainRow::as_select())
        .first(c).await)
}

impl DomainsService {
    pub const fn new(deps: Deps) -> Self {
        Self { deps }
    }

    fn confirmed(&self, actor: &Actor) -> Result<OrgScope, Failure> {
        OrgScope::prove_confirmed(actor, Permission::SignInManage, self.deps.world.now())
    }

    async fn try_list(&self, actor: &Actor) -> Result<Vec<DomainView>, Failure> {
        let scope = OrgScope::prove(actor, Permission::SignInManage)?;
        let mut conn = self.deps.db.read().await?;
        let rows: Vec<DomainRow> = on_db!(conn, c => sso_domains::table
            .filter(sso_domains::organisation_id.eq(scope.organisation().as_str()))
            .order(sso_domains::domain)
            .select(DomainRow::as_select())
            .load(c).await)?;
        rows.into_iter().map(DomainRow::view).collect()
    }

    async fn try_add(&self, actor: &Actor, domain: &str) -> Result<(), Failure> {
        let scope = self.confirmed(actor)?;
        let domain = normal(domain).map_err(|code| AppError::field("domain", code))?;
        if PUBLIC.contains(&&*domain) {
            return Err(AppError::field("domain", Code::PublicDomain).into());
        }
        let (Deps { db, world, .. }, doer) = (self.deps.clone(), Doer::from(actor));
        write_tx!(db, tx => {
            let organisation = scope.organisation().as_str();
            let there: i64 = on_db!(tx, c => sso_domains::table
                .filter(sso_domains::organisation_id.eq(organisation))
                .count().get_result(c).await)?;
            if there >= i64::try_from(MOST).unwrap_or(i64::MAX) {
                return Err(Code::TooMany.into());
            }
            let token = data_encoding::BASE32_NOPAD.encode(&world.bytes::<PROOF_BYTES>()).to_lowercase();
            let made = on_db!(tx, c => diesel::insert_into(sso_domains::table)
                .values((
                    sso_domains::organisation_id.eq(organisation),
                    sso_domains::domain.eq(&domain),
                    sso_domains::token.eq(&token),
                    sso_domains::created_at.eq(world.now().0),
                    sso_domains::told.eq(false),
                ))
                .on_conflict_do_nothing()
                .execute(c).await)?;
            if made == 0 {
                return Ok(());
            }
            let entry = Entry::new("connections.add_domain").object(domain);
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }

    async fn try_verify(&self, actor: &Actor, domain: &str) -> Result<(), Failure> {
        let scope = self.confirmed(actor)?;
        let (Deps { db, world, .. }, doer) = (self.deps.clone(), Doer::from(actor));
        let domain = normal(domain).map_err(|_| Failure::NotFound)?;
        let row = find(&mut db.read().await?, &scope, &domain).await?;
        match is_proved(&self.deps, &row).await {
            Ok(true) => {}
            Ok(false) => return Err(Code::DomainUnproven.into()),
            Err(Unavailable) => return Err(Code::Busy.into()),
        }
        let verified = write_tx!(db, tx => {
            let now = world.now().0;
            // Refused by an index where it is another's already: of two, the first wins.
            let changed = on_db!(tx, c => diesel::update(sso_domains::table)
                .filter(sso_domains::organisation_id.eq(scope.organisation().as_str()))
                .filter(sso_domains::domain.eq(&domain))
                .set((
                    sso_domains::verified_at.eq(now),
                    sso_domains::checked_at.eq(now),
                    sso_domains::failing_since.eq(None::<i64>),
                    sso_domains::told.eq(false),
                ))
                .execute(c).await)?;
            if changed == 0 {
                return Err(Failure::NotFound);
            }
            let entry = Entry::new("connections.verify_domain").object(domain);
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        });
        match verified {
            Err(Failure::Duplicate(_)) => Err(Code::DomainTaken.into()),
            other => other,
        }
    }

    async fn try_route(&self, actor: &Actor, domain: &str, connection: Option<ConnectionId>) -> Result<(), Failure> {
        let scope = self.confirmed(actor)?;
        let (Deps { db, world, .. }, doer) = (self.deps.clone(), Doer::from(actor));
        let domain = normal(domain).map_err(|_| Failure::NotFound)?;
        write_tx!(db, tx => {
            let organisation = scope.organisation().as_str();
            if let Some(connection) = &connection {
                on_db!(tx, c => sso_connections::table
                    .filter(sso_connections::organisation_id.eq(organisation))
                    .filter(sso_connections::id.eq(connection.as_str()))
                    .select(sso_connections::id)
                    .first::<String>(c).await)?;
            }
            let changed = on_db!(tx, c => diesel::update(sso_domains::table)
                .filter(sso_domains::organisation_id.eq(organisation))
                .filter(sso_domains::domain.eq(&domain))
                .set(sso_domains::connection_id.eq(connection.as_ref().map(ConnectionId::as_str)))
                .execute(c).await)?;
            if changed == 0 {
                return Err(Failure::NotFound);
            }
            let entry = Entry::new("connections.route_domain").object(domain);
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }

    async fn try_remove(&self, actor: &Actor, domain: &str) -> Result<(), Failure> {
        let scope = self.confirmed(actor)?;
        let (Deps { db, world, .. }, doer) = (self.deps.clone(), Doer::from(actor));
        let domain = normal(domain).map_err(|_| Failure::NotFound)?;
        write_tx!(db, tx => {
            let gone = on_db!(tx, c => diesel::delete(sso_domains::table)
                .filter(sso_domains::organisation_id.eq(scope.organisation().as_str()))
                .filter(sso_domains::domain.eq(&domain))
                .execute(c).await)?;
            if gone == 0 {
                return Err(Failure::NotFound);
            }
            let entry = Entry::new("connections.remove_domain").object(domain);
            record(tx, &world, Some(scope.organisation()), &doer, entry).await
        })
    }

    async fn try_connection_of(&self, email: &Pii<String>) -> Result<Option<ConnectionId>, Failure> {
        let Some((_, domain)) = email.expose().rsplit_once('@') else { return Ok(None) };
        let Ok(domain) = normal(domain) else { return Ok(None) };
        let mut conn = self.deps.db.read().await?;
        let found: Option<String> = on_db!(conn, c => sso_domains::table
            .inner_join(sso_connections::table.on(sso_domains::connection_id.eq(sso_connections::id.nullable())
                .and(sso_domains::organisation_id.eq(sso_connections::organisation_id))))
            .filter(sso_domains::domain.eq(&domain))
            .filter(sso_domains::verified_at.is_not_null())
            .filter(sso_connections::state.eq(State::On.as_str()))
            .select(sso_connections::id)
            .first(c).await.optional())?;
        found.as_deref().map(id).transpose()
    }
}

/// Whether the connection answers for an address: its organisation has proved the domain, and sends that domain's people to
/// it. What the provider says of the address then need not be verified by itself: Microsoft never says so.
pub(crate) async fn speaks_for(
    conn: &mut Conn,
    (organisation, connection): (&OrganisationId, &ConnectionId),
    email: &Pii<String>,
) -> Result<bool, Failure> {
    let Some((_, domain)) = email.expose().rsplit_once('@') else { return Ok(false) };
    let Ok(domain) = normal(domain) else { return Ok(false) };
    let found: i64 = on_db!(conn, c => sso_domains::table
        .filter(sso_domains::organisation_id.eq(organisation.as_str()))
        .filter(sso_domains::connection_id.eq(connection.as_str()))
        .filter(sso_domains::domain.eq(&domain))
        .filter(sso_domains::verified_at.is_not_null())
        .count().get_result(c).await)?;
    Ok(found > 0)
}

/// Whether DNS has the proof.
async fn is_proved(deps: &Deps, row: &DomainRow) -> Result<bool, Unavailable> {
    let texts = deps.providers.names.texts(&format!("{LABEL}.{}", row.domain), &deps.world).await?;
    Ok(texts.iter().any(|text| text.trim() == format!("{PROOF}{}", row.token)))
}

/// Looks at the proofs that are due. One that is missing for days is told to the owners, and in the end counts no more. When
/// nobody could be asked nothing changes.
pub(crate) async fn look_again(_permit: Permit, deps: Deps) -> Result<(), Failure> {
    let mut conn = deps.db.read().await?;
    let due = deps.world.now().plus(-AGAIN).0;
    let rows: Vec<DomainRow> = on_db!(conn, c => sso_domains::table
        .filter(sso_domains::verified_at.is_not_null())
        .filter(sso_domains::checked_at.lt(due))
        .order(sso_domains::checked_at)
        .limit(ROUND)
        .select(DomainRow::as_select())
        .load(c).await)?;
    drop(conn);
    for row in rows {
        let Ok(proved) = is_proved(&deps, &row).await else { continue };
        let (db, world) = (deps.db.clone(), deps.world.clone());
        write_tx!(db, tx => looked_at(tx, &world, &row, proved).await)?;
    }
    Ok(())
}

async fn looked_at(tx: &mut Tx, world: &World, row: &DomainRow, proved: bool) -> Result<(), Failure> {
    let now = world.now();
    let organisation: OrganisationId = id(&row.organisation_id)?;
    let since = (!proved).then(|| row.failing_since.unwrap_or(now.0));
    let missing = since.map_or(0, |since| now.0 - since);
    let (lost, tell) = (missing >= LOST_AFTER, missing >= TOLD_AFTER && !row.told);
    on_db!(tx, c => diesel::update(sso_domains::table)
        .filter(sso_domains::organisation_id.eq(&row.organisation_id))
        .filter(sso_domains::domain.eq(&row.domain))
        .set((
            sso_domains::checked_at.eq(now.0),
            sso_domains::failing_since.eq(since),
            sso_domains::told.eq(!proved && (row.told || tell)),
            sso_domains::verified_at.eq(row.verified_at.filter(|_| !lost)),
        ))
        .execute(c).await)?;
    if lost {
        notices::tell_owners(tx, world, &organisation, Notice::DomainLost).await?;
        let entry = Entry::new("connections.lose_domain").object(row.domain.clone());
        record(tx, world, Some(&organisation), &Doer::System, entry).await?;
    } else if tell {
        notices::tell_owners(tx, world, &organisation, Notice::DomainFailing).await?;
    }
    Ok(())
}

#[async_trait]
impl Domains for DomainsService {
    async fn list(&self, actor: &Actor) -> Result<Vec<DomainView>, AppError> {
        self.try_list(actor).await.map_err(AppError::from)
    }

    async fn add(&self, actor: &Actor, domain: &str) -> Result<(), AppError> {
        self.try_add(actor, domain).await.map_err(AppError::from)
    }

    async fn verify(&self, actor: &Actor, domain: &str) -> Result<(), AppError> {
        self.try_verify(actor, domain).await.map_err(AppError::from)
    }

    async fn route(&self, actor: &Actor, domain: &str, connection: Option<ConnectionId>) -> Result<(), AppError> {
        self.try_route(actor, domain, connection).await.map_err(AppError::from)
    }

    async fn remove(&self, actor: &Actor, domain: &str) -> Result<(), AppError> {
        self.try_remove(actor, domain).await.map_err(AppError::from)
    }

    async fn connection_of(&self, email: &Pii<String>) -> Result<Option<ConnectionId>, AppError> {
        self.try_connection_of(email).await.map_err(AppError::from)
    }
}
