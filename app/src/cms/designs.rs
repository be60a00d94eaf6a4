//! Picture designs: what goes onto the pictures of an event, with what it looks like beside it.

#[cfg(feature = "hydrate")]
pub mod live;

#[cfg(feature = "ssr")]
mod applying;
#[cfg(feature = "ssr")]
mod files;
#[cfg(feature = "ssr")]
pub mod form;
#[cfg(feature = "ssr")]
mod inputs;
#[cfg(feature = "ssr")]
mod page;
#[cfg(feature = "ssr")]
mod sheet;
#[cfg(feature = "ssr")]
mod shown;

#[cfg(feature = "ssr")]
pub use page::DesignPage;
