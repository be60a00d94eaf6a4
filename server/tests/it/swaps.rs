//! Every id of every request, replaced by what an attacker would try: the other organisation's id, one of another kind, one
//! of what was erased, and the same misspelt. Each attempt is refused, nothing changes, and what is somebody else's is
//! answered with the very bytes of what does not exist.

use axum::http::StatusCode;
use serde_json::json;
use shutterpost_backend::testing::Authenticator;
use shutterpost_model::access::{Credential, Role};
use shutterpost_model::privacy::ErasureTarget;

use crate::isolation::{Attempt, attempts, caller};
use crate::staff;
use crate::states::event;
use crate::support::{Answer, App, As, PHOTO, Tenant, apps, json as told, tenant, text};

/// An id and what is put in its place.
struct Place {
    name: &'static str,
    get: fn(&Tenant) -> &str,
    set: fn(&mut Tenant, String),
}

const PLACES: &[Place] = &[
    Place { name: "event", get: |of| &of.event, set: |of, id| of.event = id },
    Place { name: "capture", get: |of| &of.capture, set: |of, id| of.capture = id },
    Place { name: "guest", get: |of| &of.guest, set: |of, id| of.guest = id },
    Place { name: "link", get: |of| &of.link, set: |of, id| of.link = id },
    Place { name: "message", get: |of| &of.message, set: |of, id| of.message = id },
    Place { name: "device", get: |of| &of.device_id, set: |of, id| of.device_id = id },
    Place { name: "token", get: |of| &of.token_id, set: |of, id| of.token_id = id },
    Place { name: "invitation", get: |of| &of.invitation, set: |of, id| of.invitation = id },
    Place { name: "logo", get: |of| &of.logo, set: |of, id| of.logo = id },
    Place { name: "design file", get: |of| &of.design_file, set: |of, id| of.design_file = id },
    Place { name: "erasure", get: |of| &of.erasure, set: |of, id| of.erasure = id },
    Place { name: "export", get: |of| &of.export, set: |of, id| of.export = id },
    Place { name: "connection", get: |of| &of.connection, set: |of, id| of.connection = id },
    Place { name: "upload", get: |of| &of.upload, set: |of, id| of.upload = id },
    Place { name: "member", get: |of| &of.removed, set: |of, id| of.removed = id },
];

/// The same id with another last digit, which nobody has.
pub(crate) fn nobodys(id: &str) -> String {
    let (head, last) = id.split_at(id.len() - 1);
    format!("{head}{}", if last == "0" { "1" } else { "0" })
}

/// Spellings of an id that are none, or that lead to the same foreign one.
fn misspelt(id: &str) -> Vec<(&'static str, String)> {
    let (prefix, digits) = id.split_once('_').expect("an id");
    vec![
        ("upper case", id.to_uppercase()),
        ("a prefix of another case", format!("{}_{digits}", prefix.to_uppercase())),
        ("a trailing dot", format!("{id}.")),
        ("a trailing slash", format!("{id}%2F")),
        ("percent-encoded", format!("%{:02X}{}", id.as_bytes()[0], &id[1..])),
        ("percent-encoded twice", format!("%25{:02X}{}", id.as_bytes()[0], &id[1..])),
        ("NUL", format!("{id}%00")),
        ("NUL in front", format!("%00{id}")),
        ("a parent", format!("..%2F{id}")),
        ("no text", format!("{id}%FF")),
        ("overlong", format!("{id}{}", "0".repeat(4_000))),
        ("cut", id[..id.len() - 1].to_owned()),
        ("a wildcard", format!("{prefix}_%25")),
        ("a quotation mark", format!("{id}'--")),
    ]
}

/// An answer without what names the request: its id, its nonce, and the id that was asked for, which it may show.
pub(crate) fn unnamed(answer: &Answer, id: &str) -> (StatusCode, String) {
    let policy = answer.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or("no nonce at all");
    let text = answer.text().replace(answer.header("x-request-id"), "REQUEST").replace(nonce, "NONCE");
    (answer.status, text.replace(id, "ID"))
}

/// What else takes ids: people, sessions, filters and cursors. The ids come from a tenant that was put together.
async fn more(app: &App, theirs: &Tenant, ours: &Tenant) -> Vec<(Vec<Attempt>, Vec<Attempt>)> {
    let owner = app.sign_in(&theirs.email(Role::Owner)).await;
    let viewer = app.actor(&app.sign_in(&theirs.email(Role::Viewer)).await).await;
    let Credential::Session { user, session } = viewer.credential() else { panic!("a session") };
    let form = |path: &str, intent: &str, field: &'static str, id: &str| {
        let fields = vec![("intent", intent.to_owned()), (field, id.to_owned()), ("role", "editor".to_owned())];
        Attempt::Form(path.to_owned(), fields)
    };
    let mut all = Vec::new();
    for intent in ["role", "remove", "sign_out"] {
        let of = |id: &str| vec![form("/cms/people", intent, "user", id)];
        all.push((of(user.as_str()), of(&nobodys(user.as_str()))));
    }
    for intent in ["arm", "disarm"] {
        let of = |id: &str| {
            let fields = vec![("intent", intent.to_owned()), ("user", id.to_owned()), ("days", "1".to_owned())];
            vec![Attempt::Form("/cms/sign-in-settings".to_owned(), fields)]
        };
        all.push((of(user.as_str()), of(&nobodys(user.as_str()))));
    }
    let of = |id: &str| vec![form("/cms/account/security", "end", "session", id)];
    all.push((of(session.as_str()), of(&nobodys(session.as_str()))));
    let passkey = crate::passkeys::equip(app, &theirs.email(Role::Reporter), &mut Authenticator::new(7)).await;
    for intent in ["rename_passkey", "remove_passkey"] {
        let of = |id: &str| {
            let fields = vec![("intent", intent.to_owned()), ("passkey", id.to_owned()), ("name", "Mine".to_owned())];
            vec![Attempt::Form("/cms/account/two-factor".to_owned(), fields)]
        };
        all.push((of(&passkey), of(&nobodys(&passkey))));
    }
    // A draft that names their file is as wrong as one that names nobody's.
    let of = |id: &str| {
        let fields = [
            ("intent", "save"),
            ("version", "0"),
            ("same_for_all", "on"),
            ("landscape.logo.file", id),
            ("landscape.logo.place", "top"),
            ("landscape.logo.size", "20"),
            ("landscape.logo.margin", "4"),
        ];
        let fields = fields.map(|(name, value)| (name, value.to_owned())).to_vec();
        let page = format!("/cms/events/{}/design", ours.event);
        vec![Attempt::Multipart(page.clone(), fields.clone()), Attempt::Multipart(format!("{page}/preview"), fields)]
    };
    all.push((of(&theirs.design_file), of(&nobodys(&theirs.design_file))));
    let of = |id: &str| vec![form("/cms/account", "organisation", "organisation", id)];
    let organisation = theirs.organisation.as_str();
    all.push((of(organisation), of(&nobodys(organisation))));
    all.extend(of_support(app, theirs).await);
    // A cursor of their list, which their own next page has.
    let answer = app.upload(&theirs.event, &theirs.device, "second", PHOTO, None).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let path = format!("/api/v1/events/{}/captures?limit=1", theirs.event);
    let page = app.get(&path, &theirs.admin_token).await.json();
    let cursor = text(&page, "/next");
    assert_eq!(app.get(&format!("{path}&cursor={cursor}"), &theirs.admin_token).await.status, StatusCode::OK);
    let input = |cursor: &str| json!({ "event": ours.event, "filter": {}, "cursor": cursor, "limit": 1 });
    let of = |cursor: &str| {
        vec![
            Attempt::Get(format!("/api/v1/events/{}/captures?limit=1&cursor={cursor}", ours.event)),
            Attempt::Call("cms/captures/list", input(cursor)),
        ]
    };
    all.push((of(&cursor), of("nonsense")));
    assert!(app.actor(&owner).await.user().is_some(), "the control: their owner is signed in");
    all
}

/// What their owners decide of support: who is let in, and what waits for a second person.
async fn of_support(app: &App, theirs: &Tenant) -> Vec<(Vec<Attempt>, Vec<Attempt>)> {
    let asks = staff::join(app, &format!("asks@{}.example", theirs.name)).await.sign_in(app).await;
    let mut acts = staff::join(app, &format!("acts@{}.example", theirs.name)).await.sign_in(app).await;
    let asked = staff::ask(app, theirs, &asks, "read").await;
    let running = staff::let_in(app, theirs, &mut acts, "write").await;
    let capture = format!("/cms/captures/{}", theirs.capture);
    let answer = app.form(&capture, &acts, &[("intent", "delete")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
    let approval = staff::waiting(app, &acts).await;
    let both = |intent: &'static str, field: &'static str, id: &str| {
        let of = |id: &str| {
            let fields = [("intent", intent), (field, id), ("minutes", "5")];
            let fields = fields.map(|(name, value)| (name, value.to_owned())).to_vec();
            vec![Attempt::Form("/cms/support-access".to_owned(), fields)]
        };
        (of(id), of(&nobodys(id)))
    };
    vec![
        both("allow", "grant", &asked),
        both("refuse", "grant", &asked),
        both("end", "grant", &running),
        both("approve", "approval", &approval),
    ]
}

/// The ids of an event, a capture and a guest of ours that were erased.
async fn erased(app: &App, ours: &Tenant, owner: &As) -> Tenant {
    let actor = app.actor(owner).await;
    let mut gone = ours.clone();
    let answer = app.upload(&ours.event, &ours.device, "gone-2", PHOTO, Some(r#"{"email":"gone@ours.example"}"#)).await;
    gone.capture = text(&answer.json(), "/id");
    gone.guest = text(&app.capture(owner, &gone.capture).await, "/guests/0/id");
    gone.event = event(app, owner).await.0;
    // The capture goes with the only guest on it.
    for target in [
        ErasureTarget::Guest(gone.guest.parse().expect("an id")),
        ErasureTarget::Event(gone.event.parse().expect("an id")),
    ] {
        told(app.http.services().privacy.erase(&actor, &target).await);
    }
    gone
}

/// Whether the request erases, which is answered with the first erasure when it was done before.
fn erases(attempt: &Attempt) -> bool {
    let name = attempt.name();
    ["erase", "/api/v1/erasures", "delete_guest", "DELETE /api/v1/guests"].iter().any(|part| name.contains(part))
}

/// One caller's attempts.
struct Run<'a> {
    app: &'a App,
    ours: &'a Tenant,
    session: As,
    token: &'a As,
    /// An editor may meet the missing permission before the missing object.
    editor: bool,
    count: usize,
    wrong: Vec<String>,
}

impl Run<'_> {
    async fn send(&mut self, attempt: &Attempt) -> Answer {
        self.count += 1;
        attempt.send(self.app, caller(attempt, &self.session, self.token)).await
    }

    /// Our own requests with `id` in one place.
    fn with(&self, place: &Place, id: &str) -> Vec<Attempt> {
        let mut of = self.ours.clone();
        (place.set)(&mut of, id.to_owned());
        attempts(&of, self.ours).into_iter().filter(|attempt| attempt.holds(id)).collect()
    }

    async fn refused(&mut self, what: &str, attempt: &Attempt) -> Answer {
        let answer = self.send(attempt).await;
        let fits = match answer.status {
            StatusCode::NOT_FOUND => true,
            StatusCode::FORBIDDEN => self.editor,
            status => what != "foreign" && status.is_client_error(),
        };
        if !fits {
            let short: String = attempt.name().chars().take(200).collect();
            self.wrong.push(format!("{what}: {short}: {}", answer.status));
        }
        answer
    }

    /// The foreign one beside the one that nobody has.
    async fn alike(&mut self, (foreign, id): (&Attempt, &str), (missing, nobody): (&Attempt, &str)) {
        let foreign_answer = self.refused("foreign", foreign).await;
        let missing_answer = self.refused("nobody's", missing).await;
        if unnamed(&foreign_answer, id) != unnamed(&missing_answer, nobody) {
            self.wrong.push(format!("{} is answered otherwise than what does not exist", foreign.name()));
        }
    }

    async fn place(&mut self, place: &Place, theirs: &Tenant, gone: &Tenant) {
        let (own, foreign) = ((place.get)(self.ours).to_owned(), (place.get)(theirs).to_owned());
        assert_ne!(own, foreign, "{}", place.name);
        let nobody = nobodys(&foreign);
        let (with_foreign, with_nobody) = (self.with(place, &foreign), self.with(place, &nobody));
        assert_eq!(with_foreign.len(), with_nobody.len());
        assert!(!with_foreign.is_empty(), "nothing takes the id of a {}", place.name);
        for (one, other) in with_foreign.iter().zip(&with_nobody) {
            self.alike((one, &foreign), (other, &nobody)).await;
        }
        for (what, id) in misspelt(&foreign) {
            for attempt in self.with(place, &id) {
                self.refused(what, &attempt).await;
            }
        }
        // Our own ids of other kinds: the caller may see each of them, in its own place.
        for other in PLACES.iter().filter(|other| other.name != place.name).take(3) {
            let id = (other.get)(self.ours).to_owned();
            for attempt in attempts_with(self.ours, place, &id) {
                self.refused("of another kind", &attempt).await;
            }
        }
        let dead = (place.get)(gone).to_owned();
        if dead != own {
            for attempt in self.with(place, &dead).iter().filter(|attempt| !erases(attempt)) {
                self.refused("erased", attempt).await;
            }
        }
    }
}

/// The requests that change when this place is filled otherwise, filled with an id that may stand elsewhere too.
fn attempts_with(ours: &Tenant, place: &Place, id: &str) -> Vec<Attempt> {
    let mut of = ours.clone();
    (place.set)(&mut of, id.to_owned());
    let (before, after) = (attempts(ours, ours), attempts(&of, ours));
    // The trash takes whatever can lie in it, by the kind that the id itself names.
    let by_prefix = |attempt: &Attempt| attempt.name().contains("/trash");
    let changed = before.iter().zip(after).filter(|(before, after)| before.name() != after.name());
    changed.map(|(_, after)| after).filter(|after| !by_prefix(after)).collect()
}

async fn leak_nothing(kind: &str) {
    let found: Vec<App> = apps().await.into_iter().filter(|app| app.database.kind == kind).collect();
    assert_eq!(found.len(), 1, "the name of the database");
    for app in found {
        let (ours, theirs) = (tenant(&app, "ours").await, tenant(&app, "theirs").await);
        let owner = app.sign_in(&ours.email(Role::Owner)).await;
        let gone = erased(&app, &ours, &owner).await;
        let more = more(&app, &theirs, &ours).await;
        let mut count = 0;
        for (role, token) in [(Role::Owner, &ours.admin_token), (Role::Editor, &ours.editor_token)] {
            let session = app.sign_in(&ours.email(role)).await;
            app.get("/api/v1/token", token).await;
            let editor = role == Role::Editor;
            let mut run = Run { app: &app, ours: &ours, session, token, editor, count: 0, wrong: Vec::new() };
            for place in PLACES {
                let before = app.database.dump().await;
                run.place(place, &theirs, &gone).await;
                assert!(app.database.dump().await == before, "an attempt on a {} changed the database", place.name);
            }
            let before = app.database.dump().await;
            for (foreign, missing) in &more {
                for (foreign, missing) in foreign.iter().zip(missing) {
                    let answers = (run.send(foreign).await, run.send(missing).await);
                    let told = [&answers.0, &answers.1].map(|answer| answer.status.is_client_error());
                    let names = foreign.ids().into_iter().zip(missing.ids());
                    let (mut one, mut other) = (unnamed(&answers.0, "no id"), unnamed(&answers.1, "no id"));
                    for (foreign, missing) in names {
                        one.1 = one.1.replace(&foreign, "ID");
                        other.1 = other.1.replace(&missing, "ID");
                    }
                    if told != [true, true] || one != other {
                        run.wrong.push(format!("{}: {} and {}", foreign.name(), one.0, other.0));
                    }
                }
            }
            assert!(app.database.dump().await == before, "an attempt changed the database");
            assert!(run.wrong.is_empty(), "{kind}, {role:?}, {} wrong:\n{}", run.wrong.len(), run.wrong.join("\n"));
            count += run.count;
        }
        assert!(count >= 2_000, "{count} attempts");
    }
}

// One test a database, so that they run side by side.
#[tokio::test(flavor = "multi_thread")]
async fn no_id_of_any_spelling_leads_into_another_organisation_on_sqlite() {
    leak_nothing("sqlite").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_id_of_any_spelling_leads_into_another_organisation_on_postgres() {
    leak_nothing("postgres").await;
}
