//! What an operator should know of an installation, and what to do about it. Looks and changes nothing but a probe object in
//! the store.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;
use shutterpost_model::time::{DAY, Millis};
use shutterpost_vault::keys::Keys;
use shutterpost_vault::ledger;
use shutterpost_vault::ledger::file::FILE as LEDGER_FILE;
use shutterpost_vault::sign::Signing;

use crate::backup::{DatabaseStatus, Status, Target};
use crate::db::{DatabaseUrl, Db, on_db, sqlite_version};
use crate::error::Failure;
use crate::keystore::{GENERATION, Outlook};
use crate::roots::Address;
use crate::schema::{audit_entries, installation};
use crate::storage::Storage;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Good,
    /// It works, and a promise rests on somebody's doing.
    Warning,
    /// It does not work, or a promise is broken.
    Failure,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub check: &'static str,
    pub state: State,
    pub text: String,
    /// What to do; nothing if it is good.
    pub remedy: Option<String>,
}

impl Finding {
    fn good(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, state: State::Good, text: text.into(), remedy: None }
    }

    fn warning(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, state: State::Warning, text: text.into(), remedy: Some(remedy.into()) }
    }

    fn failure(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, state: State::Failure, text: text.into(), remedy: Some(remedy.into()) }
    }
}

/// Where the parts of an installation are, as its settings say.
#[derive(Debug, Clone)]
pub struct Patient {
    pub origin: String,
    pub data: PathBuf,
    pub database: DatabaseUrl,
    pub key_store: DatabaseUrl,
    pub storage: String,
    pub keys: PathBuf,
    pub roots: Address,
    pub passphrase_file: Option<PathBuf>,
    pub ledger: PathBuf,
    pub ledger_copy: Option<PathBuf>,
    /// `None`: no backups are made by the program.
    pub backup: Option<String>,
}

/// The least that should be free on a disk: uploads fail below, and the log of SQLite may fill the rest.
const LEAST_FREE: u64 = 2_000_000_000;
/// How old what was shipped may be while a server runs, which notes it every ten seconds.
const SHIPPED: i64 = 30_000;
/// How old the last checked base copy may be: a day, and the time it takes.
const VERIFIED: i64 = DAY + DAY / 4;
/// How far the clock may be behind what was written by it.
const CLOCK: i64 = 2_000;
/// How long a rotation waits for backups that do not come, and an hour for the work.
const RETIRED: i64 = 13 * 3_600_000;
/// A generation of roots that is older was not renewed in time.
const OVERDUE: i64 = GENERATION + DAY / 2;

/// Looks at everything.
pub async fn examine(patient: &Patient, now: Millis, world: &crate::context::World) -> Vec<Finding> {
    let mut findings = vec![address(&patient.origin), sqlite()];
    let keys = match Keys::open(&patient.keys) {
        Ok(keys) => {
            findings.push(Finding::good("key file", "is readable by its owner alone, and whole"));
            Some(keys)
        }
        Err(error) => {
            findings.push(Finding::failure("key file", error.to_string(), "put it back from its backup"));
            None
        }
    };
    findings.push(database(&patient.database, now).await);
    let outlook = Outlook::of(&patient.key_store).await;
    findings.push(roots(patient, &outlook, now, world).await);
    findings.extend(ledgers(patient, keys.as_ref(), outlook.ok()));
    findings.push(storage(&patient.storage).await);
    findings.extend(backups(patient, now));
    findings.extend(space(patient));
    findings
}

fn address(origin: &str) -> Finding {
    const CHECK: &str = "address";
    if origin.starts_with("https://") {
        return Finding::good(CHECK, format!("{origin} is reached over TLS"));
    }
    let local = ["http://localhost", "http://127.0.0.1", "http://[::1]"].iter().any(|local| origin.starts_with(local));
    if local {
        return Finding::warning(
            CHECK,
            format!("{origin} is this machine's own"),
            "set url to the public https address",
        );
    }
    let remedy = "put a proxy with a certificate in front, and set url to its https address";
    Finding::failure(CHECK, format!("{origin} is not reached over TLS"), remedy)
}

fn sqlite() -> Finding {
    match sqlite_version() {
        Ok(version) => Finding::good("SQLite", version),
        Err(failure) => Finding::failure("SQLite", failure.to_string(), "use the released binary"),
    }
}

/// Whether the database answers, and the clock is not behind what was written by it.
async fn database(url: &DatabaseUrl, now: Millis) -> Finding {
    const CHECK: &str = "database";
    let newest = async {
        let db = Db::attach(url).map_err(|failure| Failure::internal("the database", failure))?;
        let mut conn = db.read().await?;
        on_db!(conn, c => installation::table.select(installation::created_at).first::<i64>(c).await)?;
        on_db!(conn, c => audit_entries::table.select(diesel::dsl::max(audit_entries::at)).first::<Option<i64>>(c).await)
    };
    match newest.await {
        Ok(Some(at)) if at > now.0 + CLOCK => {
            let text = format!("the clock is {} s behind the newest audit entry", (at - now.0) / 1000);
            Finding::failure("clock", text, "set the clock, and keep it by NTP: retention and links go by it")
        }
        Ok(_) => Finding::good(CHECK, "answers, and the clock is not behind it"),
        Err(failure) => Finding::failure(CHECK, told(&failure), "look at database_url and the database's log"),
    }
}

/// Whether the newest root is here, and not too old.
async fn roots(
    patient: &Patient,
    outlook: &Result<Outlook, Failure>,
    now: Millis,
    world: &crate::context::World,
) -> Finding {
    const CHECK: &str = "key store";
    let outlook = match outlook {
        Ok(outlook) => outlook,
        Err(failure) => {
            return Finding::failure(CHECK, told(failure), "look at key_store, and restore it if it is lost");
        }
    };
    let Some((generation, since)) = outlook.generation else {
        return Finding::warning(CHECK, "has no root key yet", "start the server once");
    };
    if let Address::Folder(folder) = &patient.roots
        && !folder.exists()
    {
        let remedy = "set roots to where they are, or put them back from their copy";
        return Finding::failure(CHECK, format!("there is no folder of root keys {}", folder.display()), remedy);
    }
    let (address, file, source) = (patient.roots.clone(), patient.passphrase_file.clone(), world.clone());
    let kept =
        tokio::task::spawn_blocking(move || crate::keys::open_roots(&address, file.as_deref(), &source)?.generations());
    match kept.await {
        Ok(Ok(kept)) if !kept.contains(&generation) => {
            let remedy = "set roots to where they are, or put them back from their copy";
            Finding::failure(CHECK, format!("root key {generation} is not among the root keys"), remedy)
        }
        Ok(Ok(_)) if now.0 - since.0 > OVERDUE => {
            let remedy = "look in the log of serve or worker for rotation, which runs hourly";
            let text =
                format!("root key {generation} is {} days old; backups of keys outlive their promise", age(since, now));
            Finding::failure(CHECK, text, remedy)
        }
        Ok(Ok(_)) if outlook.retiring.is_some() && now.0 - since.0 > RETIRED => {
            let text = format!("root key {} should have been destroyed", outlook.retiring.unwrap_or_default());
            Finding::failure(CHECK, text, "look in the log of serve or worker for what refuses its destruction")
        }
        Ok(Ok(_)) => Finding::good(CHECK, format!("root key {generation} is {} days old", age(since, now))),
        Ok(Err(error)) => Finding::failure(CHECK, error.to_string(), "mend what it says"),
        Err(error) => Finding::failure(CHECK, error.to_string(), "try again"),
    }
}

fn age(since: Millis, now: Millis) -> i64 {
    (now.0 - since.0).max(0) / DAY
}

/// Every line of the ledger, in every place.
fn ledgers(patient: &Patient, keys: Option<&Keys>, outlook: Option<Outlook>) -> Vec<Finding> {
    const CHECK: &str = "ledger";
    let Some(keys) = keys else { return Vec::new() };
    let public = keys.signing_key(Signing::Ledger).public();
    let known = outlook.and_then(|outlook| outlook.mark).map_or(0, |mark| mark.count);
    let mut findings = Vec::new();
    for folder in std::iter::once(&patient.ledger).chain(&patient.ledger_copy) {
        let path = folder.join(LEDGER_FILE);
        let shown = path.display();
        let entries = std::fs::read(&path).map_err(|error| error.to_string());
        let entries = entries.and_then(|bytes| ledger::verify(&bytes, &public).map_err(|error| error.to_string()));
        findings.push(match entries {
            Ok(entries) if (entries.len() as u64) < known => {
                let text = format!("{shown} has {} lines, and the key store has seen {known}", entries.len());
                Finding::failure(CHECK, text, "put it back from its copy")
            }
            Ok(entries) => {
                Finding::good(CHECK, format!("{shown}: {} erased keys, every signature holds", entries.len()))
            }
            Err(error) => Finding::failure(CHECK, format!("{shown}: {error}"), "put it back from its copy"),
        });
    }
    match &patient.ledger_copy {
        None => findings.push(Finding::warning(
            CHECK,
            "there is one ledger only: with its disk goes the knowledge of what must stay erased",
            "set ledger_copy to a folder on another disk",
        )),
        Some(copy) if same_disk(&patient.ledger, copy) => findings.push(Finding::warning(
            CHECK,
            "the ledger and its copy lie on the same disk",
            "set ledger_copy to a folder on another disk",
        )),
        Some(_) => {}
    }
    findings
}

async fn storage(url: &str) -> Finding {
    const CHECK: &str = "storage";
    match Storage::parse(url) {
        Ok(store) => match store.check().await {
            Ok(()) => Finding::good(CHECK, "takes and deletes an object; a folder keeps no versions"),
            Err(failure) => Finding::failure(CHECK, told(&failure), "look at its disk and its permissions"),
        },
        Err(error) => Finding::failure(CHECK, error.to_string(), "look at storage"),
    }
}

fn backups(patient: &Patient, now: Millis) -> Vec<Finding> {
    const CHECK: &str = "backup";
    let Some(url) = &patient.backup else {
        let remedy = "set backup to a folder on another disk; with PostgreSQL see docs/operating.md, Backups";
        return vec![Finding::warning(CHECK, "the program makes none", remedy)];
    };
    let status = Target::parse(url).map_err(|error| error.to_string());
    let status = status.and_then(|target| Status::read(&target).map_err(|failure| failure.to_string()));
    let status = match status {
        Ok(status) => status,
        Err(text) => return vec![Finding::failure(CHECK, text, "look at the target's disk")],
    };
    let mut findings = Vec::new();
    for (url, name, status) in
        [(&patient.database, "the database", &status.data), (&patient.key_store, "the key store", &status.keys)]
    {
        if matches!(url, DatabaseUrl::Sqlite(_)) {
            findings.extend(backup_of(name, status, now));
        }
    }
    if let Some(problem) = &status.media.problem {
        findings.push(Finding::failure(CHECK, format!("stored objects: {problem}"), "look at the target's disk"));
    }
    if status.media.compared_at.is_none_or(|at| now.0 - at.0 > VERIFIED) {
        let text = "stored objects were not compared with the target for more than a day";
        findings.push(Finding::failure(CHECK, text, "look in the server's log, or run `shutterpost backup`"));
    }
    if let Some(folder) = url.strip_prefix("file:").map(Path::new)
        && same_disk(&patient.data, folder)
    {
        findings.push(Finding::warning(CHECK, "the target lies on the disk of the data", "choose another disk"));
    }
    findings
}

fn backup_of(name: &str, status: &DatabaseStatus, now: Millis) -> Vec<Finding> {
    const CHECK: &str = "backup";
    let mut findings = Vec::new();
    match status.shipped_until {
        None => {
            findings.push(Finding::failure(CHECK, format!("{name} was never shipped"), "start the server"));
        }
        Some(at) if now.0 - at.0 > SHIPPED => {
            let text = format!("{name} was shipped {} s ago", (now.0 - at.0) / 1000);
            findings.push(Finding::failure(CHECK, text, "start the server, or look in its log"));
        }
        Some(_) => findings.push(Finding::good(CHECK, format!("{name} is shipped each second"))),
    }
    for problem in [&status.problem, &status.base_problem].into_iter().flatten() {
        findings.push(Finding::failure(CHECK, format!("{name}: {problem}"), "mend what it says"));
    }
    let verified = status.base.as_ref().and_then(|base| base.verified_at);
    match verified {
        Some(at) if now.0 - at.0 <= VERIFIED => {
            findings.push(Finding::good(
                CHECK,
                format!("{name} was restored and checked {} h ago", (now.0 - at.0) / 3_600_000),
            ));
        }
        Some(at) => {
            let text = format!("{name} was last restored and checked {} days ago", age(at, now));
            findings.push(Finding::failure(CHECK, text, "run `shutterpost backup`"));
        }
        None => {
            let text = format!("no copy of {name} was restored and checked yet");
            findings.push(Finding::failure(CHECK, text, "run `shutterpost backup`"));
        }
    }
    findings
}

fn space(patient: &Patient) -> Vec<Finding> {
    const CHECK: &str = "disk";
    let mut findings = Vec::new();
    if let Address::Folder(folder) = &patient.roots
        && same_disk(&patient.data, folder)
    {
        let remedy = "set roots to a folder on a disk that no backup copies, and keep one copy elsewhere";
        findings.push(Finding::warning(CHECK, "the root keys lie on the disk of the data", remedy));
    }
    match rustix::fs::statvfs(&patient.data) {
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let text = format!("{} GB are free for data", free / 1_000_000_000);
            findings.push(if free < LEAST_FREE {
                Finding::failure(CHECK, text, "make room: uploads fail when the disk is full")
            } else {
                Finding::good(CHECK, text)
            });
        }
        Err(error) => findings.push(Finding::failure(CHECK, error.to_string(), "look at data")),
    }
    findings
}

/// Folders that are not there yet are where their nearest parent is.
fn same_disk(one: &Path, other: &Path) -> bool {
    let device = |path: &Path| path.ancestors().find_map(|part| std::fs::metadata(part).ok()).map(|found| found.dev());
    device(one).is_some_and(|device_of_one| device(other) == Some(device_of_one))
}

/// For the operator's eyes: everything.
fn told(failure: &Failure) -> String {
    format!("{failure:?}")
}

#[cfg(test)]
mod tests;
