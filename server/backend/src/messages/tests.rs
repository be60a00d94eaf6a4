//! Sending, giving up, sending again and listing, on every database.

mod again;
mod crash;
mod deletions;
mod sending;
mod stage;
