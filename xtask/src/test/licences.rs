//! Licences and sources of every crate in the lock, against the lists in `deny.toml`, which `cargo deny` reads too.
//! Our own check, because installing that tool takes longer than everything it would say.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use super::Tally;
use crate::{
    checkout::Checkout,
    failure::{Failure, While as _},
    process::{capture, cargo},
};

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Every crate comes from crates.io or this checkout, under a licence of the list.
pub fn check(checkout: &Checkout) -> Result<Tally, Failure> {
    let text = fs::read_to_string(checkout.root.join("deny.toml")).or_fail("reading deny.toml")?;
    let allowed = allow_list(&text);
    if allowed.is_empty() {
        return Err(Failure::new("deny.toml allows no licence at all"));
    }
    let metadata = capture(cargo(checkout)?.args(["metadata", "--format-version", "1", "--locked", "--all-features"]))?;
    let metadata: Value = serde_json::from_str(&metadata).or_fail("reading cargo's metadata")?;
    let packages = metadata.get("packages").and_then(Value::as_array).or_fail("reading cargo's metadata")?;
    let mut wrong = Vec::new();
    for package in packages {
        let field = |name: &str| package.get(name).and_then(Value::as_str);
        let name = format!("{} {}", field("name").unwrap_or("?"), field("version").unwrap_or("?"));
        if let Some(source) = field("source").filter(|source| *source != REGISTRY) {
            wrong.push(format!("{name} comes from {source}"));
        }
        match field("license") {
            Some(licence) if is_allowed(licence, &allowed) => {}
            Some(licence) => wrong.push(format!("{name} is under {licence}")),
            None => wrong.push(format!("{name} names no licence")),
        }
    }
    if wrong.is_empty() {
        println!("{} crates, all under one of: {}", packages.len(), allowed.into_iter().collect::<Vec<_>>().join(", "));
        Ok(Tally::ONE)
    } else {
        Err(Failure::new(format!("not allowed by deny.toml:\n  {}", wrong.join("\n  "))))
    }
}

/// The strings of `allow = [ … ]` under `[licenses]`, one a line or all in one.
fn allow_list(deny: &str) -> BTreeSet<String> {
    let section = deny.split("[licenses]").nth(1).unwrap_or_default();
    let list = section.split("allow = [").nth(1).and_then(|rest| rest.split(']').next()).unwrap_or_default();
    list.lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .flat_map(|line| line.split(','))
        .map(|item| item.trim().trim_matches('"').to_owned())
        .filter(|item| !item.is_empty())
        .collect()
}

/// Whether an SPDX expression can be met with the list. `WITH` belongs to the licence before it; the old `/` means `OR`.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, allowed };
    reader.either() && reader.words.is_empty()
}

struct Reader<'text> {
    words: &'text [&'text str],
    allowed: &'text BTreeSet<String>,
}

impl<'text> Reader<'text> {
    fn either(&mut self) -> bool {
        let mut met = self.both();
        while self.skip("OR") {
            met = self.both() || met;
        }
        met
    }

    fn both(&mut self) -> bool {
        let mut met = self.one();
        while self.skip("AND") {
            met = self.one() && met;
        }
        met
    }

    fn one(&mut self) -> bool {
        if self.skip("(") {
            let met = self.either();
            return self.skip(")") && met;
        }
        let Some(name) = self.next() else { return false };
        if self.skip("WITH") {
            let exception = self.next().unwrap_or_default();
            return self.allowed.contains(&format!("{name} WITH {exception}"));
        }
        self.allowed.contains(name)
    }

    fn next(&mut self) -> Option<&'text str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn skip(&mut self, word: &str) -> bool {
        let found = self.words.first() == Some(&word);
        if found {
            self.next();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_met_or_not() {
        let allowed = allow_list(
            "[bans]\nx = 1\n[licenses]\nallow = [\n  \"MIT\", # yes\n  \"Apache-2.0 WITH LLVM-exception\",\n  \"BSD-3-Clause\",\n]\n",
        );
        assert_eq!(allowed.len(), 3);
        let cases = [
            ("MIT", true),
            ("MIT OR GPL-3.0", true),
            ("GPL-3.0 OR MIT", true),
            ("MIT AND GPL-3.0", false),
            ("(MIT OR GPL-3.0) AND BSD-3-Clause", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0", false),
            ("Apache-2.0/MIT", true),
            ("(MIT", false),
            ("MIT BSD-3-Clause", false),
            ("", false),
        ];
        for (expression, expected) in cases {
            assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
        }
    }
}
