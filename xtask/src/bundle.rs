//! The browser's bundle: Trunk compiles `frontend/` and leaves hashed files and `assets.html`, which the server reads at
//! start.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{
    checkout::Checkout,
    failure::{Failure, While as _},
    process::{command, run},
    progress, stamp, toolchain, tools,
};

/// As in `.cargo/config.toml`; the application refuses to compile without it.
const ERASED: &str = "--cfg erase_components";

/// How the bundle is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Quick to make, megabytes large.
    Debug,
    /// As it is shipped.
    Release,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }

    /// rustc's flags: those of `.cargo/config.toml`, which the environment would replace, and no folder of this machine in
    /// what a release says when it panics.
    ///
    /// Erased components make the bundle two fifths smaller. The server is built with them by the same file: the two
    /// must not differ, because the markers that the server writes between nodes depend on it.
    pub fn rustflags(self) -> String {
        match self {
            Self::Debug => ERASED.to_owned(),
            Self::Release => format!("{ERASED} --remap-path-prefix={}=/crates", registry_sources().display()),
        }
    }
}

/// Where cargo unpacks what it downloads.
fn registry_sources() -> PathBuf {
    let cargo = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cargo");
    cargo.unwrap_or_else(home).join("registry/src")
}

/// A finished bundle that is current: a release if there is one, since it serves development as well.
pub fn finished(checkout: &Checkout) -> Result<Option<PathBuf>, Failure> {
    for kind in [Kind::Release, Kind::Debug] {
        let site = checkout.site().join(kind.name());
        if is_current(checkout, kind)? {
            return Ok(Some(site));
        }
    }
    Ok(None)
}

/// Makes the bundle unless it is current, and returns its folder.
pub fn ensure(checkout: &Checkout, kind: Kind) -> Result<PathBuf, Failure> {
    let site = checkout.site().join(kind.name());
    if is_current(checkout, kind)? {
        return Ok(site);
    }
    let toolchain = toolchain::prepare(checkout)?;
    let tools = tools::for_bundle(checkout, kind)?;
    fetch(checkout)?;

    // Taken before the build: what changes meanwhile must be built again.
    let stamp = current_stamp(checkout, kind)?;
    let usually = match kind {
        Kind::Debug => "about 2 minutes at first, seconds after a change",
        Kind::Release => "about 10 minutes at first, 4 after a change",
    };
    let step = progress::step(&format!("the browser's bundle ({})", kind.name()), usually);
    fs::create_dir_all(checkout.site()).or_fail("making the folder of bundles")?;
    checkout.claim(&checkout.target_wasm())?;
    let mut trunk = command("trunk");
    trunk
        .current_dir(&checkout.root)
        .env("CARGO_TARGET_DIR", checkout.target_wasm())
        .arg("build")
        .arg("--dist")
        .arg(&site);
    trunk.env("RUSTFLAGS", kind.rustflags());
    if kind == Kind::Release {
        trunk.arg("--release");
    }
    // Trunk takes it for an option of its own and refuses the value that everybody else uses.
    trunk.env_remove("NO_COLOR");
    toolchain.choose(&mut trunk);
    tools.choose(&mut trunk);
    run(&mut trunk)?;
    if kind == Kind::Release {
        shrink(&site)?;
        compress(&site)?;
    }
    fs::write(stamp_file(checkout, kind), stamp).or_fail("marking the bundle as current")?;
    step.done();
    Ok(site)
}

/// Takes comments and indentation off the scripts, which Trunk's minifier does not understand, and names them by what they
/// are then, with their integrity. wasm-bindgen writes comments and texts so that whole lines may go.
const SHRINK: &str = "\
const { createHash } = require('node:crypto');
const { readdirSync, readFileSync, unlinkSync, writeFileSync } = require('node:fs');
process.chdir(process.argv[1]);
const integrity = (bytes) => `sha384-${createHash('sha384').update(bytes).digest('base64')}`;
let page = readFileSync('assets.html', 'utf8');
for (const file of readdirSync('.').filter((name) => name.endsWith('.js'))) {
  const before = readFileSync(file, 'utf8');
  const after = before.replace(/^\\s+/gm, '').replace(/^\\/\\*\\*[^]*?\\*\\/\\n/gm, '').replace(/^\\/\\/.*\\n/gm, '');
  const name = file.replace(/-[0-9a-f]+\\.js$/, `-${createHash('sha256').update(after).digest('hex').slice(0, 16)}.js`);
  if (name === file || !page.includes(integrity(before))) throw new Error(`${file} is not named as Trunk names it`);
  page = page.replaceAll(file, name).replaceAll(integrity(before), integrity(after));
  unlinkSync(file);
  writeFileSync(name, after);
}
writeFileSync('assets.html', page);";

fn shrink(site: &Path) -> Result<(), Failure> {
    run(command("node").args(["-e", SHRINK, "--"]).arg(site))
}

/// Puts `.br` and `.gz` beside each file of the bundle; the server hands out what it finds there. Once here at the
/// highest level, instead of at every request at a low one.
const COMPRESS: &str = "\
const { readdirSync, readFileSync, writeFileSync } = require('node:fs');
const { brotliCompressSync, constants, gzipSync } = require('node:zlib');
process.chdir(process.argv[1]);
for (const file of readdirSync('.').filter((name) => /\\.(css|js|wasm)$/.test(name))) {
  const bytes = readFileSync(file);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }));
  writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
}";

fn compress(site: &Path) -> Result<(), Failure> {
    run(command("node").args(["-e", COMPRESS, "--"]).arg(site))
}

/// Trunk works offline, so the crates must have been downloaded before.
pub fn fetch(checkout: &Checkout) -> Result<(), Failure> {
    let step = progress::step("cargo fetch", "a minute at first");
    run(crate::process::cargo(checkout)?.args(["fetch", "--quiet", "--locked"]))?;
    step.done();
    Ok(())
}

fn stamp_file(checkout: &Checkout, kind: Kind) -> PathBuf {
    checkout.site().join(format!("{}.stamp", kind.name()))
}

fn is_current(checkout: &Checkout, kind: Kind) -> Result<bool, Failure> {
    let made = checkout.site().join(kind.name()).join("assets.html").is_file();
    Ok(made && stamp::is_current(&stamp_file(checkout, kind), &current_stamp(checkout, kind)?))
}

fn current_stamp(checkout: &Checkout, kind: Kind) -> Result<String, Failure> {
    let inputs: Vec<PathBuf> = ["app", "frontend", "Cargo.toml", "Cargo.lock", "Trunk.toml"]
        .iter()
        .map(|name| checkout.root.join(name))
        .collect();
    stamp::of(&inputs, &[kind.name(), &kind.rustflags()]).or_fail("reading the bundle's sources")
}
