//! Stored objects: sealed already and never changed, so a backup copies each once, as it is, under its own name. One that
//! cannot be copied is named and left; the others are gone on with.

use std::collections::{BTreeMap, BTreeSet};

use shutterpost_model::time::Millis;

use super::restore::{Progress, RestoredMedia};
use super::status::{MediaStatus, Refused};
use super::{BackupFailure, Backups, days};
use crate::error::Failure;
use crate::storage::Storage;

/// Where they lie in the target.
pub(super) const FOLDER: &str = "media";
/// Since when objects of the target are no longer in the store, a file a shelf.
const LEFT: &str = "media-left";
/// When so many fail one after the other, it is the target and not the objects.
const IN_A_ROW: u32 = 8;

fn refused(name: &str, failure: &Failure) -> BackupFailure {
    BackupFailure::Target(format!("the object {name}: {failure:?}"))
}

/// Copies objects by name; those that are gone meanwhile are left out. Gives back the names to be tried again, and what
/// was wrong.
pub(super) fn copy(backups: &Backups, storage: &Storage, names: Vec<String>) -> (Vec<String>, Refused) {
    let (mut bad, mut again, mut failed) = (Refused::default(), Vec::new(), 0);
    let mut names = names.into_iter();
    while failed < IN_A_ROW
        && let Some(name) = names.next()
    {
        match copy_one(backups, storage, &name) {
            Ok(()) => failed = 0,
            Err(failure) => {
                failed = if failure.is_late() { IN_A_ROW } else { failed + 1 };
                bad.add(&name, &failure);
                again.push(name);
            }
        }
    }
    // Next time those come first that were not tried.
    (names.chain(again).collect(), bad)
}

fn copy_one(backups: &Backups, storage: &Storage, name: &str) -> Result<(), BackupFailure> {
    let target = &backups.0.target;
    match target.wait_for(storage.get_unsealed(name)) {
        Ok(bytes) => target.put(&format!("{FOLDER}/{name}"), bytes),
        Err(Failure::NotFound) => Ok(()),
        Err(failure) => Err(refused(name, &failure)),
    }
}

/// Names of the objects on a shelf of the target.
fn in_target(backups: &Backups, shelf: &str) -> Result<BTreeSet<String>, BackupFailure> {
    let names = backups.0.target.list(&format!("{FOLDER}/{shelf}"))?;
    let bare = |name: String| name.strip_prefix(FOLDER).and_then(|name| name.strip_prefix('/')).map(str::to_owned);
    Ok(names.into_iter().filter_map(bare).collect())
}

fn in_store(backups: &Backups, storage: &Storage, shelf: &str) -> Result<BTreeSet<String>, BackupFailure> {
    let listed = backups.0.target.wait_for(storage.list(shelf)).map_err(|failure| refused(shelf, &failure))?;
    // The store writes to names with a `#` first.
    Ok(listed.into_iter().map(|stored| stored.name).filter(|name| !name.contains('#')).collect())
}

/// What the store and the target have on a shelf.
fn on_shelf(
    backups: &Backups,
    storage: &Storage,
    shelf: &str,
) -> Result<(BTreeSet<String>, BTreeSet<String>), BackupFailure> {
    Ok((in_store(backups, storage, shelf)?, in_target(backups, shelf)?))
}

/// Goes on after an object that is refused, but not after a target that does not answer.
fn note(bad: &mut Refused, name: &str, outcome: Result<(), BackupFailure>) -> Result<(), BackupFailure> {
    match outcome {
        Ok(()) => Ok(()),
        Err(failure) if failure.is_late() => Err(failure),
        Err(failure) => {
            bad.add(name, &failure);
            Ok(())
        }
    }
}

/// Compares the store with the target: copies what is missing there, notes what left the store, and deletes what left it
/// longer ago than backups of data are kept.
pub(super) fn compare(backups: &Backups, storage: &Storage) -> Result<MediaStatus, BackupFailure> {
    let now = backups.now();
    let (mut objects, mut bad) = (0, Refused::default());
    for shelf in Storage::shelves() {
        let (here, there) = match on_shelf(backups, storage, &shelf) {
            Ok(found) => found,
            Err(failure) => {
                note(&mut bad, &shelf, Err(failure))?;
                continue;
            }
        };
        objects += here.len() as u64;
        for name in here.difference(&there) {
            note(&mut bad, name, copy_one(backups, storage, name))?;
        }
        let forgotten = forget(backups, &shelf, there.difference(&here), now, &mut bad);
        note(&mut bad, &shelf, forgotten)?;
    }
    let problem = bad.text();
    Ok(MediaStatus { compared_at: Some(now), objects, bad, problem, ..MediaStatus::default() })
}

/// Deletes what left the store too long ago, and notes since when the others are away.
fn forget<'a>(
    backups: &Backups,
    shelf: &str,
    away: impl Iterator<Item = &'a String>,
    now: Millis,
    bad: &mut Refused,
) -> Result<(), BackupFailure> {
    let target = &backups.0.target;
    let list = format!("{LEFT}/{shelf}.json");
    let before: BTreeMap<String, Millis> = match target.get(&list)? {
        // One that does not read is made anew; then objects are kept longer.
        Some(text) => serde_json::from_slice(&text).unwrap_or_default(),
        None => BTreeMap::new(),
    };
    let mut after = BTreeMap::new();
    for name in away {
        let since = before.get(name).copied().unwrap_or(now);
        if since.plus(days(backups.0.retention.days)) < now {
            match target.delete(&format!("{FOLDER}/{name}")) {
                Ok(()) => continue,
                outcome => note(bad, name, outcome)?,
            }
        }
        after.insert(name.clone(), since);
    }
    if after == before {
        return Ok(());
    }
    if after.is_empty() {
        return target.delete(&list);
    }
    let text = serde_json::to_vec(&after).map_err(|error| BackupFailure::Target(error.to_string()))?;
    target.put(&list, text)
}

pub(super) fn put_back(
    backups: &Backups,
    storage: &Storage,
    progress: &mut dyn FnMut(Progress),
) -> Result<RestoredMedia, BackupFailure> {
    let target = &backups.0.target;
    let mut restored = RestoredMedia::default();
    for shelf in Storage::shelves() {
        let (here, there) = match on_shelf(backups, storage, &shelf) {
            Ok(found) => found,
            Err(failure) => {
                note(&mut restored.bad, &shelf, Err(failure))?;
                continue;
            }
        };
        restored.there += here.intersection(&there).count() as u64;
        for name in there.difference(&here) {
            let put = target.get(&format!("{FOLDER}/{name}")).and_then(|bytes| {
                let Some(bytes) = bytes else { return Ok(0) };
                let length = bytes.len() as u64;
                let put = target.wait_for(storage.put_back(name, bytes));
                put.map(|()| length).map_err(|failure| refused(name, &failure))
            });
            match put {
                Ok(0) => continue,
                Ok(length) => {
                    restored.bytes += length;
                    restored.objects += 1;
                    if restored.objects.is_multiple_of(1000) {
                        progress(Progress::Media { done: restored.objects });
                    }
                }
                Err(failure) => note(&mut restored.bad, name, Err(failure))?,
            }
        }
    }
    progress(Progress::Media { done: restored.objects });
    Ok(restored)
}
