//! What a page knows about its request: the services and the actor, who is signed in, the language, and what became of
//! a form.

use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

use shutterpost_model::error::{AppError, Code};

#[cfg(feature = "ssr")]
pub use request::{FormOutcome, RequestContext, provide_request_context, request_context, signed_in, use_dev, use_me};
#[cfg(feature = "ssr")]
pub use request::{use_now, use_origin, use_outcome, use_posted, use_support};

/// The error of a server function: all that ever leaves the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CmsError(pub AppError);

#[cfg(feature = "ssr")]
impl From<AppError> for CmsError {
    /// The one conversion: sets the HTTP status and names the request.
    fn from(mut error: AppError) -> Self {
        if let Ok(context) = request_context() {
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
            // On the server: what was sent does not read, an id of another form perhaps. That is no fault of ours.
            #[cfg(feature = "ssr")]
            ServerFnErrorErr::Deserialization(_) => Code::BadRequest,
            _ => Code::Internal,
        };
        #[cfg(feature = "ssr")]
        return AppError::new(code).into();
        #[cfg(not(feature = "ssr"))]
        Self(AppError::new(code))
    }
}

#[cfg(feature = "ssr")]
mod request {
    use leptos::prelude::*;

    use shutterpost_model::access::Actor;
    use shutterpost_model::error::{AppError, Code};
    use shutterpost_model::identity::{Client, Me};
    use shutterpost_model::language::Language;
    use shutterpost_model::pii::Secret;
    use shutterpost_model::services::Services;
    use shutterpost_model::support::{StaffActor, SupportNotice};
    use shutterpost_model::time::Millis;

    use super::CmsError;
    use crate::texts::{Locale, locale_of};

    /// What became of the form that was just posted to this page. Empty when the page was merely opened.
    ///
    /// Plain forms post to their own page. On success the server redirects; on failure it renders the page again with
    /// this, so that nothing typed is lost.
    #[derive(Clone, Default, PartialEq, Eq)]
    pub struct FormOutcome {
        /// Value of the pressed `intent`, empty for pages with one form.
        pub intent: String,
        pub error: Option<AppError>,
        /// What was typed, by field name, without secrets.
        pub values: Vec<(String, String)>,
        /// A secret that is shown this once.
        pub issued: Option<String>,
        /// Where the form was posted to.
        pub action: String,
    }

    impl std::fmt::Debug for FormOutcome {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("FormOutcome")
        }
    }

    /// Everything a page or a server function gets from the server: the one list of contexts.
    #[derive(Debug, Clone)]
    pub struct RequestContext {
        pub services: Services,
        /// `None` on the pages before sign-in.
        pub actor: Option<Actor>,
        /// Who that is; given to pages, not to server functions.
        pub me: Option<Me>,
        /// Our own staff, on their own pages.
        pub staff: Option<StaffActor>,
        /// Grants of support that run in the organisation; given to pages.
        pub support: Vec<SupportNotice>,
        pub language: Language,
        pub client: Client,
        /// The cookie of a sign-in that waits for its second factor, on the page that ends it.
        pub pending: Option<Secret>,
        pub request_id: String,
        pub outcome: FormOutcome,
        /// The server's clock when the request came.
        pub now: Millis,
        /// Where the server is for its guests and devices, without a slash at the end.
        pub origin: String,
        /// Development mode: the local outbox is offered.
        pub dev: bool,
    }

    /// Gives the context to the page or server function about to run. The server calls this for both.
    pub fn provide_request_context(context: RequestContext) {
        provide_context::<Locale>(locale_of(context.language));
        provide_context(context);
    }

    /// The context of this request.
    ///
    /// # Errors
    /// `Internal` outside of a request.
    pub fn request_context() -> Result<RequestContext, AppError> {
        use_context::<RequestContext>().ok_or_else(|| AppError::new(Code::Internal))
    }

    /// The services and the signed-in actor, for server functions under `/fn/cms/`.
    pub fn signed_in() -> Result<(Services, Actor), CmsError> {
        let context = request_context()?;
        let actor = context.actor.ok_or_else(|| AppError::new(Code::SignInNeeded))?;
        Ok((context.services, actor))
    }

    /// The signed-in person.
    pub fn use_me() -> Option<Me> {
        with_context::<RequestContext, _>(|context| context.me.clone())?
    }

    /// The grants of support that run in the organisation.
    pub fn use_support() -> Vec<SupportNotice> {
        with_context::<RequestContext, _>(|context| context.support.clone()).unwrap_or_default()
    }

    /// The outcome of the form with this intent, if it was just posted; an empty one otherwise.
    pub fn use_outcome(intent: &str) -> FormOutcome {
        with_context::<RequestContext, _>(|context| {
            if context.outcome.intent == intent { context.outcome.clone() } else { FormOutcome::default() }
        })
        .unwrap_or_default()
    }

    /// The form that was posted, whichever it was.
    pub fn use_posted() -> FormOutcome {
        with_context::<RequestContext, _>(|context| context.outcome.clone()).unwrap_or_default()
    }

    /// When the request came.
    pub fn use_now() -> Millis {
        with_context::<RequestContext, _>(|context| context.now).unwrap_or(Millis(0))
    }

    /// The canonical origin, e.g. `https://photos.example`.
    pub fn use_origin() -> String {
        with_context::<RequestContext, _>(|context| context.origin.clone()).unwrap_or_default()
    }

    /// Whether to offer what exists in development mode only.
    pub fn use_dev() -> bool {
        with_context::<RequestContext, _>(|context| context.dev).unwrap_or_default()
    }
}
