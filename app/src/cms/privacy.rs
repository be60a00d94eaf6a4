//! The trash; and erasures: what was made unrecoverable, and the receipts that prove it.

mod detail;
pub mod erase;
mod list;
mod organisation;
mod trash;

pub use detail::ErasurePage;
pub use list::PrivacyPage;
pub use trash::TrashListPage;

use shutterpost_model::id::ErasureId;
use shutterpost_model::privacy::ErasureView;

use crate::i18n::Locale;
use crate::receipt;

const ADDRESS: &str = "/cms/privacy";

/// The page of an erasure.
fn href(erasure: &ErasureId) -> String {
    format!("{ADDRESS}/{erasure}")
}

/// What was erased: its kind, and the end of its id, which is all that is left to tell it by.
fn name(locale: Locale, erasure: &ErasureView) -> String {
    format!("{} {}", receipt::kind(erasure.kind, locale), super::audit::words::short(&erasure.object))
}
