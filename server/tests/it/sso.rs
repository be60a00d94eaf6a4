//! Signing in by an organisation's own provider, through the pages: what leaves, what comes back, and what no answer shows.

mod op;

use axum::body::Body;
use axum::http::{StatusCode, header};
use data_encoding::BASE64;
use serde_json::json;
use shutterpost_backend::testing::TestDatabase;
use shutterpost_model::access::Role;
use shutterpost_model::connections::{Admission, Kind, NewConnection, OidcDraft, Provider};
use shutterpost_model::id::ConnectionId;
use shutterpost_model::pii::Secret;
use url::Url;

use crate::factor::value;
use crate::support::{Answer, App, As, PASSWORD, Tenant, apps, cookie_of, tenant};
use op::Op;

const COOKIE: &str = "__Host-shutterpost-sso";

/// A connection by OpenID Connect that is on and takes newcomers.
pub(crate) async fn oidc(app: &App, owner: &As, issuer: &str) -> String {
    let (actor, connections) = (app.actor(owner).await, &app.http.services().connections);
    let new = NewConnection { kind: Kind::Oidc, provider: Provider::Other, name: "Our <people>".into() };
    let id = connections.create(&actor, new).await.expect("made");
    let draft = OidcDraft {
        issuer: issuer.into(),
        client_id: op::CLIENT.into(),
        secret: Secret::new("s3cret-of-the-client".into()),
        ..OidcDraft::default()
    };
    connections.enter_oidc(&actor, &id, draft).await.expect("entered");
    let admission = Admission { just_in_time: true, default_role: Some(Role::Viewer), ..Admission::default() };
    connections.admit(&actor, &id, admission).await.expect("entered");
    on(&app.database, &id).await
}

/// One by SAML.
pub(crate) async fn saml(app: &App, owner: &As) -> String {
    let (actor, connections) = (app.actor(owner).await, &app.http.services().connections);
    let new = NewConnection { kind: Kind::Saml, provider: Provider::Other, name: "Others".into() };
    let id = connections.create(&actor, new).await.expect("made");
    let mut params = rcgen::CertificateParams::new(vec!["idp.example".to_owned()]).expect("a name");
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2030, 1, 1);
    let certificate = params.self_signed(&rcgen::KeyPair::generate().expect("a key")).expect("signed");
    let certificate = BASE64.encode(certificate.der());
    let document = format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"https://idp.example\"><md:IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor use=\"signing\">\
         <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
         </md:KeyDescriptor><md:SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://idp.example/sso\"/>\
         </md:IDPSSODescriptor></md:EntityDescriptor>"
    );
    connections.enter_metadata(&actor, &id, document.into_bytes()).await.expect("entered");
    on(&app.database, &id).await
}

/// That a connection has to be tested before is shown elsewhere.
async fn on(database: &TestDatabase, id: &ConnectionId) -> String {
    database.execute(&format!("UPDATE sso_connections SET state = 'on' WHERE id = '{id}'")).await;
    id.to_string()
}

/// What an answer sets that cookie to.
pub(crate) fn set(answer: &Answer, name: &str) -> Option<String> {
    let all = answer.headers.get_all("set-cookie").iter().filter_map(|set| set.to_str().ok());
    all.filter_map(|set| value(set, name)).next_back()
}

/// Where the page on the way to a provider leads.
fn onward(answer: &Answer) -> Url {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let page = answer.text();
    let refresh = page.split("content=\"0;url=").nth(1).expect("leads on by itself").split('"').next().expect("ends");
    Url::parse(&refresh.replace("&amp;", "&")).expect("an address")
}

fn parameter(url: &Url, name: &str) -> String {
    let mut pairs = url.query_pairs();
    pairs.find(|(known, _)| known == name).unwrap_or_else(|| panic!("{name} in {url}")).1.into_owned()
}

/// A browser that was sent to the provider.
struct Away {
    callback: String,
    state: String,
    nonce: String,
    cookie: String,
}

impl App {
    async fn away(&self, connection: &str, next: &str) -> Away {
        let answer = self.get(&format!("/sso/{connection}/start?next={next}"), &As::Nobody).await;
        let url = onward(&answer);
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        Away {
            callback: format!("/sso/oidc/{connection}/callback"),
            state: parameter(&url, "state"),
            nonce: parameter(&url, "nonce"),
            cookie: set(&answer, COOKIE).expect("the cookie of the browser"),
        }
    }

    /// Comes back from another site, with these cookies.
    async fn back(&self, method: &str, away: &Away, cookies: &str) -> Answer {
        let query = format!("state={}&code=SplxlOBeZQQYbYS6WxSbIA", away.state);
        let get = method == "GET";
        let path = if get { format!("{}?{query}", away.callback) } else { away.callback.clone() };
        let mut request = http::Request::builder().method(method).uri(path).header("sec-fetch-site", "cross-site");
        request = request.header(header::COOKIE, cookies);
        if !get {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let body = if get { Body::empty() } else { Body::from(query) };
        self.send(request.body(body).expect("a request")).await
    }
}

/// The installation, an organisation, and its connection to a provider that listens.
async fn hosts() -> Vec<(App, Tenant, Op, String)> {
    let mut all = Vec::new();
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let op = Op::listen().await;
        let connection = oidc(&app, &app.sign_in(&home.email(Role::Owner)).await, op.issuer()).await;
        all.push((app, home, op, connection));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_66_84_a_browser_comes_back_signed_in_by_address_and_by_form() {
    for (app, home, op, connection) in hosts().await {
        let started = app.get(&format!("/sso/{connection}/start"), &As::Nobody).await;
        let cookie = started.header("set-cookie");
        for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=None", "Max-Age=900"] {
            assert!(cookie.split("; ").any(|part| part == attribute), "{cookie} lacks {attribute}");
        }
        // Somebody else is signed in in this browser: their session takes no part, and theirs is not the new one.
        let viewer = app.sign_in(&home.email(Role::Viewer)).await;
        let As::Cookie(fixed) = &viewer else { panic!("a session") };
        for method in ["GET", "POST"] {
            let away = app.away(&connection, "/cms/events").await;
            op.vouch(&app, "paula", &away.nonce, &json!({}));
            let cookies = format!("{COOKIE}={}; __Host-shutterpost={fixed}", away.cookie);
            let answer = app.back(method, &away, &cookies).await;
            assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/cms/events"), "{method}");
            let session = set(&answer, "__Host-shutterpost").expect("a session");
            assert!(session != *fixed && set(&answer, COOKIE).as_deref() == Some(""));
            assert_eq!(app.get("/cms/events", &As::Cookie(session)).await.status, StatusCode::OK);
            assert_eq!(app.get("/cms/events", &viewer).await.status, StatusCode::OK);
            // Once more: used.
            let again = app.back(method, &away, &cookies).await;
            assert_eq!(again.status, StatusCode::BAD_REQUEST);
            assert!(again.text().contains("Please begin again"), "{}", again.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_61_what_the_provider_says_of_its_refusal_is_never_shown() {
    for (app, _, _, connection) in hosts().await {
        let away = app.away(&connection, "/cms/events").await;
        let said = "%3Cscript%3Ealert(1)%3C%2Fscript%3E";
        let path = format!("{}?state={}&error=access_denied&error_description={said}", away.callback, away.state);
        let request = http::Request::builder().uri(path).header(header::COOKIE, format!("{COOKIE}={}", away.cookie));
        let answer = app.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let page = answer.text();
        assert!(page.contains("said no") && page.contains("provider_access_denied"), "{page}");
        assert!(page.contains(answer.header("x-request-id")) && !page.contains("alert(1)"));
        let owner_reads = app.database.count("audit_entries", "action = 'sso.refuse'").await;
        assert_eq!(owner_reads, 1, "{}", app.database.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_45_111_in_another_browser_nobody_is_signed_in() {
    for (app, _, op, connection) in hosts().await {
        let away = app.away(&connection, "/cms/events").await;
        op.vouch(&app, "mallory", &away.nonce, &json!({}));
        for cookies in ["", "__Host-shutterpost-sso=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            let answer = app.back("GET", &away, cookies).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            assert!(set(&answer, "__Host-shutterpost").is_none() && answer.text().contains("another browser"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_40_113_a_sign_in_leads_only_into_the_cms() {
    for (app, _, op, connection) in hosts().await {
        for next in crate::cross_site::ELSEWHERE {
            let away = app.away(&connection, next).await;
            op.vouch(&app, "paula", &away.nonce, &json!({}));
            let answer = app.back("GET", &away, &format!("{COOKIE}={}", away.cookie)).await;
            assert_eq!(answer.header("location"), "/cms/overview", "{next}");
        }
    }
}

/// `3rdPartyInitiatedLogin` of the OpenID Foundation's list: a portal or the provider's own list of apps leads here.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_begun_by_another_site_goes_to_our_provider_and_into_the_cms() {
    for (app, _, op, connection) in hosts().await {
        // What such a link may bring along: whose provider, who, and where to. None of it is taken at its word.
        let theirs = "iss=https%3A%2F%2Fevil.example&login_hint=mallory&target_link_uri=https%3A%2F%2Fevil.example%2F";
        for (query, to) in [(theirs.to_owned(), "/cms/overview"), (format!("{theirs}&next=/cms/events"), "/cms/events")]
        {
            let request = http::Request::builder()
                .uri(format!("/sso/{connection}/start?{query}"))
                .header("sec-fetch-site", "cross-site")
                .header(header::REFERER, "https://evil.example/");
            let answer = app.send(request.body(Body::empty()).expect("a request")).await;
            let url = onward(&answer);
            assert!(url.as_str().starts_with(&format!("{}/authorize?", op.issuer())), "{url}");
            assert!(!answer.text().contains("evil.example") && !answer.text().contains("mallory"), "{url}");
            assert!(set(&answer, "__Host-shutterpost").is_none(), "nobody is signed in by the way there");
            let away = Away {
                callback: format!("/sso/oidc/{connection}/callback"),
                state: parameter(&url, "state"),
                nonce: parameter(&url, "nonce"),
                cookie: set(&answer, COOKIE).expect("the cookie of the browser"),
            };
            op.vouch(&app, "paula", &away.nonce, &json!({}));
            let back = app.back("GET", &away, &format!("{COOKIE}={}", away.cookie)).await;
            assert_eq!((back.status, back.header("location")), (StatusCode::SEE_OTHER, to), "{}", back.text());
            let session = set(&back, "__Host-shutterpost").expect("a session");
            assert_eq!(app.get("/cms/events", &As::Cookie(session)).await.status, StatusCode::OK);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_connections_and_those_that_are_off_look_alike() {
    for (app, home, _, connection) in hosts().await {
        app.database.execute(&format!("UPDATE sso_connections SET state = 'off' WHERE id = '{connection}'")).await;
        let nobodys = "con_00000000000070008000000000000000";
        let page = async |id: &str, path: &str| {
            let answer = app.get(&path.replace("{}", id), &As::Nobody).await;
            let policy = answer.header("content-security-policy").to_owned();
            let nonce =
                policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or("-").to_owned();
            let text = answer.text().replace(answer.header("x-request-id"), "REQUEST").replace(&nonce, "NONCE");
            (answer.status, text.replace(id, "ID"))
        };
        for path in ["/sso/{}/start", "/sso/oidc/{}/callback?state=a&code=b", "/sso/oidc/{}/signed-out?state=a"] {
            let found = page(&connection, path).await;
            assert_eq!(found.0, StatusCode::NOT_FOUND, "{path}");
            assert!(found == page(nobodys, path).await && found == page("no-id", path).await, "{path}");
        }
        let of_saml = app.get(&format!("/sso/saml/{}/metadata", home.saml), &As::Nobody).await;
        assert_eq!(of_saml.status, StatusCode::OK);
        assert!(of_saml.text().contains(&format!("/sso/saml/{}/acs", home.saml)), "{}", of_saml.text());
        let of_oidc = app.get(&format!("/sso/saml/{connection}/metadata"), &As::Nobody).await;
        assert_eq!(of_oidc.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_by_saml_is_reached_by_a_form_that_may_lead_there_alone() {
    for (app, home, _, _) in hosts().await {
        let answer = app.get(&format!("/sso/{}/start", home.saml), &As::Nobody).await;
        let page = answer.text();
        assert!(page.contains("action=\"https://idp.example/sso\"") && page.contains("name=\"SAMLRequest\""), "{page}");
        assert!(answer.header("content-security-policy").contains("form-action https://idp.example;"));
        let state = page.split("name=\"RelayState\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let state = state.expect("a relay state");
        let cookie = set(&answer, COOKIE).expect("a cookie");
        // Nothing that is not signed lets anybody in.
        let forged = BASE64.encode(b"<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>");
        let body = format!("SAMLResponse={}&RelayState={state}", forged.replace('+', "%2B").replace('=', "%3D"));
        let request = http::Request::builder()
            .method("POST")
            .uri(format!("/sso/saml/{}/acs", home.saml))
            .header("sec-fetch-site", "cross-site")
            .header(header::COOKIE, format!("{COOKIE}={cookie}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = app.send(request.body(Body::from(body)).expect("a request")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
        assert!(set(&answer, "__Host-shutterpost").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_67_68_signing_out_here_and_there() {
    for (app, _, op, connection) in hosts().await {
        let sign_in = async || {
            let away = app.away(&connection, "/cms/events").await;
            op.vouch(&app, "paula", &away.nonce, &json!({}));
            let answer = app.back("GET", &away, &format!("{COOKIE}={}", away.cookie)).await;
            As::Cookie(set(&answer, "__Host-shutterpost").expect("a session"))
        };
        let paula = sign_in().await;
        let answer = app.form("/cms/sign-out", &paula, &[]).await;
        let url = onward(&answer);
        assert!(url.as_str().starts_with(&format!("{}/end?", op.issuer())), "{url}");
        assert_eq!(cookie_of(&answer), "");
        assert!(answer.header("clear-site-data").contains("storage"));
        assert_eq!(app.get("/cms/events", &paula).await.status, StatusCode::SEE_OTHER, "ended here at once");
        let back = format!("/sso/oidc/{connection}/signed-out?state=");
        let wrong = app.get(&format!("{back}another"), &As::Nobody).await;
        assert_eq!(wrong.header("location"), "/cms/overview");
        let right = app.get(&format!("{back}{}", parameter(&url, "state")), &As::Nobody).await;
        assert_eq!(right.header("location"), "/cms/sign-in?done=signed_out");

        let paula = sign_in().await;
        let path = format!("/sso/oidc/{connection}/logout");
        let post = async |token: &str| {
            let request = http::Request::builder()
                .method("POST")
                .uri(&path)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            app.send(request.body(Body::from(format!("logout_token={token}"))).expect("a request")).await
        };
        let bad = post("a.b.c").await;
        assert_eq!((bad.status, bad.header("cache-control")), (StatusCode::BAD_REQUEST, "no-store"));
        assert_eq!(app.get("/cms/events", &paula).await.status, StatusCode::OK);
        let good = post(&op.logout(&app, "j1", "paula")).await;
        assert_eq!((good.status, good.header("cache-control")), (StatusCode::OK, "no-store"), "{}", good.text());
        assert_eq!(app.get("/cms/events", &paula).await.status, StatusCode::SEE_OTHER, "dead at the next request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_ties_the_account_by_its_password() {
    for (app, home, op, connection) in hosts().await {
        let away = app.away(&connection, "/cms/events").await;
        op.vouch(&app, "vera", &away.nonce, &json!({ "email": home.email(Role::Viewer) }));
        let answer = app.back("GET", &away, &format!("{COOKIE}={}", away.cookie)).await;
        let page = format!("/sso/{connection}/tie");
        assert_eq!(answer.header("location"), page);
        let cookie = set(&answer, "__Host-shutterpost-tie").expect("its cookie");
        let ask = async |method: &str, body: &str| {
            let request = app
                .request(method, &page, &As::Nobody)
                .header(header::COOKIE, format!("__Host-shutterpost-tie={cookie}"))
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            app.send(request.body(Body::from(body.to_owned())).expect("a request")).await
        };
        let shown = ask("GET", "").await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.text());
        assert!(shown.text().contains("Our &lt;people>") || shown.text().contains("Our &lt;people&gt;"));
        let wrong = ask("POST", "password=not-it").await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!wrong.text().contains("not-it"));
        let right = ask("POST", &format!("password={PASSWORD}")).await;
        assert_eq!(
            (right.status, right.header("location")),
            (StatusCode::SEE_OTHER, "/cms/events"),
            "{}",
            right.text()
        );
        let session = As::Cookie(set(&right, "__Host-shutterpost").expect("a session"));
        assert_eq!(app.get("/cms/events", &session).await.status, StatusCode::OK);
        // Without the cookie there is nothing to prove.
        let nobody = app.get(&page, &As::Nobody).await;
        assert_eq!(nobody.header("location"), "/cms/sign-in?done=sign_in_again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_tries_a_connection_and_stays_who_they_are() {
    for (app, home, op, connection) in hosts().await {
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let path = format!("/sso/{connection}/test");
        let answer = app.form(&path, &owner, &[]).await;
        let url = onward(&answer);
        let away = Away {
            callback: format!("/sso/oidc/{connection}/callback"),
            state: parameter(&url, "state"),
            nonce: parameter(&url, "nonce"),
            cookie: set(&answer, COOKIE).expect("a cookie"),
        };
        op.vouch(&app, "somebody", &away.nonce, &json!({}));
        let back = app.back("GET", &away, &format!("{COOKIE}={}", away.cookie)).await;
        assert_eq!(back.header("location"), format!("/cms/sign-in-settings/connections/{connection}"));
        assert!(set(&back, "__Host-shutterpost").is_none());
        app.database.clock.advance(16 * 60_000);
        let stale = app.form(&path, &owner, &[]).await;
        assert_eq!(stale.status, StatusCode::FORBIDDEN);
        assert!(stale.text().contains(&format!("href=\"/cms/sign-in-settings/connections/{connection}\"")));
        // Proved and begun in one step, under a new cookie of the session.
        let proved = app.form(&path, &owner, &[("proof", PASSWORD)]).await;
        onward(&proved);
        assert!(set(&proved, "__Host-shutterpost").is_some() && set(&proved, COOKIE).is_some());
    }
}
