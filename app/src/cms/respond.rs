//! The response of the request being rendered. The only file that knows leptos_axum.

use http::StatusCode;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

/// Sets the HTTP status; without a response (in tests) this does nothing.
pub fn set_status(status: u16) {
    if let (Some(options), Ok(status)) = (use_context::<ResponseOptions>(), StatusCode::from_u16(status)) {
        options.set_status(status);
    }
}
