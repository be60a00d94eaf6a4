//! No personal value that goes in through a door is found in what is stored or logged, however it may be written.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use aho_corasick::AhoCorasick;
use axum::http::StatusCode;
use data_encoding::{BASE32, BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use sha2::{Digest, Sha256};
use shutterpost::http::registry::routes;
use shutterpost_model::access::Role;
use shutterpost_model::audit::AuditFilter;
use shutterpost_model::pii::Secret;
use tracing_subscriber::fmt::MakeWriter;

use crate::factor;
use crate::support::{Answer, App, As, PASSWORD, Tenant, apps, cookie_of, issued, path_of, tenant};

/// Small, since it is uploaded often.
const PHOTO: &[u8] = include_bytes!("../../backend/src/ingest/fixture/turned.jpg");

/// Guests taken in, each with name, address and telephone number.
const GUESTS: usize = 45;
/// Of each: invited people, devices, API tokens.
const EACH: usize = 22;

/// Passwords that somebody typed by mistake, and chose instead of the first.
const MISTYPED: &str = "harvest-window-marble-31";
const CHANGED: &str = "quarry-violet-lantern-77-tide";

/// Everything that the program says, at the level that says most.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Said {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The ways in which a value might lie about.
fn encodings(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = value.as_bytes();
    // Base64 of a text depends on where in the text the value begins; the middle is the same.
    let base64 = |skip: usize| {
        let text = BASE64.encode(&bytes[skip..skip + (bytes.len() - skip) / 3 * 3]);
        text.into_bytes()
    };
    vec![
        ("plain", bytes.to_vec()),
        ("lower case", value.to_lowercase().into_bytes()),
        ("upper case", value.to_uppercase().into_bytes()),
        ("hexadecimal", HEXLOWER.encode(bytes).into_bytes()),
        ("hexadecimal, upper case", HEXUPPER.encode(bytes).into_bytes()),
        ("base64", base64(0)),
        ("base64, one on", base64(1)),
        ("base64, two on", base64(2)),
        ("base64url", BASE64URL_NOPAD.encode(bytes).into_bytes()),
        ("base32", BASE32.encode(bytes).into_bytes()),
        ("UTF-16, little end first", value.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("UTF-16, big end first", value.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("percent", bytes.iter().map(|byte| format!("%{byte:02X}")).collect::<String>().into_bytes()),
        ("percent, as in a form", value.replace('@', "%40").replace('+', "%2B").replace(' ', "+").into_bytes()),
        ("backwards", bytes.iter().rev().copied().collect()),
        ("SHA-256", Sha256::digest(bytes).to_vec()),
        ("SHA-256, hexadecimal", HEXLOWER.encode(&Sha256::digest(bytes)).into_bytes()),
    ]
}

/// Looks for all values in all spellings at once.
struct Search {
    patterns: AhoCorasick,
    names: Vec<String>,
}

impl Search {
    fn new(values: &[String]) -> Self {
        let (mut patterns, mut names) = (Vec::new(), Vec::new());
        for value in values {
            for (encoding, bytes) in encodings(value) {
                patterns.push(bytes);
                names.push(format!("{value} ({encoding})"));
            }
        }
        Self { patterns: AhoCorasick::new(&patterns).expect("few enough"), names }
    }

    fn find(&self, bytes: &[u8]) -> Vec<&str> {
        self.patterns.find_iter(bytes).map(|found| self.names[found.pattern().as_usize()].as_str()).collect()
    }
}

/// Every file below a folder.
fn files(folder: &Path, all: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, all);
        } else {
            all.insert(path.display().to_string(), std::fs::read(&path).expect("a file"));
        }
    }
}

/// Everything that one installation keeps: files, and on PostgreSQL the rows of both databases. The local outbox is left
/// out: it stands for the mail server and holds what was sent.
async fn kept(app: &App) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    files(app.database.folder(), &mut all);
    all.retain(|name, _| !name.contains("/outbox/"));
    all.insert("rows".into(), app.database.dump().await.into_bytes());
    all.insert("rows of the key store".into(), app.database.dump_keys().await.into_bytes());
    all
}

/// Sends personal data in through every door that takes some, and gives the values.
async fn enter(app: &App, home: &Tenant) -> (Vec<String>, Signed) {
    let mut values = Vec::new();
    let mut value = |text: String| {
        values.push(text.clone());
        text
    };
    let mark = |kind: &str, n: usize| format!("{kind}{}", BASE32.encode(&Sha256::digest(format!("{kind}{n}"))[..10]));
    let owner = app.sign_in(&format!("owner@{}.example", home.name)).await;
    for n in 0..GUESTS {
        let name = value(format!("Anna {}", mark("Name", n)));
        let email = value(format!("{}@canary.example", mark("Mail", n).to_lowercase()));
        let phone = value(format!("+4915{:09}", 123_456_789 + 7_654_321 * n));
        let guest = serde_json::json!({
            "name": name, "email": email, "phone": phone,
            "consents": [{ "purpose": "delivery", "granted": true }],
        });
        let answer = app.upload(&home.event, &home.device, &format!("c{n}"), PHOTO, Some(&guest.to_string())).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        let url = answer.json()["share_url"].as_str().expect("a link").to_owned();
        assert_eq!(app.get(&path_of(&url), &As::Nobody).await.status, StatusCode::OK);
    }
    for n in 0..EACH {
        let email = value(format!("{}@people.example", mark("Invited", n).to_lowercase()));
        let fields = [("intent", "invite"), ("email", &*email), ("role", "viewer"), ("language", "en")];
        assert_eq!(app.form("/cms/people", &owner, &fields).await.status, StatusCode::SEE_OTHER);
        let device = value(format!("Booth of {}", mark("Device", n)));
        let path = format!("/cms/events/{}/devices", home.event);
        assert_eq!(app.form(&path, &owner, &[("intent", "create"), ("name", &device)]).await.status, StatusCode::OK);
        let token = value(format!("Key of {}", mark("Token", n)));
        let fields = [("intent", "create"), ("name", &*token), ("preset", "read"), ("expires", "7")];
        let As::Bearer(secret) = issued(app, "/cms/tokens", &owner, &fields).await else { unreachable!() };
        assert_eq!(app.get("/api/v1/token", &As::Bearer(value(secret))).await.status, StatusCode::OK);
        // Addresses that nobody here has.
        let stranger = value(format!("{}@strangers.example", mark("Stranger", n).to_lowercase()));
        app.form("/cms/sign-in", &As::Nobody, &[("email", &stranger), ("password", PASSWORD)]).await;
        app.form("/cms/forgot", &As::Nobody, &[("email", &stranger)]).await;
    }
    let me = value(format!("Olivia {}", mark("Owner", 0)));
    let fields = [("intent", "profile"), ("name", &*me), ("language", "en")];
    assert_eq!(app.form("/cms/account", &owner, &fields).await.status, StatusCode::SEE_OTHER);
    value(format!("owner@{}.example", home.name));
    let signed = signed(app, home, owner).await;
    values.extend(signed.secrets.iter().cloned());
    (values, signed)
}

fn cookie(who: &As) -> String {
    match who {
        As::Cookie(cookie) | As::Pending(cookie) | As::Staff(cookie) | As::StaffPending(cookie) => cookie.clone(),
        As::Nobody | As::Bearer(_) => panic!("no cookie"),
    }
}

/// People with their cookies, and all that they signed in by.
struct Signed {
    owner: As,
    staff: As,
    secrets: Vec<String>,
}

/// Cases 94 and 126: by what people sign in. Cookies of every kind, each of them used, passwords, recovery codes and what
/// an app computes its codes from.
async fn signed(app: &App, home: &Tenant, owner: As) -> Signed {
    let mut secrets = vec![cookie(&owner), PASSWORD.to_owned()];
    let editor = home.email(Role::Editor);
    let fields = [("email", &*editor), ("password", MISTYPED)];
    assert_eq!(app.form("/cms/sign-in", &As::Nobody, &fields).await.status, StatusCode::UNAUTHORIZED);
    let session = app.sign_in(&editor).await;
    let fields = [("intent", "password"), ("current", PASSWORD), ("new", CHANGED)];
    let answer = app.form("/cms/account", &session, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    secrets.extend([cookie(&session), cookie_of(&answer), MISTYPED.to_owned(), CHANGED.to_owned()]);

    let viewer = home.email(Role::Viewer);
    let actor = app.actor(&app.sign_in(&viewer).await).await;
    let security = &app.http.services().security;
    security.begin_totp(&actor).await.expect("begun");
    let setup = security.totp_setup(&actor).await.expect("read").expect("waits");
    let shown = Secret::new(factor::code(app, &setup.secret));
    let (_, codes) = security.confirm_totp(&actor, shown).await.expect("the code is right");
    secrets.push(setup.secret.expose().to_owned());
    secrets.extend(codes.iter().map(|code| code.expose().to_owned()));
    let pending = factor::half_signed_in(app, &viewer).await;
    // Typed twice: the second time it is used up.
    let code = [("code", codes.first().expect("codes").expose())];
    let answer = app.form("/cms/sign-in/code", &pending, &code).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let all = answer.headers.get_all("set-cookie").iter().filter_map(|set| set.to_str().ok());
    let mut set = all.filter_map(|set| factor::value(set, "__Host-shutterpost"));
    secrets.extend([cookie(&pending), set.next().expect("a session")]);
    let pending = factor::half_signed_in(app, &viewer).await;
    let refused = app.form("/cms/sign-in/code", &pending, &code).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    secrets.push(cookie(&pending));

    let answer = app.get(&format!("/sso/{}/start", home.saml), &As::Nobody).await;
    secrets.push(crate::sso::set(&answer, "__Host-shutterpost-sso").expect("its cookie"));
    secrets.push(crate::passkeys::asked(app, "/cms/sign-in/passkey", &As::Nobody).await.1);
    let mut sam = crate::staff::join(app, crate::staff::READER).await;
    let (pending, staff) = (sam.half_signed_in(app).await, sam.sign_in(app).await);
    assert_eq!(app.get("/support", &staff).await.status, StatusCode::OK);
    secrets.extend([cookie(&pending), cookie(&staff)]);
    Signed { owner, staff, secrets }
}

/// Looks for what signs people in, in every page as its readers see it, in pages of errors, and in forms that come back;
/// the header that sets a cookie is the one place that holds it. Then in the organisation's own trail.
async fn shown(app: &App, home: &Tenant, signed: &Signed) {
    let search = Search::new(&signed.secrets);
    let find = |what: &str, answer: &Answer| {
        let mut headers = answer.headers.clone();
        headers.remove("set-cookie");
        let headers: Vec<&[u8]> = headers.values().map(|value| value.as_bytes()).collect();
        for bytes in [headers.join(&b'\n'), answer.body.clone()] {
            assert_eq!(search.find(&bytes), [""; 0], "{}: {what}", app.database.kind);
        }
    };
    let mut count = 0;
    for spec in routes(&app.http).iter().map(|route| route.spec).filter(|spec| spec.method == "GET") {
        let path = crate::matrix::concrete(&spec, home);
        for who in [&signed.owner, &signed.staff, &As::Nobody] {
            let answer = app.get(&path, who).await;
            count += usize::from(answer.status == StatusCode::OK);
            find(&path, &answer);
        }
    }
    assert!(count > 60, "{count} pages");
    for (path, fields) in [
        ("/cms/nonsense", [("email", "x"), ("password", PASSWORD)]),
        ("/cms/sign-in", [("email", "who@home.example"), ("password", MISTYPED)]),
        ("/cms/account", [("intent", "password"), ("current", MISTYPED)]),
        ("/cms/events/new", [("name", ""), ("password", PASSWORD)]),
        ("/cms/people", [("intent", "invite"), ("proof", MISTYPED)]),
    ] {
        let answer = app.form(path, &signed.owner, &fields).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
        find(path, &answer);
    }
    let (actor, mut cursor) = (app.actor(&signed.owner).await, None);
    let mut trail = String::new();
    loop {
        let page = app.http.services().audit.list(&actor, AuditFilter::default(), cursor).await.expect("read");
        trail.push_str(&serde_json::to_string(&page.items).expect("JSON"));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert!(trail.len() > 10_000, "{trail}");
    assert_eq!(search.find(trail.as_bytes()), [""; 0], "{}: the trail", app.database.kind);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_is_found_in_what_is_kept_or_said() {
    let said = Said::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(said.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).expect("a process of its own");
    for app in apps().await {
        let home = tenant(&app, "home").await;
        let (values, signed) = enter(&app, &home).await;
        assert!(values.len() >= 200, "{}", values.len());
        while app.work().await > 0 {}

        // Errors say more than successes: a store that refuses, with a guest's data at hand.
        let hidden = app.media.with_extension("hidden");
        std::fs::rename(&app.media, &hidden).expect("moved away");
        std::fs::write(&app.media, b"in the way").expect("written");
        let failing = values[1].clone();
        let guest = serde_json::json!({ "name": values[0], "email": failing });
        let answer = app.upload(&home.event, &home.device, "fails", PHOTO, Some(&guest.to_string())).await;
        assert!(answer.status.is_server_error(), "{}", answer.text());
        let search = Search::new(&values);
        assert_eq!(search.find(&answer.body), [""; 0], "{}: the error's answer", app.database.kind);
        std::fs::remove_file(&app.media).expect("removed");
        std::fs::rename(&hidden, &app.media).expect("moved back");

        shown(&app, &home, &signed).await;
        let kept = kept(&app).await;
        for (name, bytes) in &kept {
            let found = search.find(bytes);
            assert!(found.is_empty(), "{}: {name} holds {:?}", app.database.kind, &found[..found.len().min(5)]);
        }
        // The search does find: names of events are not sealed, and the outbox holds the mails.
        let control = Search::new(&["Party".to_owned()]);
        assert!(kept.values().any(|bytes| !control.find(bytes).is_empty()), "{}", app.database.kind);
        let mut outbox = BTreeMap::new();
        files(&app.database.folder().join("outbox"), &mut outbox);
        assert!(outbox.values().any(|bytes| !search.find(bytes).is_empty()), "{}", app.database.kind);
        // So do the databases: what was sealed opens.
        let page = app.get("/cms/people", &app.sign_in("owner@home.example").await).await.text();
        assert!(page.contains(&values[3 * GUESTS]), "{}", app.database.kind);

        // What operators' programs are told.
        let metrics = app.metrics.text().expect("written");
        assert!(metrics.contains("/cms/people"), "{metrics}");
        assert_eq!(search.find(metrics.as_bytes()), [""; 0], "{}: the metrics", app.database.kind);
        // What becomes the head of a mail: only the line with the receiver says who that is.
        let mails = app.outbox.list().await.expect("the outbox can be read");
        assert!(mails.len() >= GUESTS, "{}", mails.len());
        for mail in mails {
            let mut head = serde_json::to_value(&mail).expect("JSON");
            for field in ["to", "text", "html"] {
                assert!(head.as_object_mut().expect("an object").remove(field).is_some(), "{field}");
            }
            assert_eq!(search.find(head.to_string().as_bytes()), [""; 0], "{}: a mail's head", app.database.kind);
        }

        let said = said.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(said.len() > 10_000, "the log says something");
        let found = search.find(&said);
        assert!(found.is_empty(), "{}: the log holds {:?}", app.database.kind, &found[..found.len().min(5)]);
    }
}
