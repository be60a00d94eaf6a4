//! Headers of requests: what was read of them must stand in them, and damage to them.

use data_encoding::BASE64;
use shutterpost_model::error::AppError;
use shutterpost_model::uploads::ask::{Algorithm, Append, Bytes, Checksum, Create};
use shutterpost_model::uploads::{Kind, PATH, VERSION};

use crate::Input;

pub const BYTES: &str = "application/offset+octet-stream";

pub type Lines = Vec<(&'static str, String)>;

/// A refusal is the client's to mend.
pub fn assert_told(error: &AppError) {
    assert!((400..500).contains(&error.code.status()), "{error:?}");
}

/// The value of a header that may come once.
fn once<'a>(lines: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    let mut values = lines.iter().filter(|(other, _)| *other == name).map(|(_, value)| value.trim());
    let first = values.next();
    assert_eq!(values.next(), None, "{name} came twice");
    first
}

/// What is digits alone, and a number.
fn number(lines: &[(&str, &str)], name: &str) -> Option<u64> {
    let text = once(lines, name)?;
    assert!(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()), "{name} is {text:?}");
    Some(text.parse().expect("digits of a number"))
}

/// What was read of a POST stands in its headers.
pub fn judge_create(lines: &[(&str, &str)], ask: &Create) {
    judge_version(lines);
    assert_eq!(ask.length, number(lines, "upload-length"));
    let deferred = once(lines, "upload-defer-length");
    assert!(matches!(deferred, None | Some("1")));
    match (&ask.kind, once(lines, "upload-concat")) {
        (Kind::Whole, None) | (Kind::Partial, Some("partial")) => {
            assert_ne!(ask.length.is_some(), deferred.is_some());
        }
        (Kind::Joined(parts), Some(text)) => {
            assert!(ask.length.is_none() && deferred.is_none());
            let named: Vec<&str> =
                text.trim_start_matches("final;").split(' ').filter(|part| !part.is_empty()).collect();
            assert!((1..=100).contains(&parts.len()) && named.len() == parts.len());
            for (index, part) in parts.iter().enumerate() {
                assert!(named[index].ends_with(&format!("{PATH}/{part}")) && !parts[..index].contains(part));
            }
            assert!(ask.bytes.as_ref().is_none_or(|bytes| bytes.size == Some(0)));
        }
        other => panic!("{other:?}"),
    }
    match &ask.bytes {
        Some(bytes) => judge_bytes(lines, bytes),
        None => {
            assert_eq!(once(lines, "transfer-encoding"), None, "bytes of no type");
            assert_eq!(number(lines, "content-length").unwrap_or(0), 0, "bytes of no type");
        }
    }
    let metadata = once(lines, "upload-metadata").filter(|text| !text.is_empty());
    assert_eq!(ask.metadata.raw.as_ref().map(|raw| raw.expose().as_str()), metadata);
}

/// What was read of a PATCH stands in its headers.
pub fn judge_append(lines: &[(&str, &str)], ask: &Append) {
    judge_version(lines);
    assert_eq!(Some(ask.offset), number(lines, "upload-offset"));
    assert_eq!(ask.length, number(lines, "upload-length"));
    judge_bytes(lines, &ask.bytes);
}

fn judge_version(lines: &[(&str, &str)]) {
    assert_eq!(once(lines, "tus-resumable"), Some(VERSION));
    assert_eq!(once(lines, "x-http-method-override"), None);
}

fn judge_bytes(lines: &[(&str, &str)], bytes: &Bytes) {
    assert_eq!(once(lines, "content-type"), Some(BYTES));
    assert_eq!(bytes.size, number(lines, "content-length"));
    let checksum = bytes.checksum.as_ref().map(|Checksum { algorithm, digest }| {
        let (name, size) = match algorithm {
            Algorithm::Sha1 => ("sha1", 20),
            Algorithm::Sha256 => ("sha256", 32),
        };
        assert_eq!(digest.len(), size);
        format!("{name} {}", BASE64.encode(digest))
    });
    assert_eq!(checksum.as_deref(), once(lines, "upload-checksum"));
}

pub fn text(input: &mut Input<'_>) -> String {
    let most = input.below(24);
    String::from_utf8_lossy(input.take(most)).into_owned()
}

/// One header in three requests is left out, doubled, changed, or one too many.
pub fn damage(lines: &mut Lines, input: &mut Input<'_>) {
    const NAMES: [&str; 9] = [
        "x-http-method-override",
        "transfer-encoding",
        "upload-length",
        "upload-defer-length",
        "upload-offset",
        "content-length",
        "content-type",
        "upload-concat",
        "upload-checksum",
    ];
    const VALUES: [&str; 14] = [
        "0",
        "1",
        "-1",
        "+1",
        "007",
        "1e3",
        "0x10",
        "\u{0663}",
        "",
        "999999999999999999",
        "1000000000000000000",
        "18446744073709551616",
        "final;",
        "1, 1",
    ];
    let how = input.byte();
    let at = input.below(lines.len());
    if how < 170 {
        return;
    }
    let value = VALUES[input.below(VALUES.len())].to_owned();
    match how % 7 {
        0 => lines.push(lines[at].clone()),
        1 => drop(lines.remove(at)),
        2 => lines[at].1 = text(input),
        3 => lines[at].1 = value,
        4 => lines.push((NAMES[input.below(NAMES.len())], value)),
        5 => lines[at].1 = format!(" {}\t", lines[at].1),
        _ => {
            let mut bytes = std::mem::take(&mut lines[at].1).into_bytes();
            let place = input.below(bytes.len());
            if let Some(byte) = bytes.get_mut(place) {
                *byte = input.byte();
            }
            lines[at].1 = String::from_utf8_lossy(&bytes).into_owned();
        }
    }
}
