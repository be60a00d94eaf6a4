//! Odd input of people who are not signed in: passwords beyond any measure, bytes that are no text, names of other hosts.

use axum::body::Body;
use axum::http::{StatusCode, header};
use shutterpost_model::access::Role;

use crate::support::{App, As, ORIGIN, PASSWORD, apps, tenant};

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test(flavor = "multi_thread")]
async fn case_100_a_password_of_a_mebibyte_is_refused_unread() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let email = home.email(Role::Viewer);
        let session = app.sign_in(&email).await;
        let long = "a".repeat(1 << 20);
        let before = app.database.dump().await;
        for (path, who, fields) in [
            ("/cms/sign-in", &As::Nobody, format!("email={email}&password={long}")),
            ("/support/sign-in", &As::Nobody, format!("email={email}&password={long}")),
            ("/cms/reset/nonsense", &As::Nobody, format!("password={long}")),
            ("/cms/invitation/nonsense", &As::Nobody, format!("name=N&password={long}")),
        ] {
            let answer = app.post(path, who, FORM, fields).await;
            assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}: {}", answer.text());
        }
        assert!(app.database.dump().await == before, "{}", app.database.kind);
        let change = format!("intent=password&current={PASSWORD}&new={long}");
        assert_eq!(app.post("/cms/account", &session, FORM, change).await.status, StatusCode::PAYLOAD_TOO_LARGE);
        app.sign_in(&email).await;
        // Within what a form may hold, and longer than a password may be: refused, not cut.
        let long = format!("{PASSWORD}{}", "a".repeat(1 << 17));
        let answer = app.form("/cms/sign-in", &As::Nobody, &[("email", &email), ("password", &long)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_100_a_password_is_taken_whole_or_not_at_all() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let email = home.email(Role::Editor);
        let status = async |password: &str| {
            let fields = [("email", &*email), ("password", password)];
            app.form("/cms/sign-in", &As::Nobody, &fields).await.status
        };
        assert_eq!(status(&format!("{PASSWORD}\0")).await, StatusCode::UNAUTHORIZED);
        assert_eq!(status(&format!("{PASSWORD}\0more")).await, StatusCode::UNAUTHORIZED);
        // The longest, and one more.
        let word = "quarry violet tide 77 lantern müde ";
        let longest: String = word.chars().cycle().take(255).chain(['x']).collect();
        let mut current = PASSWORD.to_owned();
        for (new, fits) in [
            (format!("{longest}y"), false),
            (longest.clone(), true),
            ("quarry-violet-77\0lantern-tide".to_owned(), true),
        ] {
            let session = {
                let fields = [("email", &*email), ("password", &*current)];
                As::Cookie(crate::support::cookie_of(&app.form("/cms/sign-in", &As::Nobody, &fields).await))
            };
            let fields = [("intent", "password"), ("current", &*current), ("new", &*new)];
            let answer = app.form("/cms/account", &session, &fields).await;
            let expected = if fits { StatusCode::SEE_OTHER } else { StatusCode::UNPROCESSABLE_ENTITY };
            assert_eq!(answer.status, expected, "{new:?}: {}", answer.text());
            if fits {
                current = new;
            }
            let cut: String = current.chars().take(current.chars().count() - 1).collect();
            assert_eq!(status(&cut).await, StatusCode::UNAUTHORIZED, "{cut:?}");
            if let Some((head, _)) = current.split_once('\0') {
                assert_eq!(status(head).await, StatusCode::UNAUTHORIZED);
            }
            assert_eq!(status(&current).await, StatusCode::SEE_OTHER, "{current:?} on {}", app.database.kind);
        }
    }
}

/// Posts from a browser that believes to be at another host.
async fn elsewhere(app: &App, path: &str, who: &As, body: &str) -> StatusCode {
    let mut request = app.request("POST", path, who).header(header::CONTENT_TYPE, FORM);
    for (name, value) in [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "gopher"),
        ("x-forwarded-server", "evil.example"),
        ("x-original-host", "evil.example"),
        ("forwarded", "for=192.0.2.1;host=evil.example;proto=gopher"),
        ("referer", "https://evil.example/"),
    ] {
        request = request.header(name, value);
    }
    app.send(request.body(Body::from(body.to_owned())).expect("a request")).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn case_104_links_in_mails_lead_to_our_origin_whatever_host_was_asked() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        while app.work().await > 0 {}
        let before = app.outbox.list().await.expect("the outbox").len();
        let forgot = format!("email={}", home.email(Role::Viewer));
        assert_eq!(elsewhere(&app, "/cms/forgot", &As::Nobody, &forgot).await, StatusCode::SEE_OTHER);
        // The whole address in the request line says where to as well.
        let forgot = format!("email={}", home.email(Role::Editor));
        let absolute = "http://evil.example/cms/forgot";
        assert_eq!(elsewhere(&app, absolute, &As::Nobody, &forgot).await, StatusCode::SEE_OTHER);
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let invite = "intent=invite&email=late@home.example&role=viewer&language=en";
        assert_eq!(elsewhere(&app, "/cms/people", &owner, invite).await, StatusCode::SEE_OTHER);
        while app.work().await > 0 {}
        let mails = app.outbox.list().await.expect("the outbox");
        assert!(mails.len() >= before + 3);
        let mut found = 0;
        for mail in &mails {
            let text = mail.text.get();
            assert!(!text.contains("evil") && !text.contains("gopher"), "{text}");
            let whole = serde_json::to_string(mail).expect("JSON");
            assert!(!whole.contains("evil") && !whole.contains("gopher"), "{whole}");
            for link in text.split_whitespace().filter(|word| word.contains("://")) {
                assert!(link.starts_with(&format!("{ORIGIN}/")), "{link}");
                found += usize::from(link.contains("/cms/reset/") || link.contains("/cms/invitation/"));
            }
        }
        assert!(found >= 3, "the control: {found} links that open something");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_100_bytes_that_are_no_text_are_refused_in_plain_words() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        app.get("/cms/account", &owner).await;
        let before = app.database.dump().await;
        // A lone surrogate, a byte that never is one, a letter that ends too early, one written too long, in a name too.
        for odd in ["%ED%A0%80", "%FF", "%C3", "%C0%AF"] {
            for (path, who, body) in [
                ("/cms/sign-in", &As::Nobody, format!("email=viewer@home.example&password={PASSWORD}{odd}")),
                ("/cms/sign-in", &As::Nobody, format!("email=viewer{odd}@home.example&password={PASSWORD}")),
                ("/cms/sign-in", &As::Nobody, format!("email=viewer@home.example&password={PASSWORD}&{odd}=1")),
                ("/cms/forgot", &As::Nobody, format!("email={odd}")),
                ("/support/sign-in", &As::Nobody, format!("email=a@b.example&password={odd}")),
                ("/cms/account", &owner, format!("intent=profile&language=en&name={odd}")),
                ("/cms/account", &owner, format!("intent=password&current={PASSWORD}&new=quarry-violet-tide-77{odd}")),
            ] {
                let answer = app.post(path, who, FORM, body.clone()).await;
                let refused = [StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY].contains(&answer.status);
                assert!(refused, "{path} {body}: {} {}", answer.status, answer.text());
                assert!(answer.header("content-type").starts_with("text/plain"), "{}", answer.header("content-type"));
                assert!(!answer.text().contains(PASSWORD) && !answer.text().contains('\u{fffd}'), "{}", answer.text());
            }
        }
        assert!(app.database.dump().await == before, "{}", app.database.kind);
        // The control: letters of two and of four bytes.
        let answer =
            app.post("/cms/account", &owner, FORM, "intent=profile&language=en&name=J%C3%BCrg+%F0%9F%93%B7").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        assert!(app.get("/cms/account", &owner).await.text().contains("Jürg 📷"));
    }
}
