//! `cargo xtask bench`: the committed measurements. Each compares ours with a peer side by side in one run and prints
//! one JSON line with the ratio, because absolute figures of two days or two machines cannot be compared.

mod branding;
mod export;
mod heic;
mod list;
mod load;
mod nginx;
mod pairs;
mod pressure;
mod remux;
mod renditions;
mod share;
mod sign_in;
mod start;
mod vault;

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    args::Args,
    checkout::Checkout,
    failure::{Failure, While as _},
    process::{command, run as run_command},
    progress,
    running::cpu_seconds,
    server::{Place, Profile},
};

/// Names, what they compare and about how long they take once everything is built.
const BENCHES: [(&str, &str); 18] = [
    ("share", "a cached share page against nginx with the same bytes, requests per CPU second; about 2 minutes"),
    ("list", "a deep page of captures against the first, on SQLite and PostgreSQL; about 3 minutes"),
    ("start", "time to ready and idle memory against Express with sharp; about 2 minutes"),
    ("sign-in", "a wrong password of a known address against one of an unknown, time to the answer; about 2 minutes"),
    ("remux", "a film cleaned with its index first against ffmpeg copying it, time and memory; about 2 minutes"),
    ("branding", "an upload with a branding against one without, CPU and memory, and previews; about 2 minutes"),
    (
        "renditions-12",
        "all files of a photo of 12 megapixels against sharp's best way, CPU and memory; about 2 minutes",
    ),
    ("renditions-24", "the same of 24 megapixels; about 3 minutes"),
    ("renditions-usual", "12 megapixels against sharp's usual way; about 2 minutes"),
    ("renditions-avif", "12 megapixels with AVIF against sharp's best way; about 6 minutes"),
    (
        "heic",
        "a HEIC of 12 megapixels decoded against pillow-heif on two threads, CPU, clock and memory; about 3 minutes",
    ),
    ("export", "an archive of an event against npm's archiver, megabytes per CPU second; about 7 minutes"),
    ("pressure", "a cached share page while eight photos are in work against idle, p99; about 9 minutes"),
    ("vault-aead", "sealing segments against `openssl speed`, bytes per CPU second; about 2 minutes"),
    ("vault-ingest", "the pictures of an upload sealed against not sealed, CPU; about a minute"),
    ("vault-serve", "a sealed rendition against nginx over TLS, requests per CPU second; about 2 minutes"),
    ("vault-range", "the last 64 KiB of a sealed film of 100 MB against the first, CPU; about 20 seconds"),
    ("vault-field", "a field sealed and opened against 15 µs; about a minute"),
];

/// Fewer pairs say too little about the spread.
const FEWEST_PAIRS: usize = 7;

/// Seconds of processor time in one by the clock that a server uses which does nothing but look at its clocks and queues.
const IDLE: f64 = 0.05;
/// How long it may have been busy with what came before, such as AVIF of a hundred photos on one core.
const SETTLED_WITHIN: Duration = Duration::from_secs(900);

/// What to measure.
#[derive(Debug)]
pub struct Options {
    names: Vec<String>,
    pairs: usize,
    profile: Profile,
}

impl Options {
    /// Reads the command line; no name means all.
    pub fn parse(mut args: Args) -> Result<Self, Failure> {
        let pairs = args.number("--pairs")?.unwrap_or(FEWEST_PAIRS);
        if pairs < FEWEST_PAIRS {
            return Err(Failure::new(format!("at least {FEWEST_PAIRS} pairs, or the spread says nothing")));
        }
        let profile = if args.flag("--debug") { Profile::Debug } else { Profile::Release };
        let mut names = args.words()?;
        if let Some(unknown) = names.iter().find(|name| BENCHES.iter().all(|(known, _)| !is_one_of(known, name))) {
            let known: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
            return Err(Failure::new(format!("there is no bench `{unknown}`; there are: {}", known.join(", "))));
        }
        // Everywhere else the build itself is what is measured.
        if profile == Profile::Debug && names != ["sign-in"] {
            return Err(Failure::new("--debug is for trying out sign-in, whose ratio is that of one hash to another"));
        }
        if names.is_empty() {
            names = BENCHES.iter().map(|(name, _)| (*name).to_owned()).collect();
        }
        Ok(Self { names, pairs, profile })
    }
}

/// Whether `bench` is what the name chooses: `vault` stands for all that begin with `vault-`.
fn is_one_of(bench: &str, name: &str) -> bool {
    bench.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Measures and prints one JSON line each.
pub fn run(checkout: &Checkout, options: &Options) -> Result<(), Failure> {
    for (name, what) in BENCHES {
        if !options.names.iter().any(|wanted| is_one_of(name, wanted)) {
            continue;
        }
        let step = progress::step(&format!("bench {name}: {what}"), "");
        let line: Value = match name {
            name if name.starts_with("renditions-") => renditions::measure(checkout, options.pairs, name)?,
            "share" => share::measure(checkout, options.pairs)?,
            "list" => list::measure(checkout, options.pairs)?,
            "start" => start::measure(checkout, options.pairs)?,
            "sign-in" => sign_in::measure(checkout, options.pairs, options.profile)?,
            "export" => export::measure(checkout, options.pairs)?,
            "heic" => heic::measure(checkout, options.pairs)?,
            "pressure" => pressure::measure(checkout, options.pairs)?,
            "branding" => branding::measure(checkout, options.pairs)?,
            "remux" => remux::measure(checkout, options.pairs)?,
            "vault-aead" => vault::aead::measure(checkout, options.pairs)?,
            "vault-ingest" => vault::ingest::measure(checkout, options.pairs)?,
            "vault-serve" => vault::serve::measure(checkout, options.pairs)?,
            "vault-range" => vault::range::measure(checkout, options.pairs)?,
            _ => vault::field::measure(checkout, options.pairs)?,
        };
        step.done();
        println!("{line}");
    }
    Ok(())
}

/// A command of our binary as an installation starts it that configures nothing: no setting of the caller's gets through,
/// neither from the environment nor from a `shutterpost.toml`. It would be measured as well, and a `DATABASE_URL` would
/// have the measurement fill somebody's database.
fn ours(place: &Place, binary: &Path, folder: &Path) -> Command {
    let mut ours = place.command(binary);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_foreign_setting) {
            ours.env_remove(name);
        }
    }
    let url = format!("http://localhost:{}", place.port);
    ours.env("SHUTTERPOST_URL", url).env("SHUTTERPOST_DEV", "0").current_dir(folder);
    ours
}

/// Whether the variable is a setting that the place does not choose itself.
fn is_foreign_setting(name: &str) -> bool {
    let chosen = ["SHUTTERPOST_DATA", "SHUTTERPOST_SITE", "SHUTTERPOST_PORT"].contains(&name);
    name == "DATABASE_URL" || (name.starts_with("SHUTTERPOST_") && !chosen)
}

/// Seeds the demo by the given command of our binary and returns what it wrote.
fn demo(mut ours: Command, folder: &Path, more: &[&str]) -> Result<Value, Failure> {
    let json = folder.join("demo.json");
    run_command(ours.arg("demo").arg("--json").arg(&json).args(more))?;
    let text = fs::read_to_string(&json).or_fail("reading the demo's JSON")?;
    serde_json::from_str(&text).or_fail("reading the demo's JSON")
}

/// Waits until a server does nothing. What it leaves for later, such as AVIF of photos that came, would be counted with
/// whatever is measured next.
fn settle(pid: u32) -> Result<(), Failure> {
    let (started, mut quiet, mut before) = (Instant::now(), 0, cpu_seconds(pid)?);
    // Jobs follow each other within less.
    while quiet < 3 {
        if started.elapsed() > SETTLED_WITHIN {
            return Err(Failure::new(format!("process {pid} is busy after {}", progress::seconds(SETTLED_WITHIN))));
        }
        progress::pause(Duration::from_secs(1));
        let now = cpu_seconds(pid)?;
        quiet = if now - before < IDLE { quiet + 1 } else { 0 };
        before = now;
    }
    progress::note(&format!("the server is idle after {}", progress::seconds(started.elapsed())));
    Ok(())
}

/// A text of the demo's JSON.
fn text<'a>(demo: &'a Value, pointer: &str) -> Result<&'a str, Failure> {
    demo.pointer(pointer).and_then(Value::as_str).or_fail(format_args!("reading {pointer} of the demo"))
}

/// The same command on one core. taskset replaces itself by it, so the process id stays the program's.
fn pinned(core: &str, inner: &mut Command) -> Command {
    let mut outer = command("taskset");
    outer.args(["--cpu-list", core]).arg(inner.get_program()).args(inner.get_args());
    if let Some(folder) = inner.get_current_dir() {
        outer.current_dir(folder);
    }
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

/// Both streams into one file, appended: a measured server logs as it would in use, and not onto the terminal.
fn log_to(command: &mut Command, path: &Path) -> Result<(), Failure> {
    let file = fs::OpenOptions::new().create(true).append(true).open(path).or_fail("opening a log")?;
    let errors = file.try_clone().or_fail("opening a log")?;
    command.stdout(Stdio::from(file)).stderr(Stdio::from(errors));
    Ok(())
}

/// The end of a log, for a server that did not do what it was started for.
fn with_log(failure: &Failure, path: &Path) -> Failure {
    let log = fs::read_to_string(path).unwrap_or_default();
    let from = log.char_indices().rev().nth(2000).map_or(0, |(at, _)| at);
    Failure::new(format!("{failure}\n{}", log.get(from..).unwrap_or_default()))
}

/// `/s/abc` of `http://localhost:8080/s/abc`.
fn path_of(url: &str) -> Option<&str> {
    let after_scheme = url.find("://")? + 3;
    let slash = url.get(after_scheme..)?.find('/')?;
    url.get(after_scheme + slash..)
}

/// Percent-encoded for a query.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries() {
        assert_eq!(path_of("http://localhost:8080/s/abc"), Some("/s/abc"));
        assert_eq!(path_of("/s/abc"), None);
        assert_eq!(encoded("a b/=~"), "a%20b%2F%3D~");
    }

    #[test]
    fn settings_of_the_caller_do_not_get_through() {
        for name in ["DATABASE_URL", "SHUTTERPOST_LOG", "SHUTTERPOST_KEYS", "SHUTTERPOST_URL"] {
            assert!(is_foreign_setting(name), "{name}");
        }
        assert!(!is_foreign_setting("SHUTTERPOST_DATA") && !is_foreign_setting("PATH"));
    }

    #[test]
    fn a_pinned_command_keeps_its_folder_arguments_and_environment() {
        let mut inner = Command::new("server");
        inner.arg("serve").env("A", "1").current_dir("/tmp");
        let outer = pinned("0", &mut inner);
        let words: Vec<_> = outer.get_args().collect();
        assert_eq!(words, ["--cpu-list", "0", "server", "serve"]);
        assert_eq!(outer.get_current_dir(), Some(Path::new("/tmp")));
        assert!(outer.get_envs().any(|(name, value)| name == "A" && value == Some("1".as_ref())));
    }

    #[test]
    fn too_few_pairs_and_unknown_names_are_refused() {
        assert!(Options::parse(Args::from_words(&["--pairs", "6"])).is_err());
        assert!(Options::parse(Args::from_words(&["shares"])).is_err());
        assert!(Options::parse(Args::from_words(&["--debug", "share"])).is_err());
        assert!(Options::parse(Args::from_words(&["--debug", "sign-in"])).is_ok());
        assert_eq!(Options::parse(Args::from_words(&[])).unwrap().names.len(), BENCHES.len());
        assert_eq!(Options::parse(Args::from_words(&["start"])).unwrap().names, ["start"]);
    }

    #[test]
    fn one_name_can_choose_a_group() {
        let chosen = |name: &str| BENCHES.iter().filter(|(bench, _)| is_one_of(bench, name)).count();
        assert_eq!(
            [chosen("vault"), chosen("vault-aead"), chosen("share"), chosen("vaul"), chosen("")],
            [5, 1, 1, 0, 0]
        );
    }
}
