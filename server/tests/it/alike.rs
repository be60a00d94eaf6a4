//! Answers that must not tell what is behind them: the same bytes, and the same work measured as time.
//!
//! Attempts are interleaved, so that whatever else the machine does meets all of them alike, and of each the fast ones
//! are compared, because it only ever adds. Beside each comparison stands a control that shows that the measurement
//! would see a difference.

use std::time::{Duration, Instant};

use axum::http::{HeaderMap, StatusCode};
use shutterpost_model::access::Role;
use shutterpost_model::error::Code;
use shutterpost_model::identity::{Client, SignIn};
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::time::DAY;

use crate::support::{Answer, App, As, PASSWORD, Tenant, apps, path_of, tenant};

/// The time that nine of ten attempts take longer than. A median would lie between attempts that were interrupted and
/// those that were not, and wander with the load.
fn unhindered(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 10]
}

fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}

/// Paths of share pages that are not there, each for another reason, and one that is.
async fn links(app: &App) -> (Vec<(&'static str, String)>, String) {
    let old = tenant(app, "old").await;
    app.database.clock.advance(370 * DAY);
    let (home, other) = (tenant(app, "home").await, tenant(app, "other").await);
    let act = async |of: &Tenant, fields: &[(&str, &str)]| {
        let owner = app.sign_in(&of.email(Role::Owner)).await;
        let answer = app.form(&format!("/cms/captures/{}", of.capture), &owner, fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    };
    act(&home, &[("intent", "revoke_link"), ("link", &home.link)]).await;
    act(&other, &[("intent", "delete")]).await;
    let good = path_of(&home.view_url);
    // One letter further: of the right form and nobody's.
    let wrong: String = good.chars().rev().skip(1).collect::<Vec<_>>().into_iter().rev().collect();
    let wrong = format!("{wrong}{}", if good.ends_with('0') { '1' } else { '0' });
    let media = home.picture.split('/').nth(2).expect("the token of the picture");
    let links = vec![
        ("wrong", wrong),
        ("malformed", "/s/let-me-in".to_owned()),
        ("expired", path_of(&old.view_url)),
        ("revoked", path_of(&home.owner_url)),
        ("foreign", format!("/s/{media}")),
        ("deleted", path_of(&other.view_url)),
    ];
    (links, good)
}

/// An answer to somebody who gave this address, without what names the request or the address.
fn nameless(answer: &Answer, address: &str) -> (StatusCode, Vec<(String, String)>, String) {
    let policy = answer.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or("no nonce at all");
    let request = answer.header("x-request-id");
    let plain = |text: &str| text.replace(request, "REQUEST").replace(nonce, "NONCE").replace(address, "ADDRESS");
    let headers = unnamed(answer.headers.clone());
    let headers = headers.iter().map(|(name, value)| (name.to_string(), plain(value.to_str().expect("text"))));
    (answer.status, headers.collect(), plain(&answer.text()))
}

#[tokio::test(flavor = "multi_thread")]
async fn case_95_whoever_is_unknown_is_answered_with_the_very_bytes_of_who_is_known() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        while app.work().await > 0 {}
        let sign_in = async |email: &str, password: &str| {
            let fields = [("email", email), ("password", password)];
            nameless(&app.form("/cms/sign-in", &As::Nobody, &fields).await, email)
        };
        let forgot = async |email: &str| {
            let answer = app.form("/cms/forgot", &As::Nobody, &[("email", email)]).await;
            let page = app.get(answer.header("location"), &As::Nobody).await;
            (nameless(&answer, email), nameless(&page, email))
        };
        let known = home.email(Role::Viewer);
        let wrong = sign_in(&known, "wrong-wrong-wrong").await;
        assert_eq!(wrong.0, StatusCode::UNAUTHORIZED);
        assert!(wrong.2.contains("ADDRESS"), "the page holds what was typed: {}", wrong.2);
        let asked = forgot(&known).await;
        assert_eq!((asked.0.0, asked.1.0), (StatusCode::SEE_OTHER, StatusCode::OK));
        // Somebody who left, of whom nothing shows either.
        let left = "removed@home.example";
        assert!(sign_in(left, "wrong-wrong-wrong").await == wrong && forgot(left).await == asked);
        let mails = async || {
            while app.work().await > 0 {}
            app.outbox.list().await.expect("the outbox").len()
        };
        let before = mails().await;
        // Of nobody, of somebody who is invited, of another domain.
        for unknown in ["nobody@home.example", "new@home.example", "viewer@elsewhere.example"] {
            assert!(sign_in(unknown, "wrong-wrong-wrong").await == wrong, "{unknown} on {}", app.database.kind);
            assert!(sign_in(unknown, PASSWORD).await == wrong, "{unknown}, with a password of others");
            assert!(forgot(unknown).await == asked, "{unknown} on {}", app.database.kind);
        }
        assert_eq!(mails().await, before, "nobody unknown is written to");
        assert!(forgot(&home.email(Role::Editor)).await == asked);
        assert_eq!(mails().await, before + 1, "the control: whoever is known is");
        assert!(sign_in(&known, PASSWORD).await != wrong, "the control: the right password");
    }
}

/// The headers without what names the request.
fn unnamed(mut headers: HeaderMap) -> HeaderMap {
    headers.remove("x-request-id");
    headers.remove("date");
    headers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_does_not_tell_why_it_leads_nowhere() {
    for app in apps().await {
        let (links, good) = links(&app).await;
        let mut answers = Vec::new();
        for (name, path) in &links {
            let answer = app.get(path, &As::Nobody).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}");
            answers.push((name, unnamed(answer.headers), answer.body));
        }
        let (_, headers, body) = &answers[0];
        for (name, its_headers, its_body) in &answers {
            assert!(its_headers == headers && its_body == body, "{name} is answered differently");
        }

        let timed = async |path: &str| {
            let began = Instant::now();
            let status = app.get(path, &As::Nobody).await.status;
            (began.elapsed(), status)
        };
        let mut times = vec![Vec::new(); links.len()];
        let mut found = Vec::new();
        for round in 0..200 {
            // Another one begins each time, so that none profits from its place.
            for place in 0..links.len() {
                let index = (round + place) % links.len();
                times[index].push(timed(&links[index].1).await.0);
            }
            if round % 10 == 0 {
                let (time, status) = timed(&good).await;
                assert_eq!(status, StatusCode::OK);
                found.push(time);
            }
        }
        let fastest: Vec<Duration> = times.into_iter().map(unhindered).collect();
        let least = *fastest.iter().min().expect("times");
        let most = *fastest.iter().max().expect("times");
        let told: Vec<_> = links.iter().map(|(name, _)| name).zip(&fastest).collect();
        assert!(ratio(most, least) < 1.5, "{}: {told:?}", app.database.kind);
        assert!(ratio(unhindered(found), most) > 1.5, "the control: a page that is there takes visibly longer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_sign_in_costs_one_hash_whatever_the_reason() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let accounts = &app.http.services().accounts;
        let known = home.email(Role::Viewer);
        // At the port: the page around the answer would only blur what is compared.
        let attempt = async |email: &str, password: &str| {
            let (email, password) = (Pii::new(email.to_owned()), Secret::new(password.to_owned()));
            let began = Instant::now();
            let answer = accounts.sign_in(SignIn { email, password, remember: false }, Client::default()).await;
            (began.elapsed(), answer.err().map(|error| error.code))
        };
        let cases = [
            ("a wrong password", known.as_str(), "wrong-wrong-wrong"),
            ("an unknown account", "nobody@home.example", "wrong-wrong-wrong"),
            ("no address", "nobody", "wrong-wrong-wrong"),
            ("the right password of nobody", "nobody@home.example", PASSWORD),
        ];
        let mut times = vec![Vec::new(); cases.len()];
        let mut without_hash = Vec::new();
        // From the sixth round on, the known account is throttled: that must not show either.
        for round in 0..15 {
            for place in 0..cases.len() {
                let index = (round + place) % cases.len();
                let (_, email, password) = cases[index];
                let (time, code) = attempt(email, password).await;
                assert_eq!(code, Some(Code::SignInFailed), "{}", cases[index].0);
                times[index].push(time);
            }
            let began = Instant::now();
            assert!(accounts.session("sps_nonsense").await.expect("an answer").is_none());
            without_hash.push(began.elapsed());
        }
        let throttled = attempt(&known, PASSWORD).await.1;
        assert_eq!(throttled, Some(Code::SignInFailed), "the right password of a throttled account");
        let fastest: Vec<Duration> = times.into_iter().map(unhindered).collect();
        let least = *fastest.iter().min().expect("times");
        let most = *fastest.iter().max().expect("times");
        let told: Vec<_> = cases.iter().map(|(name, ..)| name).zip(&fastest).collect();
        assert!(ratio(most, least) < 2.0, "{}: {told:?}", app.database.kind);
        let without_hash = unhindered(without_hash);
        assert!(ratio(least, without_hash) > 4.0, "the control: {without_hash:?} without a hash, {told:?} with one");
    }
}
