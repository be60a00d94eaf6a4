//! Forms of domains. Who may call: owners.

use axum::response::Response;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::ConnectionId;

use super::posted::{Done, Posted};

/// `POST /cms/sign-in-settings/domains`: add, verify, route, remove.
pub(in crate::http) async fn act(posted: Posted) -> Response {
    posted
        .answer(async |posted| {
            let (actor, port, form) = (posted.actor()?, &posted.services().domains, &posted.form);
            let domain = form.text("domain");
            let done = match posted.intent() {
                "add" => {
                    port.add(actor, domain).await?;
                    "domain_added"
                }
                "verify" => {
                    port.verify(actor, domain).await?;
                    "domain_verified"
                }
                "route" => {
                    let connection = form.given("connection").map(|id| id.parse::<ConnectionId>()).transpose();
                    let connection = connection.map_err(|_| AppError::new(Code::NotFound))?;
                    port.route(actor, domain, connection).await?;
                    "domain_routed"
                }
                "remove" => {
                    port.remove(actor, domain).await?;
                    "domain_removed"
                }
                _ => return Err(AppError::new(Code::BadRequest)),
            };
            Ok(Done::To(format!("/cms/sign-in-settings/domains?done={done}")))
        })
        .await
}
