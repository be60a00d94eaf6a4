//! `shutterpost restore`: the way back. The server must not be running on what is restored.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use shutterpost_backend::backup::postgres::restore_cluster;
use shutterpost_backend::backup::{
    At, BackupFailure, Database, Progress, Restored, RestoredMedia, Skipped, Source, Wish, restore_all, restore_media,
};
use shutterpost_backend::db::DatabaseUrl;
use shutterpost_backend::storage::Storage;

use super::CommandError;
use crate::config::Config;
use crate::wiring;

const NO_TARGET: &str =
    "from where? Say --from file:FOLDER or s3://BUCKET/PREFIX?region=REGION, or set backup (SHUTTERPOST_BACKUP)";

const NOT_ALL: &str = "restored, but not all of it: see above (or \"skipped\" and \"bad\" with --json). Look whether that is enough \
                       before the server runs on it: there is no way forward afterwards";

#[derive(Debug, Args)]
pub(super) struct RestoreArguments {
    /// The moment of the data: an RFC 3339 time such as 2027-01-15T08:00:00Z, or `latest`.
    #[arg(long)]
    at: String,
    /// The moment of the key store. Leave it: an older one lacks the keys of everything newer.
    #[arg(long, default_value = "latest")]
    keys_at: String,
    /// The target to restore from, if not the one of the settings.
    #[arg(long)]
    from: Option<String>,
    /// Where a new folder of data for PostgreSQL is made, if the database is there. Nothing is restored into a running
    /// server.
    #[arg(long)]
    data_folder: Option<PathBuf>,
    /// The same of the key store.
    #[arg(long)]
    keys_folder: Option<PathBuf>,
    /// Move what is there aside.
    #[arg(long)]
    force: bool,
    /// Print what came back as JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// What came back.
#[derive(Debug, Serialize)]
struct Report {
    databases: Vec<Restored>,
    media: RestoredMedia,
}

pub(super) async fn run(config: Config, arguments: RestoreArguments) -> Result<(), CommandError> {
    let RestoreArguments { at, keys_at, from, data_folder, keys_folder, force, json } = arguments;
    let target = from.or_else(|| config.backup.url.clone()).ok_or(NO_TARGET)?;
    let moment = |text: &str| {
        At::parse(text).ok_or_else(|| format!("{text:?} is no time; write 2027-01-15T08:00:00Z or latest"))
    };
    let mut wishes = Vec::new();
    for (database, url, at, folder) in [
        (Database::Keys, &config.store.key_store, moment(&keys_at)?, keys_folder.ok_or("--keys-folder")),
        (Database::Data, &config.store.database_url, moment(&at)?, data_folder.ok_or("--data-folder")),
    ] {
        let (to, is_server) = match Source::of(database, &DatabaseUrl::parse(url)?) {
            Some(source) => (source.path, false),
            None => (folder.map_err(|flag| no_folder(database, flag))?, true),
        };
        wishes.push((Wish { database, at, to, force }, is_server));
    }
    let programs = config.backup.programs.clone();
    let storage = Storage::parse(&config.store.storage).map_err(|error| format!("storage: {error}"))?;
    let backups = wiring::backups_alone(&config, &target).await?;
    let work = move || -> Result<Report, BackupFailure> {
        // Before anything changes, so that not one of the two comes back alone.
        if let Some((wish, _)) = wishes.iter().find(|(wish, _)| !wish.force && is_there(&wish.to)) {
            return Err(BackupFailure::Exists { path: wish.to.clone() });
        }
        let (servers, files): (Vec<_>, Vec<_>) = wishes.into_iter().partition(|(_, is_server)| *is_server);
        let mut databases = Vec::new();
        // Servers first: their folders lie apart until somebody starts them.
        for (wish, _) in &servers {
            databases.push((restore_cluster(&backups, &programs, wish, &mut tell)?, true));
        }
        let files: Vec<Wish> = files.into_iter().map(|(wish, _)| wish).collect();
        databases.extend(restore_all(&backups, &files, &mut tell)?.into_iter().map(|restored| (restored, false)));
        for (restored, is_server) in &databases {
            eprintln!(
                "{} is back as of {}: {} bytes, {} rows, {} segments replayed, checked",
                restored.database,
                restored.until.rfc3339(),
                restored.bytes,
                restored.rows,
                restored.segments
            );
            for path in &restored.moved {
                eprintln!("  what was there is now {}", path.display());
            }
            for Skipped { name, reason } in &restored.skipped {
                eprintln!("  not used: {name}: {reason}");
            }
            if !restored.whole {
                eprintln!("  NOT ALL OF IT: what was not used led further than {}", restored.until.rfc3339());
            }
            if *is_server {
                let folder = restored.path.display();
                eprintln!(
                    "  give {folder} to the user that PostgreSQL runs as, let data_directory of its settings name it,"
                );
                eprintln!("  and start PostgreSQL (docs/operating.md, \"Restoring PostgreSQL\")");
            }
        }
        let media = restore_media(&backups, &storage, &mut tell)?;
        eprintln!("stored objects: {} put back, {} were there", media.objects, media.there);
        if let Some(bad) = media.bad.text() {
            eprintln!("  not put back: {bad}");
        }
        Ok(Report { databases: databases.into_iter().map(|(restored, _)| restored).collect(), media })
    };
    let report = tokio::task::spawn_blocking(work).await??;
    if json {
        writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&report)?)?;
    }
    let Report { databases, media } = report;
    if databases.iter().any(|restored| !restored.whole) || media.bad.count > 0 {
        return Err(NOT_ALL.into());
    }
    Ok(())
}

fn no_folder(database: Database, flag: &str) -> String {
    format!(
        "{database} is on PostgreSQL. Say {flag} FOLDER: it is restored into a new folder, which PostgreSQL is then started on"
    )
}

/// Whether something would be written over.
fn is_there(path: &Path) -> bool {
    path.exists() && std::fs::read_dir(path).map_or(true, |mut entries| entries.next().is_some())
}

fn tell(progress: Progress) {
    match progress {
        Progress::Base { done, of } => eprintln!("  copied {} of {} MB", done / 1_000_000, of / 1_000_000),
        Progress::Segments { done, of } if done == of || done.is_multiple_of(1000) => {
            eprintln!("  replayed {done} of {of} segments");
        }
        Progress::Segments { .. } => {}
        Progress::Checking => eprintln!("  checking every page and reference"),
        Progress::Moving => eprintln!("all is whole; moving it to its place"),
        Progress::Media { done } => eprintln!("  put back {done} objects"),
    }
}
