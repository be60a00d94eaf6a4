//! Sending an archive from any of its bytes on. Nothing of it is kept but a piece of a file or a page of names.

use std::sync::Arc;

use async_trait::async_trait;
use shutterpost_media::zip::{self, Plan};
use shutterpost_model::error::AppError;
use shutterpost_model::exports::Archive;

use super::people::{self, People};
use super::prepare;
use super::queries::{self, ExportRow, Placed, signed, unsigned};
use crate::captures::rows as captures_rows;
use crate::error::Failure;
use crate::identity::scope::OrgScope;
use crate::services::Deps;
use crate::storage::Pieces;

/// Entries of a page of names.
const PAGE: i64 = 500;

/// An archive that is being sent.
pub(super) struct Sending {
    deps: Deps,
    guests: Arc<dyn People>,
    scope: OrgScope,
    row: ExportRow,
    plan: Plan,
    /// The files about people, and where each begins.
    people: Vec<(zip::Entry, u64)>,
    /// The list of checksums, and where it begins.
    list: (zip::Entry, u64),
    at: u64,
    /// The file that is being sent, and where in the archive it begins and ends.
    file: Option<(Pieces, u64, u64)>,
    /// The next place of an entry whose line of the list is to come, and where in the list that is.
    line: (u64, u64),
}

impl Sending {
    pub(super) fn new(deps: Deps, guests: Arc<dyn People>, scope: OrgScope, row: ExportRow) -> Result<Self, Failure> {
        let plan = row.plan()?;
        let list = prepare::list(&row)?;
        let begins = plan.directory_at() - zip::local_length(&list) - list.length;
        let mut people = Vec::new();
        let mut behind = begins;
        for entry in people::entries(&row)?.into_iter().rev() {
            behind -= zip::local_length(&entry) + entry.length;
            people.push((entry, behind));
        }
        people.reverse();
        Ok(Self { deps, guests, scope, row, plan, people, list: (list, begins), at: 0, file: None, line: (0, 0) })
    }

    async fn bytes(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let (plan, at) = (self.plan, self.at);
        let bytes = if at >= plan.length() {
            return Ok(None);
        } else if at >= plan.end() {
            rest(plan.end_bytes(), at - plan.end())
        } else if at >= plan.directory_at() {
            self.directory().await?
        } else if at >= self.list.1 {
            self.list().await?
        } else if self.people.first().is_some_and(|(_, begins)| at >= *begins) {
            self.people().await?
        } else {
            self.capture().await?
        };
        if bytes.is_empty() {
            // What was here was deleted, and nothing else may take its place.
            return Err(Failure::NotFound);
        }
        self.at += bytes.len() as u64;
        Ok(Some(bytes))
    }

    /// What stands in front of a capture's file, or a piece of it.
    async fn capture(&mut self) -> Result<Vec<u8>, Failure> {
        if let Some((pieces, begin, end)) = &mut self.file
            && (*begin..*end).contains(&self.at)
        {
            pieces.skip_to(self.at - *begin);
            return Ok(pieces.next().await?.unwrap_or_default());
        }
        self.file = None;
        let mut conn = self.deps.db.read().await?;
        let placed = queries::at(&mut conn, &self.row, signed(self.at)?).await?.ok_or(Failure::NotFound)?;
        drop(conn);
        if placed.source.deleted_at.is_some() {
            return Err(Failure::NotFound);
        }
        let (entry, begins) = entry(&placed)?;
        let (head, inside) = (zip::local(&entry), self.at - begins);
        let file = begins + head.len() as u64;
        if inside < head.len() as u64 {
            return Ok(rest(head, inside));
        }
        if self.at >= file + entry.length {
            return Err(Failure::NotFound);
        }
        let key = captures_rows::key(self.scope.organisation(), &placed.source.key_subject);
        let key = self.deps.keystore.get(&key).await?;
        let mut pieces = self.deps.storage.pieces(&placed.source.object, &key).await?;
        if pieces.length() != entry.length {
            return Err(Failure::Internal("an original has another length than its archive says".into()));
        }
        pieces.skip_to(self.at - file);
        let bytes = pieces.next().await?.unwrap_or_default();
        self.file = Some((pieces, file, file + entry.length));
        Ok(bytes)
    }

    /// What stands in front of a file about people, or as much of it as is at hand.
    async fn people(&self) -> Result<Vec<u8>, Failure> {
        let mut files = self.people.iter().enumerate().rev();
        let Some((file, (entry, begins))) = files.find(|(_, (_, begins))| *begins <= self.at) else {
            return Err(Failure::NotFound);
        };
        let (head, inside) = (zip::local(entry), self.at - begins);
        match inside.checked_sub(head.len() as u64) {
            None => Ok(rest(head, inside)),
            Some(from) => {
                let file = (file, entry.length);
                people::bytes(&self.deps, &*self.guests, &self.scope, &self.row, file, from).await
            }
        }
    }

    /// The list of checksums, page by page from its beginning: where in it a line lies is not kept.
    async fn list(&mut self) -> Result<Vec<u8>, Failure> {
        let (entry, begins) = &self.list;
        let head = zip::local(entry);
        let inside = self.at - begins;
        if inside < head.len() as u64 {
            return Ok(rest(head, inside));
        }
        let wanted = inside - head.len() as u64;
        if wanted < self.line.1 {
            self.line = (0, 0);
        }
        loop {
            let page = self.page(self.line.0).await?;
            let Some((next, text)) = lines(&page, self.line.0)? else { return Err(Failure::NotFound) };
            let before = self.line.1;
            self.line = (next, before + text.len() as u64);
            if wanted < self.line.1 {
                return Ok(rest(text.into_bytes(), wanted - before));
            }
        }
    }

    /// What is said of the entries behind them.
    async fn directory(&mut self) -> Result<Vec<u8>, Failure> {
        let inside = self.at - self.plan.directory_at();
        let mut last: Vec<u8> = self.people.iter().flat_map(|(entry, begins)| zip::central(entry, *begins)).collect();
        last.extend(zip::central(&self.list.0, self.list.1));
        let list_at = self.plan.end() - self.plan.directory_at() - last.len() as u64;
        if inside >= list_at {
            return Ok(rest(last, inside - list_at));
        }
        let mut conn = self.deps.db.read().await?;
        let found = queries::in_directory(&mut conn, &self.row, signed(inside)?).await?;
        drop(conn);
        let Some((Some(at), Some(directory_at))) = found else { return Err(Failure::NotFound) };
        let page = self.page(unsigned(at)?).await?;
        let (mut expected, begins) = (unsigned(at)?, unsigned(directory_at)?);
        let mut bytes = Vec::new();
        for placed in &page {
            let (entry, at) = entry(placed)?;
            if at != expected || placed.directory_at != Some(signed(begins + bytes.len() as u64)?) {
                return Err(Failure::NotFound);
            }
            expected = at + zip::local_length(&entry) + entry.length;
            bytes.extend(zip::central(&entry, at));
        }
        Ok(rest(bytes, inside - begins))
    }

    async fn page(&self, at: u64) -> Result<Vec<Placed>, Failure> {
        queries::from(&mut self.deps.db.read().await?, &self.row, signed(at)?, PAGE).await
    }
}

/// The lines of entries that follow each other without a gap, and where the next would be; `None` without any.
fn lines(page: &[Placed], mut expected: u64) -> Result<Option<(u64, String)>, Failure> {
    let mut text = String::new();
    for placed in page {
        let (entry, at) = entry(placed)?;
        if at != expected {
            return Ok(None);
        }
        text.push_str(&prepare::line(&entry.name, &placed.original));
        expected = at + zip::local_length(&entry) + entry.length;
    }
    Ok((!text.is_empty()).then_some((expected, text)))
}

fn entry(placed: &Placed) -> Result<(zip::Entry, u64), Failure> {
    let (Some(at), Some(name)) = (placed.at, &placed.name) else {
        return Err(Failure::Internal("an entry of an archive has no place".into()));
    };
    Ok((prepare::entry(name.clone(), placed.source.captured_at, &placed.original)?, unsigned(at)?))
}

fn rest(mut bytes: Vec<u8>, from: u64) -> Vec<u8> {
    let from = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
    bytes.drain(..from);
    bytes
}

#[async_trait]
impl Archive for Sending {
    fn seek(&mut self, at: u64) {
        self.at = at;
    }

    async fn next(&mut self) -> Result<Option<Vec<u8>>, AppError> {
        Ok(self.bytes().await?)
    }
}
