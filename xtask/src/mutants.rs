//! `cargo xtask mutants`: takes the guards of sign-in out, one at a time, and counts how many of them a test misses.

use std::fs;

use serde_json::{Value, json};

use crate::{
    args::Args,
    checkout::Checkout,
    failure::{Failure, While as _},
    idp,
    postgres::Postgres,
    process::cargo,
    progress,
    scratch::Scratch,
    tools,
};

/// What is mutated, and by which tests it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    /// `server/sso`, by its own tests.
    Sso,
    /// `backend::identity`, by its own tests and by those of the features that sign people in with it, on SQLite and
    /// PostgreSQL.
    Identity,
}

/// How much of it.
#[derive(Debug)]
pub struct Options {
    room: Room,
    /// `K/N`: the K-th of N parts, from 0.
    shard: Option<String>,
    /// Only files whose path has this in it.
    file: Option<String>,
    /// Of a hundred mutants that compile, how many must be killed.
    least: f64,
}

impl Options {
    /// Reads `[sso|identity] [--shard K/N] [--file PART] [--least PERCENT]`.
    pub fn parse(mut args: Args) -> Result<Self, Failure> {
        let shard = args.value("--shard")?;
        let file = args.value("--file")?;
        let least = args.number("--least")?.unwrap_or(90.0);
        let room = match args.words()?.as_slice() {
            [] => Room::Sso,
            [one] if one == "sso" => Room::Sso,
            [one] if one == "identity" => Room::Identity,
            other => return Err(Failure::new(format!("mutants of sso or identity, not `{}`", other.join(" ")))),
        };
        Ok(Self { room, shard, file, least })
    }
}

/// Runs them; gives the numbers as one JSON line, or says which guard no test misses.
pub fn run(checkout: &Checkout, options: &Options) -> Result<String, Failure> {
    let tools = tools::mutants(checkout)?;
    let folder = Scratch::new("mutants")?;
    let mut mutants = cargo(checkout)?;
    tools.choose(&mut mutants);
    // A tree of its own, so that whoever edits meanwhile is not in the way.
    mutants.args(["mutants", "--no-times", "--colors", "never", "--output"]).arg(folder.path());
    mutants.args(["--timeout-multiplier", "4", "--minimum-test-timeout", "60"]);
    if let Some(shard) = &options.shard {
        // One of each N, from everywhere, so that a part says something of the whole.
        mutants.args(["--sharding", "round-robin", "--shard", shard]);
    }
    let providers;
    let postgres;
    let judges: &[&str] = match options.room {
        Room::Sso => {
            providers = idp::Providers::start(checkout)?;
            mutants.env(idp::VARIABLE, providers.file());
            mutants.args(["--package", "shutterpost-sso"]);
            // 45 000 mutated messages show what the other tests show, in a minute each time.
            &["--skip", "mutations"]
        }
        Room::Identity => {
            postgres = Postgres::start()?;
            mutants.env("SHUTTERPOST_TEST_POSTGRES", postgres.url());
            mutants.args(["--package", "shutterpost-backend"]);
            // Sessions by a provider, what an organisation asks of its people, and who is erased, begin and end there.
            &["identity::", "connections::", "privacy::", "sso::", "support::"]
        }
    };
    let file = match (&options.file, options.room) {
        (Some(part), _) => format!("**/*{part}*"),
        (None, Room::Sso) => "server/sso/src/**".to_owned(),
        (None, Room::Identity) => "server/backend/src/identity/**".to_owned(),
    };
    mutants.args(["--file", &file, "--"]);
    if options.room == Room::Identity {
        mutants.arg("--lib");
    }
    mutants.arg("--").args(judges);
    let step = progress::step("mutants", "half a minute each");
    // It ends with an error when a mutant lives, too; the file says how many.
    mutants.status().or_fail("starting cargo-mutants")?;
    step.done();
    let path = folder.path().join("mutants.out/outcomes.json");
    let text = fs::read_to_string(&path).or_fail(format_args!("reading {}", path.display()))?;
    let outcomes: Value = serde_json::from_str(&text).or_fail("reading what became of the mutants")?;
    let score = Score::read(&outcomes)?;
    let line = json!({
        "mutants": format!("{:?}", options.room).to_lowercase(),
        "shard": options.shard,
        "caught": score.caught,
        "timeout": score.timeout,
        "missed": score.missed,
        "unviable": score.unviable,
        "killed_percent": score.killed(),
    });
    if score.killed() < options.least {
        return Err(Failure::new(format!("{line}\nless than {} % were killed", options.least)));
    }
    Ok(line.to_string())
}

/// What became of the mutants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Score {
    caught: u32,
    /// A loop that never ends is noticed, too.
    timeout: u32,
    missed: u32,
    /// Did not compile: counts for nothing.
    unviable: u32,
}

impl Score {
    fn read(outcomes: &Value) -> Result<Self, Failure> {
        let number = |name: &str| {
            outcomes[name]
                .as_u64()
                .and_then(|number| u32::try_from(number).ok())
                .ok_or_else(|| Failure::new(format!("cargo-mutants gives no number `{name}`")))
        };
        Ok(Self {
            caught: number("caught")?,
            timeout: number("timeout")?,
            missed: number("missed")?,
            unviable: number("unviable")?,
        })
    }

    /// Of a hundred that compile.
    fn killed(self) -> f64 {
        let killed = f64::from(self.caught + self.timeout);
        let all = killed + f64::from(self.missed);
        // None at all is no proof of anything.
        if all == 0.0 { 0.0 } else { (killed / all * 1000.0).round() / 10.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_compiles() {
        let outcomes = json!({"caught": 90, "timeout": 1, "missed": 9, "unviable": 50, "success": 0});
        let score = Score::read(&outcomes).expect("numbers");
        assert!((score.killed() - 91.0).abs() < f64::EPSILON);
        assert!(Score::read(&json!({"caught": 1})).is_err());
        let none = Score { caught: 0, timeout: 0, missed: 0, unviable: 3 };
        assert!(none.killed() < 1.0, "an empty shard proves nothing");
    }

    #[test]
    fn reads_the_command_line() {
        let options = Options::parse(Args::from_words(&["identity", "--shard", "1/8"])).expect("fine");
        assert_eq!((options.room, options.shard.as_deref()), (Room::Identity, Some("1/8")));
        assert!(Options::parse(Args::from_words(&["media"])).is_err());
    }
}
