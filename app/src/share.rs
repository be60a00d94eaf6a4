//! The pages of guests: pure functions from a view model to a whole HTML document.
//!
//! They need no script, no cookie and nothing from anybody else: one document with its styles inside, the photo as
//! the second request, and one small script that only makes sharing nicer. Never part of the browser's bundle.
//! Nothing here may import `cms`.

use std::sync::LazyLock;

use shutterpost_model::language::Language;
use shutterpost_model::privacy::{ReceiptFacts, ReceiptFault};
use shutterpost_model::share::SharePage;

pub(crate) mod palette;
mod document;
mod icons;
mod kind;
mod notice;
pub(crate) mod photo;
mod places;
mod styles;
mod verify;
mod view;
pub(crate) mod words;
#[cfg(test)]
pub(crate) mod tests;

pub use document::Document;
pub use styles::style_hash;
pub use verify::SIGNED_FIRST;

/// The optional script: native share sheet with the file, a button that copies the link. At most 3 kB.
pub const SCRIPT: &str = include_str!("share/share.js");

/// Where the pages expect [`SCRIPT`]; the name changes with the content, so it may be cached for ever.
pub fn script_path() -> &'static str {
    static PATH: LazyLock<String> = LazyLock::new(|| {
        let digest = styles::sha256(SCRIPT);
        let hash: String = data_encoding::HEXLOWER.encode(&digest).chars().take(8).collect();
        format!("/assets/share-{hash}.js")
    });
    &PATH
}

/// The page behind a link that works.
pub fn page(page: &SharePage, language: Language) -> Document {
    view::page(page, language, view::Mode::Live)
}

/// The same page with draft branding for the frame in the CMS: no script, no link leads anywhere.
pub fn preview(page: &SharePage, language: Language) -> Document {
    view::page(page, language, view::Mode::Preview)
}

/// Asks whether the photo is really to be deleted; a plain form posts to the page's own address.
/// Only for owner links.
pub fn confirm_delete(page: &SharePage, language: Language) -> Document {
    notice::confirm_delete(page, language)
}

/// After the photo was deleted, with the text of the receipt if there is one already.
pub fn deleted(language: Language, receipt: Option<&str>) -> Document {
    notice::deleted(language, receipt)
}

/// The page that checks receipts, for anybody: `check` is what became of the `receipt` that was given, `None` before there
/// is one. `public_key` is 32 bytes of Ed25519 in base64url.
pub fn verify(
    check: Option<Result<&ReceiptFacts, ReceiptFault>>,
    receipt: &str,
    public_key: &str,
    language: Language,
) -> Document {
    verify::page(check, receipt, public_key, language)
}

/// For every link that leads to no photo, whatever the reason.
pub fn not_found(language: Language) -> Document {
    notice::not_found(language)
}

/// When the server failed. The request id lets the organiser find the cause.
pub fn error(language: Language, request_id: &str) -> Document {
    notice::error(language, request_id)
}
