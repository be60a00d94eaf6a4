//! What an operator should know of an installation, and what to do about it. Looks and changes nothing but a probe object in
//! the store.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use shutterpost_model::time::{DAY, Millis};
use shutterpost_vault::keys::Keys;
use shutterpost_vault::ledger;
use shutterpost_vault::ledger::file::FILE as LEDGER_FILE;
use shutterpost_vault::root::Roots;
use shutterpost_vault::sign::Signing;

use crate::backup::postgres::Programs;
use crate::backup::{Database, DatabaseStatus, Status, Target};
use crate::context::World;
use crate::db::{DatabaseUrl, Db, on_db, sqlite_version};
use crate::error::Failure;
use crate::keystore::{GENERATION, Outlook};
use crate::roots::Address;
use crate::schema::{audit_entries, installation};
use crate::storage::s3;

mod certificate;
mod finding;
mod objects;

use finding::{
    BASE_BYTES, CLOCK_BEHIND, COMPARED, DISK_FREE, LEDGER_KNOWN, LEDGER_LINES, OBJECTS, ROOT_GENERATION, ROOT_MADE,
    ROOT_RETIRING, SHIPPED, TLS, VERIFIED, count, seconds,
};
pub use finding::{FIGURES, Figure, Finding, State};

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
    /// The root keys, if this process has them open: asking for a passphrase or a device again costs time.
    pub opened: Option<Arc<dyn Roots>>,
    pub ledger: PathBuf,
    pub ledger_copy: Option<PathBuf>,
    /// `None`: no backups are made by the program.
    pub backup: Option<String>,
    /// Where PostgreSQL's own programs are.
    pub programs: Programs,
}

/// The least that should be free on a disk: uploads fail below, and the log of SQLite may fill the rest.
const LEAST_FREE: u64 = 2_000_000_000;
/// How old what was shipped may be while a server runs, which notes it every ten seconds.
const MOST_BEHIND: i64 = 30_000;
/// How old the last checked base copy may be: a day, and the time it takes.
const MOST_UNCHECKED: i64 = DAY + DAY / 4;
/// How far the clock may be behind what was written by it.
const CLOCK: i64 = 2_000;
/// How long a rotation waits for backups that do not come, and an hour for the work.
const RETIRED: i64 = 13 * 3_600_000;
/// A generation of roots that is older was not renewed in time.
const OVERDUE: i64 = GENERATION + DAY / 2;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Everything.
    Whole,
    /// What costs little, again and again: without [`SLOW`].
    Quick,
}

/// Checks that are made by a whole look alone: every line of the ledgers, and the address over the network.
pub const SLOW: [&str; 2] = [LEDGER, certificate::CHECK];

const LEDGER: &str = "ledger";

/// Looks at an installation.
pub async fn examine(patient: &Patient, depth: Depth, world: &World) -> Vec<Finding> {
    let now = world.now();
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
    if depth == Depth::Whole {
        findings.extend(ledgers(patient, keys.as_ref(), outlook.ok()));
        findings.extend(certificate::look(&patient.origin, certificate::trusted(), now).await);
    }
    findings.push(objects::storage(&patient.storage).await);
    findings.extend(objects::stored(&patient.database, now).await);
    findings.extend(backups(patient, now));
    findings.extend(servers::servers(patient).await);
    findings.extend(space(patient));
    findings
}

fn address(origin: &str) -> Finding {
    const CHECK: &str = "address";
    if origin.starts_with("https://") {
        return Finding::good(CHECK, format!("{origin} is reached over TLS")).figure(TLS, 1.0);
    }
    let local = ["http://localhost", "http://127.0.0.1", "http://[::1]"].iter().any(|local| origin.starts_with(local));
    if local {
        return Finding::warning(
            CHECK,
            format!("{origin} is this machine's own"),
            "set url to the public https address",
        )
        .figure(TLS, 0.0);
    }
    let remedy = "put a proxy with a certificate in front, and set url to its https address";
    Finding::failure(CHECK, format!("{origin} is not reached over TLS"), remedy).figure(TLS, 0.0)
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
        Ok(newest) => {
            let behind = Millis(newest.map_or(0, |at| (at - now.0).max(0)));
            let finding = if behind.0 > CLOCK {
                let text = format!("the clock is {} s behind the newest audit entry", behind.0 / 1000);
                Finding::failure("clock", text, "set the clock, and keep it by NTP: retention and links go by it")
            } else {
                Finding::good(CHECK, "answers, and the clock is not behind it")
            };
            finding.figure(CLOCK_BEHIND, seconds(behind))
        }
        Err(failure) => Finding::failure(CHECK, told(&failure), "look at database_url and the database's log"),
    }
}

/// Whether the newest root is here, and not too old.
async fn roots(patient: &Patient, outlook: &Result<Outlook, Failure>, now: Millis, world: &World) -> Finding {
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
    let opened = patient.opened.clone();
    let kept = tokio::task::spawn_blocking(move || match opened {
        Some(roots) => roots.generations(),
        None => crate::keys::open_roots(&address, file.as_deref(), &source)?.generations(),
    });
    let finding = match kept.await {
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
    };
    finding
        .figure(ROOT_GENERATION, f64::from(generation))
        .figure(ROOT_MADE, seconds(since))
        .figure(ROOT_RETIRING, f64::from(u8::from(outlook.retiring.is_some())))
}

fn age(since: Millis, now: Millis) -> i64 {
    (now.0 - since.0).max(0) / DAY
}

/// Every line of the ledger, in every place.
fn ledgers(patient: &Patient, keys: Option<&Keys>, outlook: Option<Outlook>) -> Vec<Finding> {
    const CHECK: &str = LEDGER;
    let Some(keys) = keys else { return Vec::new() };
    let public = keys.signing_key(Signing::Ledger).public();
    let known = outlook.and_then(|outlook| outlook.mark).map_or(0, |mark| mark.count);
    let mut findings = Vec::new();
    let places = std::iter::once(("ledger", &patient.ledger));
    for (place, folder) in places.chain(patient.ledger_copy.iter().map(|copy| ("copy", copy))) {
        let path = folder.join(LEDGER_FILE);
        let shown = path.display();
        let entries = std::fs::read(&path).map_err(|error| error.to_string());
        let entries = entries.and_then(|bytes| ledger::verify(&bytes, &public).map_err(|error| error.to_string()));
        findings.push(match entries {
            Ok(entries) => {
                let lines = entries.len() as u64;
                let finding = if lines < known {
                    let text = format!("{shown} has {lines} lines, and the key store has seen {known}");
                    Finding::failure(CHECK, text, "put it back from its copy")
                } else {
                    Finding::good(CHECK, format!("{shown}: {lines} erased keys, every signature holds"))
                };
                finding.figure_of(LEDGER_LINES, ("place", place), count(lines))
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
    if let Some(finding) = findings.first_mut() {
        finding.figures.push(Figure { name: LEDGER_KNOWN, of: None, value: count(known) });
    }
    findings
}

fn backups(patient: &Patient, now: Millis) -> Vec<Finding> {
    const CHECK: &str = "backup";
    let Some(url) = &patient.backup else {
        let remedy = "set backup to a folder on another disk, or see to them yourself (docs/operating.md, Backups)";
        return vec![Finding::warning(CHECK, "the program makes none", remedy)];
    };
    let status = Target::parse(url).map_err(|error| error.to_string());
    let status = status.and_then(|target| Status::read(&target).map_err(|failure| failure.to_string()));
    let status = match status {
        Ok(status) => status,
        Err(text) => return vec![Finding::failure(CHECK, text, "look at the target's disk")],
    };
    let mut findings = Vec::new();
    for database in [Database::Data, Database::Keys] {
        findings.extend(backup_of(database, status.of(database), now));
    }
    if let Some(problem) = &status.media.problem {
        findings.push(Finding::failure(CHECK, format!("stored objects: {problem}"), "look at the target's disk"));
    }
    if let Some(text) = status.pruning.text() {
        let text = format!("backups past their time are not deleted: {text}");
        findings.push(Finding::failure(CHECK, text, "look at what the service may do in the target"));
    }
    let compared = match status.media.compared_at {
        Some(at) if now.0 - at.0 <= MOST_UNCHECKED => {
            Finding::good(CHECK, format!("{} stored objects are in the target", status.media.objects))
        }
        _ => {
            let text = "stored objects were not compared with the target for more than a day";
            Finding::failure(CHECK, text, "look in the server's log, or run `shutterpost backup`")
        }
    };
    let compared = compared.figure(COMPARED, status.media.compared_at.map_or(0.0, seconds));
    findings.push(compared.figure(OBJECTS, count(status.media.objects)));
    if let Some(folder) = url.strip_prefix("file:").map(Path::new)
        && same_disk(&patient.data, folder)
    {
        findings.push(Finding::warning(CHECK, "the target lies on the disk of the data", "choose another disk"));
    }
    if s3::same_bucket(url, &patient.storage) {
        let text = "the target lies in the bucket of the stored objects: what happens to one happens to both";
        findings.push(Finding::warning(CHECK, text, "choose another bucket, of another account if you can"));
    }
    findings
}

fn backup_of(database: Database, status: &DatabaseStatus, now: Millis) -> Vec<Finding> {
    const CHECK: &str = "backup";
    let name = match database {
        Database::Data => "the database",
        Database::Keys => "the key store",
    };
    let of = ("database", database.as_str());
    let shipped = match status.shipped_until {
        None => Finding::failure(CHECK, format!("{name} was never shipped"), "start the server"),
        Some(at) if now.0 - at.0 > MOST_BEHIND => {
            let text = format!("{name} was shipped {} s ago", (now.0 - at.0) / 1000);
            Finding::failure(CHECK, text, "start the server, or look in its log")
        }
        Some(_) => Finding::good(CHECK, format!("{name} is shipped each second")),
    };
    let mut findings = vec![shipped.figure_of(SHIPPED, of, status.shipped_until.map_or(0.0, seconds))];
    for problem in [&status.problem, &status.base_problem].into_iter().flatten() {
        findings.push(Finding::failure(CHECK, format!("{name}: {problem}"), "mend what it says"));
    }
    let verified = status.base.as_ref().and_then(|base| base.verified_at);
    let checked = match verified {
        Some(at) if now.0 - at.0 <= MOST_UNCHECKED => {
            Finding::good(CHECK, format!("{name} was restored and checked {} h ago", (now.0 - at.0) / 3_600_000))
        }
        Some(at) => {
            let text = format!("{name} was last restored and checked {} days ago", age(at, now));
            Finding::failure(CHECK, text, "run `shutterpost backup`")
        }
        None if status.base.is_some() && status.unchecked.is_some() => {
            let text = format!("copies of {name} are made and not checked");
            Finding::warning(CHECK, text, status.unchecked.clone().unwrap_or_default())
        }
        None => {
            let text = format!("no copy of {name} was restored and checked yet");
            Finding::failure(CHECK, text, "run `shutterpost backup`")
        }
    };
    let bytes = status.base.as_ref().map_or(0, |base| base.bytes);
    let checked = checked.figure_of(VERIFIED, of, verified.map_or(0.0, seconds));
    findings.push(checked.figure_of(BASE_BYTES, of, count(bytes)));
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
            let finding = if free < LEAST_FREE {
                Finding::failure(CHECK, text, "make room: uploads fail when the disk is full")
            } else {
                Finding::good(CHECK, text)
            };
            findings.push(finding.figure(DISK_FREE, count(free)));
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

mod servers;

#[cfg(test)]
mod tests;
