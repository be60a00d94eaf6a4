//! Taking a capture in: the use case that ties capture, guest, link and message together.

mod service;
mod pictures;
mod commit;
mod later;
mod marks;
mod redesign;

mod pool;
mod converter;
mod requests;
mod parts;

pub mod bulk;

#[cfg(feature = "measuring")]
pub mod measure;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

pub use converter::Converter;
pub use parts::capture_parts;
pub(crate) use requests::{clear as clear_requests, uploader};
pub(crate) use service::Taken;
pub use service::{IngestConfig, IngestService};
