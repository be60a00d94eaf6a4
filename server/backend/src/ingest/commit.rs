//! Storing the files, then one transaction that writes everything; nothing stays behind if either fails.

use futures_util::future::join_all;
use sha2::{Digest, Sha256};
use shutterpost_media::rendition::Rendition;
use shutterpost_model::access::{Actor, Credential};
use shutterpost_model::captures::{Encoding, RenditionName};
use shutterpost_model::error::AppError;
use shutterpost_model::guests::NewGuest;
use shutterpost_model::id::{CaptureId, GuestId, LinkId, OrganisationId};
use shutterpost_model::messages::Template;
use shutterpost_model::time::Millis;
use shutterpost_vault::data_key::DataKey;

use super::pictures::{Moves, Pictures};
use super::requests::{self, Fingerprint};
use crate::audit::record::{Doer, Entry, record};
use crate::captures::rows::{self as captures_rows, CaptureRow, RenditionRow};
use crate::captures::{look, queries as captures};
use crate::context::World;
use crate::db::{Tx, write_tx};
use crate::designs;
use crate::error::Failure;
use crate::events::scope::{EventScope, Tenant};
use crate::events::{counters, devices};
use crate::exports::{Measure, OriginalRow, insert_original};
use crate::guests::consents::{may_deliver, resolve};
use crate::guests::enrol::{Identified, enrol, identify};
use crate::jobs::outbox::{self, NewMessage};
use crate::jobs::queue::{self, JobKind};
use crate::services::Deps;
use crate::share::links;
use crate::storage::SealedFile;

/// The first revision of a capture's renditions.
const REVISION: i32 = 1;

/// Everything about an upload that is written.
#[derive(Clone)]
pub(super) struct Arrival {
    pub(super) actor: Actor,
    pub(super) scope: EventScope,
    pub(super) uploader: String,
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) guest: Option<NewGuest>,
    pub(super) captured_at: Millis,
    pub(super) size: i64,
    /// What was put on its pictures.
    pub(super) mark: Option<String>,
}

/// How it ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Written {
        capture: CaptureId,
        link: LinkId,
    },
    /// Another request with the same key was faster.
    Overtaken,
}

/// Stores and writes. To be run in a task of its own, so that a client that hangs up cannot stop it half-way.
pub(super) async fn commit(deps: Deps, arrival: Arrival, pictures: Pictures) -> Result<Outcome, Failure> {
    let capture = deps.world.id(CaptureId::new);
    let guest = match &arrival.guest {
        Some(guest) => Some(identify(&deps, &arrival.scope, guest).await?),
        None => None,
    };
    // On the disk before anything is sealed under it. Should this upload fail, the sweep removes it.
    let key = captures_rows::key(arrival.scope.organisation(), capture.as_str());
    let key = deps.keystore.make_one(&key).await?;
    let sealing = {
        let (world, arrival, capture) = (deps.world.clone(), arrival.clone(), capture.clone());
        // Milliseconds for a large original: not on a thread that answers requests.
        tokio::task::spawn_blocking(move || name(&world, &key, &arrival, &capture, pictures)).await
    };
    let Named { row, measured, renditions, later, files } =
        sealing.map_err(|error| Failure::internal("the sealing of an upload ended early", error))??;
    let objects = store(&deps, files).await?;
    let outcome = write(&deps, arrival, guest, capture, Rows { row, measured, renditions, later }).await;
    match &outcome {
        Ok(Outcome::Written { .. }) => {}
        // A commit whose answer got lost may have happened: then the rows decide, in the sweep.
        Err(Failure::Internal(_)) => {}
        Ok(Outcome::Overtaken) | Err(_) => deps.storage.delete_all(&objects).await,
    }
    outcome
}

/// Sealed files, and the rows that name them.
struct Named {
    row: CaptureRow,
    /// What an export says of the original.
    measured: OriginalRow,
    renditions: Vec<RenditionRow>,
    /// Whether more is to be made of it later.
    later: bool,
    files: Vec<SealedFile>,
}

/// What is written of a capture itself.
struct Rows {
    row: CaptureRow,
    measured: OriginalRow,
    renditions: Vec<RenditionRow>,
    later: bool,
}

/// Seals every file and describes it.
fn name(
    world: &World,
    key: &DataKey,
    arrival: &Arrival,
    capture: &CaptureId,
    pictures: Pictures,
) -> Result<Named, Failure> {
    let Pictures {
        original,
        media_type,
        kind,
        duration,
        width,
        height,
        orientation,
        renditions,
        backdrop,
        placeholder,
        moves,
        later,
    } = pictures;
    let organisation = arrival.scope.organisation();
    let device = match arrival.actor.credential() {
        Credential::Device { device, event: _ } => Some(device.as_str().to_owned()),
        Credential::Token { .. } | Credential::Session { .. } | Credential::Support { .. } => None,
    };
    let mut measure = Measure::new();
    measure.add(&original);
    let measured = measure.row(organisation.as_str(), capture.as_str())?;
    let facts = facts(&original);
    let original = SealedFile::seal(world, key, &original)?;
    let look = (backdrop, placeholder.as_bytes());
    let row = CaptureRow {
        id: capture.as_str().to_owned(),
        organisation_id: organisation.as_str().to_owned(),
        event_id: arrival.scope.event().as_str().to_owned(),
        device_id: device,
        uploader: arrival.uploader.clone(),
        media_type: media_type.to_owned(),
        width,
        height,
        size: arrival.size,
        orientation: i32::from(orientation),
        object: original.name().to_owned(),
        key_subject: capture.as_str().to_owned(),
        revision: REVISION,
        captured_at: arrival.captured_at.0,
        received_at: world.now().0,
        guests: i32::from(arrival.guest.is_some()),
        delivery: None,
        deleted_at: None,
        kind: kind.as_str().to_owned(),
        duration,
        look: Some(look::seal(world, key, organisation, capture.as_str(), look)),
        mark: arrival.mark.clone(),
        unplayable: false,
    };
    let mut files = vec![original];
    let mut rows = Vec::with_capacity(renditions.len() + 2);
    for Rendition { name, encoding, width, height, bytes } in renditions {
        let what = (name.as_str(), encoding.extension(), side(width), side(height));
        let (rendition, file) = seal(world, key, (organisation, capture), what, &bytes)?;
        rows.push(rendition);
        files.push(file);
    }
    match moves {
        Moves::Not | Moves::Later => {}
        Moves::Original => rows.push(own(&row, Encoding::Mp4, facts)),
        Moves::Both { film: bytes, width, height, original } => {
            let what = (RenditionName::Film.as_str(), Encoding::Mp4.extension(), width, height);
            let (rendition, file) = seal(world, key, (organisation, capture), what, &bytes)?;
            rows.extend([rendition, own(&row, original, facts)]);
            files.push(file);
        }
    }
    Ok(Named { row, measured, renditions: rows, later, files })
}

/// Length and validator of a stored original.
pub(super) fn facts(original: &[u8]) -> (i64, String) {
    (length(original), etag(original))
}

/// The original as what moves, with its [`facts`]: its bytes are stored once, whoever names them.
pub(super) fn own(row: &CaptureRow, encoding: Encoding, (size, etag): (i64, String)) -> RenditionRow {
    RenditionRow {
        capture_id: row.id.clone(),
        name: RenditionName::Film.as_str().to_owned(),
        encoding: encoding.extension().to_owned(),
        organisation_id: row.organisation_id.clone(),
        width: row.width,
        height: row.height,
        size,
        object: row.object.clone(),
        etag,
    }
}

/// Whether the original is a film as guests may save it: others have no name among renditions.
pub(super) fn saves(row: &CaptureRow) -> bool {
    row.media_type == Encoding::Mp4.media_type()
}

/// Seals a rendition and describes it: its name, its encoding, and its pixels.
pub(super) fn seal(
    world: &World,
    key: &DataKey,
    (organisation, capture): (&OrganisationId, &CaptureId),
    (name, encoding, width, height): (&str, &str, i32, i32),
    bytes: &[u8],
) -> Result<(RenditionRow, SealedFile), Failure> {
    let file = SealedFile::seal(world, key, bytes)?;
    let row = RenditionRow {
        capture_id: capture.as_str().to_owned(),
        name: name.to_owned(),
        encoding: encoding.to_owned(),
        organisation_id: organisation.as_str().to_owned(),
        width,
        height,
        size: length(bytes),
        object: file.name().to_owned(),
        etag: etag(bytes),
    };
    Ok((row, file))
}

pub(super) fn side(pixels: u32) -> i32 {
    i32::try_from(pixels).unwrap_or(i32::MAX)
}

fn length(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

/// Stores files. If one cannot be stored, none stays.
pub(super) async fn store(deps: &Deps, files: Vec<SealedFile>) -> Result<Vec<String>, Failure> {
    let objects: Vec<String> = files.iter().map(|file| file.name().to_owned()).collect();
    // All are awaited, also after a failure: what is still being written cannot be deleted.
    let puts = join_all(files.into_iter().map(|file| {
        let storage = deps.storage.clone();
        async move { storage.put(file).await }
    }));
    if let Some(failure) = puts.await.into_iter().find_map(Result::err) {
        deps.storage.delete_all(&objects).await;
        return Err(failure);
    }
    Ok(objects)
}

/// A strong validator: half of the content's SHA-256.
pub(super) fn etag(bytes: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    data_encoding::HEXLOWER.encode(digest.first_chunk::<16>().expect("SHA-256 has 32 bytes"))
}

async fn write(
    deps: &Deps,
    arrival: Arrival,
    identified: Option<Identified>,
    capture: CaptureId,
    rows: Rows,
) -> Result<Outcome, Failure> {
    let deps = deps.clone();
    write_tx!(deps.db, tx => {
        let Arrival { actor, scope, uploader: _, fingerprint, guest, captured_at: _, size: _, mark: _ } = arrival;
        let Rows { row, measured, renditions, later } = rows;
        let now = deps.world.now();
        // The event may have been deleted while the pictures were made, and is not while they are entered.
        let scope = EventScope::hold(tx, scope.org().clone(), scope.event()).await?;
        let link = deps.world.id(LinkId::new);
        if let Some(fingerprint) = &fingerprint
            && !requests::take(tx, &scope, fingerprint, &capture, &link, now).await?
        {
            return Ok(Outcome::Overtaken);
        }
        captures::insert(tx, &scope, &row, &renditions).await?;
        insert_original(tx, &measured).await?;
        if designs::came_late(tx, &scope, row.mark.as_deref()).await? {
            queue::enqueue(tx, &deps.world, JobKind::ApplyDesign, scope.event().as_str(), now).await?;
        }
        if later {
            queue::enqueue(tx, &deps.world, JobKind::FinishCapture, capture.as_str(), now).await?;
        }
        links::create(tx, &deps.world, &deps.keys, &scope, &link, &capture, None).await?;
        if let Some(guest) = guest.as_ref().zip(identified.as_ref()) {
            welcome(tx, &deps, &scope, &capture, guest).await?;
        }
        if let Credential::Device { device, event: _ } = actor.credential() {
            devices::seen(tx, &scope, device, now).await?;
        }
        let entry = Entry::new("captures.create").object(capture.as_str());
        record(tx, &deps.world, Some(scope.organisation()), &Doer::from(&actor), entry).await?;
        counters::add_captures(tx, &scope, scope.event().as_str(), 1).await?;
        Ok(Outcome::Written { capture, link })
    })
}

/// Writes the guest and, if there is an address that may be used, the owner link and the message that carries it.
async fn welcome(
    tx: &mut Tx,
    deps: &Deps,
    scope: &EventScope,
    capture: &CaptureId,
    guest: (&NewGuest, &Identified),
) -> Result<GuestId, Failure> {
    let (guest, identified) = guest;
    let consents = resolve(tx, scope, guest).await?;
    let id = enrol(tx, &deps.world, &deps.keystore, scope, capture, (guest, identified), &consents).await?;
    if guest.email.is_some() && may_deliver(&consents) {
        let link = deps.world.id(LinkId::new);
        links::create(tx, &deps.world, &deps.keys, scope, &link, capture, Some(&id)).await?;
        let message = NewMessage::new(Template::Capture, guest.language)
            .organisation(scope.organisation().clone())
            .event(scope.event().clone())
            .capture(capture.clone())
            .guest(id.clone())
            .link(link);
        outbox::enqueue(tx, &deps.world, message).await?;
    }
    Ok(id)
}

/// The rules for the time that a client gives: not before 1990, when no digital camera was, and at most a day ahead.
pub(super) fn check_captured_at(captured_at: Option<Millis>, now: Millis) -> Result<Millis, AppError> {
    const YEAR_1990: i64 = 631_152_000_000;
    const AHEAD: i64 = shutterpost_model::time::DAY;
    match captured_at {
        None => Ok(now),
        Some(at) if at.0 >= YEAR_1990 && at <= now.plus(AHEAD) => Ok(at),
        Some(_) => Err(AppError::field("captured_at", shutterpost_model::error::Code::OutOfRange)),
    }
}
