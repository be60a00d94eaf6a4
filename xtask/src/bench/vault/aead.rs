//! Segments of 64 KiB sealed, against OpenSSL's own measurement of the same cipher: megabytes per second of processor time,
//! on one core in turn. Each of our segments has a nonce, associated data and a tag of its own; OpenSSL encrypts on and on
//! under one, which is less work. The library that was not chosen is measured beside ours, so that the choice can be seen.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::program::{Figures, figure, figures, vault};
use crate::{
    bench::{
        load::CORE,
        pairs::{Better, Pairs, Side, median, rounded},
        pinned,
    },
    checkout::Checkout,
    debian,
    failure::{Failure, While as _},
    process::{capture, command},
};

const MEGABYTE: f64 = 1e6;

/// Runs it and returns the line to print.
pub fn measure(checkout: &Checkout, count: usize) -> Result<Value, Failure> {
    let openssl = debian::program("openssl", &["openssl"], "this measurement")?;
    let program = vault(checkout)?;
    let mut ours: Vec<Figures> = Vec::new();
    let mut theirs_open = Vec::new();
    let pairs = Pairs::measure(count, |side| match side {
        Side::Ours => {
            let rates = figures(&program, &["aead-seal", "aead-open", "second-seal"])?;
            let rate = figure(&rates, "aead-seal")?;
            ours.push(rates);
            Ok(rate)
        }
        Side::Theirs => {
            let rate = speed(&openssl, &[])?;
            theirs_open.push(speed(&openssl, &["-decrypt"])?);
            Ok(rate)
        }
    })?;
    let median_of = |name: &str| -> Result<f64, Failure> {
        Ok(median(ours.iter().map(|rates| figure(rates, name)).collect::<Result<_, _>>()?))
    };
    let (ours_seal, theirs_seal) = pairs.medians();
    let (ours_open, theirs_open) = (median_of("aead-open")?, median(theirs_open));
    let second = median_of("second-seal")?;
    let mut more = Map::new();
    more.insert("unit".into(), json!("MB per CPU second"));
    more.insert("openssl".into(), json!(capture(command(&openssl).arg("version"))?.trim()));
    more.insert("library".into(), json!("ring"));
    more.insert("second_library".into(), json!("aws-lc-rs"));
    for (name, value) in [
        ("ours", ours_seal),
        ("theirs", theirs_seal),
        ("ours_open", ours_open),
        ("theirs_open", theirs_open),
        ("open_ratio", ours_open / theirs_open),
        ("second", second),
        ("second_ratio", second / theirs_seal),
    ] {
        more.insert(name.into(), json!(rounded(value)));
    }
    let against = "openssl speed -evp aes-256-gcm -bytes 65536, one stream without nonces and tags of segments";
    Ok(pairs.line("vault-aead", against, Better::Higher, more))
}

/// What OpenSSL reaches, by its user time.
fn speed(openssl: &Path, more: &[&str]) -> Result<f64, Failure> {
    let mut speed = command(openssl);
    speed.args(["speed", "-mr", "-seconds", "3", "-bytes", "65536", "-evp", "aes-256-gcm"]).args(more);
    let printed = capture(&mut pinned(CORE, &mut speed))?;
    Ok(read_speed(&printed).or_fail("reading the report of openssl speed")? / MEGABYTE)
}

/// Bytes per second of `+F:24:AES-256-GCM:3761176576.00`, the last line of the report for machines.
fn read_speed(printed: &str) -> Option<f64> {
    let line = printed.lines().find(|line| line.starts_with("+F:"))?;
    let mut fields = line.split(':').skip(2);
    if !fields.next()?.eq_ignore_ascii_case("aes-256-gcm") {
        return None;
    }
    // One field a size, and one size was asked for.
    let rate = fields.next()?.trim().parse().ok()?;
    fields.next().is_none().then_some(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_openssl() {
        let printed = "+H:65536\n+F:24:AES-256-GCM:3761176576.00\n";
        assert_eq!(read_speed(printed), Some(3_761_176_576.0));
        assert_eq!(read_speed("+H:65536\n+F:24:AES-128-GCM:3761176576.00\n"), None);
        assert_eq!(read_speed("+H:16:64\n+F:24:AES-256-GCM:1.00:2.00\n"), None);
        assert_eq!(read_speed("AES-256-GCM   3761176.58k\n"), None);
    }
}
