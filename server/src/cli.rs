//! The command line.

mod admin;
mod backup;
mod demo;
mod doctor;
mod restore;
mod serve;
mod private;
mod push;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Overrides};

#[derive(Debug, Parser)]
#[command(name = "shutterpost", version, about = "Delivers event photos to guests, lawfully and provably")]
struct Arguments {
    /// Folder of database, media, keys and local outbox.
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    /// Port to listen on.
    #[arg(long, global = true)]
    port: Option<u16>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve HTTP and do the work of the job table.
    Serve {
        /// Only HTTP; `shutterpost worker` runs elsewhere.
        #[arg(long)]
        no_worker: bool,
    },
    /// Only the work of the job table: messages, clean-up, retention.
    Worker,
    /// Bring the database up to date and stop.
    Migrate,
    /// Accounts, from the machine itself.
    Admin {
        #[command(subcommand)]
        command: admin::AdminCommand,
    },
    /// Copy database, key store and stored objects to the target now, and check the copies.
    Backup(backup::BackupArguments),
    /// Bring database, key store and stored objects back from the target.
    Restore(restore::RestoreArguments),
    /// Look at everything an installation rests on, and say what to do. Ends with a failure if a check failed.
    Doctor(doctor::DoctorArguments),
    /// Seed a demo: an organisation, an event, captures, guests, users.
    Demo(demo::DemoArguments),
    /// Upload what is put into a folder, on a booth: waits until a file is whole, goes on after whatever fails, and uploads
    /// nothing twice.
    Push(push::PushArguments),
}

/// Runs the command; what went wrong goes to standard error in words.
pub fn main() -> ExitCode {
    let Arguments { data, port, command } = Arguments::parse();
    let command = match command {
        // On a booth: there is no installation.
        Command::Push(arguments) => return alone(arguments),
        command => command,
    };
    let config = match Config::load(Overrides { data, port }) {
        Ok(config) => config,
        Err(error) => return failed(&error),
    };
    // Developers look into what they run.
    if !config.http.dev
        && let Err(error) = private::keep()
    {
        return failed(&error);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let outcome = runtime.block_on(async {
        match command {
            Command::Serve { no_worker } => serve::serve(config, !no_worker).await,
            Command::Worker => serve::worker(config).await,
            Command::Migrate => serve::migrate(config).await,
            Command::Admin { command } => admin::run(config, command).await,
            Command::Backup(arguments) => backup::run(config, arguments).await,
            Command::Restore(arguments) => restore::run(config, arguments).await,
            Command::Doctor(arguments) => doctor::run(config, arguments).await,
            Command::Demo(arguments) => demo::run(config, arguments).await,
            Command::Push(_) => Err("it was to run without an installation".into()),
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&*error),
    }
}

fn alone(arguments: push::PushArguments) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(push::push(arguments)),
        Err(error) => return failed(&error),
    };
    outcome.unwrap_or_else(|error| failed(&*error))
}

/// What a command fails with: a sentence for the operator.
type CommandError = Box<dyn std::error::Error + Send + Sync>;

fn failed(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("shutterpost: {error}");
    ExitCode::FAILURE
}
