//! `serve`, `worker` and `migrate`.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::CommandError;
use crate::config::Config;
use crate::http::{Http, HttpParts, assets_of, serve};
use crate::log::{self, RequestLog};
use crate::wiring::{self, Installation, Opened, Schedule};

pub(super) async fn serve(config: Config, with_worker: bool) -> Result<(), CommandError> {
    log::init(&config.log);
    let Opened { deps, schedule } = wiring::open(&config).await?;
    let Installation { services, world, operations, worker } = wiring::install(&config, deps)?;
    let assets = match &config.http.site {
        Some(site) => Some(assets_of(site)?),
        None => {
            tracing::warn!("no bundle is configured (site); the CMS works as plain HTML");
            None
        }
    };
    let address = SocketAddr::new(config.http.address, config.http.port);
    let listener = TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let worker = with_worker.then(|| {
        let mut stopped = stopped.clone();
        tokio::spawn(worker.run(async move {
            stopped.wait_for(|stopped| *stopped).await.ok();
        }))
    });
    let http =
        Http::new(HttpParts { services, world, config: config.http, assets, log: RequestLog::to_stdout(), operations });
    http.shares().catch_up().await;
    let backups = schedule.map(Schedule::start).transpose()?;
    tracing::info!(server.address = %address, "ready");
    let server = tokio::spawn(serve::serve(http, listener, async move {
        stopped.wait_for(|stopped| *stopped).await.ok();
    }));
    terminated().await?;
    tracing::info!("stopping");
    stop.send_replace(true);
    server.await?;
    if let Some(worker) = worker {
        worker.await?;
    }
    // Last, for everything above may write.
    if let Some(backups) = backups {
        backups.stop().await;
    }
    Ok(())
}

pub(super) async fn worker(config: Config) -> Result<(), CommandError> {
    log::init(&config.log);
    let Opened { deps, schedule } = wiring::open(&config).await?;
    let Installation { worker, .. } = wiring::install(&config, deps)?;
    let backups = schedule.map(Schedule::start).transpose()?;
    tracing::info!("ready");
    worker
        .run(async {
            if let Err(error) = terminated().await {
                tracing::error!(error.kind = %error, "no signals");
            }
        })
        .await;
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
