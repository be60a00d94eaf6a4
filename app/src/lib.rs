//! What people see.
//!
//! Two voices that never import each other: `cms`, the pages of the people who run events, rendered on the server, with
//! islands that live in the browser; `share`, the pages of guests, rendered on the server alone. `mail` writes what goes out.
//! All texts come from `locales/`, all CMS components from `ui`, which knows no feature.

#[cfg(all(any(feature = "ssr", feature = "hydrate"), not(erase_components)))]
compile_error!(
    "build with `--cfg erase_components` (.cargo/config.toml sets it; RUSTFLAGS in the environment replaces that): a \
     server and a bundle that differ in it do not hydrate"
);

pub mod texts;
pub mod words;
pub mod ui;
pub mod cms;
#[cfg(feature = "ssr")]
mod minify;
#[cfg(feature = "ssr")]
mod receipt;
#[cfg(feature = "ssr")]
pub mod share;
#[cfg(feature = "ssr")]
pub mod mail;

// The module `i18n`, made by build.rs from `locales/`: the type `Locale` and a key for every text.
#[allow(clippy::all, unused_qualifications, missing_debug_implementations, reason = "generated")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/i18n/mod.rs"));
}
pub use generated::i18n;
