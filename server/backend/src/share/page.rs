//! The view model of a share page.

use shutterpost_model::captures::{CaptureKind, Encoding, RenditionFile, RenditionName, cms_media};
use shutterpost_model::id::CaptureId;
use shutterpost_model::share::{LinkKind, ShareFilm, SharePage, SharePicture};
use shutterpost_model::time::Millis;

use super::links::Tokens;
use super::queries;
use super::rows::ShownRow;
use super::scope::Opened;
use crate::captures::rows::{self, RenditionRow};
use crate::captures::{look, queries as captures, sample};
use crate::db::Conn;
use crate::error::Failure;
use crate::events::rows::{EventRow, logo_address, stored};
use crate::events::scope::{EventScope, Tenant};
use crate::events::zone;
use crate::services::Deps;

/// The page of a good link.
pub(super) async fn of_link(conn: &mut Conn, deps: &Deps, opened: &Opened) -> Result<SharePage, Failure> {
    let Opened { scope, row, valid_until: _ } = opened;
    let renditions = captures::renditions(conn, scope, scope.capture()).await?;
    let view = queries::view_link(conn, scope, scope.capture()).await?;
    let view = view.map(|link| Ok::<_, Failure>((stored(&link.id)?, link.generation))).transpose()?;
    let logo = match &row.event.logo_id {
        Some(logo) => Some(queries::logo(conn, scope, logo).await?),
        None => None,
    };
    let own = Tokens::derive(&deps.keys, scope.link(), scope.kind(), row.link.generation);
    let shared = view.map(|(link, generation)| Tokens::derive(&deps.keys, &link, LinkKind::View, generation));
    let path = |file: RenditionFile| own.media_path(file);
    let ShownRow { id, key_subject, kind, duration, unplayable, look } = &row.shown;
    let kind = rows::kind(kind)?;
    Ok(SharePage {
        kind: scope.kind(),
        event_name: row.event.name.clone(),
        organisation: row.organisation.clone(),
        branding: row.event.branding()?,
        logo: logo.map(|logo| (own.logo_path(), logo.width, logo.height)),
        taken_on: zone::local_date(&row.event.time_zone, Millis(row.captured_at)),
        thumb: picture(&renditions, RenditionName::Thumb, row.revision, &path)?,
        web: picture(&renditions, RenditionName::Web, row.revision, &path)?,
        large: picture(&renditions, RenditionName::Large, row.revision, &path)?,
        placeholder: look::placeholder(&deps.keystore, scope.organisation(), (id, key_subject), look.as_ref()).await?,
        capture_kind: kind,
        film: film(&renditions, (kind, *duration), row.revision, &path),
        unplayable: *unplayable,
        // Others' link previews fetch it, so it hangs on the link that is passed on, if there is one.
        og: shared.as_ref().unwrap_or(&own).media_path(RenditionFile {
            name: RenditionName::Og,
            encoding: Encoding::Jpeg,
            revision: row.revision,
        }),
        path: own.page_path(),
        share_path: shared.map(|tokens| tokens.page_path()),
        origin: deps.origin.clone(),
        kept_until: stored(&row.event.kept_until)?,
    })
}

/// A page for the preview of the CMS: the event's newest capture or the sample, under addresses of the CMS.
pub(super) async fn preview(
    conn: &mut Conn,
    deps: &Deps,
    scope: &EventScope,
    event: EventRow,
    organisation: String,
) -> Result<SharePage, Failure> {
    let logo = match &event.logo_id {
        Some(logo) => Some(queries::logo(conn, scope, logo).await?),
        None => None,
    };
    let logo = match logo {
        Some(logo) => Some((logo_address(scope.event(), &stored(&logo.id)?), logo.width, logo.height)),
        None => None,
    };
    let (mut placeholder, mut unplayable) = (None, false);
    let (capture, revision, captured_at, renditions, moves) = match captures::newest(conn, scope).await? {
        Some(row) => {
            let id: CaptureId = stored(&row.id)?;
            let renditions = captures::renditions(conn, scope, &id).await?;
            let named = (row.id.as_str(), row.key_subject.as_str());
            placeholder = look::placeholder(&deps.keystore, scope.organisation(), named, row.look.as_ref()).await?;
            let moves = (rows::kind(&row.kind)?, row.duration);
            unplayable = row.unplayable;
            (id, row.revision, Millis(row.captured_at), renditions, moves)
        }
        None => (sample::id(), sample::REVISION, deps.world.now(), samples(), (CaptureKind::Still, None)),
    };
    let path = |file: RenditionFile| cms_media(&capture, file);
    let own_path = format!("/cms/preview/{}", scope.event());
    Ok(SharePage {
        kind: LinkKind::Owner,
        organisation,
        branding: event.branding()?,
        logo,
        taken_on: zone::local_date(&event.time_zone, captured_at),
        thumb: picture(&renditions, RenditionName::Thumb, revision, &path)?,
        web: picture(&renditions, RenditionName::Web, revision, &path)?,
        large: picture(&renditions, RenditionName::Large, revision, &path)?,
        placeholder,
        capture_kind: moves.0,
        film: film(&renditions, moves, revision, &path),
        unplayable,
        og: path(RenditionFile { name: RenditionName::Og, encoding: Encoding::Jpeg, revision }),
        path: own_path.clone(),
        share_path: Some(own_path),
        origin: deps.origin.clone(),
        kept_until: stored(&event.kept_until)?,
        event_name: event.name,
    })
}

fn picture(
    renditions: &[RenditionRow],
    name: RenditionName,
    revision: i32,
    path: &impl Fn(RenditionFile) -> String,
) -> Result<SharePicture, Failure> {
    let row = renditions.iter().find(|row| row.name == name.as_str());
    let row = row.ok_or_else(|| Failure::Internal("a capture lacks a rendition".into()))?;
    let has_avif = renditions.iter().any(|row| row.name == name.as_str() && row.encoding == Encoding::Avif.extension());
    Ok(SharePicture {
        avif: has_avif.then(|| path(RenditionFile { name, encoding: Encoding::Avif, revision })),
        webp: path(RenditionFile { name, encoding: Encoding::WebP, revision }),
        jpeg: path(RenditionFile { name, encoding: Encoding::Jpeg, revision }),
        width: row.width,
        height: row.height,
    })
}

/// What moves, if it is there already.
fn film(
    renditions: &[RenditionRow],
    (kind, duration): (CaptureKind, Option<i64>),
    revision: i32,
    path: &impl Fn(RenditionFile) -> String,
) -> Option<ShareFilm> {
    let name = RenditionName::Film;
    let (mut plays, mut original) = (None, None);
    for row in renditions.iter().filter(|row| row.name == name.as_str()) {
        match row.kind() {
            Some((_, Encoding::Mp4)) => plays = Some(row),
            Some((_, encoding)) => original = Some(path(RenditionFile { name, encoding, revision })),
            None => {}
        }
    }
    plays.map(|row| ShareFilm {
        mp4: path(RenditionFile { name, encoding: Encoding::Mp4, revision }),
        original,
        width: row.width,
        height: row.height,
        duration,
        looped: kind == CaptureKind::Animation,
    })
}

/// Stands for the renditions of the sample, which is one picture in all sizes.
fn samples() -> Vec<RenditionRow> {
    let (width, height) = sample::SIZE;
    let row = |name: RenditionName| RenditionRow {
        capture_id: sample::id().into_string(),
        name: name.as_str().to_owned(),
        encoding: Encoding::WebP.extension().to_owned(),
        organisation_id: String::new(),
        width,
        height,
        size: 0,
        object: String::new(),
        etag: String::new(),
    };
    RenditionName::PICTURES.into_iter().map(row).collect()
}
