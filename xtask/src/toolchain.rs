//! A compiler for the browser. Usually rustup has it; where rustup's servers cannot be reached, Debian's `rustc-web` is
//! taken and its standard library compiled once.
//!
//! Debian's compiler lives under `/usr`, which is not ours to write to. So a folder of the cache plays the toolchain:
//! links to everything Debian has, a `bin/rustc` that names this folder as sysroot, and our standard library inside.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    checkout::Checkout,
    debian,
    failure::{Failure, While as _},
    process::{capture, cargo, command, prepend_path, run, succeeds_within},
    progress,
    scratch::Scratch,
};

/// rustc's name for the browser.
pub const TARGET: &str = "wasm32-unknown-unknown";
/// Under this name `cargo +shutterpost-wasm` finds the toolchain we made.
const LINKED_NAME: &str = "shutterpost-wasm";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// Which compiler builds for the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Toolchain {
    /// The one that also builds the server.
    Default,
    /// The one made by [`prepare`], in this folder.
    Own(PathBuf),
}

impl Toolchain {
    /// Makes the command use this compiler.
    pub fn choose(&self, command: &mut Command) {
        if let Self::Own(prefix) = self {
            prepend_path(command, &[prefix.join("bin")]);
        }
    }

    /// A cargo that builds for the browser.
    pub fn cargo(&self, checkout: &Checkout) -> Result<Command, Failure> {
        checkout.claim(&checkout.target_wasm())?;
        let mut cargo = cargo(checkout)?;
        cargo.env("CARGO_TARGET_DIR", checkout.target_wasm());
        self.choose(&mut cargo);
        Ok(cargo)
    }
}

/// Finds or makes a compiler for the browser, by the first way that works.
pub fn prepare(checkout: &Checkout) -> Result<Toolchain, Failure> {
    if default_has_target() {
        return Ok(Toolchain::Default);
    }
    let prefix = checkout.cache.join("toolchain");
    if is_finished(&prefix) {
        return Ok(Toolchain::Own(prefix));
    }
    let step = progress::step(&format!("rustup target add {TARGET}"), "20 s, or an error at once without its servers");
    let mut add = command("rustup");
    // Being out of reach is a normal answer, not a crash to be traced.
    add.args(["target", "add", TARGET]).env("RUST_BACKTRACE", "0");
    if succeeds_within(&mut add, Duration::from_secs(180)) && default_has_target() {
        step.done();
        return Ok(Toolchain::Default);
    }
    progress::note("rustup cannot bring it: taking Debian's compiler instead");
    from_debian(&prefix)?;
    Ok(Toolchain::Own(prefix))
}

/// rustc names the folder whether it exists or not.
fn default_has_target() -> bool {
    capture(command("rustc").args(["--print", "target-libdir", "--target", TARGET]))
        .is_ok_and(|folder| has_std(Path::new(folder.trim())))
}

fn has_std(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

fn libraries(prefix: &Path) -> PathBuf {
    prefix.join("lib/rustlib").join(TARGET).join("lib")
}

/// A standard library fits exactly one compiler, so the stamp is what the compiler says of itself.
fn is_finished(prefix: &Path) -> bool {
    let (Ok(stamp), Ok(version)) =
        (fs::read_to_string(prefix.join("built-for")), capture(command(DEBIAN_RUSTC).arg("-vV")))
    else {
        return false;
    };
    stamp == version && has_std(&libraries(prefix))
}

fn from_debian(prefix: &Path) -> Result<(), Failure> {
    let is_there = |path: &str| Path::new(path).exists();
    let source = "/usr/lib/rustlib/src/rust/library/std";
    if !(is_there(DEBIAN_RUSTC) && is_there("/usr/bin/cargo") && is_there(source)) {
        debian::install(&["rustc-web", "cargo-web", "rust-web-src"], "the browser's compiler")?;
    }
    let version = capture(command(DEBIAN_RUSTC).arg("-vV"))?;
    let lld = linker(&version)?;
    let host = field(&version, "host: ").or_fail("asking rustc for its host")?;

    lay_out(prefix, host, &lld).or_fail(format_args!("laying out {}", prefix.display()))?;
    build_std(prefix)?;
    fs::write(prefix.join("built-for"), &version).or_fail("marking the toolchain as finished")?;

    // A convenience for people; nothing here needs it, so a machine without rustup is fine.
    if let Err(error) = capture(command("rustup").args(["toolchain", "link", LINKED_NAME]).arg(prefix)) {
        progress::note(&format!("not linked as `{LINKED_NAME}`: {error}"));
    }
    Ok(())
}

fn field<'text>(version: &'text str, name: &str) -> Option<&'text str> {
    version.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// The linker must read what this compiler's LLVM writes: Debian's package of the same major version, or the one in a
/// rustup toolchain (as a link, because it looks for its LLVM beside itself).
fn linker(version: &str) -> Result<PathBuf, Failure> {
    let llvm = field(version, "LLVM version: ").or_fail("asking rustc for its LLVM")?;
    let name = format!("lld-{}", llvm.split('.').next().unwrap_or(llvm));
    let path = Path::new("/usr/bin").join(&name);
    if path.exists() {
        return Ok(path);
    }
    let missing = match debian::install(&[&name], "the browser's linker") {
        Ok(()) if path.exists() => return Ok(path),
        Ok(()) => Failure::new(format!("{name} brought no {}", path.display())),
        Err(failure) => failure,
    };
    let sysroot = capture(command("rustc").args(["--print", "sysroot"]))?;
    let host_rustc = capture(command("rustc").arg("-vV"))?;
    let host = field(&host_rustc, "host: ").or_fail("asking rustc for its host")?;
    let own = Path::new(sysroot.trim()).join("lib/rustlib").join(host).join("bin/rust-lld");
    if own.exists() { Ok(own) } else { Err(missing) }
}

fn lay_out(prefix: &Path, host: &str, lld: &Path) -> std::io::Result<()> {
    if prefix.exists() {
        fs::remove_dir_all(prefix)?;
    }
    let rustlib = prefix.join("lib/rustlib");
    fs::create_dir_all(prefix.join("bin"))?;
    fs::create_dir_all(rustlib.join(host).join("bin"))?;
    symlink("/usr/bin/cargo", prefix.join("bin/cargo"))?;
    for name in ["rustc", "rustdoc"] {
        // A link would not do: rustc finds its sysroot by its library, which is under /usr.
        let script = format!("#!/bin/sh\nexec /usr/bin/{name} --sysroot \"{}\" \"$@\"\n", prefix.display());
        let path = prefix.join("bin").join(name);
        fs::write(&path, script)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    let debian = Path::new("/usr/lib/rustlib");
    symlink(debian.join(host).join("lib"), rustlib.join(host).join("lib"))?;
    symlink(debian.join("src"), rustlib.join("src"))?;
    symlink(lld, rustlib.join(host).join("bin/rust-lld"))
}

/// Compiles std beside an empty crate and keeps std.
fn build_std(prefix: &Path) -> Result<(), Failure> {
    let step = progress::step("the standard library for the browser", "once, about 70 s");
    let work = Scratch::new("std")?;
    let work = work.path();
    let prepare = || -> std::io::Result<()> {
        fs::create_dir_all(work.join("src"))?;
        fs::write(work.join("src/lib.rs"), "")?;
        fs::write(
            work.join("Cargo.toml"),
            "[package]\nname = \"nothing\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n",
        )
    };
    prepare().or_fail(format_args!("writing to {}", work.display()))?;
    let source = prefix.join("lib/rustlib/src/rust");
    let built = run(command(prefix.join("bin/cargo"))
        .args(["build", "--release", "-Zbuild-std=std,panic_abort", "--target", TARGET])
        .current_dir(work)
        .env("CARGO_TARGET_DIR", work.join("target"))
        .env("RUSTC", prefix.join("bin/rustc"))
        // Without bitcode there is no link-time optimisation through std. Without the other name, this machine's
        // folders would be readable in everybody's browser.
        .env("RUSTFLAGS", format!("-Cembed-bitcode=yes --remap-path-prefix={}=/rust", source.display()))
        .env("RUSTC_BOOTSTRAP", "1"));
    let kept = built.and_then(|()| {
        keep_libraries(&work.join("target").join(TARGET).join("release/deps"), &libraries(prefix))
            .or_fail("copying the standard library")
    });
    kept?;
    step.done();
    Ok(())
}

fn keep_libraries(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let text = name.to_string_lossy();
        if text.starts_with("lib") && text.ends_with(".rlib") && !text.starts_with("libnothing-") {
            fs::copy(entry.path(), to.join(&name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_rustc_says_of_itself() {
        let version = "rustc 1.96.0\nhost: x86_64-unknown-linux-gnu\nrelease: 1.96.0\nLLVM version: 22.1.8\n";
        assert_eq!(field(version, "LLVM version: "), Some("22.1.8"));
        assert_eq!(field(version, "host: "), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(field(version, "nothing: "), None);
    }
}
