//! The SQL of share links.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::captures::RenditionFile;
use shutterpost_model::id::{CaptureId, LinkId};
use shutterpost_model::share::LinkKind;
use shutterpost_model::time::Millis;

use super::rows::{FileRow, LinkRow, OpenRow, ShownRow};
use crate::db::{Conn, Tx, on_db};
use crate::error::Failure;
use crate::events::rows::{EventRow, LogoRow};
use crate::events::scope::Tenant;
use crate::identity::scope::OrgScope;
use crate::schema::{captures, captures_renditions, events, events_logos, guests, identity_organisations, share_links};

/// A link by the hash of its page's token, if it is not revoked and neither capture nor event nor the guest whose link
/// it is are deleted. The token is the proof, so this and the two below take no scope.
pub(super) async fn by_token(conn: &mut Conn, hash: &[u8; 32]) -> Result<Option<OpenRow>, Failure> {
    on_db!(conn, c => share_links::table
        .inner_join(captures::table.on(captures::id.eq(share_links::capture_id)))
        .inner_join(events::table.on(events::id.eq(captures::event_id)))
        .left_join(guests::table.on(guests::id.nullable().eq(share_links::guest_id)))
        .inner_join(identity_organisations::table.on(identity_organisations::id.eq(share_links::organisation_id)))
        .filter(share_links::token_hash.eq(hash.as_slice()))
        .filter(share_links::revoked_at.is_null())
        .filter(captures::deleted_at.is_null())
        .filter(events::deleted_at.is_null())
        .filter(guests::deleted_at.is_null())
        .select((
            LinkRow::as_select(),
            EventRow::as_select(),
            identity_organisations::name,
            captures::captured_at,
            captures::revision,
            ShownRow::as_select(),
        ))
        .first::<OpenRow>(c).await.optional())
}

/// A rendition by the hash of a media token, under the same conditions; in this revision, or in what was made of it
/// since: letters that were sent go on showing a picture.
pub(super) async fn media(conn: &mut Conn, hash: &[u8; 32], file: RenditionFile) -> Result<Option<FileRow>, Failure> {
    on_db!(conn, c => share_links::table
        .inner_join(captures::table.on(captures::id.eq(share_links::capture_id)))
        .inner_join(events::table.on(events::id.eq(captures::event_id)))
        .left_join(guests::table.on(guests::id.nullable().eq(share_links::guest_id)))
        .inner_join(captures_renditions::table.on(captures_renditions::capture_id.eq(captures::id)))
        .filter(share_links::media_hash.eq(hash.as_slice()))
        .filter(share_links::revoked_at.is_null())
        .filter(captures::deleted_at.is_null())
        .filter(captures::revision.ge(file.revision))
        .filter(captures_renditions::name.eq(file.name.as_str()))
        .filter(captures_renditions::encoding.eq(file.encoding.extension()))
        .filter(events::deleted_at.is_null())
        .filter(guests::deleted_at.is_null())
        .select((
            captures_renditions::object,
            captures_renditions::etag,
            captures::organisation_id,
            captures::key_subject,
            events::kept_until,
            events::time_zone,
        ))
        .first::<FileRow>(c).await.optional())
}

/// The event's logo by the hash of a media token, under the same conditions. Its id is its validator.
pub(super) async fn logo_by_token(conn: &mut Conn, hash: &[u8; 32]) -> Result<Option<FileRow>, Failure> {
    on_db!(conn, c => share_links::table
        .inner_join(captures::table.on(captures::id.eq(share_links::capture_id)))
        .inner_join(events::table.on(events::id.eq(captures::event_id)))
        .left_join(guests::table.on(guests::id.nullable().eq(share_links::guest_id)))
        .inner_join(events_logos::table.on(events::logo_id.eq(events_logos::id.nullable())))
        .filter(share_links::media_hash.eq(hash.as_slice()))
        .filter(share_links::revoked_at.is_null())
        .filter(captures::deleted_at.is_null())
        .filter(events::deleted_at.is_null())
        .filter(guests::deleted_at.is_null())
        .select((
            events_logos::object,
            events_logos::id,
            events_logos::organisation_id,
            events_logos::event_id,
            events::kept_until,
            events::time_zone,
        ))
        .first::<FileRow>(c).await.optional())
}

/// The logo in use.
pub(super) async fn logo(conn: &mut Conn, scope: &impl Tenant, logo: &str) -> Result<LogoRow, Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(conn, c => events_logos::table
        .filter(events_logos::organisation_id.eq(organisation))
        .filter(events_logos::id.eq(logo))
        .select(LogoRow::as_select())
        .first(c).await)
}

/// Name of the organisation, for the legal foot.
pub(super) async fn organisation_name(conn: &mut Conn, scope: &impl Tenant) -> Result<String, Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(conn, c => identity_organisations::table
        .filter(identity_organisations::id.eq(organisation))
        .select(identity_organisations::name)
        .first(c).await)
}

/// Links of a capture, oldest first, but for those of guests in the trash.
pub(super) async fn of_capture(
    conn: &mut Conn,
    scope: &impl Tenant,
    capture: &CaptureId,
) -> Result<Vec<LinkRow>, Failure> {
    let organisation = scope.organisation().as_str();
    on_db!(conn, c => share_links::table
        .left_join(guests::table.on(guests::id.nullable().eq(share_links::guest_id)))
        .filter(share_links::organisation_id.eq(organisation))
        .filter(share_links::capture_id.eq(capture.as_str()))
        .filter(guests::deleted_at.is_null())
        .order(share_links::id.asc())
        .select(LinkRow::as_select())
        .load(c).await)
}

/// The view link of a capture, unless it is revoked.
pub(super) async fn view_link(
    conn: &mut Conn,
    scope: &impl Tenant,
    capture: &CaptureId,
) -> Result<Option<LinkRow>, Failure> {
    let links = of_capture(conn, scope, capture).await?;
    Ok(links.into_iter().find(|link| link.kind == LinkKind::View.as_str() && link.revoked_at.is_none()))
}

/// A link of the organisation whose event exists, and whose guest is not in the trash.
pub(super) async fn find(conn: &mut Conn, scope: &OrgScope, link: &LinkId) -> Result<LinkRow, Failure> {
    on_db!(conn, c => share_links::table
        .inner_join(captures::table.on(captures::id.eq(share_links::capture_id)))
        .inner_join(events::table.on(events::id.eq(captures::event_id)))
        .left_join(guests::table.on(guests::id.nullable().eq(share_links::guest_id)))
        .filter(share_links::organisation_id.eq(scope.organisation().as_str()))
        .filter(share_links::id.eq(link.as_str()))
        .filter(events::deleted_at.is_null())
        .filter(guests::deleted_at.is_null())
        .select(LinkRow::as_select())
        .first(c).await)
}

pub(super) async fn insert(tx: &mut Tx, _scope: &impl Tenant, row: &LinkRow) -> Result<(), Failure> {
    on_db!(tx, c => diesel::insert_into(share_links::table).values(row).execute(c).await)?;
    Ok(())
}

/// Puts the link into another generation; it works again if it was revoked.
pub(super) async fn renew(
    tx: &mut Tx,
    scope: &OrgScope,
    link: &LinkId,
    generation: i32,
    hashes: ([u8; 32], [u8; 32]),
) -> Result<(), Failure> {
    let (token_hash, media_hash) = hashes;
    on_db!(tx, c => diesel::update(share_links::table)
        .filter(share_links::organisation_id.eq(scope.organisation().as_str()))
        .filter(share_links::id.eq(link.as_str()))
        .set((
            share_links::generation.eq(generation),
            share_links::token_hash.eq(token_hash.as_slice()),
            share_links::media_hash.eq(media_hash.as_slice()),
            share_links::revoked_at.eq(None::<i64>),
        ))
        .execute(c).await)?;
    Ok(())
}

pub(super) async fn revoke(tx: &mut Tx, scope: &OrgScope, link: &LinkId, now: Millis) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(share_links::table)
        .filter(share_links::organisation_id.eq(scope.organisation().as_str()))
        .filter(share_links::id.eq(link.as_str()))
        .filter(share_links::revoked_at.is_null())
        .set(share_links::revoked_at.eq(now.0))
        .execute(c).await)?;
    Ok(())
}
