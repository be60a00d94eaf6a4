//! The SQL of what is made of captures later, and of what is made anew.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::captures::RenditionName;

use super::purge;
use super::queries::renditions_of;
use super::rows::RenditionRow;
use crate::db::{Tx, on_db};
use crate::error::Failure;
use crate::events::scope::{EventScope, Tenant};
use crate::keystore::Sealed;
use crate::schema::{captures, captures_renditions};

/// What is added to a capture later.
#[derive(Debug)]
pub(crate) struct Added<'a> {
    pub(crate) renditions: &'a [RenditionRow],
    /// How long it plays, if that is known now.
    pub(crate) duration: Option<i64>,
    /// Whether it is known now that nothing that browsers play can be made of it.
    pub(crate) unplayable: bool,
}

/// Adds what was made later. `false`, and nothing is written, if the capture is gone, is of another revision, or has one of
/// the renditions already.
pub(crate) async fn add_renditions(
    tx: &mut Tx,
    scope: &EventScope,
    (capture, revision): (&str, i32),
    added: Added<'_>,
) -> Result<bool, Failure> {
    let organisation = scope.organisation().as_str();
    let Added { renditions, duration, unplayable } = added;
    // Holds the row: whoever deletes the capture, or adds to it as well, comes before or after all of this.
    let held = on_db!(tx, c => diesel::update(captures::table)
        .filter(captures::id.eq(capture))
        .filter(captures::organisation_id.eq(organisation))
        .filter(captures::revision.eq(revision))
        .set(captures::revision.eq(captures::revision))
        .execute(c).await)?;
    if held == 0 {
        return Ok(false);
    }
    let there = renditions_of(tx, organisation, capture).await?;
    let is_there = |row: &RenditionRow| there.iter().any(|old| old.name == row.name && old.encoding == row.encoding);
    // A film that somebody made meanwhile can be shown, whoever could not.
    let is_shown = there.iter().any(|old| old.name == RenditionName::Film.as_str());
    if renditions.iter().any(is_there) || (unplayable && is_shown) {
        return Ok(false);
    }
    for rendition in renditions {
        on_db!(tx, c => diesel::insert_into(captures_renditions::table).values(rendition).execute(c).await)?;
    }
    note(tx, (organisation, capture), unplayable, duration).await?;
    Ok(true)
}

/// Writes what became known of a capture when it was finished. How long it plays stays as it is where nobody knows better.
async fn note(
    tx: &mut Tx,
    (organisation, capture): (&str, &str),
    unplayable: bool,
    duration: Option<i64>,
) -> Result<(), Failure> {
    on_db!(tx, c => diesel::update(captures::table)
        .filter(captures::id.eq(capture))
        .filter(captures::organisation_id.eq(organisation))
        .set(captures::unplayable.eq(unplayable))
        .execute(c).await)?;
    if let Some(duration) = duration {
        on_db!(tx, c => diesel::update(captures::table)
            .filter(captures::id.eq(capture))
            .filter(captures::organisation_id.eq(organisation))
            .set(captures::duration.eq(duration))
            .execute(c).await)?;
    }
    Ok(())
}

/// What takes the place of a capture's pictures.
#[derive(Debug)]
pub(crate) struct Anew<'a> {
    pub(crate) mark: Option<&'a str>,
    pub(crate) look: Sealed<String>,
    /// All of its pictures, and whatever else was made anew.
    pub(crate) renditions: &'a [RenditionRow],
    pub(crate) film: AnewFilm,
}

/// What becomes of the film of a capture that is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnewFilm {
    /// It is none, or it stays as it is.
    Stays,
    /// The one before goes, whether there is another among the renditions or not.
    Goes { unplayable: bool, duration: Option<i64> },
}

/// Puts renditions in the place of others, as the next revision: all pictures go, also those that were made later, a film
/// that does not stay, and of the rest what comes anew. Gives the objects that no row names any more; `None`, and nothing is
/// written, if the capture is gone or of another revision.
pub(crate) async fn replace_renditions(
    tx: &mut Tx,
    scope: &EventScope,
    (capture, revision): (&str, i32),
    anew: Anew<'_>,
) -> Result<Option<Vec<String>>, Failure> {
    let organisation = scope.organisation().as_str();
    let Anew { mark, look, renditions, film } = anew;
    let held = on_db!(tx, c => diesel::update(captures::table)
        .filter(captures::id.eq(capture))
        .filter(captures::organisation_id.eq(organisation))
        .filter(captures::revision.eq(revision))
        .set((
            captures::revision.eq(revision.saturating_add(1)),
            captures::mark.eq(mark),
            captures::look.eq(Some(&look)),
        ))
        .execute(c).await)?;
    if held == 0 {
        return Ok(None);
    }
    if let AnewFilm::Goes { unplayable, duration } = film {
        note(tx, (organisation, capture), unplayable, duration).await?;
    }
    let goes = |name: &str| {
        RenditionName::PICTURES.iter().any(|picture| picture.as_str() == name)
            || (film != AnewFilm::Stays && name == RenditionName::Film.as_str())
    };
    let comes = |old: &RenditionRow| renditions.iter().any(|new| new.name == old.name && new.encoding == old.encoding);
    let there = renditions_of(tx, organisation, capture).await?;
    let mut objects = Vec::new();
    for old in there.into_iter().filter(|old| goes(&old.name) || comes(old)) {
        on_db!(tx, c => diesel::delete(captures_renditions::table)
            .filter(captures_renditions::capture_id.eq(capture))
            .filter(captures_renditions::organisation_id.eq(organisation))
            .filter(captures_renditions::name.eq(&old.name))
            .filter(captures_renditions::encoding.eq(&old.encoding))
            .execute(c).await)?;
        objects.push(old.object);
    }
    for rendition in renditions {
        on_db!(tx, c => diesel::insert_into(captures_renditions::table).values(rendition).execute(c).await)?;
    }
    // Seeded captures share their bytes, and the original may be a rendition.
    let used = purge::in_use(tx, &objects).await?;
    objects.retain(|object| !used.contains(object));
    Ok(Some(objects))
}
