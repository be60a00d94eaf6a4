//! What is taken away is gone at once: requests race against the revocation of what they come with, and none that begins
//! after its answer is served.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::json;
use shutterpost_backend::identity::PasswordPolicy;
use shutterpost_backend::identity::admin::{NewMember, create_member};
use shutterpost_model::access::Role;
use shutterpost_model::events::DeviceDraft;
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::tokens::{Lifetime, Scopes, TokenDraft};

use crate::staff;
use crate::support::{App, As, PASSWORD, Tenant, apps, tenant};

/// Rounds of each kind on each database, 500 together. Fewer where each needs a sign-in, which costs a hash.
const SESSIONS: usize = 60;
const MEMBERSHIPS: usize = 60;
const ROLES: usize = 100;
const TOKENS: usize = 120;
const DEVICES: usize = 100;
const GRANTS: usize = 60;

/// Requests at a time.
const AT_ONCE: usize = 2;

/// Where the racing requests knock. What each asks for changes nothing.
#[derive(Debug, Clone, Copy)]
enum Door {
    /// What every member may.
    List,
    /// What an editor may and a viewer may not.
    Delete,
    Token,
    Upload,
}

/// An installation with an organisation in it, for several tasks.
#[derive(Clone)]
struct Place {
    app: Arc<App>,
    home: Arc<Tenant>,
    door: Door,
}

impl Place {
    /// Whether the door opens for them now.
    async fn opens(&self, who: &As) -> bool {
        let (app, event) = (&self.app, &self.home.event);
        let status = match self.door {
            Door::List => {
                let input = json!({ "event": event, "filter": {}, "cursor": null, "limit": 1 });
                app.call("cms/captures/list", who, input).await.status
            }
            Door::Delete => {
                app.call("cms/captures/delete", who, json!({ "event": event, "captures": [] })).await.status
            }
            Door::Token => app.get("/api/v1/token", who).await.status,
            Door::Upload => {
                let path = format!("/api/v1/events/{event}/captures");
                app.send(app.request("POST", &path, who).body(Body::empty()).expect("a request")).await.status
            }
        };
        assert!(!status.is_server_error(), "{status}");
        !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
    }
}

/// What came of all rounds.
#[derive(Debug, Default)]
struct Tally {
    rounds: usize,
    /// Served before the revocation's answer.
    served: usize,
    /// Served although they began after it.
    late: usize,
}

impl Tally {
    /// One round: the form that revokes, sent while requests are under way.
    async fn race(&mut self, place: &Place, who: &As, (path, by, fields): (&str, &As, &[(&str, &str)])) {
        assert!(place.opens(who).await, "{:?}, before anything is revoked", place.door);
        let revoked = Arc::new(AtomicBool::new(false));
        let requests = (0..AT_ONCE).map(|_| {
            let (place, who, revoked) = (place.clone(), who.clone(), Arc::clone(&revoked));
            tokio::spawn(async move {
                let mut served = 0;
                loop {
                    let late = revoked.load(Ordering::SeqCst);
                    let opened = place.opens(&who).await;
                    if late {
                        return (served, usize::from(opened));
                    }
                    served += usize::from(opened);
                }
            })
        });
        let requests: Vec<_> = requests.collect();
        let answer = place.app.form(path, by, fields).await;
        revoked.store(true, Ordering::SeqCst);
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        self.rounds += 1;
        for request in requests {
            let (served, late) = request.await.expect("no panic");
            self.served += served;
            self.late += late;
        }
        self.late += usize::from(place.opens(who).await);
    }
}

async fn sessions(tally: &mut Tally, place: &Place) {
    for _ in 0..SESSIONS {
        let who = place.app.sign_in(&place.home.email(Role::Viewer)).await;
        tally.race(place, &who, ("/cms/sign-out", &who, &[])).await;
    }
}

async fn people(tally: &mut Tally, place: &Place, owner: &As) {
    let (app, home) = (&place.app, &place.home);
    let email = "racer@home.example";
    let member = NewMember {
        name: Pii::new("Racer".into()),
        email: Pii::new(email.into()),
        password: Secret::new(PASSWORD.into()),
        role: Role::Editor,
        language: Language::English,
    };
    let user = create_member(&app.deps, PasswordPolicy::FLOOR, &home.organisation, member).await.expect("created");
    let user = user.as_str();
    let delete = Place { door: Door::Delete, ..place.clone() };
    let who = app.sign_in(email).await;
    for _ in 0..ROLES {
        let role = |role| [("intent", "role"), ("user", user), ("role", role)];
        tally.race(&delete, &who, ("/cms/people", owner, &role("viewer"))).await;
        let answer = app.form("/cms/people", owner, &role("editor")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    }
    for _ in 0..MEMBERSHIPS {
        let who = app.sign_in(email).await;
        tally.race(place, &who, ("/cms/people", owner, &[("intent", "remove"), ("user", user)])).await;
        let answer = app.form("/cms/trash", owner, &[("intent", "restore"), ("item", user)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        assert!(!place.opens(&who).await, "the old session stays ended when the member is back");
    }
}

async fn bearers(tally: &mut Tally, place: &Place, owner: &As) {
    let (app, event) = (&place.app, &place.home.event);
    let (actor, services) = (app.actor(owner).await, app.http.services());
    let tokens = Place { door: Door::Token, ..place.clone() };
    for _ in 0..TOKENS {
        let draft = TokenDraft { name: "Racer".into(), scopes: Scopes::reading(), lifetime: Lifetime::Days(7) };
        let issued = services.directory.create_token(&actor, draft).await.expect("issued");
        let (who, token) = (As::Bearer(issued.secret.expose().to_owned()), issued.item);
        let fields = [("intent", "revoke"), ("token", token.as_str())];
        tally.race(&tokens, &who, ("/cms/tokens", owner, &fields)).await;
    }
    let devices = Place { door: Door::Upload, ..place.clone() };
    let id = event.parse().expect("an id");
    for _ in 0..DEVICES {
        let issued = services.events.create_device(&actor, &id, DeviceDraft { name: "Racer".into() }).await;
        let issued = issued.expect("issued");
        let (who, device) = (As::Bearer(issued.secret.expose().to_owned()), issued.item);
        let path = format!("/cms/events/{event}/devices");
        let fields = [("intent", "revoke"), ("device", device.id.as_str())];
        tally.race(&devices, &who, (&path, owner, &fields)).await;
    }
}

async fn grants(tally: &mut Tally, place: &Place, owner: &As) {
    let (app, home) = (&place.app, &place.home);
    let mut who = staff::join(app, "racer@shutterpost.example").await.sign_in(app).await;
    for _ in 0..GRANTS {
        let grant = staff::let_in(app, home, &mut who, "read").await;
        let fields = [("intent", "end"), ("grant", grant.as_str())];
        tally.race(place, &who, ("/cms/support-access", owner, &fields)).await;
        let answer = app.form("/support", &who, &[("intent", "leave")]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_served_that_begins_after_a_revocation() {
    for app in apps().await {
        let kind = app.database.kind;
        let home = tenant(&app, "home").await;
        let place = Place { app: Arc::new(app), home: Arc::new(home), door: Door::List };
        let owner = place.app.sign_in(&place.home.email(Role::Owner)).await;
        let mut tally = Tally::default();
        sessions(&mut tally, &place).await;
        people(&mut tally, &place, &owner).await;
        bearers(&mut tally, &place, &owner).await;
        grants(&mut tally, &place, &owner).await;
        assert_eq!((tally.rounds, tally.late), (500, 0), "{kind}: {tally:?}");
        assert!(tally.served > 100, "the control: requests were under way: {tally:?}");
    }
}
