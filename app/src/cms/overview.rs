//! What an organisation looks at in the morning.

mod page;
mod sparkline;

pub use page::OverviewPage;
