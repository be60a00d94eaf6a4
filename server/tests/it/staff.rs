//! Support through the pages: signing in, being let in, what is seen and changed, when it ends, and what the organisation
//! knows of it.

use axum::http::StatusCode;
use serde_json::json;
use shutterpost_backend::support::admin;
use shutterpost_model::access::Role;
use shutterpost_model::audit::{AuditFilter, AuditView};
use shutterpost_model::identity::Client;
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::support::GrantState;

use crate::factor::{code, value};
use crate::support::{App, As, PASSWORD, Tenant, apps, multipart, tenant};

pub(crate) const READER: &str = "reader@shutterpost.example";
const MINUTE: i64 = 60_000;

/// Somebody of the staff who has joined.
pub(crate) struct Joined {
    email: String,
    /// Recovery codes: unlike those of an app, each is good at once after the other.
    codes: Vec<Secret>,
}

/// Makes somebody one of the staff.
pub(crate) async fn join(app: &App, email: &str) -> Joined {
    let name = Pii::new("Sam Support".to_owned());
    let link = admin::invite(&app.deps, name, Pii::new(email.to_owned()), Language::English).await.expect("invited");
    let token = link.expose().rsplit('/').next().expect("a token").to_owned();
    let support = &app.http.services().support;
    let setup = support.invitation(&token).await.expect("open").setup;
    let shown = Secret::new(code(app, &setup.secret));
    let joined = support.accept_invitation(&token, Secret::new(PASSWORD.into()), shown, Client::default()).await;
    Joined { email: email.to_owned(), codes: joined.expect("joined") }
}

impl Joined {
    /// Shows the password.
    pub(crate) async fn half_signed_in(&mut self, app: &App) -> As {
        let fields = [("email", &*self.email), ("password", PASSWORD)];
        let answer = app.form("/support/sign-in", &As::Nobody, &fields).await;
        assert_eq!(answer.header("location"), "/support/sign-in/code", "{}", answer.text());
        As::StaffPending(value(answer.header("set-cookie"), "__Host-shutterpost-staff-factor").expect("its cookie"))
    }

    /// Shows password and factor.
    pub(crate) async fn sign_in(&mut self, app: &App) -> As {
        let pending = self.half_signed_in(app).await;
        let recovery = self.codes.pop().expect("a code is left");
        let answer = app.form("/support/sign-in/code", &pending, &[("code", recovery.expose())]).await;
        assert_eq!(answer.header("location"), "/support", "{}", answer.text());
        As::Staff(value(answer.header("set-cookie"), "__Host-shutterpost-staff").expect("a session"))
    }
}

async fn desk(app: &App, who: &As) -> shutterpost_model::support::Desk {
    let As::Staff(cookie) = who else { panic!("one of the staff") };
    let support = &app.http.services().support;
    let staff = support.staff(cookie).await.expect("an answer").expect("a session");
    support.desk(&staff).await.expect("an answer")
}

/// The grant that waits for an answer.
pub(crate) async fn asked(app: &App, who: &As) -> String {
    let grants = desk(app, who).await.grants;
    grants.iter().find(|grant| grant.state == GrantState::Asked).expect("one waits").id.to_string()
}

/// What waits for a second person.
pub(crate) async fn waiting(app: &App, who: &As) -> String {
    desk(app, who).await.approvals.first().expect("something waits").id.to_string()
}

/// Asks to be let in for an hour; gives the grant.
pub(crate) async fn ask(app: &App, home: &Tenant, who: &As, access: &str) -> String {
    let organisation = ("organisation", home.organisation.as_str());
    let reason = ("reason", "The gallery of yesterday is empty");
    let fields = [("intent", "ask"), organisation, reason, ("minutes", "60"), ("access", access)];
    let answer = app.form("/support", who, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    asked(app, who).await
}

/// Asked for, allowed by an owner for an hour, and opened, which changes the cookie; gives the grant.
pub(crate) async fn let_in(app: &App, home: &Tenant, who: &mut As, access: &str) -> String {
    let grant = ask(app, home, who, access).await;
    let owner = app.sign_in(&home.email(Role::Owner)).await;
    let fields = [("intent", "allow"), ("grant", &*grant), ("minutes", "60")];
    let answer = app.form("/cms/support-access", &owner, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let before = who.clone();
    *who = open(app, who, &grant).await;
    assert_eq!(
        app.get("/support", &before).await.status,
        StatusCode::SEE_OTHER,
        "the cookie from before opens nothing"
    );
    grant
}

/// Opens a grant; gives the session as it goes on.
pub(crate) async fn open(app: &App, who: &As, grant: &str) -> As {
    let answer = app.form("/support", who, &[("intent", "open"), ("grant", grant)]).await;
    assert_eq!(answer.header("location"), "/cms/overview", "{}", answer.text());
    As::Staff(value(answer.header("set-cookie"), "__Host-shutterpost-staff").expect("a session"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_the_staff_takes_both_factors_and_stays_at_home() {
    for app in apps().await {
        let mut sam = join(&app, READER).await;
        let wrong = [("email", READER), ("password", "not the password at all")];
        assert_eq!(app.form("/support/sign-in", &As::Nobody, &wrong).await.status, StatusCode::UNAUTHORIZED);
        let pending = sam.half_signed_in(&app).await;
        for path in ["/support", "/cms/overview"] {
            assert_eq!(app.get(path, &pending).await.status, StatusCode::SEE_OTHER, "{path}");
        }
        assert_eq!(app.get("/support", &As::Nobody).await.header("location"), "/support/sign-in");
        let recovery = sam.codes.pop().expect("a code");
        let answer = app.form("/support/sign-in/code", &pending, &[("code", recovery.expose())]).await;
        let set: Vec<_> = answer.headers.get_all("set-cookie").iter().map(|set| set.to_str().expect("text")).collect();
        assert_eq!(set.len(), 2, "{set:?}");
        for cookie in &set {
            assert!(cookie.contains("; Path=/; Secure; HttpOnly; SameSite=Strict"), "{cookie}");
        }
        assert!(!set.first().expect("the session").contains("Max-Age"), "the browser keeps none");
        let staff = As::Staff(value(answer.header("set-cookie"), "__Host-shutterpost-staff").expect("a session"));
        assert_eq!(app.get("/support", &staff).await.status, StatusCode::OK);
        let out = app.form("/support/sign-out", &staff, &[]).await;
        assert_eq!(out.header("location"), "/support/sign-in?done=signed_out");
        assert_eq!(app.get("/support", &staff).await.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_is_over_to_the_millisecond_on_every_kind_of_route() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let mut staff = join(&app, READER).await.sign_in(&app).await;
        let answer = app.get("/cms/overview", &staff).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "nobody lets them in");
        assert!(answer.text().contains("href=\"/support\""));
        let_in(&app, &home, &mut staff, "read").await;
        let list = json!({ "event": home.event, "filter": {}, "cursor": null, "limit": 1 });
        let media = format!("/cms/media/{}/thumb-1.webp", home.capture);
        let routes = || async {
            [
                app.get("/cms/overview", &staff).await.status,
                app.get(&media, &staff).await.status,
                app.call("cms/captures/list", &staff, list.clone()).await.status,
            ]
        };
        assert_eq!(routes().await, [StatusCode::OK; 3]);
        // Used all the while, so that it is not the session that ends.
        for _ in 0..6 {
            app.database.clock.advance(10 * MINUTE - 1);
            assert_eq!(routes().await, [StatusCode::OK; 3]);
        }
        app.database.clock.advance(5);
        assert_eq!(routes().await, [StatusCode::OK; 3], "a millisecond before");
        app.database.clock.advance(1);
        assert_eq!(routes().await, [StatusCode::FORBIDDEN; 3], "{}", app.database.kind);
        assert_eq!(app.get("/support", &staff).await.status, StatusCode::OK, "the session goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_also_a_user_never_acts_as_one_while_in_an_organisation() {
    for app in apps().await {
        let (home, other) = (tenant(&app, "home").await, tenant(&app, "other").await);
        let mut staff = join(&app, READER).await.sign_in(&app).await;
        let As::Cookie(own) = app.sign_in(&other.email(Role::Owner)).await else { panic!("a user") };
        // A user's cookie whose header brings the other one along.
        let both = |staff: &As| {
            let As::Staff(cookie) = staff else { panic!("one of the staff") };
            As::Cookie(format!("{own}; __Host-shutterpost-staff={cookie}"))
        };
        let there = |who: As| {
            let (app, home, other) = (&app, &home, &other);
            async move {
                let ours = app.get(&format!("/cms/events/{}", home.event), &who).await.status;
                let own = app.get(&format!("/cms/events/{}", other.event), &who).await.status;
                (ours, own)
            }
        };
        let (not, yes, no) = (StatusCode::NOT_FOUND, StatusCode::OK, StatusCode::FORBIDDEN);
        assert_eq!(there(both(&staff)).await, (not, yes), "let in by nobody, they are who they are");
        let grant = let_in(&app, &home, &mut staff, "write").await;
        assert_eq!(there(both(&staff)).await, (yes, not));
        let home_owner = app.sign_in(&home.email(Role::Owner)).await;
        let ended = app.form("/cms/support-access", &home_owner, &[("intent", "end"), ("grant", &grant)]).await;
        assert_eq!(ended.status, StatusCode::SEE_OTHER);
        assert_eq!(there(both(&staff)).await, (no, no), "a form begun there must not arrive here");
        app.form("/support", &staff, &[("intent", "leave")]).await;
        assert_eq!(there(both(&staff)).await, (not, yes));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_support_looks_at_is_in_the_organisations_trail_and_on_its_pages() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let mut staff = join(&app, READER).await.sign_in(&app).await;
        let_in(&app, &home, &mut staff, "read").await;
        for path in [
            "/cms/overview".to_owned(),
            format!("/cms/events/{}", home.event),
            format!("/cms/captures/{}", home.capture),
            format!("/cms/media/{}/web-1.webp", home.capture),
            "/cms/messages".to_owned(),
        ] {
            let answer = app.get(&path, &staff).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            if !path.starts_with("/cms/media/") {
                let page = answer.text();
                assert!(page.contains("You are in home as support until"), "{path}");
                assert!(page.contains("Reason: The gallery of yesterday is empty"), "{path}");
                assert!(!page.contains("guest@home.example"), "contact data stays masked: {path}");
            }
        }
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let trail = app.http.services().audit.list(&app.actor(&owner).await, AuditFilter::default(), None).await;
        let trail = trail.expect("read").items;
        let seen: Vec<&str> = trail
            .iter()
            .filter(|entry| entry.action == "support.view" && entry.actor_name.as_deref() == Some("Sam Support"))
            .filter_map(|entry| entry.object.as_deref())
            .collect();
        for object in [&home.event, &home.capture] {
            assert_eq!(seen.iter().filter(|one| *one == object).count(), 1, "{object}: {seen:?}");
        }
        assert!(seen.iter().any(|one| one.starts_with("sup_")), "pages that belong to no object: {seen:?}");
        let page = app.get("/cms/audit", &owner).await.text();
        assert!(page.contains("Support: Sam Support"), "{}", app.database.kind);
        for role in [Role::Owner, Role::Viewer] {
            let page = app.get("/cms/events", &app.sign_in(&home.email(role)).await).await.text();
            assert!(page.contains("Sam Support of Shutterpost’s support may look into home"), "{role:?}");
        }
        app.work().await;
        let mails = app.outbox.list().await.expect("the outbox");
        for subject in ["asks for access to home", "may look into home", "is in home now"] {
            let found: Vec<_> = mails.iter().filter(|mail| mail.subject.get().contains(subject)).collect();
            assert_eq!(found.len(), 1, "{subject}");
            assert_eq!(found.first().expect("one").to.get(), &home.email(Role::Owner));
            assert!(found.first().expect("one").text.get().contains("Sam Support"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_support_sees_under_a_design_is_in_the_organisations_trail() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let mut staff = join(&app, READER).await.sign_in(&app).await;
        let_in(&app, &home, &mut staff, "write").await;
        let draft = format!("/cms/events/{}/design/preview", home.event);
        let fields = [("on", "newest"), ("same_for_all", "on"), ("format", "landscape")];
        let parts = fields.map(|(name, value)| (name, None, value.as_bytes().to_vec()));
        let answer = app.post(&draft, &staff, "multipart/form-data; boundary=line", multipart(&parts)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let trail = app.http.services().audit.list(&app.actor(&owner).await, AuditFilter::default(), None).await;
        let trail = trail.expect("read").items;
        let seen = |entry: &&AuditView| entry.action == "support.view" && entry.object.as_ref() == Some(&home.event);
        assert_eq!(trail.iter().filter(seen).count(), 1, "{}: {trail:?}", app.database.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn support_mends_and_deletes_only_with_a_second_person() {
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let owner = app.sign_in(&home.email(Role::Owner)).await;
        let mut staff = join(&app, READER).await.sign_in(&app).await;
        let_in(&app, &home, &mut staff, "write").await;
        let capture = format!("/cms/captures/{}", home.capture);

        // From the trash, where the organisation put it.
        let deleted = app.form(&capture, &owner, &[("intent", "delete")]).await;
        assert_eq!(deleted.status, StatusCode::SEE_OTHER, "{}", deleted.text());
        let restored = app.form("/cms/trash", &staff, &[("intent", "restore"), ("item", &home.capture)]).await;
        assert_eq!(restored.status, StatusCode::SEE_OTHER, "{}", restored.text());
        let again = app.form("/cms/messages", &staff, &[("intent", "send_again"), ("message", &home.message)]).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text());

        let delete = || app.form(&capture, &staff, &[("intent", "delete")]);
        let refused = delete().await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(refused.text().contains("a second person has to approve it"), "{}", app.database.kind);
        let page = app.get("/cms/support-access", &owner).await.text();
        assert!(page.contains("Move a capture to the trash"));
        let approval = waiting(&app, &staff).await;
        let alone = app.form("/support", &staff, &[("intent", "approve"), ("approval", &approval)]).await;
        assert_eq!(alone.status, StatusCode::FORBIDDEN);
        let fields = [("intent", "approve"), ("approval", &*approval)];
        assert_eq!(app.form("/cms/support-access", &owner, &fields).await.status, StatusCode::SEE_OTHER);
        assert_eq!(delete().await.status, StatusCode::SEE_OTHER);
        app.form("/cms/trash", &staff, &[("intent", "restore"), ("item", &home.capture)]).await;
        assert_eq!(delete().await.status, StatusCode::FORBIDDEN, "good once");

        // Never: erasing, contact data, members, the organisation's own protection.
        for (path, fields) in [
            ("/cms/trash", vec![("intent", "erase"), ("item", &*home.capture)]),
            ("/cms/trash", vec![("intent", "restore"), ("item", &home.removed)]),
            (&capture, vec![("intent", "delete_guest"), ("guest", &home.guest)]),
            (&capture, vec![("intent", "revoke_link"), ("link", &home.link)]),
            ("/cms/people", vec![("intent", "invite"), ("email", "x@home.example"), ("role", "owner")]),
            ("/cms/tokens", vec![("intent", "create"), ("name", "Mine")]),
            ("/cms/sign-in-settings", vec![("intent", "relax")]),
            ("/cms/support-access", vec![("intent", "allow"), ("grant", "sup_0"), ("minutes", "60")]),
            ("/cms/account", vec![("intent", "password"), ("current", PASSWORD), ("new", PASSWORD)]),
        ] {
            let answer = app.form(path, &staff, &fields).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {fields:?}: {}", answer.text());
        }
        let reveal = app.call("cms/guests/reveal", &staff, json!({ "guest": home.guest })).await;
        assert_eq!(reveal.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_organisations_grant_is_not_there() {
    for app in apps().await {
        let (home, other) = (tenant(&app, "home").await, tenant(&app, "other").await);
        let staff = join(&app, READER).await.sign_in(&app).await;
        let asked = ask(&app, &home, &staff, "read").await;
        let stranger = app.sign_in(&other.email(Role::Owner)).await;
        let tom = join(&app, "tom@shutterpost.example").await.sign_in(&app).await;
        let before = app.database.dump().await;
        for (intent, minutes) in [("allow", "5"), ("refuse", ""), ("end", "")] {
            let fields = [("intent", intent), ("grant", &*asked), ("minutes", minutes)];
            let answer = app.form("/cms/support-access", &stranger, &fields).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{intent}");
        }
        for intent in ["open", "finish"] {
            let answer = app.form("/support", &tom, &[("intent", intent), ("grant", &asked)]).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{intent}");
        }
        let nobodys = format!("org_{}", "0".repeat(32));
        let reason = ("reason", "The gallery of yesterday is empty");
        let fields = [("intent", "ask"), ("organisation", &*nobodys), reason, ("minutes", "5"), ("access", "read")];
        assert_eq!(app.form("/support", &tom, &fields).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(app.database.dump().await == before, "{}: a refusal changed the database", app.database.kind);
        let page = app.get("/cms/support-access", &stranger).await.text();
        assert!(!page.contains(&asked) && page.contains("Support has not asked for access"));
    }
}
