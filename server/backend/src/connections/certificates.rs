//! Telling owners that the certificate of their provider is about to end: 30, 7 and 1 days before.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::connections::{Notice, State};
use shutterpost_model::id::OrganisationId;
use shutterpost_model::time::DAY;

use crate::db::{on_db, write_tx};
use crate::error::Failure;
use crate::identity::notices;
use crate::jobs::Permit;
use crate::schema::sso_connections;
use crate::services::Deps;

/// How often it is looked.
pub(crate) const EVERY: Duration = Duration::from_secs(3600);

/// The nearest of the steps that are reached, and its notice.
const fn step(left: i64) -> Option<(i32, Notice)> {
    match left {
        left if left <= DAY => Some((1, Notice::CertificateDay)),
        left if left <= 7 * DAY => Some((7, Notice::CertificateWeek)),
        left if left <= 30 * DAY => Some((30, Notice::CertificateMonth)),
        _ => None,
    }
}

/// Tells the owners of connections in use whose last certificate ends soon, once for each step.
pub(crate) async fn warn(_permit: Permit, deps: Deps) -> Result<(), Failure> {
    let now = deps.world.now();
    let mut conn = deps.db.read().await?;
    let rows: Vec<(String, String, Option<i64>, Option<i32>)> = on_db!(conn, c => sso_connections::table
        .filter(sso_connections::state.eq(State::On.as_str()))
        .filter(sso_connections::certificate_ends_at.le(now.plus(30 * DAY).0))
        .select((
            sso_connections::organisation_id,
            sso_connections::id,
            sso_connections::certificate_ends_at,
            sso_connections::certificate_told,
        ))
        .load(c).await)?;
    drop(conn);
    for (organisation, connection, ends_at, told) in rows {
        let Some((days, notice)) = ends_at.and_then(|ends_at| step(ends_at - now.0)) else { continue };
        if told.is_some_and(|told| told <= days) {
            continue;
        }
        let (db, world) = (deps.db.clone(), deps.world.clone());
        write_tx!(db, tx => {
            // Of two that look at once, one tells; and a certificate that was exchanged meanwhile is nobody's worry.
            let noted = on_db!(tx, c => diesel::update(sso_connections::table)
                .filter(sso_connections::organisation_id.eq(&organisation))
                .filter(sso_connections::id.eq(&connection))
                .filter(sso_connections::certificate_ends_at.eq(ends_at))
                .filter(sso_connections::certificate_told.is_null()
                    .or(sso_connections::certificate_told.gt(days)))
                .set(sso_connections::certificate_told.eq(days))
                .execute(c).await)?;
            if noted == 1 {
                let organisation: OrganisationId =
                    organisation.parse().map_err(|_| Failure::Internal("a stored id does not read".into()))?;
                notices::tell_owners(tx, &world, &organisation, notice).await?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
