//! Events: their list, their settings, how they look to guests, and the devices that upload into them.

pub mod api;
mod branding;
mod contrast;
mod devices;
pub mod head;
pub mod list;
mod preview;
mod settings;
mod zones;

pub use branding::BrandingPage;
pub use devices::DevicesPage;
pub use list::EventsPage;
pub use settings::{NewEventPage, SettingsPage};
