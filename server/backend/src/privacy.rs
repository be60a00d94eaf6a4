//! Keeping the promise that data end: retention, the trash, and what crashes leave behind.

mod retention;
mod keys;
mod orphans;
mod sweep;

#[cfg(test)]
mod tests;

pub use sweep::Swept;
pub(crate) use sweep::sweep;
