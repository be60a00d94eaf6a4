//! The numbers of the overview.

use std::collections::HashMap;

use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use shutterpost_model::events::{DayNumbers, Overview, SilentDevice};
use shutterpost_model::id::MessageId;
use shutterpost_model::messages::DeliveryState;
use shutterpost_model::time::{DAY, Date, Millis};

use super::queries;
use super::rows::{SummaryRow, device_names, stored};
use crate::db::{Conn, on_db};
use crate::error::Failure;
use crate::identity::scope::OrgScope;
use crate::keystore::{KeyStore, Sealed};
use crate::schema::{captures, events, events_devices, guests, messages};

const DAYS: i64 = 14;
const NEWEST_EVENTS: i64 = 6;
const SILENT_AFTER: i64 = 20 * 60_000;
/// Messages are searched by id, which begins with the time of creation; one may be sent this much later.
const SENT_WITHIN: i64 = 7 * DAY;

pub(super) async fn read(
    conn: &mut Conn,
    keystore: &KeyStore,
    scope: &OrgScope,
    now: Millis,
) -> Result<Overview, Failure> {
    let today = now.date();
    let first = today.plus_days(1 - DAYS);
    let since = Millis(first.days() * DAY);
    let captured = captured(conn, scope, first).await?;
    let delivered = settled(conn, scope, since, DeliveryState::Sent).await?;
    let failed = settled(conn, scope, since, DeliveryState::Failed).await?;
    let numbers = |day: Date| {
        let of = |counts: &HashMap<i64, i64>| counts.get(&day.days()).copied().unwrap_or_default();
        DayNumbers { day, captures: of(&captured), delivered: of(&delivered), failed: of(&failed) }
    };
    let events = queries::list(conn, scope, NEWEST_EVENTS).await?;
    Ok(Overview {
        today: numbers(today),
        days: (0..DAYS).map(|index| numbers(first.plus_days(index))).collect(),
        failed_messages: messages_in(conn, scope, DeliveryState::Failed).await?,
        waiting_messages: messages_in(conn, scope, DeliveryState::Queued).await?,
        silent_devices: silent(conn, keystore, scope, now).await?,
        events: events.into_iter().map(SummaryRow::into_summary).collect::<Result<_, _>>()?,
    })
}

/// Captures received, by day. One range of the index each: grouping would sort every capture of two weeks.
async fn captured(conn: &mut Conn, scope: &OrgScope, first: Date) -> Result<HashMap<i64, i64>, Failure> {
    let gone = gone(conn, scope).await?;
    let mut counts = HashMap::new();
    for day in first.days()..first.days() + DAYS {
        let count = on_db!(conn, c => captures::table
            .filter(captures::organisation_id.eq(scope.organisation().as_str()))
            .filter(captures::received_at.ge(day * DAY))
            .filter(captures::received_at.lt((day + 1) * DAY))
            .filter(captures::deleted_at.is_null())
            .filter(captures::event_id.ne_all(gone.iter()))
            .count()
            .get_result::<i64>(c).await)?;
        counts.insert(day, count);
    }
    Ok(counts)
}

/// Events in the trash: what is in them does not count.
async fn gone(conn: &mut Conn, scope: &OrgScope) -> Result<Vec<String>, Failure> {
    on_db!(conn, c => events::table
        .filter(events::organisation_id.eq(scope.organisation().as_str()))
        .filter(events::deleted_at.is_not_null())
        .select(events::id)
        .load(c).await)
}

/// Messages, but for those about something or to somebody in the trash. Sets rather than joins: there is little in the
/// trash, and there are many messages.
macro_rules! living {
    ($scope:expr) => {{
        let organisation = $scope.organisation().as_str();
        messages::table
            .filter(messages::organisation_id.eq(organisation))
            .filter(
                messages::guest_id.is_null().or(messages::guest_id.ne_all(
                    guests::table
                        .filter(guests::organisation_id.eq(organisation))
                        .filter(guests::deleted_at.is_not_null())
                        .select(guests::id.nullable()),
                )),
            )
            .filter(
                messages::capture_id.is_null().or(messages::capture_id.ne_all(
                    captures::table
                        .filter(captures::organisation_id.eq(organisation))
                        .filter(captures::deleted_at.is_not_null())
                        .select(captures::id.nullable()),
                )),
            )
            .filter(
                messages::event_id.is_null().or(messages::event_id.ne_all(
                    events::table
                        .filter(events::organisation_id.eq(organisation))
                        .filter(events::deleted_at.is_not_null())
                        .select(events::id.nullable()),
                )),
            )
    }};
}

/// Messages that came to this end, by the day on which they were sent, or made if they were not.
async fn settled(
    conn: &mut Conn,
    scope: &OrgScope,
    since: Millis,
    state: DeliveryState,
) -> Result<HashMap<i64, i64>, Failure> {
    // The same text twice rather than a bound divisor: to PostgreSQL two parameters are two expressions.
    let day = || sql::<BigInt>("COALESCE(messages.sent_at, messages.created_at) / 86400000");
    let oldest = MessageId::new(since.0.saturating_sub(SENT_WITHIN), [0; 10]);
    let rows = on_db!(conn, c => living!(scope)
        .filter(messages::state.eq(state.as_str()))
        .filter(messages::id.ge(oldest.as_str()))
        .group_by(day())
        .select((day(), count_star()))
        .load::<(i64, i64)>(c).await)?;
    Ok(rows.into_iter().collect())
}

async fn messages_in(conn: &mut Conn, scope: &OrgScope, state: DeliveryState) -> Result<i64, Failure> {
    on_db!(conn, c => living!(scope)
        .filter(messages::state.eq(state.as_str()))
        .count()
        .get_result(c).await)
}

async fn silent(
    conn: &mut Conn,
    keystore: &KeyStore,
    scope: &OrgScope,
    now: Millis,
) -> Result<Vec<SilentDevice>, Failure> {
    let today = now.date();
    let text = today.to_string();
    let rows = on_db!(conn, c => events_devices::table
        .inner_join(events::table.on(events::id.eq(events_devices::event_id)))
        .filter(events::organisation_id.eq(scope.organisation().as_str()))
        .filter(events_devices::organisation_id.eq(scope.organisation().as_str()))
        .filter(events::deleted_at.is_null())
        .filter(events::starts_on.le(&text))
        .filter(events::ends_on.ge(&text))
        .filter(events_devices::revoked_at.is_null())
        .filter(events_devices::last_seen_at.ge(today.days() * DAY))
        .filter(events_devices::last_seen_at.lt(now.0 - SILENT_AFTER))
        .order(events_devices::last_seen_at.asc())
        .limit(50)
        .select((events::id, events::name, events_devices::id, events_devices::name, events_devices::last_seen_at))
        .load::<(String, String, String, Sealed<String>, Option<i64>)>(c).await)?;
    let sealed = rows.iter().map(|(event, _, device, name, _)| (device.clone(), event.clone(), name.clone())).collect();
    let names = device_names(keystore, scope.organisation(), sealed).await?;
    let mut devices = Vec::with_capacity(rows.len());
    for ((event, event_name, _, _, last_seen_at), (_, device_name)) in rows.into_iter().zip(names) {
        let last_seen_at = Millis(last_seen_at.unwrap_or_default());
        devices.push(SilentDevice { event: stored(&event)?, event_name, device_name, last_seen_at });
    }
    Ok(devices)
}
