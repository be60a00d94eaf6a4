//! What an organisation looks at in the morning.

pub mod api;
mod page;
mod sparkline;

pub use page::OverviewPage;
