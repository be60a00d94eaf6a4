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

#[path = "../../../app/src/minify.rs"]
mod minify;

/// Bytes after brotli at its highest level, scripts, WebAssembly, styles and fonts together.
const BUDGET: u64 = 250_000;

/// Prints one length a line for each argument, a file. Node is here anyway, and a brotli crate would be compiled first.
const MEASURE: &str = "\
const { brotliCompressSync, constants } = require('node:zlib');
const { readFileSync } = require('node:fs');
for (const file of process.argv.slice(1)) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22 };
  console.log(brotliCompressSync(readFileSync(file), { params }).length);
}";

/// What a browser asks for at once.
struct Load {
    name: String,
    file: PathBuf,
}

impl Load {
    fn one(file: PathBuf) -> Self {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, file }
    }

    fn raw(&self) -> std::io::Result<u64> {
        Ok(fs::metadata(&self.file)?.len())
    }
}

/// Builds the bundle and weighs it.
pub fn check(checkout: &Checkout) -> Result<Tally, Failure> {
    let site = bundle::ensure(checkout, bundle::Kind::Release)?;
    let files = heavy_files(&site).or_fail(format_args!("reading {}", site.display()))?;
    if !files.iter().any(|file| file.extension().is_some_and(|end| end == "wasm")) {
        return Err(Failure::new(format!("{} holds no WebAssembly", site.display())));
    }
    let mut loads: Vec<_> = files.into_iter().map(Load::one).collect();
    // Served from the binary, but part of the same first visit. Share pages have a sheet and a budget of their own.
    let mut styles = heavy_files(&checkout.root.join("style")).or_fail("reading the styles")?;
    styles.retain(|file| !file.ends_with("share.css"));
    let sheet = checkout.target().join("cms.css");
    fs::write(&sheet, served(&styles).or_fail("reading the styles")?).or_fail("writing the styles")?;
    loads.push(Load { name: "style".to_owned(), file: sheet });
    let fonts = heavy_files(&checkout.root.join("public")).or_fail("reading the fonts")?;
    loads.extend(fonts.into_iter().map(Load::one));
    let lengths = capture(command("node").args(["-e", MEASURE, "--"]).args(loads.iter().map(|load| &load.file)))?;
    let mut sum = 0;
    for (load, length) in loads.iter().zip(lengths.lines()) {
        let length: u64 = length.trim().parse().or_fail("weighing the bundle")?;
        let raw = load.raw().or_fail("weighing the bundle")?;
        println!("  {:>8.1} kB  of {:>8.1} kB  {}", length as f64 / 1000.0, raw as f64 / 1000.0, load.name);
        sum += length;
    }
    println!("  {:>8.1} kB  with brotli; the budget is {} kB", sum as f64 / 1000.0, BUDGET / 1000);
    if sum <= BUDGET {
        // Two checks: the bundle could be built, and it is small enough.
        Ok(Tally { passed: 2, failed: 0 })
    } else {
        Ok(Tally { passed: 1, failed: 1 })
    }
}

/// The sheet of the CMS as the server sends it, but for the order of its parts.
fn served(styles: &[PathBuf]) -> std::io::Result<String> {
    let parts = styles.iter().map(fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
    Ok(minify::minify(&parts.concat()))
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
