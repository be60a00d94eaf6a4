//! The form of the list of messages.

use axum::response::Response;
use shutterpost_model::error::{AppError, Code};

use super::posted::{Done, Posted};

/// `POST /cms/messages`: send_again. Who may call: editors and above.
pub(in crate::http) async fn act(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            if posted.intent() != "send_again" {
                return Err(AppError::new(Code::BadRequest));
            }
            let message = posted.form.parse("message", Code::NotFound)?;
            posted.services().messages.send_again(posted.actor()?, &message).await?;
            Ok(Done::To("/cms/messages?done=sent_again".into()))
        })
        .await
}
