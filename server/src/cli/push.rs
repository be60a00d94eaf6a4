//! `shutterpost push`: needs neither configuration nor database.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::CommandError;
use crate::push::{Address, Ended, Options, Token, run};
use crate::{adapters, config};

#[derive(Debug, Args)]
pub(super) struct PushArguments {
    /// Folder that photos are put into.
    folder: PathBuf,
    /// Address of the server, e.g. https://photos.example.
    #[arg(long)]
    server: String,
    /// File with the device's token; without one it is taken from SHUTTERPOST_TOKEN.
    #[arg(long)]
    token_file: Option<PathBuf>,
    /// Id of the event, for an API token; a device has its own.
    #[arg(long)]
    event: Option<String>,
    /// Where to remember what was uploaded; .shutterpost-push in the folder if not given.
    #[arg(long)]
    state: Option<PathBuf>,
    /// Moves what is uploaded into this folder.
    #[arg(long)]
    done: Option<PathBuf>,
    /// Writes what is waiting to this file.
    #[arg(long)]
    status_json: Option<PathBuf>,
    /// Seconds that a file must not change before it counts as whole.
    #[arg(long, default_value_t = 2.0)]
    quiet: f64,
    /// Uploads at a time.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=16))]
    parallel: u8,
    /// Ends when everything is uploaded. The exit code is then 3 if the token is not accepted, 4 if the server
    /// was away for too long, 5 if files were refused.
    #[arg(long)]
    once: bool,
    /// Allows http:// to another machine: whoever listens sees photos and token.
    #[arg(long)]
    insecure_http: bool,
}

pub(super) async fn push(arguments: PushArguments) -> Result<ExitCode, CommandError> {
    let PushArguments { folder, server, token_file, event, state, done, status_json, quiet, parallel, .. } = arguments;
    let token = match (token_file, config::push_token()) {
        (Some(file), _) => Token::File(file),
        (None, Some(token)) => Token::Given(token),
        (None, None) => return Err("there is no token: name its file by --token-file, or set SHUTTERPOST_TOKEN".into()),
    };
    let options = Options {
        server: Address::parse(&server, arguments.insecure_http)?,
        event,
        token,
        state: state.unwrap_or_else(|| folder.join(".shutterpost-push")),
        done,
        status: status_json,
        quiet: Duration::try_from_secs_f64(quiet).map_err(|error| format!("--quiet: {error}"))?,
        parallel: usize::from(parallel),
        once: arguments.once,
        folder,
    };
    let stop = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Nobody can tell us to stop: then nobody does.
            std::future::pending::<()>().await;
        }
    };
    Ok(match run(options, adapters::world(), stop).await? {
        Ended::Well => ExitCode::SUCCESS,
        Ended::Refused => ExitCode::from(5),
        Ended::Barred => ExitCode::from(3),
        Ended::Away => ExitCode::from(4),
    })
}
