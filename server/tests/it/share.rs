//! Share pages as guests and strangers meet them.

use axum::http::StatusCode;
use shutterpost_model::access::Role;
use shutterpost_model::time::DAY;

use crate::support::{As, apps, path_of, picture, tenant};

#[tokio::test(flavor = "multi_thread")]
async fn a_page_needs_no_script_no_cookie_and_nobody_else() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let answer = app.get(&path_of(&home.view_url), &As::Nobody).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.headers.get("set-cookie").is_none());
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("cache-control"), "private, no-cache");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        let page = answer.text();
        assert!(!page.contains("<script>") && !page.contains(" style="), "{page}");
        for url in page.split(['"', '\'']).filter(|text| text.starts_with("http")) {
            let ours = url.starts_with(crate::support::ORIGIN);
            // What a guest may choose to follow is no request of the page.
            let link = page.contains(&format!("href=\"{url}\""));
            assert!(ours || link || url.starts_with("http://www.w3.org/"), "{url}");
        }
        let german = app.get(&format!("{}?lang=de", path_of(&home.view_url)), &As::Nobody).await;
        assert_eq!(german.header("content-language"), "de");
        assert!(german.text().contains("<html lang=\"de\""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_token_meets_the_same_page() {
    for app in apps().await {
        let (home, other) = (tenant(&app, "home").await, tenant(&app, "other").await);
        let token = path_of(&home.view_url).trim_start_matches("/s/").to_owned();
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let revoked = path_of(&home.owner_url);
        app.form(
            &format!("/cms/captures/{}", home.capture),
            &owner,
            &[("intent", "revoke_link"), ("link", &home.link)],
        )
        .await;
        let gone = path_of(&other.view_url);
        let stranger = app.sign_in(&other.email(Role::Owner)).await;
        app.form(&format!("/cms/captures/{}", other.capture), &stranger, &[("intent", "delete")]).await;
        let mut bodies = std::collections::BTreeSet::new();
        for path in [
            revoked,
            gone,
            format!("/s/{}", token.to_uppercase()),
            format!("/s/{}", &token[1..]),
            format!("/s/{}0", &token[..token.len() - 1]),
            "/s/x".into(),
            format!("/s/{}", "0".repeat(5000)),
        ] {
            let answer = app.get(&path, &As::Nobody).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            bodies.insert(answer.text());
        }
        assert_eq!(bodies.len(), 1);
        assert_eq!(app.get(&format!("/s/{token}"), &As::Nobody).await.status, StatusCode::OK, "the control");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_link_cannot_delete_and_an_owner_link_deletes_at_once() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let (view, own) = (path_of(&home.view_url), path_of(&home.owner_url));
        let media = picture(&app, &home.view_url).await;
        assert_eq!(app.get(&media, &As::Nobody).await.status, StatusCode::OK);
        assert_eq!(app.get(&format!("{view}/delete"), &As::Nobody).await.status, StatusCode::NOT_FOUND);
        assert_eq!(app.form(&format!("{view}/delete"), &As::Nobody, &[]).await.status, StatusCode::NOT_FOUND);
        assert_eq!(app.get(&own, &As::Nobody).await.status, StatusCode::OK);
        let guests = format!("id = '{}'", home.guest);
        assert_eq!(app.database.count("guests", &guests).await, 1);

        assert_eq!(app.get(&format!("{own}/delete"), &As::Nobody).await.status, StatusCode::OK);
        let done = app.form(&format!("{own}/delete"), &As::Nobody, &[]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        assert_eq!(app.get(done.header("location"), &As::Nobody).await.status, StatusCode::OK);
        for path in [&view, &own, &media] {
            assert_eq!(app.get(path, &As::Nobody).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(app.database.count("guests", &guests).await, 0, "contact data go too");
        let again = app.form(&format!("{own}/delete"), &As::Nobody, &[]).await;
        assert_eq!(again.status, StatusCode::NOT_FOUND);
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        assert_eq!(app.get(&format!("/cms/captures/{}", home.capture), &owner).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_in_the_cms_closes_the_page_and_undo_opens_it_again() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let (page, media) = (path_of(&home.view_url), picture(&app, &home.view_url).await);
        let editor = app.sign_in(&home.email(Role::Editor)).await;
        let selected = serde_json::json!({ "event": home.event, "captures": [home.capture] });
        for _ in 0..2 {
            assert_eq!(app.get(&page, &As::Nobody).await.status, StatusCode::OK);
            let gone = app.call("cms/captures/delete", &editor, selected.clone()).await;
            assert_eq!(gone.status, StatusCode::OK, "{}", gone.text());
            assert_eq!(app.get(&page, &As::Nobody).await.status, StatusCode::NOT_FOUND);
            assert_eq!(app.get(&media, &As::Nobody).await.status, StatusCode::NOT_FOUND);
            let back = app.call("cms/captures/restore", &editor, selected.clone()).await;
            assert_eq!(back.status, StatusCode::OK, "{}", back.text());
        }
        assert_eq!(app.get(&media, &As::Nobody).await.status, StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_has_the_page_gets_304_until_it_changes() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let path = path_of(&home.view_url);
        let first = app.get(&path, &As::Nobody).await;
        let ask = async |tag: &str| {
            let request = app.request("GET", &path, &As::Nobody).header("if-none-match", tag);
            app.send(request.body(axum::body::Body::empty()).expect("a request")).await
        };
        let tag = first.header("etag").to_owned();
        assert_eq!(ask(&tag).await.status, StatusCode::NOT_MODIFIED);
        assert_eq!(ask("\"other\"").await.status, StatusCode::OK);
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        app.form(&format!("/cms/captures/{}", home.capture), &owner, &[("intent", "delete")]).await;
        assert_eq!(ask(&tag).await.status, StatusCode::NOT_FOUND, "a validator opens nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_ends_with_its_retention() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let path = path_of(&home.view_url);
        app.database.clock.advance(364 * DAY);
        assert_eq!(app.get(&path, &As::Nobody).await.status, StatusCode::OK);
        app.database.clock.advance(4 * DAY);
        assert_eq!(app.get(&path, &As::Nobody).await.status, StatusCode::NOT_FOUND);
    }
}
