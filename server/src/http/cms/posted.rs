//! A form that was posted to its own page: who sent it, what it holds, and how it is answered.
//!
//! A handler says what the form does and nothing else; reading it, showing its page again and naming the request are
//! done here, once.

use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use shutterpost_app::cms::FormOutcome;
use shutterpost_model::access::Actor;
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::services::Services;
use shutterpost_model::sso::{Begun, Leave};

use super::form::{Fields, File, multipart};
use super::{cookies, passkeys, render};
use crate::http::context::Context;
use crate::http::{Http, sso};

/// The field in which the page that asks who it is sends the answer.
const PROOF: &str = "proof";
/// The same, if the answer is a passkey's.
const PASSKEY_PROOF: &str = "passkey_proof";

/// What browsers forget when somebody signs out.
const CLEAR: &str = "\"cache\", \"storage\"";

/// What a form led to.
#[derive(Debug)]
pub(in crate::http) enum Done {
    /// To a page, with `?done=` for its toast.
    To(String),
    /// The same page with what was typed: nothing was saved.
    Again,
    /// The same page, with a secret that is shown this once, and cookies that change.
    Issued { secret: String, cookies: Vec<String> },
    /// On to an identity provider, or why not.
    Begun(Begun),
    /// Signed out here, and on to where the session ends at the provider too.
    Gone { leave: Leave, cookies: Vec<String> },
    /// To a page, with cookies set or ended.
    Session { to: String, cookies: Vec<String>, clear: bool },
}

/// A posted form.
pub(in crate::http) struct Posted {
    http: Http,
    pub(super) context: Context,
    /// The form's page, which is shown again if something is wrong.
    pub(super) page: Uri,
    pub(in crate::http) form: Fields,
}

impl std::fmt::Debug for Posted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Posted")
    }
}

impl Posted {
    /// Who sent it; routes that need somebody never get here without.
    pub(in crate::http) fn actor(&self) -> Result<&Actor, AppError> {
        self.context.actor()
    }

    pub(in crate::http) fn services(&self) -> &Services {
        self.http.services()
    }

    /// Which of a page's forms, or which of a form's buttons.
    pub(super) fn intent(&self) -> &str {
        self.form.text("intent")
    }

    /// Does what the form asks for and answers: 303, or its page again with the error and what was typed.
    ///
    /// What is sensitive and comes too long after the sign-in is answered by a page that asks who it is and sends the form
    /// along; it comes back here with the proof.
    pub(in crate::http) async fn answer(mut self, work: impl AsyncFnOnce(&Self) -> Result<Done, AppError>) -> Response {
        let mut renewed = Vec::new();
        if self.form.has(PROOF) || self.form.has(PASSKEY_PROOF) {
            match self.confirm().await {
                Ok(cookies) => renewed = cookies,
                Err(error) => return self.show(Some(error), None, Page::Confirm).await,
            }
        }
        let mut response = match work(&self).await {
            Ok(Done::To(to)) => Redirect::to(&to).into_response(),
            Ok(Done::Session { to, cookies, clear }) => session(&to, cookies, clear),
            Ok(Done::Again) => self.show(None, None, Page::Own).await,
            Ok(Done::Begun(begun)) => {
                let mut response = sso::leaving(&self.http, &self.context, begun).await;
                set(&mut response, std::mem::take(&mut renewed));
                response
            }
            Ok(Done::Gone { leave, cookies }) => {
                // The page is nobody's any more.
                let context = Context { actor: None, ..self.context.clone() };
                let mut response = sso::left(&self.http, &context, leave).await;
                set(&mut response, cookies);
                response.headers_mut().insert("clear-site-data", HeaderValue::from_static(CLEAR));
                response
            }
            Ok(Done::Issued { secret, cookies }) => {
                let mut response = self.show(None, Some(secret), Page::Own).await;
                set(&mut response, cookies);
                response
            }
            Err(error) if error.code == Code::ConfirmNeeded => self.show(Some(error), None, Page::Confirm).await,
            Err(error) => self.show(Some(error), None, Page::Own).await,
        };
        // Unless the work itself set another one since.
        if !response.headers().contains_key(header::SET_COOKIE) {
            set(&mut response, renewed);
        }
        response
    }

    /// Takes the proof that came with the form; gives the cookies of the session, which has another secret now.
    async fn confirm(&mut self) -> Result<Vec<String>, AppError> {
        let (session, actor) = if self.form.has(PASSKEY_PROOF) {
            self.services().passkeys.confirm(self.actor()?, passkeys::answered(self, PASSKEY_PROOF)).await?
        } else {
            self.services().security.confirm(self.actor()?, self.form.secret(PROOF)).await?
        };
        self.context.actor = Some(actor);
        Ok(cookies::session(&session))
    }

    async fn show(self, error: Option<AppError>, issued: Option<String>, page: Page) -> Response {
        let Self { http, context, page: own, form } = self;
        let error = error.map(|mut error| {
            error.request_id = Some(context.request.as_str().to_owned());
            error
        });
        let outcome = FormOutcome {
            intent: form.text("intent").to_owned(),
            error,
            values: form.without_secrets(),
            issued,
            action: own.to_string(),
        };
        let mut request = Request::new(Body::empty());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = match page {
            Page::Own => own,
            Page::Confirm => Uri::from_static("/cms/confirm"),
        };
        let mut response = render(&http, &context, outcome, request).await;
        if response.status() == StatusCode::OK {
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        response
    }
}

/// Which page answers a form that led nowhere else.
enum Page {
    /// The one that it was posted from.
    Own,
    /// The one that asks who it is.
    Confirm,
}

/// Adds cookies to an answer.
fn set(response: &mut Response, cookies: Vec<String>) {
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
}

fn session(to: &str, cookies: Vec<String>, clear: bool) -> Response {
    let mut response = Redirect::to(to).into_response();
    set(&mut response, cookies);
    if clear {
        response.headers_mut().insert("clear-site-data", HeaderValue::from_static(CLEAR));
    }
    response
}

/// What the guard found out, and the page.
fn head(request: &Request) -> (Context, Uri) {
    let context = request.extensions().get::<Context>().cloned();
    (context.expect("every route stands behind the guard, which puts it there"), request.uri().clone())
}

/// An urlencoded form.
impl FromRequest<Http> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, http: &Http) -> Result<Self, Response> {
        let (context, page) = head(&request);
        let form = Fields::from_request(request, http).await.map_err(IntoResponse::into_response)?;
        Ok(Self { http: http.clone(), context, page, form })
    }
}

/// A posted multipart form, not read yet.
pub(in crate::http) struct PostedFiles {
    posted: Posted,
    form: Multipart,
}

impl std::fmt::Debug for PostedFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PostedFiles")
    }
}

impl PostedFiles {
    /// Reads the form and the files of one of its fields. What cannot be read is a form without fields.
    pub(super) async fn read(self, file_field: &str) -> (Posted, Result<Vec<File>, AppError>) {
        self.read_by(|field| field == file_field).await
    }

    /// Reads the form and the files of all fields that are for files.
    pub(super) async fn read_by(self, is_file: impl Fn(&str) -> bool) -> (Posted, Result<Vec<File>, AppError>) {
        let Self { mut posted, form } = self;
        match multipart(form, is_file).await {
            Ok((fields, files)) => {
                posted.form = fields;
                (posted, Ok(files))
            }
            Err(error) => (posted, Err(error)),
        }
    }
}

impl FromRequest<Http> for PostedFiles {
    type Rejection = Response;

    async fn from_request(request: Request, http: &Http) -> Result<Self, Response> {
        let (context, page) = head(&request);
        let form = Multipart::from_request(request, http).await.map_err(IntoResponse::into_response)?;
        let posted = Posted { http: http.clone(), context, page, form: Fields::default() };
        Ok(Self { posted, form })
    }
}

/// A form that may have a file of text: what is in the file becomes a field like any other, so that a page which asks who
/// it is can hold it and send it along.
pub(in crate::http) enum PostedText {
    Fields(Posted),
    Files(PostedFiles),
}

impl std::fmt::Debug for PostedText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PostedText")
    }
}

impl PostedText {
    /// Reads the form. A file that is no text leaves an empty field.
    pub(super) async fn read(self, file_field: &str) -> Posted {
        match self {
            Self::Fields(posted) => posted,
            Self::Files(files) => {
                let (mut posted, files) = files.read(file_field).await;
                let file = files.ok().and_then(|files| files.into_iter().next());
                let text = file.and_then(|file| String::from_utf8(file.bytes).ok()).unwrap_or_default();
                posted.form.push(file_field.to_owned(), text);
                posted
            }
        }
    }
}

impl FromRequest<Http> for PostedText {
    type Rejection = Response;

    async fn from_request(request: Request, http: &Http) -> Result<Self, Response> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("multipart/form-data") {
            Ok(Self::Files(PostedFiles::from_request(request, http).await?))
        } else {
            Ok(Self::Fields(Posted::from_request(request, http).await?))
        }
    }
}
