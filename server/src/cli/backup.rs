//! `shutterpost backup`: base copies right now, beside a server that may be running.

use std::io::Write;

use clap::Args;
use serde::Serialize;
use shutterpost_backend::backup::{BackupFailure, BaseMade, Database, MediaStatus, Source, base_now};
use shutterpost_backend::db::DatabaseUrl;
use shutterpost_backend::storage::Storage;

use super::CommandError;
use crate::config::Config;
use crate::wiring;

const NO_TARGET: &str = "no target is set for backups. Set backup (SHUTTERPOST_BACKUP), for example to \
                         file:/mnt/backup/shutterpost on another disk";

#[derive(Debug, Args)]
pub(super) struct BackupArguments {
    /// Print what was done as JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// What was done.
#[derive(Debug, Serialize)]
struct Report {
    databases: Vec<BaseMade>,
    media: MediaStatus,
}

pub(super) async fn run(config: Config, arguments: BackupArguments) -> Result<(), CommandError> {
    let target = config.backup.url.clone().ok_or(NO_TARGET)?;
    // The data first: every row in their copy then has its key in the copy of the key store.
    let mut sources = Vec::new();
    for (database, url) in [(Database::Data, &config.store.database_url), (Database::Keys, &config.store.key_store)] {
        sources.push(Source::of(database, &DatabaseUrl::parse(url)?)?);
    }
    let storage = Storage::parse(&config.store.storage).map_err(|error| format!("storage: {error}"))?;
    let backups = wiring::backups_alone(&config, &target).await?;
    let work = move || -> Result<Report, BackupFailure> {
        let mut databases = Vec::new();
        for source in &sources {
            let made = base_now(&backups, source)?;
            eprintln!("{}: {} bytes, {} rows, checked: {}", made.database, made.bytes, made.rows, made.name);
            databases.push(made);
        }
        let media = backups.copy_media(&storage)?;
        match media.bad.text() {
            None => eprintln!("stored objects: {} are in the target", media.objects),
            Some(bad) => eprintln!("stored objects: {bad}; the others of {} are in the target", media.objects),
        }
        Ok(Report { databases, media })
    };
    let report = tokio::task::spawn_blocking(work).await??;
    if arguments.json {
        writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&report)?)?;
    }
    if report.media.bad.count > 0 { Err("some stored objects were not copied: see above".into()) } else { Ok(()) }
}
