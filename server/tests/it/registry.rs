//! The registry is the product's surface: nothing outside it, everything in it described.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use shutterpost::http::registry::{Access, Csrf, routes};
use shutterpost_model::access::Permission;
use shutterpost_model::tokens::TokenScope;

use crate::support::{As, ORIGIN, apps};

#[tokio::test(flavor = "multi_thread")]
async fn every_server_function_is_a_route() {
    let apps = apps().await;
    let registered: BTreeSet<String> = routes(&apps[0].http)
        .iter()
        .filter(|route| route.spec.path.starts_with("/fn/"))
        .map(|route| route.spec.path.to_owned())
        .collect();
    let declared: BTreeSet<String> =
        leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path.to_owned()).collect();
    assert_eq!(registered, declared);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_the_app_is_a_route() {
    let apps = apps().await;
    let registered: BTreeSet<&str> =
        routes(&apps[0].http).iter().filter(|route| route.spec.method == "GET").map(|route| route.spec.path).collect();
    for path in shutterpost_app::cms::page_paths() {
        assert!(registered.contains(path), "{path}");
    }
}

/// For other people's programs.
fn is_described(path: &str) -> bool {
    path.starts_with("/api/v1/") || path.starts_with("/uploads")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_of_the_api_names_exactly_its_routes() {
    let apps = apps().await;
    let description = apps[0].get("/api/openapi.json", &As::Nobody).await.json();
    let described: BTreeSet<(String, String)> = description["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, operations)| {
            let methods = operations.as_object().expect("operations").keys();
            methods.map(|method| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
        })
        .collect();
    let registered: BTreeSet<(String, String)> = routes(&apps[0].http)
        .iter()
        .filter(|route| is_described(route.spec.path))
        .map(|route| (route.spec.method.to_owned(), route.spec.path.to_owned()))
        .collect();
    assert_eq!(described, registered);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_of_the_api_names_the_scope_that_each_route_asks_for() {
    let apps = apps().await;
    let description = apps[0].get("/api/openapi.json", &As::Nobody).await.json();
    for route in routes(&apps[0].http).iter().filter(|route| is_described(route.spec.path)) {
        let permission = match route.spec.access {
            Access::Api(permission) => Some(permission),
            Access::Upload | Access::Resume => Some(Permission::CaptureCreate),
            _ => None,
        };
        let scope = permission.map(|permission| TokenScope::needed_for(permission).expect("a scope for each route"));
        let described = &description["paths"][route.spec.path][route.spec.method.to_lowercase()]["x-scope"];
        assert_eq!(described.as_str(), scope.map(TokenScope::as_str), "{}", route.spec.path);
    }
    let named = description["components"]["schemas"]["Scope"]["enum"].as_array().expect("scopes").clone();
    let known: Vec<_> = TokenScope::ALL.iter().map(|scope| serde_json::Value::from(scope.as_str())).collect();
    assert_eq!(named, known);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_108_whatever_a_cookie_authorises_is_refused_from_other_sites() {
    const EVIL: &str = "https://evil.example";
    for app in apps().await {
        for route in routes(&app.http).iter().filter(|route| route.spec.csrf == Csrf::SameOrigin) {
            let spec = route.spec;
            let ask = async |headers: &[(&str, &str)]| {
                let mut request = http::Request::builder().method(spec.method).uri(spec.path);
                for (name, value) in headers {
                    request = request.header(*name, *value);
                }
                app.send(request.body(axum::body::Body::empty()).expect("a request")).await.status
            };
            let others: [&[(&str, &str)]; 11] = [
                &[],
                &[("sec-fetch-site", "cross-site")],
                &[("sec-fetch-site", "cross-site"), ("origin", ORIGIN)],
                &[("sec-fetch-site", "same-site")],
                &[("sec-fetch-site", "same-site"), ("origin", ORIGIN)],
                // As if typed into the address bar, which posts nothing.
                &[("sec-fetch-site", "none")],
                &[("sec-fetch-site", "none"), ("origin", "null")],
                &[("sec-fetch-site", "none"), ("origin", ORIGIN)],
                &[("origin", "null")],
                &[("origin", EVIL)],
                &[("origin", "http://localhost:8080.evil.example")],
            ];
            for headers in others {
                assert_eq!(ask(headers).await, StatusCode::FORBIDDEN, "{} {headers:?}", spec.path);
            }
            let own: [&[(&str, &str)]; 3] = [
                &[("sec-fetch-site", "same-origin")],
                &[("sec-fetch-site", "same-origin"), ("origin", ORIGIN)],
                &[("origin", ORIGIN)],
            ];
            for headers in own {
                assert_ne!(ask(headers).await, StatusCode::FORBIDDEN, "the control: {} {headers:?}", spec.path);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_never_open_to_get_and_always_guarded() {
    let apps = apps().await;
    for route in routes(&apps[0].http) {
        let spec = route.spec;
        let reads = matches!(spec.method, "GET" | "HEAD" | "OPTIONS");
        assert_eq!(reads, spec.csrf == Csrf::Safe, "{} {}", spec.method, spec.path);
        if spec.csrf == Csrf::Token {
            assert!(
                matches!(spec.access, Access::Token | Access::Api(_) | Access::Upload | Access::Resume),
                "{}",
                spec.path
            );
        }
    }
}

/// Case 110: what comes from other sites, and that no session takes part in it.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_providers_send_is_exempt_and_never_acts_on_a_session() {
    let apps = apps().await;
    let exempt: BTreeSet<&str> = routes(&apps[0].http)
        .iter()
        .filter(|route| route.spec.csrf == Csrf::Provider)
        .inspect(|route| assert_eq!(route.spec.access, Access::Provider, "{}", route.spec.path))
        .map(|route| route.spec.path)
        .collect();
    let known = [
        "/sso/oidc/{connection}/callback",
        "/sso/oidc/{connection}/logout",
        "/sso/saml/{connection}/acs",
        "/sso/saml/{connection}/slo",
    ];
    assert_eq!(exempt, known.into_iter().collect());
}

/// The whole surface, to be read when it changes.
#[tokio::test(flavor = "multi_thread")]
async fn the_surface_is_the_approved_one() {
    let apps = apps().await;
    let mut lines: Vec<String> = routes(&apps[0].http)
        .iter()
        .map(|route| {
            let spec = route.spec;
            format!("{:6} {:44} {:?} {:?} {:?}", spec.method, spec.path, spec.access, spec.csrf, spec.rate)
        })
        .collect();
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"));
}
