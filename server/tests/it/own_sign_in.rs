//! Case 128, through the pages: an organisation that asks everybody to sign in by its own provider.

use axum::http::StatusCode;
use shutterpost_model::access::Role;
use shutterpost_model::pii::Secret;

use crate::factor::{code, enrol, half_signed_in, value};
use crate::support::{App, As, PHOTO, apps, tenant};

const PAGE: &str = "/cms/own-sign-in";

/// Signs in by password and code.
async fn with_factor(app: &App, email: &str, secret: &Secret) -> As {
    let pending = half_signed_in(app, email).await;
    let answer = app.form("/cms/sign-in/code", &pending, &[("code", &code(app, secret))]).await;
    let mut set =
        answer.headers.get_all("set-cookie").iter().filter_map(|set| value(set.to_str().ok()?, "__Host-shutterpost"));
    As::Cookie(set.next_back().expect("a session"))
}

#[tokio::test(flavor = "multi_thread")]
async fn case_128_who_came_otherwise_is_led_to_the_connections_and_an_armed_owner_is_not() {
    for app in apps().await {
        let (home, other) = (tenant(&app, "home").await, tenant(&app, "other").await);
        let editor = app.sign_in(&home.email(Role::Editor)).await;
        let stranger = app.sign_in(&other.email(Role::Editor)).await;
        assert_eq!(app.get("/cms/events", &editor).await.status, StatusCode::OK);
        assert!(app.get(PAGE, &editor).await.text().contains("There is nothing to do here."));
        let organisation = &home.organisation;
        for statement in [
            format!("UPDATE identity_organisations SET sso_required_at = 1 WHERE id = '{organisation}'"),
            "UPDATE sso_connections SET state = 'on'".to_owned(),
        ] {
            app.database.execute(&statement).await;
        }
        assert_eq!(app.get("/cms/events", &editor).await.header("location"), PAGE);
        let posted = app.form("/cms/events", &editor, &[("intent", "create"), ("name", "Party")]).await;
        assert_eq!(posted.header("location"), PAGE);
        let page = app.get(PAGE, &editor).await;
        assert_eq!(page.status, StatusCode::OK);
        let text = page.text();
        assert!(text.contains(&format!("href=\"/sso/{}/start\"", home.connection)), "{text}");
        assert!(!text.contains(&other.connection) && !text.contains("href=\"/cms/events\""), "{text}");
        assert_eq!(app.get("/cms/account", &editor).await.status, StatusCode::OK, "no loop, and a way out");
        // Programs, devices and other organisations go on.
        assert_eq!(app.get("/api/v1/events", &home.admin_token).await.status, StatusCode::OK);
        let photo = app.upload(&home.event, &home.device, "second", PHOTO, None).await;
        assert_eq!(photo.status, StatusCode::CREATED, "{}", photo.text());
        assert_eq!(app.get("/cms/events", &stranger).await.status, StatusCode::OK);

        let owner = home.email(Role::Owner);
        let secret = enrol(&app, &owner).await;
        app.database.clock.advance(30_000);
        let session = with_factor(&app, &owner, &secret).await;
        assert_eq!(app.get("/cms/sign-in-settings", &session).await.header("location"), PAGE, "not armed");
        let id = app.actor(&session).await.user().expect("a person").clone();
        let armed = format!(
            "INSERT INTO identity_emergencies (organisation_id, user_id, armed_at, ends_at) \
             VALUES ('{organisation}', '{id}', 1, 4102444800000)"
        );
        app.database.execute(&armed).await;
        let page = app.get("/cms/sign-in-settings", &session).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text().contains("value=\"own_relax\"") && page.text().contains("value=\"disarm\""));
        assert!(app.get(PAGE, &session).await.text().contains("There is nothing to do here."));
        let ended = app.form("/cms/sign-in-settings", &session, &[("intent", "disarm"), ("user", id.as_str())]).await;
        assert_eq!(ended.header("location"), "/cms/sign-in-settings?done=owner_disarmed", "{}", ended.text());
        assert_eq!(app.get("/cms/events", &session).await.header("location"), PAGE, "at once");
    }
}
