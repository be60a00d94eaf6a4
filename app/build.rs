//! Turns `locales/` into the module `i18n`, so that a missing key is a compile error.

use std::error::Error;
use std::path::PathBuf;

use leptos_i18n_build::{Config, ParseOptions, TranslationsInfos};

/// One file a language: what all share, then one a feature.
const NAMESPACES: [&str; 19] = [
    "common",
    "errors",
    "identity",
    "overview",
    "events",
    "captures",
    "designs",
    "exports",
    "guests",
    "messages",
    "privacy",
    "audit",
    "share",
    "mail",
    "support",
    "passkeys",
    "connections",
    "sso",
    "enforce",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(erase_components)");
    println!("cargo::rerun-if-changed=locales");
    let config = Config::new("en")?
        .add_locale("de")?
        .add_namespaces(NAMESPACES)?
        // Texts with values become plain strings: far less code in the browser than views.
        .parse_options(ParseOptions::new().interpolate_display(true));
    let texts = TranslationsInfos::parse(config)?;
    texts.emit_diagnostics();
    texts.generate_i18n_module(PathBuf::from(std::env::var("OUT_DIR")?).join("i18n"))?;
    Ok(())
}
