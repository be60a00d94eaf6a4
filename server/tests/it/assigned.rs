//! What a request says beyond what its form or function has: fields of other tables, and ids of others in filters. None of
//! it is taken.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use shutterpost::http::registry::routes;
use shutterpost_model::access::Role;
use shutterpost_model::audit::AuditFilter;

use crate::support::{Answer, App, As, PASSWORD, PHOTO, Tenant, apps, json as told, tenant};
use crate::swaps::{nobodys, unnamed};

/// Fields that forms do not have and tables do.
fn more(theirs: &Tenant, owner: &str) -> Vec<(&'static str, String)> {
    let organisation = theirs.organisation.as_str();
    [
        ("organisation_id", organisation),
        ("org_id", organisation),
        ("organisation", organisation),
        ("role", "owner"),
        ("roles", "owner"),
        ("is_staff", "true"),
        ("is_admin", "true"),
        ("staff", "on"),
        ("user", owner),
        ("user_id", owner),
        ("actor_id", owner),
        ("event_id", &theirs.event),
        ("event", &theirs.event),
        ("id", &theirs.event),
        ("email_verified", "true"),
        ("created_at", "1"),
        ("expires_at", "4102444800000"),
        ("deleted_at", "1"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

/// How many rows of each table are not as they were, and what the new ones hold.
fn changed(before: &str, after: &str) -> (BTreeMap<String, usize>, String) {
    let rows = |dump: &str| {
        let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut table = String::new();
        for line in dump.lines() {
            match line.strip_prefix("  ") {
                Some("") => {}
                Some(row) => rows.entry(table.clone()).or_default().push(row.to_owned()),
                None => table = line.to_owned(),
            }
        }
        rows
    };
    let (before, after) = (rows(before), rows(after));
    let (mut counts, mut new) = (BTreeMap::new(), String::new());
    for (table, rows) in &after {
        let old = before.get(table).map(Vec::as_slice).unwrap_or_default();
        for row in rows.iter().filter(|row| !old.contains(row)) {
            *counts.entry(table.clone()).or_default() += 1;
            new.push_str(row);
        }
        for _ in old.iter().filter(|row| !rows.contains(row)) {
            *counts.entry(format!("{table}, as it was")).or_default() += 1;
        }
    }
    (counts, new)
}

/// Everybody's role, with everything else that says who may what.
async fn roles(app: &App) -> Vec<String> {
    let members =
        "SELECT organisation_id || ' ' || user_id || ' ' || role AS line FROM identity_memberships ORDER BY 1";
    let staff = "SELECT id AS line FROM support_staff ORDER BY 1";
    [app.database.select(members).await, app.database.select(staff).await].concat()
}

/// Path, whether it takes files, and fields.
type Form = (String, bool, Vec<(&'static str, String)>);

/// Our own forms, with one field that differs each time.
fn forms(ours: &Tenant, round: usize, version: usize) -> Vec<Form> {
    let event = format!("/cms/events/{}", ours.event);
    let fields = |fields: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
        fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    };
    let name = format!("Round {round}");
    let email = format!("round-{round}@ours.example");
    let (version, next) = (version.to_string(), (version + 1).to_string());
    let dates =
        [("starts_on", "2027-01-15"), ("ends_on", "2027-01-16"), ("time_zone", "UTC"), ("retention_days", "90")];
    let settings = [&[("intent", "save"), ("name", &*name), ("version", &*version)][..], &dates].concat();
    let colours = [("accent", "#2f5bd7"), ("backdrop", "#14161c"), ("mark_pictures", "on")];
    let branding = [&[("intent", "save"), ("version", &*next), ("en.headline", &*name)][..], &colours].concat();
    let invite = [("intent", "invite"), ("email", &*email), ("role", "viewer"), ("language", "en")];
    let token = [("intent", "create"), ("name", &*name), ("preset", "read"), ("expires", "7")];
    vec![
        (format!("{event}/settings"), false, fields(&settings)),
        (format!("{event}/branding"), true, fields(&branding)),
        (format!("{event}/devices"), false, fields(&[("intent", "create"), ("name", &name)])),
        ("/cms/events/new".into(), false, fields(&[&[("name", &*name)][..], &dates].concat())),
        ("/cms/account".into(), false, fields(&[("intent", "profile"), ("name", &name), ("language", "en")])),
        ("/cms/people".into(), false, fields(&invite)),
        ("/cms/tokens".into(), false, fields(&token)),
    ]
}

async fn post(app: &App, who: &As, path: &str, files: bool, fields: &[(&'static str, String)]) -> Answer {
    if files {
        let parts: Vec<_> = fields.iter().map(|(name, value)| (*name, None, value.clone().into_bytes())).collect();
        return app.post(path, who, "multipart/form-data; boundary=line", crate::support::multipart(&parts)).await;
    }
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    app.form(path, who, &fields).await
}

/// The id of their owner.
async fn owner_of(app: &App, theirs: &Tenant) -> String {
    let owner = app.actor(&app.sign_in(&theirs.email(Role::Owner)).await).await;
    owner.user().expect("a person").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn case_121_fields_that_a_form_does_not_have_change_nothing() {
    for app in apps().await {
        let (ours, theirs) = (tenant(&app, "ours").await, tenant(&app, "theirs").await);
        let owner = owner_of(&app, &theirs).await;
        let more = more(&theirs, &owner);
        let admin = app.sign_in(&ours.email(Role::Admin)).await;
        app.get("/cms/account", &admin).await;
        let roles_before = roles(&app).await;
        let plain = forms(&ours, 1, 2);
        for (index, (path, files, fields)) in plain.into_iter().enumerate() {
            // Both rounds of a form one after the other; the event's version goes up with each.
            let version = if index == 0 { 3 } else { 4 };
            let mut changes = Vec::new();
            let of_round = |round, version| forms(&ours, round, version).swap_remove(index).2;
            let first = if index == 1 { of_round(1, 3) } else { fields };
            let second = [of_round(2, version), more.clone()].concat();
            for fields in [first, second] {
                while app.work().await > 0 {}
                let before = app.database.dump().await;
                let answer = post(&app, &admin, &path, files, &fields).await;
                let done = answer.status == StatusCode::SEE_OTHER || answer.status == StatusCode::OK;
                assert!(done, "{path} {fields:?}: {} {}", answer.status, answer.text());
                changes.push(changed(&before, &app.database.dump().await));
            }
            assert!(!changes[0].0.is_empty(), "the control: {path} changes something");
            assert_eq!(changes[0].0, changes[1].0, "{path} on {}", app.database.kind);
            for id in [theirs.organisation.as_str(), &theirs.event, &owner] {
                assert!(!changes[1].1.contains(id), "{path} wrote {id}");
            }
            // A person belongs to no organisation.
            let ours = path == "/cms/account" || changes[1].1.contains(ours.organisation.as_str());
            assert!(ours, "{path} wrote what is ours");
        }
        assert_eq!(roles(&app).await, roles_before, "{}", app.database.kind);
        // The invitation says what its own field said, and joining takes no other role.
        while app.work().await > 0 {}
        let mails = app.outbox.list().await.expect("the outbox");
        let mail = mails.iter().find(|mail| mail.to.get() == "round-2@ours.example").expect("the invitation");
        let text = mail.text.get();
        let link = text.split_whitespace().find(|word| word.contains("/cms/invitation/")).expect("a link");
        let fields = [("name", "Nora".to_owned()), ("password", "walnut-orbit-candle-93".to_owned())];
        let fields = [&fields[..], &more].concat();
        let joined = post(&app, &As::Nobody, &crate::support::path_of(link), false, &fields).await;
        assert_eq!(joined.status, StatusCode::SEE_OTHER, "{}", joined.text());
        let fields = [("email", ours.email(Role::Viewer)), ("password", PASSWORD.to_owned())];
        let signed_in = post(&app, &As::Nobody, "/cms/sign-in", false, &[&fields[..], &more].concat()).await;
        for answer in [joined, signed_in] {
            let actor = app.actor(&As::Cookie(crate::support::cookie_of(&answer))).await;
            assert_eq!((actor.role(), actor.organisation()), (Some(Role::Viewer), Some(&ours.organisation)));
        }
        assert_eq!(roles(&app).await.len(), roles_before.len() + 1, "the one who joined");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_121_keys_that_a_function_or_the_api_does_not_have_are_not_taken() {
    for app in apps().await {
        let (ours, theirs) = (tenant(&app, "ours").await, tenant(&app, "theirs").await);
        let owner = owner_of(&app, &theirs).await;
        let session = app.sign_in(&ours.email(Role::Owner)).await;
        app.get("/api/v1/token", &ours.admin_token).await;
        app.get("/cms/account", &session).await;
        let with = |value: &Value, keys: &[&str]| {
            let mut value = value.clone();
            let object = value.as_object_mut().expect("an object");
            for (name, text) in more(&theirs, &owner) {
                if !keys.contains(&name) {
                    object.insert(name.to_owned(), text.into());
                }
            }
            value
        };
        let list = json!({ "event": ours.event, "filter": {}, "cursor": null });
        let plain = app.call("cms/captures/list", &session, list.clone()).await;
        assert_eq!(plain.json()["items"][0]["id"], ours.capture.as_str(), "{}", plain.text());
        let mut extra = with(&list, &["event"]);
        extra["filter"] = with(&json!({}), &[]);
        assert_eq!(app.call("cms/captures/list", &session, extra).await.json(), plain.json());

        let captures = json!({ "event": ours.event, "captures": [ours.capture] });
        let mut changes = Vec::new();
        for input in [captures.clone(), with(&captures, &["event"])] {
            let before = app.database.dump().await;
            let answer = app.call("cms/captures/delete", &session, input).await;
            assert_eq!((answer.status, answer.text()), (StatusCode::OK, "1".to_owned()));
            changes.push(changed(&before, &app.database.dump().await));
            assert_eq!(app.call("cms/captures/restore", &session, captures.clone()).await.text(), "1");
        }
        assert_eq!(changes[0].0, changes[1].0);
        for id in [theirs.organisation.as_str(), &theirs.event, &owner] {
            assert!(!changes[1].1.contains(id), "{id} was written");
        }

        let erasure = json!({ "kind": "guest", "object": ours.guest });
        let guest = json!({ "name": "Nora", "email": "nora@guests.example" });
        let before = app.database.dump().await;
        for (name, value) in more(&theirs, &owner) {
            let (mut erasure, mut guest) = (erasure.clone(), guest.clone());
            erasure[name] = value.as_str().into();
            guest[name] = value.as_str().into();
            let request = app.request("POST", "/api/v1/erasures", &ours.admin_token);
            let request = request.header(header::CONTENT_TYPE, "application/json");
            let answer = app.send(request.body(Body::from(erasure.to_string())).expect("a request")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}: {}", answer.text());
            let answer = app.upload(&ours.event, &ours.device, "more", PHOTO, Some(&guest.to_string())).await;
            assert!(answer.status.is_client_error(), "{name}: {} {}", answer.status, answer.text());
        }
        assert!(app.database.dump().await == before, "a key more changed the database on {}", app.database.kind);
        let answer = app.upload(&ours.event, &ours.device, "more", PHOTO, Some(&guest.to_string())).await;
        assert_eq!(answer.status, StatusCode::CREATED, "the control: {}", answer.text());
        let answer = app.post("/api/v1/erasures", &ours.admin_token, "application/json", erasure.to_string()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "the control: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_116_a_filter_by_what_is_somebody_elses_finds_what_a_filter_by_nothing_does() {
    for app in apps().await {
        let (ours, theirs) = (tenant(&app, "ours").await, tenant(&app, "theirs").await);
        let session = app.sign_in(&ours.email(Role::Owner)).await;
        let list = async |device: &str| {
            let input = json!({ "event": ours.event, "filter": { "device": device }, "cursor": null });
            let answer = app.call("cms/captures/list", &session, input).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            (unnamed(&answer, device), answer.json()["items"].as_array().expect("a list").len())
        };
        let (foreign, nobody) = (theirs.device_id.as_str(), nobodys(&theirs.device_id));
        let found = list(foreign).await;
        assert_eq!(found.1, 0, "{}", app.database.kind);
        assert!(found == list(&nobody).await, "{}", app.database.kind);
        assert_eq!(list(&ours.device_id).await.1, 1, "the control");

        let actor = app.actor(&session).await;
        let audit = &app.http.services().audit;
        let trail = async |object: &str| {
            let filter = AuditFilter { object: Some(object.to_owned()), ..AuditFilter::default() };
            told(audit.list(&actor, filter, None).await)
        };
        let page = async |object: &str| {
            let answer = app.get(&format!("/cms/audit?object={object}"), &session).await;
            assert_eq!(answer.status, StatusCode::OK);
            let (status, text) = unnamed(&answer, object);
            // The page shows the last digits of it.
            (status, text.replace(&object[object.len() - 8..], "SHORT"))
        };
        for (theirs, ours) in
            [(&theirs.event, &ours.event), (&theirs.capture, &ours.capture), (&theirs.token_id, &ours.token_id)]
        {
            let nobody = nobodys(theirs);
            assert_eq!(trail(theirs).await["items"], json!([]), "{theirs} on {}", app.database.kind);
            assert_eq!(trail(theirs).await, trail(&nobody).await);
            assert!(page(theirs).await == page(&nobody).await, "{theirs} on {}", app.database.kind);
            let found = trail(ours).await;
            assert!(!found["items"].as_array().expect("a list").is_empty(), "the control: {ours}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_126_nobody_writes_in_a_trail_and_nobody_reads_anothers() {
    for app in apps().await {
        let (ours, theirs) = (tenant(&app, "ours").await, tenant(&app, "theirs").await);
        let methods = routes(&app.http).into_iter().map(|route| route.spec);
        let trail: Vec<_> = methods.filter(|spec| spec.path.contains("audit")).map(|spec| spec.method).collect();
        assert_eq!(trail, ["GET"], "the one page, which reads");
        let session = app.sign_in(&ours.email(Role::Owner)).await;
        app.get("/cms/account", &session).await;
        let before = app.database.dump().await;
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let request = app.request(method, "/cms/audit", &session).body(Body::empty()).expect("a request");
            assert_eq!(app.send(request).await.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        }
        assert!(app.database.dump().await == before, "{}", app.database.kind);
        let audit = &app.http.services().audit;
        let whole = async |who: &As| {
            let (actor, mut all, mut cursor) = (app.actor(who).await, Vec::new(), None);
            loop {
                let page = told(audit.list(&actor, AuditFilter::default(), cursor).await);
                all.extend(page["items"].as_array().expect("a list").clone());
                cursor = page["next"].as_str().map(str::to_owned);
                if cursor.is_none() {
                    return Value::from(all).to_string();
                }
            }
        };
        let trail = whole(&session).await;
        assert!(trail.contains(&ours.capture) && trail.contains(&ours.event), "the control: {trail}");
        for id in [theirs.organisation.as_str(), &theirs.capture, &theirs.event, &theirs.guest, &theirs.token_id] {
            assert!(!trail.contains(id), "{id} on {}", app.database.kind);
        }
    }
}
