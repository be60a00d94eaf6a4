//! What people see.
//!
//! Two voices that never import each other: `cms`, the pages of the people who run events, rendered on the server and
//! taken over in the browser; `share`, the pages of guests, rendered on the server alone. `mail` writes what goes out.
//! All texts come from `locales/`, all CMS components from `ui`, which knows no feature.

// The type of a page holds the types of all that is on it.
#![recursion_limit = "512"]

pub mod texts;
pub mod ui;
pub mod cms;
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
