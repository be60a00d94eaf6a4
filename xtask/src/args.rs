//! The command line: `--name value`, `--name=value`, `--flag` and plain words, in any order.

use crate::failure::Failure;

/// What is left of the command line; each question takes its answer out.
#[derive(Debug)]
pub struct Args(Vec<String>);

impl Args {
    /// The words after the program's name.
    pub fn from_command_line() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    /// A command line of nothing more.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    #[cfg(test)]
    pub fn from_words(words: &[&str]) -> Self {
        Self(words.iter().map(ToString::to_string).collect())
    }

    /// The next word, whatever it is.
    pub fn word(&mut self) -> Option<String> {
        if self.0.is_empty() { None } else { Some(self.0.remove(0)) }
    }

    /// Whether `name` (with its dashes) was given.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|word| word != name);
        self.0.len() < before
    }

    /// The value that follows `name` (with its dashes).
    pub fn value(&mut self, name: &str) -> Result<Option<String>, Failure> {
        let prefix = format!("{name}=");
        let Some(at) = self.0.iter().position(|word| word == name || word.starts_with(&prefix)) else {
            return Ok(None);
        };
        let word = self.0.remove(at);
        if let Some(value) = word.strip_prefix(&prefix) {
            return Ok(Some(value.to_owned()));
        }
        if at < self.0.len() && !self.0.get(at).is_some_and(|next| next.starts_with("--")) {
            Ok(Some(self.0.remove(at)))
        } else {
            Err(Failure::new(format!("{name} needs a value")))
        }
    }

    /// [`Args::value`], read as a number.
    pub fn number<N: std::str::FromStr>(&mut self, name: &str) -> Result<Option<N>, Failure> {
        self.value(name)?
            .map(|text| text.parse().map_err(|_| Failure::new(format!("{name} needs a number, not `{text}`"))))
            .transpose()
    }

    /// The plain words that are left; an unknown option is an error.
    pub fn words(self) -> Result<Vec<String>, Failure> {
        match self.0.iter().find(|word| word.starts_with('-')) {
            Some(unknown) => Err(Failure::new(format!("there is no option `{unknown}` here"))),
            None => Ok(self.0),
        }
    }

    /// Anything left over is an error.
    pub fn finish(self) -> Result<(), Failure> {
        match self.words()?.first() {
            Some(extra) => Err(Failure::new(format!("`{extra}` is one word too many"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_values_flags_and_words_in_any_order() {
        let mut args = Args::from_words(&["share", "--pairs", "9", "--release", "--data=/tmp/x", "list"]);
        assert!(args.flag("--release"));
        assert!(!args.flag("--release"));
        assert_eq!(args.number::<usize>("--pairs").unwrap(), Some(9));
        assert_eq!(args.value("--data").unwrap().as_deref(), Some("/tmp/x"));
        assert_eq!(args.words().unwrap(), ["share", "list"]);
    }

    #[test]
    fn a_missing_value_and_an_unknown_option_are_errors() {
        assert!(Args::from_words(&["--data"]).value("--data").is_err());
        assert!(Args::from_words(&["--data", "--demo"]).value("--data").is_err());
        assert!(Args::from_words(&["--port", "x"]).number::<u16>("--port").is_err());
        assert!(Args::from_words(&["--what"]).finish().is_err());
        assert!(Args::from_words(&["what"]).finish().is_err());
    }
}
