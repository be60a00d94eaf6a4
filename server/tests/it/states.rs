//! The third dimension of the permission matrix: what was let through to an object that is alive meets the verdict of this
//! table when the object is somewhere else. Whoever was refused before is refused in the same way, whatever the state.

use axum::http::StatusCode;
use shutterpost::http::registry::{RouteSpec, routes};
use shutterpost_model::access::Role;
use shutterpost_model::privacy::ErasureTarget;

use crate::matrix::{Row, Verdict, ask, verdict};
use crate::support::{App, As, PHOTO, Tenant, brand, json, picture, segment, text};

/// In the columns: in the trash, erased, of an event in the trash, of an event that was erased. "-": an event has no event, and an upload no trash.
///
/// What is in the trash is shown in the CMS as far as it takes to restore it, and nowhere else. What is erased is not there;
/// to erase it once more gives the same erasure. What hangs on an event goes with it.
const TABLE: &[(&str, &str, [&str; 4])] = &[
    ("GET", "/api/v1/events/{event}", ["404", "404", "-", "-"]),
    ("GET", "/api/v1/events/{event}/design", ["404", "404", "-", "-"]),
    ("PUT", "/api/v1/events/{event}/design", ["404", "404", "-", "-"]),
    ("POST", "/api/v1/events/{event}/design/files", ["404", "404", "-", "-"]),
    ("DELETE", "/api/v1/events/{event}/design/files/{file}", ["404", "404", "-", "-"]),
    ("POST", "/api/v1/events/{event}/design/apply", ["404", "404", "-", "-"]),
    ("POST", "/api/v1/events/{event}/design/pause", ["404", "404", "-", "-"]),
    ("POST", "/api/v1/events/{event}/design/resume", ["404", "404", "-", "-"]),
    ("POST", "/api/v1/events/{event}/design/undo", ["404", "404", "-", "-"]),
    ("GET", "/api/v1/events/{event}/design/progress", ["404", "404", "-", "-"]),
    ("GET", "/api/v1/events/{event}/captures", ["404", "404", "-", "-"]),
    ("POST", "/api/v1/events/{event}/captures", ["404", "404", "-", "-"]),
    ("POST", "/api/v1/events/{event}/exports", ["404", "404", "-", "-"]),
    ("GET", "/cms/events/{event}", ["404", "404", "-", "-"]),
    ("POST", "/cms/events/{event}", ["404", "404", "-", "-"]),
    ("POST", "/cms/events/{event}/captures", ["404", "404", "-", "-"]),
    ("GET", "/cms/events/{event}/settings", ["404", "404", "-", "-"]),
    ("POST", "/cms/events/{event}/settings", ["404", "404", "-", "-"]),
    ("GET", "/cms/events/{event}/branding", ["404", "404", "-", "-"]),
    ("POST", "/cms/events/{event}/branding", ["404", "404", "-", "-"]),
    ("GET", "/cms/events/{event}/design", ["404", "404", "-", "-"]),
    ("POST", "/cms/events/{event}/design", ["404", "404", "-", "-"]),
    ("POST", "/cms/events/{event}/design/preview", ["404", "404", "-", "-"]),
    ("GET", "/cms/events/{event}/devices", ["404", "404", "-", "-"]),
    ("POST", "/cms/events/{event}/devices", ["404", "404", "-", "-"]),
    ("GET", "/cms/events/{event}/exports", ["404", "404", "-", "-"]),
    ("POST", "/cms/events/{event}/exports", ["404", "404", "-", "-"]),
    ("GET", "/cms/logos/{event}/{logo}", ["404", "404", "-", "-"]),
    ("GET", "/cms/preview/{event}", ["404", "404", "-", "-"]),
    ("POST", "/fn/cms/captures/list", ["404", "404", "-", "-"]),
    ("POST", "/fn/cms/captures/delete", ["404", "404", "-", "-"]),
    ("POST", "/fn/cms/captures/restore", ["404", "404", "-", "-"]),
    ("GET", "/api/v1/captures/{capture}", ["404", "404", "404", "404"]),
    ("DELETE", "/api/v1/captures/{capture}", ["404", "404", "404", "404"]),
    ("GET", "/cms/captures/{capture}", ["yes", "404", "404", "404"]),
    ("POST", "/cms/captures/{capture}", ["yes", "404", "404", "404"]),
    ("GET", "/cms/captures/{capture}/qr.svg", ["yes", "404", "404", "404"]),
    ("GET", "/cms/media/{capture}/{file}", ["yes", "404", "404", "404"]),
    ("GET", "/api/v1/guests/{guest}", ["404", "404", "404", "404"]),
    ("POST", "/fn/cms/guests/reveal", ["404", "404", "404", "404"]),
    ("POST", "/api/v1/guests/{guest}/trash", ["yes", "404", "404", "404"]),
    ("HEAD", "/uploads/{upload}", ["-", "404", "404", "404"]),
    ("GET", "/uploads/{upload}", ["-", "404", "404", "404"]),
    ("PATCH", "/uploads/{upload}", ["-", "404", "404", "404"]),
    ("DELETE", "/uploads/{upload}", ["-", "404", "404", "404"]),
    ("GET", "/s/{token}", ["404", "404", "404", "404"]),
    ("GET", "/s/{token}/delete", ["404", "404", "404", "404"]),
    ("POST", "/s/{token}/delete", ["404", "404", "404", "404"]),
    ("GET", "/s/{token}/deleted", ["yes", "yes", "yes", "yes"]),
    ("GET", "/m/{token}/{file}", ["404", "404", "404", "404"]),
    ("POST", "/api/v1/trash/{object}/restore", ["yes", "404", "404", "404"]),
    ("DELETE", "/api/v1/guests/{guest}", ["yes", "yes", "yes", "404"]),
];

/// Parameters of paths that are an organisation's object, or lead to one.
const OBJECTS: &[&str] = &["event", "capture", "guest", "logo", "object", "upload"];

/// A new capture with a guest and their pages in an event, everything alive.
async fn alive(app: &App, home: &Tenant, event: &str, key: &str) -> Tenant {
    let guest = format!(r#"{{"email":"{key}@guests.example"}}"#);
    let answer = app.upload(event, &home.admin_token, key, PHOTO, Some(&guest)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let accepted = answer.json();
    let capture = text(&accepted, "/id");
    let owner = app.sign_in(&home.email(Role::Owner)).await;
    let found = app.capture(&owner, &capture).await;
    let links = found["links"].as_array().expect("links");
    let link = links.iter().find(|link| link["kind"] == "owner").expect("an owner link");
    let view_url = text(&accepted, "/share_url");
    Tenant {
        event: event.to_owned(),
        guest: text(&found, "/guests/0/id"),
        owner_url: text(link, "/url"),
        picture: picture(app, &view_url).await,
        view_url,
        capture,
        upload: crate::uploads::begun(app, &home.editor_token, event).await,
        ..home.clone()
    }
}

/// A new event with a logo.
pub(crate) async fn event(app: &App, owner: &As) -> (String, String) {
    let today = app.deps.world.now().date();
    let (start, end) = (today.to_string(), today.plus_days(1).to_string());
    let fields = [("name", "Another"), ("starts_on", &*start), ("ends_on", &end)];
    let fields = [&fields[..], &[("time_zone", "UTC"), ("retention_days", "365")]].concat();
    let answer = app.form("/cms/events/new", owner, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let event = segment(answer.header("location"), "events");
    let logo = brand(app, owner, &event).await;
    (event, logo)
}

async fn erase(app: &App, owner: &As, target: ErasureTarget) {
    json(app.http.services().privacy.erase(&app.actor(owner).await, &target).await);
}

async fn trash(app: &App, home: &Tenant, method: &str, path: &str) {
    let request = app.request(method, path, &home.admin_token).body(axum::body::Body::empty());
    let answer = app.send(request.expect("a request")).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
}

/// One tenant for each column of the table: the home, with the objects that are in that state.
async fn states(app: &App, home: &Tenant) -> [Tenant; 4] {
    let owner = app.sign_in(&home.email(Role::Owner)).await;
    let (deleted, deleted_logo) = event(app, &owner).await;
    let (erased, erased_logo) = event(app, &owner).await;
    let of_deleted = alive(app, home, &deleted, "of-deleted").await;
    let of_erased = alive(app, home, &erased, "of-erased").await;
    let (trashed_capture, erased_capture) =
        (alive(app, home, &home.event, "trashed-1").await, alive(app, home, &home.event, "erased-1").await);
    let (trashed_guest, erased_guest) =
        (alive(app, home, &home.event, "trashed-2").await, alive(app, home, &home.event, "erased-2").await);

    trash(app, home, "DELETE", &format!("/api/v1/captures/{}", trashed_capture.capture)).await;
    trash(app, home, "POST", &format!("/api/v1/guests/{}/trash", trashed_guest.guest)).await;
    crate::uploads::end(app, &home.editor_token, &erased_capture.upload).await;
    let id = "an id";
    erase(app, &owner, ErasureTarget::Capture(erased_capture.capture.parse().expect(id))).await;
    erase(app, &owner, ErasureTarget::Guest(erased_guest.guest.parse().expect(id))).await;
    erase(app, &owner, ErasureTarget::Event(erased.parse().expect(id))).await;
    // The rows of an erased event go by and by.
    app.work().await;
    let answer = app.form(&format!("/cms/events/{deleted}/settings"), &owner, &[("intent", "delete")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let in_trash = Tenant { event: deleted, logo: deleted_logo, guest: trashed_guest.guest, ..trashed_capture };
    let gone = Tenant { event: erased, logo: erased_logo, guest: erased_guest.guest, ..erased_capture };
    [in_trash, gone, of_deleted, of_erased]
}

/// Asks for the objects in each of their states; adds what differs to `wrong` and gives the number of cells.
pub(crate) async fn meet(
    app: &App,
    home: &Tenant,
    rows: &[Row],
    callers: &[(&'static str, As)],
    wrong: &mut Vec<String>,
) -> usize {
    let specs: Vec<RouteSpec> = routes(&app.http).iter().map(|route| route.spec).collect();
    for spec in &specs {
        let written = TABLE.iter().any(|(method, path, _)| (*method, *path) == (spec.method, spec.path));
        let has_object = spec.parameters().any(|name| OBJECTS.contains(&name));
        assert!(written || !has_object, "no states of {} {}", spec.method, spec.path);
    }
    let states = states(app, home).await;
    let mut cells = 0;
    let mut passing = Vec::new();
    // Refusals first, all of them between two dumps: none may change anything.
    let before = app.database.dump().await;
    for (method, path, verdicts) in TABLE {
        let spec = specs.iter().find(|spec| (spec.method, spec.path) == (*method, *path)).expect("a route");
        let row = rows.iter().find(|row| (&*row.method, &*row.path) == (*method, *path)).expect("a row");
        for (objects, state) in states.iter().zip(verdicts).filter(|(_, state)| **state != "-") {
            for (name, who) in callers {
                let alive = row.cells[*name];
                let expected = if alive == Verdict::Passes { verdict(state) } else { alive };
                if expected == Verdict::Passes {
                    passing.push((spec, *name, who, objects));
                    continue;
                }
                cells += 1;
                let found = ask(app, spec, (name, who), objects).await;
                if found != expected {
                    wrong.push(format!("{method} {path} {name}, {state} in its state: {found:?}, not {expected:?}"));
                }
            }
        }
    }
    let told = wrong.join("\n");
    assert!(app.database.dump().await == before, "a refusal changed the database, perhaps one of these:\n{told}");
    // In the order of the table: what brings back or erases comes last.
    for (spec, name, who, objects) in passing {
        cells += 1;
        let found = ask(app, spec, (name, who), objects).await;
        if found != Verdict::Passes {
            wrong.push(format!("{} {} {name} in its state: {found:?}, not Passes", spec.method, spec.path));
        }
        if spec.path.ends_with("/restore") && spec.path.starts_with("/api/") {
            trash(app, home, "POST", &format!("/api/v1/guests/{}/trash", objects.guest)).await;
        }
    }
    cells
}
