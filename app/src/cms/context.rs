//! What a page knows about its request: on the server the services and the actor, on both sides the language and what
//! became of a form.

use leptos::prelude::*;
use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

use shutterpost_model::error::{AppError, Code};
use shutterpost_model::language::Language;

use crate::texts::Locale;

/// What became of the form that was just posted to this page. Empty when the page was merely opened.
///
/// Plain forms post to their own page. On success the server redirects; on failure it renders the page again with
/// this, so that nothing typed is lost.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormOutcome {
    /// Value of the pressed `intent`, empty for pages with one form.
    pub intent: String,
    pub error: Option<AppError>,
    /// What was typed, by field name, without secrets.
    pub values: Vec<(String, String)>,
    /// A secret that is shown this once.
    pub issued: Option<String>,
}

impl std::fmt::Debug for FormOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FormOutcome")
    }
}

/// Everything a page or a server function gets from the server: the one list of contexts.
#[cfg(feature = "ssr")]
#[derive(Debug, Clone)]
pub struct RequestContext {
    pub services: shutterpost_model::services::Services,
    /// `None` on the pages before sign-in.
    pub actor: Option<shutterpost_model::access::Actor>,
    pub language: Language,
    pub client: shutterpost_model::identity::Client,
    pub request_id: String,
    pub outcome: FormOutcome,
    /// Development mode: the local outbox is offered.
    pub dev: bool,
}

/// Gives the context to the page or server function about to run. The server calls this for both.
#[cfg(feature = "ssr")]
pub fn provide_request_context(context: RequestContext) {
    provide_context(context);
}

/// The context of this request, for server functions.
#[cfg(feature = "ssr")]
pub fn request_context() -> Result<RequestContext, CmsError> {
    use_context::<RequestContext>().ok_or_else(|| CmsError(AppError::new(Code::Internal)))
}

/// The services and the signed-in actor, for server functions under `/fn/cms/`.
#[cfg(feature = "ssr")]
pub fn signed_in() -> Result<(shutterpost_model::services::Services, shutterpost_model::access::Actor), CmsError> {
    let context = request_context()?;
    let actor = context.actor.ok_or_else(|| CmsError::from(AppError::new(Code::SignInNeeded)))?;
    Ok((context.services, actor))
}

/// What pages and server functions answer.
pub type Answer<T> = Result<T, CmsError>;

/// The error of a server function: all that ever leaves the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CmsError(pub AppError);

#[cfg(feature = "ssr")]
impl From<AppError> for CmsError {
    /// The one conversion: sets the HTTP status and names the request.
    fn from(mut error: AppError) -> Self {
        if let Some(context) = use_context::<RequestContext>() {
            error.request_id = Some(context.request_id);
        }
        super::respond::set_status(error.code.status());
        Self(error)
    }
}

impl FromServerFnError for CmsError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        let code = match error {
            // In the browser: the server could not be reached.
            ServerFnErrorErr::Request(_) => Code::Busy,
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => Code::BadRequest,
            _ => Code::Internal,
        };
        #[cfg(feature = "ssr")]
        return AppError::new(code).into();
        #[cfg(not(feature = "ssr"))]
        Self(AppError::new(code))
    }
}

/// What the browser must know to render the same page as the server did.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Seed {
    pub language: Language,
    pub outcome: FormOutcome,
    pub dev: bool,
}

impl Seed {
    /// On the server from the request; in the browser this is never asked, because the server sent its answer along.
    pub fn of_request() -> Self {
        #[cfg(feature = "ssr")]
        if let Some(context) = use_context::<RequestContext>() {
            return Self { language: context.language, outcome: context.outcome, dev: context.dev };
        }
        Self::default()
    }
}

/// Where the outcome of the posted form waits for its page.
#[derive(Debug, Clone, Copy)]
struct Outcome(StoredValue<FormOutcome>);

/// Whether the server runs in development mode.
#[derive(Debug, Clone, Copy)]
struct Dev(bool);

/// Gives the seed to the pages.
pub(super) fn provide_seed(seed: Seed) {
    provide_context::<Locale>(crate::texts::locale_of(seed.language));
    provide_context(Outcome(StoredValue::new(seed.outcome)));
    provide_context(Dev(seed.dev));
}

/// The outcome of the form with this intent, if it was just posted; an empty one otherwise.
pub fn use_outcome(intent: &str) -> FormOutcome {
    use_context::<Outcome>()
        .map(|Outcome(stored)| stored.get_value())
        .filter(|outcome| outcome.intent == intent)
        .unwrap_or_default()
}

/// Drops the outcome; called when the reader goes to another page.
pub(super) fn forget_outcome() {
    if let Some(Outcome(stored)) = use_context::<Outcome>() {
        stored.set_value(FormOutcome::default());
    }
}

/// Whether to offer what exists in development mode only.
pub fn use_dev() -> bool {
    use_context::<Dev>().is_some_and(|Dev(dev)| dev)
}
