//! The release bundle may not grow past what a first visit to the CMS should cost.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::Tally;
use crate::{
    bundle,
    checkout::Checkout,
    failure::{Failure, While as _},
    process::{capture, command},
};

/// Bytes after brotli at its highest level, scripts, WebAssembly, styles and fonts together.
const BUDGET: u64 = 250_000;

/// The budget is not reached yet: this is where the bundle stands, and it may not grow from here. It goes down with every
/// step towards the budget and is deleted with the last one.
const STANDS_AT: u64 = 800_000;

/// Prints one length a line for the files named; node is here anyway, and a brotli crate would be compiled first.
const MEASURE: &str = "\
const { brotliCompressSync, constants } = require('node:zlib');
for (const file of process.argv.slice(1)) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22 };
  console.log(brotliCompressSync(require('node:fs').readFileSync(file), { params }).length);
}";

/// Builds the bundle and weighs it.
pub fn check(checkout: &Checkout) -> Result<Tally, Failure> {
    let site = bundle::ensure(checkout, bundle::Kind::Release)?;
    let mut files = heavy_files(&site).or_fail(format_args!("reading {}", site.display()))?;
    if !files.iter().any(|file| file.extension().is_some_and(|end| end == "wasm")) {
        return Err(Failure::new(format!("{} holds no WebAssembly", site.display())));
    }
    // Served from the binary, but part of the same first visit. Share pages have a sheet and a budget of their own.
    let styles = heavy_files(&checkout.root.join("style")).or_fail("reading the styles")?;
    files.extend(styles.into_iter().filter(|file| !file.ends_with("share.css")));
    files.extend(heavy_files(&checkout.root.join("public")).or_fail("reading the fonts")?);
    let lengths = capture(command("node").args(["-e", MEASURE, "--"]).args(&files))?;
    let mut sum = 0;
    for (file, length) in files.iter().zip(lengths.lines()) {
        let length: u64 = length.trim().parse().or_fail("weighing the bundle")?;
        let raw = fs::metadata(file).or_fail("weighing the bundle")?.len();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        println!("  {:>8.1} kB  of {:>8.1} kB  {name}", length as f64 / 1000.0, raw as f64 / 1000.0);
        sum += length;
    }
    println!("  {:>8.1} kB  with brotli; the budget is {} kB", sum as f64 / 1000.0, BUDGET / 1000);
    if sum > BUDGET {
        println!(
            "            known miss: over the budget by a factor of {:.1}; it fails above {} kB",
            sum as f64 / BUDGET as f64,
            STANDS_AT / 1000
        );
    }
    if sum <= STANDS_AT {
        // Two checks: the bundle could be built, and it is small enough.
        Ok(Tally { passed: 2, failed: 0 })
    } else {
        Ok(Tally { passed: 1, failed: 1 })
    }
}

fn heavy_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(heavy_files(&path)?);
        } else if path.extension().is_some_and(|end| end == "js" || end == "wasm" || end == "css" || end == "woff2") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
