//! What other sites can make a browser do: post, frame our pages, and lead people away from them.

use axum::body::Body;
use axum::http::{StatusCode, header};
use serde_json::json;
use shutterpost::http::registry::{Csrf, RouteSpec, Surface, routes};
use shutterpost_model::access::Role;

use crate::factor::{enrol, half_signed_in};
use crate::matrix::{concrete, input, sensitive};
use crate::staff;
use crate::support::{Answer, App, As, PASSWORD, Tenant, apps, tenant};

/// Case 113: what somebody might write behind `next=`, all of it leading elsewhere.
pub(crate) const ELSEWHERE: &[&str] = &[
    "https://evil.example/",
    "https://evil.example/cms/people",
    "//evil.example",
    "//user@evil.example/cms/",
    "/cms//evil.example",
    "/cms/\\evil.example",
    "\\\\evil.example/cms/",
    "/\\evil.example/cms/",
    "/cms/%5Cevil.example",
    "%2F%2Fevil",
    "%252F%252Fevil",
    "/cms/%252F%252Fevil",
    "/cms/@evil.example",
    "/cms/..%2F..%2F%2Fevil.example",
    "/cms/%0D%0ALocation:%20https:%2F%2Fevil.example",
    "/support",
    "javascript:alert(1)",
    "",
];

#[tokio::test(flavor = "multi_thread")]
async fn case_113_signing_in_leads_only_into_the_cms() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let fields = [("email", &*home.email(Role::Viewer)), ("password", PASSWORD)];
        let within = [("/cms/people", "/cms/people"), ("%2Fcms%2fevents", "/cms/events")];
        for (next, to) in ELSEWHERE.iter().map(|next| (*next, "/cms/overview")).chain(within) {
            let answer = app.form(&format!("/cms/sign-in?next={next}"), &As::Nobody, &fields).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{next}");
            assert_eq!(answer.header("location"), to, "{next} on {}", app.database.kind);
        }
    }
}

/// One browser with every cookie that opens something.
async fn everybody(app: &App, home: &Tenant) -> As {
    let of = |who: As| match who {
        As::Cookie(cookie) | As::Pending(cookie) | As::Staff(cookie) | As::StaffPending(cookie) => cookie,
        As::Nobody | As::Bearer(_) => panic!("no cookie"),
    };
    let owner = of(app.sign_in(&home.email(Role::Owner)).await);
    enrol(app, &home.email(Role::Editor)).await;
    let pending = of(half_signed_in(app, &home.email(Role::Editor)).await);
    let mut sam = staff::join(app, staff::READER).await;
    let staff_pending = of(sam.half_signed_in(app).await);
    let staff = of(sam.sign_in(app).await);
    As::Cookie(format!(
        "{owner}; __Host-shutterpost-factor={pending}; __Host-shutterpost-staff-factor={staff_pending}; \
         __Host-shutterpost-staff={staff}"
    ))
}

/// Bodies that a page of another site can post, and one that it cannot, of what changes something where it is let in.
fn bodies(spec: &RouteSpec, home: &Tenant) -> Vec<(&'static str, Vec<u8>)> {
    let form = sensitive(spec, home).unwrap_or_else(|| "intent=delete&name=Taken+over&email=x@evil.example".into());
    let parts: Vec<_> = form.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let parts: Vec<_> = parts.iter().map(|(name, value)| (*name, None, value.as_bytes().to_vec())).collect();
    let json = input(spec.path, home).to_string().into_bytes();
    vec![
        ("application/x-www-form-urlencoded", form.clone().into_bytes()),
        ("multipart/form-data; boundary=line", crate::support::multipart(&parts)),
        ("text/plain", form.into_bytes()),
        ("text/plain", json.clone()),
        ("application/json", json),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn case_107_no_post_of_another_site_changes_anything() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let who = everybody(&app, &home).await;
        let As::Cookie(cookies) = &who else { panic!("cookies") };
        let send = async |method: &str, path: &str, (kind, body): &(&str, Vec<u8>), from: &[(&str, &str)]| -> Answer {
            let mut request = http::Request::builder().method(method).uri(path);
            request = request.header(header::COOKIE, format!("__Host-shutterpost={cookies}"));
            for (name, value) in from {
                request = request.header(*name, *value);
            }
            let request = request.header(header::CONTENT_TYPE, *kind).body(Body::from(body.clone()));
            app.send(request.expect("a request")).await
        };
        let evil = ("origin", "https://evil.example");
        let others: [&[(&str, &str)]; 3] = [&[("sec-fetch-site", "cross-site"), evil], &[evil], &[]];
        let before = app.database.dump().await;
        let (mut count, specs) = (0, routes(&app.http).into_iter().map(|route| route.spec));
        for spec in specs.filter(|spec| spec.mutates()) {
            let path = concrete(&spec, &home);
            for body in bodies(&spec, &home) {
                for from in others {
                    count += 1;
                    let refusal = match (spec.csrf, spec.surface) {
                        (Csrf::SameOrigin, _) => StatusCode::FORBIDDEN,
                        // No cookie authorises there.
                        (Csrf::Token, Surface::Api) => StatusCode::UNAUTHORIZED,
                        // What the link in the path or a provider's signature decides, beside the cookies.
                        _ => continue,
                    };
                    let answer = send(spec.method, &path, &body, from).await;
                    assert_eq!(answer.status, refusal, "{} {path} as {} from {from:?}", spec.method, body.0);
                    assert!(answer.headers.get("set-cookie").is_none(), "{path}");
                }
            }
        }
        assert!(count > 500, "{count} posts");
        // What cookies do not authorise our own pages cannot do by them either.
        let own: &[(&str, &str)] = &[("sec-fetch-site", "same-origin")];
        let erase = ("application/json", json!({ "kind": "guest", "object": home.guest }).to_string().into_bytes());
        assert_eq!(send("POST", "/api/v1/erasures", &erase, own).await.status, StatusCode::UNAUTHORIZED);
        assert!(app.database.dump().await == before, "a post changed the database on {}", app.database.kind);

        // The controls: the same posts of our own pages, and of a program.
        let form = |text: &str| ("application/x-www-form-urlencoded", text.as_bytes().to_vec());
        let profile = form("intent=profile&name=Olivia&language=en");
        assert_eq!(send("POST", "/cms/account", &profile, own).await.status, StatusCode::SEE_OTHER);
        let call = ("application/json", json!({ "event": home.event, "captures": [home.capture] }).to_string().into());
        assert_eq!(send("POST", "/fn/cms/captures/delete", &call, own).await.status, StatusCode::OK);
        assert!(app.database.dump().await != before);
        let request = app.request("POST", "/api/v1/erasures", &home.admin_token).header(header::CONTENT_TYPE, erase.0);
        let answer = app.send(request.body(Body::from(erase.1)).expect("a request")).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    }
}

/// Types under which another site's page can post what is meant to be JSON.
const SIMPLE: [&str; 4] = [
    "application/x-www-form-urlencoded",
    "text/plain",
    "text/plain; charset=application/json",
    "multipart/form-data; boundary=line",
];

#[tokio::test(flavor = "multi_thread")]
async fn case_114_json_in_a_form_of_another_site_is_refused() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let As::Cookie(cookie) = &owner else { panic!("a cookie") };
        let path = "/fn/cms/captures/delete";
        let body = json!({ "event": home.event, "captures": [home.capture] }).to_string();
        app.get("/cms/account", &owner).await;
        let before = app.database.dump().await;
        for kind in SIMPLE.into_iter().chain(["application/json"]) {
            let request = http::Request::builder()
                .method("POST")
                .uri(path)
                .header(header::COOKIE, format!("__Host-shutterpost={cookie}"))
                .header("sec-fetch-site", "cross-site")
                .header(header::CONTENT_TYPE, kind);
            let answer = app.send(request.body(Body::from(body.clone())).expect("a request")).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{kind}");
        }
        assert!(app.database.dump().await == before);
        let answer = app.post(path, &owner, "application/json", body).await;
        assert_eq!(answer.status, StatusCode::OK, "the control: {}", answer.text());
        assert!(app.database.dump().await != before);
    }
}

/// Who may frame the answer, by the last policy it has.
fn ancestors(answer: &Answer) -> Vec<String> {
    let policies =
        answer.headers.get_all("content-security-policy").iter().map(|policy| policy.to_str().expect("text"));
    let directives = policies.flat_map(|policy| policy.split(';')).map(str::trim);
    directives.filter_map(|part| part.strip_prefix("frame-ancestors ")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn case_112_no_page_where_somebody_proves_who_they_are_can_be_framed() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let who = everybody(&app, &home).await;
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let form = [("email", "nobody@home.example"), ("password", PASSWORD)];
        let mut answers = Vec::new();
        for (path, who, status) in [
            ("/cms/sign-in".to_owned(), &As::Nobody, StatusCode::OK),
            ("/cms/forgot".to_owned(), &As::Nobody, StatusCode::OK),
            ("/cms/sign-in/code".to_owned(), &who, StatusCode::OK),
            ("/support/sign-in".to_owned(), &As::Nobody, StatusCode::OK),
            ("/support/sign-in/code".to_owned(), &who, StatusCode::OK),
            (format!("/sso/{}/start", home.saml), &As::Nobody, StatusCode::OK),
            ("/cms/account/two-factor".to_owned(), &owner, StatusCode::OK),
            ("/cms/account/security".to_owned(), &owner, StatusCode::OK),
            ("/cms/nonsense".to_owned(), &As::Nobody, StatusCode::NOT_FOUND),
        ] {
            let answer = app.get(&path, who).await;
            assert_eq!(answer.status, status, "{path}");
            answers.push((path, answer));
        }
        answers.push(("a wrong password".into(), app.form("/cms/sign-in", &As::Nobody, &form).await));
        app.database.clock.advance(16 * 60_000);
        let asks = app.form("/cms/account/two-factor", &owner, &[("intent", "begin")]).await;
        assert!(asks.text().contains("name=\"proof\""), "{}", asks.text());
        answers.push(("the page that asks once more".into(), asks));
        for (path, answer) in answers {
            assert_eq!(ancestors(&answer), ["'none'"], "{path} on {}", app.database.kind);
        }
        // The control: the one page that is shown in a frame, on a page of ours.
        let preview = app.get(&format!("/cms/preview/{}", home.event), &owner).await;
        assert_eq!((preview.status, ancestors(&preview)), (StatusCode::OK, vec!["'self'".to_owned()]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_114_json_under_another_type_is_refused_from_our_own_pages_too() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        app.get("/cms/account", &owner).await;
        let captures = json!({ "event": home.event, "captures": [home.capture] });
        for (function, body) in [
            ("/fn/cms/captures/list", json!({ "event": home.event, "filter": {}, "cursor": null, "limit": 1 })),
            ("/fn/cms/guests/reveal", json!({ "guest": home.guest })),
            ("/fn/cms/captures/delete", captures.clone()),
            ("/fn/cms/captures/restore", captures),
        ] {
            let before = app.database.dump().await;
            for kind in SIMPLE {
                let answer = app.post(function, &owner, kind, body.to_string()).await;
                assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{function} as {kind}");
            }
            let none = app.request("POST", function, &owner).body(Body::from(body.to_string())).expect("a request");
            assert_eq!(app.send(none).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{function} without a type");
            assert!(app.database.dump().await == before, "{function} on {}", app.database.kind);
            for kind in ["application/json", "application/json; charset=utf-8"] {
                let answer = app.post(function, &owner, kind, body.to_string()).await;
                assert_eq!(answer.status, StatusCode::OK, "the control: {function} as {kind}: {}", answer.text());
            }
        }
    }
}
