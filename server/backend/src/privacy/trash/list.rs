//! The lines of the trash: each feature gives its own, newest first, and they are merged here.

use std::collections::HashMap;

use shutterpost_model::access::Permission;
use shutterpost_model::pii::{Disclosed, Pii, Purpose, mask_email, mask_name, mask_phone};
use shutterpost_model::privacy::trash::{TrashItem, TrashKind, Trashed};
use shutterpost_model::time::Millis;

use super::super::queries;
use crate::audit::queries as audit;
use crate::captures::trash::{self as captures, KEPT};
use crate::db::Conn;
use crate::error::Failure;
use crate::events::rows::stored;
use crate::events::trash as events;
use crate::guests::rows::Contact;
use crate::guests::{queries as stored_guests, trash as guests};
use crate::identity::removed::{self, may_give};
use crate::identity::scope::OrgScope;
use crate::keystore::KeyStore;
use crate::services::Deps;

/// After every id; ids end in a hexadecimal digit.
const FIRST: (i64, &str) = (i64::MAX, "~");

/// A line, and the id of who deleted it.
type Line = (TrashItem, Option<String>);

/// Up to `most` lines behind a place.
pub(super) async fn read(
    deps: &Deps,
    scope: &OrgScope,
    kind: Option<TrashKind>,
    after: Option<(i64, String)>,
    most: usize,
) -> Result<Vec<TrashItem>, Failure> {
    let (since, limit) = (captures::since(&deps.world), i64::try_from(most).unwrap_or(i64::MAX));
    let after = after.as_ref().map_or(FIRST, |(at, object)| (*at, object.as_str()));
    let wanted = |one: TrashKind| kind.is_none_or(|kind| kind == one);
    let mut conn = deps.db.read().await?;
    let mut lines: Vec<Line> = Vec::new();
    if wanted(TrashKind::Capture) {
        for row in captures::list(&mut conn, scope, since, after, limit).await? {
            lines.push(capture(row)?);
        }
    }
    if wanted(TrashKind::Guest) {
        for row in guests::list(&mut conn, scope, since, after, limit).await? {
            lines.extend(guest(&mut conn, &deps.keystore, scope, row).await?);
        }
    }
    if wanted(TrashKind::Event) {
        for row in events::list(&mut conn, scope, since, after, limit).await? {
            // Those that are being erased cannot come back.
            if queries::of_object(&mut conn, scope, &row.id).await?.is_none() {
                lines.push(event(row)?);
            }
        }
    }
    if wanted(TrashKind::Member) && scope.actor().is_some_and(|actor| actor.may(Permission::PeopleManage)) {
        for row in removed::list(&mut conn, &deps.keystore, scope, since, after, limit).await? {
            lines.push(member(scope, row));
        }
    }
    lines.sort_by(|(one, _), (other, _)| (other.deleted_at, &other.object).cmp(&(one.deleted_at, &one.object)));
    lines.truncate(most);
    let ids: Vec<String> = lines.iter().filter_map(|(_, by)| by.clone()).collect();
    let names: HashMap<String, String> = audit::names(&mut conn, &deps.keystore, scope, &ids).await?;
    let named = |(item, by): Line| TrashItem { deleted_by: by.and_then(|by| names.get(&by).cloned()), ..item };
    Ok(lines.into_iter().map(named).collect())
}

fn line(kind: TrashKind, object: String, what: Trashed, deleted_at: i64, by: Option<String>) -> Line {
    let deleted_at = Millis(deleted_at);
    let restorable_until = deleted_at.plus(KEPT);
    (TrashItem { kind, object, what, deleted_at, deleted_by: None, restorable_until, may_restore: true }, by)
}

fn capture(row: captures::TrashedCapture) -> Result<Line, Failure> {
    let what = Trashed::Capture {
        event: stored(&row.event)?,
        event_name: row.event_name.clone(),
        captured_at: Millis(row.captured_at),
        thumb: row.thumb()?,
    };
    Ok(line(TrashKind::Capture, row.id, what, row.deleted_at.unwrap_or_default(), row.deleted_by))
}

/// Nothing for a guest who is being erased at this moment.
async fn guest(
    conn: &mut Conn,
    keystore: &KeyStore,
    scope: &OrgScope,
    row: guests::TrashedGuest,
) -> Result<Option<Line>, Failure> {
    let (row, event_name, deleted_at, deleted_by) = row;
    let ring = keystore.find(&[row.key()?]).await?;
    let Contact { name, email, phone } = match row.contact(&ring) {
        Err(Failure::NotFound) => return Ok(None),
        other => other?,
    };
    let masked = |value: Option<Pii<String>>, mask: fn(&str) -> String| -> Option<Disclosed<String>> {
        value.map(|value| Pii::new(mask(value.expose())).disclose(Purpose::GuestCare))
    };
    let what = Trashed::Guest {
        event: stored(&row.event_id)?,
        event_name,
        name: masked(name, mask_name),
        email: masked(email, mask_email),
        phone: masked(phone, mask_phone),
        captures: stored_guests::captures_of(conn, scope, &row.id).await?,
    };
    Ok(Some(line(TrashKind::Guest, row.id, what, deleted_at.unwrap_or_default(), deleted_by)))
}

fn event(row: events::TrashedEvent) -> Result<Line, Failure> {
    let (starts_on, ends_on) = row.days()?;
    let what = Trashed::Event { name: row.name, starts_on, ends_on, captures: row.captures };
    Ok(line(TrashKind::Event, row.id, what, row.deleted_at.unwrap_or_default(), row.deleted_by))
}

fn member(scope: &OrgScope, row: crate::identity::rows::RemovedMember) -> Line {
    let crate::identity::rows::RemovedMember { user, name, email, role, deleted_at, deleted_by } = row;
    let may_restore = may_give(scope, role);
    let what = Trashed::Member { name, email, role };
    let (item, by) = line(TrashKind::Member, user, what, deleted_at, deleted_by);
    (TrashItem { may_restore, ..item }, by)
}
