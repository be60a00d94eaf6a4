//! `cargo xtask fuzz`: damaged input for whatever reads what strangers send, from a seed that is new each time.

use std::{
    fs,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    args::Args,
    checkout::Checkout,
    failure::{Failure, While as _},
    process::{cargo, command, on_path, run},
    progress,
    test::Tally,
};

/// Name, and the package and its example that has a target of that name. Examples of two packages may not have one name:
/// they would lie in one file.
const TARGETS: [(&str, &str, &str); 9] = [
    ("inspect", "shutterpost-media", "fuzz"),
    ("strip", "shutterpost-media", "fuzz"),
    ("decode", "shutterpost-media", "fuzz"),
    ("walk-as-it-is", "shutterpost-media", "fuzz"),
    ("drawings", "shutterpost-media", "fuzz"),
    ("films", "shutterpost-media", "fuzz"),
    ("webm", "shutterpost-media", "fuzz"),
    ("zip-layout", "shutterpost-media", "fuzz"),
    ("tus", "shutterpost-model", "fuzz_tus"),
];

/// In a run of all tests, for each target.
const SECONDS: u64 = 60;

/// What to fuzz.
#[derive(Debug)]
pub struct Options {
    names: Vec<String>,
    seconds: u64,
    seed: Option<u64>,
    file: Option<PathBuf>,
}

impl Options {
    /// Reads `[NAME…] [--seconds N] [--seed N] [--file FILE]`; no name means all.
    pub fn parse(mut args: Args) -> Result<Self, Failure> {
        let seconds = args.number("--seconds")?.unwrap_or(SECONDS);
        let seed = args.number("--seed")?;
        let file = args.value("--file")?.map(PathBuf::from);
        let mut names = args.words()?;
        let known: Vec<&str> = TARGETS.iter().map(|(name, _, _)| *name).collect();
        if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(Failure::new(format!("there is no target `{unknown}`; there are: {}", known.join(", "))));
        }
        if file.is_some() && names.len() != 1 {
            return Err(Failure::new("--file needs the one target that is to read it"));
        }
        if names.is_empty() {
            names = known.iter().map(ToString::to_string).collect();
        }
        Ok(Self { names, seconds, seed, file })
    }

    /// All of them, as long as a run of all tests has time for.
    pub fn in_tests() -> Result<Self, Failure> {
        Self::parse(Args::none())
    }
}

/// Runs them one after another and counts those that held.
pub fn fuzz(checkout: &Checkout, options: &Options) -> Result<Tally, Failure> {
    let crashes = checkout.target().join("fuzz");
    fs::create_dir_all(&crashes).or_fail(format_args!("making {}", crashes.display()))?;
    let mut tally = Tally::default();
    if on_path("prlimit").is_none() {
        progress::note("no prlimit (util-linux): memory is not limited");
    }
    for (name, package, example) in
        TARGETS.iter().filter(|(name, ..)| options.names.iter().any(|wanted| wanted == name))
    {
        // Optimised, but with the checks of a development build on sums and borders.
        let mut build = cargo(checkout)?;
        build.args(["build", "--quiet", "--locked", "--package", package, "--example", example]);
        let step = progress::step(&format!("{example} of {package}"), "minutes at first, then seconds");
        run(&mut build)?;
        step.done();
        let example = checkout.target().join("debug/examples").join(example);
        let mut target = match on_path("prlimit") {
            // An input that asks for more memory than this has found something.
            Some(prlimit) => {
                let mut limited = command(prlimit);
                limited.arg("--as=3000000000").arg(&example);
                limited
            }
            None => command(&example),
        };
        target.arg(name);
        let step = if let Some(file) = &options.file {
            target.arg(file);
            progress::step(&format!("{name} with {}", file.display()), "")
        } else {
            let seed = options.seed.unwrap_or_else(new_seed);
            target.args(["--seconds", &options.seconds.to_string(), "--seed", &seed.to_string(), "--crashes"]);
            target.arg(&crashes);
            progress::step(&format!("fuzzing {name} from seed {seed}"), &format!("{} s", options.seconds))
        };
        let outcome = run(&mut target);
        step.done();
        match outcome {
            Ok(()) => tally.passed += 1,
            Err(failure) => {
                progress::note(&format!("{failure}; inputs are kept in {}", crashes.display()));
                progress::note(&format!("again: cargo xtask fuzz {name} --file FILE"));
                tally.failed += 1;
            }
        }
    }
    Ok(tally)
}

/// Another one each time: a seed that held once holds the next time as well.
#[expect(clippy::disallowed_methods, reason = "a seed is all that is wanted of the clock")]
fn new_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_chosen_by_name() {
        let parse = |words: &[&str]| Options::parse(Args::from_words(words));
        assert_eq!(parse(&["strip", "--seconds", "5"]).unwrap().names, ["strip"]);
        assert_eq!(parse(&[]).unwrap().names.len(), TARGETS.len());
        assert!(parse(&["stripp"]).is_err());
        assert!(parse(&["--file", "x"]).is_err());
        assert!(parse(&["inspect", "--file", "x"]).unwrap().file.is_some());
    }
}
