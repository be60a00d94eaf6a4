//! Sealing an older version's database, on both.

use shutterpost_model::access::Role;
use shutterpost_model::captures::{Asked, Captures, Encoding, RenditionFile, RenditionName};
use shutterpost_model::events::Events;
use shutterpost_model::guests::Guests;
use shutterpost_model::id::{CaptureId, DeviceId, EventId, GuestId, InvitationId, LogoId, TokenId};
use shutterpost_model::id::{OrganisationId, UserId};
use shutterpost_model::identity::{Accounts, Client, Directory, SignIn};
use shutterpost_model::pii::{Pii, Secret};
use shutterpost_vault::password::{self, Params};

use super::seal;
use crate::captures::CapturesService;
use crate::events::EventsService;
use crate::guests::{GuestsService, rows as guests};
use crate::identity::{AccountsService, DirectoryService, PasswordPolicy};
use crate::ingest::capture_parts;
use crate::keystore::{Lookup, Realm};
use crate::storage::SealedFile;
use crate::testing::unsealed_databases;

const PASSWORD: &str = "tulip carousel nineteen ferry";

/// Writes what an older version would have: values in their plain columns, files as they are.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_version_stored_is_sealed_and_stays_readable() {
    for test in unsealed_databases().await {
        let (deps, world) = (test.deps(), &test.world);
        let (org, user, event) = (world.id(OrganisationId::new), world.id(UserId::new), world.id(EventId::new));
        let (capture, twin) = (world.id(CaptureId::new), world.id(CaptureId::new));
        let (guest, device, token) = (world.id(GuestId::new), world.id(DeviceId::new), world.id(TokenId::new));
        let (invitation, logo) = (world.id(InvitationId::new), world.id(LogoId::new));
        let hash = password::hash(PASSWORD, Params::FLOOR, [7; 16]).expect("hashed");
        let hash = hash.as_str();
        let hex = |text: &str| match test.kind {
            "sqlite" => format!("x'{}'", data_encoding::HEXLOWER.encode(text.as_bytes())),
            _ => format!("'\\x{}'", data_encoding::HEXLOWER.encode(text.as_bytes())),
        };
        let (one, two, three) = (hex("1"), hex("2"), hex("3"));
        for (name, bytes) in [("aa/bb/original", "original"), ("aa/bb/web", "a web picture"), ("aa/bb/logo", "logo")] {
            let path = test.folder().join("objects").join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, bytes).expect("written");
        }
        test.execute(&format!(
            "INSERT INTO identity_organisations (id, name, created_at) VALUES ('{org}', 'Host', 0);
             INSERT INTO identity_users (id, email, name, language, password_hash, failures, throttled_until, created_at)
                 VALUES ('{user}', 'olga@host.example', 'Olga', 'en', '{hash}', 0, 0, 0);
             INSERT INTO identity_memberships (organisation_id, user_id, role, created_at)
                 VALUES ('{org}', '{user}', 'owner', 0);
             INSERT INTO identity_invitations (id, organisation_id, email, role, language, generation, token_hash,
                 created_at, expires_at)
                 VALUES ('{invitation}', '{org}', 'ivo@guest.example', 'viewer', 'en', 0, {one}, 0, 9000000000000);
             INSERT INTO identity_tokens (id, organisation_id, name, role, secret_hash, hint, created_at)
                 VALUES ('{token}', '{org}', 'Key of Tom', 'viewer', {two}, 'h', 0);
             INSERT INTO events (id, organisation_id, name, starts_on, ends_on, time_zone, retention_days, kept_until,
                 branding, logo_id, version, created_at)
                 VALUES ('{event}', '{org}', 'Gala', '2027-01-01', '2027-01-02', 'Europe/Berlin', 365, '2028-01-02',
                 '{{}}', '{logo}', 1, 0);
             INSERT INTO events_logos (id, organisation_id, event_id, width, height, object, created_at)
                 VALUES ('{logo}', '{org}', '{event}', 1, 1, 'aa/bb/logo', 0);
             INSERT INTO events_devices (id, organisation_id, event_id, name, secret_hash, hint, captures, created_at)
                 VALUES ('{device}', '{org}', '{event}', 'Booth of Ben', {three}, 'h', 0, 0);
             INSERT INTO guests (id, organisation_id, event_id, name, email, phone, language, created_at)
                 VALUES ('{guest}', '{org}', '{event}', 'Anna', 'anna@canary.example', NULL, 'de', 0);"
        ))
        .await;
        // Two that share their bytes, as measurements seed them.
        for id in [&capture, &twin] {
            test.execute(&format!(
                "INSERT INTO captures (id, organisation_id, event_id, uploader, media_type, width, height, size,
                     orientation, object, revision, captured_at, received_at, guests)
                     VALUES ('{id}', '{org}', '{event}', 'x', 'image/jpeg', 1, 1, 8, 1, 'aa/bb/original', 1, 0, 0, 1);
                 INSERT INTO captures_renditions (capture_id, name, encoding, organisation_id, width, height, size,
                     object, etag) VALUES ('{id}', 'web', 'jpg', '{org}', 1, 1, 13, 'aa/bb/web', 'e');"
            ))
            .await;
        }

        for _ in 0..2 {
            seal(&test.db, &test.url, &test.keystore, &deps.storage, world).await.expect("is sealed");
        }
        let dump = test.dump().await;
        for plain in ["olga", "Olga", "argon2", "ivo@", "Tom", "Ben", "Anna", "anna@", "aa/bb"] {
            assert!(!dump.contains(plain), "{}: {plain} is still there", test.kind);
        }
        for name in deps.storage.names().await {
            let stored = deps.storage.get_unsealed(&name).await.expect("is there");
            assert!(SealedFile::is_one(&stored), "{}: {name}", test.kind);
        }
        assert_eq!(deps.storage.names().await.len(), 3);

        let accounts = AccountsService::new(deps.clone(), PasswordPolicy::FLOOR);
        let (email, password) = (Pii::new("olga@host.example".into()), Secret::new(PASSWORD.into()));
        let session = accounts.sign_in(SignIn { email, password, remember: false }, Client::default()).await;
        let session = session.expect("the password is good").session().expect("a session");
        let owner = accounts.session(session.cookie.expose()).await.expect("read").expect("signed in");
        assert_eq!(owner.role(), Some(Role::Owner));
        let directory = DirectoryService::new(deps.clone());
        let people = directory.people(&owner).await.expect("people");
        assert_eq!((people.members[0].name.get().as_str(), people.members.len()), ("Olga", 1));
        assert_eq!(people.invitations[0].email.get(), "ivo@guest.example");
        let token = &directory.tokens(&owner).await.expect("tokens")[0];
        assert_eq!((token.name.as_str(), token.role), ("Key of Tom", Role::Viewer));
        assert_eq!((token.scopes, token.expires_at), (None, None), "it goes on as it was");
        let events = EventsService::new(deps.clone());
        assert_eq!(events.devices(&owner, &event).await.expect("devices")[0].name, "Booth of Ben");
        assert_eq!(events.logo(&owner, &event, &logo).await.expect("the logo"), b"logo");
        let view = GuestsService::new(deps.clone()).reveal(&owner, &guest).await.expect("the guest");
        assert_eq!(view.email.expect("has one").get(), "anna@canary.example");
        let lookup = Lookup::within(Realm::Organisation(org.clone()), guests::BY_CONTACT, event.as_str());
        let holder = test.keystore.holder(&lookup, "email:anna@canary.example").await.expect("asked");
        assert_eq!(holder.as_deref(), Some(guest.as_str()));
        let captures = CapturesService::new(deps.clone(), capture_parts(&deps));
        let file = RenditionFile { name: RenditionName::Web, encoding: Encoding::Jpeg, revision: 1 };
        for id in [&capture, &twin] {
            let media = captures.media(&owner, id, file).await.expect("the picture");
            let piece = media.content.read(Asked::From(2, None)).await.expect("is read");
            assert_eq!(piece.bytes, b"web picture", "{}", test.kind);
        }
    }
}
