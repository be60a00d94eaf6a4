//! Looking, object by object, whether what the rows name is there, as long as it was, and opens under its key. In small
//! pieces by the worker, again and again; or all at once, when an operator asks.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::id::OrganisationId;
use shutterpost_model::time::{DAY, Millis};
use tokio::time::Duration;

use super::orphans::named;
use crate::captures::rows as captures_rows;
use crate::db::{Conn, on_db, write_tx};
use crate::error::Failure;
use crate::events::rows::{self as events_rows, stored};
use crate::jobs::Permit;
use crate::keystore::KeyRef;
use crate::schema::{captures, captures_renditions, events_design_files, events_logos, scrub, scrub_flaws};
use crate::services::Deps;

/// How often a piece is looked at.
pub(crate) const EVERY: Duration = Duration::from_secs(300);
/// How much that is.
const RUN: Limits = Limits { objects: 1000, bytes: 512 << 20 };
/// From the beginning of one pass over everything to that of the next.
const REST: i64 = 7 * DAY;
/// Rows looked at before it is noted how far it came.
const PAGE: i64 = 20;
/// Flaws that are looked at again in a run.
const AGAIN: i64 = 100;

const DONE: &str = "done";
const SINGLETON: i32 = 1;

/// Where one run ends.
#[derive(Debug, Clone, Copy)]
struct Limits {
    objects: u64,
    bytes: u64,
}

/// Whose objects are looked at, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// With their renditions.
    Captures,
    Logos,
    /// Files of designs.
    Designs,
}

impl Source {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Captures => "captures",
            Self::Logos => "logos",
            Self::Designs => "designs",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Captures, Self::Logos, Self::Designs].into_iter().find(|source| source.as_str() == text)
    }

    const fn next(self) -> Option<Self> {
        match self {
            Self::Captures => Some(Self::Logos),
            Self::Logos => Some(Self::Designs),
            Self::Designs => None,
        }
    }
}

/// How far a pass came.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = scrub)]
#[diesel(treat_none_as_null = true)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
struct Pass {
    singleton: i32,
    begun_at: i64,
    source: String,
    after: String,
    objects: i64,
    finished_at: Option<i64>,
    finished_objects: i64,
}

impl Pass {
    fn begin(now: Millis, before: Option<&Self>) -> Self {
        Self {
            singleton: SINGLETON,
            begun_at: now.0,
            source: Source::Captures.as_str().to_owned(),
            after: String::new(),
            objects: 0,
            finished_at: before.and_then(|before| before.finished_at),
            finished_objects: before.map_or(0, |before| before.finished_objects),
        }
    }
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = scrub_flaws)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
struct FlawRow {
    object: String,
    source: String,
    subject: String,
    flaw: String,
    found_at: i64,
}

/// A row, and the objects that it names.
struct Subject {
    id: String,
    key: KeyRef,
    /// With the plain length where the row has it.
    objects: Vec<(String, Option<u64>)>,
}

/// An object that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flawed {
    pub object: String,
    /// `missing`, `length`, `sealed` (does not open) or `key` (there is no key for it).
    pub flaw: String,
}

/// What a look at everything found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scrubbed {
    pub objects: u64,
    pub bytes: u64,
    pub flawed: Vec<Flawed>,
}

/// What is known of the stored objects, for who watches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Known {
    /// When the pass that is under way, or the last, began; `None` before the first.
    pub(crate) begun_at: Option<Millis>,
    /// When all had been looked at, and how many they were.
    pub(crate) finished: Option<(Millis, i64)>,
    pub(crate) flaws: i64,
    /// Some of them.
    pub(crate) examples: Vec<Flawed>,
}

/// What is known; reads two small tables.
pub(crate) async fn known(conn: &mut Conn, examples: i64) -> Result<Known, Failure> {
    let pass = pass(conn).await?;
    let flaws = on_db!(conn, c => scrub_flaws::table.count().get_result::<i64>(c).await)?;
    let rows = on_db!(conn, c => scrub_flaws::table
        .order((scrub_flaws::found_at.desc(), scrub_flaws::object))
        .limit(examples)
        .select(FlawRow::as_select())
        .load::<FlawRow>(c).await)?;
    Ok(Known {
        begun_at: pass.as_ref().map(|pass| Millis(pass.begun_at)),
        finished: pass.and_then(|pass| Some((Millis(pass.finished_at?), pass.finished_objects))),
        flaws,
        examples: rows.into_iter().map(|row| Flawed { object: row.object, flaw: row.flaw }).collect(),
    })
}

async fn pass(conn: &mut Conn) -> Result<Option<Pass>, Failure> {
    on_db!(conn, c => scrub::table.select(Pass::as_select()).first::<Pass>(c).await.optional())
}

/// One piece, and what was found before. A store that does not answer ends it; the next run goes on from there.
pub(crate) async fn run(_permit: Permit, deps: Deps) -> Result<(), Failure> {
    look_again(&deps).await?;
    piece(&deps, RUN).await
}

/// Looks at a piece of a pass, or rests.
async fn piece(deps: &Deps, limits: Limits) -> Result<(), Failure> {
    let now = deps.world.now();
    let found = pass(&mut deps.db.read().await?).await?;
    let mut pass = match found {
        Some(pass) if pass.source == DONE && now.0 < pass.begun_at + REST => return Ok(()),
        Some(pass) if pass.source != DONE => pass,
        other => Pass::begin(now, other.as_ref()),
    };
    let (mut objects, mut bytes) = (0, 0);
    while objects < limits.objects && bytes < limits.bytes {
        let Some(looked) = page(deps, &mut pass).await? else {
            finish(deps, pass).await?;
            return Ok(());
        };
        (objects, bytes) = (objects + looked.objects, bytes + looked.bytes);
        note(deps, looked.flaws, looked.good).await?;
        keep(deps, pass.clone()).await?;
    }
    Ok(())
}

/// Looks at every object; `tell` hears how many were looked at so far.
///
/// # Errors
/// A database, key store or store that does not answer: then nothing is said of the rest.
pub async fn scrub_all(deps: &Deps, tell: &mut (dyn FnMut(u64) + Send)) -> Result<Scrubbed, Failure> {
    let mut pass = Pass::begin(deps.world.now(), None);
    let mut all = Scrubbed::default();
    let mut flawed = BTreeSet::new();
    while let Some(looked) = page(deps, &mut pass).await? {
        all.objects += looked.objects;
        all.bytes += looked.bytes;
        let told = |row: &FlawRow| Flawed { object: row.object.clone(), flaw: row.flaw.clone() };
        flawed.extend(looked.flaws.iter().map(told));
        note(deps, looked.flaws, looked.good).await?;
        tell(all.objects);
    }
    all.flawed = flawed.into_iter().collect();
    // What was found before and not now is whole again, or its row is gone.
    let mut conn = deps.db.read().await?;
    let noted = on_db!(conn, c => scrub_flaws::table.select(scrub_flaws::object).load::<String>(c).await)?;
    drop(conn);
    let seen: BTreeSet<&str> = all.flawed.iter().map(|one| one.object.as_str()).collect();
    let past = noted.into_iter().filter(|object| !seen.contains(object.as_str())).collect();
    note(deps, Vec::new(), past).await?;
    finish(deps, pass).await?;
    Ok(all)
}

/// What a page brought.
#[derive(Default)]
struct Looked {
    objects: u64,
    bytes: u64,
    flaws: Vec<FlawRow>,
    good: Vec<String>,
}

/// The next rows of a pass; `None` when there are no more.
async fn page(deps: &Deps, pass: &mut Pass) -> Result<Option<Looked>, Failure> {
    while let Some(source) = Source::parse(&pass.source) {
        let subjects = subjects(deps, source, Which::After(&pass.after)).await?;
        if let Some(last) = subjects.last() {
            pass.after.clone_from(&last.id);
            let looked = look(deps, source, &subjects).await?;
            pass.objects += i64::try_from(looked.objects).unwrap_or(i64::MAX);
            return Ok(Some(looked));
        }
        pass.source = source.next().map_or(DONE, Source::as_str).to_owned();
        pass.after.clear();
    }
    Ok(None)
}

/// Looks at each object of the rows.
async fn look(deps: &Deps, source: Source, subjects: &[Subject]) -> Result<Looked, Failure> {
    let keys: Vec<KeyRef> = subjects.iter().map(|subject| subject.key.clone()).collect();
    let ring = deps.keystore.find(&keys).await?;
    let mut looked = Looked::default();
    for subject in subjects {
        for (object, length) in &subject.objects {
            looked.objects += 1;
            let flaw = match ring.get(&subject.key) {
                Ok(key) => match deps.storage.examine(object, key, *length).await? {
                    Ok(bytes) => {
                        looked.bytes += bytes;
                        looked.good.push(object.clone());
                        continue;
                    }
                    Err(flaw) => flaw.as_str(),
                },
                Err(_) => "key",
            };
            // Erased since its row was read, it is gone as it should be.
            if !named(deps, std::slice::from_ref(object)).await?.contains(object) {
                continue;
            }
            looked.flaws.push(FlawRow {
                object: object.clone(),
                source: source.as_str().to_owned(),
                subject: subject.id.clone(),
                flaw: flaw.to_owned(),
                found_at: deps.world.now().0,
            });
        }
    }
    Ok(looked)
}

/// Looks again at what was found before: put back from a backup, or erased, it is no flaw any more.
async fn look_again(deps: &Deps) -> Result<(), Failure> {
    let mut conn = deps.db.read().await?;
    let rows = on_db!(conn, c => scrub_flaws::table
        .order(scrub_flaws::found_at)
        .limit(AGAIN)
        .select(FlawRow::as_select())
        .load::<FlawRow>(c).await)?;
    drop(conn);
    let mut by_source: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in &rows {
        by_source.entry(&row.source).or_default().insert(&row.subject);
    }
    let mut still = BTreeSet::new();
    for (source, ids) in by_source {
        let Some(source) = Source::parse(source) else { continue };
        let ids: Vec<&str> = ids.into_iter().collect();
        let subjects = subjects(deps, source, Which::These(&ids)).await?;
        let looked = look(deps, source, &subjects).await?;
        still.extend(looked.flaws.into_iter().map(|row| row.object));
    }
    let good = rows.into_iter().map(|row| row.object).filter(|object| !still.contains(object)).collect();
    note(deps, Vec::new(), good).await
}

/// Writes down what is not as it should be, and takes back what is.
async fn note(deps: &Deps, flaws: Vec<FlawRow>, good: Vec<String>) -> Result<(), Failure> {
    for FlawRow { object, flaw, .. } in &flaws {
        tracing::error!(storage.object = object, storage.flaw = flaw, "a stored object is not as it should be");
    }
    let mut conn = deps.db.read().await?;
    let noted = on_db!(conn, c => scrub_flaws::table.count().get_result::<i64>(c).await)?;
    drop(conn);
    if flaws.is_empty() && noted == 0 {
        return Ok(());
    }
    write_tx!(deps.db, tx => {
        for chunk in good.chunks(crate::captures::queries::CHUNK) {
            let chunk: Vec<&str> = chunk.iter().map(String::as_str).collect();
            on_db!(tx, c => diesel::delete(scrub_flaws::table)
                .filter(scrub_flaws::object.eq_any(chunk.iter().copied()))
                .execute(c).await)?;
        }
        for row in &flaws {
            on_db!(tx, c => diesel::insert_into(scrub_flaws::table)
                .values(row)
                .on_conflict(scrub_flaws::object)
                .do_update()
                .set(scrub_flaws::flaw.eq(&row.flaw))
                .execute(c).await)?;
        }
        Ok(())
    })
}

/// Notes how far a pass came.
async fn keep(deps: &Deps, pass: Pass) -> Result<(), Failure> {
    write_tx!(deps.db, tx => {
        on_db!(tx, c => diesel::insert_into(scrub::table)
            .values(&pass)
            .on_conflict(scrub::singleton)
            .do_update()
            .set(&pass)
            .execute(c).await)?;
        Ok(())
    })
}

/// Notes that all were looked at.
async fn finish(deps: &Deps, pass: Pass) -> Result<(), Failure> {
    let objects = pass.objects;
    let done = Pass {
        source: DONE.to_owned(),
        after: String::new(),
        finished_at: Some(deps.world.now().0),
        finished_objects: objects,
        ..pass
    };
    keep(deps, done).await?;
    tracing::info!(storage.objects = objects, "every stored object was looked at");
    Ok(())
}

/// Which rows are read.
enum Which<'a> {
    After(&'a str),
    These(&'a [&'a str]),
}

async fn subjects(deps: &Deps, source: Source, which: Which<'_>) -> Result<Vec<Subject>, Failure> {
    let mut conn = deps.db.read().await?;
    match source {
        Source::Captures => captures_of(&mut conn, which).await,
        Source::Logos => logos_of(&mut conn, which).await,
        Source::Designs => designs_of(&mut conn, which).await,
    }
}

async fn captures_of(conn: &mut Conn, which: Which<'_>) -> Result<Vec<Subject>, Failure> {
    type Row = (String, String, String, String);
    let columns = (captures::id, captures::organisation_id, captures::key_subject, captures::object);
    let rows = match which {
        Which::After(after) => on_db!(conn, c => captures::table
            .filter(captures::id.gt(after))
            .order(captures::id)
            .limit(PAGE)
            .select(columns)
            .load::<Row>(c).await)?,
        Which::These(ids) => on_db!(conn, c => captures::table
            .filter(captures::id.eq_any(ids.iter().copied()))
            .select(columns)
            .load::<Row>(c).await)?,
    };
    let ids: Vec<&str> = rows.iter().map(|(id, ..)| id.as_str()).collect();
    let renditions = on_db!(conn, c => captures_renditions::table
        .filter(captures_renditions::capture_id.eq_any(ids.iter().copied()))
        .select((captures_renditions::capture_id, captures_renditions::object, captures_renditions::size))
        .load::<(String, String, i64)>(c).await)?;
    let mut of: BTreeMap<String, Vec<(String, Option<u64>)>> = BTreeMap::new();
    for (capture, object, size) in renditions {
        of.entry(capture).or_default().push((object, u64::try_from(size).ok()));
    }
    let mut subjects = Vec::with_capacity(rows.len());
    for (id, organisation, key_subject, object) in rows {
        let organisation: OrganisationId = stored(&organisation)?;
        let mut objects = of.remove(&id).unwrap_or_default();
        // A film may be its own original.
        if objects.iter().all(|(named, _)| *named != object) {
            objects.insert(0, (object, None));
        }
        subjects.push(Subject { key: captures_rows::key(&organisation, &key_subject), id, objects });
    }
    Ok(subjects)
}

async fn logos_of(conn: &mut Conn, which: Which<'_>) -> Result<Vec<Subject>, Failure> {
    type Row = (String, String, String, String);
    let columns = (events_logos::id, events_logos::organisation_id, events_logos::event_id, events_logos::object);
    let rows = match which {
        Which::After(after) => on_db!(conn, c => events_logos::table
            .filter(events_logos::id.gt(after))
            .order(events_logos::id)
            .limit(PAGE)
            .select(columns)
            .load::<Row>(c).await)?,
        Which::These(ids) => on_db!(conn, c => events_logos::table
            .filter(events_logos::id.eq_any(ids.iter().copied()))
            .select(columns)
            .load::<Row>(c).await)?,
    };
    let subject = |(id, organisation, event, object): Row| {
        let organisation: OrganisationId = stored(&organisation)?;
        Ok(Subject { id, key: events_rows::key(&organisation, &event), objects: vec![(object, None)] })
    };
    rows.into_iter().map(subject).collect()
}

async fn designs_of(conn: &mut Conn, which: Which<'_>) -> Result<Vec<Subject>, Failure> {
    type Row = (String, String, String, String);
    let columns = (
        events_design_files::id,
        events_design_files::organisation_id,
        events_design_files::event_id,
        events_design_files::object,
    );
    let rows = match which {
        Which::After(after) => on_db!(conn, c => events_design_files::table
            .filter(events_design_files::id.gt(after))
            .order(events_design_files::id)
            .limit(PAGE)
            .select(columns)
            .load::<Row>(c).await)?,
        Which::These(ids) => on_db!(conn, c => events_design_files::table
            .filter(events_design_files::id.eq_any(ids.iter().copied()))
            .select(columns)
            .load::<Row>(c).await)?,
    };
    let subject = |(id, organisation, event, object): Row| {
        let organisation: OrganisationId = stored(&organisation)?;
        Ok(Subject { id, key: events_rows::key(&organisation, &event), objects: vec![(object, None)] })
    };
    rows.into_iter().map(subject).collect()
}
