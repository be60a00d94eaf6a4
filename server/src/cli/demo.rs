//! Seeds the demo through the same doors as people use: accounts, an event with branding, devices, uploads. A second
//! run finds what is there and changes nothing.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use shutterpost_backend::identity::PasswordPolicy;
use shutterpost_backend::identity::admin::{self, NewMember};
use shutterpost_backend::ingest::bulk;
use shutterpost_backend::services::Deps;
use shutterpost_model::access::{Actor, Role};
use shutterpost_model::captures::CaptureFilter;
use shutterpost_model::error::AppError;
use shutterpost_model::events::{BrandTexts, Branding, DeviceDraft, EventDraft, LogoChange};
use shutterpost_model::guests::GuestInput;
use shutterpost_model::id::EventId;
use shutterpost_model::identity::{Client, SignIn};
use shutterpost_model::ingest::Upload;
use shutterpost_model::language::Language;
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_model::services::Services;
use shutterpost_model::share::LinkKind;
use shutterpost_model::time::DAY;
use shutterpost_model::tokens::{Lifetime, Scopes, TokenDraft};

use super::CommandError;
use super::admin::told;
use crate::config::Config;
use crate::wiring;

const ORGANISATION: &str = "Nordlicht Events";
/// The demo is for a machine of one's own; its password is printed and no secret.
const PASSWORD: &str = "lantern-harbour-violet-42";

#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Where to write what one needs to sign in.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Adds so many captures that share one picture, for measurements.
    #[arg(long, default_value_t = 0)]
    bulk: u32,
}

struct Person {
    name: &'static str,
    email: &'static str,
    role: Role,
}

const PEOPLE: [Person; 5] = [
    Person { name: "Olivia Berg", email: "owner@nordlicht.example", role: Role::Owner },
    Person { name: "Adam Kessler", email: "admin@nordlicht.example", role: Role::Admin },
    Person { name: "Eda Yilmaz", email: "editor@nordlicht.example", role: Role::Editor },
    Person { name: "Viktor Lund", email: "viewer@nordlicht.example", role: Role::Viewer },
    Person { name: "Rosa Marin", email: "reporter@nordlicht.example", role: Role::Reporter },
];

struct Shot {
    bytes: &'static [u8],
    /// JSON of a guest, if the shot has one.
    guest: Option<&'static str>,
    minutes_ago: i64,
}

const SHOTS: [Shot; 8] = [
    Shot {
        bytes: include_bytes!("../../assets/demo/one.jpg"),
        guest: Some(
            r#"{"name":"Mara Winter","email":"mara@example.com","language":"de","consents":[{"purpose":"delivery","granted":true},{"purpose":"marketing","granted":false}]}"#,
        ),
        minutes_ago: 6,
    },
    Shot {
        bytes: include_bytes!("../../assets/demo/two.jpg"),
        guest: Some(
            r#"{"name":"Jonas Falk","email":"jonas@example.com","language":"en","consents":[{"purpose":"delivery","granted":true},{"purpose":"marketing","granted":true}]}"#,
        ),
        minutes_ago: 14,
    },
    Shot { bytes: include_bytes!("../../assets/demo/three.jpg"), guest: None, minutes_ago: 22 },
    Shot {
        bytes: include_bytes!("../../assets/demo/four.jpg"),
        guest: Some(
            r#"{"name":"Leonie Sommerfeld","email":"leonie@example.com","language":"de","consents":[{"purpose":"delivery","granted":true}]}"#,
        ),
        minutes_ago: 31,
    },
    Shot { bytes: include_bytes!("../../assets/demo/five.jpg"), guest: None, minutes_ago: 47 },
    Shot {
        bytes: include_bytes!("../../assets/demo/six.jpg"),
        guest: Some(
            r#"{"name":"Mara Winter","email":"mara@example.com","language":"de","consents":[{"purpose":"delivery","granted":true}]}"#,
        ),
        minutes_ago: 58,
    },
    Shot { bytes: include_bytes!("../../assets/demo/two.jpg"), guest: None, minutes_ago: 60 * 22 },
    Shot { bytes: include_bytes!("../../assets/demo/one.jpg"), guest: None, minutes_ago: 60 * 26 },
];

pub(super) async fn run(config: Config, arguments: DemoArguments) -> Result<(), CommandError> {
    let DemoArguments { json, bulk } = arguments;
    let deps = wiring::deps(&config).await?;
    let services = wiring::install(&config, deps.clone())?.services;
    let remembered = config.store.data.join("demo-secrets.json");
    let found = admin::find_organisation_by_name(&deps, ORGANISATION).await.map_err(|error| told(&error))?;
    let seeded = match (found, read(&remembered)) {
        (Some(_), Some(seeded)) => seeded,
        _ => {
            let seeded = seed(&config, &deps, &services).await.map_err(|error| told(&error))?;
            write_private(&remembered, &seeded)?;
            seeded
        }
    };
    if bulk > 0 {
        let event: EventId = seeded.get("event").and_then(Value::as_str).unwrap_or_default().parse()?;
        let token = seeded.get("api_token").and_then(Value::as_str).unwrap_or_default();
        let actor = services.accounts.bearer(token).await.map_err(|error| told(&error))?;
        let actor = actor.ok_or("the demo's API token was revoked; remove the data folder to seed anew")?;
        bulk::fill(&deps, &actor, &event, i64::from(bulk)).await.map_err(|error| told(&error))?;
    }
    let text = serde_json::to_string_pretty(&seeded)?;
    match json {
        Some(path) => write_private(&path, &seeded)?,
        None => eprintln!("{text}"),
    }
    Ok(())
}

fn read(path: &Path) -> Option<Value> {
    serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

/// Whole or not at all, and for nobody else to read: it holds tokens.
fn write_private(path: &Path, value: &Value) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let part = path.with_extension("part");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all(serde_json::to_string_pretty(value)?.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(part, path)
}

async fn seed(config: &Config, deps: &Deps, services: &Services) -> Result<Value, AppError> {
    let [owner, others @ ..] = &PEOPLE;
    let policy = PasswordPolicy::default();
    let password = || Secret::new(PASSWORD.to_owned());
    let pii = |text: &str| Pii::new(text.to_owned());
    let (organisation, _) =
        admin::create_owner(deps, policy, ORGANISATION, pii(owner.name), pii(owner.email), password()).await?;
    for Person { name, email, role } in others {
        let member = NewMember {
            name: pii(name),
            email: pii(email),
            password: password(),
            role: *role,
            language: Language::English,
        };
        admin::create_member(deps, policy, &organisation, member).await?;
    }
    let sign_in = SignIn { email: pii(owner.email), password: password(), remember: false };
    let session = services.accounts.sign_in(sign_in, Client::default()).await?.session();
    let session = session.ok_or(shutterpost_model::error::Code::Internal)?;
    let actor = services.accounts.session(session.cookie.expose()).await?;
    let actor = actor.ok_or(shutterpost_model::error::Code::Internal)?;

    let event = event(deps, services, &actor).await?;
    services.events.create_device(&actor, &event, DeviceDraft { name: "Roaming camera".into() }).await?;
    let device = services.events.create_device(&actor, &event, DeviceDraft { name: "Booth by the bar".into() }).await?;
    let scopes = Scopes::of_role(Role::Editor);
    let token = TokenDraft { name: "Website integration".into(), scopes, lifetime: Lifetime::Days(Lifetime::MOST) };
    let token = services.directory.create_token(&actor, token).await?;
    shots(deps, services, &event, &device.secret).await?;
    let share = links(services, &actor, &event).await?;
    services.accounts.sign_out(&actor).await?;
    let users: Vec<_> = PEOPLE
        .iter()
        .map(|person| json!({ "email": person.email, "password": PASSWORD, "role": person.role }))
        .collect();
    Ok(json!({
        "url": config.http.origin,
        "organisation": organisation,
        "event": event,
        "users": users,
        "device_token": device.secret.expose(),
        "api_token": token.secret.expose(),
        "share": share,
    }))
}

async fn event(deps: &Deps, services: &Services, actor: &Actor) -> Result<EventId, AppError> {
    let today = deps.world.now().date();
    let draft = EventDraft {
        name: "Harbour Lights Summer Party".into(),
        starts_on: today.plus_days(-1),
        ends_on: today.plus_days(1),
        time_zone: "Europe/Berlin".into(),
        retention_days: shutterpost_model::events::RETENTION_DEFAULT,
    };
    let event = services.events.create(actor, draft).await?;
    let version = services.events.find(actor, &event).await?.version;
    let branding = Branding {
        accent: "#ffb84d".parse()?,
        backdrop: "#141a2e".parse()?,
        english: BrandTexts {
            headline: "What a night at the harbour!".into(),
            message: "Thank you for celebrating with us. Here is your photo – save it, share it, keep it.".into(),
            legal: "Nordlicht Events GmbH, Am Kai 7, 20457 Hamburg. Photos are kept until the date shown and then deleted."
                .into(),
            mail_subject: "Your photo from Harbour Lights".into(),
            mail_message: "It was great to have you with us. Your photo is waiting for you.".into(),
        },
        german: BrandTexts {
            headline: "Was für ein Abend am Hafen!".into(),
            message: "Danke, dass Sie mit uns gefeiert haben. Hier ist Ihr Foto – zum Speichern, Teilen und Behalten.".into(),
            legal: "Nordlicht Events GmbH, Am Kai 7, 20457 Hamburg. Fotos werden bis zum angegebenen Tag aufbewahrt und dann gelöscht."
                .into(),
            mail_subject: "Ihr Foto von Harbour Lights".into(),
            mail_message: "Schön, dass Sie bei uns waren. Ihr Foto wartet auf Sie.".into(),
        },
        privacy_url: "https://nordlicht.example/privacy".into(),
        imprint_url: "https://nordlicht.example/imprint".into(),
        mark_pictures: true,
    };
    let logo = LogoChange::Replace(include_bytes!("../../assets/demo/logo.png").to_vec());
    services.events.update_branding(actor, &event, branding, logo, version).await?;
    Ok(event)
}

async fn shots(deps: &Deps, services: &Services, event: &EventId, device: &Secret) -> Result<(), AppError> {
    let actor = services.accounts.bearer(device.expose()).await?;
    let actor = actor.ok_or(shutterpost_model::error::Code::Internal)?;
    let now = deps.world.now();
    for (index, shot) in SHOTS.iter().enumerate().rev() {
        let Shot { bytes, guest, minutes_ago } = shot;
        let guest = guest
            .map(|text| {
                serde_json::from_str::<GuestInput>(text)
                    .map_err(|_| AppError::new(shutterpost_model::error::Code::Internal))
            })
            .transpose()?
            .map(GuestInput::check)
            .transpose()?;
        let upload = Upload {
            bytes: bytes.to_vec(),
            declared: Some("image/jpeg".into()),
            guest,
            key: Some(format!("demo-{index}")),
            captured_at: Some(now.plus(-minutes_ago * DAY / (24 * 60))),
        };
        services.ingest.accept(&actor, event, upload).await?;
    }
    Ok(())
}

/// Both links of the newest capture that has a guest.
async fn links(services: &Services, actor: &Actor, event: &EventId) -> Result<Value, AppError> {
    let filter = CaptureFilter { guest: Some(true), ..CaptureFilter::default() };
    let page = services.captures.list(actor, event, filter, None, 1).await?;
    let newest = page.items.first().ok_or(shutterpost_model::error::Code::Internal)?;
    let links = services.captures.find(actor, &newest.id).await?.links;
    let url = |kind| links.iter().find(|link| link.kind == kind).and_then(|link| link.url.clone());
    Ok(json!({ "owner": url(LinkKind::Owner), "view": url(LinkKind::View) }))
}
