//! The guard in front of every handler: names the request, proves who calls, refuses cross-site changes, completes the
//! headers and writes the log line. What it checks stands in the route's entry and nowhere else.

use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::MethodRouter;
use axum::{Extension, Router};
use futures_util::FutureExt;
use percent_encoding::percent_decode_str;
use shutterpost_model::access::{Actor, Credential, Permission};
use shutterpost_model::error::{AppError, Code};
use shutterpost_model::id::{EventId, RequestId};
use shutterpost_model::identity::Client;
use shutterpost_model::identity::security::device_label;
use shutterpost_model::language::Language;
use shutterpost_model::pii::Secret;
use shutterpost_model::support::{Acting, StaffActor};
use tracing::Instrument;

use super::context::{
    CEREMONY_COOKIE, COOKIE, Context, Failed, KNOWN_COOKIE, PENDING_COOKIE, PROVIDER_COOKIE, STAFF_COOKIE,
    STAFF_PENDING_COOKIE, TIE_COOKIE,
};
use super::registry::{self, Access, Csrf, Rate, RouteSpec, Surface};
use super::{Http, headers, problem, uploads};
use crate::log::RequestLine;

/// Form data beyond this is no form of ours.
const SMALL: usize = 256 * 1024;
const LOGO: usize = 8 * 1024 * 1024;
const DESIGN: usize = 24 * 1024 * 1024;
/// Multipart boundaries and fields around a file.
const AROUND: usize = 256 * 1024;

/// The peer of the connection, put into the request by the server's accept loop.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

#[derive(Clone)]
struct Guard {
    http: Http,
    spec: RouteSpec,
}

/// Puts the guard in front of a handler.
pub(super) fn wrap(http: &Http, spec: RouteSpec, handler: MethodRouter<Http>) -> MethodRouter<Http> {
    let limit = match spec.body {
        registry::Body::Small => SMALL,
        registry::Body::Logo => LOGO,
        registry::Body::Design => DESIGN,
        registry::Body::Upload => http.config().upload_bytes.saturating_add(AROUND),
    };
    let guard = Guard { http: http.clone(), spec };
    handler.layer(DefaultBodyLimit::max(limit)).layer(from_fn_with_state(guard, run))
}

/// What answers where no route is: a refusal in the form of the surface that the path belongs to.
pub(super) fn wrap_fallback(http: &Http) -> Router {
    let spec = RouteSpec {
        method: "",
        path: "unknown",
        access: Access::Public,
        surface: Surface::Plain,
        csrf: Csrf::Safe,
        rate: Rate::Free,
        body: registry::Body::Small,
    };
    let guard = Guard { http: http.clone(), spec };
    Router::new().fallback(unknown).with_state(http.clone()).layer(from_fn_with_state(guard, run))
}

async fn unknown(
    State(http): State<Http>,
    Extension(mut context): Extension<Context>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let surface = surface_of(uri.path());
    // Whoever is signed in stays in the frame; for everybody else all addresses that lead nowhere look the same.
    let error = match session_cookie(&headers).filter(|_| surface == Surface::Page) {
        Some(cookie) => match http.services().accounts.session(cookie).await {
            Ok(actor) => {
                context.actor = actor;
                AppError::new(Code::NotFound)
            }
            Err(error) => error,
        },
        None => AppError::new(Code::NotFound),
    };
    refusal(&http, surface, error, &context, &method, &uri).await
}

fn surface_of(path: &str) -> Surface {
    match path.split('/').nth(1) {
        Some("api" | "uploads") => Surface::Api,
        Some("fn") => Surface::Function,
        Some("cms" | "support") => Surface::Page,
        Some("s" | "m") => Surface::Guest,
        _ => Surface::Plain,
    }
}

async fn run(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let Guard { http, spec } = guard;
    // The head alone: a body cannot be shared between threads while the proof waits for the database.
    let (mut request, body) = request.into_parts();
    let started = Instant::now();
    let at = http.world().now();
    let id: RequestId = http.world().id(RequestId::new);
    let method = method_name(&request.method);
    let mut context = Context {
        actor: None,
        staff: None,
        client: client(&http, &request, &id),
        pending: pending(&spec, &request.headers),
        ceremony: cookie(&request.headers, CEREMONY_COOKIE).map(|text| Secret::new(text.to_owned())),
        browser: provider_cookie(&request, &spec, PROVIDER_COOKIE),
        tie: provider_cookie(&request, &spec, TIE_COOKIE),
        request: id.clone(),
        language: language(&request),
    };
    let span = tracing::info_span!("request", request.id = id.as_str(), http.route = spec.path);
    let proof = prove(&http, &spec, &request, &context).instrument(span.clone()).await;
    let organisation = proof.as_ref().ok().and_then(|who| who.actor()?.organisation().map(|id| id.as_str().to_owned()));
    let watched = proof.as_ref().ok().and_then(|who| watched(&spec, &request, who.actor()?));
    let changes = spec.mutates();
    let (asked, uri) = (request.method.clone(), request.uri.clone());
    let bearer_shown = request.headers.contains_key(header::AUTHORIZATION);
    let mut response = match proof {
        Ok(who) => {
            match who {
                Who::Nobody => {}
                Who::Actor(actor) => context.actor = Some(actor.within(id.clone())),
                Who::Staff(staff) => context.staff = Some(staff.within(id.clone())),
            }
            request.extensions.insert(context.clone());
            let answer = AssertUnwindSafe(next.run(Request::from_parts(request, body)));
            match answer.catch_unwind().instrument(span.clone()).await {
                Ok(response) => response,
                Err(_) => {
                    // The panic itself has been printed where it happened.
                    let error = AppError::new(Code::Internal);
                    refusal(&http, spec.surface, error, &context, &asked, &uri).instrument(span).await
                }
            }
        }
        Err(error) => refusal(&http, spec.surface, error, &context, &asked, &uri).instrument(span).await,
    };
    if let Some(object) = watched.filter(|_| response.status().is_success())
        && let Some(actor) = &context.actor
        && let Err(error) = http.services().support.viewed(actor, object.as_deref()).await
    {
        // What cannot be written down is not shown.
        response = refusal(&http, spec.surface, error, &context, &asked, &uri).await;
    }
    if changes && !response.status().is_client_error() && !response.status().is_server_error() {
        http.operations().changed();
        // "Gone at once" holds from the moment the answer is seen.
        http.shares().catch_up().await;
    }
    if spec.surface == Surface::Api && response.status() == StatusCode::UNAUTHORIZED {
        // Without a token there is none that could be wrong (RFC 6750 §3.1).
        let challenge = if bearer_shown { problem::INVALID_TOKEN } else { problem::TOKEN_NEEDED };
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    let surface = if spec.path == "unknown" { Surface::Page } else { spec.surface };
    uploads::complete(spec.path, &mut response);
    headers::complete(response.headers_mut(), surface, http.config().origin.starts_with("https:"));
    if let Ok(value) = HeaderValue::try_from(id.as_str()) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    http.answered(RequestLine {
        at,
        request: id.into_string(),
        method,
        route: spec.path,
        status: response.status().as_u16(),
        micros: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        code: response.extensions().get::<Failed>().map(|failed| failed.0.as_str()),
        organisation,
        cached: false,
    });
    response
}

/// Who calls.
enum Who {
    Nobody,
    Actor(Actor),
    Staff(StaffActor),
}

impl Who {
    const fn actor(&self) -> Option<&Actor> {
        match self {
            Self::Actor(actor) => Some(actor),
            Self::Nobody | Self::Staff(_) => None,
        }
    }
}

impl From<Option<Actor>> for Who {
    fn from(actor: Option<Actor>) -> Self {
        actor.map_or(Self::Nobody, Self::Actor)
    }
}

/// The cookie of a sign-in that waits, on the routes that finish one.
fn pending(spec: &RouteSpec, headers: &HeaderMap) -> Option<Secret> {
    let name = match spec.access {
        Access::Factor => PENDING_COOKIE,
        Access::StaffFactor => STAFF_PENDING_COOKIE,
        _ => return None,
    };
    cookie(headers, name).map(|text| Secret::new(text.to_owned()))
}

/// What shows something though it is no GET: a list, and a photo of the event in the form of its design.
const SHOWS: [&str; 3] = ["/fn/cms/captures/list", "/cms/events/{event}/design", "/cms/events/{event}/design/preview"];

/// Whether the organisation's trail says of an answer that support looked at it, and at which object: every page and list
/// of what belongs to its people, and every picture but the small ones of a list, which is itself written down.
fn watched(spec: &RouteSpec, request: &Parts, actor: &Actor) -> Option<Option<String>> {
    let support = matches!(actor.credential(), Credential::Support { .. });
    let reads = spec.method == "GET" || SHOWS.contains(&spec.path);
    let mut segments = request.uri.path().split('/');
    let small = spec.path.starts_with("/cms/media/") && segments.clone().next_back()?.starts_with("thumb-");
    if !support || !reads || small || spec.path.starts_with("/cms/logos/") {
        return None;
    }
    Some(segments.find(|part| is_id(part)).map(str::to_owned))
}

/// Whether the text has the form of an id: three letters and 32 hexadecimal digits.
fn is_id(text: &str) -> bool {
    let digits = text.split_once('_').filter(|(prefix, _)| prefix.len() == 3).map(|(_, digits)| digits);
    digits.is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The actor behind the cookies of a request to the CMS. A session of the staff that opened a grant acts by it and by
/// nothing else; one that opened none does not count beside that of a user.
async fn of_cookies(http: &Http, headers: &HeaderMap) -> Result<Actor, AppError> {
    let services = http.services();
    let acting = match cookie(headers, STAFF_COOKIE) {
        Some(cookie) => services.support.acting(cookie).await?,
        None => Acting::Nobody,
    };
    let user = match (&acting, session_cookie(headers)) {
        (Acting::Nobody | Acting::Outside, Some(cookie)) => services.accounts.session(cookie).await?,
        _ => None,
    };
    match (acting, user) {
        (Acting::By(actor), _) | (_, Some(actor)) => Ok(actor),
        (Acting::Over | Acting::Outside, None) => Err(AppError::new(Code::SupportOver)),
        (Acting::Nobody, None) => Err(AppError::new(Code::SignInNeeded)),
    }
}

/// Proves what the entry demands, before the body is read.
async fn prove(http: &Http, spec: &RouteSpec, request: &Parts, context: &Context) -> Result<Who, AppError> {
    if !http.limiter().allows(spec.rate, context.client.address) {
        return Err(AppError::new(Code::TooMany));
    }
    if spec.csrf == Csrf::SameOrigin && !same_origin(&request.headers, &http.config().origin) {
        return Err(AppError::new(Code::CrossSite));
    }
    // Bytes that are no text are no id and no token; the router would say so in words of its own.
    if spec.parameters().next().is_some() && percent_decode_str(request.uri.path()).decode_utf8().is_err() {
        return Err(AppError::new(Code::NotFound));
    }
    let accounts = &http.services().accounts;
    let needed = || AppError::new(Code::SignInNeeded);
    let allowed = |actor: Actor, permission: Permission| {
        if actor.may(permission) { Ok(Who::Actor(actor)) } else { Err(AppError::denied(&actor, permission)) }
    };
    match spec.access {
        Access::Token | Access::Provider => Ok(Who::Nobody),
        Access::Public if spec.surface == Surface::Page => match session_cookie(&request.headers) {
            Some(cookie) => accounts.session(cookie).await.map(Who::from),
            None => Ok(Who::Nobody),
        },
        Access::Public => Ok(Who::Nobody),
        Access::Factor => {
            let cookie = context.pending.as_ref().ok_or_else(needed)?;
            if http.services().security.awaits_factor(cookie.expose()).await? { Ok(Who::Nobody) } else { Err(needed()) }
        }
        Access::StaffFactor => {
            let cookie = context.pending.as_ref().ok_or_else(needed)?;
            let waits = http.services().support.awaits_factor(cookie.expose()).await?;
            if waits { Ok(Who::Nobody) } else { Err(needed()) }
        }
        Access::Staff => {
            let cookie = cookie(&request.headers, STAFF_COOKIE).ok_or_else(needed)?;
            http.services().support.staff(cookie).await?.map(Who::Staff).ok_or_else(needed)
        }
        Access::SignedIn | Access::May(_) => {
            let actor = of_cookies(http, &request.headers).await?;
            match spec.access {
                Access::May(permission) => allowed(actor, permission),
                // What is one's own is not support's.
                _ if matches!(actor.credential(), Credential::Support { .. }) => Err(AppError::new(Code::Forbidden)),
                _ => Ok(Who::Actor(actor)),
            }
        }
        Access::Api(permission) => {
            let actor = accounts.bearer(bearer(&request.headers).ok_or_else(needed)?).await?.ok_or_else(needed)?;
            allowed(actor, permission)
        }
        Access::ApiToken => {
            let actor = accounts.bearer(bearer(&request.headers).ok_or_else(needed)?).await?.ok_or_else(needed)?;
            match actor.credential() {
                Credential::Token { .. } => Ok(Who::Actor(actor)),
                Credential::Session { .. } | Credential::Device { .. } | Credential::Support { .. } => {
                    Err(AppError::new(Code::Forbidden))
                }
            }
        }
        Access::Resume => {
            let actor = accounts.bearer(bearer(&request.headers).ok_or_else(needed)?).await?.ok_or_else(needed)?;
            match actor.credential() {
                Credential::Device { .. } => Ok(Who::Actor(actor)),
                _ => allowed(actor, Permission::CaptureCreate),
            }
        }
        Access::Upload => {
            let actor = accounts.bearer(bearer(&request.headers).ok_or_else(needed)?).await?.ok_or_else(needed)?;
            match actor.credential() {
                // Another event than its own: the device must not learn whether there is one.
                Credential::Device { event, .. } if event_of(request) != Some(event.as_str()) => {
                    Err(AppError::new(Code::NotFound))
                }
                Credential::Device { .. } => Ok(Who::Actor(actor)),
                _ => allowed(actor, Permission::CaptureCreate),
            }
        }
    }
}

/// The id behind `/events/` in the path.
fn event_of(request: &Parts) -> Option<&str> {
    let mut parts = request.uri.path().split('/');
    parts.find(|part| *part == "events")?;
    parts.next().filter(|text| text.parse::<EventId>().is_ok())
}

/// An error in the form of its surface; a page for somebody who is not signed in leads to the sign-in.
async fn refusal(
    http: &Http,
    surface: Surface,
    error: AppError,
    context: &Context,
    method: &Method,
    uri: &Uri,
) -> Response {
    match surface {
        Surface::Page if error.code == Code::SignInNeeded && uri.path().starts_with("/support") => {
            Redirect::to("/support/sign-in").into_response()
        }
        Surface::Page if error.code == Code::SignInNeeded && *method == Method::GET => {
            let next = uri.path();
            Redirect::to(&format!("/cms/sign-in?next={next}")).into_response()
        }
        Surface::Page if error.code == Code::SignInNeeded => Redirect::to("/cms/sign-in").into_response(),
        // To where it is set up; that page says why.
        Surface::Page if error.code == Code::FactorNeeded => Redirect::to("/cms/account/two-factor").into_response(),
        // To where the ways in are that open the organisation.
        Surface::Page if error.code == Code::OwnSignInNeeded => Redirect::to("/cms/own-sign-in").into_response(),
        Surface::Page => super::cms::error_page(http, context, &error).await,
        Surface::Function => problem::function(error, context),
        Surface::Api => problem::problem(&error, context),
        Surface::Guest => problem::guest(&error, context),
        Surface::Plain => {
            let text = shutterpost_app::texts::error(error.code, context.language).to_string();
            let mut response = (problem::status(&error), text).into_response();
            response.extensions_mut().insert(Failed(error.code));
            response
        }
    }
}

/// Whether the request comes from our own pages: by Fetch Metadata, which browsers since 2023 send, else by `Origin`.
fn same_origin(headers: &HeaderMap, origin: &str) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => {
            headers.get(header::ORIGIN).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(origin.as_bytes()))
        }
    }
}

/// Where a request came from.
fn client(http: &Http, request: &Parts, id: &RequestId) -> Client {
    let agent = request.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Client {
        address: address(http, request),
        request: Some(id.clone()),
        device: device_label(agent),
        known: cookie(&request.headers, KNOWN_COOKIE).map(|text| Secret::new(text.to_owned())),
    }
}

/// A cookie of a sign-in by a provider, on its routes.
fn provider_cookie(request: &Parts, spec: &RouteSpec, name: &str) -> Option<Secret> {
    let text = (spec.access == Access::Provider).then(|| cookie(&request.headers, name)).flatten();
    text.map(|text| Secret::new(text.to_owned()))
}

fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, COOKIE)
}

/// The cookie, if there is exactly one of its name: with two nobody knows whose is whose.
fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == wanted)
        .map(|(_, value)| value);
    let first = found.next()?;
    (found.next().is_none() && first.len() <= 128).then_some(first)
}

/// The token of `Authorization: Bearer …`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && token.len() <= 256).then(|| token.trim())
}

/// The client's address: the peer, or what the nearest trusted proxy says, from the right. What cannot be read ends the
/// walk: left of it stands what the client made up.
fn address(http: &Http, request: &Parts) -> Option<IpAddr> {
    let peer = request.extensions.get::<Peer>()?.0.ip();
    let trusted = &http.config().trusted_proxies;
    if !trusted.contains(&peer) {
        return Some(peer);
    }
    let forwarded = request.headers.get_all("x-forwarded-for").iter().map(|value| value.to_str().unwrap_or_default());
    let entries: Vec<&str> = forwarded.flat_map(|text| text.split(',')).collect();
    let mut nearest = peer;
    for entry in entries.into_iter().rev() {
        let Some(address) = forwarded_address(entry.trim()) else { break };
        nearest = address;
        if !trusted.contains(&address) {
            break;
        }
    }
    Some(nearest)
}

/// Some proxies add the port.
fn forwarded_address(entry: &str) -> Option<IpAddr> {
    let with_port = || entry.parse().ok().map(|address: SocketAddr| address.ip());
    let in_brackets = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    entry.parse().ok().or_else(with_port).or_else(in_brackets)
}

/// `?lang=` where a reader switched, else `Accept-Language`.
fn language(request: &Parts) -> Language {
    let query = request.uri.query().unwrap_or_default();
    let chosen = query.split('&').find_map(|pair| pair.strip_prefix("lang=")).and_then(Language::from_tag);
    chosen.unwrap_or_else(|| {
        let header = request.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Language::negotiate(header.unwrap_or_default())
    })
}

const fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// An empty body, for responses made without a handler.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
