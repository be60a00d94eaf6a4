//! The one list of routes: method, path, who may call, how cross-site requests are met, rate class, body limit.

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use shutterpost_model::access::Permission;

use super::state::Http;
use super::{api, assets, cms, dev, functions, health, media, share, sso, uploads, verify};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Whoever holds the token in the path; the port checks it.
    Token,
    /// Anybody on the way to an identity provider or back, and the provider itself. The session's cookie is not read.
    Provider,
    /// Whoever showed a right password and has a second factor still to show.
    Factor,
    /// Our own staff, with password and second factor.
    Staff,
    /// Whoever showed a right password of the staff and has the second factor still to show.
    StaffFactor,
    /// Anybody with a session, whatever the role.
    SignedIn,
    /// A session whose role grants the permission.
    May(Permission),
    /// A bearer token whose role and scopes grant the permission.
    Api(Permission),
    /// Any API token, whatever its scopes.
    ApiToken,
    /// The bearer token of a device of this event, or an API token that uploads captures.
    Upload,
    /// The bearer token of any device, or an API token that uploads captures; the port knows which event and whose upload.
    Resume,
}

/// To whom a route speaks; decides the form of errors and the headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// HTML of the CMS.
    Page,
    /// JSON for our own pages: server functions, and questions to passkeys.
    Function,
    /// The REST API: RFC 9457 problems.
    Api,
    /// HTML and media for guests.
    Guest,
    /// Operators and static files.
    Plain,
}

/// How cross-site requests are met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Csrf {
    /// Changes nothing.
    Safe,
    /// Refused unless Fetch Metadata or `Origin` prove that our own page sent it.
    SameOrigin,
    /// The token in path or header authorises; no cookie takes part.
    Token,
    /// Comes from another site, because an identity provider sends it: signed by it, or bound to an attempt of this browser
    /// whose cookie opens nothing. No other cookie takes part.
    Provider,
}

/// How often one address may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rate {
    /// No limit of its own.
    Free,
    /// Guessing passwords or one-time links would pay.
    Auth,
    /// Whoever asks has something written down for some minutes.
    Ask,
    /// Pieces of files: many an hour from many devices behind one address.
    Upload,
    /// On the way to a provider and back: nothing can be guessed there, and a whole office has one address.
    Provider,
}

/// Largest body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// None expected, or a small form: 256 KiB.
    Small,
    /// A file within the upload limit, and a little around it.
    Upload,
    /// A form with a logo: 8 MiB.
    Logo,
    /// A file of a picture design, and the form around it: 24 MiB.
    Design,
}

/// An entry of the registry.
#[derive(Debug, Clone, Copy)]
pub struct RouteSpec {
    pub method: &'static str,
    /// Template, as logged.
    pub path: &'static str,
    pub access: Access,
    pub surface: Surface,
    pub csrf: Csrf,
    pub rate: Rate,
    pub body: Body,
}

impl RouteSpec {
    /// Names of the parameters in the path: ids of an organisation's objects, or tokens.
    pub fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{').and_then(|part| part.strip_suffix('}')))
    }

    /// Whether the route may change something.
    pub fn mutates(&self) -> bool {
        self.csrf != Csrf::Safe && self.method != "GET"
    }
}

/// An entry with its handler.
#[derive(Debug)]
pub struct Route {
    pub spec: RouteSpec,
    pub handler: MethodRouter<Http>,
}

impl Route {
    fn new<H, T>(method: Method, path: &'static str, surface: Surface, access: Access, handler: H) -> Self
    where
        H: Handler<T, Http>,
        T: 'static,
    {
        let (name, filter, csrf) = match method {
            Method::GET => ("GET", MethodFilter::GET, Csrf::Safe),
            Method::HEAD => ("HEAD", MethodFilter::HEAD, Csrf::Safe),
            Method::OPTIONS => ("OPTIONS", MethodFilter::OPTIONS, Csrf::Safe),
            Method::POST => ("POST", MethodFilter::POST, Csrf::SameOrigin),
            Method::PUT => ("PUT", MethodFilter::PUT, Csrf::SameOrigin),
            Method::PATCH => ("PATCH", MethodFilter::PATCH, Csrf::SameOrigin),
            _ => ("DELETE", MethodFilter::DELETE, Csrf::SameOrigin),
        };
        let csrf = match (csrf, surface) {
            (Csrf::SameOrigin, Surface::Api | Surface::Guest) if access != Access::Public => Csrf::Token,
            (csrf, _) => csrf,
        };
        let spec = RouteSpec { method: name, path, access, surface, csrf, rate: Rate::Free, body: Body::Small };
        Self { spec, handler: on(filter, handler) }
    }

    /// For what identity providers send.
    const fn sent_by_provider(mut self) -> Self {
        self.spec.csrf = Csrf::Provider;
        self
    }

    const fn rate(mut self, rate: Rate) -> Self {
        self.spec.rate = rate;
        self
    }

    const fn body(mut self, body: Body) -> Self {
        self.spec.body = body;
        self
    }
}

fn get<H: Handler<T, Http>, T: 'static>(surface: Surface, path: &'static str, access: Access, handler: H) -> Route {
    Route::new(Method::GET, path, surface, access, handler)
}

fn post<H: Handler<T, Http>, T: 'static>(surface: Surface, path: &'static str, access: Access, handler: H) -> Route {
    Route::new(Method::POST, path, surface, access, handler)
}

fn put<H: Handler<T, Http>, T: 'static>(surface: Surface, path: &'static str, access: Access, handler: H) -> Route {
    Route::new(Method::PUT, path, surface, access, handler)
}

fn delete<H: Handler<T, Http>, T: 'static>(surface: Surface, path: &'static str, access: Access, handler: H) -> Route {
    Route::new(Method::DELETE, path, surface, access, handler)
}

/// Every route of the product. Those of development mode exist only there.
pub fn routes(http: &Http) -> Vec<Route> {
    let features = [
        operations(),
        guests(),
        rest(),
        resumable(),
        sign_in(),
        sso(),
        pages(),
        forms(),
        support(),
        server_functions(),
    ];
    let mut routes: Vec<Route> = features.into_iter().flatten().collect();
    if http.config().dev {
        routes.push(get(Surface::Plain, "/dev/outbox", Access::Public, dev::outbox));
    }
    routes
}

/// Every route of the admin port: for operators' programs, on a listener of its own that no guest reaches.
pub fn admin_routes() -> Vec<Route> {
    use Access::Public;
    use Surface::Plain;
    vec![
        get(Plain, "/metrics", Public, health::metrics),
        get(Plain, "/healthz", Public, health::process),
        get(Plain, "/readyz", Public, health::ready),
    ]
}

fn operations() -> Vec<Route> {
    use Access::Public;
    use Surface::Plain;
    vec![
        get(Plain, "/", Public, cms::home),
        get(Plain, "/healthz", Public, health::process),
        get(Plain, "/readyz", Public, health::ready),
        get(Plain, "/robots.txt", Public, assets::robots),
        get(Plain, "/favicon.svg", Public, assets::favicon),
        get(Plain, "/favicon.ico", Public, assets::favicon_ico),
        get(Plain, "/apple-touch-icon.png", Public, assets::touch_icon),
        get(Plain, "/fonts/{file}", Public, assets::font),
        get(Plain, "/assets/{file}", Public, assets::asset),
        get(Plain, "/pkg/{*file}", Public, assets::bundle),
        get(Plain, "/api/openapi.json", Public, api::openapi),
    ]
}

fn guests() -> Vec<Route> {
    use Access::{Public, Token};
    use Surface::Guest;
    vec![
        get(Guest, "/s/{token}", Token, share::page),
        get(Guest, "/s/{token}/delete", Token, share::confirm),
        post(Guest, "/s/{token}/delete", Token, share::delete),
        get(Guest, "/s/{token}/deleted", Token, share::deleted),
        get(Guest, "/m/{token}/{file}", Token, media::guest),
        get(Guest, "/verify", Public, verify::page),
        post(Guest, "/verify", Public, verify::check),
    ]
}

fn rest() -> Vec<Route> {
    use Access::{Api, ApiToken, Upload};
    use Permission as P;
    use Surface::Api as Rest;
    vec![
        get(Rest, "/api/v1/token", ApiToken, api::token::find),
        get(Rest, "/api/v1/events", Api(P::EventRead), api::events::list),
        get(Rest, "/api/v1/events/{event}", Api(P::EventRead), api::events::find),
        get(Rest, "/api/v1/events/{event}/design", Api(P::EventRead), api::designs::find),
        put(Rest, "/api/v1/events/{event}/design", Api(P::BrandingWrite), api::designs::save),
        post(Rest, "/api/v1/events/{event}/design/files", Api(P::BrandingWrite), api::designs::add_file)
            .body(Body::Design),
        delete(Rest, "/api/v1/events/{event}/design/files/{file}", Api(P::BrandingWrite), api::designs::remove_file),
        post(Rest, "/api/v1/events/{event}/design/apply", Api(P::BrandingWrite), api::designs::apply),
        post(Rest, "/api/v1/events/{event}/design/pause", Api(P::BrandingWrite), api::designs::pause),
        post(Rest, "/api/v1/events/{event}/design/resume", Api(P::BrandingWrite), api::designs::resume),
        post(Rest, "/api/v1/events/{event}/design/undo", Api(P::BrandingWrite), api::designs::undo),
        get(Rest, "/api/v1/events/{event}/design/progress", Api(P::EventRead), api::designs::progress),
        get(Rest, "/api/v1/events/{event}/captures", Api(P::CaptureRead), api::captures::list),
        post(Rest, "/api/v1/events/{event}/captures", Upload, api::captures::create).body(Body::Upload),
        get(Rest, "/api/v1/captures/{capture}", Api(P::CaptureRead), api::captures::find),
        delete(Rest, "/api/v1/captures/{capture}", Api(P::CaptureWrite), api::captures::delete),
        post(Rest, "/api/v1/events/{event}/exports", Api(P::CaptureExport), api::exports::create),
        get(Rest, "/api/v1/exports/{export}", Api(P::CaptureExport), api::exports::find),
        get(Rest, "/api/v1/exports/{export}/archive", Api(P::CaptureExport), api::exports::archive),
        get(Rest, "/api/v1/guests/{guest}", Api(P::GuestRead), api::guests::find),
        delete(Rest, "/api/v1/guests/{guest}", Api(P::GuestWrite), api::guests::delete),
        post(Rest, "/api/v1/guests/{guest}/trash", Api(P::GuestWrite), api::guests::trash),
        get(Rest, "/api/v1/trash", Api(P::TrashManage), api::trash::list),
        post(Rest, "/api/v1/trash/{object}/restore", Api(P::TrashManage), api::trash::restore),
        get(Rest, "/api/v1/erasures", Api(P::PrivacyManage), api::erasures::list),
        post(Rest, "/api/v1/erasures", Api(P::GuestWrite), api::erasures::create),
        get(Rest, "/api/v1/erasures/{erasure}", Api(P::GuestWrite), api::erasures::find),
    ]
}

fn resumable() -> Vec<Route> {
    use Access::{Public, Resume};
    use Surface::Api;
    let at = "/uploads/{upload}";
    let routes = vec![
        Route::new(Method::OPTIONS, "/uploads", Api, Public, uploads::discover),
        post(Api, "/uploads", Resume, uploads::create),
        Route::new(Method::HEAD, at, Api, Resume, uploads::look),
        get(Api, at, Resume, uploads::find),
        Route::new(Method::PATCH, at, Api, Resume, uploads::append),
        delete(Api, at, Resume, uploads::end),
    ];
    // The port counts bytes as they come; no other limit of bodies is asked.
    routes.into_iter().map(|route| route.rate(Rate::Upload).body(Body::Upload)).collect()
}

fn sign_in() -> Vec<Route> {
    use Access::{Factor, Public, SignedIn, Token};
    use Surface::{Function, Page};
    vec![
        get(Page, "/cms", Public, cms::home),
        get(Page, "/cms/sign-in", Public, cms::page),
        post(Page, "/cms/sign-in", Public, cms::identity::sign_in).rate(Rate::Auth),
        get(Page, "/cms/sign-in/code", Factor, cms::page),
        post(Page, "/cms/sign-in/code", Factor, cms::identity::factor).rate(Rate::Auth),
        post(Function, "/cms/sign-in/passkey", Public, cms::passkeys::sign_in).rate(Rate::Ask),
        post(Function, "/cms/sign-in/code/passkey", Factor, cms::passkeys::present).rate(Rate::Ask),
        post(Function, "/cms/passkeys/add", SignedIn, cms::passkeys::add),
        post(Function, "/cms/passkeys/confirm", SignedIn, cms::passkeys::confirm),
        post(Page, "/cms/sign-out", SignedIn, cms::identity::sign_out),
        get(Page, "/cms/forgot", Public, cms::page),
        post(Page, "/cms/forgot", Public, cms::identity::forgot).rate(Rate::Auth),
        get(Page, "/cms/reset/{token}", Token, cms::page),
        post(Page, "/cms/reset/{token}", Token, cms::identity::reset).rate(Rate::Auth),
        get(Page, "/cms/invitation/{token}", Token, cms::page),
        post(Page, "/cms/invitation/{token}", Token, cms::identity::accept).rate(Rate::Auth),
    ]
}

fn sso() -> Vec<Route> {
    use Access::{May, Provider, SignedIn};
    use Surface::Page;
    vec![
        get(Page, "/sso/{connection}/start", Provider, sso::start).rate(Rate::Provider),
        post(Page, "/sso/{connection}/test", May(Permission::SignInManage), sso::test),
        post(Page, "/sso/confirm", SignedIn, sso::confirm),
        get(Page, "/sso/{connection}/tie", Provider, sso::tie),
        post(Page, "/sso/{connection}/tie", Provider, sso::prove).rate(Rate::Auth),
        get(Page, "/sso/oidc/{connection}/callback", Provider, sso::callback).rate(Rate::Provider),
        post(Page, "/sso/oidc/{connection}/callback", Provider, sso::answered).rate(Rate::Provider).sent_by_provider(),
        // From the provider's servers: one address speaks for all of its people.
        post(Page, "/sso/oidc/{connection}/logout", Provider, sso::logout).sent_by_provider(),
        get(Page, "/sso/oidc/{connection}/signed-out", Provider, sso::signed_out),
        get(Page, "/sso/saml/{connection}/metadata", Provider, sso::metadata),
        post(Page, "/sso/saml/{connection}/acs", Provider, sso::acs).rate(Rate::Provider).sent_by_provider(),
        get(Page, "/sso/saml/{connection}/slo", Provider, sso::slo).rate(Rate::Provider),
        post(Page, "/sso/saml/{connection}/slo", Provider, sso::slo_posted).rate(Rate::Provider).sent_by_provider(),
    ]
}

fn pages() -> Vec<Route> {
    use Access::{May, SignedIn};
    use Permission as P;
    use Surface::Page;
    vec![
        get(Page, "/cms/overview", May(P::OverviewRead), cms::page),
        get(Page, "/cms/events", May(P::EventRead), cms::page),
        get(Page, "/cms/events/new", May(P::EventWrite), cms::page),
        get(Page, "/cms/events/{event}", May(P::CaptureRead), cms::page),
        get(Page, "/cms/events/{event}/settings", May(P::EventWrite), cms::page),
        get(Page, "/cms/events/{event}/branding", May(P::BrandingWrite), cms::page),
        get(Page, "/cms/events/{event}/design", May(P::BrandingWrite), cms::page),
        get(Page, "/cms/events/{event}/devices", May(P::DeviceManage), cms::page),
        get(Page, "/cms/events/{event}/exports", May(P::CaptureExport), cms::page),
        get(Page, "/cms/exports/{export}/archive", May(P::CaptureExport), cms::exports::archive),
        get(Page, "/cms/captures/{capture}", May(P::CaptureRead), cms::page),
        get(Page, "/cms/captures/{capture}/qr.svg", May(P::CaptureRead), cms::captures::qr),
        get(Page, "/cms/messages", May(P::MessageRead), cms::page),
        get(Page, "/cms/people", May(P::PeopleManage), cms::page),
        get(Page, "/cms/tokens", May(P::TokenManage), cms::page),
        get(Page, "/cms/sign-in-settings", May(P::SignInManage), cms::page),
        get(Page, "/cms/sign-in-settings/domains", May(P::SignInManage), cms::page),
        get(Page, "/cms/sign-in-settings/connections", May(P::SignInManage), cms::page),
        get(Page, "/cms/sign-in-settings/connections/new", May(P::SignInManage), cms::page),
        get(Page, "/cms/sign-in-settings/connections/{connection}", May(P::SignInManage), cms::page),
        get(Page, "/cms/audit", May(P::AuditRead), cms::page),
        get(Page, "/cms/trash", May(P::TrashManage), cms::page),
        get(Page, "/cms/privacy", May(P::PrivacyManage), cms::page),
        get(Page, "/cms/privacy/{erasure}", May(P::GuestWrite), cms::page),
        get(Page, "/cms/privacy/{erasure}/receipt.txt", May(P::GuestWrite), cms::privacy::receipt),
        get(Page, "/cms/account", SignedIn, cms::page),
        get(Page, "/cms/account/security", SignedIn, cms::page),
        get(Page, "/cms/account/two-factor", SignedIn, cms::page),
        get(Page, "/cms/own-sign-in", SignedIn, cms::page),
        get(Page, "/cms/account/two-factor/qr.svg", SignedIn, cms::security::qr),
        get(Page, "/cms/media/{capture}/{file}", May(P::CaptureRead), media::cms),
        get(Page, "/cms/logos/{event}/{logo}", May(P::EventRead), media::logo),
        get(Page, "/cms/preview/{event}", May(P::EventRead), cms::events::preview),
    ]
}

fn forms() -> Vec<Route> {
    use Access::{May, SignedIn};
    use Permission as P;
    use Surface::{Function, Page};
    vec![
        post(Page, "/cms/events/new", May(P::EventWrite), cms::events::create),
        post(Page, "/cms/events/{event}", May(P::CaptureWrite), cms::captures::select),
        post(Page, "/cms/events/{event}/captures", May(P::CaptureCreate), cms::captures::upload).body(Body::Upload),
        post(Page, "/cms/events/{event}/exports", May(P::CaptureExport), cms::exports::act),
        post(Page, "/cms/events/{event}/settings", May(P::EventWrite), cms::events::settings),
        post(Page, "/cms/events/{event}/branding", May(P::BrandingWrite), cms::events::branding).body(Body::Logo),
        post(Page, "/cms/events/{event}/design", May(P::BrandingWrite), cms::designs::act).body(Body::Design),
        // Without the files of the form, which the page leaves out.
        post(Function, "/cms/events/{event}/design/preview", May(P::BrandingWrite), cms::designs::preview),
        post(Page, "/cms/events/{event}/devices", May(P::DeviceManage), cms::events::devices),
        post(Page, "/cms/captures/{capture}", May(P::CaptureWrite), cms::captures::act),
        post(Page, "/cms/messages", May(P::MessageSend), cms::messages::act),
        post(Page, "/cms/people", May(P::PeopleManage), cms::identity::people),
        post(Page, "/cms/tokens", May(P::TokenManage), cms::identity::tokens),
        post(Page, "/cms/sign-in-settings", May(P::SignInManage), cms::security::rules),
        post(Page, "/cms/sign-in-settings/domains", May(P::SignInManage), cms::domains::act),
        post(Page, "/cms/sign-in-settings/connections/new", May(P::SignInManage), cms::connections::create),
        post(Page, "/cms/sign-in-settings/connections/{connection}", May(P::SignInManage), cms::connections::act)
            .body(Body::Logo),
        post(Page, "/cms/trash", May(P::TrashManage), cms::trash::act),
        post(Page, "/cms/privacy", May(P::OrganisationErase), cms::privacy::act),
        post(Page, "/cms/account", SignedIn, cms::identity::account),
        post(Page, "/cms/account/security", SignedIn, cms::security::sessions),
        post(Page, "/cms/account/two-factor", SignedIn, cms::security::two_factor),
    ]
}

/// The staff's own pages, and what organisations let them do. In the CMS they act by a grant, like anybody by a role.
fn support() -> Vec<Route> {
    use Access::{May, Public, Staff, StaffFactor, Token};
    use Permission as P;
    use Surface::Page;
    vec![
        get(Page, "/support", Staff, cms::page),
        post(Page, "/support", Staff, cms::support::desk),
        get(Page, "/support/sign-in", Public, cms::page),
        post(Page, "/support/sign-in", Public, cms::support::sign_in).rate(Rate::Auth),
        get(Page, "/support/sign-in/code", StaffFactor, cms::page),
        post(Page, "/support/sign-in/code", StaffFactor, cms::support::factor).rate(Rate::Auth),
        post(Page, "/support/sign-out", Staff, cms::support::sign_out),
        get(Page, "/support/invitation/{token}", Token, cms::page),
        post(Page, "/support/invitation/{token}", Token, cms::support::accept).rate(Rate::Auth),
        get(Page, "/support/invitation/{token}/qr.svg", Token, cms::support::qr),
        get(Page, "/cms/support-access", May(P::AuditRead), cms::page),
        post(Page, "/cms/support-access", May(P::SupportManage), cms::support::access),
    ]
}

fn server_functions() -> Vec<Route> {
    use Access::May;
    use Permission as P;
    use Surface::Function;
    let call = |path, access| post(Function, path, access, functions::call);
    vec![
        call("/fn/cms/captures/list", May(P::CaptureRead)),
        call("/fn/cms/captures/delete", May(P::CaptureWrite)),
        call("/fn/cms/captures/restore", May(P::CaptureWrite)),
        call("/fn/cms/guests/reveal", May(P::GuestReveal)),
    ]
}
