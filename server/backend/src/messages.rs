//! Messages to guests and members: sending them, and showing what became of them.
//!
//! A message is a row with a template, ids and a language (written by `jobs::outbox` in the transaction that causes
//! it). [`send`] turns it into a mail when its job runs: `letter` gathers what it says, the mail writer writes it, the
//! [`mailer`] hands it over.

mod letter;
pub mod mailer;
mod queries;
mod rows;
pub(crate) mod send;
mod service;
mod views;

#[cfg(test)]
mod tests;

pub use service::MessagesService;
pub(crate) use views::views_of_capture;
