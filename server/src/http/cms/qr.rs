//! QR codes.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use shutterpost_model::error::{AppError, Code};

use crate::http::context::Context;
use crate::http::problem;

/// The text as a QR code in SVG, or what went wrong.
pub(super) fn answer(text: Result<String, AppError>, context: &Context) -> Response {
    let svg = text.and_then(|text| {
        let code = qrcode::QrCode::new(text.as_bytes()).map_err(|_| AppError::new(Code::Internal))?;
        Ok(code.render::<qrcode::render::svg::Color<'_>>().min_dimensions(240, 240).quiet_zone(true).build())
    });
    match svg {
        Ok(svg) => {
            let mut response = svg.into_response();
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
            response
        }
        Err(error) => problem::problem(&error, context),
    }
}
