//! The cookies of sign-in as attackers and odd browsers send them: planted before, of a name that only looks like ours, and
//! two of one name.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{StatusCode, header};
use shutterpost_backend::testing::Authenticator;
use shutterpost_model::access::Role;

use crate::factor::{code, enrol};
use crate::passkeys::{asked, equip, with_cookie};
use crate::sso::set;
use crate::staff;
use crate::support::{App, As, PASSWORD, apps, cookie_of, tenant};
use crate::swaps::nobodys;

const SESSION: &str = "__Host-shutterpost";
const FACTOR: &str = "__Host-shutterpost-factor";
const STAFF: &str = "__Host-shutterpost-staff";
const STAFF_FACTOR: &str = "__Host-shutterpost-staff-factor";
const MINUTE: i64 = 60_000;

/// Whether no other host, a sub-domain or our own without TLS, can have set this cookie or gets it.
pub(crate) fn is_for_our_host_alone(set: &str) -> bool {
    let mut parts = set.split("; ");
    let named = parts.next().is_some_and(|pair| pair.starts_with("__Host-"));
    let attributes: Vec<String> = parts.map(str::to_lowercase).collect();
    let has = |wanted: &str| attributes.iter().any(|attribute| attribute == wanted);
    let domain = attributes.iter().any(|attribute| attribute.starts_with("domain"));
    named && !domain && has("path=/") && has("secure") && has("httponly")
}

#[test]
fn a_cookie_that_a_sub_domain_shares_is_told_from_ours() {
    let own = "__Host-shutterpost=sps_1; Path=/; Secure; HttpOnly; SameSite=Lax";
    assert!(is_for_our_host_alone(own));
    for other in [
        &format!("{own}; Domain=shutterpost.example"),
        &format!("{own}; domain=shutterpost.example"),
        &own.replace("__Host-", ""),
        &own.replace("Path=/;", "Path=/cms;"),
        &own.replace(" Secure;", ""),
        &own.replace(" HttpOnly;", ""),
    ] {
        assert!(!is_for_our_host_alone(other), "{other}");
    }
}

/// Who acts by the cookie.
async fn whose(app: &App, cookie: &str) -> Option<String> {
    let actor = app.http.services().accounts.session(cookie).await.expect("an answer");
    actor.and_then(|actor| actor.user().map(ToString::to_string))
}

fn cookie(who: As) -> String {
    match who {
        As::Cookie(cookie) | As::Pending(cookie) | As::Staff(cookie) | As::StaffPending(cookie) => cookie,
        As::Nobody | As::Bearer(_) => panic!("no cookie"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_84_a_cookie_that_was_planted_is_never_the_session_of_who_signs_in() {
    for app in apps().await {
        let (home, other) = (tenant(&app, "home").await, tenant(&app, "other").await);
        let attackers = cookie(app.sign_in(&other.email(Role::Viewer)).await);
        let attacker = whose(&app, &attackers).await;
        assert!(attacker.is_some(), "the attacker's own session lives");
        let (editor, admin) = (home.email(Role::Editor), home.email(Role::Admin));
        let secret = enrol(&app, &editor).await;
        let mut phone = Authenticator::new(1);
        equip(&app, &admin, &mut phone).await;
        for (planted, before) in [(nobodys(&attackers), None), (attackers, attacker.clone())] {
            let there = As::Cookie(planted.clone());
            let fields = [("email", &*home.email(Role::Viewer)), ("password", PASSWORD)];
            let by_password = cookie_of(&app.form("/cms/sign-in", &there, &fields).await);

            app.database.clock.advance(30_000);
            let both = As::Cookie(format!("{planted}; {FACTOR}={planted}"));
            let answer = app.form("/cms/sign-in", &both, &[("email", &editor), ("password", PASSWORD)]).await;
            assert!(set(&answer, SESSION).is_none(), "a factor is still to be shown");
            let pending = set(&answer, FACTOR).expect("its cookie");
            assert_ne!(pending, planted);
            let waits = async |cookie: &str| app.get("/cms/sign-in/code", &As::Pending(cookie.to_owned())).await.status;
            assert_eq!((waits(&planted).await, waits(&pending).await), (StatusCode::SEE_OTHER, StatusCode::OK));
            let both = As::Cookie(format!("{planted}; {FACTOR}={pending}"));
            let answer = app.form("/cms/sign-in/code", &both, &[("code", &code(&app, &secret))]).await;
            let by_code = set(&answer, SESSION).expect("a session");
            assert_eq!(waits(&pending).await, StatusCode::SEE_OTHER, "used");
            assert_eq!(whose(&app, &pending).await, None);

            let (options, browser) = asked(&app, "/cms/sign-in/passkey", &there).await;
            let fields = [("intent", "passkey"), ("credential", &*phone.get(&options))];
            let answer = with_cookie(&app, "/cms/sign-in", &there, &browser, &fields).await;
            let by_passkey = set(&answer, SESSION).unwrap_or_else(|| panic!("a session: {}", answer.text()));

            let mut people = BTreeSet::new();
            for new in [by_password, by_code, by_passkey] {
                assert_ne!(new, planted, "{}", app.database.kind);
                let who = whose(&app, &new).await;
                assert!(who.is_some() && who != attacker, "whoever signed in");
                people.insert(who);
            }
            assert_eq!(people.len(), 3, "each is somebody else");
            assert_eq!(whose(&app, &planted).await, before, "what was planted opens what it did before");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_88_without_remember_the_browser_keeps_nothing_and_the_server_half_a_day() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let email = home.email(Role::Viewer);
        let sign_in = async |more: &[(&str, &str)]| {
            let fields = [&[("email", &*email), ("password", PASSWORD)][..], more].concat();
            let answer = app.form("/cms/sign-in", &As::Nobody, &fields).await;
            let all: Vec<_> =
                answer.headers.get_all("set-cookie").iter().map(|set| set.to_str().expect("text")).collect();
            let session = all.iter().find(|set| set.starts_with("__Host-shutterpost=")).expect("the session");
            let kept = ["max-age", "expires"].iter().any(|word| session.to_lowercase().contains(word));
            (As::Cookie(set(&answer, SESSION).expect("the session")), kept)
        };
        let (session, kept) = sign_in(&[]).await;
        assert!(!kept, "gone with the browser");
        let (_, kept) = sign_in(&[("remember", "off")]).await;
        assert!(!kept);
        let (remembered, kept) = sign_in(&[("remember", "on")]).await;
        assert!(kept, "the control");
        let status = async |who: &As| app.get("/cms/overview", who).await.status;
        // Used all the while, so that it is not the pause that ends it.
        for _ in 0..12 {
            app.database.clock.advance(59 * MINUTE);
            assert_eq!(status(&session).await, StatusCode::OK, "{}", app.database.kind);
        }
        app.database.clock.advance(13 * MINUTE);
        assert_eq!(status(&session).await, StatusCode::SEE_OTHER, "twelve hours are over, {}", app.database.kind);
        assert_eq!(status(&remembered).await, StatusCode::OK);
    }
}

/// What a browser might send in the place of `name=right`, each in one or two headers.
fn odd(name: &str, right: &str, wrong: &str) -> Vec<Vec<String>> {
    let bare = name.trim_start_matches("__Host-");
    let is = |value: &str| format!("{name}={value}");
    vec![
        vec![format!("{bare}={right}")],
        vec![format!("__Secure-{bare}={right}")],
        vec![format!("{}={right}", name.to_lowercase())],
        vec![format!("{}={right}", name.to_uppercase())],
        vec![format!("{name} ={right}")],
        vec![format!("{name}-2={right}")],
        vec![format!("$Path=/; ={name}={right}")],
        vec![format!("{name}=\"{right}\"")],
        vec![format!("{}; {}", is(right), is(right))],
        vec![is(right), is(right)],
        vec![format!("{}; {}", is(right), is(wrong))],
        vec![format!("{}; {}", is(wrong), is(right))],
        vec![is(right), is(wrong)],
        vec![is(wrong), is(right)],
        vec![format!("{}; {}", is(""), is(right))],
        vec![format!("{}; other=1; {}", is(right), is(""))],
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn case_92_only_one_cookie_of_exactly_our_name_counts() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let session = cookie(app.sign_in(&home.email(Role::Owner)).await);
        let others = cookie(app.sign_in(&home.email(Role::Viewer)).await);
        enrol(&app, &home.email(Role::Editor)).await;
        let pending = cookie(crate::factor::half_signed_in(&app, &home.email(Role::Editor)).await);
        let mut sam = staff::join(&app, staff::READER).await;
        let staff_pending = cookie(sam.half_signed_in(&app).await);
        let staff_session = cookie(sam.sign_in(&app).await);
        let get = async |path: &str, cookies: &[String]| {
            let mut request = app.request("GET", path, &As::Nobody);
            for cookie in cookies {
                request = request.header(header::COOKIE, cookie);
            }
            let answer = app.send(request.body(Body::empty()).expect("a request")).await;
            (answer.status, answer.header("location").contains("/sign-in"))
        };
        let kinds = [
            (SESSION, &session, "/cms/overview"),
            (FACTOR, &pending, "/cms/sign-in/code"),
            (STAFF, &staff_session, "/support"),
            (STAFF_FACTOR, &staff_pending, "/support/sign-in/code"),
        ];
        for (name, right, path) in kinds {
            for fine in [
                vec![format!("{name}={right}")],
                vec![format!("a=1;{name}={right}; b={name}")],
                vec!["a=1".to_owned(), format!("{name}={right}")],
            ] {
                assert_eq!(get(path, &fine).await, (StatusCode::OK, false), "the control: {fine:?}");
            }
            for wrong in [nobodys(right), others.clone()] {
                for cookies in odd(name, right, &wrong) {
                    let refused = (StatusCode::SEE_OTHER, true);
                    assert_eq!(get(path, &cookies).await, refused, "{cookies:?} on {}", app.database.kind);
                }
            }
            // The right cookie of one kind under the name of another.
            for (other, value, _) in kinds.iter().filter(|(other, ..)| *other != name) {
                assert_eq!(get(path, &[format!("{name}={value}")]).await, (StatusCode::SEE_OTHER, true), "{other}");
            }
        }
    }
}
