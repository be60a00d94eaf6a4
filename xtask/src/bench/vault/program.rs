//! Our examples that measure: built, run on the core of whatever is measured, and asked.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

use serde_json::Value;

use crate::{
    bench::{load::CORE, pinned},
    checkout::Checkout,
    debian,
    failure::{Failure, While as _},
    process::{capture, cargo, command, run, shown},
    progress,
};

/// The vault's example, which prints rates.
pub fn vault(checkout: &Checkout) -> Result<PathBuf, Failure> {
    build(checkout, "shutterpost-vault", "measure", &[], "about 4 minutes at first")
}

/// The backend's example, which stores and reads pictures and films.
pub fn backend(checkout: &Checkout) -> Result<PathBuf, Failure> {
    let features = ["--features", "measuring"];
    build(checkout, "shutterpost-backend", "measure_media", &features, "about 6 minutes at first")
}

/// The media crate's example, which cleans films.
pub fn media(checkout: &Checkout) -> Result<PathBuf, Failure> {
    build(checkout, "shutterpost-media", "remux", &[], "about 2 minutes at first")
}

/// The media crate's example, which brands uploads and makes previews.
pub fn branding(checkout: &Checkout) -> Result<PathBuf, Failure> {
    build(checkout, "shutterpost-media", "branding", &[], "about 2 minutes at first")
}

/// The media crate's example, which decodes photos.
pub fn heic(checkout: &Checkout) -> Result<PathBuf, Failure> {
    build(checkout, "shutterpost-media", "heic", &[], "about 2 minutes at first")
}

/// A test photo of that size, as a camera would send it.
pub fn photo(checkout: &Checkout, folder: &Path, width: u32, height: u32) -> Result<PathBuf, Failure> {
    let derive = build(checkout, "shutterpost-media", "derive", &[], "about 2 minutes at first")?;
    let file = folder.join(format!("{width}x{height}.jpg"));
    capture(command(derive).args(["--synthesise", &width.to_string(), &height.to_string()]).arg(&file))?;
    Ok(file)
}

/// One package at a time, unlike the server: an example of all of them together would get the features that tests need.
fn build(
    checkout: &Checkout,
    package: &str,
    example: &str,
    features: &[&str],
    usually: &str,
) -> Result<PathBuf, Failure> {
    debian::program("taskset", &["util-linux"], "this measurement")?;
    let step = progress::step(&format!("{example} of {package} (release)"), usually);
    let mut build = cargo(checkout)?;
    run(build.args(["build", "--locked", "--release", "--package", package, "--example", example]).args(features))?;
    step.done();
    Ok(checkout.target().join("release/examples").join(example))
}

/// Figures by name.
pub type Figures = BTreeMap<String, f64>;

/// Runs a program that prints `{"name","unit","value"}` lines, and returns the values.
pub fn figures(program: &Path, wanted: &[&str]) -> Result<Figures, Failure> {
    let printed = capture(&mut pinned(CORE, command(program).args(wanted)))?;
    read_figures(&printed).or_fail(format_args!("reading the figures of {}", program.display()))
}

fn read_figures(printed: &str) -> Option<Figures> {
    let figure = |line: &str| {
        let line: Value = serde_json::from_str(line).ok()?;
        Some((line.get("name")?.as_str()?.to_owned(), line.get("value")?.as_f64()?))
    };
    printed.lines().map(figure).collect()
}

/// One of them.
pub fn figure(figures: &Figures, name: &str) -> Result<f64, Failure> {
    figures.get(name).copied().or_fail(format_args!("looking for the figure {name}"))
}

/// A program that does a piece of work for each line that it gets, and answers with a line of JSON. So both sides of a
/// pair are the same process, and what was prepared stays.
pub struct Dialogue {
    child: Child,
    // Taken away to end it.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    name: String,
}

impl Dialogue {
    /// Starts the program on the core of whatever is measured.
    pub fn start(program: &Path, arguments: &[&Path]) -> Result<Self, Failure> {
        let mut words = command(program);
        words.args(arguments);
        let mut pinned = pinned(CORE, &mut words);
        let name = shown(&pinned);
        let doing = format!("starting `{name}`");
        let mut child = pinned.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().or_fail(&doing)?;
        let input = Some(child.stdin.take().or_fail(&doing)?);
        let output = BufReader::new(child.stdout.take().or_fail(&doing)?);
        Ok(Self { child, input, output, name })
    }

    /// Has one piece of work done.
    pub fn ask(&mut self, line: &str) -> Result<Figures, Failure> {
        let doing = format!("asking `{}` for {line}", self.name);
        let input = self.input.as_mut().or_fail(&doing)?;
        writeln!(input, "{line}").and_then(|()| input.flush()).or_fail(&doing)?;
        let mut answer = String::new();
        self.output.read_line(&mut answer).or_fail(&doing)?;
        read_answer(&answer).ok_or_else(|| Failure::new(format!("while {doing}: it answered {answer:?}")))
    }
}

fn read_answer(answer: &str) -> Option<Figures> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    answer.as_object()?.iter().map(|(name, value)| Some((name.clone(), value.as_f64()?))).collect()
}

impl Drop for Dialogue {
    /// The end of its input ends the program.
    fn drop(&mut self) {
        drop(self.input.take());
        if let Err(error) = self.child.wait() {
            progress::note(&format!("could not end `{}`: {error}", self.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lines_and_answers() {
        let printed =
            "{\"name\":\"a\",\"unit\":\"MB/s\",\"value\":1.500}\n{\"name\":\"b\",\"unit\":\"s\",\"value\":2}\n";
        let figures = read_figures(printed).unwrap();
        assert_eq!(figure(&figures, "a").unwrap(), 1.5);
        assert_eq!(figure(&figures, "b").unwrap(), 2.0);
        assert!(figure(&figures, "c").is_err());
        assert!(read_figures("nonsense\n").is_none());
        assert_eq!(read_answer("{\"cpu\":0.5}\n").unwrap().get("cpu"), Some(&0.5));
        assert!(read_answer("{\"cpu\":\"?\"}\n").is_none() && read_answer("").is_none());
    }

    #[test]
    fn a_program_that_ended_is_a_failure_and_not_waited_for() {
        let mut ended = Dialogue::start(Path::new("true"), &[]).unwrap();
        assert!(ended.ask("anything").is_err());
        let mut echo = Dialogue::start(Path::new("cat"), &[]).unwrap();
        assert_eq!(echo.ask("{\"cpu\":1}").unwrap().get("cpu"), Some(&1.0));
    }
}
