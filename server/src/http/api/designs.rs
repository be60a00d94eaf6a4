//! Picture designs over REST.

use axum::body::Bytes;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;
use shutterpost_model::designs::{Design, DesignView, FileKind, NewDesignFile, Progress};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::EventId;

use super::id;
use crate::http::cms::form::{File, multipart};
use crate::http::context::Context;
use crate::http::{Http, problem};

/// What is saved, over which version.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    version: i32,
    design: Design,
}

/// What is wrong with a request is told to nobody who may not know the event.
async fn wrong(http: &Http, context: &Context, event: &EventId, error: AppError) -> Result<AppError, AppError> {
    http.services().designs.find(context.actor()?, event).await?;
    Ok(error)
}

/// `GET /api/v1/events/{event}/design`. Who may call: tokens with `events:read`.
pub(in crate::http) async fn find(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(event): Path<String>,
) -> Response {
    let found = async { http.services().designs.find(context.actor()?, &id(&event)?).await };
    match found.await {
        Ok(DesignView { design, version, files }) => {
            Json(json!({ "version": version, "design": design, "files": files })).into_response()
        }
        Err(error) => problem::problem(&error, &context),
    }
}

/// `PUT /api/v1/events/{event}/design`: saves a design over the version that was read. Who may call: tokens with
/// `events:write`.
pub(in crate::http) async fn save(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(event): Path<String>,
    body: Bytes,
) -> Response {
    let saved = async {
        let event: EventId = id(&event)?;
        // A list would be read as well, field by field, and nobody means that.
        let is_object = body.trim_ascii_start().starts_with(b"{");
        let Some(Saved { version, design }) = is_object.then(|| serde_json::from_slice(&body).ok()).flatten() else {
            return Err(wrong(&http, &context, &event, AppError::new(Code::BadRequest)).await?);
        };
        http.services().designs.save(context.actor()?, &event, design, version).await
    };
    match saved.await {
        Ok(version) => Json(json!({ "version": version })).into_response(),
        Err(error) => problem::problem(&error, &context),
    }
}

/// `POST /api/v1/events/{event}/design/files`: multipart with `kind` and `file`, and optionally `name`. Who may call: tokens
/// with `events:write`.
pub(in crate::http) async fn add_file(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(event): Path<String>,
    form: Result<Multipart, MultipartRejection>,
) -> Response {
    let added = async {
        let event: EventId = id(&event)?;
        let file = match read(form).await {
            Ok(file) => file,
            Err(error) => return Err(wrong(&http, &context, &event, error).await?),
        };
        http.services().designs.add_file(context.actor()?, &event, file).await
    };
    match added.await {
        Ok(file) => (StatusCode::CREATED, Json(file)).into_response(),
        Err(error) => problem::problem(&error, &context),
    }
}

async fn read(form: Result<Multipart, MultipartRejection>) -> Result<NewDesignFile, AppError> {
    let form = form.map_err(|_| AppError::new(Code::ContentType))?;
    let (fields, files) = multipart(form, |field| field == "file").await?;
    if let Some(name) = fields.names().find(|name| !["kind", "name"].contains(name)) {
        return Err(AppError::field(name, Code::UnknownField));
    }
    let kind = FileKind::from_name(fields.text("kind")).ok_or_else(|| AppError::field("kind", Code::BadChoice))?;
    let mut files = files.into_iter();
    let (Some(File { name: own_name, bytes, .. }), None) = (files.next(), files.next()) else {
        return Err(AppError::field("file", Code::Required));
    };
    let name = fields.given("name").map(str::to_owned).or(own_name).unwrap_or_else(|| kind.as_str().to_owned());
    Ok(NewDesignFile { kind, name, bytes })
}

/// `DELETE /api/v1/events/{event}/design/files/{file}`: removes a file that no design needs. Who may call: tokens with
/// `events:write`.
pub(in crate::http) async fn remove_file(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path((event, file)): Path<(String, String)>,
) -> Response {
    let done = async { http.services().designs.remove_file(context.actor()?, &id(&event)?, &id(&file)?).await };
    match done.await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => problem::problem(&error, &context),
    }
}

fn told(progress: Result<Progress, AppError>, context: &Context) -> Response {
    match progress {
        Ok(progress) => Json(progress).into_response(),
        Err(error) => problem::problem(&error, context),
    }
}

/// `GET /api/v1/events/{event}/design/progress`. Who may call: tokens with `events:read`.
pub(in crate::http) async fn progress(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(event): Path<String>,
) -> Response {
    let found = async { http.services().designs.progress(context.actor()?, &id(&event)?).await };
    told(found.await, &context)
}

/// `POST /api/v1/events/{event}/design/apply`: begins to give the saved design to all captures. Who may call: tokens with
/// `events:write`.
pub(in crate::http) async fn apply(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(event): Path<String>,
) -> Response {
    let done = async { http.services().designs.apply(context.actor()?, &id(&event)?).await };
    told(done.await, &context)
}

/// `POST /api/v1/events/{event}/design/pause`. Who may call: tokens with `events:write`.
pub(in crate::http) async fn pause(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(event): Path<String>,
) -> Response {
    let done = async { http.services().designs.pause(context.actor()?, &id(&event)?).await };
    told(done.await, &context)
}

/// `POST /api/v1/events/{event}/design/resume`. Who may call: tokens with `events:write`.
pub(in crate::http) async fn resume(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(event): Path<String>,
) -> Response {
    let done = async { http.services().designs.resume(context.actor()?, &id(&event)?).await };
    told(done.await, &context)
}

/// `POST /api/v1/events/{event}/design/undo`: goes back to the design from before. Who may call: tokens with `events:write`.
pub(in crate::http) async fn undo(
    State(http): State<Http>,
    Extension(context): Extension<Context>,
    Path(event): Path<String>,
) -> Response {
    let done = async { http.services().designs.undo(context.actor()?, &id(&event)?).await };
    told(done.await, &context)
}
