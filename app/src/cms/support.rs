//! Support by our own staff: what owners decide, what everybody sees while it lasts, and the pages of the staff.

pub mod access;
pub mod desk;
pub mod joining;
pub mod notice;
pub mod sign_in;
mod words;
