//! `cargo xtask …`: every recipe a developer or CI runs. It prepares the machine, builds, serves, tests and measures;
//! nothing of it ships.
#![expect(clippy::print_stdout, reason = "a command-line program talks to whoever called it")]

mod args;
mod bench;
mod booth;
mod bundle;
mod checkout;
mod debian;
mod drill;
mod failure;
mod fuzz;
mod http;
mod idp;
mod moto;
mod mutants;
mod native;
mod node;
mod postgres;
mod process;
mod progress;
mod running;
mod scratch;
mod serve;
mod server;
mod softhsm;
mod stamp;
mod test;
mod toolchain;
mod tools;

use std::process::ExitCode;

use crate::{args::Args, checkout::Checkout, failure::Failure};

const USAGE: &str = "\
cargo xtask COMMAND

  serve [--demo] [--demo-json FILE] [--data DIR] [--port N] [--release]
        build what is missing and run the server on http://localhost:8080
          --demo            seed an organisation, an event, captures, guests and users, and print how to sign in
          --demo-json FILE  write the same as JSON once the server is ready (implies --demo)
          --data DIR        where everything is kept (default: data)
          --port N          default: 8080
          --release         optimised bundle and server, as they would be shipped

  test [--only NAME[,NAME…]] [--fuzz]
        everything that must pass: fmt, licences, clippy, wasm, unit, bundle, browser
          --fuzz  and a minute of fuzzing for each of the eight targets, before bundle and browser; whatever --only names

  bench [NAME…] [--pairs N]
        the committed measurements, one JSON line each: share, list, start, sign-in, remux, branding, heic, export, pressure,
        vault for vault-aead, vault-ingest, vault-serve, vault-range and vault-field, and renditions for renditions-12,
        renditions-24, renditions-usual and renditions-avif
          --pairs N    of ours and theirs in turn (default, and fewest: 7)
          --debug      of sign-in alone: the server as it is built for development

  soak [--kills N] [--crashes N]
        the crash suites in full
          --kills N    of the real program under load, on each database (default: 200)
          --crashes N  seeded power cuts under both SQLite databases, the objects and the ledger (default: 2000)

  fuzz [NAME…] [--seconds N] [--seed N] [--file FILE]
        damaged input for whatever reads what strangers send, and histories of it: inspect, strip, decode, walk-as-it-is,
        drawings, films, zip-layout, tus
          --seconds N  for each target (default: 60)
          --seed N     the same inputs again
          --file FILE  only that input, such as one that broke it, for the one target named
        What asks for more than 3 GB has broken, where `prlimit` (util-linux) is there to say so.

  mutants [sso|identity] [--shard K/N] [--file PART] [--least PERCENT]
        takes the guards of sign-in out, one at a time, and fails if tests miss too many of them; hours, so in parts
          --shard K/N      the K-th of N parts, from 0
          --file PART      only files whose path has this in it
          --least PERCENT  how many must be noticed (default: 90)

  recovery-drill [--postgres]
        shows that backups are good: photos and erasures, a lost disk, and five states that come back; one JSON line

  bundle [--release]
        only the browser's bundle, into target/site

  providers
        only the identity providers of the tests; they run until this is interrupted

  tools
        only the toolchain and the tools that the other commands need

Downloads, tools and compiled code are kept in $SHUTTERPOST_CACHE (default: ~/.cache/shutterpost).";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(failure) => {
            // Both streams may end up in one file: what was printed before must stand before the reason.
            use std::io::Write as _;
            std::io::stdout().flush().ok();
            eprintln!("\nxtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode, Failure> {
    let mut args = Args::from_command_line();
    let command = args.word();
    match command.as_deref() {
        Some("serve") => {
            let options = serve::Options::parse(args)?;
            serve::run(&Checkout::find()?, &options)?;
            Ok(ExitCode::SUCCESS)
        }
        Some("test") => {
            let only = test::Only::parse(args)?;
            test::run(&Checkout::find()?, &only)
        }
        Some("bench") => {
            let options = bench::Options::parse(args)?;
            bench::run(&Checkout::find()?, &options)?;
            Ok(ExitCode::SUCCESS)
        }
        Some("soak") => {
            let kills = args.number("--kills")?.unwrap_or(200);
            let crashes = args.number("--crashes")?.unwrap_or(2_000);
            args.finish()?;
            test::soak(&Checkout::find()?, test::Soak { kills, crashes })
        }
        Some("fuzz") => {
            let tally = fuzz::fuzz(&Checkout::find()?, &fuzz::Options::parse(args)?)?;
            println!("{} held, {} broke", tally.passed, tally.failed);
            Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Some("mutants") => {
            let options = mutants::Options::parse(args)?;
            println!("{}", mutants::run(&Checkout::find()?, &options)?);
            Ok(ExitCode::SUCCESS)
        }
        Some("recovery-drill") => {
            let databases = if args.flag("--postgres") { drill::Databases::Postgres } else { drill::Databases::Sqlite };
            args.finish()?;
            println!("{}", drill::run(&Checkout::find()?, databases)?);
            Ok(ExitCode::SUCCESS)
        }
        Some("bundle") => {
            let kind = if args.flag("--release") { bundle::Kind::Release } else { bundle::Kind::Debug };
            args.finish()?;
            let site = bundle::ensure(&Checkout::find()?, kind)?;
            println!("{}", site.display());
            Ok(ExitCode::SUCCESS)
        }
        Some("providers") => {
            args.finish()?;
            let providers = idp::Providers::start(&Checkout::find()?)?;
            println!("{}\n{}={}", providers.describe(), idp::VARIABLE, providers.file().display());
            loop {
                progress::pause(std::time::Duration::from_secs(3600));
            }
        }
        Some("tools") => {
            args.finish()?;
            let checkout = Checkout::find()?;
            toolchain::prepare(&checkout)?;
            tools::for_bundle(&checkout, bundle::Kind::Release)?;
            tools::nextest(&checkout)?;
            Ok(ExitCode::SUCCESS)
        }
        // Started by `serve` itself, beside the server.
        Some("announce") => {
            serve::announce(args)?;
            Ok(ExitCode::SUCCESS)
        }
        Some("help" | "--help" | "-h") => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        Some(other) => Err(Failure::new(format!("there is no command `{other}`\n\n{USAGE}"))),
        None => Err(Failure::new(format!("say which command\n\n{USAGE}"))),
    }
}
