//! Guests as the CMS shows them: beside their captures, masked until revealed.

pub mod api;
pub mod contact;

#[cfg(feature = "ssr")]
pub mod card;
