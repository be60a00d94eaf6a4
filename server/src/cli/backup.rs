//! `shutterpost backup`: base copies right now, beside a server that may be running.

use std::io::Write;

use clap::Args;
use serde::Serialize;
use shutterpost_backend::backup::postgres::{Cluster, copy_now};
use shutterpost_backend::backup::{BackupFailure, Backups, BaseMade, Database, MediaStatus, Source, base_now};
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
    /// Make none. Let servers of PostgreSQL keep nothing for backups any more, when `backup` was taken from the settings.
    #[arg(long)]
    forget: bool,
}

/// A database and how it is copied.
#[derive(Debug)]
enum Origin {
    File(Source),
    Server(Box<Cluster>),
}

impl Origin {
    fn copy(&self, backups: &Backups) -> Result<BaseMade, BackupFailure> {
        match self {
            Self::File(source) => base_now(backups, source),
            Self::Server(cluster) => copy_now(backups, cluster),
        }
    }
}

/// What was done.
#[derive(Debug, Serialize)]
struct Report {
    databases: Vec<BaseMade>,
    media: MediaStatus,
}

pub(super) async fn run(config: Config, arguments: BackupArguments) -> Result<(), CommandError> {
    let urls = [&config.store.database_url, &config.store.key_store].map(|url| DatabaseUrl::parse(url));
    let [data, keys] = urls;
    let (data, keys) = (data?, keys?);
    let clusters = wiring::clusters(&config, &data, &keys)?;
    if arguments.forget {
        return forget(&clusters).await;
    }
    let target = config.backup.url.clone().ok_or(NO_TARGET)?;
    // The data first: every row in their copy then has its key in the copy of the key store.
    let files = [(Database::Data, &data), (Database::Keys, &keys)].map(|(database, url)| Source::of(database, url));
    let mut origins: Vec<(Database, Origin)> =
        files.into_iter().flatten().map(|source| (source.database, Origin::File(source))).collect();
    origins.extend(clusters.into_iter().map(|cluster| (cluster.server.database(), Origin::Server(Box::new(cluster)))));
    origins.sort_by_key(|(database, _)| *database == Database::Keys);
    let storage = Storage::parse(&config.store.storage).map_err(|error| format!("storage: {error}"))?;
    let backups = wiring::backups_alone(&config, &target).await?;
    let work = move || -> Result<Report, BackupFailure> {
        let mut databases = Vec::new();
        for (_, origin) in &origins {
            let made = origin.copy(&backups)?;
            let checked = made.unchecked.as_ref().map_or("checked".into(), |reason| format!("NOT CHECKED ({reason})"));
            eprintln!("{}: {} bytes, {} rows, {checked}: {}", made.database, made.bytes, made.rows, made.name);
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

async fn forget(clusters: &[Cluster]) -> Result<(), CommandError> {
    for Cluster { server, .. } in clusters {
        let knew = server.forget().await?;
        let outcome = if knew { "its server keeps nothing for backups any more" } else { "its server kept nothing" };
        eprintln!("{}: {outcome}", server.database());
    }
    Ok(())
}
