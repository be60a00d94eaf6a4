//! The form of the list of messages.

use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use shutterpost_model::error::{AppError, Code};

use super::form::Fields;
use super::{Done, answer};
use crate::http::Http;
use crate::http::context::Context;

/// `POST /cms/messages`: send_again. Who may call: editors and above.
pub(in crate::http) async fn act(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    uri: Uri,
    form: Fields,
) -> Response {
    let result = async {
        if form.text("intent") != "send_again" {
            return Err(AppError::new(Code::BadRequest));
        }
        http.services().messages.send_again(context.actor()?, &form.parse("message", Code::NotFound)?).await?;
        Ok(Done::To("/cms/messages?done=sent_again".into()))
    };
    let result = result.await;
    answer(&http, &context, uri, &form, result).await
}
