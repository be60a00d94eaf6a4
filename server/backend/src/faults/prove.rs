//! What must hold after a fault, and once the installation has had an hour to tidy up.

use std::collections::BTreeSet;
use std::sync::Arc;

use shutterpost_model::captures::Captures;
use shutterpost_model::error::Code;
use shutterpost_model::id::CaptureId;
use shutterpost_model::share::Shares;
use shutterpost_vault::stream::Header;

use super::machine::{DATA, KEYS, Machine};
use super::stage::{Installation, plain};
use super::story::{Done, Photo, Story, Wish};
use crate::captures::rows as captures;
use crate::ingest::fixture::{Stand, token};
use crate::jobs::objects::DeleteObject;
use crate::jobs::queue::JobKind;
use crate::jobs::worker::Worker;
use crate::jobs::{Permit, Wake};
use crate::privacy::{FinishErasure, Swept, sweep};
use crate::testing::lines;

/// Ends with the text unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($text:tt)+) => {
        if !$holds {
            return Err(format!($($text)+));
        }
    };
}

/// Whatever has a key of its own. An event has one as soon as it has a logo.
const OWNERS: &str = "SELECT id AS line FROM captures UNION SELECT id FROM guests UNION SELECT id FROM identity_users \
                      UNION SELECT id FROM identity_invitations UNION SELECT id FROM identity_tokens \
                       UNION SELECT id FROM support_staff UNION SELECT id FROM support_grants \
                       UNION SELECT id FROM sso_connections UNION SELECT id FROM uploads";
/// Everything that names an object.
const OBJECTS: &str = "SELECT object AS line FROM captures UNION SELECT object FROM captures_renditions \
                       UNION SELECT object FROM events_logos \
                       UNION SELECT object FROM events_design_files UNION SELECT object FROM uploads_parts";

/// Everything, on the machine and in the story.
///
/// # Errors
/// The first thing that does not hold.
pub(super) async fn all(
    installation: &Installation,
    stand: &Stand,
    machine: &Machine,
    story: &mut Story,
) -> Result<(), String> {
    undamaged(machine)?;
    keys_before_ciphertext(stand).await?;
    told(installation, stand, story).await?;
    // Whoever is being erased is taken in again only when that is done.
    settle(stand).await?;
    asked_again(installation, stand, machine, story).await?;
    settle(stand).await?;
    undamaged(machine)?;
    nothing_left_over(stand).await?;
    told(installation, stand, story).await?;
    whole_or_absent(installation, stand, story).await
}

/// Both databases are what SQLite takes for whole.
pub(super) fn undamaged(machine: &Machine) -> Result<(), String> {
    for name in [DATA, KEYS] {
        let check = |conn: rusqlite::Connection| {
            let found: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
            let foreign = conn.prepare("PRAGMA foreign_key_check")?.query_map([], |_| Ok(()))?.count();
            Ok((found, foreign))
        };
        let found: Result<(String, usize), rusqlite::Error> =
            rusqlite::Connection::open(machine.path(name)).and_then(check);
        let found = found.map_err(|error| format!("{name}: {error}"))?;
        ensure!(found == ("ok".to_owned(), 0), "{name} is damaged: {found:?}");
    }
    Ok(())
}

async fn keys_of(stand: &Stand, condition: &str) -> BTreeSet<String> {
    let sql = format!("SELECT subject AS line FROM keys WHERE {condition}");
    lines(stand.test.keystore.database(), &sql, &sql).await.into_iter().collect()
}

/// No row and no object lies anywhere that is sealed under a key which the key store never had.
pub(super) async fn keys_before_ciphertext(stand: &Stand) -> Result<(), String> {
    let known = keys_of(stand, "1 = 1").await;
    for owner in stand.test.select(OWNERS).await {
        ensure!(known.contains(&owner), "{owner} has a row, and never had a key");
    }
    let sql = "SELECT id AS line FROM keys";
    let ids: BTreeSet<String> = lines(stand.test.keystore.database(), sql, sql).await.into_iter().collect();
    for name in stand.deps.storage.names().await {
        // Of a file that is not whole, its header may be all there is of it.
        let Ok(bytes) = std::fs::read(stand.test.folder().join("objects").join(&name)) else { continue };
        if let Ok((header, _)) = Header::parse(&bytes) {
            let key = header.key_of().0.as_text();
            ensure!(ids.contains(&key), "{name} is sealed under {key}, which the key store never had");
        }
    }
    Ok(())
}

/// What was said yes to is so.
pub(super) async fn told(installation: &Installation, stand: &Stand, story: &Story) -> Result<(), String> {
    for (key, photo) in &story.photos {
        let Photo { answer: Some(answer), trashed, erased, .. } = photo else { continue };
        let found = stand.captures.find(&stand.owner, &answer.id).await;
        let page = stand.shares.page(token(&answer.share_url)).await.map_err(|error| format!("{key}: {error:?}"))?;
        if *erased == Done::Surely {
            let gone = found.as_ref().err().is_some_and(|error| error.code == Code::NotFound);
            ensure!(gone && page.is_none(), "{key}, {}, was erased and is still there", answer.id);
            let of = captures::key(&stand.organisation, answer.id.as_str());
            let alive = stand.deps.keystore.is_alive(&of).await.map_err(|failure| format!("{key}: {failure:?}"))?;
            ensure!(!alive, "{key}, {}, was erased and has its key", answer.id);
        }
        if *erased != Done::No {
            continue;
        }
        found.map_err(|error| format!("{key}, {}, was accepted and is not there: {error:?}", answer.id))?;
        ensure!(*trashed != Done::No || page.is_some(), "{key}, {}, was accepted and does not show", answer.id);
        ensure!(*trashed != Done::Surely || page.is_none(), "{key}, {}, was deleted and shows", answer.id);
        opens(installation, stand, &answer.id).await.map_err(|reason| format!("{key} was accepted: {reason}"))?;
    }
    Ok(())
}

async fn opens(installation: &Installation, stand: &Stand, id: &CaptureId) -> Result<(), String> {
    let files = plain(stand, id.as_str()).await?;
    ensure!(files == installation.plain, "the files of {id} are others than what was uploaded");
    Ok(())
}

/// Every upload is asked for once more, as a booth does that got no answer: the same one has the same answer, and there is
/// no capture that nobody was told of.
async fn asked_again(
    installation: &Installation,
    stand: &Stand,
    machine: &Machine,
    story: &mut Story,
) -> Result<(), String> {
    for key in story.photos.keys().cloned().collect::<Vec<_>>() {
        if story.may_upload(&key) {
            let wish = Wish::Upload { key: key.clone() };
            ensure!(story.ask(&wish, installation, stand, machine).await?, "{key} is refused when asked again");
        }
    }
    let known: BTreeSet<&str> =
        story.photos.values().filter_map(|photo| photo.answer.as_ref()).map(|answer| answer.id.as_str()).collect();
    let sql = format!(
        "SELECT id AS line FROM captures WHERE event_id = '{}' AND device_id IS NOT NULL AND id IN \
         (SELECT capture_id FROM ingest_requests)",
        stand.event
    );
    for id in stand.test.select(&sql).await {
        ensure!(known.contains(id.as_str()), "{id} is a second capture of one upload");
    }
    let requests = stand.test.select("SELECT capture_id AS line FROM ingest_requests").await;
    let once: BTreeSet<&String> = requests.iter().collect();
    ensure!(once.len() == requests.len(), "two uploads have one capture");
    Ok(())
}

/// An hour of the worker and the sweeps.
///
/// # Errors
/// What still has to be done afterwards.
pub(super) async fn settle(stand: &Stand) -> Result<(), String> {
    let deps = &stand.deps;
    stand.test.clock.advance(61 * 60_000);
    let worker = Worker::new(deps.db.clone(), deps.world.clone(), Wake::default())
        .handle(JobKind::Erase, FinishErasure::new(deps.clone()))
        .handle(JobKind::DeleteObject, DeleteObject::new(deps.storage.clone()));
    Arc::new(worker).run_due().await;
    let internal = |failure| format!("tidying up: {failure:?}");
    deps.keystore.rotate_if_due().await.map_err(internal)?;
    sweep(&Permit::of_test(), deps).await.map_err(internal)?;
    let again = sweep(&Permit::of_test(), deps).await.map_err(internal)?;
    ensure!(again == Swept::default(), "the second sweep finds {again:?}");
    Ok(())
}

/// No key without its row, no row without its key, no object without either, no erasure half done.
pub(super) async fn nothing_left_over(stand: &Stand) -> Result<(), String> {
    let owners: BTreeSet<String> = stand.test.select(OWNERS).await.into_iter().collect();
    let owned = "state = 'active' AND purpose IN ('subject', 'capture', 'upload')";
    let keys = keys_of(stand, owned).await;
    ensure!(owners == keys, "rows without keys, or keys without rows: {:?}", owners.symmetric_difference(&keys));
    let named: BTreeSet<String> = stand.test.select(OBJECTS).await.into_iter().collect();
    let stored: BTreeSet<String> = stand.deps.storage.names().await.into_iter().collect();
    ensure!(named == stored, "objects and their rows differ: {:?}", named.symmetric_difference(&stored));
    let open = stand.test.count("privacy_erasures", "finished_at IS NULL OR receipt IS NULL").await;
    ensure!(open == 0, "{open} erasures are not finished");
    let jobs = stand.test.count("jobs", "kind IN ('erase', 'delete_object')").await;
    ensure!(jobs == 0, "{jobs} jobs are left");
    let sql = "SELECT state AS line FROM generations WHERE state <> 'destroyed'";
    let living = lines(stand.test.keystore.database(), sql, sql).await;
    ensure!(living == ["active"], "generations of roots: {living:?}");
    let deliverable = "SELECT id AS line FROM messages WHERE capture_id NOT IN (SELECT id FROM captures)";
    ensure!(stand.test.select(deliverable).await.is_empty(), "a message of a capture that is not there");
    let wrong = "captures <> (SELECT count(*) FROM captures c WHERE c.event_id = events_counters.event_id \
                 AND c.deleted_at IS NULL)";
    let counted = stand.test.count("events_counters", wrong).await;
    ensure!(counted == 0, "an event counts captures that are not there");
    Ok(())
}

/// What had no answer is there with everything, or not at all.
async fn whole_or_absent(installation: &Installation, stand: &Stand, story: &Story) -> Result<(), String> {
    for id in stand.test.select("SELECT id AS line FROM captures").await {
        let id: CaptureId = id.parse().expect("an id");
        opens(installation, stand, &id).await?;
    }
    for (key, photo) in &story.photos {
        let Some(answer) = &photo.answer else { continue };
        let there = stand.test.count("captures", &format!("id = '{}'", answer.id)).await == 1;
        ensure!(there || photo.erased != Done::No, "{key} was accepted and is gone");
        ensure!(!there || photo.erased != Done::Surely, "{key} was erased and is there");
    }
    Ok(())
}
