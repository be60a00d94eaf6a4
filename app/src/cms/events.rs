//! Events: their list, their settings, how they look to guests, and the devices that upload into them.

pub mod colours;
mod contrast;
pub mod kept;
pub mod preview;

#[cfg(feature = "ssr")]
mod branding;
#[cfg(feature = "ssr")]
mod devices;
#[cfg(feature = "ssr")]
pub mod head;
#[cfg(feature = "ssr")]
pub mod list;
#[cfg(feature = "ssr")]
mod settings;
#[cfg(feature = "ssr")]
mod zones;

#[cfg(feature = "ssr")]
pub use branding::BrandingPage;
#[cfg(feature = "ssr")]
pub use devices::DevicesPage;
#[cfg(feature = "ssr")]
pub use list::EventsPage;
#[cfg(feature = "ssr")]
pub use settings::{NewEventPage, SettingsPage, use_event};
