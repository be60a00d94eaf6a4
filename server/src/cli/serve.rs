//! `serve`, `worker` and `migrate`.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::CommandError;
use crate::config::Config;
use crate::http::{Http, HttpParts, assets_of, serve};
use crate::log::{self, RequestLog};
use crate::metrics::Metrics;
use crate::monitor::Monitor;
use crate::wiring::{self, Installation, Opened, Schedule};

/// What a process of the installation has, whether it serves or only works.
struct Process {
    http: Http,
    worker: shutterpost_backend::jobs::worker::Worker,
    schedule: Option<Schedule>,
    /// The admin port and who watches for it; nothing if there is none.
    admin: Option<(TcpListener, Monitor)>,
}

pub(super) async fn serve(config: Config, with_worker: bool) -> Result<(), CommandError> {
    log::init(&config.log);
    let address = SocketAddr::new(config.http.address, config.http.port);
    let Process { http, worker, schedule, admin } = start(config).await?;
    if http.assets().is_none() {
        tracing::warn!("no bundle is configured (site); the CMS works as plain HTML");
    }
    let listener = listen(address).await?;
    let (stop, stopped) = watch::channel(false);
    let worker = with_worker.then(|| tokio::spawn(worker.run(turned(stopped.clone()))));
    http.shares().catch_up().await;
    let backups = schedule.map(Schedule::start).transpose()?;
    let admin = admin.map(|admin| administer(&http, admin, stopped.clone()));
    tracing::info!(server.address = %address, "ready");
    let server = tokio::spawn(serve::serve(http, listener, turned(stopped)));
    terminated().await?;
    tracing::info!("stopping");
    stop.send_replace(true);
    server.await?;
    if let Some(worker) = worker {
        worker.await?;
    }
    if let Some(admin) = admin {
        admin.await?;
    }
    // Last, for everything above may write.
    if let Some(backups) = backups {
        backups.stop().await;
    }
    Ok(())
}

pub(super) async fn worker(mut config: Config) -> Result<(), CommandError> {
    log::init(&config.log);
    // It shows no page, and so needs no bundle.
    config.http.site = None;
    let Process { http, worker, schedule, admin } = start(config).await?;
    let (stop, stopped) = watch::channel(false);
    let backups = schedule.map(Schedule::start).transpose()?;
    let admin = admin.map(|admin| administer(&http, admin, stopped.clone()));
    tracing::info!("ready");
    let worker = tokio::spawn(worker.run(turned(stopped)));
    terminated().await?;
    stop.send_replace(true);
    worker.await?;
    if let Some(admin) = admin {
        admin.await?;
    }
    if let Some(backups) = backups {
        backups.stop().await;
    }
    Ok(())
}

pub(super) async fn migrate(config: Config) -> Result<(), CommandError> {
    wiring::deps(&config).await?;
    eprintln!("The database is up to date.");
    Ok(())
}

/// Opens everything and puts it together.
async fn start(config: Config) -> Result<Process, CommandError> {
    let mut patient = wiring::patient(&config)?;
    let Opened { deps, roots, schedule } = wiring::open(&config).await?;
    patient.opened = Some(roots);
    let (db, clock) = (deps.db.clone(), deps.world.clone());
    let Installation { services, world, operations, worker, converter } = wiring::install(&config, deps)?;
    // Before the first film, and so that the operator learns at once what is missing.
    tokio::task::spawn_blocking(move || converter.find().is_some());
    let metrics = Arc::new(Metrics::new(clock.now()));
    let admin = match config.http.admin {
        Some(address) => Some((listen(address).await?, Monitor::new(patient, db, clock, Arc::clone(&metrics)))),
        None => None,
    };
    let assets = config.http.site.as_deref().map(assets_of).transpose()?;
    let (config, log) = (config.http, RequestLog::to_stdout());
    let http = Http::new(HttpParts { services, world, config, assets, log, metrics, operations });
    Ok(Process { http, worker, schedule, admin })
}

async fn listen(address: SocketAddr) -> Result<TcpListener, CommandError> {
    Ok(TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))?)
}

/// Serves the admin port and watches, until `stopped` turns.
fn administer(http: &Http, admin: (TcpListener, Monitor), stopped: watch::Receiver<bool>) -> JoinHandle<()> {
    let (http, (listener, monitor)) = (http.clone(), admin);
    tokio::spawn(async move {
        let watching = tokio::spawn(monitor.run());
        serve::serve_admin(http, listener, turned(stopped)).await;
        watching.abort();
    })
}

/// Waits until the process is told to stop.
async fn turned(mut stopped: watch::Receiver<bool>) {
    stopped.wait_for(|stopped| *stopped).await.ok();
}

/// Waits for the signal to stop: SIGTERM of a supervisor, SIGINT of a person.
async fn terminated() -> std::io::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}
