//! Giving every entry its place. In pages, each a transaction: what is cut short goes on from the last of them.

use std::sync::Arc;

use async_trait::async_trait;
use crc32fast::Hasher;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use shutterpost_media::zip::Entry;
use shutterpost_model::id::OrganisationId;
use shutterpost_model::time::Millis;

use super::names;
use super::people::{self, People};
use super::queries::{self, ExportRow, OriginalRow, Waiting, signed};
use crate::captures::rows as captures_rows;
use crate::db::write_tx;
use crate::error::Failure;
use crate::events::rows::stored;
use crate::identity::scope::OrgScope;
use crate::jobs::Permit;
use crate::jobs::queue::Job;
use crate::jobs::worker::{Handler, Outcome};
use crate::services::Deps;

/// Entries of one transaction.
const PAGE: i64 = 200;

/// Handles `PrepareExport`.
pub(crate) struct PrepareExport {
    deps: Deps,
    people: Arc<dyn People>,
}

impl std::fmt::Debug for PrepareExport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrepareExport")
    }
}

impl PrepareExport {
    pub(crate) fn new(deps: Deps, people: Arc<dyn People>) -> Self {
        Self { deps, people }
    }
}

#[async_trait]
impl Handler for PrepareExport {
    async fn run(&self, permit: &Permit, job: &Job) -> Result<Outcome, Failure> {
        let found = queries::of_job(&mut self.deps.db.read().await?, permit, &job.subject).await?;
        // One that is past its time, or went with its event, needs nothing.
        let Some(mut row) = found else { return Ok(Outcome::Done) };
        let scope = OrgScope::of_job(permit, stored(&row.organisation_id)?);
        while row.ready_at.is_none() {
            row = page(&self.deps, &*self.people, &scope, row).await?;
        }
        Ok(Outcome::Done)
    }
}

/// What an archive says of the bytes of an original.
#[derive(Clone)]
pub(crate) struct Measure {
    length: u64,
    crc: Hasher,
    sha256: Sha256,
}

impl Measure {
    pub(crate) fn new() -> Self {
        Self { length: 0, crc: Hasher::new(), sha256: Sha256::new() }
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.crc.update(bytes);
        self.sha256.update(bytes);
    }

    pub(crate) fn row(self, organisation: &str, capture: &str) -> Result<OriginalRow, Failure> {
        Ok(OriginalRow {
            capture_id: capture.to_owned(),
            organisation_id: organisation.to_owned(),
            length: signed(self.length)?,
            crc: i64::from(self.crc.finalize()),
            sha256: self.sha256.finalize().to_vec(),
        })
    }
}

/// Reads an original from its beginning to its end.
async fn measured(deps: &Deps, row: &ExportRow, waiting: &Waiting) -> Result<OriginalRow, Failure> {
    let organisation: OrganisationId = stored(&row.organisation_id)?;
    let key = deps.keystore.get(&captures_rows::key(&organisation, &waiting.source.key_subject)).await?;
    let mut pieces = deps.storage.pieces(&waiting.source.object, &key).await?;
    let mut measure = Measure::new();
    while let Some(piece) = pieces.next().await? {
        measure.add(&piece);
    }
    measure.row(&row.organisation_id, &waiting.capture_id)
}

/// A line of the list of checksums.
pub(super) fn line(name: &str, original: &OriginalRow) -> String {
    let file = name.rsplit('/').next().unwrap_or_default();
    format!("{}  {file}\n", HEXLOWER.encode(&original.sha256))
}

/// What of an entry is in the archive beside its bytes.
pub(super) fn entry(name: String, captured_at: i64, original: &OriginalRow) -> Result<Entry, Failure> {
    let crc = u32::try_from(original.crc).map_err(|error| Failure::internal("a stored checksum", error))?;
    let modified = names::modified(Millis(captured_at));
    Ok(Entry { name, length: queries::unsigned(original.length)?, crc, modified })
}

/// The list itself, behind all captures.
pub(super) fn list(row: &ExportRow) -> Result<Entry, Failure> {
    let crc = u32::try_from(row.list_crc).map_err(|error| Failure::internal("a stored checksum", error))?;
    let name = format!("{}/{}", row.folder, names::LIST);
    let modified = names::modified(Millis(row.created_at));
    Ok(Entry { name, length: queries::unsigned(row.list_length)?, crc, modified })
}

/// Prepares the next entries; ready when there are none.
async fn page(deps: &Deps, people: &dyn People, scope: &OrgScope, mut row: ExportRow) -> Result<ExportRow, Failure> {
    let waiting = queries::waiting(&mut deps.db.read().await?, &row, PAGE).await?;
    if waiting.is_empty() {
        if row.people {
            // After the captures, whose names are told with them.
            if let Some(row) = people::place(deps, people, scope, row.clone()).await? {
                return Ok(row);
            }
            people::end(&mut row)?;
        }
        let mut plan = row.plan()?;
        for entry in people::entries(&row)? {
            plan.add(&entry).map_err(refused)?;
        }
        plan.add(&list(&row)?).map_err(refused)?;
        (row.plan_entries, row.plan_files, row.plan_directory) = numbers(&plan)?;
        row.ready_at = Some(deps.world.now().0);
        return write_tx!(deps.db, tx => {
            queries::keep(tx, &row).await?;
            Ok(row)
        });
    }
    let mut known = Vec::with_capacity(waiting.len());
    for waiting in waiting {
        if waiting.source.deleted_at.is_some() {
            known.push((waiting, None));
            continue;
        }
        let original = match &waiting.original {
            Some(original) => Ok(original.clone()),
            None => measured(deps, &row, &waiting).await,
        };
        match original {
            Ok(original) => known.push((waiting, Some(original))),
            // Erased since its row was read: its entry went along, or will.
            Err(Failure::NotFound) => known.push((waiting, None)),
            Err(failure) => return Err(failure),
        }
    }
    write_tx!(deps.db, tx => {
        let mut plan = row.plan()?;
        let list_crc = u32::try_from(row.list_crc).map_err(|error| Failure::internal("a stored checksum", error))?;
        let mut crc = Hasher::new_with_initial(list_crc);
        for (waiting, original) in known {
            row.placed = waiting.position;
            let Some(original) = original else {
                queries::leave_out(tx, &row, waiting.position).await?;
                continue;
            };
            let source = &waiting.source;
            let name = names::file(&row.folder, waiting.position, Millis(source.captured_at), &source.media_type);
            let entry = entry(name.clone(), source.captured_at, &original)?;
            let directory_at = signed(plan.end() - plan.directory_at())?;
            let at = signed(plan.add(&entry).map_err(refused)?)?;
            if waiting.original.is_none() {
                queries::insert_original(tx, &original).await?;
            }
            queries::place(tx, &row, waiting.position, (at, directory_at), &name).await?;
            let line = line(&name, &original);
            crc.update(line.as_bytes());
            row.list_length += signed(line.len() as u64)?;
        }
        row.list_crc = i64::from(crc.finalize());
        (row.plan_entries, row.plan_files, row.plan_directory) = numbers(&plan)?;
        queries::keep(tx, &row).await?;
        Ok(row)
    })
}

fn numbers(plan: &shutterpost_media::zip::Plan) -> Result<(i64, i64, i64), Failure> {
    let directory = plan.end() - plan.directory_at();
    Ok((signed(plan.entries())?, signed(plan.directory_at())?, signed(directory)?))
}

fn refused(refused: shutterpost_media::zip::Refused) -> Failure {
    Failure::Internal(format!("an archive cannot hold an entry: {refused:?}"))
}
