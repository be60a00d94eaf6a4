//! Share links, the page behind them, and the record of what made cached pages stale.

pub(crate) mod scope;

mod service;
mod page;

pub(crate) mod links;
mod queries;
mod rows;

#[cfg(test)]
mod tests;

pub use service::SharesService;
