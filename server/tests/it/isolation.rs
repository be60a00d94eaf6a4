//! Tenant isolation: a member of one organisation who knows every id of another gets "not there" for each of them, in
//! path, query and body, and nothing changes. Each attempt stands beside a control: the same request by the owner of
//! the object passes.

use axum::body::Body;
use axum::http::{StatusCode, header};
use serde_json::json;
use shutterpost_model::access::Role;

use crate::support::{Answer, App, As, Tenant, apps, multipart, tenant};

/// A request that names objects of an organisation.
pub(crate) enum Attempt {
    Get(String),
    Delete(String),
    Form(String, Vec<(&'static str, String)>),
    Multipart(String, Vec<(&'static str, String)>),
    Call(&'static str, serde_json::Value),
    Post(String, serde_json::Value),
    /// Of uploads in pieces.
    Patch(String),
}

impl Attempt {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Get(path) => format!("GET {path}"),
            Self::Delete(path) => format!("DELETE {path}"),
            Self::Form(path, fields) => format!("POST {path} {fields:?}"),
            Self::Multipart(path, _) => format!("POST {path}"),
            Self::Call(name, input) => format!("/fn/{name} {input}"),
            Self::Post(path, input) => format!("POST {path} {input}"),
            Self::Patch(path) => format!("PATCH {path}"),
        }
    }

    /// Whether the text stands in the path or in what is sent along.
    pub(crate) fn holds(&self, id: &str) -> bool {
        let within = |fields: &[(&'static str, String)]| fields.iter().any(|(_, value)| value == id);
        match self {
            Self::Get(path) | Self::Delete(path) | Self::Patch(path) => path.contains(id),
            Self::Form(path, fields) | Self::Multipart(path, fields) => path.contains(id) || within(fields),
            Self::Call(_, input) => input.to_string().contains(id),
            Self::Post(path, input) => path.contains(id) || input.to_string().contains(id),
        }
    }

    /// What a form or a query names.
    pub(crate) fn ids(&self) -> Vec<String> {
        match self {
            Self::Form(_, fields) => {
                fields.iter().map(|(_, value)| value.clone()).filter(|v| v.contains('_')).collect()
            }
            Self::Get(path) => path.split('=').next_back().map(str::to_owned).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    pub(crate) async fn send(&self, app: &App, who: &As) -> Answer {
        match self {
            Self::Get(path) => app.get(path, who).await,
            Self::Patch(path) => crate::uploads::append(app, who, path, crate::uploads::FIRST, b"x").await,
            Self::Delete(path) => {
                app.send(
                    app.request("DELETE", path, who)
                        .header("tus-resumable", "1.0.0")
                        .body(Body::empty())
                        .expect("a request"),
                )
                .await
            }
            Self::Form(path, fields) => {
                let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                app.form(path, who, &fields).await
            }
            Self::Multipart(path, fields) => {
                let parts: Vec<_> =
                    fields.iter().map(|(name, value)| (*name, None, value.clone().into_bytes())).collect();
                let request = app
                    .request("POST", path, who)
                    .header(header::CONTENT_TYPE, "multipart/form-data; boundary=line")
                    .body(Body::from(multipart(&parts)));
                app.send(request.expect("a request")).await
            }
            Self::Call(name, input) => app.call(name, who, input.clone()).await,
            Self::Post(path, input) => {
                let request = app.request("POST", path, who).header(header::CONTENT_TYPE, "application/json");
                app.send(request.body(Body::from(input.to_string())).expect("a request")).await
            }
        }
    }
}

/// Every place where an id of `of` can stand. Where two ids meet, the other one is the caller's own (`own`), so that
/// each is proved by itself.
pub(crate) fn attempts(of: &Tenant, own: &Tenant) -> Vec<Attempt> {
    use Attempt::{Call, Delete, Form, Get, Multipart, Patch, Post};
    let Tenant {
        event,
        capture,
        guest,
        link,
        message,
        device_id,
        token_id,
        invitation,
        logo,
        design_file,
        erasure,
        export,
        removed,
        connection,
        upload,
        ..
    } = of;
    let own_event = &own.event;
    let own_capture = &own.capture;
    let own_file = &own.design_file;
    let form = |path: String, fields: &[(&'static str, &str)]| {
        Form(path, fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
    };
    let draft = [
        ("intent", "save"),
        ("name", "Taken over"),
        ("starts_on", "2027-01-01"),
        ("ends_on", "2027-01-02"),
        ("time_zone", "UTC"),
        ("retention_days", "10"),
        ("version", "2"),
    ];
    let branding = [
        ("intent", "save".to_owned()),
        ("accent", "#000000".to_owned()),
        ("backdrop", "#ffffff".to_owned()),
        ("version", "2".to_owned()),
    ];
    let consents = [
        ("intent", "consents".to_owned()),
        ("purpose.0", "delivery".to_owned()),
        ("english.0", "Taken".to_owned()),
        ("german.0", "over".to_owned()),
    ];
    let design = |intent: &str| vec![("intent", intent.to_owned()), ("version", "0".to_owned())];
    vec![
        Get(format!("/cms/events/{event}")),
        Get(format!("/cms/events/{event}/settings")),
        Get(format!("/cms/events/{event}/branding")),
        Get(format!("/cms/events/{event}/design")),
        Get(format!("/cms/events/{event}/design?only=progress")),
        Get(format!("/cms/events/{event}/devices")),
        Get(format!("/cms/events/{event}/exports")),
        Get(format!("/cms/captures/{capture}")),
        Get(format!("/cms/captures/{capture}/qr.svg")),
        Get(format!("/cms/media/{capture}/thumb-1.webp")),
        Get(format!("/cms/media/{capture}/large-1.jpg")),
        Get(format!("/cms/logos/{event}/{logo}")),
        Get(format!("/cms/logos/{own_event}/{logo}")),
        Get(format!("/cms/preview/{event}")),
        form(format!("/cms/events/{event}/settings"), &draft),
        form(format!("/cms/events/{event}/settings"), &[("intent", "delete")]),
        Multipart(format!("/cms/events/{event}/branding"), branding.to_vec()),
        Multipart(format!("/cms/events/{event}/branding"), consents.to_vec()),
        Multipart(format!("/cms/events/{event}/design"), design("save")),
        Multipart(format!("/cms/events/{event}/design"), design("preview")),
        Multipart(format!("/cms/events/{event}/design"), design("event_logo")),
        Multipart(format!("/cms/events/{event}/design"), design("apply")),
        Multipart(format!("/cms/events/{event}/design"), design("pause")),
        Multipart(format!("/cms/events/{event}/design"), design("resume")),
        Multipart(format!("/cms/events/{event}/design"), design("undo")),
        Multipart(format!("/cms/events/{event}/design/preview"), design("preview")),
        Multipart(format!("/cms/events/{own_event}/design/preview"), vec![("on", capture.clone())]),
        Multipart(
            format!("/cms/events/{own_event}/design"),
            vec![("intent", "remove_file".to_owned()), ("file", design_file.clone())],
        ),
        form(format!("/cms/events/{event}/devices"), &[("intent", "create"), ("name", "Mine")]),
        form(format!("/cms/events/{event}/devices"), &[("intent", "revoke"), ("device", device_id)]),
        form(format!("/cms/events/{own_event}/devices"), &[("intent", "revoke"), ("device", device_id)]),
        form(format!("/cms/events/{event}"), &[("intent", "delete"), ("capture", capture)]),
        form(format!("/cms/events/{own_event}"), &[("intent", "delete"), ("capture", capture)]),
        form(
            format!("/cms/events/{own_event}"),
            &[("intent", "delete"), ("capture", own_capture), ("capture", capture)],
        ),
        form(format!("/cms/events/{event}"), &[("intent", "export"), ("capture", capture)]),
        form(format!("/cms/events/{own_event}"), &[("intent", "export"), ("capture", capture)]),
        form(format!("/cms/events/{event}/exports"), &[("intent", "create"), ("key", "none")]),
        form(format!("/cms/events/{own_event}/exports"), &[("intent", "download"), ("export", export)]),
        form(format!("/cms/events/{event}"), &[("intent", "restore"), ("capture", capture)]),
        form(format!("/cms/events/{own_event}"), &[("intent", "restore"), ("capture", capture)]),
        form(format!("/cms/captures/{capture}"), &[("intent", "delete")]),
        form(format!("/cms/captures/{capture}"), &[("intent", "restore")]),
        form(format!("/cms/captures/{own_capture}"), &[("intent", "send_again"), ("message", message)]),
        form(format!("/cms/captures/{own_capture}"), &[("intent", "renew_link"), ("link", link)]),
        form(format!("/cms/captures/{own_capture}"), &[("intent", "revoke_link"), ("link", link)]),
        form(format!("/cms/captures/{own_capture}"), &[("intent", "delete_guest"), ("guest", guest)]),
        form(format!("/cms/captures/{capture}"), &[("intent", "erase")]),
        form(format!("/cms/events/{event}/settings"), &[("intent", "erase")]),
        form("/cms/messages".into(), &[("intent", "send_again"), ("message", message)]),
        form("/cms/people".into(), &[("intent", "renew"), ("invitation", invitation)]),
        form("/cms/people".into(), &[("intent", "revoke"), ("invitation", invitation)]),
        form("/cms/tokens".into(), &[("intent", "revoke"), ("token", token_id)]),
        form("/cms/tokens".into(), &[("intent", "end_previous"), ("token", token_id)]),
        form(
            "/cms/tokens".into(),
            &[("intent", "renew"), ("token", token_id), ("expires", "7"), ("replaced", "overlaps")],
        ),
        form("/cms/account".into(), &[("intent", "organisation"), ("organisation", of.organisation.as_str())]),
        Call("cms/captures/list", json!({ "event": event, "filter": {}, "cursor": null, "limit": 10 })),
        Call("cms/captures/delete", json!({ "event": event, "captures": [capture] })),
        Call("cms/captures/delete", json!({ "event": own_event, "captures": [capture] })),
        Call("cms/captures/restore", json!({ "event": own_event, "captures": [capture] })),
        Call("cms/guests/reveal", json!({ "guest": guest })),
        form(format!("/cms/captures/{own_capture}"), &[("intent", "trash_guest"), ("guest", guest)]),
        form("/cms/trash".into(), &[("intent", "restore"), ("item", guest)]),
        form("/cms/trash".into(), &[("intent", "restore"), ("item", own_capture), ("item", capture)]),
        form("/cms/trash".into(), &[("intent", "restore"), ("item", event)]),
        form("/cms/trash".into(), &[("intent", "restore"), ("item", removed)]),
        form("/cms/trash".into(), &[("intent", "erase"), ("item", removed)]),
        form("/cms/trash".into(), &[("intent", "erase"), ("item", guest)]),
        form("/cms/trash".into(), &[("intent", "erase"), ("item", capture)]),
        form("/cms/trash".into(), &[("intent", "erase"), ("item", event)]),
        Post(format!("/api/v1/guests/{guest}/trash"), json!({})),
        Post(format!("/api/v1/trash/{guest}/restore"), json!({})),
        Post(format!("/api/v1/trash/{removed}/restore"), json!({})),
        Get(format!("/uploads/{upload}")),
        Patch(format!("/uploads/{upload}")),
        Delete(format!("/uploads/{upload}")),
        Delete(format!("/api/v1/captures/{capture}")),
        Delete(format!("/api/v1/guests/{guest}")),
        Get(format!("/cms/privacy/{erasure}")),
        Get(format!("/cms/privacy/{erasure}/receipt.txt")),
        Get(format!("/api/v1/erasures/{erasure}")),
        Get(format!("/api/v1/exports/{export}")),
        form(
            "/cms/sign-in-settings/domains".into(),
            &[("intent", "route"), ("domain", "taken.example"), ("connection", connection)],
        ),
        Get(format!("/cms/sign-in-settings/connections/{connection}")),
        form(
            format!("/cms/sign-in-settings/connections/{connection}"),
            &[("intent", "oidc"), ("issuer", "https://evil.example"), ("client_id", "mine"), ("secret", "mine")],
        ),
        form(format!("/cms/sign-in-settings/connections/{connection}"), &[("intent", "admit"), ("just_in_time", "on")]),
        form(format!("/cms/sign-in-settings/connections/{connection}"), &[("intent", "probe")]),
        form(format!("/cms/sign-in-settings/connections/{connection}"), &[("intent", "on")]),
        form(format!("/cms/sign-in-settings/connections/{connection}"), &[("intent", "delete")]),
        Post("/api/v1/erasures".into(), json!({ "kind": "guest", "object": guest })),
        Post("/api/v1/erasures".into(), json!({ "kind": "capture", "object": capture })),
        Post("/api/v1/erasures".into(), json!({ "kind": "event", "object": event })),
        Get(format!("/api/v1/captures/{capture}")),
        Get(format!("/api/v1/guests/{guest}")),
        Get(format!("/api/v1/events/{event}")),
        Get(format!("/api/v1/events/{event}/captures")),
        Get(format!("/api/v1/events/{event}/design")),
        Get(format!("/api/v1/events/{event}/design/progress")),
        Delete(format!("/api/v1/events/{event}/design/files/{own_file}")),
        Delete(format!("/api/v1/events/{own_event}/design/files/{design_file}")),
        Post(format!("/api/v1/events/{event}/design/apply"), json!({})),
        Post(format!("/api/v1/events/{event}/design/pause"), json!({})),
        Post(format!("/api/v1/events/{event}/design/resume"), json!({})),
    ]
}

/// The caller that the path speaks to.
pub(crate) fn caller<'a>(attempt: &Attempt, session: &'a As, token: &'a As) -> &'a As {
    match attempt {
        Attempt::Get(path) | Attempt::Delete(path) if path.starts_with("/api/") || path.starts_with("/uploads") => {
            token
        }
        Attempt::Post(..) | Attempt::Patch(_) => token,
        _ => session,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_another_organisation_lead_nowhere() {
    for app in apps().await {
        let (ours, theirs) = (tenant(&app, "ours").await, tenant(&app, "theirs").await);
        for role in [Role::Owner, Role::Admin, Role::Editor] {
            let session = app.sign_in(&ours.email(role)).await;
            app.get("/api/v1/events", &ours.admin_token).await;
            let before = app.database.dump().await;
            for attempt in attempts(&theirs, &ours) {
                let status = attempt.send(&app, caller(&attempt, &session, &ours.admin_token)).await.status;
                // Who lacks the permission meets that first, which says nothing about the object either.
                let owners_alone = attempt.name().contains("/cms/sign-in-settings/");
                let lacks = role == Role::Editor || (role == Role::Admin && owners_alone);
                let fits = status == StatusCode::NOT_FOUND || (lacks && status == StatusCode::FORBIDDEN);
                assert!(fits, "{}: {status} as {role:?} on {}", attempt.name(), app.database.kind);
            }
            assert!(app.database.dump().await == before, "an attempt as {role:?} changed the database");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_requests_pass_for_their_own() {
    for app in apps().await {
        // A fresh organisation per attempt that may destroy would be slow; reading ones share theirs.
        let (ours, theirs) = (tenant(&app, "ours").await, tenant(&app, "theirs").await);
        let session = app.sign_in(&theirs.email(Role::Owner)).await;
        for attempt in attempts(&theirs, &theirs) {
            if !matches!(attempt, Attempt::Get(_)) {
                continue;
            }
            let status = attempt.send(&app, caller(&attempt, &session, &theirs.editor_token)).await.status;
            assert!(status.is_success(), "{}: {status}", attempt.name());
        }
        let before = app.database.dump().await;
        for (tenant, token) in [(&ours, &ours.editor_token), (&theirs, &theirs.editor_token)] {
            let own = app.get("/api/v1/token", token).await.json();
            assert_eq!(own["organisation"], tenant.organisation.as_str(), "a token learns about its own alone");
        }
        let listed = app.get("/api/v1/events", &ours.editor_token).await.text();
        assert!(listed.contains(&ours.event) && !listed.contains(&theirs.event));
        let owner = app.sign_in(&ours.email(Role::Owner)).await;
        let audit = app.get("/cms/audit", &owner).await.text();
        assert!(!audit.contains(&theirs.capture) && audit.contains(&ours.capture));
        assert!(before != app.database.dump().await, "signing in leaves a session and an entry");
    }
}
