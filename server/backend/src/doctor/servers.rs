//! Whether servers of PostgreSQL can be backed up, and keep their log for nobody.

use super::{Finding, Patient};
use crate::backup::BackupFailure;
use crate::backup::postgres::{Cluster, Facts, WalKept};

const CHECK: &str = "PostgreSQL";
/// So much of the log waits for a shipper that is well.
const MUCH: u64 = 1 << 30;

pub(super) async fn servers(patient: &Patient) -> Vec<Finding> {
    // What is there apart from backups is for the checks of database and key store.
    let clusters = match Cluster::of(&patient.database, &patient.key_store, &patient.data, &patient.programs) {
        Ok(clusters) => clusters,
        Err(failure) => {
            return vec![Finding::failure(CHECK, failure.to_string(), "look at database_url and key_store")];
        }
    };
    let mut findings = Vec::new();
    let mut all = Vec::new();
    for cluster in &clusters {
        match cluster.server.ask().await {
            Ok((facts, kept)) => {
                match &patient.backup {
                    Some(_) => findings.extend(backed_up(cluster, &facts, kept)),
                    None => findings.extend(kept_for_nobody(cluster, kept)),
                }
                all.push(facts);
            }
            Err(failure) => {
                findings.push(Finding::failure(CHECK, failure.to_string(), "look at the server and its log"))
            }
        }
    }
    if let ([one, other], Some(_)) = (&*all, &patient.backup)
        && one.is_of_the_same_server(other)
    {
        let remedy = "set key_store to a server of its own, or to SQLite; until then nothing is backed up";
        findings.push(Finding::failure(CHECK, BackupFailure::Shared.to_string(), remedy));
    }
    findings
}

fn backed_up(cluster: &Cluster, facts: &Facts, kept: Option<WalKept>) -> Vec<Finding> {
    let name = cluster.server.database();
    if let Err(unfit) = facts.fit() {
        return vec![Finding::failure(CHECK, format!("{name} cannot be backed up"), unfit.to_string())];
    }
    let mut findings = Vec::new();
    let [copying, replaying] = cluster.programs.suit(facts.major());
    match (copying, replaying) {
        (Err(missing), _) => {
            findings.push(Finding::failure(CHECK, format!("{name} cannot be backed up"), missing.to_string()));
        }
        (Ok(()), Err(missing)) => {
            let text = format!("copies of {name} cannot be checked on this machine");
            findings.push(Finding::warning(CHECK, text, missing.to_string()));
        }
        (Ok(()), Ok(())) => {
            findings.push(Finding::good(CHECK, format!("{name} can be backed up, and its copies checked")));
        }
    }
    if !facts.limits_what_it_keeps() {
        findings.push(Finding::warning(
            CHECK,
            format!("the server of {name} keeps its log without limit while no server of Shutterpost fetches it"),
            "set max_slot_wal_keep_size, for example to 10GB, and reload the server",
        ));
    }
    if let Some(kept) = kept.filter(|kept| kept.bytes > MUCH) {
        let text = format!("the server of {name} keeps {} MB of its log for backups", kept.bytes >> 20);
        let remedy = if kept.is_fetched { "look at the target's disk" } else { "start serve or worker" };
        findings.push(Finding::failure(CHECK, text, remedy));
    }
    findings
}

fn kept_for_nobody(cluster: &Cluster, kept: Option<WalKept>) -> Option<Finding> {
    let bytes = kept.filter(|kept| !kept.is_fetched)?.bytes;
    let text = format!(
        "the server of {} keeps {} MB of its log, and no backups are made",
        cluster.server.database(),
        bytes >> 20
    );
    Some(Finding::warning(CHECK, text, "run `shutterpost backup --forget`, or its disk fills up"))
}
