//! Server functions of the CMS: each is an entry of the registry; leptos finds its body by the path.

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use shutterpost_app::cms::{FormOutcome, RequestContext, provide_request_context};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::identity::Me;

use super::context::Context;
use super::{Http, problem};

/// `POST /fn/…`. Who may call: as the entry of each function says. The body is JSON and says so: a form of another page
/// could send the same text under a type that needs no permission.
pub(super) async fn call(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    request: Request,
) -> Response {
    if !is_json(&request) {
        return problem::problem(&AppError::new(Code::ContentType), &context);
    }
    let page = request_context(&http, &context, None, FormOutcome::default());
    let provide = move || provide_request_context(page.clone());
    leptos_axum::handle_server_fns_with_context(provide, request).await.into_response()
}

fn is_json(request: &Request) -> bool {
    let declared = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = declared.and_then(|text| text.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// The one list of what pages and functions are given.
pub(super) fn request_context(http: &Http, context: &Context, me: Option<Me>, outcome: FormOutcome) -> RequestContext {
    RequestContext {
        services: http.services().clone(),
        actor: context.actor.clone(),
        staff: context.staff.clone(),
        support: Vec::new(),
        // The reader's own choice wins over what the browser asks for.
        language: me.as_ref().map_or(context.language, |me| me.language),
        me,
        client: context.client.clone(),
        pending: context.pending.clone(),
        request_id: context.request.as_str().to_owned(),
        outcome,
        now: http.world().now(),
        origin: http.config().origin.clone(),
        dev: http.config().dev,
    }
}
