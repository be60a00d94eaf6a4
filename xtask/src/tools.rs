//! Tools that are programs: taken from `PATH` where the version fits, compiled once into the cache where not.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    bundle,
    checkout::Checkout,
    failure::{Failure, While as _},
    node,
    process::{capture, command, on_path, prepend_path, run},
    progress,
};

/// 0.22 needs a newer rustc than Debian's.
const TRUNK: &str = "0.21.14";
/// The npm package's major is the tool's version; Debian's is too old for the output of a current rustc.
const BINARYEN: &str = "132.0.0";
const NEXTEST: &str = "0.9.143";
const MUTANTS: &str = "27.1.0";

/// Tools for one purpose: the folders to put in front of `PATH`.
#[derive(Debug, Default)]
pub struct Tools(Vec<PathBuf>);

impl Tools {
    /// Lets the command find them.
    pub fn choose(&self, command: &mut Command) {
        prepend_path(command, &self.0);
    }
}

/// What a bundle needs: trunk, wasm-bindgen of exactly the locked version and, for a release, wasm-opt.
pub fn for_bundle(checkout: &Checkout, kind: bundle::Kind) -> Result<Tools, Failure> {
    let bindgen = checkout.locked_version("wasm-bindgen")?;
    let mut folders = Vec::new();
    let wanted = [
        Cargo { name: "wasm-bindgen", package: "wasm-bindgen-cli", version: &bindgen, features: &[], usually: "85 s" },
        Cargo {
            name: "trunk",
            package: "trunk",
            version: TRUNK,
            // Its defaults bring OpenSSL and a self-update.
            features: &["--no-default-features", "--features", "rustls"],
            usually: "4 to 5 minutes",
        },
    ];
    for tool in &wanted {
        folders.extend(tool.ensure(checkout)?);
    }
    if kind == bundle::Kind::Release {
        folders.extend(wasm_opt(checkout)?);
    }
    Ok(Tools(folders))
}

/// cargo-nextest, any version that is there already.
pub fn nextest(checkout: &Checkout) -> Result<Tools, Failure> {
    if on_path("cargo-nextest").is_some() {
        return Ok(Tools::default());
    }
    let tool = Cargo {
        name: "cargo-nextest",
        package: "cargo-nextest",
        version: NEXTEST,
        features: &["--no-default-features", "--features", "default-no-update"],
        usually: "5 to 6 minutes",
    };
    Ok(Tools(tool.ensure(checkout)?.into_iter().collect()))
}

/// cargo-mutants.
pub fn mutants(checkout: &Checkout) -> Result<Tools, Failure> {
    let tool = Cargo {
        name: "cargo-mutants",
        package: "cargo-mutants",
        version: MUTANTS,
        features: &[],
        usually: "2 minutes",
    };
    Ok(Tools(tool.ensure(checkout)?.into_iter().collect()))
}

/// A tool from crates.io.
struct Cargo<'text> {
    name: &'text str,
    package: &'text str,
    version: &'text str,
    features: &'text [&'text str],
    usually: &'text str,
}

impl Cargo<'_> {
    /// The folder to add to `PATH`, if any.
    fn ensure(&self, checkout: &Checkout) -> Result<Option<PathBuf>, Failure> {
        if on_path(self.name).is_some_and(|path| self.fits(&path)) {
            return Ok(None);
        }
        // One folder a version: two checkouts may need different ones.
        let root = checkout.cache.join("tools").join(format!("{}-{}", self.package, self.version));
        let bin = root.join("bin");
        if self.fits(&bin.join(self.name)) {
            return Ok(Some(bin));
        }
        let step = progress::step(
            &format!("cargo install {} {}", self.package, self.version),
            &format!("once, {}", self.usually),
        );
        // The locked versions are tried first; a registry that lacks one of them is no reason to give up.
        if let Err(failure) = run(self.install(checkout, &root).arg("--locked")) {
            progress::note(&format!("{failure}; once more with the versions that the registry has"));
            run(&mut self.install(checkout, &root))?;
        }
        step.done();
        Ok(Some(bin))
    }

    fn install(&self, checkout: &Checkout, root: &Path) -> Command {
        let mut install = command("cargo");
        install
            .args(["install", "--quiet", "--force", self.package, "--version", self.version, "--root"])
            .arg(root)
            .args(self.features)
            // Compiling optimised takes four times as long, and the tools are fast enough without.
            .arg("--debug")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TARGET_DIR", checkout.target_tools())
            // A folder without a toolchain file of somebody else.
            .current_dir(&checkout.cache);
        install
    }

    fn fits(&self, path: &Path) -> bool {
        path.is_file()
            && capture(command(path).arg("--version"))
                .is_ok_and(|text| text.split_whitespace().any(|word| word == self.version))
    }
}

/// wasm-opt from npm's binaryen.
fn wasm_opt(checkout: &Checkout) -> Result<Option<PathBuf>, Failure> {
    let major = BINARYEN.split('.').next().unwrap_or(BINARYEN);
    let fits = |path: &Path| {
        path.is_file()
            && capture(command(path).arg("--version"))
                .is_ok_and(|text| text.split_whitespace().any(|word| word == major))
    };
    if on_path("wasm-opt").is_some_and(|path| fits(&path)) {
        return Ok(None);
    }
    let root = checkout.cache.join("tools").join(format!("binaryen-{BINARYEN}"));
    let bin = root.join("node_modules/.bin");
    if fits(&bin.join("wasm-opt")) {
        return Ok(Some(bin));
    }
    let step = progress::step(&format!("npm install binaryen {BINARYEN}"), "once, about 5 s");
    fs::create_dir_all(&root).or_fail(format_args!("making {}", root.display()))?;
    node::install_package(&root, &[&format!("binaryen@{BINARYEN}")])?;
    step.done();
    Ok(Some(bin))
}
