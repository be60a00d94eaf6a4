//! Connections to identity providers: their list, a new one, and the page on which one is set up, tested and switched on.

mod admission;
mod detail;
mod domains;
mod list;
mod new;
mod report;
mod settings;
pub mod words;

pub use detail::ConnectionPage;
pub use domains::DomainsPage;
pub use list::ConnectionsPage;
pub use new::NewConnectionPage;
